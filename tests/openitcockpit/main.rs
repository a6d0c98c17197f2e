//! openITCOCKPIT's push mode as HTTP shows it. The numbers in comments are those of the conformance checklist for the Worker in the
//! specification, section 16.

mod admin;
mod adopt;
mod register;
mod results;
mod submit;

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

const REGISTER: &str = "/agentconnector/register_agent.json";
const SUBMIT: &str = "/agentconnector/submit_checkdata.json";
const PACKAGES: &str = "/agentconnector/submit_package_info.json";

const LINUX: &str = include_str!("../../worker/core/samples/openitcockpit/result_linux.json");
const UUID: &str = "66089500-8661-48f0-8ede-ecbc6886a84f";

/// A Worker, and a key for its agents.
struct Cockpit {
    worker: Worker,
    key: String,
}

impl Cockpit {
    fn start() -> Self {
        Self::over(Worker::start())
    }

    /// The same where an administrator accepts agents.
    fn by_hand() -> Self {
        let cockpit = Self::start();
        let set = cockpit.admin("PATCH", "/settings", &json!({ "push_agents": "manual" }));
        assert!(set.status < 300, "{}", set.body);
        cockpit
    }

    fn over(worker: Worker) -> Self {
        let key = token(&worker, &["register"]);
        Self { worker, key }
    }

    /// A request of an agent. Whatever is answered is JSON, an error a text, and nothing leads elsewhere.
    fn call(&self, path: &str, body: &str) -> Reply {
        let key = format!("X-OITC-API {}", self.key);
        let headers = [
            ("Authorization", key.as_str()),
            ("Content-Type", "application/json"),
            ("User-Agent", "openITCOCKPIT Agent/3.6.1"),
        ];
        let reply = self.worker.request("POST", path, &headers, body);
        assert_form(&reply);
        reply
    }

    fn register(&self, uuid: &str, password: &str) -> Reply {
        let body = json!({ "agentuuid": uuid, "password": password, "hostname": "web01", "ipaddress": "192.0.2.10" });
        self.call(REGISTER, &body.to_string())
    }

    /// Registers an agent; gives its password.
    fn registered(&self, uuid: &str) -> String {
        let reply = self.register(uuid, "");
        assert_eq!(reply.status, 201, "{}", reply.body);
        assert_eq!(reply.at("/agentuuid"), json!(uuid));
        reply.at("/password").as_str().expect("a password").to_owned()
    }

    /// As the stock agent writes it: what was measured comes first.
    fn submit(&self, uuid: &str, password: &str, checkdata: &str) -> Reply {
        self.call(SUBMIT, &envelope(uuid, password, checkdata))
    }

    /// A request of an administrator below our own API.
    fn admin(&self, method: &str, path: &str, body: &Value) -> Reply {
        let headers = [("Authorization", self.worker.token.as_str())];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.worker.request(method, &format!("/api/edgewatch/v1{path}"), &headers, &body)
    }

    /// Every agent, the newest first.
    fn agents(&self) -> Vec<Value> {
        let reply = self.admin("GET", "/push-agents", &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.at("/push_agents").as_array().expect("a list").clone()
    }

    /// The hosts of Nezha's list.
    fn hosts(&self) -> Vec<Value> {
        let reply = self.worker.get("/api/v1/server/details");
        reply.at("/result").as_array().expect("a list").clone()
    }
}

fn envelope(uuid: &str, password: &str, checkdata: &str) -> String {
    format!(r#"{{"checkdata":{checkdata},"agentuuid":"{uuid}","password":"{password}"}}"#)
}

/// 8: every error is JSON with a text, or empty.
fn assert_form(reply: &Reply) {
    assert!(!(300..400).contains(&reply.status), "{}", reply.status);
    if reply.body.is_empty() {
        return;
    }
    let body = reply.json();
    let error = &body["error"];
    assert!(error.is_null() || error.is_string(), "{}", reply.body);
    let is_said = error.is_string() || body["message"].is_string();
    assert!(reply.status < 300 || is_said, "{}: {}", reply.status, reply.body);
}

/// A token with these scopes.
fn token(worker: &Worker, scopes: &[&str]) -> String {
    let headers = [("Authorization", worker.token.as_str())];
    let wanted = json!({ "scopes": scopes, "note": "key" });
    let reply = worker.post("/api/edgewatch/v1/tokens", &headers, &wanted.to_string());
    assert_eq!(reply.status, 201, "token: {}", reply.body);
    reply.at("/token").as_str().expect("a token").to_owned()
}

/// A result so many cycles after the first: no machine says the same of its uptime twice.
fn cycle(number: u64) -> String {
    LINUX.replace("\"system_uptime\":86423", &format!("\"system_uptime\":{}", 86_423 + 30 * number))
}
