//! The harness itself, on a real workerd with a Worker of its own (`stub/`).

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use edgewatch_harness::objects::{Exhausted, Sockets};
use edgewatch_harness::proxy::{Network, Proxy};
use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::{Builder, Fault, Worker};
use serde_json::Value;

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

/// Asks the stub's object to do something; its state, or the words it failed with.
fn object(worker: &Worker, what: &str) -> Result<Value, String> {
    let reply = worker.get_as(&format!("/object?text=hub-0&do={what}"), &[]);
    if reply.status == 200 { Ok(reply.json()) } else { Err(reply.body) }
}

#[test]
fn what_objects_use_is_counted() {
    let worker = stub().start();
    object(&worker, "state").unwrap();
    worker.reset_meters();
    for what in ["write", "alarm", "seed"] {
        object(&worker, what).unwrap();
    }
    let meters = worker.meters();
    for (name, count) in [
        ("constructed", 0),
        ("fetches", 3),
        ("rows_written", 1),
        ("alarms_set", 1),
        ("alarms", 0),
        ("d1_rows_written", 1),
    ] {
        assert_eq!(meters.class("Hub", name), count, "{name}");
    }
    assert_eq!((meters.worker("requests"), meters.worker("d1_rows_written")), (3, 0));
    let usage = meters.usage();
    assert!(usage.object_bytes > 0 && usage.d1_bytes > 0 && usage.object_rows_read > 0, "{usage:?}");
    assert_eq!((usage.worker_requests, usage.object_calls, usage.d1_rows_written), (3, 3, 1));
}

#[test]
fn each_meter_is_used_up_in_the_platforms_words() {
    let worker = stub().start();
    for (meter, what, words) in [
        (Exhausted::D1RowsRead, "seed", "daily row read limit"),
        (Exhausted::D1RowsWritten, "seed", "daily row write limit"),
        (Exhausted::D1Storage, "seed", "Exceeded maximum DB size"),
        (Exhausted::ObjectRowsRead, "state", "Exceeded allowed rows read in Durable Objects free tier."),
        (Exhausted::ObjectRowsWritten, "write", "Exceeded allowed rows written in Durable Objects free tier."),
        (Exhausted::ObjectRowsWritten, "alarm", "Exceeded allowed rows written"),
        (Exhausted::ObjectStorage, "write", "database or disk is full: SQLITE_FULL"),
        (Exhausted::ObjectRequests, "state", "Exceeded allowed volume of requests in Durable Objects free tier."),
        (Exhausted::ObjectDuration, "state", "Exceeded allowed duration in Durable Objects free tier."),
        (Exhausted::WorkerRequests, "state", "error code: 1027"),
    ] {
        object(&worker, "state").unwrap();
        worker.exhaust(meter);
        let refused = object(&worker, what).unwrap_err();
        assert!(refused.contains(words), "{meter:?}: {refused}");
        assert!(worker.refill(meter) > 0, "{meter:?}");
        object(&worker, what).unwrap();
    }
    worker.exhaust_for(Exhausted::ObjectRowsWritten, 1, "INTO notes");
    assert!(object(&worker, "alarm").is_ok(), "another table");
    assert!(object(&worker, "write").is_err());
    assert!(object(&worker, "write").is_ok(), "once");
    worker.exhaust(Exhausted::ObjectRowsWritten);
    assert!(object(&worker, "state").is_ok(), "reading is another meter");
    // A restart forgets it; what was written stays.
    let before = object(&worker, "state").unwrap();
    worker.restart();
    let after = object(&worker, "write").unwrap();
    assert_eq!(after["count"].as_u64(), before["count"].as_u64().map(|count| count + 1));
}

#[test]
fn the_clock_of_an_object_is_live_and_its_alarms_go_by_it() {
    let worker = stub().start();
    let born = object(&worker, "alarm").unwrap()["born"].clone();
    let clock = || {
        let state = object(&worker, "state").unwrap();
        assert_eq!(state["born"], born, "the same instance");
        (state["offset_ms"].as_i64(), state["count"].as_u64())
    };
    assert_eq!(clock(), (Some(0), Some(0)));
    worker.set_clock_ahead(3_599_000);
    assert_eq!(clock(), (Some(3_599_000), Some(0)), "a second before");
    worker.set_clock_ahead(3_600_500);
    assert_eq!(clock(), (Some(3_600_500), Some(1)));
    worker.set_clock_ahead(-3_600_000);
    worker.set_clock_ahead(7_200_000);
    assert_eq!(clock(), (Some(7_200_000), Some(1)), "an alarm runs once");
    assert_eq!(worker.meters().class("Hub", "alarms"), 1);

    // An hour from now, some real milliseconds after the last move.
    object(&worker, "alarm").unwrap();
    worker.step_clock_ahead(10_800_000);
    assert_eq!(worker.meters().class("Hub", "alarms"), 2);
}

#[test]
fn an_evicted_object_keeps_its_database_alone() {
    let worker = stub().start();
    assert!(!worker.evict("Hub", "hub-0", Sockets::Hibernate), "nothing runs yet");
    let before = object(&worker, "write").unwrap();
    assert!(worker.evict("Hub", "hub-0", Sockets::Close));
    let after = object(&worker, "state").unwrap();
    assert_ne!(before["born"], after["born"]);
    assert_eq!(before["count"], after["count"]);
    let rows = worker.object_sql("Hub", "hub-0", "SELECT hex(text) AS text FROM notes");
    assert_eq!(rows, [serde_json::json!({ "text": "7772697474656E" })]);
}

const SOON: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(400);
const SOCKET: &str = "/object?text=hub-0&do=socket";

/// What the stub's object answers: who it is, its attachment, what was said.
fn say(socket: &mut Socket, text: &str) -> Vec<String> {
    assert!(socket.send_text(text), "the socket is gone");
    match socket.next(SOON) {
        Heard::Text(answer) => answer.split(' ').map(str::to_owned).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_socket_sleeps_through_an_eviction_or_is_closed_by_it() {
    let worker = stub().start();
    let mut socket = Socket::open(worker.address(), SOCKET, &[]).expect("it opens");
    let before = say(&mut socket, "hello");
    assert_eq!(before[1..], ["kept", "hello"]);
    assert!(worker.evict("Hub", "hub-0", Sockets::Hibernate));
    let after = say(&mut socket, "again");
    assert_ne!(before[0], after[0], "a new instance");
    assert_eq!(after[1..], ["kept", "again"], "with the attachment");

    assert!(worker.evict("Hub", "hub-0", Sockets::Close));
    assert!(matches!(socket.next(SOON), Heard::Closed(_)));

    let mut sockets: Vec<Socket> =
        (0..3).map(|_| Socket::open(worker.address(), SOCKET, &[]).expect("it opens")).collect();
    assert_eq!(worker.sockets("Hub", "hub-0"), 3);
    assert_eq!(worker.close_sockets("Hub", "hub-0", 1012), 3);
    for socket in &mut sockets {
        assert_eq!(socket.next(SOON), Heard::Closed(Some(1012)));
    }
    let meters = worker.meters();
    assert_eq!((meters.class("Hub", "messages"), meters.class("Hub", "fetches")), (2, 4));

    // Cut while they sleep, they leave nothing behind.
    let proxy = Proxy::start(worker.address());
    let sleeping = Socket::open(&proxy.address, SOCKET, &[]).expect("it opens");
    assert!(worker.evict("Hub", "hub-0", Sockets::Hibernate));
    proxy.reset();
    drop(sleeping);
    object(&worker, "state").unwrap();
    assert!(worker.evict("Hub", "hub-0", Sockets::Close));
}

#[test]
fn pings_wake_nobody_and_their_time_is_the_moved_clocks() {
    let worker = stub().start();
    let mut socket = Socket::open(worker.address(), SOCKET, &[]).expect("it opens");
    let ages = || {
        let state = object(&worker, "state").unwrap();
        let now_ms = state["now_ms"].as_i64().unwrap();
        let stamps = state["stamps"].as_array().cloned().unwrap_or_default();
        stamps.iter().map(|stamp| stamp.as_i64().map(|stamp| (now_ms - stamp) / 1000)).collect::<Vec<_>>()
    };
    assert_eq!(ages(), [None]);
    worker.set_clock_ahead(100_000);
    assert!(socket.send_text("ping"));
    assert_eq!(socket.next(SOON), Heard::Text("pong".to_owned()));
    assert!(matches!(ages()[..], [Some(0..=5)]), "{:?}", ages());
    worker.set_clock_ahead(160_000);
    assert!(matches!(ages()[..], [Some(60..=65)]), "{:?}", ages());
    worker.set_clock_ahead(40_000);
    assert!(matches!(ages()[..], [Some(-60..=-55)]), "{:?}", ages());
    assert_eq!(worker.meters().class("Hub", "messages"), 0);
}

#[test]
fn a_message_that_finds_its_meter_used_up_is_lost() {
    let worker = stub().start();
    let mut socket = Socket::open(worker.address(), SOCKET, &[]).expect("it opens");
    worker.exhaust_for(Exhausted::ObjectRequests, 1, "message");
    assert!(socket.send_text("lost"));
    assert_eq!(socket.next(SHORT), Heard::Nothing);
    assert_eq!(say(&mut socket, "heard")[2], "heard");
}

#[test]
fn the_network_can_vanish_with_and_without_a_word() {
    let worker = stub().start();
    let proxy = Proxy::start(worker.address());
    let mut socket = Socket::open(&proxy.address, SOCKET, &[]).expect("it opens");
    assert_eq!(say(&mut socket, "through")[2], "through");

    proxy.set(Network::BlackHole);
    assert!(socket.send_text("into the hole"));
    assert_eq!(socket.next(SHORT), Heard::Nothing);
    proxy.set(Network::Slow);
    assert!(matches!(socket.next(SOON), Heard::Text(text) if text.ends_with("into the hole")));

    proxy.set(Network::Up);
    proxy.reset();
    assert_eq!(socket.next(SOON), Heard::Closed(None));
    let mut socket = Socket::open(&proxy.address, SOCKET, &[]).expect("the network is up");
    proxy.set(Network::Down);
    assert_eq!(socket.next(SOON), Heard::Closed(None));
    assert!(Socket::open(&proxy.address, SOCKET, &[]).is_err());
    proxy.set(Network::Up);
    assert!(Socket::open(&proxy.address, SOCKET, &[]).is_ok());
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
