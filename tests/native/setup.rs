//! The first administrator, sessions and tokens.

use edgewatch_harness::golden::Volatile;
use edgewatch_harness::worker::{Fault, Worker};
use serde_json::json;

const SETUP: &str = "/api/edgewatch/v1/setup";
const TOKENS: &str = "/api/edgewatch/v1/tokens";
/// In milliseconds.
const MINUTE: i64 = 60_000;

fn use_link(worker: &Worker, link: &str, name: &str) -> edgewatch_harness::http::Reply {
    worker.post(SETUP, &[], &json!({ "token": link, "username": name }).to_string())
}

#[test]
fn a_setup_link_makes_the_first_administrator_once() {
    let worker = Worker::builder().without_admin().start();
    let link = worker.setup_link();
    let made = use_link(&worker, &link, "ada");
    assert_eq!(made.status, 201);
    made.assert_golden_but("native/setup.made", &[("token", Volatile::Secret)]);
    let again = use_link(&worker, &link, "mallory");
    assert_eq!((again.status, again.at("/error/code")), (401, json!("unauthenticated")));
    assert_eq!(use_link(&worker, "0123456789abcdef0123456789abcdef", "mallory").status, 401);
    let another = use_link(&worker, &worker.setup_link(), "ada");
    assert_eq!((another.status, another.at("/user/id")), (201, json!(1)), "a lost token is replaced the same way");
}

#[test]
fn a_bad_name_or_body_does_not_use_the_link_up() {
    let worker = Worker::builder().without_admin().start();
    let link = worker.setup_link();
    for name in ["", "  ", "a\nb", &"x".repeat(65)] {
        assert_eq!(use_link(&worker, &link, name).status, 400, "{name:?}");
    }
    for body in ["", "[]", "{}", r#"{"token":1,"username":"a"}"#] {
        let reply = worker.post(SETUP, &[], body);
        assert_eq!((reply.status, reply.at("/error/code")), (400, json!("malformed")), "{body}");
    }
    assert_eq!(use_link(&worker, &link, "ada").status, 201);
}

#[test]
fn a_database_fault_does_not_use_the_link_up() {
    let worker = Worker::builder().without_admin().start();
    let link = worker.setup_link();
    worker.faults(Fault::LostBefore, 1, "INSERT INTO users");
    assert_eq!(use_link(&worker, &link, "ada").status, 503, "nothing was made, as the mark on the link tells");
    worker.faults(Fault::LostAfterCommit, 1, "INSERT INTO users");
    assert_eq!(use_link(&worker, &link, "ada").status, 201, "made although the answer was lost");
}

#[test]
fn a_session_changes_things_with_our_header_alone() {
    let worker = Worker::builder().without_admin().start();
    let made = use_link(&worker, &worker.setup_link(), "ada");
    let jar = made.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned();
    assert_eq!(worker.post(TOKENS, &[("Cookie", &jar)], "{}").status, 403);
    assert_eq!(worker.post(TOKENS, &[("Cookie", &jar), ("X-Edgewatch-CSRF", "1")], "{}").status, 201);
    assert_eq!(worker.get_as(TOKENS, &[("Cookie", &jar)]).status, 200);
}

#[test]
fn the_session_says_who_one_is() {
    let worker = Worker::builder().without_admin().start();
    let made = use_link(&worker, &worker.setup_link(), "ada");
    let jar = made.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned();
    let session = "/api/edgewatch/v1/session";
    assert_eq!(worker.get_as(session, &[("Cookie", &jar)]).at("/user/name"), "ada");
    let token = format!("Bearer {}", made.at("/token").as_str().expect("a token"));
    assert_eq!(worker.get_as(session, &[("Authorization", &token)]).at("/scopes"), json!(["admin"]));
    assert_eq!(worker.get_as(session, &[]).status, 401);
}

#[test]
fn tokens_are_listed_without_their_text() {
    let worker = Worker::start();
    let header = [("Authorization", worker.token.as_str())];
    worker.post(TOKENS, &header, r#"{"note":"bot <b>","scopes":["read","register"],"expires_in_s":3600}"#);
    worker.post(TOKENS, &header, r#"{"kind":"agent"}"#);
    let list = worker.get(TOKENS);
    assert!(!list.body.contains(&worker.token));
    let tokens = list.at("/tokens");
    let shown = |key: &str| (0..3).map(|index| tokens[index][key].clone()).collect::<Vec<_>>();
    assert_eq!(shown("id"), [1, 2, 3]);
    assert_eq!(shown("kind"), ["api", "api", "agent"]);
    assert_eq!(shown("scopes"), [json!(["admin"]), json!(["read", "register"]), json!([])]);
    assert_eq!(shown("note"), ["made at setup", "bot <b>", ""]);
    assert!(tokens[0]["last_use_s"].is_u64() && tokens[1]["last_use_s"].is_null());
    assert!(tokens[1]["expires_at_s"].is_u64() && tokens[2]["expires_at_s"].is_null());
    assert!(worker.token.ends_with(tokens[0]["tail"].as_str().unwrap_or("?")));
    for body in [r#"{"kind":"root"}"#, r#"{"scopes":["all"]}"#, r#"{"kind":"agent","scopes":["read"]}"#] {
        assert_eq!(worker.post(TOKENS, &header, body).at("/error/code"), "invalid", "{body}");
    }
    assert_eq!(worker.post(TOKENS, &header, "nonsense").at("/error/code"), "malformed");
    assert_eq!(worker.request("DELETE", &format!("{TOKENS}/99"), &header, "").status, 404);
    assert_eq!(worker.request("DELETE", &format!("{TOKENS}/x"), &header, "").status, 404);
}

#[test]
fn an_expired_token_is_dead() {
    let worker = Worker::start();
    let header = [("Authorization", worker.token.as_str())];
    let made = worker.post(TOKENS, &header, r#"{"expires_in_s":0}"#);
    let token = made.at("/token").as_str().expect("a token").to_owned();
    assert_eq!(worker.get_as("/api/v1/server/list", &[("Authorization", &token)]).at("/code"), 403);
}

#[test]
fn the_use_of_a_token_is_written_once_an_hour() {
    let worker = Worker::start();
    let list = || worker.get("/api/v1/server/list").cost().d1_rows_written;
    assert_eq!((list(), list()), (1, 0));
    worker.set_clock_ahead(59 * MINUTE);
    assert_eq!(list(), 0);
    // What was looked up lately is not looked up again for an hour.
    worker.set_clock_ahead(61 * MINUTE);
    assert_eq!((list(), list()), (1, 0));
}

#[test]
fn reading_what_the_hub_has_asks_the_database_for_nothing() {
    let worker = Worker::start();
    worker.add_host("alpha");
    let read = |token: &str, path: &str| worker.get_as(path, &[("Authorization", token)]);
    let made = worker.post(TOKENS, &[("Authorization", &worker.token)], r#"{"scopes":["read"]}"#);
    let (id, token) = (made.at("/id"), made.at("/token").as_str().expect("a token").to_owned());
    for path in ["/api/v1/server/list", "/api/v1/server/details?id=1", "/api/v1/server/details"] {
        // The first answer tells the hub's epoch, the second looks the token up under it.
        for _ in 0..2 {
            assert_eq!(read(&token, path).at("/code"), 0);
        }
        let cost = read(&token, path).cost();
        assert_eq!((cost.d1_rows_read, cost.d1_rows_written, cost.requests), (0, 0, 2), "{path}");
    }
    // It is dead at once all the same, whether or not D1 has to be asked.
    let revoked = worker.request("DELETE", &format!("{TOKENS}/{id}"), &[("Authorization", &worker.token)], "");
    assert_eq!(revoked.status, 204);
    assert_eq!(read(&token, "/api/v1/server/list").at("/code"), 403);
}

#[test]
fn links_tokens_and_sessions_end_when_they_should() {
    let worker = Worker::start();
    let made = worker.post(TOKENS, &[("Authorization", &worker.token)], r#"{"expires_in_s":600}"#);
    let token = made.at("/token").as_str().expect("a token").to_owned();
    let list = |token: &str| worker.get_as("/api/v1/server/list", &[("Authorization", token)]).at("/code");
    let session = use_link(&worker, &worker.setup_link(), "ada");
    let jar = session.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned();
    let who = || worker.get_as("/api/edgewatch/v1/session", &[("Cookie", &jar)]).status;
    let link = worker.setup_link();

    worker.set_clock_ahead(9 * MINUTE);
    assert_eq!(list(&token), 0);
    worker.set_clock_ahead(11 * MINUTE);
    assert_eq!(list(&token), 403);
    worker.set_clock_ahead(61 * MINUTE);
    assert_eq!(use_link(&worker, &link, "ada").status, 401, "a link is good for an hour");
    worker.set_clock_ahead(29 * 24 * 60 * MINUTE);
    assert_eq!(who(), 200);
    worker.set_clock_ahead(31 * 24 * 60 * MINUTE);
    assert_eq!(who(), 401);
    assert_eq!(list(&worker.token), 0, "a token without an end has none");
}

#[test]
fn a_token_with_uses_registers_that_many_hosts_and_no_more() {
    let worker = Worker::start();
    let made = worker.post(TOKENS, &[("Authorization", &worker.token)], r#"{"kind":"agent","uses":2}"#);
    let token = made.at("/token").as_str().expect("a token").to_owned();
    let codes: Vec<_> = (0..4)
        .map(|_| worker.post("/api/v1/server/register", &[("Authorization", &token)], "{}").at("/code"))
        .collect();
    assert_eq!(codes, [200, 200, 403, 403]);
    assert_eq!(worker.get("/api/v1/server/list").at("/result").as_array().map(Vec::len), Some(2));
}

#[test]
fn a_token_is_good_in_its_address_ranges_alone() {
    let worker = Worker::start();
    let body = r#"{"scopes":["read"],"address_ranges":["10.0.0.0/8","2001:db8::7"]}"#;
    let made = worker.post(TOKENS, &[("Authorization", &worker.token)], body);
    let token = made.at("/token").as_str().expect("a token").to_owned();
    // What Cloudflare's edge sets, a test may set: the runtime here passes it on.
    for (address, code) in [("10.1.2.3", 0), ("2001:db8::7", 0), ("11.1.2.3", 403), ("2001:db8::8", 403)] {
        let headers = [("Authorization", token.as_str()), ("CF-Connecting-IP", address)];
        assert_eq!(worker.get_as("/api/v1/server/list", &headers).at("/code"), code, "{address}");
    }
    let bad = worker.post(TOKENS, &[("Authorization", &worker.token)], r#"{"address_ranges":["10.0.0.0/33"]}"#);
    assert_eq!(bad.at("/error/field"), "address_ranges");
}
