//! Who an access proxy says one is.

use edgewatch_harness::access_proxy::{self, AccessProxy};
use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

const SESSION: &str = "/api/edgewatch/v1/session";
const USERS: &str = "/api/edgewatch/v1/users";
const ASSERTION: &str = "Cf-Access-Jwt-Assertion";
/// In milliseconds.
const MINUTE: i64 = 60_000;

fn jar(reply: &Reply) -> String {
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned()
}

fn who(worker: &Worker, jar: &str) -> Reply {
    worker.get_as(SESSION, &[("Cookie", jar)])
}

fn add(worker: &Worker, user: &Value) {
    let made = worker.post(USERS, &[("Authorization", &worker.token)], &user.to_string());
    assert_eq!(made.status, 201, "{}", made.body);
}

fn behind_proxy(proxy: &AccessProxy) -> edgewatch_harness::worker::Builder {
    Worker::builder().var("ACCESS_TEAM_DOMAIN", &proxy.url).var("ACCESS_AUDIENCE", "test-audience")
}

fn sign_in(worker: &Worker, assertion: &str) -> Reply {
    worker.post(SESSION, &[(ASSERTION, assertion)], r#"{"access_proxy":true}"#)
}

#[test]
fn an_access_proxy_says_who_one_is() {
    let proxy = AccessProxy::start();
    let worker = behind_proxy(&proxy).start();
    let unknown = sign_in(&worker, &proxy.assertion("ada@example.com"));
    assert_eq!(unknown.status, 403, "{}", unknown.body);
    add(&worker, &json!({ "username": "ada", "role": "admin", "email": "ada@example.com" }));
    let opened = sign_in(&worker, &proxy.assertion("Ada@Example.com"));
    assert_eq!((opened.status, opened.at("/user/name"), opened.at("/user/role")), (201, json!("ada"), json!("admin")));
    let jar = jar(&opened);
    assert_eq!(who(&worker, &jar).status, 200);
    assert_eq!(proxy.asked(), 1, "its keys are remembered");
    // The session ends with what the proxy said.
    worker.set_clock_ahead(61 * MINUTE);
    assert_eq!(who(&worker, &jar).status, 401);
    assert_eq!(sign_in(&worker, &proxy.assertion("ada@example.com")).status, 401, "over by now");
}

#[test]
fn what_the_proxy_did_not_say_lets_nobody_in() {
    let proxy = AccessProxy::start();
    let worker = behind_proxy(&proxy).start();
    add(&worker, &json!({ "username": "ada", "role": "admin", "email": "ada@example.com" }));
    let with = |key: &str, value: Value| {
        let mut claims = proxy.claims("ada@example.com");
        claims[key] = value;
        access_proxy::sign("test-key", &claims)
    };
    let good = proxy.assertion("ada@example.com");
    for (why, assertion) in [
        ("audience", with("aud", json!(["another"]))),
        ("issuer", with("iss", json!("https://evil.example"))),
        ("expired", with("exp", json!(1_000_000_000))),
        ("no address", with("email", Value::Null)),
        ("signature", good.get(..good.len() - 6).unwrap_or_default().to_owned()),
        ("key", access_proxy::sign("another-key", &proxy.claims("ada@example.com"))),
        ("nonsense", "x".to_owned()),
        ("nothing", String::new()),
    ] {
        assert_eq!(sign_in(&worker, &assertion).status, 401, "{why}");
    }
    assert_eq!(worker.post(SESSION, &[], r#"{"access_proxy":true}"#).status, 401);
    assert_eq!(worker.post(SESSION, &[(ASSERTION, &good)], r#"{"access_proxy":false}"#).status, 401);
    let evil = [(ASSERTION, good.as_str()), ("Origin", "https://evil.example")];
    assert_eq!(worker.post(SESSION, &evil, r#"{"access_proxy":true}"#).status, 403);
    assert_eq!(who(&worker, "").status, 401, "the header alone is no session");
    assert!(proxy.asked() <= 2, "an unknown key is asked for once a minute: {}", proxy.asked());

    // Without the variables the header means nothing.
    let open = Worker::start();
    add(&open, &json!({ "username": "ada", "role": "admin", "email": "ada@example.com" }));
    assert_eq!(sign_in(&open, &good).status, 401);
}

#[test]
fn people_without_an_account_become_viewers_only_if_configured() {
    let proxy = AccessProxy::start();
    let worker = behind_proxy(&proxy).var("ACCESS_DEFAULT_ROLE", "viewer").start();
    let first = sign_in(&worker, &proxy.assertion("new@example.com"));
    assert_eq!(
        (first.status, first.at("/user/name"), first.at("/user/role")),
        (201, json!("new@example.com"), json!("viewer"))
    );
    let again = sign_in(&worker, &proxy.assertion("New@example.com"));
    assert_eq!(again.at("/user/id"), first.at("/user/id"));
    assert_eq!(worker.get_as(USERS, &[("Cookie", &jar(&again))]).status, 403);
    assert_eq!(
        worker.post(SESSION, &[], r#"{"username":"new@example.com","password":""}"#).status,
        401,
        "there is no password"
    );
}

#[test]
fn a_proxy_that_does_not_answer_is_no_refusal_and_its_keys_count_for_a_day() {
    let proxy = AccessProxy::start();
    let worker = behind_proxy(&proxy).start();
    add(&worker, &json!({ "username": "ada", "email": "ada@example.com" }));
    proxy.set_down(true);
    assert_eq!(sign_in(&worker, &proxy.assertion("ada@example.com")).status, 503);
    proxy.set_down(false);
    worker.set_clock_ahead(MINUTE);
    let lasting = |hours: i64| {
        let mut claims = proxy.claims("ada@example.com");
        claims["exp"] = json!(claims["exp"].as_i64().unwrap_or_default() + hours * 3_600);
        access_proxy::sign("test-key", &claims)
    };
    assert_eq!(sign_in(&worker, &lasting(0)).status, 201);
    proxy.set_down(true);
    worker.set_clock_ahead(7 * 60 * MINUTE);
    assert_eq!(sign_in(&worker, &lasting(48)).status, 201);
    worker.set_clock_ahead(26 * 60 * MINUTE);
    assert_eq!(sign_in(&worker, &lasting(48)).status, 503);
}
