//! Hosts retire. Source: mackerel specification, 3.8 and 3.9.

use serde_json::{Value, json};

use super::{Mackerel, audited};

const ALL: &str = "?status=working&status=standby&status=maintenance&status=poweroff";

#[test]
fn each_client_retires_a_host_in_its_own_way() {
    // 6.
    let mackerel = Mackerel::start();
    let Mackerel { worker, key } = &mackerel;
    for (name, head, body) in [
        ("documented", "Content-Length: 2\r\n", "{}"),
        ("agent", "Content-Type: application/json\r\nContent-Length: 5\r\n", "null\n"),
        ("rust", "", ""),
        ("python", "Content-Length: 0\r\n", ""),
    ] {
        let id = mackerel.make(&json!({ "name": name, "meta": {}, "customIdentifier": "cid" }));
        let address = worker.address();
        let request = format!(
            "POST /api/v0/hosts/{id}/retire HTTP/1.1\r\nHost: {address}\r\nX-Api-Key: {key}\r\nConnection: close\r\n{head}\r\n{body}"
        );
        let reply = worker.send_raw(request.as_bytes()).expect("an answer");
        assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"success":true}"#), "{name}");
        let host = mackerel.show(&id);
        assert_eq!((&host["isRetired"], host["retiredAt"].is_i64()), (&json!(true), true));
        assert_eq!((&host["customIdentifier"], &host["name"]), (&json!("cid"), &json!(name)), "it is shown as it was");
        assert_eq!(mackerel.names(ALL), [""; 0]);
        assert_eq!(mackerel.get("/hosts-by-custom-identifier/cid"), json!({ "host": null }));
    }
    // The next one with that identifier was made each time.
    assert_eq!(audited(worker, "host.retire"), 4);
}

#[test]
fn a_retired_host_stays_as_it_is() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let path = format!("/hosts/{id}");
    mackerel.done("POST", &format!("{path}/retire"), &Value::Null);
    let retired = mackerel.show(&id);
    mackerel.worker.set_clock_ahead(10_000);
    mackerel.done("POST", &format!("{path}/retire"), &json!({}));
    assert_eq!(mackerel.show(&id), retired, "retiring twice is once");
    for (method, below, body) in [
        ("PUT", "", r#"{"name":"b","meta":{}}"#),
        ("POST", "/status", r#"{"status":"standby"}"#),
        ("PUT", "/role-fullnames", r#"{"roleFullnames":["A1:aa"]}"#),
    ] {
        let reply = mackerel.call(method, &format!("{path}{below}"), body);
        assert_eq!(reply.status, 400, "{method} {below}: {}", reply.body);
    }
    let bulk = json!({ "ids": [id], "status": "standby" });
    assert_eq!(mackerel.call("POST", "/hosts/bulk-update-statuses", &bulk.to_string()).status, 400);
    assert_eq!(mackerel.show(&id), retired);
    assert_eq!(mackerel.get("/services"), json!({ "services": [] }));
    assert_eq!(mackerel.call("POST", &format!("{path}/retire"), "{").status, 400);
}

#[test]
fn thirty_retire_at_once_or_none() {
    // 11.
    let mackerel = Mackerel::start();
    let ids: Vec<String> = (0..3).map(|index| mackerel.host(&format!("h{index}"))).collect();
    let many = "/hosts/bulk-retire";
    let refused = |ids: &[String]| mackerel.call("POST", many, &json!({ "ids": ids }).to_string()).status;
    assert_eq!(refused(&vec![ids[0].clone(); 31]), 400);
    assert_eq!(refused(&[&ids[..], &["11111111111".to_owned()]].concat()), 404);
    assert_eq!(mackerel.names(""), ["h0", "h1", "h2"]);
    assert_eq!(mackerel.call("POST", many, r#"{"ids":null}"#).status, 400);
    assert_eq!(mackerel.done("POST", many, &json!({ "ids": &ids[..2] })), json!({ "success": true }));
    assert_eq!(mackerel.names(""), ["h2"]);
    assert_eq!(mackerel.done("POST", many, &json!({ "ids": ids })), json!({ "success": true }), "some of them again");
}

#[test]
fn a_host_that_nezha_deletes_is_retired_and_its_identifier_free() {
    let mackerel = Mackerel::start();
    let id = mackerel.make(&json!({ "name": "a", "meta": {}, "customIdentifier": "cid" }));
    let cookie = mackerel.worker.cookie();
    let servers = mackerel.worker.get("/api/v1/server/list").at("/result");
    let deleted =
        mackerel.worker.request("DELETE", &format!("/api/server/{}", servers[0]["id"]), &[("Cookie", &cookie)], "");
    assert_eq!(deleted.at("/code"), json!(200));
    assert_eq!(mackerel.show(&id)["isRetired"], json!(true));
    mackerel.make(&json!({ "name": "b", "meta": {}, "customIdentifier": "cid" }));
}

#[test]
fn what_is_left_of_a_host_is_gone_after_thirty_days() {
    let mackerel = Mackerel::start();
    let id = mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["A1:aa"] }));
    mackerel.done("PUT", &format!("/hosts/{id}/metadata/env"), &json!({}));
    mackerel.done("POST", &format!("/hosts/{id}/retire"), &json!({}));
    let days = |days: u64| {
        let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_millis();
        // Old ones are looked for once an hour.
        let hour_ms = u64::try_from(now_ms).expect("milliseconds") / 3_600_000 * 3_600_000;
        hour_ms + days * 86_400_000 + 37 * 60_000
    };
    mackerel.worker.cron_at(days(29));
    assert_eq!(mackerel.show(&id)["isRetired"], json!(true));
    mackerel.worker.cron_at(days(31));
    assert_eq!(mackerel.call("GET", &format!("/hosts/{id}"), "").status, 404);
    for table in ["hosts", "host_details", "host_roles", "metadata"] {
        let left = mackerel.worker.sql(&format!("SELECT count(*) AS count FROM {table}"));
        assert_eq!(left["results"][0]["count"], json!(0), "{table}");
    }
}
