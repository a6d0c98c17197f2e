//! Logged-in people, for the tests of what takes a session and no token.

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::Worker;
use serde_json::json;

/// The password of everybody here.
pub const PASSWORD: &str = "correct horse";

/// A cookie that a reply sets, as a browser sends it back.
pub fn jar(reply: &Reply) -> String {
    reply.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned()
}

/// An administrator with a session: their number and their cookie's value.
pub fn administrator(worker: &Worker, name: &str) -> (i64, String) {
    person(worker, name, "admin")
}

/// A person with a session, of a role.
pub fn person(worker: &Worker, name: &str, role: &str) -> (i64, String) {
    let body = json!({ "username": name, "password": PASSWORD, "role": role }).to_string();
    let made = worker.post("/api/edgewatch/v1/users", &[("Authorization", &worker.token)], &body);
    assert_eq!(made.status, 201, "{}", made.body);
    let body = json!({ "username": name, "password": PASSWORD }).to_string();
    let opened = worker.post("/api/edgewatch/v1/session", &[], &body);
    assert_eq!(opened.status, 201, "{}", opened.body);
    let value = jar(&opened).split_once('=').map(|(_, value)| value.to_owned()).expect("a value");
    (made.at("/id").as_i64().expect("a number"), value)
}
