//! Auto-TLS: the exchange as the stock server performs it (13.2), and who may connect after it (6.3).

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use base64::Engine as _;
use edgewatch_harness::wait::wait_until;
use rcgen::{
    CertificateSigningRequestParams, DnType, DnValue, ExtendedKeyUsagePurpose, PublicKeyData as _, SanType,
    date_time_ymd,
};
use serde_json::json;

use crate::agent::Agent;
use crate::authority::{self, Authority, Pair};
use crate::wire;

const ON: &str = "try-autossl = True";

fn request(agent: &Agent, query: &str) -> String {
    let reply = agent.get(&format!("/autotls{query}"));
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{}", reply.body);
    reply.at("/csr").as_str().expect("a text").to_owned()
}

/// Has the agent sign, and waits until it speaks TLS.
fn exchange(agent: &Agent, authority: &Authority) {
    let signed = authority.sign(&request(agent, ""));
    let body = json!({ "signed": signed, "ca": authority.own.pem }).to_string();
    let reply = agent.send("POST", "/autotls", &[], &body);
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    wait_until("TLS", Duration::from_secs(5), || {
        wire::send(&agent.address, Some(&authority.own), "GET", "/prometheus", "").ok()
    });
}

fn alert(agent: &Agent, shown: Option<&Pair>) -> String {
    match wire::send(&agent.address, shown, "GET", "/", "") {
        Ok(reply) => panic!("status {}", reply.status),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_request_bears_the_domain_or_the_host_and_the_key_stays() {
    // Also where Auto-TLS is off.
    let agent = Agent::start("");
    let asked = |query: &str| {
        let read = CertificateSigningRequestParams::from_pem(&request(&agent, query)).expect("a request");
        let common = read.params.distinguished_name.get(&DnType::CommonName).cloned();
        (read.params.subject_alt_names, common, read.public_key.subject_public_key_info())
    };
    let (names, common, key) = asked("?domain=web01.example.com");
    assert_eq!(names, [SanType::DnsName("web01.example.com".try_into().unwrap())]);
    assert_eq!(common, Some(DnValue::Utf8String("web01.example.com".to_owned())));
    let (names, _, again) = asked("");
    assert_eq!(names.len(), 1);
    assert_eq!(key, again, "the same key");
    for file in ["agent.key", "agent.csr"] {
        assert_eq!(agent.path(file).metadata().expect("the file").mode() & 0o777, 0o600, "{file}");
    }
    assert_eq!(agent.get("/autotls?domain=no%20name").status, 500);
}

#[test]
fn a_key_of_rsa_that_lies_there_is_used() {
    let agent = Agent::start_with(ON, &[("agent.key", include_str!("authority_key.txt"))]);
    let authority = Authority::of_server();
    exchange(&agent, &authority);
    let chain = wire::send(&agent.address, Some(&authority.own), "GET", "/prometheus", "").expect("TLS").chain;
    assert_eq!(chain.len(), 2, "its own and the authority's");
}

#[test]
fn after_the_exchange_the_authority_and_its_clients_are_let_in_and_nobody_else() {
    let mut agent = Agent::start(ON);
    let (authority, stranger) = (Authority::of_server(), Authority::stranger());
    exchange(&agent, &authority);
    for file in ["agent.crt", "server_ca.crt"] {
        assert_eq!(agent.path(file).metadata().expect("the file").mode() & 0o777, 0o600, "{file}");
    }
    let before = agent.text("agent.key");
    let client = authority.client(|_| ());
    for (who, shown) in [("the authority itself", &authority.own), ("its client", &client)] {
        let reply = wire::send(&agent.address, Some(shown), "GET", "/prometheus", "").expect(who);
        assert_eq!((reply.status, reply.body.as_str()), (200, "[]"), "{who}");
        assert_eq!(reply.chain.get(1), Some(&authority.own.certificate), "{who}");
        // For a renewal.
        let reply = wire::send(&agent.address, Some(shown), "GET", "/autotls", "").expect(who);
        assert!(reply.status == 200 && reply.body.contains("CERTIFICATE REQUEST"), "{who}");
    }
    assert_eq!(agent.text("agent.key"), before);

    let past = authority.client(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let future = authority.client(|params| params.not_before = date_time_ymd(2090, 1, 1));
    let server = authority.client(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    let foreign = stranger.client(|_| ());
    let nobody = authority::self_signed();
    let required = alert(&agent, None);
    assert!(required.contains("CertificateRequired"), "{required}");
    agent.wait_for_log("was refused: it shows no client certificate");
    for (shown, words) in [
        (&past, "has expired"),
        (&future, "is not valid yet"),
        (&server, "is not for this use"),
        (&foreign, "is signed by another authority"),
        (&nobody, "is signed by itself"),
    ] {
        let said = alert(&agent, Some(shown));
        assert!(said.contains("alert"), "{said}");
        agent.wait_for_log(&format!("was refused: its certificate {words}"));
    }
    assert!(alert(&agent, Some(&foreign)).contains("UnknownCA"));
    // Anybody has the authority's certificate, and nobody else its key.
    let borrowed = (authority.own.certificate.clone(), stranger.own.key());
    assert!(wire::send_with(&agent.address, Some(borrowed), "GET", "/", "").is_err());
    agent.wait_for_log("was refused: it cannot prove that its certificate is its own");
    // Another one that calls itself the same is not the same.
    assert!(wire::send(&agent.address, Some(&stranger.own), "GET", "/", "").is_err());

    // It stays so, until a file is gone.
    agent.restart();
    assert!(wire::send(&agent.address, Some(&authority.own), "GET", "/prometheus", "").is_ok());
    std::fs::remove_file(agent.path("agent.crt")).expect("the file is there");
    agent.restart();
    assert_eq!(agent.get("/prometheus").status, 200);
    exchange(&agent, &authority);
}

#[test]
fn files_that_cannot_be_served_with_are_told_and_the_agent_waits_for_better_ones() {
    let garbage = [("agent.crt", "garbage"), ("agent.key", "garbage"), ("server_ca.crt", "garbage")];
    let mut agent = Agent::silent(ON, &garbage);
    agent.wait_for_log("trying again every 10 s");
    assert!(agent.log().contains("server_ca.crt"), "{}", agent.log());
    // Neither does it end, as the original does at each start, nor does it speak plain HTTP in place of what was asked for.
    assert!(agent.is_alive() && std::net::TcpStream::connect(&agent.address).is_err());
    for (file, _) in garbage {
        std::fs::remove_file(agent.path(file)).expect("the file is there");
    }
    wait_until("the agent to listen", Duration::from_secs(40), || agent.log().contains("listening").then_some(()));
    exchange(&agent, &Authority::of_server());
}

#[test]
fn client_certificate_and_credentials_are_both_wanted() {
    let agent = Agent::start(&format!("{ON}\nauth = alice:secret"));
    let authority = Authority::of_server();
    let known = [("Authorization", "Basic YWxpY2U6c2VjcmV0")];
    let csr = agent.send("GET", "/autotls", &known, "").at("/csr").as_str().expect("a text").to_owned();
    let body = json!({ "signed": authority.sign(&csr), "ca": authority.own.pem }).to_string();
    assert_eq!(agent.send("POST", "/autotls", &known, &body).status, 200);
    let reply = wait_until("TLS", Duration::from_secs(5), || {
        wire::send(&agent.address, Some(&authority.own), "GET", "/", "").ok()
    });
    assert_eq!((reply.status, reply.body.as_str()), (403, "Forbidden\n"));
}

#[test]
fn a_client_certificate_opens_the_configuration_at_an_address_of_the_network() {
    let Some(address) = crate::config::own_address() else {
        return eprintln!("this machine has no address but its own");
    };
    let agent = Agent::start(&format!("{ON}\naddress = 0.0.0.0\nconfig-update-mode = True"));
    let port = agent.address.rsplit(':').next().expect("a port");
    let there = format!("{address}:{port}");
    let body = json!({ "configuration": base64::engine::general_purpose::STANDARD.encode(agent.text("config.ini")) });
    let plain = edgewatch_harness::http::send(&there, "POST", "/config", &[], body.to_string().as_bytes());
    assert_eq!(plain.status, 403, "{}", plain.body);
    let authority = Authority::of_server();
    exchange(&agent, &authority);
    let reply = wire::send(&there, Some(&authority.own), "POST", "/config", &body.to_string()).expect("TLS");
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
}

#[test]
fn what_could_not_be_served_with_is_not_taken_and_nothing_is_lost() {
    let mut agent = Agent::start(ON);
    let (authority, stranger) = (Authority::of_server(), Authority::stranger());
    let csr = request(&agent, "");
    let (signed, foreign) = (authority.sign(&csr), authority.client(|_| ()));
    for (signed, ca) in [
        ("garbage", "garbage"),
        (signed.as_str(), "garbage"),
        ("garbage", authority.own.pem.as_str()),
        (&signed, &stranger.own.pem),
        (&foreign.pem, &authority.own.pem),
    ] {
        let reply = agent.send("POST", "/autotls", &[], &json!({ "signed": signed, "ca": ca }).to_string());
        assert_eq!((reply.status, reply.body.as_str()), (500, "internal server error\n"));
    }
    for body in ["", "x", "{}", "{\"signed\":1,\"ca\":2}"] {
        assert_eq!(agent.send("POST", "/autotls", &[], body).status, 500, "{body}");
    }
    assert!(!agent.path("agent.crt").exists() && !agent.path("server_ca.crt").exists());
    agent.restart();
    exchange(&agent, &authority);
    let certificate = agent.text("agent.crt");
    let again = json!({ "signed": foreign.pem, "ca": authority.own.pem }).to_string();
    let reply = wire::send(&agent.address, Some(&authority.own), "POST", "/autotls", &again).expect("TLS");
    assert_eq!((reply.status, agent.text("agent.crt")), (500, certificate));
}
