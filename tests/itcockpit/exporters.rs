//! Exporters: section 11, and what the original dies of.

use std::time::Duration;

use edgewatch_harness::wait::wait_until;

use crate::agent::{Agent, free_port};
use crate::authority;
use crate::server::{Answer, Server};

#[test]
fn a_page_is_shown_as_it_came_and_one_that_refuses_harms_nobody() {
    let page = "# HELP up Whether <it> & works\nup{a=\"b\"} 1\n";
    let exporter = Server::start(|_| Answer::new(200, "# HELP up Whether <it> & works\nup{a=\"b\"} 1\n"));
    let own = authority::self_signed();
    let encrypted = Server::start_tls(&own, |_| Answer::new(200, "tls 1\n"));
    let broken = Server::start(|_| Answer::new(500, "no"));
    let section = |name: &str, method: &str, port: u16| {
        format!(
            "[{name}]\nenabled = true\nmethod = {method}\nport = {port}\npath = /metrics\ninterval = 2\ntimeout = 1\n"
        )
    };
    let files = [
        section("Node_Exporter", "http", exporter.port()),
        section("encrypted", "https", encrypted.port()),
        section("broken", "http", broken.port()),
        section("refused", "http", free_port()),
        "[off]\nport = 1\npath = /\ninterval = 20\n[bad]\nenabled = true\nport = 1\n".to_owned(),
    ];
    let mut agent = Agent::start_with("[prometheus]\nenabled = True", &[("prometheus_exporters.ini", &files.concat())]);
    let mut names = agent.get("/prometheus").json();
    names.as_array_mut().expect("a list").sort_by_key(ToString::to_string);
    assert_eq!(names, serde_json::json!(["broken", "encrypted", "node_exporter", "refused"]));
    let shown = |name: &str| agent.get(&format!("/prometheus?exporter={name}"));
    for (name, text) in [("node_exporter", page), ("encrypted", "tls 1\n")] {
        let reply = wait_until(name, Duration::from_secs(10), || Some(shown(name)).filter(|reply| reply.body == text));
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/plain")), "{name}");
    }
    for name in ["broken", "refused", "off", "unknown"] {
        assert_eq!((shown(name).status, shown(name).body.as_str()), (200, "Unknown exporter"), "{name}");
    }
    let heard = agent.wait_for_document("the names", |document| {
        document["prometheus_exporters"].as_array().filter(|names| names.len() == 2).cloned()
    });
    assert!(heard.contains(&"node_exporter".into()) && heard.contains(&"encrypted".into()));
    assert_eq!(agent.log().matches("exporter refused:").count(), 1, "told once: {}", agent.log());
    assert!(agent.is_alive());
    // What is older than two intervals is not shown for new.
    drop(exporter);
    wait_until("the page to be too old", Duration::from_secs(15), || {
        (agent.get("/prometheus?exporter=node_exporter").body == "Unknown exporter").then_some(())
    });
}
