//! Nodes that register themselves: tokens for it, what is asked of them, and the scripts that do it.

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

fn admin(worker: &Worker, method: &str, path: &str, body: &Value) -> Reply {
    worker.request(method, path, &[("X-API-Token", &worker.token)], &body.to_string())
}

fn token(worker: &Worker, wanted: &Value) -> String {
    let made = admin(worker, "POST", "/api/tokens/generate", wanted);
    assert_eq!(made.status, 200, "{}", made.body);
    made.at("/token").as_str().expect("a token").to_owned()
}

fn node(kind: &str, host: &str) -> Value {
    json!({"type": kind, "host": host, "serverName": "lab", "tokenId": "pulse-monitor@pam!t", "tokenValue": "hidden"})
}

fn register(worker: &Worker, headers: &[(&str, &str)], body: &Value) -> Reply {
    let reply = worker.post("/api/auto-register", headers, &body.to_string());
    // Scripts look for the word.
    assert_eq!(reply.body.contains("success"), reply.status == 200, "{}", reply.body);
    reply
}

fn words(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["error"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn tokens_are_made_listed_and_taken_away() {
    let worker = Worker::start();
    assert_eq!(worker.get("/api/tokens/list").json(), json!([]));
    let wanted =
        json!({"validityMinutes": 30, "maxUses": 5, "allowedTypes": ["pve", "pbs"], "description": "Production"});
    let made = admin(&worker, "POST", "/api/tokens/generate", &wanted).json();
    let text = made["token"].as_str().expect("a token");
    assert!(text.starts_with("PULSE-REG-") && text.len() == 26, "{text}");
    assert_eq!(
        (&made["maxUses"], &made["usedCount"], &made["description"]),
        (&json!(5), &json!(0), &json!("Production"))
    );
    assert_eq!(worker.get("/api/tokens/list").json(), json!([made]));
    let plain = admin(&worker, "POST", "/api/tokens/generate", &json!({})).json();
    assert_eq!((&plain["maxUses"], plain.get("description")), (&json!(0), None));

    let revoke =
        |query: &str, body: &Value| words(&admin(&worker, "DELETE", &format!("/api/tokens/revoke{query}"), body));
    assert_eq!(revoke("", &json!({})), (400, "Token parameter required".to_owned()));
    assert_eq!(revoke("?token=PULSE-REG-0000000000000000", &json!({})), (404, "Token not found".to_owned()));
    assert_eq!(revoke(&format!("?token={text}"), &json!({})), (200, String::new()));
    assert_eq!(revoke("", &json!({"token": plain["token"]})), (200, String::new()));
    assert_eq!(worker.get("/api/tokens/list").json(), json!([]));
    for (method, path) in [("POST", "generate"), ("GET", "list"), ("DELETE", "revoke")] {
        assert_eq!(worker.request(method, &format!("/api/tokens/{path}"), &[], "{}").status, 401, "{path}");
    }
    assert_eq!(
        words(&admin(&worker, "POST", "/api/tokens/generate", &json!([]))),
        (400, "Invalid request body".to_owned())
    );
}

#[test]
fn a_token_lets_in_whom_it_is_for_as_often_as_it_says() {
    let worker = Worker::start();
    let one = token(&worker, &json!({"maxUses": 1, "allowedTypes": ["pve"]}));
    let by = |token: &str, body: &Value| words(&register(&worker, &[("X-Registration-Token", token)], body));
    let refused = |why: &str| (401, format!("Invalid registration token: {why}"));
    assert_eq!(by("PULSE-REG-0000000000000000", &node("pve", "a")), refused("invalid token"));
    assert_eq!(by(&one, &node("pbs", "a")), refused("node type pbs not allowed for this token"));
    // What is not whole takes no use.
    assert_eq!(by(&one, &json!({"type": "pve"})), (400, "Missing required fields".to_owned()));
    assert_eq!(by(&one, &node("pmg", "a")), (400, "Invalid node type".to_owned()));
    assert_eq!(by(&one, &node("pve", "https://192.0.2.10:8006")).0, 200);
    assert_eq!(by(&one, &node("pve", "b")), refused("token usage limit exceeded"));
    let soon = token(&worker, &json!({"validityMinutes": 1}));
    worker.step_clock_ahead(120_000);
    assert_eq!(by(&soon, &node("pve", "b")), refused("token expired"));
    assert_eq!(worker.get("/api/tokens/list").json(), json!([]), "neither is listed any more");
    let all = worker.get("/api/config/nodes").json();
    assert_eq!((all.as_array().map(Vec::len), &all[0]["name"]), (Some(1), &json!("lab")));
}

#[test]
fn a_registration_token_decides_alone_and_without_one_the_api_s_must_be_good() {
    let worker = Worker::start();
    let api = worker.token.clone();
    let both = [("X-Registration-Token", "PULSE-REG-0000000000000000"), ("X-API-Token", api.as_str())];
    let answer = register(&worker, &both, &node("pve", "a"));
    assert_eq!(words(&answer), (401, "Invalid registration token: invalid token".to_owned()));
    for headers in [[].as_slice(), &[("X-API-Token", "wrong")]] {
        let answer = register(&worker, headers, &node("pve", "a"));
        assert_eq!(words(&answer), (401, "Registration requires valid registration token or API token".to_owned()));
    }
    let done = register(&worker, &[("X-API-Token", &api)], &node("pve", "192.0.2.10"));
    let expected =
        json!({"status": "success", "message": "Node 192.0.2.10 auto-registered successfully", "nodeId": "192.0.2.10"});
    assert_eq!((done.status, done.json()), (200, expected));
    assert_eq!(worker.request("GET", "/api/auto-register", &[], "").status, 405);

    let required = Worker::builder().without_admin().var("REQUIRE_REGISTRATION_TOKEN", "true").start();
    assert_eq!(words(&register(&required, &[], &node("pve", "a"))), (401, "Registration token required".to_owned()));
    let open = Worker::builder().without_admin().var("ALLOW_UNPROTECTED_AUTO_REGISTER", "true").start();
    assert_eq!(register(&open, &[], &node("pve", "a")).status, 200);
}

#[test]
fn who_registers_again_is_the_node_it_was_and_the_document_s_own_words_are_taken() {
    let worker = Worker::start();
    let api = [("X-API-Token", worker.token.as_str())];
    for host in ["192.0.2.10", "https://192.0.2.10:8006/"] {
        assert_eq!(register(&worker, &api, &node("pve", host)).status, 200);
    }
    let documented = json!({"type": "pbs", "host": "https://192.0.2.20:8007", "name": "backup1", "username": "pulse-monitor@pbs",
        "tokenId": "t1", "tokenValue": "hidden"});
    assert_eq!(register(&worker, &api, &documented).status, 200);
    let all = worker.get("/api/config/nodes").json();
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    assert_eq!((&all[1]["name"], &all[1]["tokenName"]), (&json!("backup1"), &json!("pulse-monitor@pbs!t1")));
    let asked =
        json!({"requestToken": true, "type": "pve", "host": "c.example", "username": "root@pam", "password": "p"});
    let made = register(&worker, &api, &asked);
    assert_eq!((made.at("/action"), made.at("/nodeId")), (json!("create_token"), json!("c.example")));
    assert!(made.at("/tokenId").as_str().is_some_and(|id| id.starts_with("pulse-monitor@pam!pulse-")));
    assert_eq!(made.at("/tokenValue").as_str().map(str::len), Some(36));
    let listed = worker.get("/api/config/nodes").json();
    assert_eq!((&listed[1]["hasToken"], &listed[1]["hasPassword"]), (&json!(true), &json!(false)));
    let short = json!({"requestToken": true, "type": "pve", "host": "d.example", "username": "root@pam"});
    assert_eq!(words(&register(&worker, &api, &short)), (400, "Missing required fields".to_owned()));
}

#[test]
fn scripts_are_handed_out_to_everybody_with_nothing_that_a_shell_would_run() {
    let worker = Worker::start();
    let got = worker.get_as("/api/setup-script?type=pve&host=https%3A%2F%2Fpve1%3A8006", &[]);
    assert_eq!((got.status, got.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    assert_eq!(got.header("content-disposition"), Some("inline; filename=pulse-setup-pve.sh"));
    assert!(got.body.starts_with("#!/bin/bash\n") && got.body.contains("'https://pve1:8006'"));
    assert!(got.body.contains(&format!("'{}'", worker.url)), "its own address");
    let posted = worker.post("/api/setup-script", &[], r#"{"type":"pbs","host":"x"}"#);
    assert_eq!(posted.header("content-disposition"), Some("inline; filename=pulse-setup-pbs.sh"));
    let as_json = worker.post("/api/setup-script", &[("Accept", "application/json")], r#"{"type":"pve","host":"x"}"#);
    assert_eq!(as_json.at("/filename"), json!("pulse-setup-pve.sh"));
    assert!(as_json.at("/script").as_str().is_some_and(|script| script.starts_with("#!/bin/bash\n")));
    let hostile = worker.get_as("/api/setup-script?type=pve&host=%27%3Btouch+%2Ftmp%2Fx%3B%27", &[]);
    assert!(hostile.body.contains(r"''\'';touch /tmp/x;'\'''"), "quoted");
    let unknown = worker.get_as("/api/setup-script?type=pmg&host=x", &[]);
    assert_eq!(words(&unknown), (400, "Invalid node type".to_owned()));
}
