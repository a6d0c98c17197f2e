//! `/config`: section 7, and what must not be possible by it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgewatch_harness::http::{self, Reply};
use serde_json::{Value, json};

use crate::agent::{Agent, main_file};

const ON: &str = "config-update-mode = True";
const COMMANDS: &str = "config-update-mode = True\nconfig-update-commands = True";

fn port(agent: &Agent) -> u16 {
    agent.address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

fn encoded(text: &str) -> Value {
    json!(STANDARD.encode(text))
}

fn push(agent: &Agent, body: &Value) -> Reply {
    agent.send("POST", "/config", &[], &body.to_string())
}

/// Pushes a main file with these lines in it.
fn push_lines(agent: &Agent, lines: &str) -> Reply {
    push(agent, &json!({ "configuration": encoded(&main_file(port(agent), lines)) }))
}

#[test]
fn what_is_read_can_be_written_back_and_is_loaded() {
    let checks = "[hello]\ncommand = echo hello\nenabled = true\n";
    let agent = Agent::start_with(ON, &[("customchecks.ini", checks), ("prometheus_exporters.ini", "# none\n")]);
    let reply = agent.get("/config");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(reply.at("/customcheck_configuration"), encoded(checks));
    assert_eq!(reply.at("/prometheus_exporter"), encoded("# none\n"));
    let main = agent.text("config.ini");
    assert_eq!(reply.at("/configuration"), encoded(&main));
    agent.wait_for_document("a check", |document| document.pointer("/customchecks/hello").cloned());
    // Of its first cycle after that it knows no check yet: everything began anew.
    let written = agent.send("POST", "/config", &[], &reply.body);
    assert_eq!((written.status, written.body.as_str()), (200, ""));
    agent.wait_for_document("a new beginning", |document| {
        document.pointer("/customchecks/hello").is_none().then_some(())
    });
    agent.wait_for_document("the check again", |document| document.pointer("/customchecks/hello").cloned());
    assert_eq!((agent.text("config.ini"), agent.text("customchecks.ini").as_str()), (main, checks));
}

#[test]
fn a_new_configuration_holds_at_once_and_the_old_one_is_kept_beside_it() {
    let agent = Agent::start(ON);
    let before = agent.text("config.ini");
    assert_eq!(push_lines(&agent, "config-update-mode = True\nauth = alice:secret").status, 200);
    edgewatch_harness::wait::wait_until("the new one", std::time::Duration::from_secs(5), || {
        http::try_send(&agent.address, "GET", "/", &[], b"").ok().filter(|reply| reply.status == 403)
    });
    assert_eq!(agent.text("config.ini.bak"), before);

    // The server is built anew, at another port too.
    let agent = Agent::start(ON);
    let other = crate::agent::free_port();
    let body = json!({ "configuration": encoded(&main_file(other, "")) });
    assert_eq!(push(&agent, &body).status, 200);
    let there = format!("127.0.0.1:{other}");
    let reply = edgewatch_harness::wait::wait_until("the other port", std::time::Duration::from_secs(5), || {
        http::try_send(&there, "GET", "/config", &[], b"").ok()
    });
    assert_eq!(reply.body, "config update is disabled\n", "and it is the new configuration's");
    assert!(std::net::TcpStream::connect(&agent.address).is_err());
}

#[test]
fn what_cannot_be_read_or_loaded_changes_nothing_and_the_agent_lives() {
    let mut agent = Agent::start(ON);
    let before = agent.text("config.ini");
    let good = encoded(&before);
    for body in [
        String::new(),
        "x".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        json!({ "configuration": "" }).to_string(),
        json!({ "configuration": "not base64!" }).to_string(),
        json!({ "configuration": good, "customcheck_configuration": "!" }).to_string(),
        json!({ "configuration": good, "prometheus_exporter": "!" }).to_string(),
    ] {
        let reply = agent.send("POST", "/config", &[], &body);
        assert_eq!((reply.status, reply.body.as_str()), (500, "invalid json or base64 string\n"), "{body}");
    }
    for (lines, words) in [
        ("interval = soon", "interval"),
        ("cpustats = perhaps", "cpustats"),
        ("no value", "line"),
        ("auth = nobody", "colon"),
        ("certfile = /none.crt\nkeyfile = /none.key", "none.crt"),
        ("[oitc]\nenabled = True\nurl = monitor:8080", "url"),
    ] {
        let reply = push_lines(&agent, &format!("{ON}\n{lines}"));
        assert_eq!(reply.status, 500, "{lines}");
        let (first, why) = reply.body.split_once('\n').expect("a line");
        assert_eq!(first, "invalid json or base64 string");
        assert!(why.contains(words), "{lines}: {why}");
    }
    assert_eq!(agent.text("config.ini"), before);
    assert!(agent.is_alive() && agent.get("/").status == 200);
    agent.restart();
}

#[test]
fn an_absent_key_leaves_its_file_alone_and_an_empty_one_empties_it() {
    let agent = Agent::start_with(ON, &[("customchecks.ini", "# mine\n"), ("prometheus_exporters.ini", "# mine\n")]);
    let main = agent.text("config.ini");
    assert_eq!(push(&agent, &json!({ "configuration": encoded(&main), "unknown": 1 })).status, 200);
    assert_eq!(agent.text("prometheus_exporters.ini"), "# mine\n");
    agent.wait_for_log("loaded anew");
    assert_eq!(push(&agent, &json!({ "configuration": encoded(&main), "prometheus_exporter": "" })).status, 200);
    assert_eq!(
        (agent.text("prometheus_exporters.ini").as_str(), agent.text("customchecks.ini").as_str()),
        ("", "# mine\n")
    );
}

#[test]
fn commands_come_from_outside_only_where_the_local_file_lets_them() {
    let evil = "[evil]\ncommand = touch evil\nenabled = true\n";
    let checks = "[mine]\ncommand = true\nenabled = true\n";
    let own = "[edgewatch]\nname = web01";
    let agent = Agent::start_with(&format!("{ON}\n{own}"), &[("customchecks.ini", checks)]);
    let before = agent.text("config.ini");
    let main = encoded(&before);
    for content in [evil, "", "# empty\n"] {
        let body = json!({ "configuration": main, "customcheck_configuration": encoded(content) });
        assert_eq!(push(&agent, &body).status, 403, "{content}");
    }
    // What would open the way for the next push, or have a file of ours written over another.
    for lines in [
        format!("{COMMANDS}\n{own}"),
        format!("{ON}\ncustomchecks = /tmp/evil.ini\n{own}"),
        format!("{ON}\nautossl-crt-file = customchecks.ini\n{own}"),
        format!("{ON}\nautossl-csr-file = /etc/cron.d/evil\n{own}"),
        format!("{ON}\nautossl-key-file = \n{own}"),
        format!("{ON}\nautossl-ca-file = customchecks.ini\n{own}"),
        format!("{ON}\n{own}\n[prometheus]\nexporters = customchecks.ini"),
        format!("{ON}\n{own}\n[oitc]\nenabled = True\nurl = http://127.0.0.1:1\nauthfile = customchecks.ini"),
        format!("{ON}\n[edgewatch]\nurl = https://evil.example.com\n"),
        ON.to_owned(),
    ] {
        let reply = push_lines(&agent, &lines);
        assert_eq!(reply.status, 403, "{lines}: {}", reply.body);
        assert!(reply.body.contains("config-update-commands"), "{}", reply.body);
    }
    assert_eq!((agent.text("config.ini"), agent.text("customchecks.ini").as_str()), (before, checks));
    // The same commands are no change.
    let same = json!({ "configuration": main, "customcheck_configuration": encoded(checks) });
    assert_eq!(push(&agent, &same).status, 200);

    let agent = Agent::start_with(COMMANDS, &[("customchecks.ini", checks)]);
    let main = encoded(&agent.text("config.ini"));
    let body = json!({ "configuration": main, "customcheck_configuration": encoded(evil) });
    assert_eq!(push(&agent, &body).status, 200);
    agent.wait_for_document("the new check", |document| document.pointer("/customchecks/evil").cloned());
    assert!(agent.path("evil").exists());
}

#[test]
fn without_credentials_only_this_machine_may_and_no_page_in_its_browser() {
    let agent = Agent::start(ON);
    let body = json!({ "configuration": encoded(&agent.text("config.ini")) }).to_string();
    let with = |name: &str, value: &str| agent.send("POST", "/config", &[(name, value)], &body).status;
    assert_eq!(with("Origin", "https://evil.example.com"), 403);
    assert_eq!(with("Sec-Fetch-Site", "cross-site"), 403);
    assert_eq!(with("Host", "rebound.example.com"), 403);
    assert_eq!(with("Content-Type", "application/json"), 200);

    // At an address of the network it is for those who are known.
    let Some(address) = own_address() else { return eprintln!("this machine has no address but its own") };
    let everywhere = |lines: &str| format!("{lines}\naddress = 0.0.0.0");
    let at = |agent: &Agent| format!("{address}:{}", port(agent));
    let agent = Agent::start(&everywhere(ON));
    for method in ["GET", "POST"] {
        let reply = http::send(&at(&agent), method, "/config", &[], body.as_bytes());
        assert_eq!(reply.status, 403, "{method}");
        assert!(reply.body.contains("basic authentication"), "{}", reply.body);
    }
    assert_eq!(http::send(&at(&agent), "GET", "/", &[], b"").status, 200);
    let agent = Agent::start(&everywhere("config-update-mode = True\nauth = alice:secret"));
    let known = [("Authorization", "Basic YWxpY2U6c2VjcmV0")];
    assert_eq!(http::send(&at(&agent), "GET", "/config", &known, b"").status, 200);
}

/// An address of this machine that others see.
pub fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|address| !address.is_loopback())
}
