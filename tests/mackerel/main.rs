//! Mackerel as HTTP shows it. The numbers in comments are those of the acceptance checks in the specification, section 13.

mod access;

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

/// A key with these scopes.
fn key(worker: &Worker, scopes: &[&str]) -> String {
    token(worker, &json!({ "scopes": scopes, "note": "key" }))
}

/// A token made of this request.
fn token(worker: &Worker, wanted: &Value) -> String {
    let headers = [("Authorization", worker.token.as_str())];
    let reply = worker.post("/api/edgewatch/v1/tokens", &headers, &wanted.to_string());
    assert_eq!(reply.status, 201, "token: {}", reply.body);
    reply.at("/token").as_str().expect("a token").to_owned()
}

/// A request below `/api/v0` with a key.
fn call(worker: &Worker, key: &str, method: &str, path: &str, body: &str) -> Reply {
    worker.request(method, &format!("/api/v0{path}"), &[("X-Api-Key", key)], body)
}
