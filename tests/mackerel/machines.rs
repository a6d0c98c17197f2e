//! What a host of our own agent is made of: for readers with a key, in the stock agent's words, and for nobody else.

use std::time::Duration;

use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

use super::{Mackerel, key};

const MACHINE: &str = include_str!("../../worker/core/samples/native/machine.json");
/// What of it tells where the host is, and what it runs on.
const PRIVATE: [&str; 6] =
    ["02:fc:00:00:00:01", "fe80::fc:ff:fe00:1", "fd00::2", "0x1af4", "PREEMPT_DYNAMIC @0", "491520 KB"];

fn machine() -> Value {
    serde_json::from_str(MACHINE).expect("JSON")
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970");
    u64::try_from(now.as_millis()).expect("a few centuries")
}

fn report(worker: &Worker, host: &TestHost, number: u64, machine: &Value) {
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": now_ms(), "oldest": number, "period_s": 10,
        "host": {
            "platform": "debian", "platform_version": "12.11", "arch": "x86_64", "virtualization": "kvm", "kernel": "6.18.44",
            "cpu": ["Intel(R) Xeon(R) Processor 2 Virtual Core"], "gpu": [], "mem_total_bytes": 25_276_502_016_u64,
            "swap_total_bytes": 0, "disk_total_bytes": 1, "booted_at_s": 1, "addresses": "198.51.100.7", "machine": machine
        },
        "samples": [{ "number": number, "at_ms": now_ms(), "cpu_percent": 1 }]
    });
    let bearer = format!("Bearer {}", host.secret);
    let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
    assert!(reply.status == 200 && !reply.body.contains("dropped"), "{}", reply.body);
}

/// A Worker with a host of ours that reported, and a key.
fn reported(machine: &Value) -> (Mackerel, TestHost) {
    let worker = Worker::start();
    let host = worker.add_host("native");
    report(&worker, &host, 1, machine);
    // What the hub has comes to the database with its flush.
    assert!(worker.cron_at(now_ms()));
    let key = key(&worker, &["read", "write"]);
    (Mackerel { worker, key }, host)
}

#[test]
fn a_host_of_our_agent_is_told_of_in_the_stock_agents_words_and_may_be_sent_back() {
    let (mackerel, host) = reported(&machine());
    let shown = mackerel.get("/hosts?name=native")["hosts"][0].clone();
    let meta = &shown["meta"];
    assert_eq!(shown["type"], "agent");
    assert_eq!(
        meta["agent-name"].as_str().zip(meta["agent-revision"].as_str()).zip(meta["agent-version"].as_str()),
        Some((("edgewatch-agent/0.1.0 (Revision 1b684c4)", "1b684c4"), "0.1.0"))
    );
    assert_eq!(meta["block_device"]["vda"], json!({ "removable": "0", "size": "536870912", "vendor": "0x1af4" }));
    assert_eq!((meta["cpu"].as_array().map(Vec::len), &meta["cpu"][1]["core_id"]), (Some(2), &json!("1")));
    assert_eq!(meta["filesystem"]["/dev/vda"]["percent_used"], "60%");
    assert_eq!((&meta["kernel"]["os"], &meta["kernel"]["platform_name"]), (&json!("GNU/Linux"), &json!("Debian")));
    assert_eq!((&meta["memory"]["total"], &meta["memory"]["slab"]), (&json!("24684084kB"), &json!("1107244kB")));
    let interface = json!({
        "name": "eth0", "macAddress": "02:fc:00:00:00:01", "ipv4Addresses": ["192.0.2.2"], "ipAddress": "192.0.2.2",
        "ipv6Addresses": ["fd00::2", "fe80::fc:ff:fe00:1"], "ipv6Address": "fd00::2"
    });
    assert_eq!(shown["interfaces"], json!([interface]));

    // What it said before is sent back when it says something else already: it is still listened to.
    let id = shown["id"].as_str().expect("an id");
    let mut later = machine();
    later["memory"]["MemFree"] = json!(1);
    later["file_systems"][2]["used_kib"] = json!(60_000_000);
    report(&mackerel.worker, &host, 2, &later);
    assert!(mackerel.worker.cron_at(now_ms() + 3_600_000));
    mackerel.done("PUT", &format!("/hosts/{id}"), &shown);
    let after = mackerel.show(id);
    assert_eq!((&after["meta"]["memory"]["free"], &after["type"]), (&json!("1kB"), &json!("agent")));
    assert_eq!(after["meta"]["filesystem"]["/dev/vda"]["percent_used"], "61%");
    assert_eq!(after["interfaces"], shown["interfaces"]);
}

#[test]
fn an_agent_that_tells_no_details_is_named_and_nothing_else() {
    let (mackerel, _host) = reported(&json!({ "agent_revision": "1b684c4" }));
    let shown = mackerel.get("/hosts?name=native")["hosts"][0].clone();
    let keys: Vec<&String> = shown["meta"].as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["agent-name", "agent-revision", "agent-version", "cpu", "kernel", "memory"]);
    assert_eq!(shown["meta"]["memory"], json!({ "total": "24684084kB", "swap_total": "0kB" }));
    assert_eq!((&shown["interfaces"][0]["name"], &shown["type"]), (&json!("default"), &json!("agent")));
}

#[test]
fn what_a_host_is_made_of_is_in_no_answer_to_guests_and_none_in_other_words() {
    let (mackerel, host) = reported(&machine());
    let worker = &mackerel.worker;
    worker.sql("UPDATE hosts SET hidden_for_guest = 0");
    worker.sql("UPDATE settings SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE key = 'hosts_version'");
    worker.sql("INSERT INTO settings (key, value) VALUES ('guest_view', 'status')");
    assert!(worker.cron_at(now_ms()));
    report(worker, &host, 2, &machine());
    let is_private = |text: &str| PRIVATE.into_iter().find(|part| text.contains(part));
    let member = [("Authorization", worker.token.as_str())];
    // What a reader with a key may see is there to be seen.
    assert!(mackerel.call("GET", "/hosts", "").body.contains(PRIVATE[0]));
    let mut seen = 0;
    for path in
        ["/", "/service", "/network", "/api/v1/server/list", "/api/v1/server/details", "/api/edgewatch/v1/events"]
    {
        for headers in [&[][..], &member] {
            let reply = worker.get_as(path, headers);
            assert_eq!(is_private(&reply.body), None, "{path}: {}", reply.body);
            seen += usize::from(reply.status == 200 && reply.body.contains("native"));
        }
    }
    assert!(seen >= 3, "the host is shown: {seen}");
    let refused = worker.get("/api/v0/hosts");
    assert!(refused.status == 401 || is_private(&refused.body).is_none(), "{}", refused.body);
    let mut feed = Socket::open(worker.address(), "/ws", &[]).expect("guests are let in");
    match feed.next(Duration::from_secs(10)) {
        Heard::Text(text) => assert!(text.contains("native") && is_private(&text).is_none(), "{text}"),
        other => panic!("no text: {other:?}"),
    }
    let mut live = Socket::open(worker.address(), "/live", &member).expect("a member is let in");
    assert!(live.send_text(&json!({ "show": [host.id] }).to_string()));
    match live.next(Duration::from_secs(10)) {
        Heard::Text(text) => assert_eq!(is_private(&text), None, "{text}"),
        Heard::Binary(bytes) => assert_eq!(is_private(&String::from_utf8_lossy(&bytes)), None),
        other => panic!("no frame: {other:?}"),
    }
}
