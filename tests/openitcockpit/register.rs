//! Registration. Source: openitcockpit specification, 3.1 and 3.3.

use serde_json::{Value, json};

use super::{Cockpit, PACKAGES, REGISTER, SUBMIT, UUID, assert_form, token};

const TAKEN: &str = r#"{"error":"The given UUID is already registed with a password!"}"#;
const UNKNOWN: &str = r#"{"error":"No Agent found for given UUID and password"}"#;
const MISSING: &str = r#"{"error":"Field uuid or password is missing in POST data"}"#;

#[test]
fn a_new_uuid_gets_a_password_once() {
    // 1.
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    assert_eq!(password.len(), 128);
    assert!(password.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{password}");
    let again = cockpit.register(UUID, "");
    assert_eq!((again.status, again.body.as_str()), (403, TAKEN));
    // It is a host of its own, whatever it is called.
    cockpit.registered("another");
    let names: Vec<Value> = cockpit.hosts().iter().map(|host| host["name"].clone()).collect();
    assert_eq!(names, ["web01", "web01"]);
    // The password is nowhere but with the agent.
    let kept =
        cockpit.worker.sql(&format!("SELECT count(*) AS count FROM push_agents WHERE password_hash = '{password}'"));
    assert_eq!(kept["results"][0]["count"], json!(0));
    assert!(!cockpit.worker.log().contains(&password));
}

#[test]
fn a_password_that_is_shown_is_right_or_not() {
    // 2.
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    let right = cockpit.register(UUID, &password);
    let expected = json!({ "success": true, "agentuuid": UUID, "password": password });
    assert_eq!((right.status, right.json()), (200, expected));
    for (uuid, password) in [(UUID, "wrong"), ("unheard-of", password.as_str()), ("unheard-of", "wrong")] {
        let reply = cockpit.register(uuid, password);
        assert_eq!((reply.status, reply.body.as_str()), (404, UNKNOWN), "{uuid}");
    }
}

#[test]
fn what_is_no_registration_is_refused_by_name() {
    // 3.
    let cockpit = Cockpit::start();
    for body in [
        json!({ "agentuuid": UUID }),
        json!({ "password": "" }),
        json!({ "agentuuid": null, "password": "" }),
        json!({ "agentuuid": UUID, "password": null }),
        json!({}),
    ] {
        let reply = cockpit.call(REGISTER, &body.to_string());
        assert_eq!((reply.status, reply.body.as_str()), (400, MISSING), "{body}");
    }
    for body in ["", "{", "[]", "null", "not json"] {
        assert_eq!(cockpit.call(REGISTER, body).status, 400, "{body}");
    }
    for uuid in [String::new(), "x".repeat(38)] {
        let reply = cockpit.register(&uuid, "");
        assert_eq!(reply.status, 400);
        assert!(reply.at("/error").as_str().expect("a text").starts_with("agentuuid"), "{}", reply.body);
    }
    assert_eq!(cockpit.agents(), Vec::<Value>::new());
}

#[test]
fn another_method_or_no_extension_is_not_allowed() {
    // 3.
    let cockpit = Cockpit::start();
    let key = format!("X-OITC-API {}", cockpit.key);
    let headers = [("Authorization", key.as_str())];
    for path in [REGISTER, SUBMIT, PACKAGES] {
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let reply = cockpit.worker.request(method, path, &headers, "");
            let expected = json!({ "message": "Method Not Allowed", "url": path, "code": 405 });
            assert_eq!((reply.status, reply.json()), (405, expected), "{method} {path}");
        }
        let bare = path.trim_end_matches(".json");
        let reply = cockpit.worker.request("POST", bare, &headers, "{}");
        assert_eq!((reply.status, reply.at("/url")), (405, json!(bare)));
    }
}

#[test]
fn without_a_good_key_nothing_is_read() {
    // 6.
    let cockpit = Cockpit::start();
    let reader = token(&cockpit.worker, &["read", "write"]);
    let bearer = format!("Bearer {}", cockpit.key);
    let reading = format!("X-OITC-API {reader}");
    for path in [REGISTER, SUBMIT, PACKAGES] {
        for headers in [
            vec![],
            vec![("Authorization", "X-OITC-API")],
            vec![("Authorization", "X-OITC-API ")],
            vec![("Authorization", "X-OITC-API wrong")],
            vec![("Authorization", bearer.as_str())],
            vec![("Authorization", reading.as_str())],
            vec![("Cookie", "Authorization=X-OITC-API%20wrong")],
        ] {
            let body = json!({ "agentuuid": UUID, "password": "" }).to_string();
            let reply = cockpit.worker.request("POST", path, &headers, &body);
            assert_eq!(reply.status, 401, "{path} {headers:?}: {}", reply.body);
            assert_form(&reply);
        }
        // The key is looked at before the method.
        assert_eq!(cockpit.worker.request("GET", path, &[], "").status, 401);
    }
    assert_eq!(cockpit.agents(), Vec::<Value>::new());
}

#[test]
fn the_key_may_come_by_cookie_or_query_and_below_any_prefix() {
    // 6.
    let cockpit = Cockpit::start();
    let body = |uuid: &str| json!({ "agentuuid": uuid, "password": "" }).to_string();
    let cookie = format!("Authorization=X-OITC-API%20{}", cockpit.key);
    let by_cookie = cockpit.worker.request("POST", REGISTER, &[("Cookie", &cookie)], &body("a"));
    assert_eq!(by_cookie.status, 201, "{}", by_cookie.body);
    let path = format!("/t/tenant{REGISTER}?token=ab&apikey={}", cockpit.key);
    // A later source counts.
    let by_query = cockpit.worker.request("POST", &path, &[("Authorization", "X-OITC-API wrong")], &body("b"));
    assert_eq!(by_query.status, 201, "{}", by_query.body);
    let prefixed = cockpit.call(&format!("/base/path{REGISTER}?token=ab"), &body("c"));
    assert_eq!(prefixed.status, 201, "{}", prefixed.body);
    assert!(!cockpit.worker.log().contains(&cockpit.key), "a key is in no log");
}

#[test]
fn a_registration_whose_answer_was_lost_can_be_repeated_by_an_administrator_alone() {
    let cockpit = Cockpit::start();
    let lost = cockpit.registered(UUID);
    assert_eq!(cockpit.register(UUID, "").status, 403);
    let allowed = cockpit.admin("POST", &format!("/push-agents/{UUID}/register-again"), &Value::Null);
    assert_eq!(allowed.status, 204, "{}", allowed.body);
    let new = cockpit.registered(UUID);
    assert_ne!(lost, new);
    assert_eq!(cockpit.register(UUID, "").status, 403);
    assert_eq!((cockpit.submit(UUID, &lost, "{}").status, cockpit.submit(UUID, &new, "{}").status), (400, 200));
    assert_eq!(cockpit.hosts().len(), 1);
}

#[test]
fn while_the_database_does_not_answer_nobody_is_half_registered() {
    use edgewatch_harness::worker::Fault;
    for fault in [Fault::Overloaded, Fault::LostBefore, Fault::LostAfterCommit] {
        let cockpit = Cockpit::start();
        cockpit.worker.faults(fault, 1, "INSERT INTO push_agents");
        let reply = cockpit.register(UUID, "");
        let agents = cockpit.agents();
        if reply.status == 201 {
            // It was carried out after all, and found so.
            let password = reply.at("/password");
            assert_eq!(cockpit.register(UUID, password.as_str().expect("a password")).status, 200);
        } else {
            assert_eq!((reply.status, agents.len(), cockpit.hosts().len()), (503, 0, 0));
            cockpit.registered(UUID);
        }
        assert_eq!((cockpit.agents().len(), cockpit.hosts().len()), (1, 1));
    }
}
