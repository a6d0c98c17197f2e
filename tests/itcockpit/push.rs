//! The push client against a server that answers by the rows of section 1.7.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edgewatch_harness::wait::wait_until;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::authority::{self, Authority};
use crate::server::{Answer, Request, Server};

const REGISTER: &str = "POST /agentconnector/register_agent.json";
const SUBMIT: &str = "POST /agentconnector/submit_checkdata.json";
const PASSWORD: &str = "5f0c5f0c5f0c";

/// How a row answers.
type Row = Box<dyn Fn(&Request) -> Answer + Send + Sync>;

fn section(url: &str, more: &str) -> String {
    format!("[oitc]\nenabled = True\nurl = {url}\napikey = `key;1`\n{more}")
}

fn pushing(server: &Server, more: &str) -> Agent {
    Agent::silent(&section(&format!("http://127.0.0.1:{}", server.port()), more), &[])
}

fn wait_for(server: &Server, what: &str, count: usize, is_it: impl Fn(&Request) -> bool) -> Vec<Request> {
    wait_until(what, Duration::from_secs(40), || {
        let found: Vec<Request> = server.heard().into_iter().filter(|request| is_it(request)).collect();
        (found.len() >= count).then_some(found)
    })
}

fn known(request: &Request, password: &str) -> Answer {
    Answer::new(201, json!({ "agentuuid": request.json()["agentuuid"], "password": password }).to_string())
}

#[test]
fn an_agent_registers_once_and_sends_each_result() {
    let server = Server::start(|request| {
        if request.line == REGISTER {
            known(request, PASSWORD)
        } else {
            Answer::new(200, r#"{"success":true,"received_checks":3}"#)
        }
    });
    let mut agent = pushing(&server, "");
    let submitted = wait_for(&server, "two results", 2, |request| request.line == SUBMIT);
    let heard = server.heard();
    let registered: Vec<&Request> = heard.iter().filter(|request| request.line == REGISTER).collect();
    assert_eq!(registered.len(), 1);
    let request = registered[0];
    assert_eq!(request.header("authorization"), Some("X-OITC-API key;1"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!((request.header("transfer-encoding"), request.header("expect")), (None, None));
    assert!(request.header("user-agent").is_some());
    let body = request.json();
    let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
    assert_eq!(keys.len(), 4);
    let uuid = body["agentuuid"].as_str().expect("a text").to_owned();
    assert!(uuid.len() == 36 && uuid.as_bytes()[14] == b'4' && uuid == uuid.to_lowercase(), "{uuid}");
    assert_eq!(
        (&body["password"], body["hostname"].is_string(), body["ipaddress"].is_string()),
        (&json!(""), true, true)
    );

    for request in &submitted {
        assert!(request.body.starts_with(r#"{"checkdata":{"agent":"#), "{}", &request.body[..60]);
        assert!(request.body.ends_with(&format!(r#","agentuuid":"{uuid}","password":"{PASSWORD}"}}"#)));
        assert_eq!(request.header("authorization"), Some("X-OITC-API key;1"));
        assert!(request.json()["checkdata"]["customchecks"].is_object());
    }
    assert_eq!(agent.text("auth.json"), format!(r#"{{"uuid":"{uuid}","password":"{PASSWORD}"}}"#));
    let mode = std::os::unix::fs::MetadataExt::mode(&agent.path("auth.json").metadata().expect("the file"));
    assert_eq!(mode & 0o777, 0o600);
    assert!(!agent.log().contains(PASSWORD) && !agent.log().contains("key;1"), "{}", agent.log());

    // Started again it is the same agent. There is no web server beside the pushing.
    assert!(std::net::TcpStream::connect(&agent.address).is_err());
    agent.stop();
    let before = server.heard().len();
    std::fs::write(agent.path("agent.log"), "").expect("our own file");
    let again = Agent::silent(
        &section(&format!("http://127.0.0.1:{}/base/?token=ab", server.port()), "enable-webserver = True"),
        &[("auth.json", &agent.text("auth.json"))],
    );
    again.wait_for_log("listening");
    let submitted = wait_for(&server, "another result", 1, |request| request.line.contains("/base/"));
    assert_eq!(submitted[0].line, "POST /base/agentconnector/submit_checkdata.json?token=ab");
    assert!(server.heard().iter().skip(before).all(|request| !request.line.contains("register")));
    assert_eq!(again.get("/").status, 200);
}

#[test]
fn an_answer_that_gives_no_password_is_told_and_asked_again() {
    let own = |request: &Request| request.json()["agentuuid"].clone();
    let rows: Vec<(&str, Row)> = vec![
        (
            "201 without a password",
            Box::new(move |request| Answer::new(201, json!({ "agentuuid": own(request) }).to_string())),
        ),
        (
            "201 with another UUID",
            Box::new(|_| Answer::new(201, r#"{"agentuuid":"66089500-8661-48f0-8ede-ecbc6886a84f","password":"pw"}"#)),
        ),
        ("200", Box::new(|_| Answer::new(200, r#"{"success":true}"#))),
        ("403", Box::new(|_| Answer::new(403, r#"{"error":"The given UUID is already registed with a password!"}"#))),
        ("405", Box::new(|_| Answer::new(405, r#"{"message":"Method Not Allowed","code":405}"#))),
        (
            "400 with words",
            Box::new(|_| Answer::new(400, r#"{"error":"Field uuid or password is missing in POST data"}"#)),
        ),
        ("401 and nothing", Box::new(|_| Answer::new(401, ""))),
        ("HTML", Box::new(|_| Answer::new(201, "<html>challenge</html>"))),
        ("an error that is an object", Box::new(|_| Answer::new(400, r#"{"error":{"uuid":{"maxLength":"x"}}}"#))),
        ("301", Box::new(|_| Answer::redirect(301, "/agentconnector/register_agent.json"))),
        ("redirects for ever", Box::new(|_| Answer::redirect(307, "/agentconnector/register_agent.json"))),
        (
            "307 to somebody else",
            Box::new(|_| Answer::redirect(307, "http://localhost:1/agentconnector/register_agent.json")),
        ),
    ];
    let (count, told) = (rows.len(), Arc::new(AtomicUsize::new(0)));
    // All of them at once: each waits for a cycle.
    std::thread::scope(|scope| {
        for (row, answer) in rows {
            let told = Arc::clone(&told);
            scope.spawn(move || {
                let server = Server::start(answer);
                let mut agent = pushing(&server, "timeout = 2");
                wait_until(&format!("{row}: a second cycle"), Duration::from_secs(40), || {
                    let asked = server.heard();
                    (asked.len() >= 2).then_some(())
                });
                assert!(server.heard().iter().all(|request| request.line == REGISTER), "{row}: nothing is submitted");
                wait_until(&format!("{row}: words"), Duration::from_secs(10), || {
                    agent.log().contains(&format!("127.0.0.1:{}", server.port())).then_some(())
                });
                assert!(agent.text("auth.json").ends_with(r#","password":""}"#), "{row}: {}", agent.text("auth.json"));
                assert!(agent.is_alive(), "{row}");
                told.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(told.load(Ordering::Relaxed), count);
}

#[test]
fn a_refused_result_is_lost_and_the_next_one_tries_again_without_registering() {
    let statuses = Arc::new(Mutex::new(vec![500, 400, 405]));
    let left = Arc::clone(&statuses);
    let server = Server::start(move |request| match left.lock().unwrap().pop() {
        _ if request.line != SUBMIT => Answer::new(500, "unexpected"),
        Some(400) => Answer::new(400, r#"{"error":"Invalid credentials or host not found"}"#),
        Some(status) => Answer::new(status, ""),
        None => Answer::new(200, ""),
    });
    let auth = format!(r#"{{"uuid":"66089500-8661-48f0-8ede-ecbc6886a84f","password":"{PASSWORD}"}}"#);
    let url = format!("http://127.0.0.1:{}", server.port());
    let agent = Agent::silent(&section(&url, ""), &[("auth.json", &auth)]);
    wait_for(&server, "four results", 4, |request| request.line == SUBMIT);
    agent.wait_for_log("takes results again");
    assert!(agent.log().contains("Invalid credentials or host not found"), "{}", agent.log());
    assert_eq!(agent.text("auth.json"), auth, "there is no way back by itself");
    let times: Vec<Value> = server
        .heard()
        .iter()
        .map(|request| request.json()["checkdata"]["agent"]["last_updated_timestamp"].clone())
        .collect();
    assert!(times.windows(2).all(|pair| pair[0] != pair[1]), "each result once: {times:?}");
}

#[test]
fn a_redirect_that_keeps_the_method_is_followed_with_body_and_key() {
    let server = Server::start(|request| match request.line.as_str() {
        REGISTER => Answer::redirect(307, "/moved/agentconnector/register_agent.json"),
        "POST /moved/agentconnector/register_agent.json" => known(request, PASSWORD),
        SUBMIT => Answer::redirect(308, "/moved/agentconnector/submit_checkdata.json"),
        _ => Answer::new(200, "{}"),
    });
    let agent = pushing(&server, "");
    let moved = wait_for(&server, "the result", 1, |request| request.line.contains("/moved/agentconnector/submit"));
    assert_eq!(moved[0].header("authorization"), Some("X-OITC-API key;1"));
    assert!(moved[0].body.ends_with(&format!(r#""password":"{PASSWORD}"}}"#)));
    drop(agent);
}

#[test]
fn a_server_that_is_too_slow_is_given_up_and_asked_again() {
    let server = Server::start(|_| Answer::new(200, "{}").late(Duration::from_secs(3)));
    let auth = format!(r#"{{"uuid":"66089500-8661-48f0-8ede-ecbc6886a84f","password":"{PASSWORD}"}}"#);
    let url = format!("http://127.0.0.1:{}", server.port());
    let agent = Agent::silent(&section(&url, "timeout = 1"), &[("auth.json", &auth)]);
    agent.wait_for_log("no answer in time");
    wait_for(&server, "a second try", 2, |request| request.line == SUBMIT);
}

#[test]
fn a_certificate_is_looked_at_where_that_is_wanted() {
    let own = authority::self_signed();
    let of_stranger = Authority::stranger().client(|_| ());
    let answers = |request: &Request| {
        if request.line == REGISTER { known(request, PASSWORD) } else { Answer::new(200, "") }
    };
    let url = |server: &Server| format!("https://127.0.0.1:{}", server.port());
    // By default any is taken, as the original does.
    let server = Server::start_tls(&own, answers);
    let _agent = Agent::silent(&section(&url(&server), ""), &[]);
    wait_for(&server, "a result", 1, |request| request.line == SUBMIT);
    for (own, words) in
        [(own, "its certificate is signed by itself"), (of_stranger, "its certificate is signed by another authority")]
    {
        let server = Server::start_tls(&own, answers);
        let agent = Agent::silent(&section(&url(&server), "verify-server-certificate = True"), &[]);
        agent.wait_for_log(words);
        assert!(server.heard().is_empty());
    }
}

#[test]
fn what_cannot_be_begun_with_ends_the_agent() {
    for (url, auth, words) in [("monitor:8080", "", "url"), ("http://127.0.0.1:1", "s3cret", "auth.json")] {
        let files: &[(&str, &str)] = if auth.is_empty() { &[] } else { &[("auth.json", auth)] };
        let mut agent = Agent::silent(&section(url, ""), files);
        assert_eq!(agent.ended().code(), Some(2), "{url}");
        assert!(agent.log().contains(words) && !agent.log().contains("s3cret"), "{}", agent.log());
    }
}

#[test]
fn without_a_key_the_header_is_its_scheme_alone_and_a_proxy_is_asked_first() {
    let server = Server::start(|_| Answer::new(403, ""));
    let lines = format!("[oitc]\nenabled = True\nurl = http://127.0.0.1:{}\napikey =", server.port());
    let agent = Agent::silent(&lines, &[]);
    let asked = wait_for(&server, "a registration", 1, |request| request.line == REGISTER);
    assert_eq!(asked[0].header("authorization"), Some("X-OITC-API"));
    drop(agent);

    let proxy = Server::start(|_| Answer::new(502, ""));
    let url = section("http://monitor.invalid", &format!("proxy = http://127.0.0.1:{}", proxy.port()));
    let agent = Agent::silent(&url, &[]);
    let asked = wait_for(&proxy, "the proxy", 1, |_| true);
    assert_eq!(asked[0].line, "CONNECT monitor.invalid:80");
    assert!(asked[0].header("authorization").is_none(), "the key is not for the proxy");
    agent.wait_for_log("registration: cannot reach the server");
}
