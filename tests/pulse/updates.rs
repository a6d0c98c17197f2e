//! Updates: a feed of releases, and a hook that deploys one.

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::Worker;
use serde_json::json;

#[test]
fn what_is_not_configured_is_not_pretended() {
    let worker = Worker::start();
    let reply = worker.get("/api/updates/check");
    let expected = json!({"available": false, "currentVersion": "v4.2.1", "latestVersion": "v4.2.1", "releaseNotes": "",
        "releaseDate": "0001-01-01T00:00:00Z", "downloadUrl": "", "isPrerelease": false});
    assert_eq!((reply.status, reply.json()), (200, expected));
    let status = worker.get("/api/updates/status").json();
    assert_eq!((&status["status"], &status["progress"], status.get("error")), (&json!("idle"), &json!(0), None));
    let apply = |body: &str| -> Reply { worker.post("/api/updates/apply", &[("X-API-Token", &worker.token)], body) };
    for (body, words) in [
        ("[]", "Invalid request body"),
        ("{}", "Download URL is required"),
        (r#"{"downloadUrl":"https://evil.example/x"}"#, "Invalid download URL"),
    ] {
        assert_eq!((apply(body).status, apply(body).at("/error")), (400, json!(words)));
    }
    assert_eq!(worker.post("/api/updates/apply", &[], "{}").status, 401);
    assert_eq!(worker.get("/api/updates/status").at("/status"), json!("idle"));
}

#[test]
fn the_eleventh_look_in_an_hour_is_one_too_many() {
    let worker = Worker::start();
    for number in 1..=10 {
        let status = worker.get_as("/api/updates/check", &[]).status;
        assert_eq!(status, 401, "{number}: who asks is looked at later");
    }
    let refused = worker.get("/api/updates/check");
    assert_eq!((refused.status, refused.header("x-ratelimit-limit")), (429, Some("10")));
    worker.step_clock_ahead(3_602_000);
    assert_eq!(worker.get("/api/updates/check").status, 200);
}
