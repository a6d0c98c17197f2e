//! Logging in with a token, and out.

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::{Fault, Worker};
use serde_json::json;

const SESSION: &str = "/api/edgewatch/v1/session";
const TOKENS: &str = "/api/edgewatch/v1/tokens";
const CSRF: (&str, &str) = ("X-Edgewatch-CSRF", "1");

fn log_in(worker: &Worker, token: &str) -> Reply {
    worker.post(SESSION, &[], &json!({ "token": token }).to_string())
}

fn jar(reply: &Reply) -> String {
    reply.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned()
}

fn token(worker: &Worker, wanted: &str) -> (u64, String) {
    let made = worker.post(TOKENS, &[("Authorization", &worker.token)], wanted);
    (made.at("/id").as_u64().expect("an id"), made.at("/token").as_str().expect("a token").to_owned())
}

#[test]
fn a_token_opens_a_session_of_its_user() {
    let worker = Worker::start();
    let reply = log_in(&worker, &format!(" {}\n", worker.token));
    assert_eq!((reply.status, reply.at("/user/name"), reply.at("/user/role")), (201, json!("admin"), json!("admin")));
    let cookie = reply.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"), "{cookie}");
    assert!(!reply.body.contains(&worker.token));
    let jar = jar(&reply);
    assert_eq!(worker.get_as(SESSION, &[("Cookie", &jar)]).at("/user/name"), "admin");
    assert_eq!(worker.post(TOKENS, &[("Cookie", &jar), CSRF], "{}").status, 201);
}

#[test]
fn a_session_may_do_no_more_than_its_token_and_ends_with_it() {
    let worker = Worker::start();
    let (id, reader) = token(&worker, r#"{"scopes":["read"]}"#);
    let reply = log_in(&worker, &reader);
    assert_eq!((reply.status, reply.at("/user/role")), (201, json!("viewer")));
    let jar = jar(&reply);
    assert_eq!(worker.get_as("/api/v1/server/list", &[("Cookie", &jar)]).at("/code"), 0);
    assert_eq!(worker.post(TOKENS, &[("Cookie", &jar), CSRF], "{}").status, 403);
    worker.request("DELETE", &format!("{TOKENS}/{id}"), &[("Authorization", &worker.token)], "");
    assert_eq!(worker.get_as(SESSION, &[("Cookie", &jar)]).status, 401, "the token was revoked");

    let (_, short) = token(&worker, r#"{"scopes":["read"],"expires_in_s":600}"#);
    let jar = self::jar(&log_in(&worker, &short));
    worker.set_clock_ahead(590_000);
    assert_eq!(worker.get_as(SESSION, &[("Cookie", &jar)]).status, 200);
    worker.set_clock_ahead(610_000);
    assert_eq!(worker.get_as(SESSION, &[("Cookie", &jar)]).status, 401);
}

#[test]
fn tokens_that_may_not_read_or_not_from_everywhere_open_none() {
    let worker = Worker::start();
    for wanted in
        [r#"{"kind":"agent"}"#, r#"{"scopes":["register"]}"#, r#"{"scopes":["read"],"address_ranges":["0.0.0.0/0"]}"#]
    {
        let reply = log_in(&worker, &token(&worker, wanted).1);
        assert_eq!((reply.status, reply.header("set-cookie")), (403, None), "{wanted}");
    }
    for unknown in ["", "x", "0123456789abcdef0123456789abcdef"] {
        assert_eq!(log_in(&worker, unknown).status, 401, "{unknown}");
    }
    for body in ["", "{}", r#"{"token":7}"#] {
        assert_eq!(worker.post(SESSION, &[], body).at("/error/code"), "malformed", "{body}");
    }
}

#[test]
fn no_other_site_logs_anybody_in() {
    let worker = Worker::start();
    let body = json!({ "token": worker.token }).to_string();
    for other in [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")] {
        let reply = worker.post(SESSION, &[other], &body);
        assert_eq!((reply.status, reply.header("set-cookie")), (403, None), "{other:?}");
    }
    let ours = format!("http://{}", worker.address());
    assert_eq!(worker.post(SESSION, &[("Origin", &ours)], &body).status, 201);
}

#[test]
fn logging_out_ends_the_session_and_takes_the_cookie() {
    let worker = Worker::start();
    let jar = jar(&log_in(&worker, &worker.token));
    let out = |headers: &[(&str, &str)]| worker.request("DELETE", SESSION, headers, "");
    assert_eq!(out(&[("Cookie", &jar)]).status, 403, "without our header");
    let reply = out(&[("Cookie", &jar), CSRF]);
    assert_eq!(reply.status, 204);
    assert!(
        reply.header("set-cookie").is_some_and(|cookie| cookie.starts_with("edgewatch_session=; Path=/; Max-Age=0;"))
    );
    assert_eq!(worker.get_as(SESSION, &[("Cookie", &jar)]).status, 401);
    assert_eq!(out(&[("Cookie", &jar), CSRF]).status, 401);
    assert_eq!(out(&[("Authorization", &worker.token)]).status, 204, "a token has no session to end");
    assert_eq!(worker.get(SESSION).status, 200);
}

#[test]
fn a_lost_answer_of_the_database_is_no_lost_session() {
    let worker = Worker::start();
    worker.faults(Fault::LostBefore, 1, "INSERT INTO sessions");
    assert_eq!(log_in(&worker, &worker.token).status, 503);
    worker.faults(Fault::LostAfterCommit, 1, "INSERT INTO sessions");
    let reply = log_in(&worker, &worker.token);
    assert_eq!(reply.status, 201);
    assert_eq!(worker.get_as(SESSION, &[("Cookie", &jar(&reply))]).status, 200);
}
