//! A program for Pulse that listens, as the stock front end does.

use std::time::{Duration, Instant};

use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

/// Longer than anything is waited for.
pub const WAIT: Duration = Duration::from_secs(20);

/// The lists that stock clients go through, which are never null. Source: pulse specification, 15.
const LISTS: [&str; 7] = ["nodes", "vms", "containers", "storage", "pbs", "activeAlerts", "recentlyResolved"];

/// One that listens.
pub struct Listener(pub Socket);

impl Listener {
    /// One that showed the admin's token, and was told the first state.
    pub fn begin(worker: &Worker) -> Self {
        let mut listener = Self::open(worker, "/pulse/ws", &[("X-API-Token", &worker.token)]).expect("an upgrade");
        assert_eq!(listener.hear()["type"], "welcome");
        assert_eq!(listener.hear()["type"], "initialState");
        listener
    }

    /// One that shows this, told nothing yet; or the status of the refusal.
    pub fn open(worker: &Worker, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        Socket::open(worker.address(), path, headers).map(Self)
    }

    /// The next frame. A state has all of its lists, and a ping is answered.
    pub fn hear(&mut self) -> Value {
        self.hear_for(WAIT).unwrap_or_else(|heard| panic!("{heard:?} in the place of a frame"))
    }

    /// The next frame within that time.
    pub fn hear_for(&mut self, wait: Duration) -> Result<Value, Heard> {
        match self.0.next(wait) {
            Heard::Text(text) => {
                let frame: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
                if ["initialState", "rawData"].contains(&frame["type"].as_str().unwrap_or_default()) {
                    for key in LISTS {
                        assert!(frame["data"][key].is_array(), "{key}: {text}");
                    }
                }
                if frame["type"] == "ping" {
                    self.say(&json!({ "type": "pong", "data": frame["data"] }));
                }
                Ok(frame)
            }
            other => Err(other),
        }
    }

    /// The next frame of a type, and how those before it were called.
    pub fn until(&mut self, kind: &str) -> (Value, Vec<String>) {
        self.until_it_has(kind, |_| true)
    }

    /// The next frame of a type for which that holds, and how those before it were called.
    pub fn until_it_has(&mut self, kind: &str, is_it: impl Fn(&Value) -> bool) -> (Value, Vec<String>) {
        let (end, mut before) = (Instant::now() + WAIT, Vec::new());
        while Instant::now() < end {
            let frame = self.hear();
            if frame["type"] == kind && is_it(&frame["data"]) {
                return (frame, before);
            }
            before.push(frame["type"].as_str().unwrap_or_default().to_owned());
        }
        panic!("no {kind} in time, but {before:?}");
    }

    /// How frames are called that come within that time.
    pub fn all_for(&mut self, wait: Duration) -> Vec<String> {
        let (end, mut all) = (Instant::now() + wait, Vec::new());
        while let Ok(frame) = self.hear_for(end.saturating_duration_since(Instant::now())) {
            all.push(frame["type"].as_str().unwrap_or_default().to_owned());
        }
        all
    }

    /// Says something.
    pub fn say(&mut self, message: &Value) {
        assert!(self.0.send_text(&message.to_string()));
    }
}

/// Sets something of the deployment.
pub fn set(worker: &Worker, what: &Value) {
    let token = format!("Bearer {}", worker.token);
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    let reply = worker.request("PATCH", "/api/edgewatch/v1/settings", &headers, &what.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
}

/// Has a host report for the first time.
pub fn report(worker: &Worker, host: &TestHost) {
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": 1, "period_s": 10,
        "host": { "platform": "linux", "mem_total_bytes": 4_000, "cpu": ["One"] },
        "samples": [{ "number": 1, "at_ms": 0, "cpu_percent": 17.3, "mem_used_bytes": 1_000, "uptime_s": 60 }]
    });
    let bearer = format!("Bearer {}", host.secret);
    let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
    assert_eq!((reply.status, reply.at("/durable_up_to")), (200, json!(1)), "{}", reply.body);
}
