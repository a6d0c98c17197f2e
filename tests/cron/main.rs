//! The schedule alone: hosts go offline and come back, people are told, and nobody is called offline because of us.

mod heartbeat;

use std::time::{SystemTime, UNIX_EPOCH};

use edgewatch_harness::worker::{Fault, TestHost, Worker};
use serde_json::{Value, json};

const MINUTE: u64 = 60_000;

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    u64::try_from(now.as_millis()).expect("a few centuries")
}

fn report(worker: &Worker, host: &TestHost, number: u64) {
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": now_ms(), "oldest": number, "period_s": 10,
        "samples": [{ "number": number, "at_ms": now_ms(), "load1": 1 }]
    });
    let bearer = format!("Bearer {}", host.secret);
    let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
    assert_eq!(reply.at("/durable_up_to"), json!(number), "{}", reply.body);
}

/// The moment from which minutes are counted, a little ahead: the alarm that first reports set for a second later has rung by then. Nothing
/// else rings while nobody has a socket, so from here on the schedule is alone.
fn begin(worker: &Worker) -> u64 {
    worker.set_clock_ahead(2_000);
    now_ms() + 2_000
}

/// Fires the schedule at this moment, which is also what the Worker's clock shows then: whatever rings judges by that clock, and would
/// find the next run late if it were behind.
fn fire(worker: &Worker, at_ms: u64) -> bool {
    let ahead_ms = i64::try_from(at_ms).expect("a few centuries") - i64::try_from(now_ms()).expect("likewise");
    worker.set_clock_ahead(ahead_ms);
    worker.cron_at(at_ms)
}

/// Fires it at these minutes after `start`. A host that reported before `start` is over its patience at minute 1.
fn run(worker: &Worker, start: u64, minutes: std::ops::RangeInclusive<u64>) {
    for minute in minutes {
        assert!(fire(worker, start + minute * MINUTE), "the run of minute {minute}");
    }
}

fn kinds(worker: &Worker) -> Vec<Value> {
    let events = worker.get("/api/edgewatch/v1/events").at("/events");
    events.as_array().into_iter().flatten().map(|event| event["kind"].clone()).collect()
}

fn add_channel(worker: &Worker, url: &str) {
    let body = json!({ "name": "ops", "kind": "webhook", "url": url }).to_string();
    let made = worker.post("/api/edgewatch/v1/channels", &[("Authorization", &worker.token)], &body);
    assert_eq!(made.status, 201, "{}", made.body);
}

#[test]
fn a_silent_host_goes_offline_and_comes_back_and_people_are_told() {
    let worker = Worker::builder().capture_outbound().start();
    add_channel(&worker, "https://hooks.example.com/x");
    let host = worker.add_host("alpha \"1\"");
    report(&worker, &host, 1);
    let start = begin(&worker);
    run(&worker, start, 0..=0);
    assert_eq!(kinds(&worker), Vec::<Value>::new());
    run(&worker, start, 1..=3);
    assert_eq!(kinds(&worker), ["host_offline"]);
    report(&worker, &host, 2);
    assert!(fire(&worker, start + 3 * MINUTE + 10_000));
    assert_eq!(kinds(&worker).len(), 2);
    let sent = worker.outbound();
    let bodies: Vec<Value> =
        sent.iter().map(|one| serde_json::from_str(one["body"].as_str().unwrap_or("")).expect("JSON")).collect();
    assert_eq!(bodies.iter().map(|body| &body["kind"]).collect::<Vec<_>>(), ["host_offline", "host_online"]);
    assert_eq!((&bodies[0]["host_name"], &bodies[0]["host_id"]), (&json!("alpha \"1\""), &json!(host.id)));
    assert_eq!(sent[0]["headers"]["idempotency-key"], bodies[0]["key"]);
    assert_eq!(bodies[1]["key"], worker.get("/api/edgewatch/v1/events").at("/events/0/key"), "the newest first");
}

#[test]
fn a_host_that_never_reported_is_not_offline() {
    let worker = Worker::start();
    worker.add_host("alpha");
    let start = begin(&worker);
    run(&worker, start, 0..=5);
    assert_eq!(kinds(&worker), Vec::<Value>::new());
}

#[test]
fn nobody_is_called_offline_because_the_schedule_was_away() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    report(&worker, &host, 1);
    let start = begin(&worker);
    run(&worker, start, 0..=0);
    // An hour without a run, then three minutes in which everybody may come back.
    run(&worker, start, 60..=62);
    assert_eq!(kinds(&worker), ["monitoring_impaired"]);
    run(&worker, start, 63..=63);
    assert_eq!(kinds(&worker), ["host_offline", "monitoring_impaired"], "silent for three minutes of our being there");
}

#[test]
fn many_at_once_are_held_back_and_told_of_when_they_stay_silent() {
    let worker = Worker::start();
    let hosts: Vec<TestHost> = (0..6).map(|index| worker.add_host(&format!("host-{index}"))).collect();
    for host in &hosts {
        report(&worker, host, 1);
    }
    let start = begin(&worker);
    run(&worker, start, 0..=1);
    assert_eq!(kinds(&worker), ["monitoring_impaired"]);
    run(&worker, start, 2..=3);
    assert_eq!(kinds(&worker), ["monitoring_impaired"]);
    run(&worker, start, 4..=4);
    let after = kinds(&worker);
    assert_eq!(after.iter().filter(|kind| **kind == json!("host_offline")).count(), 6, "{after:?}");
}

#[test]
fn a_webhook_that_refuses_is_tried_again_until_it_takes_it_once() {
    let worker = Worker::builder().capture_outbound().start();
    add_channel(&worker, "https://hooks.example.com/x");
    let host = worker.add_host("alpha");
    report(&worker, &host, 1);
    let start = begin(&worker);
    worker.answer_outbound(503);
    run(&worker, start, 0..=1);
    assert_eq!(worker.outbound().len(), 1);
    worker.answer_outbound(200);
    run(&worker, start, 2..=8);
    let sent = worker.outbound();
    assert_eq!(sent.len(), 2, "one refusal, one delivery");
    assert_eq!(sent[0]["headers"]["idempotency-key"], sent[1]["headers"]["idempotency-key"]);
    assert_eq!(sent[0]["body"], sent[1]["body"], "the same request again");
}

#[test]
fn a_host_that_reports_rarely_is_given_its_time() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": now_ms(), "oldest": 1, "period_s": 10, "frame_s": 300,
        "samples": [{ "number": 1, "at_ms": now_ms(), "load1": 1 }]
    });
    let bearer = format!("Bearer {}", host.secret);
    assert_eq!(worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string()).status, 200);
    let start = begin(&worker);
    run(&worker, start, 0..=14);
    assert_eq!(kinds(&worker), Vec::<Value>::new());
    run(&worker, start, 15..=15);
    assert_eq!(kinds(&worker), ["host_offline"]);
}

#[test]
fn a_deleted_channel_hears_no_more() {
    let worker = Worker::builder().capture_outbound().start();
    add_channel(&worker, "https://hooks.example.com/x");
    let host = worker.add_host("alpha");
    report(&worker, &host, 1);
    let start = begin(&worker);
    worker.answer_outbound(500);
    run(&worker, start, 0..=1);
    assert_eq!(worker.outbound().len(), 1);
    let path = "/api/edgewatch/v1/channels/1";
    assert_eq!(worker.request("DELETE", path, &[("Authorization", &worker.token)], "").status, 204);
    run(&worker, start, 2..=5);
    assert_eq!(worker.outbound().len(), 1);
}

#[test]
fn the_wait_between_tries_grows() {
    let worker = Worker::builder().capture_outbound().start();
    add_channel(&worker, "https://hooks.example.com/x");
    let host = worker.add_host("alpha");
    report(&worker, &host, 1);
    let start = begin(&worker);
    worker.answer_outbound(500);
    run(&worker, start, 0..=20);
    // Told at minute 1, then after 1, 2, 4 and 8 minutes more.
    assert_eq!(worker.outbound().len(), 5, "tries in twenty minutes");
}

#[test]
fn a_verdict_whose_answer_was_lost_is_not_told_twice() {
    let worker = Worker::builder().capture_outbound().start();
    add_channel(&worker, "https://hooks.example.com/x");
    let host = worker.add_host("alpha");
    report(&worker, &host, 1);
    let start = begin(&worker);
    run(&worker, start, 0..=0);
    worker.faults(Fault::LostAfterCommit, 1, "INSERT INTO events");
    run(&worker, start, 1..=4);
    assert_eq!(worker.faults_fired(), 1);
    assert_eq!(kinds(&worker), ["host_offline"]);
    assert_eq!(worker.outbound().len(), 1);
}

#[test]
fn a_run_that_cannot_reach_the_database_changes_nothing() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    report(&worker, &host, 1);
    let start = begin(&worker);
    run(&worker, start, 0..=0);
    worker.faults(Fault::LostBefore, 1000, "");
    run(&worker, start, 1..=10);
    worker.faults(Fault::Off, 0, "");
    run(&worker, start, 11..=12);
    assert_eq!(kinds(&worker), ["monitoring_impaired"], "we were away");
}

#[test]
fn a_run_has_its_price() {
    let worker = Worker::start();
    for index in 0..3 {
        let host = worker.add_host(&format!("host-{index}"));
        report(&worker, &host, 1);
    }
    let start = begin(&worker);
    assert!(fire(&worker, start) && fire(&worker, start + 10_000));
    let (read, written) = worker.schedule_cost();
    // In D1: nothing written; the version of the list of hosts, whether the hub was away, the empty outbox and the heartbeat's two
    // settings are read.
    assert_eq!(written, 0, "rows written");
    assert!(read <= 5, "rows read: {read}");
}

#[test]
fn what_waits_and_what_was_given_up_costs_a_run_nothing_until_it_is_due() {
    let worker = Worker::builder().capture_outbound().start();
    // Ten minutes past the next hour: at the hour itself, and at some minutes of it, other things are done.
    let start = (now_ms() / 3_600_000 + 1) * 3_600_000 + 10 * MINUTE;
    assert!(fire(&worker, start));
    let (empty, _) = worker.schedule_cost();
    add_channel(&worker, "https://hooks.example.com/x");
    let in_an_hour = start / 1_000 + 3_600;
    worker.sql(&format!(
        "INSERT INTO outbox (key, channel_id, request_sealed, created_at_s, attempts, next_attempt_s, failed_at_s) \
         WITH RECURSIVE n(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < 600) \
         SELECT 'k' || at, 1, '', {in_an_hour} - 7200, 5, {in_an_hour}, iif(at > 300, {in_an_hour} - 3600, NULL) FROM n"
    ));
    assert!(fire(&worker, start + MINUTE));
    let (waiting, written) = worker.schedule_cost();
    assert!(waiting <= empty + 2 && written == 0, "{waiting} rows read, {empty} of an empty outbox; {written} written");
    worker.sql("UPDATE outbox SET next_attempt_s = 0 WHERE key IN ('k7', 'k8', 'k407')");
    assert!(fire(&worker, start + 2 * MINUTE));
    let tried = worker.sql("SELECT key FROM outbox WHERE attempts = 6 ORDER BY key");
    let tried: Vec<&str> =
        tried["results"].as_array().into_iter().flatten().filter_map(|row| row["key"].as_str()).collect();
    assert_eq!(tried, ["k7", "k8"], "those that are due, and none that was given up");
}
