//! `register`.

use edgewatch_harness::golden::Volatile;
use edgewatch_harness::worker::Worker;
use serde_json::json;

const REGISTER: &str = "/api/v1/server/register";

fn is_secret(text: &str) -> bool {
    text.len() == 18 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[test]
fn the_short_answer_is_twenty_bytes_and_two_calls_make_two_servers() {
    // Check 7.
    let worker = Worker::start();
    let header = [("Authorization", worker.token.as_str())];
    let mut secrets = Vec::new();
    for query in ["?simple=1", "?simple=true"] {
        let reply = worker.post(&format!("{REGISTER}{query}"), &header, r#"{"Name":"alpha"}"#);
        assert_eq!((reply.status, reply.body.len()), (200, 20), "{}", reply.body);
        assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"));
        assert!(is_secret(reply.body.trim_matches('"')), "{}", reply.body);
        secrets.push(reply.body);
    }
    assert_ne!(secrets[0], secrets[1]);
    assert_eq!(worker.get("/api/v1/server/list").at("/result").as_array().map(Vec::len), Some(2));
}

#[test]
fn the_long_answer_is_the_default() {
    let worker = Worker::start();
    for query in ["", "?simple=True", "?simple=yes", "?simple="] {
        let reply = worker.post(&format!("{REGISTER}{query}"), &[("Authorization", &worker.token)], "{}");
        reply.assert_golden_but("nezha/register.long", &[("secret", Volatile::Secret)]);
    }
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    // Check 8.
    let worker = Worker::start();
    let header = [("Authorization", worker.token.as_str()), ("CF-Connecting-IP", "203.0.113.9")];
    for body in ["{}", "null", "{} garbage"] {
        assert_eq!(worker.post(REGISTER, &header, body).at("/code"), 200, "{body}");
    }
    worker.post(REGISTER, &header, r#"{"HideForGuest":"off","Name":""}"#);
    let servers = worker.get("/api/v1/server/list").at("/result");
    let servers = servers.as_array().expect("a list");
    assert_eq!(servers.len(), 4);
    for (index, server) in servers.iter().enumerate() {
        assert!(server["name"].as_str().is_some_and(|name| name.parse::<std::net::IpAddr>().is_ok()), "{server}");
        assert_eq!(server["tag"], "AutoRegister");
        assert_eq!(server["hide_for_guest"], index < 3);
        assert_eq!(server["last_active"], -62_135_596_800_i64);
    }
}

#[test]
fn only_on_hides_and_white_space_is_kept() {
    // 6.
    let worker = Worker::start();
    for hide in ["off", "ON", "true", "1", " on", "on", ""] {
        let body = json!({ "Name": " x\t", "Tag": "", "HideForGuest": hide }).to_string();
        assert_eq!(worker.post(REGISTER, &[("Authorization", &worker.token)], &body).at("/code"), 200, "{hide}");
    }
    let servers = worker.get("/api/v1/server/list").at("/result");
    let hidden: Vec<_> = servers.as_array().into_iter().flatten().map(|server| &server["hide_for_guest"]).collect();
    assert_eq!(hidden, [false, false, false, false, false, true, true]);
    let first = &servers[0];
    assert_eq!((&first["name"], &first["tag"]), (&json!(" x\t"), &json!("AutoRegister")));
    assert_eq!((&first["display_index"], &first["ipv4"], &first["ipv6"]), (&json!(0), &json!(""), &json!("")));
}

#[test]
fn a_server_without_a_name_has_the_callers_address_and_no_forged_one() {
    // 6, in our form: the platform's own header, or the one that the deployment trusts.
    let name = |worker: &Worker, more: &[(&str, &str)]| {
        let headers = [&[("Authorization", worker.token.as_str())], more].concat();
        worker.post(REGISTER, &headers, "{}");
        let listed = worker.get("/api/v1/server/list").at("/result");
        let last = listed.as_array().and_then(|servers| servers.last()).map(|server| server["name"].clone());
        last.and_then(|name| name.as_str().map(str::to_owned)).expect("a name")
    };
    let worker = Worker::start();
    let forged = [("X-Forwarded-For", "198.51.100.1"), ("X-Real-IP", "198.51.100.2")];
    assert_eq!(name(&worker, &[&[("CF-Connecting-IP", "203.0.113.9")], &forged[..]].concat()), "203.0.113.9");
    assert_eq!(name(&worker, &[("CF-Connecting-IP", "2001:db8::9")]), "2001:db8::9");
    assert_eq!(name(&worker, &forged), "127.0.0.1");
    let behind = Worker::builder().var("TRUSTED_ADDRESS_HEADER", "x-forwarded-for").start();
    let chain = [("X-Forwarded-For", "198.51.100.1, 203.0.113.7"), ("CF-Connecting-IP", "203.0.113.9")];
    assert_eq!(name(&behind, &chain), "203.0.113.7", "what the trusted proxy wrote, not what a client put before it");
}

#[test]
fn keys_match_in_any_case_and_hostile_names_stay_texts() {
    // Check 9.
    let worker = Worker::start();
    let hostile = "<script>alert('1')</script>\"; DROP TABLE hosts; --\u{2028}\u{0}😀";
    for body in [json!({ "name": "x", "TAG": "y" }), json!({ "NAME": hostile, "tag": hostile, "Note": hostile })] {
        assert_eq!(worker.post(REGISTER, &[("Authorization", &worker.token)], &body.to_string()).at("/code"), 200);
    }
    let servers = worker.get("/api/v1/server/list").at("/result");
    assert_eq!((&servers[0]["name"], &servers[0]["tag"]), (&json!("x"), &json!("y")));
    assert_eq!((&servers[1]["name"], &servers[1]["tag"]), (&json!(hostile), &json!(hostile)));
}

#[test]
fn a_machine_that_proves_itself_stays_one_host() {
    let worker = Worker::start();
    let register = |machine: &str, secret: &str| {
        let body = json!({ "Name": "alpha", "MachineId": machine, "Secret": secret }).to_string();
        let reply = worker.post(&format!("{REGISTER}?simple=1"), &[("Authorization", &worker.token)], &body);
        reply.json().as_str().unwrap_or_default().to_owned()
    };
    let count = || worker.get("/api/v1/server/list").at("/result").as_array().map(Vec::len);
    let first = register("machine-one", "");
    assert_eq!(register("machine-one", &first), first);
    assert_eq!(count(), Some(1));
    assert_ne!(register("machine-one", ""), first, "no proof");
    assert_ne!(register("machine-two", &first), first, "a copied secret on another machine");
    assert_eq!(count(), Some(3));
    let told = worker.get("/api/edgewatch/v1/events").at("/events");
    assert_eq!((told.as_array().map(Vec::len), &told[0]["kind"]), (Some(1), &json!("duplicate_machine")));
}

#[test]
fn registering_has_its_price() {
    let worker = Worker::start();
    let cost = worker.post(REGISTER, &[("Authorization", &worker.token)], r#"{"Name":"alpha"}"#).cost();
    // The host, its three unique indexes and the one of names, the counter of ids, the state, the audit row; the note of the token's
    // use.
    assert!(cost.d1_rows_written <= 10, "{cost:?}");
}
