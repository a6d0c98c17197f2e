//! The result and the inventory as they are sent, field by field against the shapes of sections 8 and 12.

use std::time::Duration;

use edgewatch_harness::http;
use edgewatch_harness::wait::wait_until;
use serde_json::{Value, json};

use crate::agent::{Agent, main_file};
use crate::server::{Answer, Server};

// The agent's own tests hold its document against the same shapes before it is sent.
#[path = "../../agent/src/inspect/schema.rs"]
mod schema;

/// Everything that a Linux host can have.
const ALL: &str = "sensorstats = True\ndockerstats = True";
const GROUPS: [&str; 18] = [
    "agent",
    "cpu",
    "customchecks",
    "disk_io",
    "disks",
    "docker",
    "memory",
    "net_io",
    "net_stats",
    "ntp",
    "packagemanager",
    "processes",
    "prometheus_exporters",
    "sensors",
    "swap",
    "system_load",
    "systemd_services",
    "users",
];

/// A check, whose text holds what HTML and JavaScript would take for their own.
const HTML: &str = "[html]\ncommand = `printf '<b>&</b>\\342\\200\\250\\342\\200\\251'`\nenabled = true\n";
/// The same as it stands in JSON by Go's hand.
const ESCAPED: &str = r"\u003cb\u003e\u0026\u003c/b\u003e\u2028\u2029";

fn has_check(document: &Value) -> Option<Value> {
    document.pointer("/customchecks/html").map(|_| document.clone())
}

#[test]
fn the_result_has_every_group_in_the_shape_of_the_specification() {
    let agent = Agent::start_with(ALL, &[("customchecks.ini", HTML)]);
    let document = agent.wait_for_document("a result with a check in it", has_check);
    assert_eq!(schema::problems(&document), Vec::<String>::new());
    let names: Vec<&str> = document.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(names, GROUPS);
    // What a machine of tests has, wherever it is.
    for name in ["agent", "cpu", "disks", "memory", "net_io", "processes", "swap", "system_load"] {
        assert!(document[name].get("error").is_none(), "{name}: {}", document[name]);
    }
    let text = agent.get("/").body;
    assert!(text.contains(ESCAPED), "as the stock agent writes it");
    assert!(!text.contains(['<', '>', '&', '\n', '\u{2028}', '\u{2029}']), "compact, and nothing that HTML would take");
    assert!(text.starts_with(r#"{"agent":{"#), "sorted by name: {}", &text[..40]);
}

#[test]
fn what_is_pushed_is_byte_for_byte_what_is_shown() {
    let server = Server::start(|request| match request.json().get("hostname") {
        Some(_) => Answer::new(201, json!({ "agentuuid": request.json()["agentuuid"], "password": "pw" }).to_string()),
        None => Answer::new(200, ""),
    });
    let lines = format!(
        "[oitc]\nenabled = True\nenable-webserver = True\nurl = http://127.0.0.1:{}\ntimeout = 9",
        server.port()
    );
    let agent = Agent::start_with(&lines, &[("customchecks.ini", HTML)]);
    // Both of one cycle: the next one may come between two looks.
    wait_until("one result at both ends", Duration::from_mins(1), || {
        let shown = agent.get("/").body;
        let is_it = |sent: &str| sent.starts_with(&format!(r#"{{"checkdata":{shown},"agentuuid":""#));
        (shown.contains(ESCAPED) && server.heard().iter().any(|request| is_it(&request.body))).then_some(())
    });
}

#[test]
fn there_is_no_result_before_the_first_cycle_nor_after_a_reload_and_no_check_that_was_removed() {
    let on = "config-update-mode = True\nconfig-update-commands = True\ninterval = 5";
    let mut agent = Agent::start_with(on, &[("customchecks.ini", HTML)]);
    let is_empty = |agent: &Agent| {
        let reply = http::try_send(&agent.address, "GET", "/", &[], b"").ok()?;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
        (reply.body == "{}").then_some(())
    };
    // A first cycle takes a second at least. Where this process stands still for longer, another start is looked at.
    wait_until("a start without a result", Duration::from_mins(1), || {
        agent.restart();
        is_empty(&agent)
    });
    agent.wait_for_document("a result with a check in it", has_check);

    let encoded = |text: &str| json!(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text));
    let port = agent.address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let body = json!({ "configuration": encoded(&main_file(port, on)), "customcheck_configuration": "" }).to_string();
    wait_until("a reload without a result", Duration::from_mins(1), || {
        assert_eq!(agent.send("POST", "/config", &[], &body).status, 200);
        // It is loaded behind the answer.
        (0..20).find_map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            is_empty(&agent)
        })
    });
    let checks = agent.wait_for_document("a result", |document| document.get("customchecks").cloned());
    assert_eq!(checks, json!({}), "the original keeps them until it ends");
}

#[test]
fn the_inventory_is_shown_counted_and_pushed_once_it_was_made() {
    let server = Server::start(|_| Answer::new(200, r#"{"success":true}"#));
    let lines = format!(
        "[packagemanager]\nenable-update-check = False\nlimit-description-length = 80\n\
         [oitc]\nenabled = True\nenable-webserver = True\nurl = http://127.0.0.1:{}\ntimeout = 9",
        server.port()
    );
    let auth = r#"{"uuid":"66089500-8661-48f0-8ede-ecbc6886a84f","password":"pw"}"#;
    let agent = Agent::start_with(&lines, &[("auth.json", auth)]);
    let before = agent.get("/packages").json();
    assert_eq!((&before["Enabled"], &before["Pending"]), (&json!(true), &json!(true)));
    assert_eq!(schema::inventory_problems(&before), Vec::<String>::new());
    // The first one is made 90 seconds after the start.
    let shown = wait_until("the inventory", Duration::from_mins(4), || {
        let reply = agent.get("/packages");
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
        (reply.json()["Pending"] == false).then_some(reply)
    });
    let inventory = shown.json();
    assert_eq!(schema::inventory_problems(&inventory), Vec::<String>::new());
    let count = inventory["LinuxPackages"].as_array().map(Vec::len);
    assert_eq!(inventory.pointer("/Stats/InstalledPackages").and_then(Value::as_u64), count.map(|count| count as u64));
    assert!(count > Some(0) || inventory["Stats"]["LastError"] != "", "{}", inventory["Stats"]);
    let pushed = wait_until("the push", Duration::from_secs(20), || {
        server.heard().into_iter().find(|request| request.line == "POST /agentconnector/submit_package_info.json")
    });
    assert!(pushed.body.starts_with(&format!(r#"{{"checkdata":{},"agentuuid":""#, shown.body)));
    let summary = agent.wait_for_document("its numbers", |document| {
        document.get("packagemanager").filter(|summary| summary["Pending"] == false).cloned()
    });
    assert_eq!(summary["Stats"], inventory["Stats"]);
    assert!(summary.get("LinuxPackages").is_none());
}
