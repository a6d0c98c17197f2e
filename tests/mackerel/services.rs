//! Services and roles. Source: mackerel specification, 6.

use serde_json::json;

use super::{Mackerel, audited};

#[test]
fn services_and_roles_are_made_listed_and_deleted() {
    let mackerel = Mackerel::start();
    assert_eq!(mackerel.call("GET", "/services", "").body, r#"{"services":[]}"#);
    let made = mackerel.call("POST", "/services", r#"{"name":"My-Service","memo":"m"}"#);
    assert_eq!((made.status, made.body.as_str()), (200, r#"{"name":"My-Service","memo":"m","roles":[]}"#));
    let null = mackerel.call("POST", "/services", r#"{"name":"Another","memo":null}"#);
    assert_eq!(null.body, r#"{"name":"Another","memo":"","roles":[]}"#);
    let role = mackerel.call("POST", "/services/My-Service/roles", r#"{"name":"web","memo":"w"}"#);
    assert_eq!(role.body, r#"{"name":"web","memo":"w"}"#);
    mackerel.done("POST", "/services/My-Service/roles", &json!({ "name": "app" }));
    let listed = mackerel.call("GET", "/services", "");
    assert_eq!(
        listed.body,
        r#"{"services":[{"name":"Another","memo":"","roles":[]},{"name":"My-Service","memo":"m","roles":["app","web"]}]}"#
    );
    let roles = mackerel.call("GET", "/services/My-Service/roles", "");
    assert_eq!(roles.body, r#"{"roles":[{"name":"app","memo":""},{"name":"web","memo":"w"}]}"#);
    assert_eq!(mackerel.call("GET", "/services/Another/roles", "").body, r#"{"roles":[]}"#);

    let gone = mackerel.call("DELETE", "/services/My-Service/roles/web", "");
    assert_eq!((gone.status, gone.body.as_str()), (200, r#"{"name":"web","memo":"w"}"#));
    assert_eq!(mackerel.call("DELETE", "/services/My-Service/roles/web", "").status, 404);
    let gone = mackerel.call("DELETE", "/services/My-Service", "");
    assert_eq!(gone.body, r#"{"name":"My-Service","memo":"m","roles":["app"]}"#);
    assert_eq!(mackerel.call("DELETE", "/services/My-Service", "").status, 404);
    let actions = ["service.create", "role.create", "role.delete", "service.delete"];
    assert_eq!(actions.map(|action| audited(&mackerel.worker, action)), [2, 2, 1, 1]);
}

#[test]
fn names_that_cannot_be_or_are_taken_are_refused() {
    let mackerel = Mackerel::start();
    mackerel.done("POST", "/services", &json!({ "name": "Svc" }));
    mackerel.done("POST", "/services/Svc/roles", &json!({ "name": "role" }));
    for bad in [
        r#"{"name":"a"}"#,
        r#"{"name":"-ab"}"#,
        r#"{"name":"a b"}"#,
        r#"{"name":1}"#,
        r#"{"name":null}"#,
        r#"{"memo":"x"}"#,
        "[]",
        "null",
        "",
    ] {
        assert_eq!(mackerel.call("POST", "/services", bad).status, 400, "{bad}");
        assert_eq!(mackerel.call("POST", "/services/Svc/roles", bad).status, 400, "{bad}");
    }
    let long = json!({ "name": "a".repeat(64) }).to_string();
    assert_eq!(mackerel.call("POST", "/services", &long).status, 400);
    assert_eq!(mackerel.call("POST", "/services", r#"{"name":"Svc","memo":""}"#).status, 400, "taken");
    assert_eq!(mackerel.call("POST", "/services/Svc/roles", r#"{"name":"role","memo":""}"#).status, 400, "taken");
    assert_eq!(mackerel.call("POST", "/services/Nope/roles", r#"{"name":"role","memo":""}"#).status, 404);
    assert_eq!(mackerel.get("/services")["services"].as_array().map(Vec::len), Some(1));
}

#[test]
fn with_a_service_or_role_hosts_lose_it_and_its_documents_go() {
    let mackerel = Mackerel::start();
    let id = mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["Svc:aa", "Svc:bb", "Svc-2:cc"] }));
    for owner in ["services/Svc", "services/Svc/roles/aa", "services/Svc/roles/bb", "services/Svc-2/roles/cc"] {
        mackerel.done("PUT", &format!("/{owner}/metadata/env"), &json!({ "of": owner }));
    }
    let documents = || mackerel.worker.sql("SELECT count(*) AS count FROM metadata")["results"][0]["count"].clone();
    mackerel.call("DELETE", "/services/Svc/roles/aa", "");
    assert_eq!((&mackerel.show(&id)["roles"], documents()), (&json!({ "Svc": ["bb"], "Svc-2": ["cc"] }), json!(3)));
    mackerel.call("DELETE", "/services/Svc", "");
    assert_eq!((&mackerel.show(&id)["roles"], documents()), (&json!({ "Svc-2": ["cc"] }), json!(1)));
}
