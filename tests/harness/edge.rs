//! The process of `edge.mjs`: started, spoken to over its control port, ended with its workerd.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http;

/// From nothing, on two busy cores, it takes about one second.
const START_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// A running `edge.mjs`.
pub(crate) struct Edge {
    /// `http://127.0.0.1:<port>`
    pub(crate) url: String,
    control: String,
    child: Child,
    /// Open as long as this lives: the script ends when it closes, however the test ends.
    lifeline: Option<ChildStdin>,
    log: PathBuf,
}

impl Edge {
    /// Starts the script with `arguments`; what workerd says goes to `log`.
    pub(crate) fn start(arguments: &[String], log: PathBuf) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        assert!(
            root.join("build/index.js").exists() || arguments.iter().any(|argument| argument == "--build"),
            "there is no built Worker: run scripts/build-worker"
        );
        let own_node = root.join("node_modules/.bin/node");
        let node = if own_node.exists() { own_node } else { PathBuf::from("node") };
        let errors = File::create(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let mut child = Command::new(&node)
            .arg(root.join("tests/harness/edge.mjs"))
            .arg("--stdin")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", node.display()));
        let lifeline = child.stdin.take();
        let stdout = child.stdout.take().expect("stdout was asked for");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = sender.send(line);
        });
        let line = receiver.recv_timeout(START_TIMEOUT).unwrap_or_default();
        let ready: Value = serde_json::from_str(&line).unwrap_or_default();
        let url = |key: &str| ready[key].as_str().unwrap_or_default().to_owned();
        let control = address_of(&url("control")).to_owned();
        let edge = Self { url: url("url"), control, child, lifeline, log };
        assert!(!edge.url.is_empty(), "edge.mjs did not start");
        edge
    }

    /// `127.0.0.1:<port>`
    pub(crate) fn address(&self) -> &str {
        address_of(&self.url)
    }

    /// A call of the control port and its answer; a refusal fails the test.
    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let reply = http::send(&self.control, method, path, &[], body.to_string().as_bytes());
        assert_eq!(reply.status, 200, "{method} {path} {body}: {}", reply.body);
        reply.json()
    }

    /// Runs SQL on D1, to seed what no route can make.
    pub(crate) fn sql(&self, sql: &str, params: &[Value]) -> Value {
        self.control("POST", "/sql", &json!({ "sql": sql, "params": params }))
    }

    /// What workerd and the Worker have said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The end of what workerd and the Worker have said.
    pub(crate) fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- the Worker's log, its end:\n{}\n---", self.log_tail());
        }
        drop(self.lifeline.take());
        let begun = Instant::now();
        while begun.elapsed() < STOP_TIMEOUT {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address_of(url: &str) -> &str {
    url.strip_prefix("http://").unwrap_or(url)
}
