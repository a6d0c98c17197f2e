//! Probes in our own words: made, told to agents, asked from the edge, and how they fared.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const PROBES: &str = "/api/edgewatch/v1/probes";

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    u64::try_from(now.as_millis()).expect("a few centuries")
}

fn make(worker: &Worker, body: &Value) -> Reply {
    worker.post(PROBES, &[("Authorization", &worker.token)], &body.to_string())
}

fn made(worker: &Worker, body: &Value) -> i64 {
    let reply = make(worker, body);
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.at("/id").as_i64().expect("a number")
}

/// A report of one sample with what came of probes; `version` is the list that the agent goes by.
fn report(worker: &Worker, host: &TestHost, number: u64, version: Option<u64>, probes: &Value) -> Reply {
    let mut body = json!({
        "agent_version": "0.1.0", "sent_at_ms": now_ms(), "oldest": number, "period_s": 10,
        "samples": [{ "number": number, "at_ms": now_ms(), "load1": 1, "probes": probes }]
    });
    if let Some(version) = version {
        body["probes_version"] = json!(version);
    }
    let bearer = format!("Bearer {}", host.secret);
    let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
    assert_eq!(reply.at("/durable_up_to"), json!(number), "{}", reply.body);
    reply
}

/// A server on loopback that counts who comes; what it says to each.
fn server(says: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let Ok(mut stream) = stream else { continue };
            thread::spawn(move || {
                let mut head = [0; 1024];
                if !says.is_empty() && stream.read(&mut head).is_ok() {
                    let _ = stream.write_all(says.as_bytes());
                }
            });
        }
    });
    (address, count)
}

#[test]
fn a_probe_is_made_shown_replaced_and_deleted() {
    let worker = Worker::start();
    let body = json!({
        "name": "web", "kind": "http", "target": "https://example.com/", "hosts": { "all_but": [2] }, "from_edge": true,
        "public": true, "notify": { "state": true, "group": "night" }
    });
    assert_eq!(made(&worker, &body), 1);
    let shown = worker.get(&format!("{PROBES}/1"));
    assert_eq!(
        (shown.status, shown.at("/interval_s"), shown.at("/hosts")),
        (200, json!(30), json!({ "all_but": [2] }))
    );
    assert_eq!(worker.get(PROBES).at("/probes/0"), shown.at(""));
    let header = [("Authorization", worker.token.as_str())];
    let other = json!({ "name": "gate", "kind": "icmp", "target": "192.0.2.1" }).to_string();
    let replaced = worker.request("PUT", &format!("{PROBES}/1"), &header, &other);
    assert_eq!((replaced.status, replaced.at("/name"), replaced.at("/from_edge")), (200, json!("gate"), json!(false)));
    assert_eq!(worker.request("DELETE", &format!("{PROBES}/1"), &header, "").status, 204);
    for (method, path, body) in
        [("GET", "/1", ""), ("DELETE", "/1", ""), ("PUT", "/1", other.as_str()), ("GET", "/x", "")]
    {
        assert_eq!(worker.request(method, &format!("{PROBES}{path}"), &header, body).status, 404, "{method} {path}");
    }
    assert_eq!(worker.request("GET", PROBES, &[], "").status, 401);
    assert_eq!(worker.post(PROBES, &[], &other).status, 401);
    assert_eq!(worker.post(PROBES, &header, "{").status, 400);
    let changes = worker.sql("SELECT action FROM audit WHERE action LIKE 'probe.%' ORDER BY key");
    let actions: Vec<&str> =
        changes["results"].as_array().into_iter().flatten().filter_map(|row| row["action"].as_str()).collect();
    assert_eq!(actions, ["probe.create", "probe.update", "probe.delete"]);
}

#[test]
fn a_target_that_the_platform_cannot_reach_is_refused_with_the_reason() {
    let worker = Worker::start();
    for (kind, target, words) in [
        ("icmp", "example.com", "no pings"),
        ("tcp", "mail.example.com:25", "port 25"),
        ("tcp", "10.0.0.1:80", "private network"),
        ("http", "http://127.0.0.1:8787/", "private network"),
        ("tcp", "104.16.0.1:443", "own network"),
        ("http", "https://8.8.8.8/", "use a name"),
    ] {
        let mut body = json!({ "name": "x", "kind": kind, "target": target, "from_edge": true });
        let refused = make(&worker, &body);
        assert_eq!((refused.status, refused.at("/error/field")), (400, json!("target")), "{}", refused.body);
        assert!(
            refused.at("/error/message").as_str().is_some_and(|message| message.contains(words)),
            "{}",
            refused.body
        );
        // Agents may be sent there.
        body["from_edge"] = json!(false);
        assert_eq!(make(&worker, &body).status, 201);
    }
}

#[test]
fn an_agent_that_posts_gets_its_list_once() {
    let worker = Worker::start();
    let hosts = worker.add_hosts("h", 2);
    let none = report(&worker, &hosts[0], 1, Some(0), &json!([]));
    assert_eq!(none.at("")["probes"], Value::Null);
    made(
        &worker,
        &json!({ "name": "a", "kind": "tcp", "target": "192.0.2.1:80", "interval_s": 60, "hosts": { "only": [hosts[0].id] } }),
    );
    let told = report(&worker, &hosts[0], 2, Some(0), &json!([])).at("/probes");
    assert_eq!(told["probes"], json!([{ "id": 1, "kind": 3, "target": "192.0.2.1:80", "interval_s": 60 }]));
    let version = told["version"].as_u64().expect("a number");
    assert_eq!(report(&worker, &hosts[0], 3, Some(version), &json!([])).at("")["probes"], Value::Null);
    assert_eq!(report(&worker, &hosts[0], 4, None, &json!([])).at("")["probes"], Value::Null, "an agent of before");
    assert_eq!(report(&worker, &hosts[1], 1, Some(0), &json!([])).at("")["probes"], Value::Null, "it is not covered");
    // The hub knows after a restart, too.
    worker.restart();
    assert_eq!(report(&worker, &hosts[0], 5, Some(0), &json!([])).at("/probes/version"), json!(version));
    assert_eq!(worker.request("DELETE", &format!("{PROBES}/1"), &[("Authorization", &worker.token)], "").status, 204);
    assert_eq!(report(&worker, &hosts[0], 6, Some(version), &json!([])).at("/probes/probes"), json!([]));
}

#[test]
fn results_cost_no_row_and_impossible_ones_are_left_out() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    made(&worker, &json!({ "name": "a", "kind": "tcp", "target": "192.0.2.1:80" }));
    let cost = |reply: &Reply| {
        let cost = reply.header("x-edgewatch-cost").expect("a cost").to_owned();
        cost.split(',').nth(3).and_then(|rows| rows.parse::<u64>().ok()).expect("rows written in the object")
    };
    report(&worker, &host, 1, Some(0), &json!([]));
    let without = cost(&report(&worker, &host, 2, Some(0), &json!([])));
    let many: Vec<Value> = (1..=200).map(|id| json!({ "id": id, "delay_ms": f64::from(id) / 7.0 })).collect();
    assert_eq!(cost(&report(&worker, &host, 3, Some(0), &json!(many))), without);
    let wrong = json!([{ "id": 0, "delay_ms": 1 }, { "id": 5, "delay_ms": -1 }, { "id": 6, "delay_ms": "x" }, { "id": 7, "delay_ms": 1 },
        { "id": 7, "delay_ms": 2 }]);
    let dropped = report(&worker, &host, 4, Some(0), &wrong).at("/dropped");
    assert_eq!(dropped.as_array().map(Vec::len), Some(4), "{dropped}");
}

#[test]
fn the_summary_tells_members_all_and_guests_what_is_public() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    made(&worker, &json!({ "name": "shown", "kind": "tcp", "target": "192.0.2.1:80", "public": true }));
    made(&worker, &json!({ "name": "kept", "kind": "icmp", "target": "192.0.2.2" }));
    for number in 1..=4 {
        let bad = json!([{ "id": 1, "note": "connection refused <b>" }]);
        let result =
            if number == 4 { bad } else { json!([{ "id": 1, "delay_ms": 10.5, "tls_expires_s": 1_900_000_000 }]) };
        report(&worker, &host, number, None, &result);
    }
    let summary = worker.get(&format!("{PROBES}/summary"));
    assert_eq!(
        (summary.status, summary.at("/probes/0/name"), summary.at("/probes/1/name")),
        (200, json!("shown"), json!("kept"))
    );
    assert_eq!((summary.at("/probes/0/delay_ms"), summary.at("/probes/0/state")), (json!(10.5), json!("good")));
    assert_eq!(summary.at("/probes/0/notes"), json!([{ "host": host.id, "text": "connection refused <b>" }]));
    assert_eq!(summary.at("/probes/0/tls_expires_s"), 1_900_000_000);
    let days = summary.at("/probes/0/days");
    assert_eq!(days.as_array().map(Vec::len), Some(30));
    assert_eq!(
        (&days[29], &days[0]),
        (&json!({ "results": 4, "up_percent": 75.0 }), &json!({ "results": 0, "up_percent": null }))
    );
    assert_eq!((summary.at("/probes/1/state"), summary.at("/probes/1/target")), (json!("no_data"), json!("192.0.2.2")));
    let guest = || worker.get_as(&format!("{PROBES}/summary"), &[]);
    assert_eq!(guest().status, 401);
    worker.sql("INSERT INTO settings (key, value) VALUES ('guest_view', 'status')");
    let shown = guest();
    assert_eq!((shown.status, shown.at("/probes").as_array().map(Vec::len)), (200, Some(1)));
    assert!(!shown.body.contains("192.0.2") && !shown.body.contains("refused"), "{}", shown.body);
}

#[test]
fn the_worker_asks_in_its_runs_at_most_once_a_minute_and_is_in_no_list() {
    // On a machine of one's own the platform's ban of private networks does not hold.
    let worker = Worker::builder().var("PLAN", "own").start();
    let (page, asked) = server("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    let (port, connected) = server("");
    let (down, _) = server("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let edge = |name: &str, kind: &str, target: String| json!({ "name": name, "kind": kind, "target": target, "from_edge": true });
    made(&worker, &edge("page", "http", format!("http://{page}/")));
    made(&worker, &edge("port", "tcp", port));
    made(&worker, &edge("down", "http", format!("http://{down}/")));
    made(&worker, &edge("closed", "tcp", "127.0.0.1:1".to_owned()));
    let start = now_ms();
    assert!(worker.cron_at(start) && worker.cron_at(start + 20_000) && worker.cron_at(start + 60_000));
    assert_eq!(
        (asked.load(Ordering::SeqCst), connected.load(Ordering::SeqCst)),
        (2, 2),
        "once a minute: {}",
        worker.log()
    );
    worker.set_clock_ahead(61_000);
    let summary = worker.get(&format!("{PROBES}/summary"));
    let edge = |at: usize| summary.at(&format!("/probes/{at}/edge"));
    for (at, state, percent) in [(0, "good", 100.0), (1, "good", 100.0), (2, "down", 0.0), (3, "down", 0.0)] {
        let found = edge(at);
        assert_eq!((&found["place"], &found["state"]), (&json!("edge"), &json!(state)), "{found}");
        let today: f64 = found["days"].as_array().into_iter().flatten().filter_map(|day| day["results"].as_f64()).sum();
        assert!((today - 2.0).abs() < 1e-9, "{found}");
        let percents: Vec<f64> =
            found["days"].as_array().into_iter().flatten().filter_map(|day| day["up_percent"].as_f64()).collect();
        assert!(percents.iter().all(|one| (one - percent).abs() < 1e-9), "{found}");
    }
    let notes = summary.at("/probes/2/notes");
    assert_eq!(notes, json!([{ "host": 0, "text": "status 503" }]));
    assert!(edge(0)["delay_ms"].as_f64().is_some_and(|delay| (0.0..2_000.0).contains(&delay)));
    assert_eq!(worker.get("/api/v1/server/list").at("/result"), json!([]), "the edge is no host");
    assert_eq!(worker.get("/api/v1/monitor/0").status, 404);
}

#[test]
fn a_run_asks_at_most_forty_and_every_probe_has_its_turn() {
    let worker = Worker::builder().var("PLAN", "own").start();
    let (port, connected) = server("");
    for number in 0..90 {
        made(&worker, &json!({ "name": format!("p{number}"), "kind": "tcp", "target": port, "from_edge": true }));
    }
    let start = now_ms() / 60_000 * 60_000;
    let mut before = 0;
    for run in 0..3 {
        assert!(worker.cron_at(start + run * 60_000));
        let now = connected.load(Ordering::SeqCst);
        assert!(now - before <= 40, "{}", now - before);
        before = now;
    }
    assert_eq!(before, 90);
}
