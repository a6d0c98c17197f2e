//! The client against a stand-in for the server, by the table of its answers.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use super::*;
use crate::itcockpit::target::Target;
use crate::testing::TestDirectory;

const REGISTER: &str = "/base/agentconnector/register_agent.json?token=ab";
const SUBMIT: &str = "/base/agentconnector/submit_checkdata.json?token=ab";
const PACKAGES: &str = "/base/agentconnector/submit_package_info.json?token=ab";

/// What is answered: status, more headers, body; a status of 0 stands for silence.
type Said = (u16, String, String);

#[derive(Debug)]
struct Asked {
    target: String,
    head: String,
    body: Value,
}

/// A server that gives these answers one after the other, on connections that it keeps.
struct StandIn {
    port: u16,
    asked: Receiver<Asked>,
}

impl StandIn {
    fn start(answers: Vec<Said>) -> Self {
        Self::start_with(answers, None)
    }

    fn start_with(answers: Vec<Said>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, asked) = mpsc::channel();
        thread::spawn(move || {
            let mut answers = VecDeque::from(answers);
            for socket in listener.incoming().map_while(Result::ok) {
                let ended = match &tls {
                    Some(config) => {
                        let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                        converse(StreamOwned::new(connection, socket), &mut answers, &tell)
                    }
                    None => converse(socket, &mut answers, &tell),
                };
                // A client that leaves, or a handshake that fails, ends one connection.
                let _ = ended;
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Asked {
        self.asked.recv_timeout(Duration::from_secs(20)).expect("a request")
    }

    /// Nothing more was asked.
    fn is_quiet(&self) -> bool {
        self.asked.try_recv().is_err()
    }
}

fn converse(
    stream: impl Read + Write,
    answers: &mut VecDeque<Said>,
    tell: &mpsc::Sender<Asked>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body)?;
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let _ = tell.send(Asked { target, head, body: serde_json::from_slice(&body).unwrap() });
        let (status, headers, body) = answers.pop_front().unwrap_or((500, String::new(), String::new()));
        if status == 0 {
            // Until the client has had enough.
            stream.read_line(&mut String::new())?;
            return Ok(());
        }
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len());
        stream.get_mut().write_all(answer.as_bytes())?;
        stream.get_mut().flush()?;
    }
}

fn said(status: u16, body: &str) -> Said {
    (status, String::new(), body.to_owned())
}

/// A client of that server, and the directory with its authfile.
fn client(scheme: &str, port: u16, witness: Option<Arc<Witness>>) -> (Client, TestDirectory) {
    let directory = TestDirectory::new();
    let push = Push {
        target: Target::parse(&format!("{scheme}://localhost:{port}/base/?token=ab")).unwrap(),
        api_key: "k3y".to_owned(),
        verifies: true,
        timeout: Duration::from_millis(1500),
        proxy: None,
        auth_file: directory.path().join("auth.json"),
    };
    let auth = AuthFile::open(&push.auth_file).unwrap();
    (Client::judging(witness, push, auth, "web01".to_owned(), None).unwrap(), directory)
}

fn registered(client: &Client) -> bool {
    !client.auth.identity().password.is_empty()
}

#[test]
fn an_agent_registers_sends_its_result_and_never_registers_again() {
    let server = StandIn::start(vec![]);
    let (mut client, directory) = client("http", server.port, None);
    let uuid = client.auth.identity().uuid.clone();
    let server = StandIn::start(vec![
        said(201, &format!(r#"{{"agentuuid":"{uuid}","password":"5f0c"}}"#)),
        said(400, r#"{"error":"Invalid credentials or host not found"}"#),
        said(200, r#"{"success":true,"received_checks":7}"#),
        said(200, r#"{"success":true}"#),
    ]);
    client.push.target = Target::parse(&format!("http://localhost:{}/base/?token=ab", server.port)).unwrap();

    client.push_packages(b"{}");
    assert!(server.is_quiet(), "an inventory registers nobody");
    client.push_document(br#"{"agent":{}}"#);
    let asked = server.asked();
    assert_eq!(asked.target, REGISTER);
    let address = asked.body["ipaddress"].clone();
    assert_eq!(
        asked.body,
        serde_json::json!({ "agentuuid": uuid, "password": "", "hostname": "web01", "ipaddress": address })
    );
    for header in ["authorization: x-oitc-api k3y\r\n", "content-type: application/json\r\n"] {
        assert!(asked.head.to_lowercase().contains(header), "{}", asked.head);
    }
    let asked = server.asked();
    assert_eq!(asked.target, SUBMIT, "in the same push");
    let who = |data: Value| serde_json::json!({ "checkdata": data, "agentuuid": uuid, "password": "5f0c" });
    assert_eq!(asked.body, who(serde_json::json!({ "agent": {} })));
    let kept = std::fs::read_to_string(directory.path().join("auth.json")).unwrap();
    assert_eq!(kept, format!(r#"{{"uuid":"{uuid}","password":"5f0c"}}"#));

    assert_eq!(client.trouble.as_deref(), Some("push: the server says: Invalid credentials or host not found"));
    client.push_document(b"{}");
    assert_eq!(server.asked().target, SUBMIT, "a refusal leads to no new registration");
    assert_eq!(client.trouble, None);
    client.push_packages(br#"{"Enabled":true}"#);
    let asked = server.asked();
    assert_eq!((asked.target.as_str(), asked.body), (PACKAGES, who(serde_json::json!({ "Enabled": true }))));
    assert!(server.is_quiet());
}

#[test]
fn no_other_answer_to_a_registration_gives_a_password_and_each_cycle_tries_once() {
    let answers = [
        (201, r#"{"agentuuid":"66089500-8661-48f0-8ede-ecbc6886a84f","password":"5f0c"}"#, "another agent"),
        (200, r#"{"success":true}"#, "has a password"),
        (403, r#"{"error":"The given UUID is already registed with a password!"}"#, "another password"),
        (405, "", "apikey"),
        (401, "", "apikey"),
        (400, r#"{"error":{"uuid":{"a":"b"}}}"#, "not what"),
        (502, "<html>Bad gateway</html>", "not what"),
        (500, "", "500"),
        (301, "", "elsewhere"),
    ];
    let server = StandIn::start(answers.iter().map(|(status, body, _)| said(*status, body)).collect());
    let (mut client, _directory) = client("http", server.port, None);
    for (status, body, words) in answers {
        client.push_document(b"{}");
        assert_eq!(server.asked().target, REGISTER, "{status} {body}");
        let trouble = client.trouble.clone().unwrap_or_default();
        assert!(trouble.starts_with("registration: ") && trouble.contains(words), "{status} {body}: {trouble}");
        assert!(!registered(&client) && server.is_quiet(), "{status} {body}");
    }
}

#[test]
fn an_authfile_that_cannot_be_written_stops_the_registration() {
    let server = StandIn::start(vec![]);
    let (mut client, directory) = client("http", server.port, None);
    std::fs::remove_dir(directory.path()).unwrap();
    client.push_document(b"{}");
    assert!(client.trouble.as_ref().unwrap().contains("cannot write the authfile"));
    assert!(server.is_quiet());
}

#[test]
fn a_redirect_that_keeps_the_method_is_followed_within_the_server() {
    let elsewhere = |status, location: &str| (status, format!("Location: {location}\r\n"), String::new());
    let server = StandIn::start(vec![
        elsewhere(307, "/other?x=y"),
        elsewhere(308, "/third"),
        said(403, ""),
        elsewhere(307, "http://192.0.2.1/agentconnector/register_agent.json"),
    ]);
    let (mut client, _directory) = client("http", server.port, None);
    client.push_document(b"{}");
    let asked = [server.asked(), server.asked(), server.asked()];
    assert_eq!(asked.each_ref().map(|asked| asked.target.as_str()), [REGISTER, "/other?x=y", "/third"]);
    assert!(asked.iter().all(|one| one.head.contains("k3y") && one.body == asked[0].body));
    client.push_document(b"{}");
    assert!(client.trouble.as_ref().unwrap().contains("elsewhere"), "the key goes to no other host");
}

#[test]
fn a_server_that_says_nothing_or_is_away_is_waited_for_no_longer_than_the_timeout() {
    let server = StandIn::start(vec![said(0, "")]);
    let (mut client, _directory) = client("http", server.port, None);
    let begun = Instant::now();
    client.push_document(b"{}");
    assert_eq!(client.trouble.as_deref(), Some("registration: no answer in time"));
    assert!(begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < Duration::from_secs(10));
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    client.push.target = Target::parse(&format!("http://localhost:{free}")).unwrap();
    client.push_document(b"{}");
    assert!(client.trouble.as_ref().unwrap().contains("cannot reach the server"));
}

/// A certificate for a server, and its key.
fn made(issuer: Option<&Issuer<'_, KeyPair>>, name: &str, ends: i32) -> Arc<ServerConfig> {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.not_after = date_time_ymd(ends, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = match issuer {
        Some(issuer) => params.signed_by(&key, issuer).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap())
}

fn authority(name: &str) -> (CertificateDer<'static>, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().der().clone(), Issuer::new(params, key))
}

#[test]
fn a_certificate_that_is_not_believed_is_told_by_what_is_wrong_and_nothing_is_sent() {
    let (root, ours) = authority("ours");
    let (_, theirs) = authority("theirs");
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    for (config, words) in [
        (made(Some(&ours), "localhost", 2090), None),
        (made(Some(&ours), "localhost", 2020), Some("its certificate has expired")),
        (made(Some(&ours), "other.example.com", 2090), Some("its certificate is for another name")),
        (made(Some(&theirs), "localhost", 2090), Some("its certificate is signed by another authority")),
        (made(None, "localhost", 2090), Some("its certificate is signed by itself")),
    ] {
        let server = StandIn::start_with(vec![said(403, "")], Some(config));
        let (mut client, _directory) = client("https", server.port, Some(Witness::new(Some(roots.clone())).unwrap()));
        client.push_document(b"{}");
        let trouble = client.trouble.clone().unwrap();
        assert!(trouble.contains(words.unwrap_or("another password")), "{trouble}");
        assert_eq!(server.is_quiet(), words.is_some(), "{trouble}");
    }
}

#[test]
fn where_certificates_are_not_looked_at_any_is_taken() {
    let server = StandIn::start_with(vec![said(403, "")], Some(made(None, "other.example.com", 2020)));
    let (mut client, _directory) = client("https", server.port, Some(Witness::new(None).unwrap()));
    client.push_document(b"{}");
    assert_eq!(server.asked().target, REGISTER);
}
