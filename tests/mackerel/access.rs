//! Routes, keys and their order. Source: mackerel specification, 1.

use edgewatch_harness::worker::Worker;
use serde_json::json;

use super::{call, key, token};

const NOT_FOUND: &str = r#"{"error":{"message":"Not found."}}"#;
const NO_KEY: &str = r#"{"error":{"message":"Authentication failed. Please try with valid Api Key."}}"#;

#[test]
fn an_unknown_route_is_told_before_the_key_is_looked_at() {
    // 1.
    let worker = Worker::start();
    for (method, path) in [
        ("GET", "/api/v0/nope"),
        ("GET", "/api/v0"),
        ("GET", "/api/v0/"),
        ("GET", "/api/v0/org/"),
        ("POST", "/api/v0/org"),
        ("GET", "/api/v0/traces/1"),
        ("GET", "/api/v0/%6frg"),
    ] {
        for headers in [&[][..], &[("X-Api-Key", "")]] {
            let reply = worker.request(method, path, headers, "");
            assert_eq!((reply.status, reply.body.as_str()), (404, NOT_FOUND), "{method} {path}");
            assert_eq!(reply.header("content-type"), Some("application/json"));
        }
    }
}

#[test]
fn a_missing_empty_or_unknown_key_is_401_with_the_known_text() {
    // 1.
    let worker = Worker::start();
    let basic = ("Authorization", "Basic dXNlcjpwYXNz");
    let bearer = ("Authorization", worker.token.as_str());
    for headers in
        [&[][..], &[("X-Api-Key", "")], &[("X-Api-Key", "x")], &[("X-Api-Key", &"a".repeat(43))], &[basic], &[bearer]]
    {
        let reply = worker.get_as("/api/v0/org", headers);
        assert_eq!((reply.status, reply.body.as_str()), (401, NO_KEY), "{headers:?}");
    }
    let reply = worker.get_as("/api/v0/org?", &[basic, ("x-api-key", &worker.token)]);
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"name":"edgewatch","displayName":null}"#));
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

#[test]
fn a_key_without_the_flag_or_from_elsewhere_is_403() {
    let worker = Worker::start();
    let write = call(&worker, &key(&worker, &["write"]), "GET", "/org", "");
    assert_eq!((write.status, write.at("/error/message").is_string()), (403, true));
    assert_eq!(call(&worker, &key(&worker, &["read"]), "GET", "/org", "").status, 200);
    let elsewhere = token(&worker, &json!({ "scopes": ["read", "write"], "address_ranges": ["192.0.2.0/24"] }));
    assert_eq!(call(&worker, &elsewhere, "GET", "/org", "").status, 403);
    let agent = token(&worker, &json!({ "kind": "agent" }));
    assert_eq!(call(&worker, &agent, "GET", "/org", "").status, 403, "it is about no host of its own");
}
