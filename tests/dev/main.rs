//! `scripts/dev` as a user runs it: everything comes up, keeps its data, and goes away without a trace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use edgewatch_harness::folder::Folder;
use edgewatch_harness::http::{self, Reply};
use edgewatch_harness::wait::wait_until;

/// A `scripts/dev` on a folder of its own.
struct Dev {
    child: Child,
    data: PathBuf,
    log: PathBuf,
}

impl Dev {
    fn start(data: &Path, options: &[&str]) -> Self {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let log = data.with_extension("log");
        let output = fs::File::create(&log).expect("the log can be written");
        // A shell that runs its tests in the background lets them ignore Ctrl-C, and what ignores it at the start cannot trap it.
        let mut dev = Command::new("env");
        dev.arg("--default-signal=INT").arg(format!("{root}/scripts/dev"));
        // What cargo tells its tests would make the build scripts of dependencies think that everything has changed.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
                dev.env_remove(name);
            }
        }
        let child = dev
            .args(["--port", "0", "--data"])
            .arg(data)
            .args(options)
            // What scripts/test has built, so that nothing is built here.
            .env("EDGEWATCH_PROFILE", std::env::var("EDGEWATCH_PROFILE").unwrap_or_else(|_| "release".to_owned()))
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(output)
            .spawn()
            .expect("scripts/dev starts");
        Self { child, data: data.to_owned(), log }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Address and token, once the line `ready` is there.
    fn ready(&mut self) -> (String, String) {
        let (log, child) = (self.log.clone(), &mut self.child);
        wait_until("ready", Duration::from_mins(3), || {
            let said = fs::read_to_string(&log).unwrap_or_default();
            assert!(child.try_wait().expect("a child").is_none(), "scripts/dev has ended:\n{said}");
            said.lines().any(|line| line.starts_with("ready")).then_some(())
        });
        let text = fs::read_to_string(self.data.join("dev.env")).expect("dev.env is there");
        let value =
            |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).expect("the key is there").to_owned();
        (value("EDGEWATCH_URL="), value("EDGEWATCH_TOKEN="))
    }

    /// Asks it to end by a signal and waits until it has; then nothing it started is left.
    fn stop(mut self, by: &str) {
        signal(by, self.child.id());
        let child = &mut self.child;
        wait_until("the end of scripts/dev", Duration::from_secs(30), || child.try_wait().expect("a child"));
        let folder = self.data.display().to_string();
        wait_until("the end of all it started", Duration::from_secs(10), || {
            processes_naming(&folder).is_empty().then_some(())
        });
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- scripts/dev said:\n{}\n---", self.said());
        }
        let _ = fs::remove_file(&self.log);
    }
}

/// Processes whose command line names `text`; zombies have none.
fn processes_naming(text: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered = entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    let named = numbered.filter(|(_, path)| {
        fs::read(path.join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(text))
    });
    named.map(|(id, _)| id).collect()
}

fn signal(signal: &str, process: u32) {
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{signal} {process}")).status();
    assert!(sent.is_ok_and(|status| status.success()), "process {process} cannot be signalled");
}

fn get(url: &str, path: &str, token: &str) -> Reply {
    http::send(url.trim_start_matches("http://"), "GET", path, &[("Authorization", token)], b"")
}

#[test]
fn the_whole_system_comes_up_keeps_its_data_and_goes_away() {
    let folder = Folder::new("whole");
    let data = folder.0.join("data");
    let mut dev = Dev::start(&data, &[]);
    let (url, token) = dev.ready();
    let details = wait_until("this machine's values", Duration::from_secs(15), || {
        let server = get(&url, "/api/v1/server/details", &token).at("/result/0");
        server["status"]["MemUsed"].as_u64().filter(|used| *used > 0).map(|_| server)
    });
    assert!(details["host"]["MemTotal"].as_u64().is_some_and(|total| total > 0), "{details}");
    let said = dev.said();
    assert!(!said.contains(&token), "the token is not printed");
    assert!(said.contains("curl -s -H"), "{said}");
    dev.stop("TERM");

    let mut again = Dev::start(&data, &[]);
    let (url, same) = again.ready();
    assert_eq!(same, token, "the token outlives a start");
    let servers = get(&url, "/api/v1/server/list", &token).at("/result");
    assert_eq!(servers.as_array().map(Vec::len), Some(1), "and so does the host: {servers}");
    // Without its agent it goes on: that is how one looks at a host that goes offline.
    let agents = processes_naming(&format!("run --state-dir {}", data.join("agent").display()));
    assert_eq!(agents.len(), 1, "{agents:?}");
    signal("TERM", agents[0]);
    wait_until("word of the agent's end", Duration::from_secs(20), || {
        again.said().contains("The agent has ended").then_some(())
    });
    assert_eq!(get(&url, "/api/v1/server/list", &token).status, 200);
    again.stop("INT");
}

#[test]
fn without_an_agent_the_fleet_is_empty() {
    let folder = Folder::new("no-agent");
    let mut dev = Dev::start(&folder.0.join("data"), &["--no-agent"]);
    let (url, token) = dev.ready();
    assert_eq!(get(&url, "/api/v1/server/list", &token).at("/result").as_array().map(Vec::len), Some(0));
    dev.stop("TERM");
}

#[test]
fn wrong_options_are_explained() {
    let dev = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/dev");
    for arguments in [&["--nonsense"][..], &["--port", "x"]] {
        let output = Command::new(dev).args(arguments).output().expect("it runs");
        assert!(!output.status.success());
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
    let help = Command::new(dev).arg("--help").output().expect("it runs");
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("--no-agent"));
}
