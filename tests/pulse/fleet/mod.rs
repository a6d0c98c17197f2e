//! A cluster and a backup server, polled by the built agent that hands what it finds to the built Worker: what programs for Pulse are told
//! of them. Source: pulse specification, 21.

mod configured;
mod seen;

use std::path::PathBuf;
use std::time::Duration;

use edgewatch_harness::agent::{Agent, full_binary};
use edgewatch_harness::http::Reply;
use edgewatch_harness::proxmox::{FakeProxmox, Product, TOKEN_NAME, TOKEN_SECRET, lab};
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The lab, its nodes configured through the API, and an agent that polls it every second.
pub struct Fleet {
    pub pve: FakeProxmox,
    pub pbs: FakeProxmox,
    pub worker: Worker,
    agent: Option<Agent>,
    folder: PathBuf,
}

/// A request with the admin's token.
pub fn send(worker: &Worker, method: &str, path: &str, body: &Value) -> Reply {
    worker.request(method, path, &[("X-API-Token", &worker.token)], &body.to_string())
}

/// What configures a server with the token that it knows.
pub fn node_of(kind: &str, name: &str, fake: &FakeProxmox) -> Value {
    json!({"type": kind, "name": name, "host": fake.url(), "tokenName": TOKEN_NAME, "tokenValue": TOKEN_SECRET})
}

impl Fleet {
    /// The lab as it is.
    pub fn start(name: &str) -> Self {
        let (pve, pbs) = (FakeProxmox::start(Product::Pve, lab::pve()), FakeProxmox::start(Product::Pbs, lab::pbs()));
        let mut fleet = Self::empty(name, pve, pbs);
        fleet.configure();
        fleet.start_agent();
        fleet
    }

    /// These servers, of which nobody knows yet, and no agent.
    pub fn empty(name: &str, pve: FakeProxmox, pbs: FakeProxmox) -> Self {
        let worker = Worker::start();
        let set = send(&worker, "POST", "/api/config/system", &json!({"pollingInterval": 1}));
        assert_eq!(set.status, 200, "{}", set.body);
        let folder = std::env::temp_dir().join(format!("edgewatch-fleet-{}-{name}", std::process::id()));
        Self { pve, pbs, worker, agent: None, folder }
    }

    /// Configures both servers.
    pub fn configure(&self) {
        for node in [node_of("pve", "lab", &self.pve), node_of("pbs", "backup1", &self.pbs)] {
            let made = send(&self.worker, "POST", "/api/config/nodes", &node);
            assert_eq!(made.status, 201, "{}", made.body);
        }
    }

    /// Starts an agent that polls what it is told to.
    pub fn start_agent(&mut self) {
        let host = self.worker.add_host("collector");
        let environment = [("EDGEWATCH_PROXMOX", "on"), ("EDGEWATCH_LOG_LEVEL", "debug")];
        self.agent = Some(Agent::start_at(&full_binary(), &self.worker.url, &host.secret, &self.folder, &environment));
    }

    /// What a GET gives.
    pub fn get(&self, path: &str) -> Value {
        let reply = self.worker.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.json()
    }

    /// The state, as soon as it is so.
    pub fn state(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until(what, PATIENCE, || {
                last = self.get("/api/state");
                is_it(&last).then(|| last.clone())
            })
        }));
        found.unwrap_or_else(|_| panic!("waited in vain for {what}: {last:#}"))
    }

    /// The state of the lab when all of it was polled and swept.
    pub fn whole(&self) -> Value {
        self.state("the whole lab", |state| {
            let count = |path: &str| state.pointer(path).and_then(Value::as_array).map_or(0, Vec::len);
            count("/nodes") == 2
                && count("/vms") == 2
                && count("/containers") == 2
                && count("/pbsBackups") == 3
                && count("/pveBackups/storageBackups") == 2
                && count("/pveBackups/guestSnapshots") == 2
                && count("/pveBackups/backupTasks") == 2
                && state.pointer("/pbs/0/datastores/0/namespaces/2").is_some()
                && state.pointer("/containers/0/networkIn").and_then(Value::as_i64) == Some(0)
                && state.pointer("/pbs/0/status").and_then(Value::as_str) == Some("online")
        })
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.agent = None;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One of a list by the value of a key.
pub fn by<'a>(list: &'a Value, key: &str, value: &str) -> &'a Value {
    let found = list.as_array().into_iter().flatten().find(|one| one[key] == value);
    found.unwrap_or_else(|| panic!("no {key} {value} in {list:#}"))
}

/// The keys of an object.
pub fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().map(String::as_str).collect()
}

/// The values of a key in a list.
pub fn column<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    list.as_array().into_iter().flatten().map(|one| one[key].as_str().unwrap_or_default()).collect()
}

/// Takes a time out of an object and checks that it is one of the last minutes.
pub fn take_recent(object: &mut Value, key: &str) {
    let text = object[key].as_str().unwrap_or_default().to_owned();
    let at = chrono::DateTime::parse_from_rfc3339(&text).unwrap_or_else(|error| panic!("{key} {text}: {error}"));
    let age = chrono::Utc::now().signed_duration_since(at).num_seconds();
    assert!((-5..300).contains(&age), "{key}: {text}");
    object.as_object_mut().expect("an object").remove(key);
}

/// Used of total in percent.
pub fn percent(used: f64, total: f64) -> f64 {
    used / total * 100.0
}
