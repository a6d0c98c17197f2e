//! What monitors find, from the first post to the alert's end. Source: mackerel specification, 8.1.

use std::time::Duration;

use edgewatch_harness::objects::Sockets;
use edgewatch_harness::receiver::Receiver;
use edgewatch_harness::wait::wait_until;
use serde_json::{Value, json};

use super::Mackerel;
use super::checks::says;
use super::tsdb::{now_s, value};

/// How long is waited for what the schedule and alarms do.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until so many alerts are listed, and gives them.
pub fn alerts(mackerel: &Mackerel, query: &str, count: usize) -> Vec<Value> {
    wait_until(&format!("{count} alerts {query}"), PATIENCE, || {
        let listed = mackerel.get(&format!("/alerts{query}"));
        let alerts = listed["alerts"].as_array().expect("a list").clone();
        (alerts.len() == count).then_some(alerts)
    })
}

/// Seconds that have passed, which nothing but the clock of the Worker knows.
pub struct Time<'a> {
    mackerel: &'a Mackerel,
    start_s: i64,
    minutes: i64,
}

impl<'a> Time<'a> {
    /// From now on.
    pub fn of(mackerel: &'a Mackerel) -> Self {
        Self { mackerel, start_s: now_s(), minutes: 0 }
    }

    /// The moment that it is, Unix seconds.
    pub fn now_s(&self) -> i64 {
        self.start_s + self.minutes * 60
    }

    /// A minute later the schedule looks.
    pub fn minute(&mut self) {
        self.minutes += 1;
        self.mackerel.worker.set_clock_ahead((self.now_s() - now_s()) * 1000);
        assert!(self.mackerel.worker.cron_at(u64::try_from(self.now_s() * 1000).expect("past 1970")));
    }

    /// A host posts its load.
    pub fn post(&self, host: &str, of: f64) {
        let body = json!([value(host, "loadavg5", self.now_s(), of)]).to_string();
        let reply = self.mackerel.call("POST", "/tsdb", &body);
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
}

/// Makes a monitor of load, with more said of it or other things; gives its id.
pub fn monitor(mackerel: &Mackerel, more: &Value) -> Value {
    let mut said = json!({ "type": "host", "name": "load", "metric": "loadavg5", "operator": ">", "duration": 1, "warning": 4, "critical": 8 });
    for (key, value) in more.as_object().expect("an object") {
        said[key] = value.clone();
    }
    mackerel.done("POST", "/monitors", &said)["id"].clone()
}

#[test]
fn a_host_that_posts_no_more_for_ten_minutes_is_gone_and_its_next_post_ends_that() {
    // 15.
    let mackerel = Mackerel::start();
    let connectivity = mackerel.get("/monitors")["monitors"][0]["id"].clone();
    let (id, maintained) = (mackerel.host("a"), mackerel.host("b"));
    mackerel.done("POST", &format!("/hosts/{maintained}/status"), &json!({ "status": "maintenance" }));
    mackerel.host("never posted");
    let mut time = Time::of(&mackerel);
    time.post(&id, 1.0);
    time.post(&maintained, 1.0);
    time.minute();
    time.post(&id, 1.0);
    time.post(&maintained, 1.0);
    for _ in 0..9 {
        time.minute();
    }
    alerts(&mackerel, "", 0);
    (0..3).for_each(|_| time.minute());
    let open = alerts(&mackerel, "", 1);
    let expected = json!({
        "id": open[0]["id"], "status": "CRITICAL", "monitorId": connectivity, "type": "connectivity", "hostId": id,
        "openedAt": open[0]["openedAt"]
    });
    assert_eq!(open[0], expected);
    let statuses = mackerel.get(&format!("/hosts/{id}/monitored-statuses"));
    assert_eq!(statuses, json!({ "monitoredStatuses": [{ "monitorId": connectivity, "status": "CRITICAL" }] }));
    mackerel.worker.evict("Hub", "hub-0", Sockets::Hibernate);
    time.post(&id, 1.0);
    alerts(&mackerel, "", 0);
    let over = alerts(&mackerel, "?withClosed=true", 1);
    assert_eq!((&over[0]["id"], &over[0]["status"]), (&open[0]["id"], &json!("OK")));
}

#[test]
fn a_metric_beyond_its_limits_is_told_of_once_and_its_end_too() {
    let mackerel = Mackerel::start();
    let receiver = Receiver::start();
    mackerel.tell(&receiver);
    let id = mackerel.host("a");
    let load = monitor(&mackerel, &json!({ "duration": 2 }));
    let mut time = Time::of(&mackerel);
    for of in [9.0, 1.0, 9.0, 9.0] {
        time.post(&id, of);
        time.minute();
    }
    let open = alerts(&mackerel, "", 1);
    assert_eq!((&open[0]["monitorId"], &open[0]["type"], &open[0]["hostId"]), (&load, &json!("host"), &json!(id)));
    assert_eq!((&open[0]["status"], &open[0]["value"]), (&json!("CRITICAL"), &json!(9.0)));
    time.post(&id, -9.0);
    alerts(&mackerel, "", 0);
    wait_until("everybody was told", PATIENCE, || (receiver.received().len() >= 3).then_some(()));
    let kinds: Vec<Value> = receiver.received().into_iter().map(|one| one.json()["kind"].clone()).collect();
    assert_eq!(kinds, [json!("alert_fired"), json!("alert_changed"), json!("alert_recovered")]);
    let id = open[0]["id"].as_str().expect("an id").to_owned();
    let log = mackerel.get(&format!("/alerts/{id}/logs"));
    let values: Vec<&Value> = log["logs"].as_array().expect("a list").iter().map(|one| &one["targetValue"]).collect();
    assert_eq!(values[1..], [&json!(9.0), &json!(5.0)]);
    // Our own list and Nezha's have it too.
    let native = mackerel.worker.get("/api/edgewatch/v1/alerts?state=all").at("/alerts/0/source");
    assert_eq!(native, json!("monitor"));
}

#[test]
fn a_post_that_changes_nothing_of_a_monitor_costs_no_row_in_the_database() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    monitor(&mackerel, &json!({}));
    let mut time = Time::of(&mackerel);
    for of in [1.0, 1.0, 9.0, 9.0] {
        time.post(&id, of);
        time.minute();
    }
    alerts(&mackerel, "", 1);
    let body = json!([value(&id, "loadavg5", time.now_s(), 9.0)]).to_string();
    let cost = mackerel.call("POST", "/tsdb", &body).cost();
    assert_eq!((cost.d1_rows_read, cost.d1_rows_written, cost.object_rows_written), (0, 0, 1), "{cost:?}");
}

#[test]
fn nobody_is_told_of_what_is_mute_or_of_a_host_that_stands_by() {
    let mackerel = Mackerel::start();
    let receiver = Receiver::start();
    mackerel.tell(&receiver);
    let (mute, standby) =
        (mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["Svc:web"] })), mackerel.host("b"));
    monitor(&mackerel, &json!({ "name": "mute", "isMute": true, "scopes": ["Svc:web"] }));
    monitor(&mackerel, &json!({ "name": "loud", "excludeScopes": ["Svc"] }));
    mackerel.done("POST", &format!("/hosts/{standby}/status"), &json!({ "status": "standby" }));
    let mut time = Time::of(&mackerel);
    time.post(&mute, 9.0);
    time.post(&standby, 9.0);
    alerts(&mackerel, "", 2);
    time.minute();
    time.post(&mute, 1.0);
    time.post(&standby, 1.0);
    alerts(&mackerel, "", 0);
    time.minute();
    assert_eq!(receiver.received().len(), 0);
}

#[test]
fn in_a_downtime_no_alert_begins_and_after_it_those_of_what_is_still_so_do() {
    let mackerel = Mackerel::start();
    let down = mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["Svc:web"] }));
    let other = mackerel.host("b");
    let load = monitor(&mackerel, &json!({}));
    let mut time = Time::of(&mackerel);
    let downtime = json!({ "name": "d", "start": time.now_s() - 60, "duration": 16, "roleScopes": ["Svc:web"] });
    mackerel.done("POST", "/downtimes", &downtime);
    time.post(&down, 9.0);
    time.post(&other, 9.0);
    let open = alerts(&mackerel, "", 1);
    assert_eq!((&open[0]["hostId"], &open[0]["monitorId"]), (&json!(other), &load));
    mackerel.report(&[says(&down, "disk", "CRITICAL", now_s() - 5)]);
    (0..13).for_each(|_| time.minute());
    // The other one is gone by now, and so is this one.
    let listed = alerts(&mackerel, "", 2);
    assert!(listed.iter().all(|alert| alert["hostId"] == json!(other)), "{listed:?}");
    (0..4).for_each(|_| time.minute());
    let open = alerts(&mackerel, "", 3);
    assert_eq!((&open[0]["hostId"], &open[0]["type"]), (&json!(down), &json!("connectivity")));
    // It is back, as busy as it was; the check says again what it said.
    time.post(&down, 9.0);
    mackerel.report(&[says(&down, "disk", "CRITICAL", time.now_s())]);
    let types: Vec<Value> = alerts(&mackerel, "", 4)
        .into_iter()
        .filter(|alert| alert["hostId"] == json!(down))
        .map(|alert| alert["type"].clone())
        .collect();
    assert_eq!(types, [json!("check"), json!("host")]);
}

#[test]
fn an_alert_outlasts_maintenance_and_ends_when_the_host_is_judged_again() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    monitor(&mackerel, &json!({}));
    let mut time = Time::of(&mackerel);
    time.post(&id, 9.0);
    mackerel.report(&[says(&id, "disk", "CRITICAL", now_s() - 5)]);
    alerts(&mackerel, "", 2);
    let status = |status: &str| {
        mackerel.done("POST", &format!("/hosts/{id}/status"), &json!({ "status": status }));
    };
    status("maintenance");
    time.minute();
    time.post(&id, 1.0);
    mackerel.report(&[says(&id, "disk", "OK", now_s() - 4)]);
    time.minute();
    alerts(&mackerel, "", 2);
    status("working");
    time.minute();
    time.post(&id, 1.0);
    alerts(&mackerel, "", 0);
}

#[test]
fn with_a_monitor_and_with_a_host_their_alerts_go() {
    let mackerel = Mackerel::start();
    let (first, second) = (mackerel.host("a"), mackerel.host("b"));
    let load = monitor(&mackerel, &json!({}));
    let time = Time::of(&mackerel);
    time.post(&first, 9.0);
    time.post(&second, 9.0);
    alerts(&mackerel, "", 2);
    mackerel.done("POST", &format!("/hosts/{first}/retire"), &json!({}));
    alerts(&mackerel, "", 1);
    mackerel.done("DELETE", &format!("/monitors/{}", load.as_str().expect("an id")), &json!({}));
    alerts(&mackerel, "", 0);
    let mut triggers: Vec<Value> = alerts(&mackerel, "?withClosed=true", 2)
        .iter()
        .map(|alert| {
            assert_eq!((&alert["type"], &alert["status"]), (&json!("host"), &json!("OK")));
            mackerel.get(&format!("/alerts/{}/logs", alert["id"].as_str().expect("an id")))["logs"][0]["trigger"]
                .clone()
        })
        .collect();
    triggers.sort_by_key(Value::to_string);
    assert_eq!(triggers, [json!("hostRetire"), json!("monitorDelete")]);
}

#[test]
fn a_services_metric_is_watched() {
    let mackerel = Mackerel::start();
    mackerel.done("POST", "/services", &json!({ "name": "Svc" }));
    let few = json!({ "type": "service", "name": "few", "service": "Svc", "metric": "clicks", "operator": "<", "duration": 1, "critical": 5 });
    let monitor = mackerel.done("POST", "/monitors", &few)["id"].clone();
    let post = |at_s: i64, of: f64| {
        mackerel.done("POST", "/services/Svc/tsdb", &json!([{ "name": "clicks", "time": at_s, "value": of }]));
    };
    post(now_s() - 60, 3.0);
    let open = alerts(&mackerel, "", 1);
    let expected = json!({
        "id": open[0]["id"], "status": "CRITICAL", "monitorId": monitor, "type": "service", "value": 3.0,
        "openedAt": open[0]["openedAt"]
    });
    assert_eq!(open[0], expected);
    post(now_s(), 6.0);
    alerts(&mackerel, "", 0);
}
