//! `bench pulse`: the shipped agent polls a large cluster and tells the Worker of it. How long programs for Pulse wait for what they ask,
//! how large it is, and what all of it costs.

use std::thread;
use std::time::{Duration, Instant};

use edgewatch_harness::agent::{Agent, full_binary};
use edgewatch_harness::proxmox::scale::{Scale, pve};
use edgewatch_harness::proxmox::{FakeProxmox, Fault, Product, TOKEN_NAME, TOKEN_SECRET};
use edgewatch_harness::tls::Authority;
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use serde_json::json;

use crate::figures::{percentile, share, table};
use crate::process::{self, TICKS_PER_S};

/// Looking at everything takes a while on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);
/// As often as somebody who looks asks. Source: pulse specification, 15: the interval of full states.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// What is asked, and whether the body says that all of it is there.
const ASKED: [&str; 7] = [
    "/api/state",
    "/api/charts?range=1h",
    "/api/storage",
    "/api/backups/unified",
    "/api/backups/pve",
    "/api/snapshots",
    "/api/storage-charts?range=60",
];
const DAY_S: u64 = 86_400;

/// Measures for so many seconds each of what is asked.
///
/// # Errors
/// When something is not answered as it should be.
pub fn run(seconds: u64) -> Result<(), String> {
    let Scale { nodes, guests, snapshots, backups } = Scale::AIM;
    crate::say(&format!("pulse: {nodes} nodes, {guests} guests, {snapshots} snapshots, {backups} backups"));
    let fake = FakeProxmox::start_tls(Product::Pve, pve(Scale::AIM), &Authority::new());
    for part in ["/qemu", "/lxc"] {
        fake.fault(part, Fault::Lively);
    }
    let worker = Worker::start();
    let host = worker.add_host("collector");
    let node = json!({ "type": "pve", "name": "big", "host": fake.url(), "tokenName": TOKEN_NAME, "tokenValue": TOKEN_SECRET });
    let made = worker.post("/api/config/nodes", &[("X-API-Token", &worker.token)], &node.to_string());
    if made.status != 201 {
        return Err(format!("the node was refused: {} {}", made.status, made.body));
    }
    let folder = std::env::temp_dir().join(format!("edgewatch-bench-pulse-{}", std::process::id()));
    let agent = Agent::start_at(&full_binary(), &worker.url, &host.secret, &folder, &[("EDGEWATCH_PROXMOX", "on")]);
    let begun = Instant::now();
    wait_until("everything", PATIENCE, || is_whole(&worker).then_some(()));
    let whole_s = begun.elapsed().as_secs();
    crate::say(&format!("pulse: everything is there after {whole_s} s; asking"));

    let mut rows = Vec::new();
    let mut lines = Vec::new();
    for path in ASKED {
        let (row, line) = ask(&worker, path, seconds)?;
        rows.push(row);
        lines.push(line);
    }
    print!("{}", table(&["asked", "times", "bytes", "p50 ms", "most ms", "CPU ms each"], &rows));
    println!("(CPU: of workerd, all its threads, with what the agent's polls cost meanwhile)\n");
    for line in &lines {
        println!("{line}");
    }

    println!("{}", quiet(&worker, seconds.max(120)));
    let usage = process::usage(agent.pid()).ok_or("the agent ended")?;
    println!(
        r#"{{"bench":"pulse","agent_rss_kib":{},"agent_ticks":{},"agent_s":{},"all_there_after_s":{whole_s}}}"#,
        usage.rss_kib,
        usage.ticks,
        begun.elapsed().as_secs()
    );
    let ended = agent.stop();
    let _ = std::fs::remove_dir_all(&folder);
    if ended.success() { Ok(()) } else { Err("the agent failed".to_owned()) }
}

/// Whether guests, snapshots and backups are all there.
fn is_whole(worker: &Worker) -> bool {
    thread::sleep(Duration::from_secs(1));
    let state = worker.get("/api/state").json();
    let count = |pointer: &str| state.pointer(pointer).and_then(serde_json::Value::as_array).map_or(0, Vec::len);
    let guests = count("/vms") + count("/containers");
    let Scale { guests: wanted, snapshots, backups, .. } = Scale::AIM;
    guests == wanted
        && count("/pveBackups/storageBackups") == backups
        && count("/pveBackups/guestSnapshots") == snapshots
}

fn ask(worker: &Worker, path: &str, seconds: u64) -> Result<(Vec<String>, String), String> {
    let rounds = seconds.div_ceil(ASK_EVERY.as_secs()).max(1);
    let mut took = Vec::new();
    let mut bytes = 0;
    let before = process::ticks_of("workerd");
    for _ in 0..rounds {
        thread::sleep(ASK_EVERY);
        let begun = Instant::now();
        let reply = worker.get(path);
        took.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
        if reply.status != 200 {
            return Err(format!("{path}: {} {}", reply.status, reply.body));
        }
        bytes = reply.body.len();
    }
    let ticks = process::ticks_of("workerd").saturating_sub(before);
    let cpu_ms = share(ticks * 1_000 / u64::from(TICKS_PER_S), rounds);
    took.sort_unstable();
    let ms = |us: u64| format!("{}.{}", us / 1_000, us % 1_000 / 100);
    let (p50, most) = (ms(percentile(&took, 50)), ms(percentile(&took, 100)));
    let row =
        vec![path.to_owned(), rounds.to_string(), bytes.to_string(), p50.clone(), most.clone(), format!("{cpu_ms:.1}")];
    let line = format!(
        r#"{{"bench":"pulse","path":"{path}","bytes":{bytes},"p50_ms":{p50},"most_ms":{most},"cpu_ms":{cpu_ms:.1}}}"#
    );
    Ok((row, line))
}

/// What it costs while nobody looks.
fn quiet(worker: &Worker, seconds: u64) -> String {
    crate::say(&format!("pulse: {seconds} s in which nobody looks"));
    // Who looked is believed to look for a minute more.
    thread::sleep(Duration::from_secs(65));
    let (before, ticks) = (worker.meters().usage(), process::ticks_of("workerd"));
    thread::sleep(Duration::from_secs(seconds));
    let (after, ticks) = (worker.meters().usage(), process::ticks_of("workerd").saturating_sub(ticks));
    let a_day = |before: u64, after: u64| after.saturating_sub(before) * DAY_S / seconds;
    format!(
        r#"{{"bench":"pulse","quiet_s":{seconds},"d1_rows_written_a_day":{},"d1_rows_read_a_day":{},"object_rows_written_a_day":{},"messages_a_day":{},"calls_a_day":{},"workerd_ticks":{ticks}}}"#,
        a_day(before.d1_rows_written, after.d1_rows_written),
        a_day(before.d1_rows_read, after.d1_rows_read),
        a_day(before.object_rows_written + before.alarms_set, after.object_rows_written + after.alarms_set),
        a_day(before.messages, after.messages),
        a_day(before.object_calls, after.object_calls),
    )
}
