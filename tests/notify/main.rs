//! People are told: every kind of channel against a real receiver on loopback, and delivery when receivers are down, refuse, dawdle or
//! break, with restarts in between.

mod delivery;
mod heard;
mod kinds;
mod mail;
mod thresholds;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgewatch_harness::http::Reply;
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const CHANNELS: &str = "/api/edgewatch/v1/channels";
const MINUTE: u64 = 60_000;

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    u64::try_from(now.as_millis()).expect("a few centuries")
}

/// Asks for a channel.
fn try_channel(worker: &Worker, kind: &str, group: &str, config: &Value) -> Reply {
    let body = json!({ "name": kind, "kind": kind, "group": group, "config": config }).to_string();
    worker.post(CHANNELS, &[("Authorization", &worker.token)], &body)
}

/// Makes a channel and gives its number.
fn channel(worker: &Worker, kind: &str, config: &Value) -> u64 {
    let made = try_channel(worker, kind, "", config);
    assert_eq!(made.status, 201, "{kind}: {}", made.body);
    made.at("/id").as_u64().expect("a number")
}

/// What the channel's receiver answers to a test.
fn test(worker: &Worker, id: u64) -> Value {
    let reply = worker.post(&format!("{CHANNELS}/{id}/test"), &[("Authorization", &worker.token)], "");
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

/// Hosts that have reported a moment ago, and the moment from which minutes are counted.
fn hosts(worker: &Worker, names: &[&str]) -> (Vec<TestHost>, u64) {
    let hosts = names.iter().map(|name| {
        let host = worker.add_host(name);
        let body = json!({
            "agent_version": "0.1.0", "sent_at_ms": now_ms(), "oldest": 1, "period_s": 10,
            "samples": [{ "number": 1, "at_ms": now_ms(), "load1": 1.5, "cpu_percent": 12.5, "mem_used_bytes": 1024 }]
        });
        let bearer = format!("Bearer {}", host.secret);
        let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
        assert_eq!(reply.status, 200, "{}", reply.body);
        host
    });
    let hosts = hosts.collect();
    // The alarm that first reports set for a second later has rung by then; from here on the schedule is alone.
    worker.set_clock_ahead(2_000);
    (hosts, now_ms() + 2_000)
}

/// Fires the schedule at these minutes after `start`. Hosts that reported before `start` are offline at minute 1.
fn run(worker: &Worker, start: u64, minutes: std::ops::RangeInclusive<u64>) {
    for minute in minutes {
        // The Worker's clock shows what the schedule says: else whatever rings would judge in the past.
        let at_ms = start + minute * MINUTE;
        worker.set_clock_ahead(at_ms.cast_signed() - now_ms().cast_signed());
        assert!(worker.cron_at(at_ms), "the run of minute {minute}");
    }
}

/// The keys of everything that happened so far. There may be more than a test asks for, as when it restarts the runtime: hosts that come
/// back, judgement that is suspended.
fn events(worker: &Worker) -> BTreeSet<String> {
    let found = worker.sql("SELECT key FROM events");
    let rows = found["results"].as_array().into_iter().flatten();
    rows.filter_map(|row| row["key"].as_str()).map(str::to_owned).collect()
}

/// Waits until everything that happened was told, as `told` has it, and nothing is left to be sent; at least so many hosts are among
/// it that went offline.
fn wait_until_all_told(worker: &Worker, offline: u64, mut told: impl FnMut() -> BTreeSet<String>) {
    assert!(worker.events("host_offline") >= offline);
    wait_until("everything to be told", Duration::from_secs(20), || {
        (events(worker) == told() && waiting(worker) == 0).then_some(())
    });
}

/// How many notifications wait.
fn waiting(worker: &Worker) -> u64 {
    let found = worker.sql("SELECT count(*) AS count FROM outbox WHERE failed_at_s IS NULL");
    found["results"][0]["count"].as_u64().expect("a count")
}
