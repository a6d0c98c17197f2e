//! Starting, watching and ending `scripts/serve`, and what goes with it.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use edgewatch_harness::http::{self, Reply};
use edgewatch_harness::wait::wait_until;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A `scripts/serve` that runs.
pub struct Serve {
    child: Child,
    data: PathBuf,
    log: PathBuf,
    /// How long the log was before.
    begun: usize,
    /// What it listens on.
    pub port: u16,
    /// Its address.
    pub url: String,
}

fn script(name: &str) -> Command {
    let mut command = Command::new(format!("{ROOT}/scripts/{name}"));
    for name in ["EXPOSE_COST", "EDGEWATCH_KEY", "PUBLIC_URL", "EDGEWATCH_TOKEN"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

impl Serve {
    /// Starts it on a free port, unless `options` name one, and waits until it is ready.
    pub fn start(data: &Path, options: &[&str], environment: &[(&str, &str)]) -> Self {
        let named = options.iter().skip_while(|option| **option != "--port").nth(1).and_then(|port| port.parse().ok());
        let port = named.unwrap_or_else(|| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.local_addr().expect("an address").port()
        });
        let log = data.with_extension("log");
        let output = fs::File::options().create(true).append(true).open(&log).expect("the log can be written");
        let begun = fs::metadata(&log).map_or(0, |file| usize::try_from(file.len()).unwrap_or(0));
        let mut serve = script("serve");
        serve.args(["--no-build", "--port", &port.to_string(), "--data"]).arg(data);
        let child = serve
            .args(options)
            .envs(environment.iter().copied())
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(output)
            .spawn()
            .expect("scripts/serve starts");
        let mut serve =
            Self { child, data: data.to_owned(), log, begun, port, url: format!("http://127.0.0.1:{port}") };
        wait_until("ready", Duration::from_mins(2), || {
            let said = serve.said();
            assert!(serve.child.try_wait().expect("a child").is_none(), "scripts/serve has ended:\n{said}");
            // The last thing it says at a start, but for the word on who can log in.
            said.contains(" ready http").then_some(())
        });
        serve
    }

    /// What it has said since it was started.
    pub fn said(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(log.get(self.begun..).unwrap_or_default()).into_owned()
    }

    /// The process id of its workerd, once it has one.
    pub fn workerd(&self) -> u32 {
        let config = self.data.join("run/workerd.capnp").display().to_string();
        wait_until("workerd", Duration::from_secs(30), || naming(&config).first().copied())
    }

    /// A request that may find nobody.
    pub fn try_send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Reply> {
        let address = format!("127.0.0.1:{}", self.port);
        http::try_send(&address, method, path, headers, body.as_bytes()).ok()
    }

    /// A request that goes well.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let reply = self.try_send(method, path, headers, body).expect("an answer");
        assert!((200..300).contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.body);
        reply
    }

    /// Makes the first admin by `scripts/setup-link`; gives their token.
    pub fn set_up(&self) -> String {
        let made = script("setup-link").arg("--data").arg(&self.data).output().expect("the script runs");
        let said = String::from_utf8_lossy(&made.stdout).into_owned();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let link = said.lines().find_map(|line| line.split("#setup=").nth(1)).expect("a link");
        let body = serde_json::json!({ "token": link.trim(), "username": "admin" }).to_string();
        let reply = self.send("POST", "/api/edgewatch/v1/setup", &[], &body);
        reply.at("/token").as_str().expect("a token").to_owned()
    }

    /// Asks it to end as systemd does and waits until nothing of it is left.
    pub fn stop(mut self) {
        signal("TERM", self.child.id());
        let child = &mut self.child;
        let status =
            wait_until("the end of scripts/serve", Duration::from_secs(20), || child.try_wait().expect("a child"));
        assert!(status.success(), "{status}: {}", self.said());
        let config = self.data.join("run/workerd.capnp").display().to_string();
        assert_eq!(naming(&config), Vec::<u32>::new());
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- scripts/serve said:\n{}\n---", self.said());
        }
    }
}

/// Runs a script with a token; gives what it said when it went well, as it must.
pub fn run(name: &str, arguments: &[&str], token: &str) -> String {
    let done = script(name).args(arguments).env("EDGEWATCH_TOKEN", token).output().expect("the script runs");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{name}: {said}");
    assert!(!said.contains(token), "{said}");
    said
}

/// Runs `scripts/serve`, which must refuse; gives what it said.
pub fn fails(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let done = script("serve").args(arguments).envs(environment.iter().copied()).output().expect("the script runs");
    assert!(!done.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&done.stderr).into_owned()
}

/// Runs `scripts/serve` for something that ends.
pub fn succeeds(arguments: &[&str]) {
    let done = script("serve").args(arguments).output().expect("the script runs");
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Processes whose command line names `text`; zombies have none.
pub fn naming(text: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered = entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    let named = numbered.filter(|(_, path)| {
        fs::read(path.join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(text))
    });
    named.map(|(id, _)| id).collect()
}

/// Sends a signal to a process that this test started.
pub fn signal(signal: &str, process: u32) {
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{signal} {process}")).status();
    assert!(sent.is_ok_and(|status| status.success()), "process {process} cannot be signalled");
}
