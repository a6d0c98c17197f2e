//! What administrators' programs ask of agents. Source: openitcockpit specification, 13.5.

use edgewatch_harness::http::Reply;
use serde_json::{Value, json};

use super::{Cockpit, LINUX, UUID, assert_form, cycle, token};

/// A request with a key of an administrator.
struct Office {
    cockpit: Cockpit,
    key: String,
}

impl Office {
    fn over(cockpit: Cockpit) -> Self {
        let key = format!("X-OITC-API {}", token(&cockpit.worker, &["admin"]));
        Self { cockpit, key }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        let headers = [("Authorization", self.key.as_str())];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = self.cockpit.worker.request(method, &format!("/agentconnector/{path}"), &headers, &body);
        assert_eq!(reply.header("content-type"), Some("application/json"), "{}", reply.body);
        reply
    }

    fn get(&self, path: &str) -> Value {
        let reply = self.call("GET", path, &Value::Null);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.json()
    }

    fn list(&self, more: &str) -> Vec<Value> {
        self.get(&format!("push.json?angular=true{more}"))["agents"].as_array().expect("a list").clone()
    }

    fn select(&self, id: i64, uuid: &str, host: i64) -> Reply {
        let body = json!({ "pushagent": { "id": id, "agent_uuid": uuid, "host_id": host } });
        self.call("POST", "select_agent.json?angular=true", &body)
    }
}

#[test]
fn an_agent_is_found_and_given_to_a_host() {
    let office = Office::over(Cockpit::by_hand());
    let host = office.cockpit.worker.add_host("web");
    let password = office.cockpit.registered(UUID);
    assert_eq!(office.cockpit.submit(UUID, &password, LINUX).status, 400);
    let all = office.list("");
    assert_eq!(all.len(), 1);
    let id = all[0]["id"].as_i64().expect("a number");
    for (key, value) in [
        ("uuid", json!(UUID)),
        ("hostname", json!("web01")),
        ("ipaddress", json!("192.0.2.10")),
        ("agentconfig_id", Value::Null),
        ("host", Value::Null),
        ("allow_edit", json!(true)),
    ] {
        assert_eq!(all[0][key], value, "{key}");
    }
    assert!(all[0]["last_update"].as_str().is_some_and(|at| at.starts_with("20") && at.ends_with('Z')), "{}", all[0]);
    assert!(all[0]["remote_address"].is_string() && all[0]["http_x_forwarded_for"].is_string());
    // What it pushed meanwhile.
    let shown = office.get(&format!("showOutput.json?mode=push&id={id}"));
    assert_eq!((&shown["host"], &shown["config"], &shown["pushAgentUuid"]), (&Value::Null, &Value::Null, &json!(UUID)));
    let text = shown["outputAsJson"].as_str().expect("a text");
    let expected: Value = serde_json::from_str(LINUX).expect("JSON");
    assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), expected);
    assert!(text.lines().count() > 100);
    // The host may have it.
    let choice = office.get(&format!("select_agent.json?angular=true&hostId={}", host.id));
    assert_eq!(choice["host"], json!({ "id": host.id, "name": "web" }));
    assert_eq!(choice["pushAgents"], json!([{ "id": id, "agent_uuid": UUID, "name": "web01 (192.0.2.10)" }]));
    assert_eq!((&choice["config"], &choice["selectedPushAgentId"]), (&Value::Null, &Value::Null));
    let number = i64::try_from(host.id).expect("small");
    for _ in 0..2 {
        let chosen = office.select(id, UUID, number);
        assert_eq!((chosen.status, chosen.body.as_str()), (200, r#"{"success":true}"#), "again, too");
    }
    let choice = office.get(&format!("select_agent.json?hostId={number}"));
    assert_eq!((&choice["selectedPushAgentId"], &choice["config"]["host_id"]), (&json!(id), &json!(number)));
    assert_eq!(office.cockpit.submit(UUID, &password, &cycle(1)).status, 200);
    assert_eq!(
        (office.list("&filter[hasHostAssignment]=1").len(), office.list("&filter[hasHostAssignment]=0").len()),
        (1, 0)
    );
    assert_eq!(office.list("")[0]["host"], json!({ "id": number, "name": "web" }));
    let shown = office.get(&format!("showOutput.json?mode=push&id={id}"));
    let value: Value = serde_json::from_str(shown["outputAsJson"].as_str().expect("a text")).expect("JSON");
    assert_eq!(value["agent"]["system_uptime"], json!(86_453));
    assert_eq!(shown["host"]["name"], json!("web"));
}

#[test]
fn another_agent_takes_the_place_and_one_without_a_host_is_deleted() {
    let office = Office::over(Cockpit::start());
    let first = office.cockpit.registered(UUID);
    assert_eq!(office.cockpit.submit(UUID, &first, &cycle(0)).status, 200);
    let set = office.cockpit.admin("PATCH", "/settings", &json!({ "push_agents": "manual" }));
    assert!(set.status < 300);
    let second = office.cockpit.registered("second");
    let of = |uuid: &str| {
        let all = office.list("");
        all.iter().find(|one| one["uuid"] == json!(uuid)).and_then(|one| one["id"].as_i64())
    };
    let (id_of_first, id_of_second) = (of(UUID).expect("it"), of("second").expect("it"));
    // One that speaks for another host is not taken from it.
    let host = i64::try_from(office.cockpit.worker.add_host("other").id).expect("small");
    let taken = office.select(id_of_first, UUID, host);
    assert_eq!((taken.status, taken.at("/error").is_string()), (400, true), "{}", taken.body);
    let kept = office.call("POST", &format!("delete_push_agent/{id_of_first}.json"), &Value::Null);
    assert_eq!((kept.status, kept.body.as_str()), (400, r#"{"success":false}"#));
    assert_eq!(office.select(id_of_second, "second", 1).status, 200);
    for number in 1..3 {
        assert_eq!(office.cockpit.submit(UUID, &first, &cycle(number)).status, 400);
    }
    assert_eq!(office.cockpit.submit("second", &second, &cycle(3)).status, 200);
    // It is a stranger now, and may go.
    let stranger = of(UUID).expect("it was noted");
    let gone = office.call("POST", &format!("delete_push_agent/{stranger}.json"), &Value::Null);
    assert_eq!((gone.status, gone.body.as_str(), of(UUID)), (200, r#"{"success":true}"#, None));
}

#[test]
fn who_is_no_administrator_and_what_is_not_there_is_refused() {
    let office = Office::over(Cockpit::start());
    office.cockpit.registered(UUID);
    let body = json!({ "pushagent": { "id": 99, "agent_uuid": UUID, "host_id": 1 } });
    for (method, path, status) in [
        ("GET", "select_agent.json?hostId=99", 404),
        ("GET", "select_agent.json", 400),
        ("POST", "select_agent.json", 404),
        ("GET", "showOutput.json?mode=push&id=99", 404),
        ("GET", "showOutput.json?mode=push&id=x", 400),
        ("POST", "delete_push_agent/99.json", 404),
        ("POST", "delete_push_agent/x.json", 404),
        ("POST", "push.json", 405),
        ("DELETE", "select_agent.json", 405),
        ("GET", "delete_push_agent/1.json", 405),
        ("GET", "push", 405),
    ] {
        let sent = if method == "POST" { &body } else { &Value::Null };
        let reply = office.call(method, path, sent);
        assert_form(&reply);
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.body);
    }
    let wrong = office.select(1, "another", 1);
    assert_eq!(wrong.status, 404, "the number and the UUID are not one agent's: {}", wrong.body);
    let malformed = office.call("POST", "select_agent.json", &json!({ "pushagent": 1 }));
    assert_eq!(malformed.status, 400);
    let key = format!("X-OITC-API {}", office.cockpit.key);
    for (header, status) in [(key.as_str(), 401), ("X-OITC-API wrong", 401), ("", 401)] {
        for (method, path) in [
            ("GET", "push.json"),
            ("GET", "select_agent.json?hostId=1"),
            ("POST", "select_agent.json"),
            ("GET", "showOutput.json?id=1"),
            ("POST", "delete_push_agent/1.json"),
        ] {
            let path = format!("/agentconnector/{path}");
            let reply = office.cockpit.worker.request(method, &path, &[("Authorization", header)], &body.to_string());
            assert_form(&reply);
            assert_eq!(reply.status, status, "{method} {path}: {}", reply.body);
        }
    }
    assert_eq!(office.cockpit.agents().len(), 1);
}
