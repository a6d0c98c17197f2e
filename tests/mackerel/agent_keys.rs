//! Keys of the kind agent make hosts and touch only those. Source: design, "Identity and access".

use serde_json::{Value, json};

use super::access::ROUTES;
use super::{Mackerel, call, token};

#[test]
fn an_agents_key_touches_the_hosts_it_made_and_knows_of_no_others() {
    let mackerel = Mackerel::start();
    let worker = &mackerel.worker;
    let theirs = mackerel.make(&json!({ "name": "theirs", "meta": {}, "customIdentifier": "cid-theirs" }));
    let key = token(worker, &json!({ "kind": "agent" }));
    let as_agent = |method: &str, path: &str, body: &str| call(worker, &key, method, path, body);
    let said = r#"{"name":"mine","meta":{},"roleFullnames":["Svc:role"],"customIdentifier":"cid-mine"}"#;
    let made = as_agent("POST", "/hosts", said);
    assert_eq!(made.status, 200, "{}", made.body);
    let mine = made.at("/id").as_str().expect("an id").to_owned();

    for (method, below, body) in [
        ("GET", "", ""),
        ("PUT", "", r#"{"name":"mine","meta":{}}"#),
        ("POST", "/status", r#"{"status":"standby"}"#),
        ("PUT", "/role-fullnames", r#"{"roleFullnames":["Svc:other"]}"#),
        ("GET", "/monitored-statuses", ""),
        ("PUT", "/metadata/env", "{}"),
        ("GET", "/metadata/env", ""),
        ("GET", "/metadata", ""),
        ("DELETE", "/metadata/env", ""),
        ("POST", "/retire", ""),
    ] {
        let other = as_agent(method, &format!("/hosts/{theirs}{below}"), body);
        assert_eq!((other.status, other.at("/error/message")), (404, json!("Host Not Found.")), "{method} {below}");
        let own = as_agent(method, &format!("/hosts/{mine}{below}"), body);
        assert_eq!(own.status, 200, "{method} {below}: {}", own.body);
    }
    let ids = |ids: Value| json!({ "ids": ids, "status": "standby" }).to_string();
    for many in ["/hosts/bulk-update-statuses", "/hosts/bulk-retire"] {
        assert_eq!(as_agent("POST", many, &ids(json!([mine, theirs]))).status, 404, "{many}");
    }
    assert_eq!(as_agent("GET", "/hosts", "").body, r#"{"hosts":[]}"#, "its own was retired");
    assert_eq!(as_agent("GET", "/hosts-by-custom-identifier/cid-theirs", "").body, r#"{"host":null}"#);
    let second = as_agent("POST", "/hosts", r#"{"name":"second","meta":{}}"#).at("/id");
    assert_eq!(as_agent("GET", "/hosts", "").at("/hosts/0/id"), second);
    assert_eq!(mackerel.names(""), ["theirs", "second"]);
    assert_eq!(mackerel.show(&theirs)["status"], json!("working"));
}

#[test]
fn what_belongs_to_no_host_is_not_for_an_agents_key_but_its_graphs_are() {
    let mackerel = Mackerel::start();
    let key = token(&mackerel.worker, &json!({ "kind": "agent" }));
    // Whatever is not of its own hosts.
    let own = ["/hosts", "/tsdb", "/graph-defs/create", "/monitoring/checks/report"];
    let others: Vec<(&str, &str)> = ROUTES
        .iter()
        .filter(|(_, path, ..)| !own.iter().any(|prefix| path.starts_with(prefix)))
        .map(|(method, path, ..)| (*method, *path))
        .collect();
    assert!(others.len() > 60, "{}", others.len());
    for (method, path) in others {
        // Whatever the body says.
        let reply = call(&mackerel.worker, &key, method, path, "1");
        assert_eq!(reply.status, 403, "{method} {path}: {}", reply.body);
    }
    let defs = r#"[{"name":"custom.dice","metrics":[]}]"#;
    assert_eq!(call(&mackerel.worker, &key, "POST", "/graph-defs/create", defs).status, 200);
}

#[test]
fn a_key_with_so_many_uses_makes_so_many_hosts() {
    let mackerel = Mackerel::start();
    let key = token(&mackerel.worker, &json!({ "kind": "agent", "uses": 1 }));
    let register =
        || call(&mackerel.worker, &key, "POST", "/hosts", r#"{"name":"a","meta":{},"roleFullnames":["Svc:role"]}"#);
    let made = register();
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(register().status, 403);
    assert_eq!(mackerel.names(""), ["a"]);
    let id = made.at("/id").as_str().expect("an id").to_owned();
    assert_eq!(
        call(&mackerel.worker, &key, "GET", &format!("/hosts/{id}"), "").status,
        200,
        "what it made stays its own"
    );
}
