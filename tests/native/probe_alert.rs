//! What probes tell people, in our own words: the fields of `notify`, the Worker's own results, and what it costs.

use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const PROBES: &str = "/api/edgewatch/v1/probes";
const DAY_S: u64 = 86_400;

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    u64::try_from(now.as_millis()).expect("a few centuries")
}

/// A Worker with a channel, whose outgoing requests are kept. On a machine of one's own, for targets on loopback.
fn start() -> Worker {
    let worker = Worker::builder().var("PLAN", "own").capture_outbound().start();
    let channel = json!({ "name": "ops", "kind": "webhook", "url": "https://hooks.example.com/x" }).to_string();
    let made = worker.post("/api/edgewatch/v1/channels", &[("Authorization", &worker.token)], &channel);
    assert_eq!(made.status, 201, "{}", made.body);
    worker
}

fn make(worker: &Worker, notify: &Value, more: &Value) -> Reply {
    let mut body = json!({ "name": "web", "kind": "http", "target": "https://example.com/", "notify": notify });
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    worker.post(PROBES, &[("Authorization", &worker.token)], &body.to_string())
}

fn report(worker: &Worker, host: &TestHost, number: u64, probes: &Value) -> Reply {
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": now_ms(), "oldest": number, "period_s": 10, "frame_s": 60,
        "samples": [{ "number": number, "at_ms": now_ms(), "load1": 1, "probes": probes }]
    });
    let bearer = format!("Bearer {}", host.secret);
    let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
    assert_eq!(reply.at("/durable_up_to"), json!(number), "{}", reply.body);
    reply
}

/// What people were told of probes so far: the kind, and the text.
fn told(worker: &Worker, at_ms: u64) -> Vec<(String, String)> {
    assert!(worker.cron_at(at_ms), "{}", worker.log());
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let bodies =
        worker.outbound().into_iter().filter_map(|one| serde_json::from_str::<Value>(one["body"].as_str()?).ok());
    let ours = |kind: &str| kind.starts_with("alert_") || kind == "certificate_changed";
    bodies.map(|body| (word(&body["kind"]), word(&body["text"]))).filter(|(kind, _)| ours(kind)).collect()
}

#[test]
fn the_days_before_a_certificates_end_are_seven_unless_somebody_says_a_number() {
    let worker = start();
    let days = |notify: &Value| make(&worker, notify, &json!({})).at("/notify/certificate_days");
    assert_eq!((days(&json!({ "state": true })), days(&json!({ "delay": true }))), (json!(7), json!(0)));
    assert_eq!(days(&json!({ "state": true, "certificate_days": 0 })), 0);
    assert_eq!(days(&json!({ "certificate_days": 30 })), 30);
    let refused = make(&worker, &json!({ "certificate_days": 4_000 }), &json!({}));
    assert_eq!((refused.status, refused.at("/error/field")), (400, json!("notify.certificate_days")));
    let host = worker.add_host("fra-1");
    let expires_s = now_ms() / 1000 + 20 * DAY_S;
    let seen: Vec<Value> = (1..=4).map(|id| json!({ "id": id, "delay_ms": 1, "tls_expires_s": expires_s })).collect();
    report(&worker, &host, 1, &json!(seen));
    let told = told(&worker, now_ms());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1.starts_with("[SSL] web The certificate expires within 30 days, at "), "{told:?}");
    let alerts = worker.get("/api/edgewatch/v1/alerts").at("/alerts");
    assert_eq!((&alerts[0]["source"], &alerts[0]["source_id"]), (&json!("probe_certificate"), &json!(4)));
    assert_eq!(alerts[0]["text"], json!(told[0].1));
}

#[test]
fn nezhas_form_leaves_the_days_as_they_are() {
    let worker = start();
    make(&worker, &json!({ "state": true, "certificate_days": 30 }), &json!({}));
    let form = json!({
        "ID": 1, "Name": "web", "Type": 1, "Target": "https://example.com/", "Duration": 30, "Cover": 0,
        "SkipServersRaw": "[]", "FailTriggerTasksRaw": "[]", "RecoverTriggerTasksRaw": "[]", "Notify": "on"
    });
    let saved = worker.post("/api/monitor", &[("Cookie", &worker.cookie())], &form.to_string());
    assert_eq!(saved.json(), json!({ "code": 200 }));
    assert_eq!(worker.get(&format!("{PROBES}/1")).at("/notify/certificate_days"), 30);
}

#[test]
fn what_the_worker_finds_itself_is_told_as_of_edge() {
    let worker = start();
    let target = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").to_string()
    };
    let made = make(
        &worker,
        // The Worker's clock tells whole milliseconds, and a connection on one machine may take none.
        &json!({ "state": true, "delay": true, "min_delay_ms": 5000 }),
        &json!({ "kind": "tcp", "target": target, "from_edge": true, "hosts": { "only": [] } }),
    );
    assert_eq!(made.status, 201, "{}", made.body);
    let start = now_ms();
    assert!(worker.cron_at(start));
    let found = told(&worker, start + 60_000);
    assert_eq!(found.len(), 1, "{found:?}");
    let (kind, text) = &found[0];
    assert!(kind == "alert_fired" && text.starts_with("[Down] web Reporter: edge, Error: "), "{found:?}");
    assert!(!text.ends_with("Error: "), "it says why: {text}");
    let _listener = TcpListener::bind(&target).expect("the same port again");
    for minute in 2..=5 {
        assert!(worker.cron_at(start + minute * 60_000));
    }
    let found = told(&worker, start + 360_000);
    let slow = found.iter().find(|(_, text)| text.starts_with("[Latency] web "));
    assert!(slow.is_some_and(|(_, text)| text.ends_with(" < 5000.000000, Reporter: edge")), "{found:?}");
    let events = worker.get("/api/edgewatch/v1/events").at("/events");
    assert!(events.as_array().into_iter().flatten().all(|event| event["host_id"].is_null()), "{events}");
}

#[test]
fn while_nothing_changes_a_report_costs_what_it_did() {
    let worker = start();
    let host = worker.add_host("fra-1");
    let results: Vec<Value> = (1..=50).map(|id| json!({ "id": id, "delay_ms": 10 })).collect();
    let rows = |number: u64| {
        // A result counts every thirty seconds.
        worker.set_clock_ahead(i64::try_from(number).expect("a few") * 31_000);
        let reply = report(&worker, &host, number, &json!(results));
        let cost = reply.header("x-edgewatch-cost").expect("a cost").to_owned();
        let numbers: Vec<u64> = cost.split(',').filter_map(|part| part.parse().ok()).collect();
        // Rows written in D1, and in the object.
        (numbers[1], numbers[3])
    };
    let plain: Vec<(u64, u64)> = (1..=5).map(rows).collect();
    for _ in 0..50 {
        let notify = json!({ "state": true, "delay": true, "max_delay_ms": 500 });
        assert_eq!(make(&worker, &notify, &json!({})).status, 201);
    }
    let filling: Vec<(u64, u64)> = (6..=36).map(rows).collect();
    assert!(filling.iter().all(|(d1, _)| *d1 == 0), "{filling:?}");
    let full: Vec<(u64, u64)> = (37..=41).map(rows).collect();
    let least = plain.iter().min().expect("five");
    assert!(full.iter().filter(|rows| *rows != least).count() <= 1, "but a block's row: {full:?}, {plain:?}");
}

#[test]
fn a_probe_that_is_changed_or_deleted_leaves_no_alert_behind() {
    let worker = start();
    let host = worker.add_host("fra-1");
    make(&worker, &json!({ "state": true }), &json!({ "hosts": { "only": [host.id] } }));
    report(&worker, &host, 1, &json!([{ "id": 1, "note": "refused" }]));
    let open = || worker.get("/api/edgewatch/v1/alerts").at("/alerts");
    assert_eq!(told(&worker, now_ms()).len(), 1);
    assert_eq!(open()[0]["text"], "[Down] web Reporter: fra-1, Error: refused");
    let header = [("Authorization", worker.token.as_str())];
    let other = json!({ "name": "web", "kind": "http", "target": "https://example.org/", "notify": { "state": true } });
    assert_eq!(worker.request("PUT", &format!("{PROBES}/1"), &header, &other.to_string()).status, 200);
    assert_eq!(told(&worker, now_ms()).len(), 1, "nobody is told");
    assert_eq!(open(), json!([]));
    report(&worker, &host, 2, &json!([{ "id": 1, "note": "refused" }]));
    assert_eq!(told(&worker, now_ms()).len(), 2, "the other target is down, too");
    assert_eq!(worker.request("DELETE", &format!("{PROBES}/1"), &header, "").status, 204);
    assert_eq!(told(&worker, now_ms()).len(), 2);
    assert_eq!(open(), json!([]));
}
