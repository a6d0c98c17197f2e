//! `POST /api/edgewatch/v1/hosts/{id}/merge`: two hosts become one.

use std::time::{SystemTime, UNIX_EPOCH};

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const HOSTS: &str = "/api/edgewatch/v1/hosts";

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    u64::try_from(now.as_millis()).expect("a few centuries")
}

/// A report of one sample, measured so many seconds ago.
fn report(worker: &Worker, secret: &str, number: u64, ago_s: u64, load1: f64) -> Reply {
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": now_ms(), "oldest": number, "period_s": 10,
        "samples": [{ "number": number, "at_ms": now_ms() - ago_s * 1000, "load1": load1,
            "metrics": { "custom.queue.length": load1 } }]
    });
    worker.post("/agent/v1/reports", &[("Authorization", &format!("Bearer {secret}"))], &body.to_string())
}

fn merge(worker: &Worker, absorbed: &TestHost, body: &Value) -> Reply {
    let path = format!("{HOSTS}/{}/merge", absorbed.id);
    worker.post(&path, &[("Authorization", &worker.token)], &body.to_string())
}

/// The averages of the last hour that there are.
fn averages(worker: &Worker, id: u64, metric: &str) -> Vec<f64> {
    let from = now_ms() / 1000 - 3_600;
    let reply = worker.get(&format!("/api/edgewatch/v1/series?hosts={id}&metrics={metric}&from={from}&points=360"));
    assert_eq!((reply.status, reply.at("/complete")), (200, json!(true)), "{}", reply.body);
    let average = reply.at("/series/0/average");
    average.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}

#[test]
fn a_machine_that_registered_twice_is_one_host_again() {
    let worker = Worker::start();
    let (old, new) = (worker.add_host("alpha"), worker.add_host("alpha again"));
    for (number, ago_s) in [(1, 1_800), (2, 1_700)] {
        assert_eq!(report(&worker, &old.secret, number, ago_s, 1.0).status, 200);
    }
    worker.step_clock_ahead(2_000);
    assert_eq!(report(&worker, &new.secret, 1, 900, 2.0).status, 200);
    // Both are heard from: nobody knows which of them is to go on.
    let unsaid = merge(&worker, &new, &json!({ "into": old.id }));
    assert_eq!((unsaid.status, unsaid.at("/error/code")), (409, json!("conflict")), "{}", unsaid.body);

    let merged = merge(&worker, &new, &json!({ "into": old.id, "credential": "absorbed" }));
    assert_eq!(
        (merged.status, merged.at("/id"), merged.at("/name")),
        (200, json!(old.id), json!("alpha")),
        "{}",
        merged.body
    );
    assert_eq!(report(&worker, &old.secret, 3, 0, 5.0).status, 401, "one credential, one host");
    assert_eq!(worker.get(&format!("{HOSTS}/{}", new.id)).status, 404);
    assert_eq!(averages(&worker, old.id, "load1"), [1.0, 1.0, 2.0]);
    assert_eq!(averages(&worker, old.id, "custom.queue.length"), [1.0, 1.0, 2.0]);

    // The agent goes on as the other host, beyond all numbers that it gave.
    let going_on = report(&worker, &new.secret, 2, 5, 3.0);
    let durable = going_on.at("/durable_up_to").as_u64().expect("a number");
    assert!(going_on.status == 200 && durable > 1_000_000, "{}", going_on.body);
    assert_eq!(report(&worker, &new.secret, durable + 1, 5, 3.0).at("/durable_up_to"), json!(durable + 1));
    assert_eq!(averages(&worker, old.id, "load1"), [1.0, 1.0, 2.0, 3.0]);
    let audit = worker.get("/api/edgewatch/v1/audit?limit=1");
    let expected = json!(format!("{} into {}", new.id, old.id));
    assert_eq!((audit.at("/changes/0/action"), audit.at("/changes/0/subject")), (json!("host.merge"), expected));
    assert_eq!(merge(&worker, &new, &json!({ "into": old.id })).status, 200, "its answer may have been lost");
    // It is all there after a restart, and when what was retired thirty days ago is deleted.
    worker.restart();
    worker.set_clock_ahead(40 * 86_400_000);
    for _ in 0..3 {
        worker.cron_at(now_ms() + 40 * 86_400_000);
    }
    worker.set_clock_ahead(0);
    let left = worker.sql("SELECT id FROM hosts ORDER BY id");
    assert_eq!(left["results"], json!([{ "id": old.id }, { "id": new.id }]));
}

#[test]
fn of_a_host_that_is_silent_the_credential_dies() {
    let worker = Worker::start();
    let (kept, silent) = (worker.add_host("alpha"), worker.add_host("never heard from"));
    assert_eq!(report(&worker, &kept.secret, 1, 5, 1.0).status, 200);
    let merged = merge(&worker, &silent, &json!({ "into": kept.id }));
    assert_eq!((merged.status, merged.at("/id")), (200, json!(kept.id)), "{}", merged.body);
    assert_eq!(report(&worker, &silent.secret, 1, 5, 9.0).status, 401);
    assert_eq!(report(&worker, &kept.secret, 2, 1, 1.0).at("/durable_up_to"), json!(2));
    // The token, the two hosts twice, and every host once or twice: few rows of a fleet of two.
    assert!(merged.cost().d1_rows_written <= 30, "{:?}", merged.cost());
}

#[test]
fn what_cannot_be_merged_is_refused_and_stays_as_it_is() {
    let worker = Worker::start();
    let (one, other) = (worker.add_host("alpha"), worker.add_host("beta"));
    worker.sql(&format!("UPDATE hosts SET class = 'node' WHERE id = {}", other.id));
    for (body, status, code) in [
        (json!({ "into": one.id }), 400, "invalid"),
        (json!({ "into": 99 }), 400, "invalid"),
        (json!({ "into": other.id }), 409, "conflict"),
        (json!({ "into": other.id, "credential": "both" }), 400, "invalid"),
        (json!({ "into": "x" }), 400, "malformed"),
        (json!({}), 400, "malformed"),
    ] {
        let refused = merge(&worker, &one, &body);
        assert_eq!((refused.status, refused.at("/error/code")), (status, json!(code)), "{body} {}", refused.body);
    }
    assert_eq!(merge(&worker, &TestHost { id: 99, secret: String::new() }, &json!({ "into": one.id })).status, 404);
    let path = format!("{HOSTS}/{}/merge", one.id);
    let body = json!({ "into": other.id }).to_string();
    assert_eq!(worker.post(&path, &[], &body).status, 401);
    let made =
        worker.post("/api/edgewatch/v1/tokens", &[("Authorization", &worker.token)], r#"{"scopes":["read","write"]}"#);
    let writer = made.at("/token").as_str().expect("a token").to_owned();
    assert_eq!(worker.post(&path, &[("Authorization", &writer)], &body).status, 403);
    assert_eq!(report(&worker, &one.secret, 1, 0, 1.0).status, 200);
}
