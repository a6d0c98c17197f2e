//! The client for Python from the package index, over every call it has, on a database that also holds hosts of the other dialects.
//!
//! It needs Python with `venv`, and the package index once. Where these are not to be had, the test says so past the test runner's
//! capture.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::mackerel::{World, key};
use super::stock::{say, why_not};

/// The Python that has the client, made anew when the list of what it needs is another; `None` where it cannot be.
fn python() -> Option<&'static Path> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(make).as_deref()
}

fn make() -> Option<PathBuf> {
    let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/python/requirements.txt");
    let text = fs::read(&wanted).unwrap_or_else(|error| panic!("{}: {error}", wanted.display()));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("python");
    let (python, made) = (folder.join("bin/python"), folder.join("made"));
    if fs::read(&made).is_ok_and(|made_of| made_of == text) {
        return Some(python);
    }
    let ran = |program: &Path, arguments: &[&str]| {
        let ran = Command::new(program).args(arguments).stdin(Stdio::null()).output();
        let why = why_not(&program.display().to_string(), ran)?;
        say(&format!("Mackerel's client for Python was not run, for it is not to be had: {why}"));
        Some(())
    };
    let target = folder.to_str().expect("a path in UTF-8");
    if ran(Path::new("python3"), &["-m", "venv", "--clear", target]).is_some() {
        return None;
    }
    let list = wanted.to_str().expect("a path in UTF-8");
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--requirement",
        list,
    ];
    if ran(&python, &install).is_some() {
        return None;
    }
    fs::write(&made, text).unwrap_or_else(|error| panic!("{}: {error}", made.display()));
    Some(python)
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970").as_secs()
}

/// A client that waits for calls.
struct Client {
    child: Child,
    calls: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Client {
    fn start(python: &Path, worker: &Worker, key: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/python/call.py");
        let mut child = Command::new(python)
            .arg(script)
            .args([worker.url.as_str(), key])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", python.display()));
        let (calls, answers) = (child.stdin.take(), child.stdout.take().expect("a pipe"));
        Self { child, calls, answers: BufReader::new(answers) }
    }

    fn answer(&mut self, method: &str, arguments: &Value, named: &Value) -> Value {
        let calls = self.calls.as_mut().expect("a pipe");
        writeln!(calls, "{}", json!([method, arguments, named])).expect("the client reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the client writes");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{method}: {error}: {line}"))
    }

    /// What a call gives that succeeds.
    fn done(&mut self, method: &str, arguments: &Value) -> Value {
        let answer = self.answer(method, arguments, &json!({}));
        assert!(answer.get("failed").is_none(), "{method} {arguments}: {answer}");
        answer["gave"].clone()
    }

    /// Names of the hosts that are found so.
    fn names(&mut self, named: &Value) -> Vec<String> {
        let answer = self.answer("get_hosts", &json!([]), named);
        let hosts = answer["gave"].as_array().unwrap_or_else(|| panic!("{named}: {answer}")).iter();
        hosts.map(|host| host["name"].as_str().expect("a name").to_owned()).collect()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.calls.take());
        let _ = self.child.wait();
    }
}

#[test]
fn the_client_for_python_makes_every_call_that_it_has() {
    let Some(python) = python() else { return };
    let world = World::start();
    let worker = &world.worker;
    let mut client = Client::start(python, worker, &key(worker, &["read", "write"]));

    assert_eq!(client.names(&json!({})), ["of our agent", "of nezha", "of mackerel"]);
    assert_eq!(client.names(&json!({ "service": "My-Service", "role": "db" })), ["of mackerel"]);
    assert_eq!(client.names(&json!({ "name": "of nezha", "status": "working" })), ["of nezha"]);
    assert_eq!(client.names(&json!({ "status": ["standby", "maintenance"] })), [""; 0]);
    assert_eq!(client.names(&json!({ "customIdentifier": "i-0123/of mackerel?" })), ["of mackerel"]);
    let all = client.done("get_hosts", &json!([]));
    let [ours, of_mackerel] = [0, 2].map(|place: usize| all[place].clone());
    assert!(ours["created_at"].is_i64() && ours["is_retired"] == json!(false) && ours["meta"].is_object(), "{ours}");
    let id = of_mackerel["id"].as_str().expect("an id").to_owned();
    let shown = client.done("get_host", &json!([id]));
    assert_eq!(shown, of_mackerel, "listed as it is shown");
    assert_eq!((&shown["ip_addr"], &shown["mac_addr"]), (&json!("192.0.2.2"), &json!("02:fc:00:00:00:01")));
    assert_eq!((&shown["roles"], &shown["memo"]), (&json!({ "My-Service": ["app", "db"] }), &json!("what people say")));

    let success = json!({ "success": true });
    assert_eq!(client.done("update_host_status", &json!([id, "maintenance"])), success);
    assert_eq!(client.names(&json!({ "status": "maintenance" })), ["of mackerel"]);
    let at = now_s();
    let value = |name: &str, value: f64| json!({ "hostId": id, "name": name, "time": at, "value": value });
    assert_eq!(client.done("post_metrics", &json!([[value("loadavg5", 1.5), value("custom.a", 2.0)]])), success);
    let latest = client.done("get_latest_metrics", &json!([[id, ours["id"]], ["loadavg5", "custom.a"]]));
    let point = |value: f64| json!({ "time": at, "value": value });
    assert_eq!(latest["tsdbLatest"][&id], json!({ "loadavg5": point(1.5), "custom.a": point(2.0) }));
    let of_ours = ours["id"].as_str().expect("an id");
    assert_eq!(latest["tsdbLatest"][of_ours], json!({ "loadavg5": null, "custom.a": null }));
    let clicks = json!([{ "name": "clicks", "time": at, "value": 5 }]);
    assert_eq!(client.done("post_service_metrics", &json!(["My-Service", clicks])), success);

    // It says no more of a refusal than its status.
    for (method, arguments, status) in [
        ("get_host", json!(["2eQGEaLxiYU"]), "404"),
        ("update_host_status", json!(["2eQGEaLxiYU", "working"]), "404"),
        ("post_metrics", json!([null]), "400"),
        ("post_service_metrics", json!(["Nope", []]), "404"),
        ("get_latest_metrics", json!([[], []]), "400"),
    ] {
        let answer = client.answer(method, &arguments, &json!({}));
        let why = answer["why"].as_str().unwrap_or_default();
        assert_eq!(answer["failed"], json!("MackerelClientError"), "{method}: {answer}");
        assert!(why.ends_with(status), "{method}: {why}");
    }
    // Without a body and without saying of what length.
    assert_eq!(client.done("retire_host", &json!([id])), success);
    assert_eq!(client.done("get_host", &json!([id]))["is_retired"], json!(true));
    assert_eq!(client.names(&json!({})), ["of our agent", "of nezha"]);
    let mut reader = Client::start(python, worker, &key(worker, &["read"]));
    assert_eq!(reader.names(&json!({})).len(), 2);
    let refused = reader.answer("retire_host", &json!([ours["id"]]), &json!({}));
    assert!(refused["why"].as_str().is_some_and(|why| why.ends_with("403")), "{refused}");
}
