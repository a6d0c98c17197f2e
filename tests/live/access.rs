//! Who may look, and for how long.

use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::Worker;
use serde_json::json;

use blackbox::stage::{PATIENCE, Stage, next};

/// Minutes in milliseconds.
const MINUTE: i64 = 60_000;

fn open(worker: &Worker, headers: &[(&str, &str)]) -> Result<Socket, u16> {
    Socket::open(worker.address(), "/live", headers)
}

/// A session cookie of the admin.
fn log_in(worker: &Worker) -> String {
    let reply = worker.post("/api/edgewatch/v1/session", &[], &json!({ "token": worker.token }).to_string());
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned()
}

fn token(worker: &Worker, wanted: &str) -> String {
    let made = worker.post("/api/edgewatch/v1/tokens", &[("Authorization", &worker.token)], wanted);
    made.at("/token").as_str().expect("a token").to_owned()
}

#[test]
fn only_who_may_read_may_look() {
    let worker = Worker::start();
    assert_eq!(open(&worker, &[]).err(), Some(401));
    assert_eq!(open(&worker, &[("Authorization", "0123456789abcdef0123456789abcdef")]).err(), Some(401));
    assert_eq!(open(&worker, &[("Authorization", &token(&worker, r#"{"kind":"agent"}"#))]).err(), Some(403));
    let reader = token(&worker, r#"{"scopes":["read"]}"#);
    assert!(open(&worker, &[("Authorization", &reader)]).is_ok());
    assert!(open(&worker, &[("Authorization", &format!("Bearer {reader}"))]).is_ok());
    let forged = [("X-Edgewatch-Viewer", r#"{"sees_hidden":true,"until_s":null}"#)];
    assert_eq!(open(&worker, &forged).err(), Some(401), "who one is the Worker says");
}

#[test]
fn what_is_no_websocket_is_told_so() {
    let worker = Worker::start();
    let reply = worker.get("/live");
    assert_eq!((reply.status, reply.at("/error/code")), (426, json!("upgrade_required")));
    assert_eq!(worker.get_as("/live", &[]).status, 401);
    assert_eq!(worker.post("/live", &[], "").status, 405);
}

#[test]
fn a_cookie_opens_for_our_own_pages_alone() {
    let worker = Worker::start();
    let jar = log_in(&worker);
    let ours = format!("http://{}", worker.address());
    assert!(open(&worker, &[("Cookie", &jar), ("Origin", &ours), ("Sec-Fetch-Site", "same-origin")]).is_ok());
    for other in [("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")] {
        assert_eq!(open(&worker, &[("Cookie", &jar), other]).err(), Some(403), "{other:?}");
    }
    let script = [("Authorization", worker.token.as_str()), ("Origin", "https://grafana.example")];
    assert!(open(&worker, &script).is_ok(), "a token is no cookie: whoever has it may use it");
}

#[test]
fn a_viewer_stays_as_long_as_its_token_and_its_pings() {
    let stage = Stage::start();
    let token = token(&stage.worker, r#"{"scopes":["read"],"expires_in_s":60}"#);
    let mut short = open(&stage.worker, &[("Authorization", &token)]).expect("the token is good");
    let (mut silent, mut pinging) = (stage.look(), stage.look());
    next(&mut short);
    next(&mut silent);
    next(&mut pinging);
    stage.worker.set_clock_ahead(61_000);
    assert_eq!(short.next(PATIENCE), Heard::Closed(Some(4001)), "its token is over");
    assert!(pinging.send_text("ping"));
    assert_eq!(pinging.next(PATIENCE), Heard::Text("pong".to_owned()));
    stage.worker.set_clock_ahead(122_000);
    assert_eq!(silent.next(PATIENCE), Heard::Closed(Some(4000)));
    assert_eq!(stage.push(&json!({})), 1);
    stage.worker.set_clock_ahead(60 * MINUTE);
    assert_eq!(pinging.next(PATIENCE), Heard::Closed(Some(4001)), "after an hour everybody shows again who they are");
}
