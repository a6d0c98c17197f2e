//! `bench ingest`: how many reports a second one workerd takes, each of one sample, and how long one waits for its answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use edgewatch_harness::worker::Worker;
use serde_json::json;

use crate::figures::{percentile, share, table};
use crate::process::{self, TICKS_PER_S};
use crate::wire::{Connection, report};

/// How many connections there are, one after the other.
const LEVELS: [usize; 3] = [1, 8, 32];
/// Before anything counts: connections open, code compiled.
const WARM_UP: Duration = Duration::from_secs(1);

/// What one level came to.
struct Level {
    connections: usize,
    per_s: f64,
    p50_us: u64,
    p99_us: u64,
    /// Shares of a core: workerd, the script that started it, this program, and whatever else runs here and disturbs.
    cores: [f64; 4],
}

/// Measures each level for `seconds`.
///
/// # Errors
/// At the first answer that does not say that its report is durable.
pub fn run(seconds: u64) -> Result<(), String> {
    crate::say("ingest: starting the Worker");
    let worker = Worker::start();
    let mut levels = Vec::new();
    for connections in LEVELS {
        crate::say(&format!("ingest: connections: {connections}, for {seconds} s"));
        levels.push(level(&worker, connections, Duration::from_secs(seconds))?);
    }
    let rows = levels.iter().map(|level| {
        let core = level.cores.map(|share| format!("{:.0} %", share * 100.0));
        let ms = |us: u64| format!("{}.{:02}", us / 1000, us % 1000 / 10);
        let front = [level.connections.to_string(), format!("{:.1}", level.per_s), ms(level.p50_us), ms(level.p99_us)];
        front.into_iter().chain(core).collect()
    });
    let head = ["connections", "reports/s", "p50 ms", "p99 ms", "workerd", "miniflare", "this client", "all else"];
    print!("{}", table(&head, &rows.collect::<Vec<Vec<String>>>()));
    println!("(the last four: shares of one core)\n");
    for Level { connections, per_s, .. } in levels {
        println!(r#"{{"bench":"ingest","connections":{connections},"reports_per_s":{per_s:.1}}}"#);
    }
    Ok(())
}

fn level(worker: &Worker, connections: usize, duration: Duration) -> Result<Level, String> {
    let secrets: Result<Vec<String>, String> = (0..connections).map(|_| register(worker)).collect();
    let secrets = secrets?;
    let from = Instant::now() + WARM_UP;
    let until = from + duration;
    let has_failed = AtomicBool::new(false);
    let (latencies, ticks) = thread::scope(|scope| {
        let agents: Vec<_> = secrets
            .iter()
            .map(|secret| {
                let has_failed = &has_failed;
                scope.spawn(move || {
                    let result = send_until(worker.address(), secret, from, until, has_failed);
                    has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    result
                })
            })
            .collect();
        thread::sleep(from.saturating_duration_since(Instant::now()));
        let before = ticks();
        thread::sleep(until.saturating_duration_since(Instant::now()));
        let mut used = ticks();
        for (used, before) in used.iter_mut().zip(before) {
            *used = used.saturating_sub(before);
        }
        let results: Result<Vec<Vec<u64>>, String> =
            agents.into_iter().map(|agent| agent.join().map_err(|_| "a sender broke off".to_owned())?).collect();
        (results, used)
    });
    let mut latencies = latencies?.concat();
    latencies.sort_unstable();
    let whole = duration.as_secs() * u64::from(TICKS_PER_S);
    let [workerd, node, own, busy] = ticks;
    let rest = busy.saturating_sub(workerd + node + own);
    Ok(Level {
        connections,
        per_s: share(latencies.len() as u64, duration.as_secs()),
        p50_us: percentile(&latencies, 50),
        p99_us: percentile(&latencies, 99),
        cores: [workerd, node, own, rest].map(|ticks| share(ticks, whole)),
    })
}

/// Of workerd, of Node, of this program, of the whole machine.
fn ticks() -> [u64; 4] {
    let [workerd, node, own] = ["workerd", "node", &process::program(std::process::id())].map(process::ticks_of);
    [workerd, node, own, process::busy_ticks()]
}

fn register(worker: &Worker) -> Result<String, String> {
    let body = json!({ "Name": "bench" }).to_string();
    let reply = worker.post("/api/v1/server/register?simple=1", &[("Authorization", &worker.token)], &body);
    reply.json().as_str().map(str::to_owned).ok_or_else(|| format!("no host: {}", reply.body))
}

/// One host's agent, its reports without a pause between them. Gives the microseconds that each report took whose answer
/// came between `from` and `until`.
fn send_until(
    address: &str,
    secret: &str,
    from: Instant,
    until: Instant,
    has_failed: &AtomicBool,
) -> Result<Vec<u64>, String> {
    let bearer = format!("Bearer {secret}");
    let mut connection = Connection::open(address).map_err(|error| format!("no connection: {error}"))?;
    let mut latencies = Vec::new();
    for number in 1.. {
        let body = report(number..=number, 10, None);
        let begun = Instant::now();
        let reply = connection
            .post("/agent/v1/reports", &bearer, &body)
            .map_err(|error| format!("report {number} has no answer: {error}"))?;
        let ended = Instant::now();
        if reply.status() != 200 || reply.json()["durable_up_to"] != number {
            let text = String::from_utf8_lossy(&reply.body);
            return Err(format!("report {number} is not durable: {} {text}", reply.status()));
        }
        if ended >= until || has_failed.load(Ordering::Relaxed) {
            break;
        }
        if ended >= from {
            latencies.push(u64::try_from((ended - begun).as_micros()).unwrap_or(u64::MAX));
        }
    }
    Ok(latencies)
}
