//! workerd killed at any moment: no acknowledged sample is lost, none is stored twice.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgewatch_harness::objects::Sockets;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const ROUNDS: u64 = 8;

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    u64::try_from(now.as_millis()).expect("a few centuries")
}

/// A host's side of the protocol, as fast as it goes: the next three samples until they are acknowledged. Gives the highest
/// number that was acknowledged.
fn report_until(worker: &Worker, host: &TestHost, over: &AtomicBool, acknowledged: &AtomicU64) {
    let bearer = format!("Bearer {}", host.secret);
    while !over.load(Ordering::Relaxed) {
        let durable = acknowledged.load(Ordering::Relaxed);
        let samples: Vec<Value> = (durable + 1..=durable + 3)
            .map(|number| json!({ "number": number, "at_ms": now_ms(), "load1": 1 }))
            .collect();
        let body = json!({
            "agent_version": "0", "sent_at_ms": now_ms(), "oldest": durable + 1, "period_s": 10, "samples": samples
        });
        let reply =
            worker.try_request("POST", "/agent/v1/reports", &[("Authorization", &bearer)], body.to_string().as_bytes());
        // A server that is down or breaks off has acknowledged nothing.
        let Some(reply) = reply.ok().filter(|reply| reply.status == 200) else {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        };
        let Some(number) =
            serde_json::from_str::<Value>(&reply.body).ok().and_then(|body| body["durable_up_to"].as_u64())
        else {
            continue;
        };
        acknowledged.fetch_max(number, Ordering::Relaxed);
    }
}

#[test]
fn a_killed_runtime_loses_nothing_that_was_acknowledged() {
    let worker = Worker::start();
    let hosts: Vec<TestHost> = (0..3).map(|index| worker.add_host(&format!("host-{index}"))).collect();
    let acknowledged: Vec<AtomicU64> = hosts.iter().map(|_| AtomicU64::new(0)).collect();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for (host, acknowledged) in hosts.iter().zip(&acknowledged) {
            let (worker, over) = (&worker, &over);
            scope.spawn(move || report_until(worker, host, over, acknowledged));
        }
        for round in 0..ROUNDS {
            // Moments that fall differently into a report each time.
            std::thread::sleep(Duration::from_millis(300 + round * 37));
            worker.kill();
            worker.resume();
        }
        std::thread::sleep(Duration::from_millis(500));
        over.store(true, Ordering::Relaxed);
    });
    for (host, acknowledged) in hosts.iter().zip(&acknowledged) {
        let acknowledged = acknowledged.load(Ordering::Relaxed);
        let stored = worker.stored_samples(host.id);
        let count = u64::try_from(stored.len()).expect("a few thousand");
        eprintln!("host {}: {acknowledged} acknowledged, {count} stored", host.id);
        assert!(acknowledged > ROUNDS, "hardly anything was reported");
        assert!(count >= acknowledged, "acknowledged samples are missing");
        assert_eq!(stored, (1..=count).collect::<Vec<_>>(), "each sample once and in order");
    }
}

#[test]
fn what_an_object_held_before_it_slept_is_given_back() {
    const HOSTS: usize = 150;
    let worker = Worker::start();
    let hosts = worker.add_hosts("host", HOSTS);
    for host in &hosts {
        let samples: Vec<_> =
            (1..=120).map(|number| json!({ "number": number, "at_ms": now_ms(), "load1": number })).collect();
        let body = json!({
            "agent_version": "0.1.0", "sent_at_ms": now_ms(), "oldest": 1, "period_s": 10, "samples": samples,
            "host": { "platform": "x".repeat(250), "kernel": "y".repeat(250) }
        });
        let bearer = format!("Bearer {}", host.secret);
        let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    // Each read brings every host into the memory of a new incarnation.
    let memory = || {
        let reply = worker.get("/api/v1/server/details");
        assert_eq!(reply.at("/result").as_array().map(Vec::len), Some(HOSTS));
        reply.header("x-edgewatch-memory").and_then(|bytes| bytes.parse::<u64>().ok()).expect("the cost is exposed")
    };
    let sleep = || assert!(worker.evict("Hub", "hub-0", Sockets::Hibernate), "it does not sleep");
    for _ in 0..3 {
        memory();
        sleep();
    }
    let settled = memory();
    for _ in 0..12 {
        sleep();
        memory();
    }
    let after = memory();
    assert!(after <= settled + settled / 8, "{settled} bytes after three sleeps, {after} after fifteen");
}
