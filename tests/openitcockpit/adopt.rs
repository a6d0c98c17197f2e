//! What administrators decide about agents. Source: openitcockpit specification, 3.6 and 4.

use serde_json::{Value, json};

use super::{Cockpit, LINUX, UUID, cycle, token};

fn accept(cockpit: &Cockpit, uuid: &str, body: &Value) -> u16 {
    cockpit.admin("POST", &format!("/push-agents/{uuid}/accept"), body).status
}

#[test]
fn by_hand_an_agent_waits_and_its_results_are_for_administrators() {
    // 4.
    let cockpit = Cockpit::by_hand();
    let password = cockpit.registered(UUID);
    assert_eq!(cockpit.hosts(), Vec::<Value>::new(), "it is in no list");
    let reply = cockpit.submit(UUID, &password, LINUX);
    assert_eq!((reply.status, reply.body.as_str()), (400, r#"{"error":"Invalid credentials or host not found"}"#));
    let agent = &cockpit.agents()[0];
    assert_eq!(
        (&agent["state"], &agent["host"], &agent["host_name"]),
        (&json!("pending"), &json!(null), &json!("web01"))
    );
    assert_eq!(agent["user_agent"], json!("openITCOCKPIT Agent/3.6.1"));
    assert!(agent["submitted_at_s"].is_i64(), "{agent}");
    let shown = cockpit.admin("GET", &format!("/push-agents/{UUID}/checkdata"), &Value::Null);
    let expected: Value = serde_json::from_str(LINUX).expect("JSON");
    assert_eq!((shown.status, shown.json()), (200, expected));
    // With a wrong password nothing is noted.
    assert_eq!(cockpit.submit(UUID, "wrong", "{}").status, 400);
    assert_eq!(cockpit.agents().len(), 1);

    assert_eq!(accept(&cockpit, UUID, &json!({})), 204);
    let reply = cockpit.submit(UUID, &password, &cycle(1));
    assert_eq!((reply.status, reply.at("/received_checks")), (200, json!(21)));
    assert_eq!((cockpit.hosts().len(), &cockpit.agents()[0]["state"]), (1, &json!("accepted")));
    assert_eq!(accept(&cockpit, UUID, &json!({})), 409);
}

#[test]
fn an_agent_that_nobody_knows_is_adopted_without_touching_its_host() {
    let cockpit = Cockpit::start();
    let lost = cockpit.registered(UUID);
    assert_eq!(cockpit.submit(UUID, &lost, &cycle(0)).status, 200);
    // Its record is lost; it never asks for another password.
    let removed = cockpit.worker.sql(&format!("DELETE FROM push_agents WHERE uuid = '{UUID}'"));
    assert!(removed["error"].is_null(), "{removed}");
    cockpit.worker.kill();
    cockpit.worker.resume();
    assert_eq!(cockpit.submit(UUID, &lost, &cycle(1)).status, 400);
    let agent = &cockpit.agents()[0];
    assert_eq!((&agent["uuid"], &agent["state"]), (&json!(UUID), &json!("stray")));
    assert_eq!(accept(&cockpit, UUID, &json!({ "host": 99 })), 404);
    assert_eq!(accept(&cockpit, UUID, &json!({ "host": 1 })), 204);
    assert_eq!(cockpit.submit(UUID, &lost, &cycle(2)).status, 200);
    assert_eq!(cockpit.worker.stored_samples(1), [1, 2], "it is the host it was");
}

#[test]
fn a_password_that_was_brought_is_good_once_an_administrator_says_so() {
    let cockpit = Cockpit::start();
    let brought = "5f0c".repeat(32);
    for _ in 0..3 {
        assert_eq!(cockpit.submit("stranger", &brought, LINUX).status, 400);
    }
    assert_eq!((cockpit.agents().len(), cockpit.hosts().len()), (1, 0));
    assert_eq!(cockpit.register("stranger", &brought).status, 404);
    assert_eq!(accept(&cockpit, "stranger", &json!({})), 204);
    assert_eq!(cockpit.submit("stranger", &brought, &cycle(1)).status, 200);
    assert_eq!(cockpit.register("stranger", &brought).status, 200);
    assert_eq!(cockpit.hosts()[0]["name"], json!("stranger"));
}

#[test]
fn strangers_cost_little_and_are_a_hundred_at_most() {
    let cockpit = Cockpit::start();
    let first = cockpit.submit("s0", "p", "{}");
    assert!(first.cost().d1_rows_written <= 5, "{:?}", first.cost());
    let second = cockpit.submit("s0", "p", "{}");
    assert_eq!(second.cost().d1_rows_written, 0, "not each time");
    for number in 1..110 {
        assert_eq!(cockpit.submit(&format!("s{number}"), "p", "{}").status, 400);
    }
    assert_eq!(cockpit.agents().len(), 100);
    assert_eq!(cockpit.admin("DELETE", "/push-agents/s0", &Value::Null).status, 204);
    assert_eq!(cockpit.agents().len(), 99);
    assert_eq!(cockpit.admin("DELETE", "/push-agents/s0", &Value::Null).status, 404);
}

#[test]
fn administrators_alone_see_and_decide() {
    let cockpit = Cockpit::start();
    cockpit.registered(UUID);
    let reader = token(&cockpit.worker, &["read", "write"]);
    for (who, status) in [(reader.as_str(), 403), (cockpit.key.as_str(), 403), ("", 401)] {
        for (method, path) in [
            ("GET", "/push-agents".to_owned()),
            ("GET", format!("/push-agents/{UUID}/checkdata")),
            ("POST", format!("/push-agents/{UUID}/accept")),
            ("POST", format!("/push-agents/{UUID}/register-again")),
            ("DELETE", format!("/push-agents/{UUID}")),
        ] {
            let reply =
                cockpit.worker.request(method, &format!("/api/edgewatch/v1{path}"), &[("Authorization", who)], "{}");
            assert_eq!(reply.status, status, "{method} {path}: {}", reply.body);
        }
    }
    assert_eq!(cockpit.admin("DELETE", &format!("/push-agents/{UUID}"), &Value::Null).status, 409, "it is a host's");
}
