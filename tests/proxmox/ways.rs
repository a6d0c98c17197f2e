//! The ways to a server: certificates, and other nodes of a cluster.

use edgewatch_core::dialects::native::proxmox::{EndpointPart, Instance, InstanceKind, PollErrorKind};
use edgewatch_harness::proxmox::edge::StandInEdge;
use edgewatch_harness::proxmox::{FakeProxmox, Product, lab};
use edgewatch_harness::tls::Authority;
use edgewatch_harness::wait::wait_until;

use super::{Bench, PATIENCE, instance};

fn with_colons(fingerprint: &str) -> String {
    let bytes: Vec<&str> = (0..fingerprint.len() / 2).map(|at| &fingerprint[at * 2..at * 2 + 2]).collect();
    bytes.join(":").to_uppercase()
}

#[test]
fn a_certificate_of_its_own_making_is_taken_by_its_fingerprint_and_no_other() {
    let fake = FakeProxmox::start_tls(Product::Pve, lab::pve(), &Authority::new());
    let plain = instance("anybody", InstanceKind::Pve, &fake);
    let pinned =
        Instance { id: "pinned".to_owned(), fingerprint: Some(with_colons(&fake.fingerprint)), ..plain.clone() };
    let other = Instance { id: "other".to_owned(), fingerprint: Some("ab".repeat(32)), ..plain.clone() };
    let verified = Instance { id: "verified".to_owned(), verify_tls: true, ..plain.clone() };
    let bench = Bench::start("pins", vec![plain, pinned, other, verified]);
    for id in ["anybody", "pinned"] {
        assert_eq!(bench.poll(id, "a poll", |_| true).error, None, "{id}");
    }
    let error = bench.poll("other", "a failure", |_| true).error.expect("an error");
    assert_eq!(error.kind, PollErrorKind::Tls);
    assert!(error.text.contains(&fake.fingerprint), "what it shows is told: {}", error.text);
    assert_eq!(bench.poll("verified", "a failure", |_| true).error.map(|error| error.kind), Some(PollErrorKind::Tls));
}

#[test]
fn a_certificate_of_an_authority_that_is_trusted_is_taken() {
    let authority = Authority::new();
    let fake = FakeProxmox::start_tls(Product::Pve, lab::pve(), &authority);
    let file = std::env::temp_dir().join(format!("edgewatch-proxmox-ca-{}.pem", std::process::id()));
    std::fs::write(&file, &authority.pem).expect("a file");
    let verified = Instance { verify_tls: true, ..instance("verified", InstanceKind::Pve, &fake) };
    let path = file.display().to_string();
    let bench = Bench::start_with("ca", StandInEdge::start(vec![verified], 1), &[("EDGEWATCH_CA_FILE", &path)]);
    assert_eq!(bench.poll("verified", "a poll", |_| true).error, None);
    let _ = std::fs::remove_file(file);
}

#[test]
fn another_node_of_the_cluster_is_asked_when_the_configured_host_is_gone() {
    // The same port at another address of loopback is another node.
    let mut home = FakeProxmox::start(Product::Pve, lab::pve());
    let away = FakeProxmox::start_beside(&home, "127.0.0.2", Product::Pve, lab::pve());
    let endpoint = EndpointPart {
        id: "node/pve2".to_owned(),
        node: "pve2".to_owned(),
        ip: "127.0.0.2".to_owned(),
        online: true,
        fingerprint: String::new(),
    };
    home.edit("/cluster/status", |list| list[2]["ip"] = "127.0.0.2".into());
    away.edit("/cluster/status", |list| list[2]["ip"] = "127.0.0.2".into());
    let lab = Instance { endpoints: vec![endpoint], ..instance("lab", InstanceKind::Pve, &home) };
    let bench = Bench::start("failover", vec![lab]);
    bench.poll("lab", "a poll", |poll| poll.error.is_none());
    assert!(away.requests().is_empty(), "the configured host goes first");
    home.close();
    wait_until("the other node", PATIENCE, || (away.requests().len() > 5).then_some(()));
    let census = || bench.rows("lab", "census");
    wait_until("the census", PATIENCE, || {
        census().iter().any(|row| row["cluster"]["polled"] == format!("http://127.0.0.2:{}", home.port())).then_some(())
    });
    assert!(bench.polls("lab").iter().all(|poll| poll.error.is_none()), "nobody noticed");
}

#[test]
fn an_agent_that_starts_while_the_configured_host_is_gone_uses_what_was_known() {
    let mut home = FakeProxmox::start(Product::Pve, lab::pve());
    let away = FakeProxmox::start_beside(&home, "127.0.0.2", Product::Pve, lab::pve());
    let endpoint = EndpointPart { ip: "127.0.0.2".to_owned(), online: true, ..EndpointPart::default() };
    let lab = Instance { endpoints: vec![endpoint], ..instance("lab", InstanceKind::Pve, &home) };
    home.close();
    let bench = Bench::start("known", vec![lab]);
    bench.poll("lab", "a poll", |poll| poll.error.is_none() && poll.nodes.len() == 2);
    assert!(!away.requests().is_empty());
}
