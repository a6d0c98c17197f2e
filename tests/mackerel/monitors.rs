//! Monitors. Source: mackerel specification, 8.

use serde_json::{Value, json};

use super::{Mackerel, audited};

const HOST: &str = r#"{"type":"host","name":"load","memo":"","duration":3,"metric":"loadavg5","operator":">","warning":4.0,"critical":8.0,"maxCheckAttempts":1,"notificationInterval":60,"scopes":["My-Service"],"excludeScopes":["My-Service:batch"],"isMute":false}"#;

fn services(mackerel: &Mackerel) {
    mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["My-Service:batch"] }));
}

/// What was answered, without its id.
fn without_id(body: &str, id: &str) -> String {
    body.replacen(&format!(r#""id":"{id}","#), "", 1)
}

#[test]
fn every_deployment_begins_with_one_connectivity_monitor() {
    let mackerel = Mackerel::start();
    let listed = mackerel.get("/monitors");
    let id = listed["monitors"][0]["id"].as_str().expect("an id");
    assert_eq!(id.len(), 11);
    let connectivity = json!({
        "id": id, "type": "connectivity", "name": "connectivity", "memo": "", "alertStatusOnGone": "CRITICAL",
        "scopes": [], "excludeScopes": [], "isMute": false
    });
    assert_eq!(listed, json!({ "monitors": [connectivity] }));
    assert_eq!(mackerel.get(&format!("/monitors/{id}")), json!({ "monitor": connectivity }));
}

#[test]
fn monitors_are_made_replaced_listed_and_deleted() {
    let mackerel = Mackerel::start();
    services(&mackerel);
    let made = mackerel.call("POST", "/monitors", HOST);
    assert_eq!(made.status, 200, "{}", made.body);
    let id = made.at("/id").as_str().expect("an id").to_owned();
    assert_eq!(without_id(&made.body, &id), HOST, "bare, and as it was sent");
    let path = format!("/monitors/{id}");
    assert_eq!(mackerel.get(&path)["monitor"].to_string(), mackerel.get("/monitors")["monitors"][1].to_string());

    // As the Go client sends it: null for what is not set, nothing for what is empty.
    let sent = r#"{"id":"x","name":"load 2","type":"host","metric":"cpu%","operator":">","warning":null,"critical":90,"duration":1}"#;
    let replaced = mackerel.call("PUT", &path, sent);
    assert_eq!(
        without_id(&replaced.body, &id),
        r#"{"type":"host","name":"load 2","memo":"","duration":1,"metric":"cpu%","operator":">","critical":90.0,"maxCheckAttempts":1,"scopes":[],"excludeScopes":[],"isMute":false}"#
    );
    for (kind, more) in [
        ("service", json!({ "service": "My-Service", "metric": "a", "operator": "<", "duration": 1, "warning": 1 })),
        ("external", json!({ "url": "https://example.com" })),
        (
            "expression",
            json!({ "expression": "max(role(My-Service:batch, loadavg5))", "operator": ">", "critical": 1 }),
        ),
        ("query", json!({ "query": "up", "legend": "", "operator": ">", "critical": 1 })),
        ("anomalyDetection", json!({ "scopes": ["My-Service:batch"], "warningSensitivity": "normal" })),
        ("connectivity", json!({ "alertStatusOnGone": "WARNING" })),
    ] {
        let mut said = more;
        (said["type"], said["name"]) = (json!(kind), json!(format!("{kind} a")));
        let made = mackerel.done("POST", "/monitors", &said);
        assert_eq!((&made["type"], &made["memo"], &made["isMute"]), (&json!(kind), &json!(""), &json!(false)));
    }
    let all = mackerel.get("/monitors")["monitors"].clone();
    let types: Vec<&str> = all.as_array().expect("a list").iter().filter_map(|one| one["type"].as_str()).collect();
    let sorted =
        ["anomalyDetection", "connectivity", "connectivity", "expression", "external", "host", "query", "service"];
    assert_eq!(types, sorted);
    assert_eq!((&all[1]["name"], &all[2]["name"]), (&json!("connectivity"), &json!("connectivity a")));

    let gone = mackerel.call("DELETE", &path, "");
    assert_eq!((gone.status, gone.body), (200, replaced.body));
    for method in ["GET", "DELETE"] {
        let reply = mackerel.call(method, &path, "");
        assert_eq!((reply.status, reply.at("/error/message")), (404, json!("Monitor Not Found.")));
    }
    let actions = ["monitor.create", "monitor.update", "monitor.delete"];
    assert_eq!(actions.map(|action| audited(&mackerel.worker, action)), [7, 1, 1]);
}

#[test]
fn what_is_not_said_again_falls_back_but_for_two_keys() {
    let mackerel = Mackerel::start();
    let made = mackerel.done("POST", "/monitors", &json!({
        "type": "external", "name": "x", "url": "https://example.com", "memo": "m", "isMute": true, "notificationInterval": 30,
        "headers": [{ "name": "a", "value": "b" }], "expectedStatusCode": 200
    }));
    let path = format!("/monitors/{}", made["id"].as_str().expect("an id"));
    let bare = json!({ "type": "external", "name": "x", "url": "https://example.com" });
    let replaced = mackerel.done("PUT", &path, &bare);
    assert_eq!(replaced["headers"], json!([{ "name": "a", "value": "b" }]));
    assert_eq!(
        (&replaced["memo"], &replaced["isMute"], replaced.get("notificationInterval")),
        (&json!(""), &json!(false), None)
    );
    assert_eq!(replaced.get("expectedStatusCode"), None);
    let emptied = json!({ "type": "external", "name": "x", "url": "https://example.com", "headers": [] });
    assert_eq!(mackerel.done("PUT", &path, &emptied)["headers"], json!([]));
    let id = mackerel.get("/monitors")["monitors"][0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/monitors/{id}");
    mackerel.done("PUT", &path, &json!({ "type": "connectivity", "alertStatusOnGone": "WARNING", "memo": "m" }));
    let kept = mackerel.done("PUT", &path, &json!({ "type": "connectivity", "name": "c" }));
    assert_eq!((&kept["alertStatusOnGone"], &kept["memo"]), (&json!("WARNING"), &json!("")));
}

#[test]
fn what_cannot_be_is_400_and_nothing_is_made() {
    let mackerel = Mackerel::start();
    services(&mackerel);
    let good: Value = serde_json::from_str(HOST).expect("JSON");
    let with = |key: &str, value: Value| {
        let mut bad = good.clone();
        bad[key] = value;
        bad.to_string()
    };
    let made = mackerel.done("POST", "/monitors", &good);
    let path = format!("/monitors/{}", made["id"].as_str().expect("an id"));
    for bad in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        with("type", json!("other")),
        with("type", Value::Null),
        with("name", json!("")),
        with("name", json!(1)),
        with("memo", json!("x".repeat(2_049))),
        with("duration", json!(0)),
        with("duration", json!(11)),
        with("duration", json!("3")),
        with("operator", json!("=")),
        with("metric", json!("a b")),
        with("maxCheckAttempts", json!(11)),
        with("notificationInterval", json!(9)),
        with("scopes", json!(["Nope"])),
        with("scopes", json!(["My-Service:nope"])),
        with("excludeScopes", json!(["My-Service:"])),
        json!({ "type": "host", "name": "a", "metric": "a", "operator": ">", "duration": 1 }).to_string(),
        json!({ "type": "host", "name": "a", "metric": "disk%", "operator": ">", "duration": 1, "critical": 101 }).to_string(),
        json!({ "type": "service", "name": "a", "service": "Nope", "metric": "a", "operator": ">", "duration": 1, "critical": 1 })
            .to_string(),
    ] {
        for (method, path) in [("POST", "/monitors"), ("PUT", path.as_str())] {
            let reply = mackerel.call(method, path, &bad);
            assert_eq!(reply.status, 400, "{method} {bad}: {}", reply.body);
            assert!(reply.at("/error/message").is_string());
        }
    }
    let other = json!({ "type": "connectivity", "name": "a" }).to_string();
    assert_eq!(mackerel.call("PUT", &path, &other).status, 400, "another type");
    let listed = mackerel.get("/monitors");
    assert_eq!((listed["monitors"].as_array().map(Vec::len), &listed["monitors"][1]), (Some(2), &made));
}

#[test]
fn with_a_service_the_monitors_of_its_metrics_go() {
    let mackerel = Mackerel::start();
    services(&mackerel);
    let said = json!({ "type": "service", "name": "s", "service": "My-Service", "metric": "a", "operator": ">", "duration": 1, "critical": 1 });
    mackerel.done("POST", "/monitors", &said);
    assert_eq!(mackerel.call("DELETE", "/services/My-Service", "").status, 200);
    assert_eq!(mackerel.get("/monitors")["monitors"].as_array().map(Vec::len), Some(1));
}
