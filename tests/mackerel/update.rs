//! What is said of a host changes. Source: mackerel specification, 3.4 to 3.7.

use serde_json::{Value, json};

use super::{Mackerel, audited, call, key};

#[test]
fn what_was_answered_may_be_sent_back_and_changes_nothing() {
    // 4.
    let mackerel = Mackerel::start();
    let id = mackerel.make(&json!({
        "name": "web01", "displayName": "front", "memo": "m", "customIdentifier": "cid", "roleFullnames": ["A1:aa"],
        "meta": { "agent-name": "mackerel-agent/0.87.1", "anything": [1, 2.5, "x"] },
        "interfaces": [{ "name": "eth0", "ipv4Addresses": ["192.0.2.2"], "ipv6Addresses": ["fd00::2"] }]
    }));
    let before = mackerel.show(&id);
    let mut sent = before.clone();
    sent["checks"] = Value::Null;
    let path = format!("/hosts/{id}");
    assert_eq!(mackerel.done("PUT", &path, &sent), json!({ "id": id }));
    assert_eq!(mackerel.show(&id), before);
    assert_eq!(audited(&mackerel.worker, "host.edit"), 0);
    assert_eq!(before["interfaces"][0]["ipAddress"], json!("192.0.2.2"));

    mackerel.done("PUT", &path, &json!({ "name": "web01", "meta": {}, "roleFullnames": ["A1:bb"] }));
    assert_eq!(mackerel.show(&id)["roles"], json!({ "A1": ["aa", "bb"] }));
    assert_eq!(mackerel.get("/services")["services"][0]["roles"], json!(["aa", "bb"]));
    assert_eq!(audited(&mackerel.worker, "host.edit"), 1);
    let roles = format!("{path}/role-fullnames");
    let success = mackerel.call("PUT", &roles, r#"{"roleFullnames":[]}"#);
    assert_eq!(success.body, r#"{"success":true}"#);
    assert_eq!(mackerel.show(&id)["roles"], json!({}));
}

#[test]
fn a_missing_key_keeps_null_clears_and_a_value_replaces() {
    // 5.
    let mackerel = Mackerel::start();
    let first = json!({
        "name": "a", "meta": { "x": 1 }, "displayName": "d", "memo": "m", "customIdentifier": "c", "roleFullnames": ["A1:aa"],
        "interfaces": [{ "name": "eth0" }]
    });
    let id = mackerel.make(&first);
    let path = format!("/hosts/{id}");
    let put = |said: Value| {
        mackerel.done("PUT", &path, &said);
        mackerel.show(&id)
    };
    let pick = |host: &Value| {
        json!([
            host.get("displayName"),
            host["memo"],
            host.get("customIdentifier"),
            host["roles"],
            host["interfaces"][0]["name"]
        ])
    };
    let kept = put(json!({ "name": "b", "meta": { "y": 2 } }));
    assert_eq!((&kept["name"], &kept["meta"]), (&json!("b"), &json!({ "y": 2 })), "always replaced, as a whole");
    assert_eq!(pick(&kept), json!(["d", "m", "c", { "A1": ["aa"] }, "eth0"]));
    let cleared = put(json!({
        "name": "b", "meta": {}, "displayName": null, "memo": null, "customIdentifier": null, "roleFullnames": null,
        "interfaces": null, "checks": null
    }));
    assert_eq!(pick(&cleared), json!([null, "", null, { "A1": ["aa"] }, "eth0"]));
    assert!(cleared.get("displayName").is_none() && cleared.get("customIdentifier").is_none());
    put(first);
    let emptied = put(json!({ "name": "b", "meta": {}, "displayName": "", "customIdentifier": "", "interfaces": [] }));
    assert_eq!((emptied.get("displayName"), emptied.get("customIdentifier")), (None, None));
    assert_eq!(emptied["interfaces"], json!([]));
    for bad in [
        json!({ "meta": {} }),
        json!({ "name": null, "meta": {} }),
        json!({ "name": "b" }),
        json!({ "name": "b", "meta": null }),
        json!({ "name": "b", "meta": { "cpu": 1 } }),
        json!({ "name": "b", "meta": {}, "roleFullnames": ["x"] }),
    ] {
        assert_eq!(mackerel.call("PUT", &path, &bad.to_string()).status, 400, "{bad}");
    }
    mackerel.make(&json!({ "name": "other", "meta": {}, "customIdentifier": "taken" }));
    let taken = json!({ "name": "half", "meta": {}, "customIdentifier": "taken", "roleFullnames": ["New:role"] });
    assert_eq!(mackerel.call("PUT", &path, &taken.to_string()).status, 400);
    assert_eq!(mackerel.show(&id)["name"], json!("b"), "nothing by half");
    assert_eq!(mackerel.get("/services")["services"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_status_is_one_of_four() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let path = format!("/hosts/{id}/status");
    for status in ["standby", "maintenance", "poweroff", "working"] {
        assert_eq!(mackerel.done("POST", &path, &json!({ "status": status })), json!({ "success": true }));
        assert_eq!(mackerel.show(&id)["status"], json!(status));
    }
    for bad in [r#"{"status":"up"}"#, r#"{"status":null}"#, "{}", "", "null"] {
        assert_eq!(mackerel.call("POST", &path, bad).status, 400, "{bad}");
    }
    assert_eq!(mackerel.show(&id)["status"], json!("working"));
    assert_eq!(audited(&mackerel.worker, "host.status"), 4);
}

#[test]
fn statuses_of_many_change_together_or_not_at_all() {
    // 11.
    let mackerel = Mackerel::start();
    let ids: Vec<String> = (0..3).map(|index| mackerel.host(&format!("h{index}"))).collect();
    let many = "/hosts/bulk-update-statuses";
    let said = |ids: &[String], status: &str| json!({ "ids": ids, "status": status });
    assert_eq!(mackerel.done("POST", many, &said(&ids, "standby")), json!({ "success": true }));
    assert!(ids.iter().all(|id| mackerel.show(id)["status"] == "standby"));
    let unknown = [&ids[..], &["11111111111".to_owned()]].concat();
    let refused = mackerel.call("POST", many, &said(&unknown, "poweroff").to_string());
    assert_eq!((refused.status, refused.at("/error/message")), (404, json!("Host Not Found.")));
    let too_many = vec![ids[0].clone(); 31];
    assert_eq!(mackerel.call("POST", many, &said(&too_many, "poweroff").to_string()).status, 400);
    assert_eq!(mackerel.call("POST", many, &said(&ids, "up").to_string()).status, 400);
    assert!(ids.iter().all(|id| mackerel.show(id)["status"] == "standby"), "not at all");
    assert_eq!(mackerel.done("POST", many, &said(&[], "standby")), json!({ "success": true }));
}

#[test]
fn roles_are_replaced_by_a_key_that_may_only_write() {
    // 10.
    let mackerel = Mackerel::start();
    let id = mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["A1:aa", "A1:bb"] }));
    let write = key(&mackerel.worker, &["write"]);
    let put = |body: &str| call(&mackerel.worker, &write, "PUT", &format!("/hosts/{id}/role-fullnames"), body);
    assert_eq!(put(r#"{"roleFullnames":["A1: bb","B1:cc"]}"#).body, r#"{"success":true}"#);
    assert_eq!(mackerel.show(&id)["roles"], json!({ "A1": ["bb"], "B1": ["cc"] }));
    for bad in [r#"{"roleFullnames":["A1"]}"#, r#"{"roleFullnames":"A1:aa"}"#, "[]", ""] {
        assert_eq!(put(bad).status, 400, "{bad}");
    }
    assert_eq!(mackerel.show(&id)["roles"], json!({ "A1": ["bb"], "B1": ["cc"] }));
    assert_eq!(put(r#"{"roleFullnames":null}"#).status, 200);
    assert_eq!(mackerel.show(&id)["roles"], json!({}));
    assert_eq!(mackerel.get("/services")["services"].as_array().map(Vec::len), Some(2), "services stay");
}
