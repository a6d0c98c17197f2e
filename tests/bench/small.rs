//! The smallest fleets, in real time: the hub sleeps between frames, and nobody notices.

use std::time::{Duration, Instant};

use edgewatch_harness::fleet::agent::Agent;
use edgewatch_harness::fleet::{Fleet, Options};
use edgewatch_harness::worker::Worker;

const HOSTS: usize = 3;
/// A ping every ten seconds, and what an alarm and a clock may be off.
const FRESH_S: i64 = 15;
/// The first reads have to find out who asks.
const FIRST_READS: u64 = 3;

/// Lets three agents report for so many minutes and looks at them every minute.
///
/// # Errors
/// When a host is not as it should be.
pub fn run(minutes: u64) -> Result<(), String> {
    crate::say(&format!("small: {HOSTS} hosts for {minutes} minutes of real time"));
    let worker = Worker::builder().capture_outbound().start();
    let hosts = worker.add_hosts("host", HOSTS);
    let mut fleet = Fleet::new(&hosts, Options { haste: 1, ..Options::of(&worker) });
    let begun = Instant::now();
    let (mut most_held, mut stale, mut d1_rows, mut reads) = (0, 0_u64, 0, 0_u64);
    for second in 1..=minutes * 60 {
        let due = begun + Duration::from_secs(second);
        while Instant::now() < due {
            fleet.pump(Duration::from_millis(50));
        }
        fleet.pass(Duration::from_secs(1));
        if second % 60 != 0 {
            continue;
        }
        // A sample is durable when it was measured a frame ago.
        most_held = fleet.agents.iter().map(Agent::spooled).max().unwrap_or(0).max(most_held);
        let reply = worker.get("/api/v1/server/details");
        reads += 1;
        if reads > FIRST_READS {
            let cost = reply.cost();
            d1_rows += cost.d1_rows_read + cost.d1_rows_written;
        }
        let listed = reply.at("/result");
        let now_s = fleet.now().wall_ms / 1000;
        let ages =
            listed.as_array().into_iter().flatten().map(|host| now_s - host["last_active"].as_i64().unwrap_or(0));
        stale += ages.filter(|age| *age > FRESH_S).count() as u64;
    }
    let counters = fleet.counters();
    let offline = worker.events("host_offline");
    let usage = worker.meters().usage();
    println!(
        "{HOSTS} hosts, {minutes} minutes: {} samples sent, {} of them again; at most {most_held} not durable; {stale} of {reads} looks found \
         a host out of date; {d1_rows} rows of D1 for them; {offline} called offline",
        counters.sent, counters.resent
    );
    println!(
        r#"{{"bench":"small","hosts":{HOSTS},"minutes":{minutes},"sent":{},"resent":{},"most_held":{most_held},"stale":{stale},"reads":{reads},"d1_rows_of_reads":{d1_rows},"offline":{offline},"connects":{},"object_rows_written":{},"object_rows_read":{},"alarms":{}}}"#,
        counters.sent,
        counters.resent,
        counters.connects,
        usage.object_rows_written,
        usage.object_rows_read,
        usage.alarms
    );
    let wrong = counters.resent + stale + offline;
    // Who asks is looked up once an hour, and that is noted.
    let looks = 3 * (1 + minutes / 60);
    if wrong == 0 && d1_rows <= looks { Ok(()) } else { Err("the fleet was not as it should be".to_owned()) }
}
