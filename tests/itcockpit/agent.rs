//! The built agent with a stock agent's files in a folder of its own.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use edgewatch_harness::agent::binary;
use edgewatch_harness::http::{self, Reply};
use edgewatch_harness::wait::wait_until;
use serde_json::Value;

/// Longer than anything takes here but what waits for a cycle.
const SOON: Duration = Duration::from_secs(20);

/// A folder with files, and the agent that reads them.
pub struct Agent {
    folder: PathBuf,
    /// `127.0.0.1:<port>`.
    pub address: String,
    arguments: Vec<String>,
    child: Child,
}

/// A port that nobody uses.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The main file, ready for more lines of `[default]` and for more sections.
pub fn main_file(port: u16, lines: &str) -> String {
    format!("[default]\naddress = 127.0.0.1\nport = {port}\ninterval = 5\n{lines}\n")
}

impl Agent {
    /// Started, with these lines in `[default]` and behind it, and answering.
    pub fn start(lines: &str) -> Self {
        Self::start_with(lines, &[])
    }

    /// The same with other files beside the main one.
    pub fn start_with(lines: &str, files: &[(&str, &str)]) -> Self {
        let agent = Self::silent(lines, files);
        wait_until("the agent to listen", SOON, || agent.log().contains("listening").then_some(()));
        agent
    }

    /// The same, but nobody waits for it to listen.
    pub fn silent(lines: &str, files: &[(&str, &str)]) -> Self {
        Self::silent_by(lines, files, |folder| vec!["-c".to_owned(), format!("{folder}/config.ini"), "-v".to_owned()])
    }

    /// The same with these arguments, made of its folder.
    pub fn silent_by(lines: &str, files: &[(&str, &str)], arguments: impl Fn(&str) -> Vec<String>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("edgewatch-itcockpit-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("the temporary folder can be written");
        let port = free_port();
        fs::write(folder.join("config.ini"), main_file(port, lines)).expect("a file can be written");
        for (name, text) in files {
            fs::write(folder.join(name), text).expect("a file can be written");
        }
        let arguments = arguments(&folder.display().to_string());
        let child = run(&folder, &arguments);
        Self { folder, address: format!("127.0.0.1:{port}"), arguments, child }
    }

    /// Ends it as systemd does, and starts it again on the same files. Nobody waits for it to listen.
    pub fn begin_again(&mut self) {
        self.stop();
        let _ = fs::remove_file(self.path("agent.log"));
        self.child = run(&self.folder, &self.arguments);
    }

    /// The same, once it listens.
    pub fn restart(&mut self) {
        self.begin_again();
        wait_until("the agent to listen", SOON, || self.log().contains("listening").then_some(()));
    }

    /// Ends it as systemd does.
    pub fn stop(&mut self) -> ExitStatus {
        let asked = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        assert!(asked.is_ok_and(|status| status.success()), "the agent cannot be asked to end");
        self.child.wait().expect("a child can be waited for")
    }

    /// How it ended by itself.
    pub fn ended(&mut self) -> ExitStatus {
        wait_until("the agent to end", SOON, || self.child.try_wait().expect("a child can be waited for"))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A file of its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The text of a file of its folder; empty when there is none.
    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// What it has logged since its last start.
    pub fn log(&self) -> String {
        self.text("agent.log")
    }

    /// Waits for words in the log.
    pub fn wait_for_log(&self, words: &str) {
        wait_until(&format!("the log to say `{words}`"), SOON, || self.log().contains(words).then_some(()));
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks by plain HTTP.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        http::send(&self.address, method, path, headers, body.as_bytes())
    }

    /// `GET` without headers.
    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "")
    }

    /// The first result in which `condition` finds what it looks for.
    pub fn wait_for_document<T>(&self, what: &str, condition: impl Fn(&Value) -> Option<T>) -> T {
        wait_until(what, Duration::from_secs(40), || {
            let reply = self.get("/");
            assert_eq!(reply.status, 200, "{}", reply.body);
            condition(&reply.json())
        })
    }
}

fn run(folder: &Path, arguments: &[String]) -> Child {
    let log = File::options().append(true).create(true).open(folder.join("agent.log")).expect("the log can be written");
    Command::new(binary())
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("GREETING", "hello from outside")
        .env("EDGEWATCH_TOKEN", "t0kenThatChecksMustNotSee")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("the agent does not start: {error}"))
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the agent's log:\n{}\n---", self.log());
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
