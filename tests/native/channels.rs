//! Notification channels and the list of events.

use std::time::Duration;

use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use serde_json::json;

const CHANNELS: &str = "/api/edgewatch/v1/channels";

#[test]
fn a_channel_hides_its_address_and_can_be_tested() {
    let worker = Worker::builder().capture_outbound().start();
    let header = [("Authorization", worker.token.as_str())];
    let body = r#"{"name":"ops","kind":"webhook","url":"https://hooks.example.com/T0/secret"}"#;
    let made = worker.post(CHANNELS, &header, body);
    assert_eq!((made.status, made.at("/id")), (201, json!(1)));
    let list = worker.get(CHANNELS);
    assert!(!list.body.contains("hooks.example.com"), "{}", list.body);
    let test = worker.post(&format!("{CHANNELS}/1/test"), &header, "");
    assert_eq!(test.at("/delivered"), true, "{}", test.body);
    let sent = worker.outbound();
    assert_eq!(sent[0]["url"], "https://hooks.example.com/T0/secret");
    assert!(sent[0]["body"].as_str().is_some_and(|body| body.contains(r#""kind":"test""#)), "{sent:?}");
    worker.answer_outbound(404);
    let refused = worker.post(&format!("{CHANNELS}/1/test"), &header, "");
    assert_eq!(refused.at("/detail"), "the receiver answered with status 404");
    assert_eq!(worker.request("DELETE", &format!("{CHANNELS}/1"), &header, "").status, 204);
    assert_eq!(worker.post(&format!("{CHANNELS}/1/test"), &header, "").status, 404);
}

#[test]
fn an_address_that_leads_astray_is_refused() {
    let worker = Worker::start();
    let header = [("Authorization", worker.token.as_str())];
    for (name, kind, url) in [
        ("a", "webhook", "ftp://x"),
        ("a", "webhook", "http://169.254.169.254/latest"),
        ("a", "webhook", "http://[::ffff:169.254.169.254]/"),
        ("a", "webhook", "http://2852039166/"),
        ("a", "webhook", "http://0251.0376.0251.0376/"),
        ("a", "webhook", "https://[/"),
        ("a", "webhook", "https://user:pass@x/"),
        ("", "webhook", "https://x/"),
        ("a", "pigeon", "https://x/"),
    ] {
        let body = json!({ "name": name, "kind": kind, "url": url }).to_string();
        assert_eq!(worker.post(CHANNELS, &header, &body).at("/error/code"), "invalid", "{body}");
    }
    assert_eq!(worker.get(CHANNELS).at("/channels"), json!([]));
}

#[test]
fn without_a_key_no_secret_is_kept() {
    let worker = Worker::builder().var("EDGEWATCH_KEY", "").start();
    let body = r#"{"name":"ops","kind":"webhook","url":"https://x/"}"#;
    let reply = worker.post(CHANNELS, &[("Authorization", &worker.token)], body);
    assert_eq!((reply.status, reply.at("/error/code")), (409, json!("conflict")));
}

#[test]
fn channels_are_for_administrators_and_events_for_readers() {
    let worker = Worker::start();
    let made = worker.post("/api/edgewatch/v1/tokens", &[("Authorization", &worker.token)], r#"{"scopes":["read"]}"#);
    let reader = made.at("/token").as_str().expect("a token").to_owned();
    let header = [("Authorization", reader.as_str())];
    assert_eq!(worker.get_as(CHANNELS, &header).status, 403);
    assert_eq!(worker.post(CHANNELS, &header, r#"{"name":"a","kind":"webhook","url":"https://x/"}"#).status, 403);
    let events = worker.get_as("/api/edgewatch/v1/events", &header);
    assert_eq!((events.status, events.body.as_str()), (200, r#"{"events":[],"cursor":null}"#));
    assert_eq!(worker.get_as("/api/edgewatch/v1/events", &[]).status, 401);
    for limit in ["0", "501", "x", "-1"] {
        assert_eq!(worker.get_as(&format!("/api/edgewatch/v1/events?limit={limit}"), &header).status, 400, "{limit}");
    }
}

#[test]
fn what_waits_for_a_channel_is_deleted_with_it_for_a_row_each() {
    let worker = Worker::builder().capture_outbound().start();
    let header = [("Authorization", worker.token.as_str())];
    let body = r#"{"name":"ops","kind":"webhook","url":"https://hooks.example.com/x"}"#;
    assert_eq!(worker.post(CHANNELS, &header, body).status, 201);
    let rule = json!({ "name": "busy", "conditions": [{ "metric": "load1", "above": 4 }] }).to_string();
    for _ in 0..2 {
        assert_eq!(worker.post("/api/edgewatch/v1/rules", &header, &rule).status, 201);
    }
    worker.answer_outbound(500);
    let host = worker.add_host("alpha");
    let report = json!({
        "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": 1, "period_s": 10,
        "samples": [{ "number": 1, "at_ms": 0, "load1": 9 }]
    });
    let bearer = format!("Bearer {}", host.secret);
    assert_eq!(worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &report.to_string()).status, 200);
    wait_until("both to wait", Duration::from_secs(20), || {
        (worker.get(CHANNELS).at("/channels/0/waiting") == 2).then_some(())
    });
    let deleted = worker.request("DELETE", &format!("{CHANNELS}/1"), &header, "");
    assert_eq!(deleted.status, 204);
    // The channel's row, two that waited, the audit's; places in the index go for nothing.
    assert_eq!(deleted.cost().d1_rows_written, 4);
    assert_eq!(worker.sql("SELECT count(*) AS count FROM outbox")["results"][0]["count"], 0);
}
