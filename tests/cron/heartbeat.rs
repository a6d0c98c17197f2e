//! The dead-man's switch: it is called while all is well, and its silence says that all is not.

use edgewatch_harness::objects::Exhausted;
use edgewatch_harness::worker::{Fault, Worker};
use serde_json::{Value, json};

use super::{MINUTE, begin, fire, kinds, now_ms, run};

const URL: &str = "https://beat.example.com/ping/very-secret";

fn set(worker: &Worker, body: &Value) -> (u16, Value) {
    let path = "/api/edgewatch/v1/settings";
    let reply = worker.request("PATCH", path, &[("Authorization", &worker.token)], &body.to_string());
    (reply.status, reply.at(""))
}

fn beats(worker: &Worker) -> usize {
    let sent = worker.outbound();
    sent.iter().filter(|one| one["url"] == URL).inspect(|one| assert_eq!(one["method"], "GET")).count()
}

fn failures(worker: &Worker) -> Value {
    worker.get("/api/edgewatch/v1/settings").at("/heartbeat_failures")
}

#[test]
fn it_is_called_at_its_interval_and_costs_no_row() {
    let worker = Worker::builder().capture_outbound().start();
    let start = (now_ms() / 3_600_000 + 1) * 3_600_000 + 10 * MINUTE;
    assert!(fire(&worker, start));
    let (without, _) = worker.schedule_cost();
    let (status, shown) = set(&worker, &json!({ "heartbeat_url": URL }));
    assert_eq!(status, 200, "{shown}");
    assert_eq!((&shown["heartbeat_url"], &shown["heartbeat_interval_s"]), (&json!("********"), &json!(60)));
    assert!(!worker.sql("SELECT key, value FROM settings").to_string().contains("very-secret"));
    for minute in 1..=3 {
        assert!(fire(&worker, start + minute * MINUTE));
        assert_eq!(beats(&worker), usize::try_from(minute).expect("a few"));
        let (read, written) = worker.schedule_cost();
        assert!(written == 0 && read <= without + 3, "{read} rows read, {without} without; {written} written");
    }
    assert_eq!(set(&worker, &json!({ "heartbeat_interval_s": 300 })).0, 200);
    run(&worker, start, 4..=14);
    assert_eq!(beats(&worker), 3 + 2, "at ten past and at a quarter past, of eleven runs");
    assert!(!worker.log().contains("very-secret"));
    // What was shown changes nothing when it comes back; an empty text ends it.
    assert_eq!(set(&worker, &json!({ "heartbeat_url": "********", "heartbeat_interval_s": 60 })).0, 200);
    run(&worker, start, 15..=15);
    assert_eq!(beats(&worker), 6);
    let (_, shown) = set(&worker, &json!({ "heartbeat_url": "" }));
    assert_eq!(shown.get("heartbeat_url"), None);
    run(&worker, start, 16..=17);
    assert_eq!(beats(&worker), 6);
}

#[test]
fn nobody_is_called_when_the_hub_or_the_database_is_away() {
    let worker = Worker::builder().capture_outbound().start();
    assert_eq!(set(&worker, &json!({ "heartbeat_url": URL })).0, 200);
    let start = begin(&worker);
    run(&worker, start, 0..=0);
    assert_eq!(beats(&worker), 1);
    worker.exhaust(Exhausted::ObjectRequests);
    run(&worker, start, 1..=2);
    assert_eq!(beats(&worker), 1, "the hub is away");
    worker.refill(Exhausted::ObjectRequests);
    run(&worker, start, 3..=3);
    assert_eq!(beats(&worker), 2);
    worker.faults(Fault::LostBefore, 1_000, "");
    run(&worker, start, 4..=4);
    assert_eq!(beats(&worker), 2, "the database is away");
    worker.faults(Fault::Off, 0, "");
    run(&worker, start, 5..=5);
    assert_eq!(beats(&worker), 3);
}

#[test]
fn failures_are_counted_and_told_once() {
    let worker = Worker::builder().capture_outbound().start();
    assert_eq!(set(&worker, &json!({ "heartbeat_url": URL })).0, 200);
    let start = begin(&worker);
    worker.answer_outbound(500);
    run(&worker, start, 0..=1);
    assert_eq!((failures(&worker), kinds(&worker)), (json!(2), vec![]));
    run(&worker, start, 2..=2);
    assert_eq!((failures(&worker), kinds(&worker)), (json!(3), vec![json!("news")]));
    let told = worker.get("/api/edgewatch/v1/events").at("/events/0/text").to_string();
    assert!(told.contains("heartbeat") && told.contains("500") && !told.contains("very-secret"), "{told}");
    run(&worker, start, 3..=6);
    assert_eq!(kinds(&worker).len(), 1, "once");
    assert_eq!(worker.schedule_cost().1, 0, "and nothing more is written");
    worker.answer_outbound(200);
    run(&worker, start, 7..=7);
    assert_eq!(failures(&worker), json!(0));
    worker.answer_outbound(500);
    run(&worker, start, 8..=10);
    assert_eq!(kinds(&worker).len(), 2, "and again when it fails anew");
}

#[test]
fn addresses_that_cannot_be_are_refused() {
    let worker = Worker::builder().capture_outbound().start();
    for (body, field) in [
        (json!({ "heartbeat_url": "ftp://beat.example.com/" }), "heartbeat_url"),
        (json!({ "heartbeat_url": "http://169.254.169.254/latest" }), "heartbeat_url"),
        (json!({ "heartbeat_url": "no address" }), "heartbeat_url"),
        (json!({ "heartbeat_interval_s": 59 }), "heartbeat_interval_s"),
        (json!({ "heartbeat_interval_s": 3601 }), "heartbeat_interval_s"),
    ] {
        let (status, said) = set(&worker, &body);
        assert_eq!((status, &said["error"]["field"]), (400, &json!(field)), "{body}: {said}");
    }
    let without_key = Worker::builder().var("EDGEWATCH_KEY", "").start();
    assert_eq!(set(&without_key, &json!({ "heartbeat_url": URL })).0, 409);
}
