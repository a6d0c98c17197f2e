//! Routes, statuses and bodies: sections 5.2 and 5.3, with and without credentials, and what a rude client gets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use edgewatch_harness::http;
use rustls::ProtocolVersion;
use rustls::version::{TLS12, TLS13};
use serde_json::json;

use crate::agent::Agent;
use crate::{authority, wire};

/// `alice:pa:ss`.
const KNOWN: (&str, &str) = ("Authorization", "Basic YWxpY2U6cGE6c3M=");

#[test]
fn the_result_has_its_groups_and_is_shown_from_the_first_cycle_on() {
    let agent = Agent::start_with("[packagemanager]\nenabled = False\n", &[("customchecks.ini", "")]);
    let reply = agent.wait_for_document("the first result", |document| document.get("agent").cloned());
    assert_eq!(reply["check_interval"], 5);
    assert_eq!(reply["temperature_unit"], "C");
    let version = reply["agent_version"].as_str().unwrap_or_default().to_owned();
    assert!(version.split('.').count() == 3 && version.len() <= 15, "{version}");
    let reply = agent.get("/");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let document = reply.json();
    assert_eq!((&document["customchecks"], &document["prometheus_exporters"]), (&json!({}), &json!([])));
    assert_eq!(document["packagemanager"], json!({ "enabled": false, "pending": false }));
    let first = document["agent"]["last_updated_timestamp"].as_i64();
    agent.wait_for_document("another cycle", |document| {
        (document["agent"]["last_updated_timestamp"].as_i64() > first).then_some(())
    });
}

#[test]
fn without_credentials_every_status_is_that_of_the_table() {
    let agent = Agent::start("");
    for (method, path, status, body) in [
        ("GET", "/packages", 200, None),
        ("GET", "/prometheus", 200, Some("[]")),
        ("GET", "/prometheus?exporter=x", 200, Some("Unknown exporter")),
        ("GET", "/config", 403, Some("config update is disabled\n")),
        ("POST", "/config", 403, Some("config update is disabled\n")),
        ("GET", "/autotls", 200, None),
        ("POST", "/autotls", 500, Some("internal server error\n")),
        ("POST", "/", 405, Some("")),
        ("HEAD", "/", 405, Some("")),
        ("OPTIONS", "/config", 405, Some("")),
        ("PUT", "/autotls", 405, Some("")),
        ("GET", "/config/", 404, Some("404 page not found\n")),
        ("GET", "/none", 404, Some("404 page not found\n")),
        ("GET", "/debug/pprof/", 404, Some("404 page not found\n")),
        ("GET", "//", 301, Some("")),
        ("GET", "/a/../config", 301, Some("")),
    ] {
        let reply = agent.send(method, path, &[], "");
        assert_eq!(reply.status, status, "{method} {path}");
        if let Some(body) = body {
            assert_eq!(reply.body, body, "{method} {path}");
        }
        match status {
            301 => assert!(["/", "/config"].contains(&reply.header("location").unwrap_or_default()), "{path}"),
            404 => {
                assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
                assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
            }
            405 => assert_eq!(reply.header("allow"), None),
            _ => {}
        }
    }
    let packages = agent.get("/packages").json();
    assert_eq!((&packages["LinuxPackages"], &packages["WindowsApps"]), (&json!([]), &json!([])), "{packages}");
}

#[test]
fn credentials_guard_matched_routes_and_their_failure_is_no_challenge() {
    let agent = Agent::start("auth = `alice:pa:ss`\nconfig-update-mode = True");
    for (method, path, unknown, known) in [
        ("GET", "/", 403, 200),
        ("GET", "/packages", 403, 200),
        ("GET", "/prometheus", 403, 200),
        ("GET", "/config", 403, 200),
        ("GET", "/autotls", 403, 200),
        ("POST", "/autotls", 403, 500),
        ("POST", "/config", 403, 500),
        ("GET", "/none", 404, 404),
        ("POST", "/", 405, 405),
    ] {
        let reply = agent.send(method, path, &[], "");
        assert_eq!(reply.status, unknown, "{method} {path}");
        if unknown == 403 {
            assert_eq!((reply.body.as_str(), reply.header("www-authenticate")), ("Forbidden\n", None));
            assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
        }
        assert_eq!(agent.send(method, path, &[KNOWN], "").status, known, "{method} {path}");
    }
    for wrong in ["Basic YWxpY2U6cGE=", "Basic", "Bearer YWxpY2U6cGE6c3M=", "Basic !"] {
        assert_eq!(agent.send("GET", "/", &[("Authorization", wrong)], "").status, 403, "{wrong}");
    }
    assert!(!agent.log().contains("pa:ss") && !agent.log().contains("YWxpY2U6cGE6c3M="));
}

#[test]
fn a_connection_is_kept_and_serves_one_request_after_the_other() {
    let agent = Agent::start("");
    let mut stream = connected(&agent);
    for _ in 0..3 {
        let text = ask(&mut stream);
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    }
}

fn connected(agent: &Agent) -> TcpStream {
    let stream = TcpStream::connect(&agent.address).expect("the agent listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time");
    stream
}

/// Asks on a connection that stays open.
fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /prometheus HTTP/1.1\r\nHost: x\r\n\r\n").expect("the connection is open");
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n[]") {
        let mut piece = [0; 512];
        let length = stream.read(&mut piece).expect("an answer");
        assert!(length > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&piece[..length]));
    }
    text
}

#[test]
fn what_is_too_long_or_no_http_is_refused_and_harms_nobody() {
    let agent = Agent::start("config-update-mode = True");
    let raw = |text: &str| http::send_raw(&agent.address, text.as_bytes()).unwrap().status;
    assert_eq!(raw("nonsense\r\n\r\n"), 400);
    assert_eq!(raw("GET / HTTP/1.1\r\n\r\n"), 400, "no host");
    assert_eq!(raw(&format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(40_000))), 431);
    assert_eq!(raw("POST /config HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n"), 413);
    let body = "x".repeat(2 << 20);
    assert_eq!(agent.send("POST", "/config", &[], &body).status, 413);
    assert_eq!(agent.send("POST", "/autotls", &[], &body).status, 413);
    // Who may not ask is answered before a body is read.
    assert_eq!(agent.send("POST", "/none", &[], &body).status, 404);
    assert_eq!(agent.get("/prometheus").status, 200);
}

#[test]
fn a_pull_costs_less_than_twenty_milliseconds() {
    const PULLS: u64 = 50;
    let agent = Agent::start("interval = 3600");
    agent.wait_for_document("the first result", |document| document.get("agent").map(|_| ()));
    // Source: Linux's interface to programs: a hundred ticks a second, user and system at 14 and 15 of the line.
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", agent.pid())).expect("our own child");
        let fields: Vec<u64> = stat
            .rsplit(") ")
            .next()
            .into_iter()
            .flat_map(|rest| rest.split(' '))
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        fields[11] + fields[12]
    };
    let before = ticks();
    for _ in 0..PULLS {
        assert_eq!(agent.get("/").status, 200);
    }
    let spent = ticks() - before;
    assert!(spent < 2 * PULLS, "{spent} ticks of 10 ms for {PULLS} pulls");
}

#[test]
fn clients_that_say_nothing_keep_nobody_out() {
    let agent = Agent::start("");
    let silent: Vec<TcpStream> = (0..40).filter_map(|_| TcpStream::connect(&agent.address).ok()).collect();
    assert_eq!(silent.len(), 40);
    let begun = Instant::now();
    assert_eq!(agent.get("/prometheus").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn clients_that_drip_keep_nobody_out() {
    let own = authority::self_signed();
    let files = [("own.crt", own.pem.as_str()), ("own.key", own.key_pem.as_str())];
    let open = Agent::start("");
    let tls = Agent::start_with("certfile = own.crt\nkeyfile = own.key", &files);
    // A head, a body and a handshake that never end. Whoever is sent away comes again.
    let head = "GET / HTTP/1.1\r\nHost: x\r\nX: ";
    let body = "POST /autotls HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
    let hello = "\u{16}\u{3}\u{1}\u{2}\0\u{1}";
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for (agent, begun) in [(&open, head), (&open, body), (&tls, hello)] {
            for _ in 0..16 {
                scope.spawn(|| drip(&agent.address, begun, &is_over));
            }
        }
        let _over = Over(&is_over);
        for _ in 0..3 {
            let begun = Instant::now();
            assert_eq!(open.get("/prometheus").status, 200);
            assert_eq!(wire::send(&tls.address, None, "GET", "/prometheus", "").unwrap().status, 200);
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        }
    });
}

/// Ends what runs beside a test, however that ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Begins a request and goes on byte by byte, on a new connection whenever the last one is ended.
fn drip(address: &str, begun: &str, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Acquire) {
        let Ok(mut stream) = TcpStream::connect(address) else { continue };
        let mut is_open = stream.write_all(begun.as_bytes()).is_ok();
        while is_open && !is_over.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(50));
            is_open = stream.write_all(b"x").is_ok();
        }
    }
}

#[test]
fn nobody_gives_way_before_somebody_waits() {
    let agent = Agent::start("");
    let mut kept: Vec<TcpStream> = (0..16).map(|_| connected(&agent)).collect();
    let begun = Instant::now();
    // Longer than a stranger's grace.
    while begun.elapsed() < Duration::from_secs(3) {
        for stream in &mut kept {
            assert!(!ask(stream).contains("Connection: close"));
        }
    }
    ask(&mut connected(&agent));
}

#[test]
fn who_is_known_may_take_longer_than_strangers() {
    let agent = Agent::start("auth = `alice:pa:ss`");
    let mut known = connected(&agent);
    let more = "Content-Length: 2\r\nExpect: 100-continue";
    let head = format!("POST /autotls HTTP/1.1\r\nHost: x\r\n{}: {}\r\n{more}\r\n\r\n", KNOWN.0, KNOWN.1);
    known.write_all(head.as_bytes()).unwrap();
    let mut goes_on = [0; 25];
    known.read_exact(&mut goes_on).unwrap();
    assert_eq!(&goes_on, b"HTTP/1.1 100 Continue\r\n\r\n", "it was let in");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| drip(&agent.address, "GET / HTTP/1.1\r\nX: ", &is_over));
        }
        let _over = Over(&is_over);
        // Each of these had to have one of the others sent away.
        for _ in 0..4 {
            assert_eq!(agent.get("/").status, 403);
        }
        known.write_all(b"{}").unwrap();
        let mut reply = [0; 12];
        known.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"HTTP/1.1 500", "the body is read to its end and is no certificate");
    });
}

#[test]
fn a_certificate_of_ones_own_makes_it_https_for_everybody() {
    let own = authority::self_signed();
    // Auto-TLS is on as well, but there was no exchange: the original ends here.
    let lines = "try-autossl = True\ncertfile = own.crt\nkeyfile = own.key\ntls-security-level = modern";
    let agent = Agent::start_with(lines, &[("own.crt", &own.pem), ("own.key", &own.key_pem)]);
    let reply = wire::send(&agent.address, None, "GET", "/prometheus", "").unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (200, "[]"));
    assert_eq!(reply.chain, std::slice::from_ref(&own.certificate));
    let mut stream = TcpStream::connect(&agent.address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.0 400 Bad Request\r\n"), "{text}");
    assert!(text.contains("Client sent an HTTP request to an HTTPS server."), "{text}");
}

#[test]
fn each_level_of_tls_has_its_versions_and_none_has_http_2() {
    let own = authority::self_signed();
    let files = [("own.crt", own.pem.as_str()), ("own.key", own.key_pem.as_str())];
    for (level, has_old) in [("lax", true), ("anything", true), ("Intermediate", true), ("modern", false)] {
        let lines = format!("certfile = own.crt\nkeyfile = own.key\ntls-security-level = {level}");
        let agent = Agent::start_with(&lines, &files);
        let shaken = |version| wire::shake(&agent.address, &[version]);
        assert_eq!(shaken(&TLS13).expect(level), (ProtocolVersion::TLSv1_3, None), "{level}");
        match shaken(&TLS12) {
            Ok(agreed) => assert_eq!((agreed, has_old), ((ProtocolVersion::TLSv1_2, None), true), "{level}"),
            Err(error) => assert!(!has_old && error.to_string().contains("ProtocolVersion"), "{level}: {error}"),
        }
    }
}
