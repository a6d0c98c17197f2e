//! The organization and its people. Source: mackerel specification, 10.

use edgewatch_harness::access_proxy::AccessProxy;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::{Mackerel, call, key};

#[test]
fn the_organization_has_a_name_and_no_more() {
    let mackerel = Mackerel::start();
    let reply = mackerel.call("GET", "/org?", "");
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"name":"edgewatch","displayName":null}"#));
    assert_eq!(mackerel.call("GET", "/invitations", "").body, r#"{"invitations":[]}"#);
    assert_eq!(mackerel.call("GET", "/aws-integrations", "").body, r#"{"aws_integrations":[]}"#);
}

#[test]
fn people_are_listed_and_removed_by_an_administrators_key_but_for_the_owner() {
    let mackerel = Mackerel::start();
    let admin = mackerel.worker.token.clone();
    let header = [("Authorization", admin.as_str())];
    let person =
        json!({ "username": "eve", "role": "viewer", "password": "correct horse", "email": "eve@example.com" });
    let made = mackerel.worker.post("/api/edgewatch/v1/users", &header, &person.to_string());
    assert_eq!(made.status, 201, "{}", made.body);
    let users = mackerel.get("/users");
    let user = |index: usize| users["users"][index].clone();
    let id = |index: usize| user(index)["id"].as_str().expect("an id").to_owned();
    assert_eq!((user(0)["authority"].clone(), user(0)["screenName"].clone()), (json!("owner"), json!("admin")));
    let eve = json!({
        "id": id(1), "screenName": "eve", "email": "eve@example.com", "authority": "viewer", "isInRegistrationProcess": false,
        "isMFAEnabled": false, "authenticationMethods": ["password"], "joinedAt": user(1)["joinedAt"]
    });
    assert_eq!((user(1), id(1).len(), user(1)["joinedAt"].is_i64()), (eve.clone(), 11, true));

    let delete = |key: &str, id: &str| call(&mackerel.worker, key, "DELETE", &format!("/users/{id}"), "");
    assert_eq!(delete(&mackerel.key, &id(1)).status, 403, "to write hosts is not to remove people");
    assert_eq!((delete(&admin, &id(0)).status, delete(&admin, "x").status), (403, 404));
    let removed = delete(&admin, &id(1));
    assert_eq!((removed.status, removed.json()), (200, eve));
    assert_eq!(mackerel.get("/users")["users"].as_array().map(Vec::len), Some(1));
    assert_eq!(delete(&admin, &id(1)).status, 404);
}

#[test]
fn who_is_invited_gets_an_account_with_the_first_sign_in() {
    let proxy = AccessProxy::start();
    let worker =
        Worker::builder().var("ACCESS_TEAM_DOMAIN", &proxy.url).var("ACCESS_AUDIENCE", "test-audience").start();
    let admin = worker.token.clone();
    let writer = key(&worker, &["read", "write"]);
    let post = |key: &str, path: &str, body: &Value| call(&worker, key, "POST", path, &body.to_string());
    let ada = json!({ "email": "Ada@example.com", "authority": "manager" });
    assert_eq!(post(&writer, "/invitations", &ada).status, 403, "to write hosts is not to let people in");
    let made = post(&admin, "/invitations", &ada);
    assert_eq!(
        (made.status, made.at("/email"), made.at("/authority")),
        (200, json!("ada@example.com"), json!("manager"))
    );
    assert!(made.at("/expiresAt").is_i64());
    for bad in [
        json!({ "email": "x", "authority": "viewer" }),
        json!({ "email": "eve@example.com", "authority": "owner" }),
        json!({ "email": "eve@example.com" }),
    ] {
        assert_eq!(post(&admin, "/invitations", &bad).status, 400, "{bad}");
    }
    post(&admin, "/invitations", &json!({ "email": "eve@example.com", "authority": "viewer" }));
    let listed = call(&worker, &writer, "GET", "/invitations", "").at("/invitations");
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let revoke = || post(&admin, "/invitations/revoke", &json!({ "email": "eve@example.com" }));
    assert_eq!(revoke().body, r#"{"success":true}"#);
    assert_eq!(revoke().status, 404);

    let sign_in = |email: &str| {
        let assertion = proxy.assertion(email);
        worker.post("/api/edgewatch/v1/session", &[("Cf-Access-Jwt-Assertion", &assertion)], r#"{"access_proxy":true}"#)
    };
    assert_eq!(sign_in("eve@example.com").status, 403, "revoked");
    let opened = sign_in("ada@example.com");
    assert_eq!((opened.status, opened.at("/user/role")), (201, json!("admin")));
    assert_eq!(call(&worker, &admin, "GET", "/invitations", "").body, r#"{"invitations":[]}"#);
    assert_eq!(post(&admin, "/invitations", &ada).status, 400, "she has an account");
}
