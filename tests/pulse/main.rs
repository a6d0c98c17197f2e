//! Pulse, as far as it is spoken: `GET /api/health`; and agents that poll Proxmox.

mod collector;

use edgewatch_harness::golden::Volatile;
use edgewatch_harness::worker::Worker;
use serde_json::json;

#[test]
fn health_is_open_and_its_uptime_outlives_a_restart() {
    let worker = Worker::start();
    let uptime = || worker.get_as("/api/health", &[]).at("/uptime").as_f64().expect("a number");
    let first = uptime();
    let reply = worker.get_as("/api/health", &[]);
    reply.assert_golden_but("pulse/health", &[("timestamp", Volatile::UnixSeconds), ("uptime", Volatile::Number)]);
    worker.restart();
    assert!(uptime() >= first);
    assert_eq!(worker.request("HEAD", "/api/health", &[], "").status, 200);
}

#[test]
fn other_methods_and_routes_are_refused_in_the_dialects_words() {
    let worker = Worker::start();
    let post = worker.post("/api/health", &[], "");
    assert_eq!((post.status, post.at("/code")), (405, json!("method_not_allowed")));
    let unknown = worker.get("/api/nothing");
    assert_eq!((unknown.status, unknown.at("/status_code")), (404, json!(404)));
    let preflight = worker.request("OPTIONS", "/api/health", &[], "");
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, Some("*")));
    assert_eq!(preflight.header("access-control-allow-credentials"), None);
}
