//! Line 12: alerts of what an agent polls, from the first poll that is too much to the last one of them forgotten. What their engine does
//! in the course of hours (quiet hours, suppression, priorities of rules) is simulated beside it.

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::collector::{Collector, now_ms, until};

fn send(worker: &Worker, method: &str, path: &str, body: &Value) -> Reply {
    worker.request(method, path, &[("X-API-Token", &worker.token)], &body.to_string())
}

/// A lab whose polls are ten seconds apart and told as they come, from a while ago on.
pub struct Lab {
    pub worker: Worker,
    collector: Collector,
    at_ms: i64,
    frames: u64,
}

/// What the machine and the container of the lab use of their processors; the machine may be off.
#[derive(Clone, Copy)]
pub struct Moment {
    pub web: Option<f64>,
    pub dns: f64,
}

const fn web(cpu: f64) -> Moment {
    Moment { web: Some(cpu), dns: 0.1 }
}

impl Lab {
    fn start() -> Self {
        Self::on(Worker::start())
    }

    /// One that this Worker hears of.
    pub fn on(worker: Worker) -> Self {
        let host = worker.add_host("collector");
        let (mut collector, _) = Collector::begin(&worker, &host, "r1");
        collector.census();
        let mut lab = Self { worker, collector, at_ms: now_ms() - 600_000, frames: 0 };
        lab.poll(&[web(0.1)]);
        until("its hosts", || lab.worker.get("/api/v1/server/list").at("/result").as_array().map(Vec::len) == Some(5));
        lab
    }

    /// So many polls, a frame each.
    pub fn poll(&mut self, moments: &[Moment]) {
        for moment in moments {
            self.at_ms += 10_000;
            self.frames += 1;
            let cpu = moment.web.unwrap_or_default();
            let poll = json!({
                "at_ms": self.at_ms, "took_ms": 40,
                "nodes": [
                    { "name": "pve1", "status": "online", "cpu": 0.1, "mem_used": 4_000, "mem_total": 16_000, "uptime_s": 500 },
                    { "name": "pve2", "status": "offline" },
                ],
                "guests": [
                    [101, 0, i32::from(moment.web.is_some()), cpu, 500, 900, 0, 9_000, 10, 20, 30, 40, 60],
                    [201, 1, 1, moment.dns, 100, 200, 50, 80, 1, 2, 3, 4, 60],
                ],
                "storages": [["local", "pve1", "available", 5, 9, 4]],
            });
            self.collector.frame(self.frames, &[poll]);
        }
    }

    fn active(&self, id: &str) -> Option<Value> {
        let list = self.worker.get("/api/alerts/active").json();
        list.as_array().into_iter().flatten().find(|alert| alert["id"] == id).cloned()
    }

    /// The alert, as soon as it is so.
    pub fn raised(&self, id: &str, level: &str) -> Value {
        until(&format!("{id} to be {level}"), || self.active(id).is_some_and(|alert| alert["level"] == level));
        self.active(id).expect("an alert")
    }

    /// Waits until it goes on no more.
    pub fn over(&self, id: &str) {
        until(&format!("{id} to be over"), || self.active(id).is_none());
    }

    fn history(&self, query: &str) -> Vec<String> {
        let list = self.worker.get(&format!("/api/alerts/history{query}")).json();
        list.as_array().into_iter().flatten().map(|alert| alert["id"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn change(&self, method: &str, path: &str, body: &Value) {
        let done = send(&self.worker, method, path, body);
        assert_eq!(done.status, 200, "{path}: {}", done.body);
    }
}

/// The alert of the machine's processors.
pub const WEB: &str = "lab-pve1-101-cpu";
/// That of the container's.
pub const DNS: &str = "lab-pve1-201-cpu";
const OFF: &str = "guest-powered-off-lab-pve1-101";
const THRESHOLDS: &str = "/api/notifications/thresholds";

fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| chrono::DateTime::parse_from_rfc3339(text).is_ok())
}

#[test]
fn line_12_an_alert_begins_at_its_trigger_is_critical_ten_above_and_ends_at_its_clear_point() {
    let mut lab = Lab::start();
    lab.poll(&[web(0.799), web(0.855)]);
    let mut alert = lab.raised(WEB, "warning");
    for key in ["startTime", "lastSeen"] {
        assert!(is_time(&alert[key]), "{alert}");
        alert.as_object_mut().expect("an alert").remove(key);
    }
    let expected = json!({
        "id": WEB, "type": "cpu", "level": "warning", "resourceId": "lab-pve1-101", "resourceName": "web", "node": "pve1",
        "instance": "lab", "message": "VM cpu usage at 85.5% (trigger: 80%, clear: 75%)", "value": 85.5, "threshold": 80,
        "acknowledged": false, "metadata": {"resourceType": "VM", "clearThreshold": 75},
    });
    assert_eq!(alert, expected);
    lab.poll(&[web(0.9)]);
    lab.raised(WEB, "critical");
    // What is less bad is said to be so once it has not been critical for a while: else a value at the brink would change all the time.
    lab.worker.set_clock_ahead(120_000);
    lab.poll(&[web(0.85)]);
    lab.raised(WEB, "warning");
    // Between both it goes on: what is raised in the same poll shows that it was judged.
    lab.poll(&[Moment { web: Some(0.76), dns: 0.95 }]);
    lab.raised(DNS, "critical");
    assert!(lab.active(WEB).is_some());
    lab.poll(&[web(0.75)]);
    lab.over(WEB);
    lab.over(DNS);
    assert!(lab.history("").iter().any(|id| id == WEB));
    let message = lab.worker.get("/api/alerts/history").json();
    let of_container =
        message.as_array().into_iter().flatten().find(|alert| alert["id"] == DNS).cloned().unwrap_or_default();
    assert_eq!(
        (&of_container["message"], &of_container["metadata"]["resourceType"]),
        (&json!("Container cpu usage at 95.0% (trigger: 80%, clear: 75%)"), &json!("Container"))
    );
}

#[test]
fn line_12_what_has_to_last_begins_when_it_did_and_one_lower_poll_begins_it_anew() {
    let mut lab = Lab::start();
    lab.change("POST", THRESHOLDS, &json!({"timeThreshold": 30}));
    assert_eq!(lab.worker.get("/api/alerts/config").at("/timeThreshold"), json!(30));
    let both = |web: f64| Moment { web: Some(web), dns: 0.95 };
    lab.poll(&[both(0.95), both(0.95), both(0.1), both(0.95)]);
    lab.raised(DNS, "critical");
    assert!(lab.active(WEB).is_none(), "it has not lasted");
    lab.poll(&[both(0.95), both(0.95), both(0.95)]);
    lab.raised(WEB, "critical");
}

#[test]
fn line_12_a_resource_of_its_own_limits_goes_by_them() {
    let mut lab = Lab::start();
    lab.change(
        "POST",
        &format!("{THRESHOLDS}/overrides"),
        &json!({"lab-pve1-101": {"cpu": {"trigger": 97, "clear": 96}}}),
    );
    lab.poll(&[Moment { web: Some(0.965), dns: 0.965 }]);
    lab.raised(DNS, "critical");
    assert!(lab.active(WEB).is_none(), "its own limit");
    lab.poll(&[Moment { web: Some(0.975), dns: 0.965 }]);
    let alert = lab.raised(WEB, "warning");
    assert_eq!((&alert["threshold"], &alert["metadata"]["clearThreshold"]), (&json!(97), &json!(96)));
    // Without it those of all hold again.
    lab.change("POST", &format!("{THRESHOLDS}/overrides"), &json!({"lab-pve1-101": null}));
    lab.poll(&[Moment { web: Some(0.78), dns: 0.965 }]);
    lab.poll(&[Moment { web: Some(0.74), dns: 0.74 }]);
    lab.over(WEB);
    // And a metric that is switched off is nobody's.
    lab.change("POST", THRESHOLDS, &json!({"guestDefaults": {"cpu": {"trigger": 0, "clear": 0}}}));
    lab.change(
        "POST",
        &format!("{THRESHOLDS}/overrides"),
        &json!({"lab-pve1-201": {"cpu": {"trigger": 50, "clear": 40}}}),
    );
    lab.over(DNS);
    lab.poll(&[Moment { web: Some(0.99), dns: 0.99 }]);
    lab.raised(DNS, "critical");
    assert!(lab.active(WEB).is_none());
}

#[test]
fn line_12_a_guest_that_is_powered_off_has_no_other_alert_and_comes_back() {
    let mut lab = Lab::start();
    lab.poll(&[web(0.95)]);
    lab.raised(WEB, "critical");
    let off = Moment { web: None, dns: 0.1 };
    lab.poll(&[off, off]);
    let alert = lab.raised(OFF, "warning");
    assert_eq!(
        (&alert["type"], &alert["message"], &alert["resourceId"]),
        (&json!("powered-off"), &json!("VM 'web' is powered off"), &json!("lab-pve1-101"))
    );
    lab.over(WEB);
    // The node that is off was there in every poll.
    let node = lab.raised("node-offline-lab-pve2", "critical");
    assert_eq!((&node["type"], &node["message"]), (&json!("connectivity"), &json!("Node 'pve2' is offline")));
    lab.poll(&[web(0.1)]);
    lab.over(OFF);
}

#[test]
fn line_12_alerts_are_acknowledged_cleared_listed_and_forgotten() {
    let mut lab = Lab::start();
    lab.poll(&[Moment { web: Some(0.95), dns: 0.95 }]);
    lab.raised(WEB, "critical");
    lab.raised(DNS, "critical");
    let act = |id: &str, what: &str| send(&lab.worker, "POST", &format!("/api/alerts/{id}/{what}"), &Value::Null);
    let known = act("lab%2Dpve1%2D101%2Dcpu", "acknowledge");
    assert_eq!((known.status, known.json()), (200, json!({"success": true})));
    until("it to be acknowledged", || lab.active(WEB).is_some_and(|alert| alert["acknowledged"] == true));
    let alert = lab.active(WEB).expect("it goes on");
    assert!(is_time(&alert["ackTime"]) && alert["ackUser"] == "admin", "{alert}");
    let unknown = act("lab-pve1-999-cpu", "acknowledge");
    assert_eq!((unknown.status, unknown.at("/error")), (404, json!("alert not found: lab-pve1-999-cpu")));

    assert_eq!(act(DNS, "clear").json(), json!({"success": true}));
    lab.over(DNS);
    let all = lab.history("");
    assert!(all.len() >= 2 && all.contains(&WEB.to_owned()) && all.contains(&DNS.to_owned()), "{all:?}");
    assert_eq!((lab.history("?limit=1"), lab.history("?limit=1").len()), (all[..1].to_vec(), 1));
    for query in ["?limit=x", "?limit=-3", "?limit=100"] {
        let reply = lab.worker.get(&format!("/api/alerts/history{query}"));
        assert!(
            reply.status == 200 && lab.history(query) == all || reply.status == 400 && query == "?limit=-3",
            "{query}"
        );
    }
    assert_eq!(lab.worker.get("/api/notifications/alerts?limit=1").json().as_array().map(Vec::len), Some(1));
    let stamps = lab.worker.get("/api/alerts/history").json();
    let stamps: Vec<String> = stamps.as_array().into_iter().flatten().map(|one| one["startTime"].to_string()).collect();
    assert!(stamps.is_sorted_by(|one, two| one >= two), "newest first: {stamps:?}");

    let cleared = send(&lab.worker, "DELETE", "/api/alerts/history", &Value::Null);
    assert_eq!(cleared.json(), json!({"status": "success", "message": "Alert history cleared"}));
    assert!(!lab.history("").contains(&DNS.to_owned()));
    assert!(lab.active(WEB).is_some_and(|alert| alert["acknowledged"] == true), "what goes on stays");
    lab.poll(&[web(0.5)]);
    lab.over(WEB);
}

#[test]
fn line_12_nothing_is_judged_while_alerts_are_switched_off() {
    let mut lab = Lab::start();
    let mut config = lab.worker.get("/api/alerts/config").json();
    config["enabled"] = json!(false);
    lab.change("PUT", "/api/alerts/config", &config);
    lab.poll(&[web(0.95), web(0.95)]);
    config["enabled"] = json!(true);
    lab.change("PUT", "/api/alerts/config", &config);
    lab.poll(&[Moment { web: Some(0.1), dns: 0.95 }]);
    lab.raised(DNS, "critical");
    assert!(!lab.history("").contains(&WEB.to_owned()));
}
