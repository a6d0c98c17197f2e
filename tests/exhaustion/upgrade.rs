//! An object of before there were alerts wakes under this code when nothing more may be written: its new tables cannot be made. It
//! reads on, and what it could not keep then works as soon as it can be.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgewatch_harness::http::Reply;
use edgewatch_harness::objects::{Exhausted, Sockets};
use edgewatch_harness::receiver::Receiver;
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::json;

/// Longer than anybody waits after a refusal.
const LATER_MS: u64 = 620_000;

fn report(worker: &Worker, host: &TestHost, number: u64, load1: f64) -> Reply {
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": number, "period_s": 10, "frame_s": 300,
        "samples": [{ "number": number, "at_ms": 0, "load1": load1 }]
    });
    let bearer = format!("Bearer {}", host.secret);
    worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string())
}

/// Fires the schedule at a moment that is so far ahead.
fn cron(worker: &Worker, ahead_ms: u64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    worker.cron_at(u64::try_from(now.as_millis()).expect("a few centuries") + ahead_ms)
}

#[test]
fn tables_that_could_not_be_made_at_an_upgrade_are_made_when_they_can() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    let header = [("Authorization", worker.token.as_str())];
    let channel = json!({ "name": "ops", "kind": "webhook", "url": receiver.url() }).to_string();
    assert_eq!(worker.post("/api/edgewatch/v1/channels", &header, &channel).status, 201);
    let rule = json!({ "name": "busy", "conditions": [{ "metric": "load1", "above": 4 }] }).to_string();
    assert_eq!(worker.post("/api/edgewatch/v1/rules", &header, &rule).status, 201);
    let host = worker.add_host("alpha");
    assert_eq!(report(&worker, &host, 1, 1.0).status, 200);
    assert!(cron(&worker, 0));
    let tables = || {
        let found = worker.object_sql("Hub", "hub-0", "SELECT name FROM sqlite_master WHERE type = 'table'");
        found.iter().filter(|table| table["name"] == "alert_states" || table["name"] == "owed_events").count()
    };
    worker.object_sql("Hub", "hub-0", "DROP TABLE alert_states");
    worker.object_sql("Hub", "hub-0", "DROP TABLE owed_events");
    worker.exhaust(Exhausted::ObjectRowsWritten);
    assert!(worker.evict("Hub", "hub-0", Sockets::Hibernate));
    // It reads on, and keeps nothing.
    let listed = worker.get("/api/v1/server/details");
    assert_eq!((listed.at("/result/0/name"), listed.at("/result/0/status/Load1")), (json!("alpha"), json!(1)));
    assert_ne!(report(&worker, &host, 2, 9.0).status, 200, "nothing is acknowledged that is not stored");
    assert!(cron(&worker, 0));
    assert_eq!((tables(), receiver.received().len()), (0, 0));
    assert!(worker.refill(Exhausted::ObjectRowsWritten) > 0);
    // Without any restart; agents were asked to wait for a while.
    worker.set_clock_ahead(LATER_MS.cast_signed());
    assert_eq!(report(&worker, &host, 2, 9.0).status, 200);
    wait_until("the alert", Duration::from_secs(20), || {
        assert!(cron(&worker, LATER_MS));
        let kinds: Vec<_> = receiver.received().iter().map(|one| one.json()["kind"].clone()).collect();
        kinds.contains(&json!("alert_fired")).then_some(())
    });
    assert_eq!(tables(), 2);
    assert_eq!(worker.get("/api/edgewatch/v1/alerts").at("/alerts").as_array().map(Vec::len), Some(1));
}
