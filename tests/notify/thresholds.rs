//! Thresholds of Pulse's on hosts of ours: what they find within a while comes as one, and the list has it at once.

use std::time::Duration;

use edgewatch_harness::receiver::Receiver;
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

use super::{channel, hosts, now_ms, run, waiting};

/// Every host has the default limits, as they are stored, and nobody minds silence.
const STORED: &str = r#"{"enabled":true,"guest":{"limits":{}},"node":{"limits":{}},
    "host":{"limits":{"cpu":[80.0,75.0]}},"pbs":{"limits":{}},"storage":[85.0,80.0],"overrides":{},"rules":[],
    "schedule":{"quiet_hours":{"zone":"UTC","from_min":0,"to_min":0,"days":[true,true,true,true,true,true,true]},
    "cooldown_min":5,"grouping_s":30,"most_an_hour":10,"tells_of_end":false,"escalates":false,"levels":[],
    "grouping":[true,30,true,false]},"minimum_delta":2.0,"suppression_min":5,"hysteresis_margin":5.0,"hold_s":0,
    "holds":[null,null,null,null],"off":[false,false,false,false,false],"silence_off":[false,false,true,false,false]}"#;

fn report(worker: &Worker, host: &TestHost, number: u64, cpu: f64) {
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": now_ms(), "oldest": 1, "period_s": 10,
        "samples": [{ "number": number, "at_ms": now_ms(), "cpu_percent": cpu }]
    });
    let bearer = format!("Bearer {}", host.secret);
    let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
}

/// What the receiver was told of use of processors.
fn told(receiver: &Receiver) -> Vec<Value> {
    let all = receiver.received().into_iter().map(|one| one.json());
    all.filter(|body| body["alerts"][0]["type"] == "cpu").collect()
}

/// Alerts of thresholds, newest first: whether each goes on, and what it says.
fn alerts(worker: &Worker) -> Vec<(bool, String)> {
    let list = worker.get("/api/edgewatch/v1/alerts").at("/alerts");
    let of_thresholds = list.as_array().into_iter().flatten().filter(|alert| alert["source"] == "threshold");
    of_thresholds
        .map(|alert| (alert["closed_at_s"].is_null(), alert["detail"].as_str().unwrap_or_default().to_owned()))
        .collect()
}

#[test]
fn what_hosts_exceed_within_a_while_is_told_as_one_and_its_end_is_listed() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    channel(&worker, "pulse_webhook", &json!({ "url": receiver.url() }));
    worker.sql(&format!("INSERT INTO settings (key, value) VALUES ('thresholds', '{STORED}')"));
    worker.sql("INSERT INTO settings (key, value) VALUES ('rules_version', '7')");
    let (hosts, start) = hosts(&worker, &["alpha", "beta"]);
    run(&worker, start, 0..=0);
    report(&worker, &hosts[0], 2, 97.5);
    report(&worker, &hosts[1], 2, 85.25);
    let opened = || Some(alerts(&worker)).filter(|alerts| alerts.len() == 2);
    let found = wait_until("both alerts to be listed", Duration::from_secs(20), opened);
    for (value, is_open) in [("97.5", true), ("85.2", true)] {
        let text = format!("Host cpu usage at {value}% (trigger: 80%, clear: 75%)");
        assert!(found.contains(&(is_open, text)), "{found:?}");
    }
    assert_eq!((told(&receiver), waiting(&worker)), (vec![], 2), "they wait for others");
    run(&worker, start, 1..=1);
    wait_until("them to be told", Duration::from_secs(20), || (!told(&receiver).is_empty()).then_some(()));
    let bodies = told(&receiver);
    assert_eq!((bodies.len(), &bodies[0]["count"], &bodies[0]["source"]), (1, &json!(2), &json!("pulse-monitoring")));
    let mut said: Vec<(String, String)> = Vec::new();
    for alert in bodies[0]["alerts"].as_array().into_iter().flatten() {
        said.push((alert["resourceName"].to_string(), alert["level"].to_string()));
    }
    said.sort();
    let expected = [("\"alpha\"", "\"critical\""), ("\"beta\"", "\"warning\"")];
    assert_eq!(said, expected.map(|(name, level)| (name.to_owned(), level.to_owned())));
    // Nothing new, and the end: it is listed, and nobody is told.
    worker.restart();
    report(&worker, &hosts[0], 3, 96.0);
    report(&worker, &hosts[0], 4, 10.0);
    let over = || Some(alerts(&worker)).filter(|alerts| alerts.iter().filter(|(is_open, _)| *is_open).count() == 1);
    wait_until("one to be over", Duration::from_secs(20), over);
    run(&worker, start, 2..=3);
    wait_until("nothing to wait", Duration::from_secs(20), || (waiting(&worker) == 0).then_some(()));
    assert_eq!(told(&receiver).len(), 1);
    let about = worker.sql("SELECT resource_json FROM alerts WHERE cause LIKE 'threshold:%'");
    let about = about["results"][0]["resource_json"].as_str().unwrap_or_default().to_owned();
    assert!(about.contains(r#""limit":[80.0,75.0]"#), "{about}");
}
