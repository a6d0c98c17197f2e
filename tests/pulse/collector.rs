//! An agent that polls speaks to the Worker: what it found becomes hosts with their series.

use std::time::Duration;

use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const WAIT: Duration = Duration::from_secs(20);

/// Waits until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    wait_until(what, WAIT, || is_so().then_some(()));
}

/// A socket that speaks as an agent does.
pub(crate) struct Collector {
    pub(crate) socket: Socket,
    instance: String,
}

/// The time of now.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970");
    i64::try_from(since.as_millis()).expect("before the end of time")
}

fn hear(socket: &mut Socket) -> Value {
    match socket.next(WAIT) {
        Heard::Text(text) => serde_json::from_str(&text).expect("JSON"),
        other => panic!("{other:?} in the place of a message"),
    }
}

fn open(worker: &Worker, host: &TestHost) -> Socket {
    let bearer = format!("Bearer {}", host.secret);
    Socket::open(worker.address(), "/agent/v1/proxmox", &[("Authorization", &bearer)]).expect("an upgrade")
}

impl Collector {
    /// One that has an instance of its own file, after its welcome.
    pub(crate) fn begin(worker: &Worker, host: &TestHost, run: &str) -> (Self, Value) {
        let mut socket = open(worker, host);
        let local = json!([{ "key": "lab", "kind": "pve", "name": "lab", "host": "https://192.0.2.10:8006" }]);
        let hello = json!({ "t": "hello", "version": 1, "run": run, "sent_at_ms": now_ms(), "local": local });
        assert!(socket.send_text(&hello.to_string()));
        let welcome = hear(&mut socket);
        assert_eq!(welcome["t"], "welcome", "{welcome}");
        let instance = welcome["instances"][0]["id"].as_str().expect("an instance").to_owned();
        (Self { socket, instance }, welcome)
    }

    pub(crate) fn say(&mut self, mut message: Value) -> Value {
        message["instance"] = self.instance.as_str().into();
        assert!(self.socket.send_text(&message.to_string()));
        loop {
            let heard = hear(&mut self.socket);
            // Somebody looks, or something was changed: neither is an answer.
            if !["watch", "welcome"].contains(&heard["t"].as_str().unwrap_or_default()) {
                return heard;
            }
        }
    }

    /// Tells of a lab of two nodes, of which one has a machine and a container.
    pub(crate) fn census(&mut self) {
        let body = json!([
            { "cluster": { "is_cluster": true, "name": "lab", "endpoints": [{ "id": "node/pve1", "node": "pve1", "ip": "192.0.2.10" }] } },
            { "node": { "name": "pve1", "pve_version": "pve-manager/8.4.9/649acf70", "cores": 16 } },
            { "node": { "name": "pve2" } },
            { "guest": { "vmid": 101, "kind": 0, "node": "pve1", "name": "web", "cpus": 4 } },
            { "guest": { "vmid": 201, "kind": 1, "node": "pve1", "name": "dns", "cpus": 1 } },
            { "storage": { "name": "local", "node": "pve1", "kind": "dir", "content": "backup" } },
        ]);
        let kept =
            self.say(json!({ "t": "section", "name": "census", "hash": "c1", "part": 1, "parts": 1, "body": body }));
        assert_eq!((&kept["t"], &kept["hash"]), (&json!("kept"), &json!("c1")));
    }

    /// Tells of polls and waits until they are kept.
    pub(crate) fn frame(&mut self, n: u64, polls: &[Value]) {
        let durable = self.say(json!({ "t": "frame", "n": n, "sent_at_ms": now_ms(), "polls": polls }));
        assert_eq!((&durable["t"], &durable["n"]), (&json!("durable"), &json!(n)), "{durable}");
    }
}

/// A poll in which `web` runs or not.
pub(crate) fn poll(at_ms: i64, cpu: f64, web_runs: bool) -> Value {
    json!({
        "at_ms": at_ms, "took_ms": 40,
        "nodes": [
            { "name": "pve1", "status": "online", "cpu": cpu, "mem_used": 4_000, "mem_total": 16_000, "uptime_s": 500, "load": [1, 2, 3] },
            { "name": "pve2", "status": "offline" },
        ],
        "guests": [
            [101, 0, i32::from(web_runs), if web_runs { cpu } else { 0.0 }, 500, 900, 0, 9_000, 10, 20, 30, 40, 60],
            [201, 1, 1, 0.5, 100, 200, 50, 80, 1, 2, 3, 4, 60],
        ],
        "storages": [["local", "pve1", "available", 5, 9, 4]],
    })
}

fn hosts(worker: &Worker) -> Vec<(String, String, String)> {
    let rows = worker.sql("SELECT h.name, h.class, coalesce(p.name, '') AS parent FROM hosts h LEFT JOIN hosts p ON p.id = h.parent_id WHERE h.retired_at_s IS NULL ORDER BY h.id");
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    rows["results"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (text(row, "name"), text(row, "class"), text(row, "parent")))
        .collect()
}

/// Names of hosts that Nezha's clients see as they see those that are up, with how they see the others.
fn online(worker: &Worker) -> Vec<(String, bool)> {
    let reply = worker.get("/api/v1/server/list");
    let all = reply.at("/result");
    let seen = |host: &Value| {
        (host["name"].as_str().unwrap_or_default().to_owned(), host["last_active"].as_i64().unwrap_or(0) > 0)
    };
    all.as_array().expect("hosts").iter().map(seen).collect()
}

#[test]
fn what_an_agent_polls_becomes_hosts_that_every_dialect_sees() {
    let worker = Worker::start();
    let host = worker.add_host("collector");
    let (mut collector, welcome) = Collector::begin(&worker, &host, "r1");
    assert_eq!(welcome["instances"][0]["local"], "lab");
    assert!(welcome["instances"][0].get("password").is_none());
    collector.census();
    let now = now_ms();
    let polls: Vec<Value> = (0..12).map(|step| poll(now - 300_000 + step * 10_000, 0.25, true)).collect();
    collector.frame(1, &polls);
    let expected = [
        ("collector", "machine", ""),
        ("pve1", "node", ""),
        ("pve2", "node", ""),
        ("web", "qemu", "pve1"),
        ("dns", "lxc", "pve1"),
    ];
    let expected: Vec<_> =
        expected.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect();
    until("the hosts", || hosts(&worker) == expected);
    until("three that are up", || online(&worker).iter().filter(|(_, is_up)| *is_up).count() == 3);
    // The node's minutes lie in its blocks, those of its guests with them.
    let series = || {
        let from_s = (now - 600_000) / 1000;
        let path =
            format!("/api/edgewatch/v1/series?hosts=2&metrics=cpu_percent,guest.101.mem_used_bytes&from={from_s}");
        let reply = worker.get(&path);
        let of = |place: usize| -> Vec<f64> {
            let points = reply.at(&format!("/series/{place}/average"));
            points.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
        };
        (of(0), of(1))
    };
    until("the minutes", || !series().0.is_empty());
    let (cpu, memory) = series();
    assert!(cpu.iter().all(|value| (value - 25.0).abs() < 0.1), "{cpu:?}");
    assert!(memory.iter().all(|value| (value - 500.0).abs() < 0.1) && !memory.is_empty(), "{memory:?}");
}

#[test]
fn a_guest_that_stops_is_offline_and_nobody_is_because_a_poll_failed() {
    let worker = Worker::start();
    let host = worker.add_host("collector");
    let (mut collector, _) = Collector::begin(&worker, &host, "r1");
    collector.census();
    let presence = |name: &str| {
        let rows = worker.sql(&format!(
            "SELECT s.presence FROM hosts h JOIN host_states s ON s.host_id = h.id WHERE h.name = '{name}'"
        ));
        rows["results"][0]["presence"].as_i64().unwrap_or(-1)
    };
    collector.frame(1, &[poll(now_ms(), 0.25, true)]);
    until("web to run", || presence("web") == 1);
    let error = json!({ "at_ms": now_ms(), "error": { "kind": "unreachable", "text": "nobody answers" } });
    collector.frame(2, &[error]);
    collector.frame(3, &[poll(now_ms(), 0.25, false)]);
    until("web to stop", || presence("web") == 2);
    assert_eq!((presence("pve1"), presence("dns"), presence("pve2")), (1, 1, 2));
    assert_eq!(worker.events("host_offline"), 1);
}

#[test]
fn a_frame_is_taken_once_and_what_is_kept_is_not_asked_for_again() {
    let worker = Worker::start();
    let host = worker.add_host("collector");
    let (mut collector, welcome) = Collector::begin(&worker, &host, "r1");
    assert_eq!((&welcome["have"][&collector.instance], &welcome["durable"]), (&json!({}), &Value::Null));
    collector.census();
    let polls = [poll(now_ms(), 0.25, true)];
    collector.frame(1, &polls);
    collector.frame(1, &polls);
    until("five hosts", || hosts(&worker).len() == 5);
    collector.socket.close(1000);
    worker.restart();
    let (mut again, welcome) = Collector::begin(&worker, &host, "r1");
    assert_eq!(welcome["have"][&again.instance], json!({ "census": "c1" }));
    assert_eq!(welcome["durable"][&again.instance], 1);
    again.frame(2, &polls);
    assert_eq!(hosts(&worker).len(), 5, "no host twice");
}

#[test]
fn nobody_else_may_come_and_what_is_no_message_ends_it() {
    let worker = Worker::start();
    let host = worker.add_host("collector");
    let refused = |secret: &str| {
        let bearer = format!("Bearer {secret}");
        Socket::open(worker.address(), "/agent/v1/proxmox", &[("Authorization", &bearer)]).err()
    };
    assert_eq!((refused("wrongwrongwrongwro"), refused("")), (Some(401), Some(401)));
    for bad in ["", "{", "[]", r#"{"t":"frame","instance":"1","n":1}"#, r#"{"t":"hello","version":9,"run":"x"}"#] {
        let mut socket = open(&worker, &host);
        assert!(socket.send_text(bad));
        assert_eq!(hear(&mut socket)["t"], "bye", "{bad}");
        assert!(matches!(socket.next(WAIT), Heard::Closed(_)));
    }
    let (mut collector, _) = Collector::begin(&worker, &host, "r1");
    // Of an instance that it was not told to poll.
    let foreign = json!({ "t": "frame", "instance": "99", "n": 1, "polls": [poll(now_ms(), 0.1, true)] });
    assert!(collector.socket.send_text(&foreign.to_string()));
    assert!(collector.socket.send_text(r#"{"t":"ping"}"#));
    assert_eq!(hear(&mut collector.socket)["t"], "pong");
    assert_eq!(hosts(&worker).len(), 1);
}
