//! Downtimes. Source: mackerel specification, 10.

use serde_json::{Value, json};

use super::{Mackerel, audited, token};

fn least(name: &str) -> Value {
    json!({ "name": name, "start": 1_795_361_186, "duration": 60 })
}

#[test]
fn downtimes_are_made_listed_changed_and_deleted() {
    let mackerel = Mackerel::start();
    assert_eq!(mackerel.call("GET", "/downtimes?", "").body, r#"{"downtimes":[]}"#);
    mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["Shop:web", "Shop:db", "Other:aa"] }));
    let full = json!({
        "name": "night", "memo": "m", "start": 1_795_361_186, "duration": 90,
        "recurrence": { "type": "weekly", "interval": 2, "weekdays": ["Monday", "Sunday"], "until": 1_895_361_186 },
        "serviceScopes": ["Shop"], "serviceExcludeScopes": ["Other"], "roleScopes": ["Shop: web"],
        "roleExcludeScopes": ["Shop:db"], "monitorScopes": ["2cSZzK3XfmG"], "monitorExcludeScopes": ["2cSZzK3XfmH"]
    });
    let made = mackerel.done("POST", "/downtimes", &full);
    let id = made["id"].as_str().expect("an id").to_owned();
    let mut expected = full.clone();
    (expected["id"], expected["roleScopes"]) = (json!(id), json!(["Shop:web"]));
    assert_eq!((id.len(), &made), (11, &expected));

    // Null is as good as missing, and the other way round nothing is null.
    let odd = r#"{"name":"odd","memo":null,"start":1795361186,"duration":60,"recurrence":null,"serviceScopes":null,"roleScopes":null,"monitorScopes":null}"#;
    let made = mackerel.call("POST", "/downtimes?", odd);
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!((made.at("/memo"), made.at("/serviceScopes")), (json!(""), json!([])));
    assert!(!made.body.contains("null") && !made.body.contains("recurrence"), "{}", made.body);
    let listed = mackerel.get("/downtimes");
    assert_eq!((&listed["downtimes"][0], &listed["downtimes"][1]), (&expected, &made.json()));

    // What was answered may be sent back.
    let path = format!("/downtimes/{id}");
    assert_eq!(mackerel.done("PUT", &path, &expected), expected);
    let other = mackerel.done("PUT", &path, &least("other"));
    assert_eq!((&other["name"], &other["memo"], &other["monitorScopes"]), (&json!("other"), &json!(""), &json!([])));
    assert_eq!(mackerel.done("DELETE", &path, &Value::Null), other);
    mackerel.refused(404, ("DELETE", &path), "");
    mackerel.refused(404, ("PUT", &path), &least("x").to_string());
    let actions = ["downtime.create", "downtime.update", "downtime.delete"];
    assert_eq!(actions.map(|action| audited(&mackerel.worker, action)), [2, 2, 1]);
}

#[test]
fn a_downtime_that_cannot_be_is_refused_and_nothing_is_kept() {
    let mackerel = Mackerel::start();
    mackerel.done("POST", "/services", &json!({ "name": "Shop" }));
    let id = mackerel.done("POST", "/downtimes", &least("d"))["id"].as_str().expect("an id").to_owned();
    let with = |key: &str, value: Value| {
        let mut body = least("d");
        body[key] = value;
        body.to_string()
    };
    for bad in [
        "[]".to_owned(),
        "null".to_owned(),
        String::new(),
        r#"{"name":"d","start":1}"#.to_owned(),
        with("name", json!("")),
        with("start", json!("1")),
        with("duration", json!(0)),
        with("duration", json!(1.5)),
        with("serviceScopes", json!(["Nope"])),
        with("serviceExcludeScopes", json!(["Nope"])),
        with("roleScopes", json!(["Shop:nope"])),
        with("roleExcludeScopes", json!(["Shop"])),
        with("monitorScopes", json!(["-"])),
        with("monitorScopes", json!("a")),
        with("recurrence", json!({ "type": "sometimes", "interval": 1 })),
        with("recurrence", json!({ "type": "daily" })),
        with("recurrence", json!({ "type": "weekly", "interval": 1, "weekdays": ["Someday"] })),
    ] {
        mackerel.refused(400, ("POST", "/downtimes"), &bad);
        mackerel.refused(400, ("PUT", &format!("/downtimes/{id}")), &bad);
    }
    assert_eq!(mackerel.get("/downtimes")["downtimes"].as_array().map(Vec::len), Some(1));
    for unknown in ["x", "11111111119", "ZZZZZZZZZZZ", "%00", "11111111112%20"] {
        mackerel.refused(404, ("DELETE", &format!("/downtimes/{unknown}")), "");
    }
}

#[test]
fn a_downtime_costs_its_row_its_audit_and_that_the_hub_is_told() {
    let mackerel = Mackerel::start();
    mackerel.done("POST", "/downtimes", &least("first"));
    assert_eq!(mackerel.price("POST", "/downtimes", &least("d")), 4);
    let id = mackerel.get("/downtimes")["downtimes"][1]["id"].as_str().expect("an id").to_owned();
    assert_eq!(mackerel.price("PUT", &format!("/downtimes/{id}"), &least("e")), 3);
    assert_eq!(mackerel.price("DELETE", &format!("/downtimes/{id}"), &Value::Null), 3);
    assert_eq!(mackerel.call("GET", "/downtimes", "").cost().d1_rows_written, 0);
}

#[test]
fn a_downtimes_week_is_that_of_the_zone_of_the_quiet_hours() {
    let mackerel = Mackerel::start();
    let zone = json!({ "quiet_hours": { "time_zone": "Asia/Tokyo", "from": "22:00", "to": "07:00" } });
    let admin = token(&mackerel.worker, &json!({ "scopes": ["read", "write", "admin"] }));
    let bearer = format!("Bearer {admin}");
    let path = "/api/edgewatch/v1/quiet-hours";
    let set = mackerel.worker.request("PUT", path, &[("Authorization", &bearer)], &zone.to_string());
    assert_eq!(set.status, 200, "{}", set.body);
    mackerel.done("POST", "/downtimes", &least("tokyo"));
    let offset = mackerel.worker.sql("SELECT start_offset_s AS offset FROM downtimes");
    assert_eq!(offset["results"][0]["offset"], json!(9 * 3_600));
}
