//! Alerts and their configuration, under both of their names.

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

fn send(worker: &Worker, method: &str, path: &str, body: &Value) -> Reply {
    worker.request(method, path, &[("X-API-Token", &worker.token)], &body.to_string())
}

#[test]
fn what_is_set_under_one_name_is_seen_under_the_other() {
    let worker = Worker::start();
    let config = || worker.get("/api/alerts/config").json();
    let fresh = config();
    assert_eq!(
        (&fresh["guestDefaults"]["cpu"], &fresh["storageDefault"]),
        (&json!({"trigger": 80, "clear": 75}), &json!({"trigger": 85, "clear": 80}))
    );
    let thresholds = "/api/notifications/thresholds";
    let done = send(
        &worker,
        "POST",
        thresholds,
        &json!({"guestDefaults": {"cpu": {"trigger": 70, "clear": 60}, "disk": null}}),
    );
    assert_eq!((done.status, done.json()), (200, json!({"status": "success"})));
    let changed = config();
    assert_eq!((&changed["guestDefaults"]["cpu"]["trigger"], changed["guestDefaults"].get("disk")), (&json!(70), None));
    assert_eq!(changed["guestDefaults"]["memory"], fresh["guestDefaults"]["memory"]);
    let view = worker.get(thresholds).json();
    assert!(view.get("overrides").is_none() && view["guestDefaults"] == changed["guestDefaults"]);

    let overrides = format!("{thresholds}/overrides");
    assert_eq!(worker.get(&overrides).json(), json!({}));
    let one = json!({"lab-pve1-101": {"cpu": {"trigger": 95, "clear": 90}}});
    assert_eq!(send(&worker, "POST", &overrides, &one).json(), json!({"status": "success"}));
    assert_eq!((worker.get(&overrides).json(), &config()["overrides"]), (one.clone(), &one));
    send(
        &worker,
        "POST",
        &overrides,
        &json!({"resourceId": "x", "thresholds": {"memory": {"trigger": 50, "clear": 40}}}),
    );
    send(&worker, "POST", &overrides, &json!({"lab-pve1-101": null}));
    assert_eq!(worker.get(&overrides).json(), json!({"x": {"memory": {"trigger": 50, "clear": 40}}}));
    assert_eq!(send(&worker, "PUT", &overrides, &one).status, 200);
    assert_eq!(config()["overrides"], one);

    let saved = send(&worker, "PUT", "/api/alerts/config", &fresh);
    assert_eq!(saved.json(), json!({"status": "success", "success": true}));
    assert_eq!(config(), fresh);
    for body in [json!([]), json!({"cpu": 101}), json!({"cpu": "x"})] {
        assert_eq!(send(&worker, "POST", thresholds, &body).status, 400, "{body}");
    }
    assert_eq!(send(&worker, "PUT", "/api/alerts/config", &json!([])).status, 400);
}

#[test]
fn there_is_nothing_to_see_and_to_do_while_nothing_happened() {
    let worker = Worker::start();
    for path in [
        "/api/alerts/active",
        "/api/alerts/history",
        "/api/alerts/history?limit=-1",
        "/api/notifications/alerts?limit=5",
    ] {
        assert_eq!((worker.get(path).status, worker.get(path).json()), (200, json!([])), "{path}");
        assert_eq!(worker.get_as(path, &[]).status, 401, "{path}");
    }
    let cleared = json!({"status": "success", "message": "Alert history cleared"});
    assert_eq!(send(&worker, "DELETE", "/api/alerts/history", &Value::Null).json(), cleared);
    assert_eq!(send(&worker, "POST", "/api/notifications/alerts/clear", &Value::Null).json(), cleared);
    let unknown = send(&worker, "POST", "/api/alerts/lab-pve1-101-cpu/acknowledge", &Value::Null);
    assert_eq!((unknown.status, unknown.at("/error")), (404, json!("alert not found: lab-pve1-101-cpu")));
    assert_eq!(send(&worker, "POST", "/api/alerts/x/clear", &Value::Null).json(), json!({"success": true}));
    let bulk = send(&worker, "POST", "/api/alerts/bulk/acknowledge", &json!({"alertIds": ["a"]}));
    assert_eq!(bulk.at("/results/0"), json!({"alertId": "a", "success": false, "error": "alert not found: a"}));
    assert_eq!(send(&worker, "POST", "/api/alerts/activate", &Value::Null).at("/state"), json!("active"));
    for (method, path) in
        [("DELETE", "/api/alerts/active"), ("GET", "/api/alerts/x/clear"), ("POST", "/api/alerts/history")]
    {
        assert_eq!(send(&worker, method, path, &Value::Null).status, 405, "{method} {path}");
    }
}
