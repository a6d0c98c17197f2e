//! What lines 9, 14, 15 and 19 ask beyond what stands beside their resources.

use std::thread;

use edgewatch_harness::http::Reply;
use edgewatch_harness::receiver::{Answering, Receiver};
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::export::{WORDS, exported, opened};
use super::fleet::{column, keys, send};

const NODES: &str = "/api/config/nodes";

/// Everything that an export holds, set to something else than it is at first.
fn furnish(worker: &Worker) {
    for (method, path, body) in [
        (
            "POST",
            NODES,
            json!({"type": "pve", "name": "lab", "host": "192.0.2.10", "tokenName": "pulse@pam!t1", "tokenValue": "value-1",
            "fingerprint": "AB".repeat(32), "monitorContainers": false}),
        ),
        (
            "POST",
            NODES,
            json!({"type": "pve", "name": "pass", "host": "192.0.2.11", "user": "root@pam", "password": "word-1"}),
        ),
        (
            "POST",
            NODES,
            json!({"type": "pbs", "name": "backup", "host": "192.0.2.20", "user": "root", "password": "word-2",
            "monitorGarbageJobs": true, "verifySSL": true}),
        ),
        (
            "PUT",
            "/api/notifications/email",
            json!({"enabled": true, "provider": "Custom SMTP Server", "server": "mail.example.com",
            "port": 465, "username": "me", "password": "word-3", "from": "me@example.com", "to": ["ops@example.com"], "tls": true,
            "startTLS": false}),
        ),
        (
            "POST",
            "/api/notifications/webhooks",
            json!({"name": "ops", "url": "https://hooks.example.com/x", "enabled": true,
            "headers": {"X-Key": "word-4"}}),
        ),
        (
            "POST",
            "/api/notifications/thresholds",
            json!({"guestDefaults": {"cpu": {"trigger": 71, "clear": 61}}, "timeThreshold": 7,
            "schedule": {"cooldown": 9}}),
        ),
        (
            "POST",
            "/api/notifications/thresholds/overrides",
            json!({"lab-pve1-101": {"memory": {"trigger": 66, "clear": 55}}}),
        ),
        (
            "POST",
            "/api/config/system",
            json!({"pollingInterval": 17, "updateChannel": "rc", "autoUpdateEnabled": true}),
        ),
    ] {
        let done = send(worker, method, path, &body);
        assert!(done.status < 300, "{path}: {}", done.body);
    }
}

/// What a Worker exports, without when.
fn document(worker: &Worker) -> Value {
    let mut document = opened(&exported(worker), WORDS);
    assert!(document.as_object_mut().is_some_and(|keys| keys.remove("exportedAt").is_some()));
    document
}

#[test]
fn line_9_an_export_carries_everything_to_another_deployment_and_back() {
    let from = Worker::builder().var("TRUSTED_ADDRESS_HEADER", "x-test-address").start();
    furnish(&from);
    let data = exported(&from);
    let said = document(&from);
    assert_eq!(keys(&said), ["alerts", "email", "nodes", "system", "version", "webhooks"]);
    assert_eq!(
        (
            &said["nodes"]["pveInstances"][1]["Password"],
            &said["nodes"]["pbsInstances"][0]["MonitorGarbageJobs"],
            &said["email"]["password"]
        ),
        (&json!("word-1"), &json!(true), &json!("word-3")),
        "secrets are in clear within"
    );
    // Another deployment has another key for what it keeps.
    let to = Worker::builder().var("EDGEWATCH_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").start();
    assert_eq!(
        send(
            &to,
            "POST",
            NODES,
            &json!({"type": "pve", "name": "gone", "host": "192.0.2.99", "user": "a@pam", "password": "p"})
        )
        .status,
        201
    );
    let done = send(&to, "POST", "/api/config/import", &json!({"data": data, "passphrase": WORDS}));
    assert_eq!((done.status, done.at("/status")), (200, json!("success")), "{}", done.body);
    assert_eq!(document(&to), said, "and what was there before is gone");
    for path in [NODES, "/api/alerts/config", "/api/notifications/email", "/api/config/system"] {
        assert_eq!(to.get(path).json(), from.get(path).json(), "{path}");
    }
    assert_eq!(column(&to.get(NODES).json(), "id"), ["pve-0", "pve-1", "pbs-0"]);

    // What cannot be opened, or read, leaves all of it as it is.
    let cut: String = data.chars().take(data.len() - 12).collect();
    for (data, words) in [(data.as_str(), "another passphrase"), (&cut, WORDS), ("%%%", WORDS), ("", WORDS)] {
        let refused = from.post(
            "/api/config/import",
            &[("X-API-Token", &from.token), ("x-test-address", "192.0.2.200")],
            &json!({"data": data, "passphrase": words}).to_string(),
        );
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(!refused.body.contains("success"));
    }
    assert_eq!(document(&from), said);
}

#[test]
fn line_9_a_passphrase_is_counted_in_bytes() {
    let worker = Worker::start();
    let status = |words: &str| send(&worker, "POST", "/api/config/export", &json!({ "passphrase": words })).status;
    assert_eq!((status("twelve bytes"), status("ääääää"), status("äääää1")), (200, 200, 400));
}

fn token(worker: &Worker, wanted: &Value) -> Value {
    let made = send(worker, "POST", "/api/tokens/generate", wanted);
    assert_eq!(made.status, 200, "{}", made.body);
    made.json()
}

/// For how many minutes a token is good.
fn minutes(token: &Value) -> i64 {
    let text = token["expires"].as_str().expect("a time");
    assert_eq!(text.len(), "2025-08-12T10:30:00Z".len(), "whole seconds: {text}");
    let at = chrono::DateTime::parse_from_rfc3339(text).expect("a time");
    let left_s = at.signed_duration_since(chrono::Utc::now()).num_seconds();
    (left_s + 30) / 60
}

fn node(host: &str) -> String {
    json!({"type": "pve", "host": host, "serverName": "lab", "tokenId": "pulse@pam!t", "tokenValue": "v"}).to_string()
}

fn register(worker: &Worker, token: &Value, host: &str) -> u16 {
    let token = token["token"].as_str().expect("a token");
    worker.post("/api/auto-register", &[("X-Registration-Token", token)], &node(host)).status
}

#[test]
fn line_14_what_is_not_said_and_what_is_too_much_have_their_values() {
    let worker = Worker::start();
    for (wanted, expected) in [
        (json!({}), (15, 0)),
        (json!({"validityMinutes": 0, "maxUses": 0}), (15, 0)),
        (json!({"validityMinutes": -5, "maxUses": -1}), (15, 1)),
        (json!({"validityMinutes": 30, "maxUses": 5}), (30, 5)),
        (json!({"validityMinutes": 99_999, "maxUses": 1_000}), (1_440, 100)),
    ] {
        let made = token(&worker, &wanted);
        assert_eq!((minutes(&made), made["maxUses"].as_i64()), (expected.0, Some(expected.1)), "{wanted}");
    }
    let unlimited = token(&worker, &json!({"allowedTypes": []}));
    for number in 1..=3 {
        assert_eq!(register(&worker, &unlimited, &format!("192.0.2.{number}")), 200);
    }
    let listed = worker.get("/api/tokens/list").json();
    let used = listed.as_array().into_iter().flatten().find(|one| one["token"] == unlimited["token"]);
    assert_eq!(used.map(|one| one["usedCount"].clone()), Some(json!(3)));

    let other = Worker::builder()
        .var("REGISTRATION_TOKEN_DEFAULT_VALIDITY", "3600")
        .var("REGISTRATION_TOKEN_DEFAULT_MAX_USES", "7")
        .start();
    let made = token(&other, &json!({}));
    assert_eq!((minutes(&made), &made["maxUses"]), (60, &json!(7)));
}

#[test]
fn line_14_of_many_at_once_one_gets_the_last_use() {
    let worker = Worker::start();
    let once = token(&worker, &json!({"maxUses": 1}));
    let statuses: Vec<u16> = thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|number| {
                let (worker, once) = (&worker, &once);
                scope.spawn(move || register(worker, once, &format!("192.0.2.{number}")))
            })
            .collect();
        all.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 401].contains(status)), "{statuses:?}");
    assert_eq!(worker.get(NODES).json().as_array().map(Vec::len), Some(1));
}

#[test]
fn line_15_who_registers_again_keeps_what_was_set_and_has_another_token() {
    let worker = Worker::start();
    let body = json!({"type": "pve", "name": "mine", "host": "https://192.0.2.10:8006", "user": "root@pam", "password": "word",
        "monitorContainers": false, "verifySSL": true});
    assert_eq!(send(&worker, "POST", NODES, &body).status, 201);
    let again = worker.post("/api/auto-register", &[("X-API-Token", &worker.token)], &node("192.0.2.10"));
    let expected =
        json!({"status": "success", "message": "Node 192.0.2.10 auto-registered successfully", "nodeId": "192.0.2.10"});
    assert_eq!((again.status, again.json()), (200, expected));
    let all = worker.get(NODES).json();
    assert_eq!(all.as_array().map(Vec::len), Some(1));
    let one = &all[0];
    assert_eq!((&one["name"], one.get("monitorContainers"), &one["verifySSL"]), (&json!("mine"), None, &json!(true)));
    assert_eq!(
        (&one["hasToken"], &one["hasPassword"], one.get("user"), &one["tokenName"]),
        (&json!(true), &json!(false), None, &json!("pulse@pam!t"))
    );
    // The same host as a backup server is another node.
    let server = node("192.0.2.10:8006").replace("\"pve\"", "\"pbs\"");
    assert_eq!(worker.post("/api/auto-register", &[("X-API-Token", &worker.token)], &server).status, 200);
    assert_eq!(column(&worker.get(NODES).json(), "id"), ["pve-0", "pbs-0"]);
}

fn is_superset(reply: &Reply, status: u16, code: &str) {
    let body = reply.json();
    assert_eq!((reply.status, &body["code"], &body["status_code"]), (status, &json!(code), &json!(status)), "{body}");
    assert!(body["error"].as_str().is_some_and(|text| !text.is_empty() && !text.contains("success")), "{body}");
    assert!(body["timestamp"].as_i64() > Some(1_700_000_000), "{body}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn line_19_every_refusal_has_the_same_form_and_every_path_a_preflight() {
    let feed = Receiver::start();
    feed.answer(Answering::status(500));
    let worker = Worker::builder().var("UPDATE_FEED_URL", &feed.url()).start();
    let as_admin =
        |method: &str, path: &str, body: &str| worker.request(method, path, &[("X-API-Token", &worker.token)], body);
    assert_eq!(
        send(
            &worker,
            "POST",
            NODES,
            &json!({"type": "pve", "name": "n", "host": "h", "user": "a@pam", "password": "p"})
        )
        .status,
        201
    );
    let taken = json!({"type": "pve", "name": "n", "host": "other", "user": "a@pam", "password": "p"}).to_string();
    let long = format!(r#"{{"type":"pve","host":"{}"}}"#, "x".repeat(40_000));
    for (method, path, body, status, code) in [
        ("POST", NODES, "[", 400, "validation_error"),
        ("POST", "/api/config/system", r#"{"pollingInterval":9999}"#, 400, "validation_error"),
        ("GET", "/api/storage/nothing", "", 404, "storage_not_found"),
        ("PUT", "/api/config/nodes/pve-9", "{}", 404, "not_found"),
        ("GET", "/api/nothing", "", 404, "not_found"),
        ("POST", "/api/alerts/x/acknowledge", "", 404, "not_found"),
        ("PATCH", "/api/config/system", "{}", 405, "method_not_allowed"),
        ("POST", "/api/state", "", 405, "method_not_allowed"),
        ("POST", NODES, taken.as_str(), 409, "conflict"),
        ("GET", "/api/updates/check", "", 500, "internal_error"),
    ] {
        is_superset(&as_admin(method, path, body), status, code);
    }
    let large = as_admin("POST", NODES, &long);
    assert!([400, 413].contains(&large.status) && large.at("/status_code") == json!(large.status), "{}", large.body);
    is_superset(&worker.get_as("/api/state", &[]), 401, "unauthorized");
    is_superset(&worker.get_as("/api/config/system", &[("X-API-Token", "wrong")]), 401, "unauthorized");
    for _ in 0..5 {
        worker.post("/api/config/export", &[], "");
    }
    is_superset(&worker.post("/api/config/export", &[], ""), 429, "rate_limited");
    let closed = Worker::builder().without_admin().start();
    is_superset(&closed.post("/api/config/export", &[], "{}"), 403, "forbidden");

    for path in ["/api/state", NODES, "/api/config/export", "/api/nothing", "/api/auto-register", "/api/alerts/x/clear"]
    {
        let preflight = worker.request(
            "OPTIONS",
            path,
            &[("Origin", "https://a.example"), ("Access-Control-Request-Method", "POST")],
            "",
        );
        assert_eq!((preflight.status, preflight.body.as_str()), (200, ""), "{path}");
        let allowed = preflight.header("access-control-allow-headers").unwrap_or_default().to_owned();
        for name in ["Content-Type", "Authorization", "X-API-Token", "X-Registration-Token"] {
            assert!(allowed.contains(name), "{path}: {allowed}");
        }
    }
}
