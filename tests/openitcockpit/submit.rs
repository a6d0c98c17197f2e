//! Check results come in. Source: openitcockpit specification, 3.4 and 4.

use std::fmt::Write as _;

use edgewatch_harness::objects::Sockets;
use serde_json::{Value, json};

use super::{Cockpit, LINUX, PACKAGES, SUBMIT, UUID, cycle, envelope};

const REFUSED: &str = r#"{"error":"Invalid credentials or host not found"}"#;

#[test]
fn a_known_agent_is_heard_and_its_checks_are_counted() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    let reply = cockpit.submit(UUID, &password, LINUX);
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"success":true,"received_checks":21}"#));
    let host = &cockpit.hosts()[0];
    assert_eq!((&host["status"]["CPU"], &host["status"]["MemUsed"]), (&json!(12.5), &json!(1_201_184_768)));
    assert_eq!((&host["host"]["Platform"], &host["host"]["Arch"]), (&json!("debian"), &json!("x86_64")));
    assert_eq!(host["host"]["MemTotal"], json!(25_276_514_304_u64));
    // Mackerel's readers see the same.
    let key = super::token(&cockpit.worker, &["read"]);
    let headers = [("X-Api-Key", key.as_str())];
    let hosts = cockpit.worker.get_as("/api/v0/hosts", &headers);
    let id = hosts.at("/hosts/0/id").as_str().expect("an id").to_owned();
    let names = "name=loadavg5&name=interface.eth0.rxBytes.delta&name=filesystem.sda1.used&name=memory.total";
    let latest = cockpit.worker.get_as(&format!("/api/v0/tsdb/latest?hostId={id}&{names}"), &headers);
    let value = |name: &str| latest.at("/tsdbLatest")[&id][name]["value"].clone();
    assert_eq!(value("loadavg5"), json!(0.67), "{}", latest.body);
    assert_eq!(value("interface.eth0.rxBytes.delta"), json!(64_000.0));
    assert_eq!(value("filesystem.sda1.used"), json!(21_147_385_856.0));
    assert_eq!(value("memory.total"), json!(25_276_514_304.0));
}

#[test]
fn nobody_else_is_heard() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    for (uuid, password) in
        [(UUID, "wrong"), (UUID, ""), ("", password.as_str()), ("other", password.as_str()), ("", "")]
    {
        let reply = cockpit.submit(uuid, password, LINUX);
        assert_eq!((reply.status, reply.body.as_str()), (400, REFUSED), "{uuid} {password}");
    }
    for body in ["{}", r#"{"checkdata":{}}"#, r#"{"agentuuid":7,"password":[]}"#] {
        let reply = cockpit.call(SUBMIT, body);
        assert_eq!((reply.status, reply.body.as_str()), (400, REFUSED), "{body}");
    }
    for body in ["", "{", "[]", "null", r#"{"checkdata":{"a":}}"#] {
        assert_eq!(cockpit.call(SUBMIT, body).status, 400, "{body}");
    }
    assert_eq!(cockpit.hosts()[0]["status"]["CPU"], json!(0), "nothing was stored");
}

#[test]
fn a_push_costs_one_row_and_nothing_in_the_database() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    for number in 0..2 {
        cockpit.submit(UUID, &password, &cycle(number));
    }
    for number in 2..6 {
        let reply = cockpit.submit(UUID, &password, &cycle(number));
        let cost = reply.cost();
        assert_eq!((reply.status, cost.d1_rows_read, cost.d1_rows_written), (200, 0, 0), "{cost:?}");
        assert_eq!(cost.object_rows_written, 1, "{cost:?}");
    }
    // The same again is known.
    let reply = cockpit.submit(UUID, &password, &cycle(5));
    assert_eq!((reply.status, reply.cost().object_rows_written), (200, 0));
    assert_eq!(cockpit.worker.stored_samples(1), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn what_was_answered_survives_sleep_and_death() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    for number in 0..4 {
        assert_eq!(cockpit.submit(UUID, &password, &cycle(number)).status, 200);
        if number % 2 == 0 {
            cockpit.worker.evict("Hub", "hub-0", Sockets::Hibernate);
        } else {
            cockpit.worker.kill();
            cockpit.worker.resume();
        }
    }
    assert_eq!(cockpit.submit(UUID, &password, &cycle(3)).status, 200);
    assert_eq!(cockpit.worker.stored_samples(1), [1, 2, 3, 4]);
}

#[test]
fn whatever_a_result_holds_it_is_never_our_fault() {
    // 5.
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    let errors = include_str!("../../worker/core/samples/openitcockpit/result_errors.json");
    let windows = include_str!("../../worker/core/samples/openitcockpit/result_windows.json");
    let macos = include_str!("../../worker/core/samples/openitcockpit/result_macos.json");
    for checkdata in [
        "{}",
        r#"{"error":"x"}"#,
        errors,
        windows,
        macos,
        r#"{"unknown":{"a":[1,null]},"cpu":7,"disks":{"a":1},"processes":null,"customchecks":[]}"#,
        r#"{"agent":{"last_updated_timestamp":-9e300,"system_uptime":1.5}}"#,
        "null",
        "[1]",
        "\"text\"",
    ] {
        let reply = cockpit.submit(UUID, &password, checkdata);
        assert_eq!(reply.status, 200, "{checkdata}: {}", reply.body);
        assert!(reply.at("/received_checks").is_u64());
    }
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let reply = cockpit.submit(UUID, &password, &format!(r#"{{"x":{deep}}}"#));
    assert!(matches!(reply.status, 200 | 400), "{}", reply.body);
    assert_eq!(cockpit.submit(UUID, &password, LINUX).status, 200, "and goes on");
}

/// A result of about so many bytes: processes with lines that compress about as text does.
fn large(bytes: usize) -> String {
    let mut all = String::with_capacity(bytes + 1_000);
    let mut state: u64 = 7;
    while all.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let separator = if all.is_empty() { "" } else { "," };
        let _ = write!(
            all,
            r#"{separator}{{"pid":{},"cpu_percent":0.1,"memory_percent":0.1,"cmdline":"/usr/bin/program --id {state:x} --more {:x}","exec":"p","name":"p"}}"#,
            state % 100_000,
            state.rotate_left(17),
        );
    }
    LINUX
        .replacen('{', &format!(r#"{{"processes_":[],"processes":[{all}],"#), 1)
        .replace("\"processes\":[{\"pid\":912", "\"ignored\":[{\"pid\":912")
}

#[test]
fn sixteen_mebibytes_are_taken_and_more_are_refused() {
    // 5.
    const CAP_BYTES: usize = 16 * 1024 * 1024;
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    let body = |text: &str, length: usize| {
        let bare = envelope(UUID, &password, text);
        // Blanks between the parts weigh, too.
        bare.replacen(r#","agentuuid""#, &format!(r#",{}"agentuuid""#, " ".repeat(length - bare.len())), 1)
    };
    for (number, length) in [(0_u64, 5_000_000), (1, CAP_BYTES)] {
        let text = large(length - 2_000_000).replace("86423", &(86_423 + 30 * number).to_string());
        let body = body(&text, length);
        assert_eq!(body.len(), length);
        let reply = cockpit.call(SUBMIT, &body);
        assert_eq!(reply.status, 200, "{length}: {}", reply.body);
    }
    let shown = || cockpit.admin("GET", "/hosts/1/checks", &Value::Null).json();
    let last = shown();
    assert_eq!((&last["is_trimmed"], &last["results"]["agent"]["system_uptime"]), (&json!(true), &json!(86_453)));
    assert!(last["size_bytes"].as_u64().is_some_and(|bytes| bytes > 14_000_000), "{}", last["size_bytes"]);
    assert!(last["results"].get("processes").is_none() && last["results"].get("disks").is_some());
    let before = cockpit.worker.stored_samples(1);
    let text = large(CAP_BYTES - 2_000_000).replace("86423", "86483");
    let reply = cockpit.call(SUBMIT, &body(&text, CAP_BYTES + 1));
    assert_eq!((reply.status, reply.at("/error").is_string()), (413, true), "{}", reply.body);
    assert_eq!((cockpit.worker.stored_samples(1), shown()), (before, last), "nothing of it is stored");
}

#[test]
fn a_result_is_kept_whole_up_to_a_megabyte_compressed() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    let text = large(5_200_000);
    assert_eq!(cockpit.submit(UUID, &password, &text).status, 200);
    let packed = || {
        let found = cockpit.worker.sql("SELECT is_trimmed, length(data) * 3 / 4 AS packed FROM check_results");
        (found["results"][0]["is_trimmed"].clone(), found["results"][0]["packed"].as_u64().expect("a length"))
    };
    let (is_trimmed, bytes) = packed();
    assert!((750_000..=1_000_000).contains(&bytes) && is_trimmed == json!(0), "{bytes} {is_trimmed}");
    let shown = cockpit.admin("GET", "/hosts/1/checks", &Value::Null);
    let expected: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(shown.at("/results"), expected);
}

#[test]
fn an_inventory_is_kept_for_an_agent_that_is_known() {
    // 7.
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    let inventory = include_str!("../../worker/core/samples/openitcockpit/inventory_debian.json");
    let reply = cockpit.call(PACKAGES, &envelope(UUID, &password, inventory));
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"success":true}"#));
    assert_eq!(reply.cost().d1_rows_written, 1);
    for (uuid, password) in [(UUID, "wrong"), ("other", password.as_str())] {
        let reply = cockpit.call(PACKAGES, &envelope(uuid, password, inventory));
        assert_eq!((reply.status, reply.body.as_str()), (400, REFUSED));
    }
    let shown = cockpit.admin("GET", "/hosts/1/packages", &Value::Null);
    let expected: Value = serde_json::from_str(inventory).expect("JSON");
    assert_eq!((shown.status, shown.json()), (200, expected));
}

#[test]
fn a_key_that_was_revoked_is_dead_at_once() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    for number in 0..3 {
        assert_eq!(cockpit.submit(UUID, &password, &cycle(number)).status, 200);
    }
    let tokens = cockpit.admin("GET", "/tokens", &Value::Null);
    let found = tokens.at("/tokens");
    let of_key = found.as_array().expect("a list").iter().find(|one| one["note"] == json!("key")).expect("the key");
    let id = of_key["id"].as_i64().expect("a number");
    assert!(cockpit.admin("DELETE", &format!("/tokens/{id}"), &Value::Null).status < 300);
    assert_eq!(cockpit.submit(UUID, &password, &cycle(3)).status, 401);
    assert_eq!(cockpit.worker.stored_samples(1), [1, 2, 3]);
}

#[test]
fn the_agent_of_a_host_that_was_deleted_is_refused_and_can_come_back() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    assert_eq!(cockpit.submit(UUID, &password, &cycle(0)).status, 200);
    let key = super::token(&cockpit.worker, &["read", "write"]);
    let headers = [("X-Api-Key", key.as_str())];
    let id = cockpit.worker.get_as("/api/v0/hosts", &headers).at("/hosts/0/id").as_str().expect("an id").to_owned();
    assert_eq!(cockpit.worker.request("POST", &format!("/api/v0/hosts/{id}/retire"), &headers, "{}").status, 200);
    assert_eq!(cockpit.submit(UUID, &password, &cycle(1)).status, 400);
    assert_eq!(cockpit.agents()[0]["state"], json!("stray"));
    let again = cockpit.registered(UUID);
    assert_eq!(cockpit.submit(UUID, &again, &cycle(2)).status, 200);
    assert_eq!(cockpit.hosts().len(), 1);
}
