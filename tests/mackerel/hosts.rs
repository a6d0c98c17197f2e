//! Hosts are made and shown. Source: mackerel specification, 2, 3.1 to 3.3.

use edgewatch_harness::golden::Volatile;
use edgewatch_harness::worker::{Fault, Worker};
use serde_json::{Value, json};

use super::{Mackerel, audited, key};

#[test]
fn what_mkr_really_sends_makes_a_host_with_its_services_and_roles() {
    // 2.
    let mackerel = Mackerel::start();
    let sent = r#"{"name":"newhost","memo":"m","meta":{},"interfaces":null,"roleFullnames":["My-Service:web"],"checks":null,"customIdentifier":"cid"}"#;
    let made = mackerel.call("POST", "/hosts?", &format!("{sent}\n"));
    assert_eq!(made.status, 200, "{}", made.body);
    let id = made.at("/id").as_str().expect("an id").to_owned();
    assert_eq!((id.len(), made.json().as_object().map(serde_json::Map::len)), (11, Some(1)));
    let shown = mackerel.call("GET", &format!("/hosts/{id}"), "");
    let volatile = [("host.id", Volatile::Id), ("host.createdAt", Volatile::UnixSeconds)];
    shown.assert_golden_but("mackerel/host.made", &volatile);
    let services = mackerel.get("/services");
    assert_eq!(services, json!({ "services": [{ "name": "My-Service", "memo": "", "roles": ["web"] }] }));
    assert_eq!(audited(&mackerel.worker, "host.register"), 1);

    let bare = mackerel.make(&json!({
        "name": "b", "meta": {}, "interfaces": null, "checks": null, "roleFullnames": null, "customIdentifier": ""
    }));
    let bare = mackerel.show(&bare);
    assert_eq!((&bare["interfaces"], &bare["roles"], &bare["memo"]), (&json!([]), &json!({}), &json!("")));
    let absent = ["checks", "roleFullnames", "customIdentifier", "displayName", "retiredAt"];
    assert!(absent.iter().all(|key| bare.get(key).is_none()), "{bare}");
}

#[test]
fn everything_that_an_agent_says_comes_back() {
    let mackerel = Mackerel::start();
    let meta: Value = serde_json::from_str(include_str!("../../worker/core/samples/mackerel/meta.json")).expect("JSON");
    let id = mackerel.make(&json!({
        "name": "web01", "displayName": "front 1", "customIdentifier": "i-0123.ec2.amazonaws.com", "meta": meta, "memo": "",
        "interfaces": [{ "name": "eth0", "macAddress": "02:fc:00:00:00:01", "ipv4Addresses": ["192.0.2.2"], "ipv6Addresses": ["fd00::2"] }],
        "roleFullnames": ["My-Service: db", "My-Service:app"], "checks": [], "unknown": { "key": 1 }
    }));
    let shown = mackerel.call("GET", &format!("/hosts/{id}"), "");
    let volatile = [("host.id", Volatile::Id), ("host.createdAt", Volatile::UnixSeconds)];
    shown.assert_golden_but("mackerel/host.agent", &volatile);
}

#[test]
fn addresses_are_made_one_of_both_forms() {
    // 3.
    let mackerel = Mackerel::start();
    let shown = |interface: Value| {
        let id = mackerel.make(&json!({ "name": "a", "meta": {}, "interfaces": [interface] }));
        mackerel.show(&id)["interfaces"][0].clone()
    };
    let both = json!({ "name": "eth0", "ipv4Addresses": ["192.0.2.2"], "ipv6Addresses": [], "ipAddress": "192.0.2.2" });
    assert_eq!(shown(json!({ "name": "eth0", "ipv4Addresses": ["192.0.2.2"] })), both);
    assert_eq!(shown(json!({ "name": "eth0", "ipAddress": "192.0.2.2" })), both);
    let array_wins = json!({ "name": "eth0", "ipAddress": "192.0.2.9", "ipv4Addresses": ["192.0.2.2"] });
    assert_eq!(shown(array_wins), both);
}

#[test]
fn what_cannot_be_makes_nothing_no_service_either() {
    let mackerel = Mackerel::start();
    mackerel.make(&json!({ "name": "first", "meta": {}, "customIdentifier": "taken" }));
    for bad in [
        json!({ "meta": {} }),
        json!({ "name": "", "meta": {} }),
        json!({ "name": "a" }),
        json!({ "name": "a", "meta": [] }),
        json!({ "name": "a", "meta": { "kernel": { "name": 1 } }, "roleFullnames": ["Good:role"] }),
        json!({ "name": "a", "meta": {}, "roleFullnames": ["Good:role", "b:c"] }),
        json!({ "name": "a", "meta": {}, "roleFullnames": ["Good:role"], "interfaces": [{ "name": "e", "ipAddress": "10.0.0.0/8" }] }),
        json!({ "name": "a", "meta": {}, "roleFullnames": ["Good:role"], "checks": [{ "name": "no blanks" }] }),
        json!({ "name": "a", "meta": {}, "roleFullnames": ["Good:role"], "customIdentifier": "taken" }),
    ] {
        let reply = mackerel.call("POST", "/hosts", &bad.to_string());
        assert_eq!(reply.status, 400, "{bad}: {}", reply.body);
    }
    assert_eq!(mackerel.get("/services"), json!({ "services": [] }));
    assert_eq!(mackerel.names(""), ["first"]);
}

#[test]
fn two_posts_of_one_name_are_two_hosts_in_order() {
    let mackerel = Mackerel::start();
    let (first, second) = (mackerel.host("same"), mackerel.host("same"));
    let list = mackerel.get("/hosts");
    assert_eq!((&list["hosts"][0]["id"], &list["hosts"][1]["id"]), (&json!(first), &json!(second)));
}

#[test]
fn a_host_is_found_by_its_identifier_or_is_null() {
    let mackerel = Mackerel::start();
    let make = |name: &str, identifier: &str| {
        mackerel.make(&json!({ "name": name, "meta": {}, "customIdentifier": identifier }))
    };
    let found = |path: &str| mackerel.get(&format!("/hosts-by-custom-identifier/{path}"))["host"].clone();
    let slash = make("slash", "a/b?c d");
    let upper = make("upper", "I-ABC");
    make("lower", "i-abc");
    let plus = make("plus", "x+y");
    assert_eq!(found("a%2Fb%3Fc%20d")["id"], json!(slash));
    assert_eq!(found("a%2Fb%3Fc+d")["id"], json!(slash), "as some clients write a blank");
    assert_eq!(found("x+y")["id"], json!(plus));
    make("blank", "x y");
    assert_eq!((&found("x+y")["name"], &found("x%20y")["name"]), (&json!("plus"), &json!("blank")));
    assert_eq!(found("i-abc")["name"], json!("lower"));
    assert_eq!(found("i-abc?caseInsensitive=true")["id"], json!(upper), "the oldest");
    assert_eq!(found("i-abc?caseInsensitive=false")["name"], json!("lower"));
    let nothing = mackerel.call("GET", "/hosts-by-custom-identifier/I-Abc?", "");
    assert_eq!((nothing.status, nothing.body.as_str()), (200, r#"{"host":null}"#));
    assert_eq!(found("%"), Value::Null);
}

#[test]
fn nothing_watches_a_host_so_far() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    assert_eq!(mackerel.get(&format!("/hosts/{id}/monitored-statuses")), json!({ "monitoredStatuses": [] }));
}

#[test]
fn a_database_that_does_not_answer_is_503_and_nothing_is_made() {
    let mackerel = Mackerel::start();
    mackerel.worker.faults(Fault::Overloaded, 1, "INSERT INTO hosts");
    let refused = mackerel.call("POST", "/hosts", r#"{"name":"a","meta":{},"roleFullnames":["Svc:role"]}"#);
    assert_eq!((refused.status, refused.at("/error/message").is_string()), (503, true));
    assert_eq!(mackerel.get("/services"), json!({ "services": [] }));
    assert_eq!(mackerel.names(""), [""; 0]);
}

#[test]
fn an_answer_that_is_lost_makes_one_host_and_gives_its_id() {
    let mackerel = Mackerel::start();
    mackerel.worker.faults(Fault::LostAfterCommit, 1, "INSERT INTO hosts");
    let id = mackerel.host("a");
    assert_eq!(mackerel.worker.faults_fired(), 1);
    assert_eq!((mackerel.names(""), &mackerel.show(&id)["id"]), (vec!["a".to_owned()], &json!(id)));
}

#[test]
fn a_key_costs_a_row_and_a_host_three_and_one_for_each_role() {
    let worker = Worker::start();
    let key = key(&worker, &["read", "write"]);
    let mackerel = Mackerel { worker, key };
    let said = json!({ "name": "a", "meta": {}, "roleFullnames": ["Svc:r1", "Svc:r2"] });
    let made = mackerel.call("POST", "/hosts", &said.to_string());
    let id = made.at("/id").as_str().expect("an id").to_owned();
    let shown = mackerel.call("GET", &format!("/hosts/{id}"), "").cost();
    assert_eq!((shown.d1_rows_read, shown.d1_rows_written), (6, 0));
    let again = mackerel.call("PUT", &format!("/hosts/{id}"), &said.to_string()).cost();
    assert_eq!((again.d1_rows_read, again.d1_rows_written), (6, 0), "what changes nothing writes nothing");
    let hourly = json!({ "name": "a", "meta": { "memory": { "free": "1kB" } } });
    let hourly = mackerel.call("PUT", &format!("/hosts/{id}"), &hourly.to_string()).cost();
    assert_eq!(hourly.d1_rows_written, 1, "what an agent says of itself every hour");
}
