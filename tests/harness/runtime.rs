//! The harness itself, on a real workerd with a Worker of its own (`stub/`).

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;

use edgewatch_harness::worker::{Builder, Fault, Worker};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn stub() -> Builder {
    Worker::builder().without_admin().build(&here("stub")).migrations(&here("stub/migrations"))
}

fn note(worker: &Worker, text: &str) -> u16 {
    worker.post(&format!("/notes?text={text}"), &[], "").status
}

fn notes(worker: &Worker) -> Vec<String> {
    serde_json::from_value(worker.get_as("/notes", &[]).json()).expect("the stub answers with texts")
}

#[test]
fn what_was_acknowledged_outlives_a_sigkill() {
    let worker = stub().start();
    for number in 0..20 {
        assert_eq!(note(&worker, &number.to_string()), 200);
    }

    worker.kill();
    assert!(worker.try_request("GET", "/notes", &[], b"").is_err(), "workerd still answers");
    worker.resume();

    assert_eq!(notes(&worker).len(), 20);
    worker.restart();
    assert_eq!(notes(&worker).len(), 20);
}

#[test]
fn the_schedule_gets_the_time_it_is_given() {
    let worker = stub().start();
    assert!(worker.cron_at(1_700_000_000_000));
    assert_eq!(notes(&worker), ["* * * * * at 1700000000000"]);
    assert!(!worker.cron_at(13), "an exception counts as a failed run");
}

#[test]
fn faults_fail_as_often_as_asked_and_where_asked() {
    let worker = stub().start();

    worker.faults(Fault::Overloaded, 2, "INSERT");
    assert_eq!([note(&worker, "a"), note(&worker, "b"), note(&worker, "c")], [503, 503, 200]);
    assert_eq!(worker.faults_fired(), 2);

    worker.faults(Fault::LostAfterCommit, 1, "");
    let reply = worker.post("/notes?text=d", &[], "");
    assert_eq!((reply.status, reply.body.as_str()), (503, "D1_ERROR: Network connection lost."));

    worker.faults(Fault::LostBefore, 1, "UPDATE");
    assert_eq!(note(&worker, "e"), 200);
    worker.faults(Fault::Off, 0, "");
    assert_eq!(notes(&worker), ["c", "d", "e"]);
}

#[test]
fn migrations_are_applied_once_and_whole() {
    let worker = stub().start();
    assert_eq!(note(&worker, "twice"), 200);
    worker.restart();
    assert_eq!(notes(&worker), ["twice", "again;"]);
}

#[test]
fn the_cost_of_a_reply_is_read() {
    let worker = stub().start();
    let cost = worker.post("/notes?text=a", &[], "").cost();
    assert_eq!((cost.d1_rows_written, cost.requests), (1, 1));
}

#[test]
fn the_worker_sees_its_client_and_knows_its_address() {
    let worker = stub().start();
    let reply = worker.get_as("/client", &[]);
    assert_eq!(reply.at("/address"), "127.0.0.1");
    assert_eq!(reply.at("/public_url"), worker.url.as_str());
    let elsewhere = worker.get_as("/client", &[("CF-Connecting-IP", "192.0.2.7")]);
    assert_eq!(elsewhere.at("/address"), "192.0.2.7");
}

#[test]
fn outgoing_requests_are_captured_and_answered() {
    let worker = stub().capture_outbound().start();
    worker.answer_outbound(503);
    assert_eq!(worker.get_as("/out?text=http://hooks.example/x", &[]).body, "503");
    let seen = worker.outbound();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0]["url"].as_str(), seen[0]["body"].as_str()), (Some("http://hooks.example/x"), Some("hello")));
}

#[test]
fn outgoing_requests_reach_loopback_servers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });

    let worker = stub().start();
    assert_eq!(worker.get_as(&format!("/out?text=http://{address}/hook"), &[]).body, "204");
    assert!(server.join().unwrap().starts_with("POST /hook "));
}

#[test]
fn a_malformed_request_is_sent_as_it_is() {
    let worker = stub().start();
    let reply = worker.send_raw(b"NOT HTTP\r\n\r\n").unwrap();
    assert_eq!(reply.status, 400);
}

#[test]
fn nothing_runs_on_after_the_drop() {
    let worker = stub().start();
    let address = worker.address().to_owned();
    drop(worker);
    assert!(std::net::TcpStream::connect(address).is_err(), "the port still answers");
}
