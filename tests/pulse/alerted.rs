//! Alerts as who listens is told of them, and as they are in the state: the same in every place.

use std::time::Duration;

use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::collector::{Collector, now_ms, poll, until};
use super::listener::Listener;

const CPU_OF_NODE: &str = "lab-pve1-cpu";

/// A collector whose instance is known, and somebody who listens.
fn begin(worker: &Worker) -> (Collector, Listener) {
    let host = worker.add_host("collector");
    let (mut collector, _) = Collector::begin(worker, &host, "r1");
    collector.census();
    collector.frame(1, &[poll(now_ms(), 0.25, true)]);
    until("four hosts", || worker.get("/api/state").at("/nodes").as_array().is_some_and(|nodes| nodes.len() == 2));
    (collector, Listener::begin(worker))
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|alert| alert["id"].as_str().unwrap_or_default().to_owned()).collect()
}

fn has(list: &Value, id: &str) -> bool {
    ids(list).iter().any(|one| one == id)
}

fn post(worker: &Worker, path: &str) -> Value {
    worker.post(path, &[("X-API-Token", &worker.token)], "").json()
}

#[test]
fn an_alert_is_told_when_it_begins_and_when_it_is_over_and_is_in_every_state() {
    let worker = Worker::start();
    let (mut collector, mut listener) = begin(&worker);
    // The second node is gone since the first poll: it takes three to say so.
    collector.frame(2, &[poll(now_ms(), 0.95, true)]);
    let (alert, _) = listener.until_it_has("alert", |data| data["id"] == CPU_OF_NODE);
    let data = &alert["data"];
    assert_eq!(
        (&data["type"], &data["level"], &data["resourceId"], &data["metadata"]["resourceType"]),
        (&json!("cpu"), &json!("critical"), &json!("lab-pve1"), &json!("Node"))
    );
    assert_eq!((&data["value"], &data["threshold"], &data["acknowledged"]), (&json!(95), &json!(80), &json!(false)));
    assert!(alert.get("timestamp").is_none());
    let (told, _) = listener.until_it_has("rawData", |data| has(&data["activeAlerts"], CPU_OF_NODE));
    let state = worker.get("/api/state");
    assert_eq!(ids(&state.at("/activeAlerts")), ids(&told["data"]["activeAlerts"]));
    assert_eq!(ids(&state.at("/activeAlerts")), ids(&worker.get("/api/alerts/active").json()));
    // What is known is not asked for again.
    worker.reset_meters();
    assert_eq!(worker.get("/api/state").cost().d1_rows_written, 0);
    assert_eq!(worker.get("/api/alerts/active").cost().d1_rows_written, 0);
    let of_object = |name: &str| worker.meters().class("Proxmox", name);
    assert_eq!([of_object("d1_rows_read"), of_object("d1_rows_written"), of_object("rows_written")], [0; 3]);

    assert_eq!(post(&worker, &format!("/api/alerts/{CPU_OF_NODE}/acknowledge")), json!({"success": true}));
    let is_known = |list: &Value| {
        list.as_array().is_some_and(|all| all.iter().any(|one| one["id"] == CPU_OF_NODE && one["acknowledged"] == true))
    };
    assert!(is_known(&worker.get("/api/state").at("/activeAlerts")));
    listener.until_it_has("rawData", |data| is_known(&data["activeAlerts"]));

    // While it goes on it has what was polled last, wherever it is shown.
    collector.frame(3, &[poll(now_ms(), 0.97, true)]);
    let value = |list: &Value| list.as_array()?.iter().find(|one| one["id"] == CPU_OF_NODE)?["value"].as_f64();
    listener.until_it_has("rawData", |data| value(&data["activeAlerts"]) == Some(97.0));
    let shown = [worker.get("/api/state").at("/activeAlerts"), worker.get("/api/alerts/active").json()];
    assert_eq!([value(&shown[0]), value(&shown[1])], [Some(97.0); 2]);
    assert_eq!(worker.events("alert_reminder"), 0);

    collector.frame(4, &[poll(now_ms(), 0.25, true)]);
    let (resolved, _) = listener.until_it_has("alertResolved", |data| data["alertId"] == CPU_OF_NODE);
    assert_eq!(resolved, json!({"type": "alertResolved", "data": {"alertId": CPU_OF_NODE}}));
    let (raw, before) = listener.until("rawData");
    assert!(before.iter().all(|kind| kind == "alertResolved"), "{before:?}");
    let data = &raw["data"];
    assert!(!has(&data["activeAlerts"], CPU_OF_NODE) && has(&data["recentlyResolved"], CPU_OF_NODE), "{data}");
    let over = worker.get("/api/state");
    assert_eq!(ids(&over.at("/recentlyResolved")), ids(&data["recentlyResolved"]));
    assert!(over.at("/recentlyResolved/0/resolvedTime").as_str().is_some_and(|at| at.ends_with('Z')));
    worker.step_clock_ahead(305_000);
    let later = worker.get("/api/state");
    assert!(!has(&later.at("/recentlyResolved"), CPU_OF_NODE), "five minutes later: {}", later.body);
}

#[test]
fn an_alert_that_somebody_ends_is_told_of_as_one_that_is_over() {
    let worker = Worker::start();
    let (mut collector, mut listener) = begin(&worker);
    collector.frame(2, &[poll(now_ms(), 0.95, true)]);
    listener.until_it_has("alert", |data| data["id"] == CPU_OF_NODE);
    listener.until_it_has("rawData", |data| has(&data["activeAlerts"], CPU_OF_NODE));
    assert_eq!(post(&worker, &format!("/api/alerts/{CPU_OF_NODE}/clear")), json!({"success": true}));
    assert!(!has(&worker.get("/api/state").at("/activeAlerts"), CPU_OF_NODE), "at once");
    listener.until_it_has("alertResolved", |data| data["alertId"] == CPU_OF_NODE);
    listener.until_it_has("rawData", |data| {
        !has(&data["activeAlerts"], CPU_OF_NODE) && has(&data["recentlyResolved"], CPU_OF_NODE)
    });
}

#[test]
fn in_quiet_hours_a_warning_is_seen_and_nobody_is_told() {
    let worker = Worker::start();
    let (mut collector, mut listener) = begin(&worker);
    let mut config = worker.get("/api/alerts/config").json();
    let now_min = now_ms() / 60_000;
    let time = |minute: i64| format!("{:02}:{:02}", minute.rem_euclid(1440) / 60, minute.rem_euclid(60));
    let quiet = &mut config["schedule"]["quietHours"];
    quiet["enabled"] = true.into();
    quiet["timezone"] = "UTC".into();
    (quiet["start"], quiet["end"]) = (time(now_min - 120).into(), time(now_min + 120).into());
    for day in ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] {
        quiet["days"][day] = true.into();
    }
    let saved = worker.request("PUT", "/api/alerts/config", &[("X-API-Token", &worker.token)], &config.to_string());
    assert_eq!(saved.status, 200, "{}", saved.body);
    collector.frame(2, &[poll(now_ms(), 0.85, true)]);
    let (_, before) = listener.until_it_has("rawData", |data| has(&data["activeAlerts"], CPU_OF_NODE));
    assert!(!before.contains(&"alert".to_owned()), "{before:?}");
    assert!(!listener.all_for(Duration::from_secs(3)).contains(&"alert".to_owned()));
    // What is critical is told all the same.
    let mut hot = poll(now_ms(), 0.85, true);
    hot["storages"] = json!([["local", "pve1", "available", 99, 100, 1]]);
    collector.frame(3, &[hot]);
    let (alert, _) = listener.until("alert");
    assert_eq!((&alert["data"]["level"], &alert["data"]["type"]), (&json!("critical"), &json!("usage")), "{alert}");
}

#[test]
fn guests_are_told_of_no_alert() {
    let worker = Worker::start();
    super::listener::set(&worker, &json!({"guest_view": "pulse"}));
    let (mut collector, mut listener) = begin(&worker);
    let mut guest = Listener::open(&worker, "/pulse/ws", &[]).expect("guests are let in");
    guest.until("initialState");
    collector.frame(2, &[poll(now_ms(), 0.95, true)]);
    listener.until("alert");
    listener.until_it_has("rawData", |data| has(&data["activeAlerts"], CPU_OF_NODE));
    let state = worker.get_as("/api/state", &[]);
    assert_eq!((state.status, state.at("/activeAlerts")), (200, json!([])));
    guest.0.send_text(r#"{"type":"requestData"}"#);
    let (raw, before) = guest.until("rawData");
    assert_eq!(raw["data"]["activeAlerts"], json!([]));
    assert!(!before.contains(&"alert".to_owned()), "{before:?}");
}
