//! Mackerel as HTTP shows it. The numbers in comments are those of the acceptance checks in the specification, section 13.

mod access;
mod agent_keys;
mod alerts;
mod boards;
mod channels;
mod checks;
mod downtimes;
mod external;
mod fleet;
mod forms;
mod graph_defs;
mod groups;
mod hosts;
mod list;
mod machines;
mod metadata;
mod monitors;
mod organization;
mod retire;
mod services;
mod told;
mod tsdb;
mod update;
mod watching;

use edgewatch_harness::http::Reply;
use edgewatch_harness::receiver::Receiver;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

/// A Worker, and a key for it.
struct Mackerel {
    worker: Worker,
    key: String,
}

impl Mackerel {
    /// A fresh Worker, and a key that may read and write.
    fn start() -> Self {
        let worker = Worker::start();
        let key = key(&worker, &["read", "write"]);
        Self { worker, key }
    }

    /// The same on a machine of one's own, where the platform's ban of private networks does not hold.
    fn at_home() -> Self {
        let worker = Worker::builder().var("PLAN", "own").start();
        let key = key(&worker, &["read", "write"]);
        Self { worker, key }
    }

    /// A request below `/api/v0`.
    fn call(&self, method: &str, path: &str, body: &str) -> Reply {
        call(&self.worker, &self.key, method, path, body)
    }

    /// Has a receiver told of what happens.
    fn tell(&self, receiver: &Receiver) {
        let headers = [("Authorization", self.worker.token.as_str())];
        let channel = json!({ "name": "ops", "kind": "webhook", "url": receiver.url() }).to_string();
        assert_eq!(self.worker.post("/api/edgewatch/v1/channels", &headers, &channel).status, 201);
    }

    /// A GET that is answered.
    fn get(&self, path: &str) -> Value {
        let reply = self.call("GET", path, "");
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.json()
    }

    /// A request that is answered with 200; gives the answer.
    fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let reply = self.call(method, path, &body.to_string());
        assert_eq!(reply.status, 200, "{method} {path} {body}: {}", reply.body);
        reply.json()
    }

    /// A request that is answered with 200; gives how many rows it wrote in D1.
    fn price(&self, method: &str, path: &str, body: &Value) -> u64 {
        let reply = self.call(method, path, &body.to_string());
        assert_eq!(reply.status, 200, "{method} {path} {body}: {}", reply.body);
        reply.cost().d1_rows_written
    }

    /// A request that is refused with this status, in the form of all refusals.
    fn refused(&self, status: u16, (method, path): (&str, &str), body: &str) {
        let reply = self.call(method, path, body);
        assert_eq!(reply.status, status, "{method} {path} {body}: {}", reply.body);
        assert!(reply.at("/error/message").is_string(), "{}", reply.body);
    }

    /// Makes a host of what is said of it; gives its id.
    fn make(&self, said: &Value) -> String {
        let made = self.done("POST", "/hosts", said);
        made["id"].as_str().expect("an id").to_owned()
    }

    /// Makes a host of which nothing is said but its name.
    fn host(&self, name: &str) -> String {
        self.make(&json!({ "name": name, "meta": {} }))
    }

    /// A host as it is answered.
    fn show(&self, id: &str) -> Value {
        self.get(&format!("/hosts/{id}"))["host"].clone()
    }

    /// The names of the hosts that a list has, in its order.
    fn names(&self, query: &str) -> Vec<String> {
        let list = self.get(&format!("/hosts{query}"));
        let hosts = list["hosts"].as_array().expect("a list").iter();
        hosts.map(|host| host["name"].as_str().expect("a name").to_owned()).collect()
    }
}

/// A key with these scopes.
fn key(worker: &Worker, scopes: &[&str]) -> String {
    token(worker, &json!({ "scopes": scopes, "note": "key" }))
}

/// A token made of this request.
fn token(worker: &Worker, wanted: &Value) -> String {
    let headers = [("Authorization", worker.token.as_str())];
    let reply = worker.post("/api/edgewatch/v1/tokens", &headers, &wanted.to_string());
    assert_eq!(reply.status, 201, "token: {}", reply.body);
    reply.at("/token").as_str().expect("a token").to_owned()
}

/// A request below `/api/v0` with a key. Whatever is answered well is 200 and JSON.
fn call(worker: &Worker, key: &str, method: &str, path: &str, body: &str) -> Reply {
    let reply = worker.request(method, &format!("/api/v0{path}"), &[("X-Api-Key", key)], body);
    // 13.
    assert!(reply.status == 200 || reply.status >= 400, "{method} {path}: {}", reply.status);
    assert_eq!(reply.header("content-type"), Some("application/json"), "{method} {path}");
    if reply.status != 200 {
        return reply;
    }
    let answered = reply.json();
    // A document of somebody's is answered as it was put.
    if !path.contains("/metadata/") {
        assert!(answered.is_object(), "{method} {path}: {}", reply.body);
        assert_eq!(answered.to_string().len(), reply.body.len(), "{method} {path}: not compact: {}", reply.body);
        assert_whole_times(&answered, path);
    }
    reply
}

/// Clients read times as whole numbers: one with a fraction or an exponent costs them the whole answer.
fn assert_whole_times(value: &Value, path: &str) {
    const TIMES: [&str; 12] = [
        "createdAt",
        "updatedAt",
        "retiredAt",
        "openedAt",
        "closedAt",
        "joinedAt",
        "expiresAt",
        "suspendedAt",
        "time",
        "from",
        "to",
        "start",
    ];
    match value {
        Value::Array(all) => all.iter().for_each(|one| assert_whole_times(one, path)),
        Value::Object(all) => {
            for (key, value) in all.iter().filter(|(key, _)| *key != "meta" && *key != "widgets") {
                let is_time = TIMES.contains(&key.as_str()) && value.is_number();
                assert!(!is_time || value.is_i64(), "{path}: {key}: {value}");
                assert_whole_times(value, path);
            }
        }
        _ => {}
    }
}

/// How many rows the audit table has of an action.
fn audited(worker: &Worker, action: &str) -> u64 {
    let found = worker.sql(&format!("SELECT count(*) AS count FROM audit WHERE action = '{action}'"));
    found["results"][0]["count"].as_u64().expect("a count")
}
