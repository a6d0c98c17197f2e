//! What a fleet costs: simulated agents with the real protocol against real workerd, an hour in minutes by the test's clock, somebody
//! looking on a third of the time. The meters are those of the harness; the arithmetic is `core::domain::budget::prices`.

use std::time::{Duration, Instant};

use edgewatch_core::blocks::tiers::{self, Tier};
use edgewatch_core::domain::budget::prices::{self, Bill, LIST, Meter, Plan, Ratio, Rounding};
use edgewatch_core::domain::budget::rings;
use edgewatch_core::domain::budget::usage::Usage;
use edgewatch_harness::fleet::{Fleet, Options};
use edgewatch_harness::viewer::Viewer;
use edgewatch_harness::worker::Worker;
use serde_json::Value;

use crate::figures::table;
use crate::price::{self, fit, number};
use crate::storage::{self, Ring};

/// What passes between two moves of the clock. No longer than a ping or an alarm may wait.
const STEP: Duration = Duration::from_secs(10);
/// Steps in an hour.
const STEPS: u64 = 360;
/// Steps in a minute.
const STEPS_PER_MINUTE: u64 = 6;
/// An answer takes no longer, even where thousands ask at once.
const PATIENCE: Duration = Duration::from_mins(1);
/// Hosts in the viewer's window. Source: design, "The bill is a feature".
const WINDOW: usize = 50;
/// Hosts whose blocks are weighed.
const WEIGHED: u64 = 2;

/// What to measure.
pub struct Wanted {
    /// Hosts.
    pub hosts: usize,
    /// Seconds between two samples.
    pub interval_s: u32,
    /// Simulated hours that count.
    pub hours: u64,
    /// Simulated minutes before that, in which everybody connects and the governor finds its mode.
    pub warm_up_min: u64,
    /// How many messages count as a request, for the governor: 20 as documented, 1 should that not hold.
    pub messages_per_request: u64,
    /// The plan that the governor is told of.
    pub plan: Plan,
}

/// Measures and prints.
///
/// # Errors
/// When the Worker does not answer as it must.
pub fn run(wanted: &Wanted) -> Result<(), String> {
    crate::say(&format!("cost: {} hosts, a sample every {} s, {} h", wanted.hosts, wanted.interval_s, wanted.hours));
    let plan = if wanted.plan == Plan::Paid { "paid" } else { "free" };
    let worker = Worker::builder()
        .capture_outbound()
        .var("PLAN", plan)
        .var("MESSAGES_PER_REQUEST", &wanted.messages_per_request.to_string())
        .start();
    let hosts = worker.add_hosts("host", wanted.hosts);
    let mut options = Options::of(&worker);
    (options.period_s, options.haste) = (wanted.interval_s, 1);
    let mut fleet = Fleet::new(&hosts, options);
    // The governor goes by what is left of the day: it has all of it before it.
    fleet.skip_to_morning(&worker);
    crate::say("cost: connecting");
    let mut bench = Bench { worker: &worker, fleet: &mut fleet, steps: 0, viewer: None };
    for _ in 0..wanted.warm_up_min * STEPS_PER_MINUTE {
        bench.step()?;
    }
    crate::say(&format!("cost: the governor's mode: {}", levers(&worker)));
    let measured = bench.hours(wanted.hours)?;
    crate::say(&format!("cost: and at the end: {}", levers(&worker)));
    let reconnect = bench.mass_close()?;
    let counters = fleet.counters();
    crate::say(&format!("cost: {counters:?}"));
    if counters.resent > 0 {
        crate::say(&format!("cost: {} samples were sent twice", counters.resent));
    }
    report(wanted, &worker, measured, reconnect);
    Ok(())
}

/// How the governor has agents report, in its own words.
fn levers(worker: &Worker) -> String {
    worker.get("/api/edgewatch/v1/usage").at("/levers").to_string()
}

struct Bench<'a> {
    worker: &'a Worker,
    fleet: &'a mut Fleet,
    steps: u64,
    viewer: Option<Viewer>,
}

impl Bench<'_> {
    fn step(&mut self) -> Result<(), String> {
        let waiting = self.fleet.advance(self.worker, STEP, PATIENCE);
        if waiting > 0 {
            return Err(format!("{waiting} agents have no answer after {PATIENCE:?}: {:?}", self.fleet.counters()));
        }
        self.steps += 1;
        if self.steps.is_multiple_of(STEPS_PER_MINUTE) {
            let now_ms = u64::try_from(self.fleet.now().wall_ms).unwrap_or_default();
            if !self.worker.cron_at(now_ms) {
                return Err("the schedule failed".to_owned());
            }
        }
        if let Some(viewer) = &mut self.viewer {
            if self.steps.is_multiple_of(3) {
                viewer.ping();
            }
            viewer.drain();
        }
        Ok(())
    }

    /// The hours that count; in the first third of each somebody looks on.
    fn hours(&mut self, hours: u64) -> Result<Usage, String> {
        let begun = Instant::now();
        self.worker.reset_meters();
        for step in 0..hours * STEPS {
            match step % STEPS {
                0 => self.viewer = Some(self.look()?),
                120 => self.viewer = None,
                _ => {}
            }
            self.step()?;
            if step % 60 == 59 {
                let (minutes, seconds) = ((step + 1) / STEPS_PER_MINUTE, begun.elapsed().as_secs());
                crate::say(&format!("cost: {minutes} min after {seconds} s"));
            }
        }
        self.viewer = None;
        Ok(self.worker.meters().usage())
    }

    fn look(&self) -> Result<Viewer, String> {
        let window: Vec<u64> = self.fleet.agents.iter().take(WINDOW).map(|agent| agent.host).collect();
        Viewer::open(self.worker, &window).map_err(|status| format!("/live does not open: {status}"))
    }

    /// What it costs when all sockets are closed at once and everybody comes back.
    fn mass_close(&mut self) -> Result<Usage, String> {
        self.worker.reset_meters();
        self.worker.close_sockets("Hub", "hub-0", 1012);
        for _ in 0..2 {
            self.step()?;
        }
        Ok(self.worker.meters().usage())
    }
}

fn report(wanted: &Wanted, worker: &Worker, measured: Usage, reconnect: Usage) {
    let hosts = u32::try_from(wanted.hosts).unwrap_or(u32::MAX);
    let rings = rings();
    let packed = storage::block_bytes(&rings, wanted.interval_s, WEIGHED);
    let stored = stored(worker);
    println!("rings, full, per host");
    println!("{}", ring_table(&rings, &packed, &stored));
    let [objects, d1] = price::places(&rings, &packed);
    let host_bytes = |rings: &[rings::Ring]| rings.iter().map(|ring| ring.blocks * ring.block_bytes).sum::<u64>();
    let full = [host_bytes(&objects), host_bytes(&d1)];
    let (objects, object_bytes) = fit(hosts, &objects, Meter::ObjectBytes, wanted.plan);
    let (d1, d1_bytes) = fit(hosts, &d1, Meter::D1Bytes, wanted.plan);
    for ring in objects.iter().chain(&d1).filter(|ring| ring.blocks < ring.wanted_blocks) {
        println!(
            "storage shortens the ring of {} s from {} to {} blocks at {hosts} hosts",
            ring.step_s, ring.wanted_blocks, ring.blocks
        );
    }
    for (name, meter, bytes) in [("objects", Meter::ObjectBytes, full[0]), ("D1", Meter::D1Bytes, full[1])] {
        let fits = meter.price().free.unwrap_or_default() / bytes.max(1);
        println!("{name}: {bytes} bytes per host with full rings; {fits} hosts fit the free plan");
    }
    let day = Usage { object_bytes, d1_bytes, ..price::day(measured, wanted.hours, reconnect) };
    println!("{}", meter_table(&day, hosts));
    println!("{}", price::line(hosts, wanted.interval_s, &day, full.iter().sum()));
}

fn meter_table(day: &Usage, hosts: u32) -> String {
    let bill = Bill::of(&day.times(30), Ratio::Twenty, Rounding::Exact);
    let rows = LIST.map(|price| {
        let share = |ratio| {
            prices::free_share(price.meter, day, ratio)
                .map_or_else(String::new, |share| format!("{:.1} %", share * 100.0))
        };
        let amount = prices::amount(price.meter, day, Ratio::Twenty);
        // Twentieths for people are requests.
        let amount = if price.meter == Meter::ObjectRequests { amount.div_ceil(20) } else { amount };
        let cents = bill.cents(price.meter);
        vec![
            price.words.to_owned(),
            amount.to_string(),
            format!("{:.1}", number(amount) / f64::from(hosts.max(1))),
            share(Ratio::Twenty),
            share(Ratio::One),
            format!("{}.{:02}", cents / 100, cents % 100),
        ]
    });
    let head = ["meter", "a day", "per host", "of free", "without 20:1", "USD a month"];
    format!("{}of those rows written, {} a day are set alarms", table(&head, &rows), day.alarms_set)
}

/// The rings as they are unless a deployment wants others.
fn rings() -> Vec<Ring> {
    let ring =
        |tier: Tier| Ring { tier: tier.number, step_s: tier.step_s, block_s: tier.block_s, blocks: tier.ring_blocks };
    tiers::ALL.map(ring).to_vec()
}

/// Full blocks that the run has stored: tier, how many, their average bytes.
fn stored(worker: &Worker) -> Vec<(u64, u64, u64)> {
    let sql = "SELECT tier, count(*) AS count, cast(avg(length(data)) AS INTEGER) AS bytes FROM blocks b WHERE EXISTS \
         (SELECT 1 FROM blocks later WHERE later.host_id = b.host_id AND later.tier = b.tier AND later.block_no > b.block_no) \
         AND EXISTS (SELECT 1 FROM blocks before WHERE before.host_id = b.host_id AND before.tier = b.tier \
         AND before.block_no < b.block_no) GROUP BY tier";
    let rows = worker.object_sql("Hub", "hub-0", sql);
    let of = |row: &Value, key: &str| row[key].as_u64().unwrap_or_default();
    rows.iter().map(|row| (of(row, "tier"), of(row, "count"), of(row, "bytes"))).collect()
}

fn ring_table(rings: &[Ring], packed: &[u64], stored: &[(u64, u64, u64)]) -> String {
    let rows: Vec<Vec<String>> = rings
        .iter()
        .zip(packed)
        .map(|(ring, packed)| {
            let seen = stored.iter().find(|(tier, _, _)| *tier == u64::from(ring.tier));
            vec![
                format!("{} s", ring.step_s),
                ring.blocks.to_string(),
                packed.to_string(),
                seen.map_or_else(String::new, |(_, count, bytes)| format!("{bytes} in {count}")),
                storage::row_bytes(*packed).to_string(),
                (storage::row_bytes(*packed) * ring.blocks).to_string(),
            ]
        })
        .collect();
    table(&["tier", "blocks", "packed", "stored here", "with pages", "full"], &rows)
}
