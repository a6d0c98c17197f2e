//! The number of hub shards changes while a fleet reports: every host goes on in its new shard, and what the old one had of it
//! follows. Nothing is lost, nothing is there twice, and nobody is called offline.

mod alerts;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use edgewatch_harness::fleet::{Fleet, Options, stored};
use edgewatch_harness::folder::Folder;
use edgewatch_harness::objects::Exhausted;
use edgewatch_harness::worker::{Fault, TestHost, Worker};
use serde_json::Value;

const AGENTS: usize = 12;
/// What passes at once: less than the silence after which a host counts as offline.
const STEP: Duration = Duration::from_secs(20);
const STEPS_PER_MINUTE: u32 = 3;
/// How long answers may take in real time.
const PATIENCE: Duration = Duration::from_secs(20);

fn start(data: &Path, shards: u32, token: Option<&str>) -> Worker {
    let builder = Worker::builder().var("HUB_SHARDS", &shards.to_string()).persist(data).capture_outbound();
    match token {
        Some(token) => builder.token(token).start(),
        None => builder.start(),
    }
}

/// Lets minutes pass, each ending with a run of the schedule. Gives how many agents wait for an answer at the end.
fn pass(fleet: &mut Fleet, worker: &Worker, minutes: u32) -> usize {
    let mut waiting = 0;
    for _ in 0..minutes {
        for _ in 0..STEPS_PER_MINUTE {
            waiting = fleet.advance(worker, STEP, PATIENCE);
        }
        assert!(worker.cron_at(u64::try_from(fleet.now().wall_ms).expect("past 1970")), "the schedule failed");
    }
    waiting
}

/// Everything stored is stored once, everybody is in the list and has all of its history, and nobody was called offline. Gives the
/// hosts with rows in each of `objects` objects.
fn look(fleet: &Fleet, worker: &Worker, hosts: &[TestHost], objects: u32) -> Vec<Vec<u64>> {
    let held = stored::read(worker, objects);
    let verdict = stored::check(fleet, &held);
    assert_eq!((verdict.lost, verdict.twice), (0, 0), "{verdict:?}\n{}", worker.log());
    assert!(verdict.acknowledged > 0);
    assert_eq!(worker.events("host_offline"), 0);
    for path in ["/api/v1/server/list", "/api/v1/server/details"] {
        let listed = worker.get(path).at("/result");
        assert_eq!(listed.as_array().map(Vec::len), Some(hosts.len()), "{path}: {listed}");
    }
    let samples = history(fleet, worker, hosts);
    for agent in &fleet.agents {
        let of_host = held.get(&agent.host).map_or(0, |samples| (samples.blocks.len() + samples.journal.len()) as u64);
        let shown = samples.get(&agent.host).copied().unwrap_or_default();
        assert!((of_host..=agent.measured()).contains(&shown), "host {}: {shown} of {of_host}", agent.host);
        assert!(agent.measured() - of_host < 60, "host {}: {of_host} of {}", agent.host, agent.measured());
    }
    let of_object = |index: u32| {
        let sql = "SELECT host_id FROM blocks UNION SELECT host_id FROM hosts UNION SELECT host_id FROM journal";
        let rows = worker.object_sql("Hub", &format!("hub-{index}"), sql);
        rows.iter().filter_map(|row| row["host_id"].as_u64()).collect()
    };
    (0..objects).map(of_object).collect()
}

/// How many samples the history of each host is made of, over all of the fleet's time.
fn history(fleet: &Fleet, worker: &Worker, hosts: &[TestHost]) -> BTreeMap<u64, u64> {
    let ids: Vec<String> = hosts.iter().map(|host| host.id.to_string()).collect();
    let to_s = fleet.now().wall_ms / 1000 + 60;
    let path = format!(
        "/api/edgewatch/v1/series?hosts={}&metrics=cpu_percent&from={}&to={to_s}&points=200",
        ids.join(","),
        to_s - 3 * 3600
    );
    let reply = worker.get(&path);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let series = reply.at("/series");
    let counted = series.as_array().into_iter().flatten().map(|one| {
        let samples = one["samples"].as_array().into_iter().flatten().filter_map(Value::as_u64).sum();
        (one["host"].as_u64().expect("a host"), samples)
    });
    counted.collect()
}

/// Another number of shards, in the middle of things: a new Worker on the same data.
fn change(fleet: &mut Fleet, worker: Worker, data: &Path, shards: u32) -> Worker {
    fleet.pass(STEP);
    fleet.pump(Duration::from_millis(2));
    let token = worker.token.clone();
    drop(worker);
    let worker = start(data, shards, Some(&token));
    worker.address().clone_into(&mut fleet.options.address);
    fleet.set_worker_clock(&worker);
    fleet.settle(PATIENCE);
    worker
}

/// Each host is in one shard of those that there are.
fn assert_settled(held: &[Vec<u64>], hosts: &[TestHost], shards: usize) {
    let mut ids: Vec<u64> = hosts.iter().map(|host| host.id).collect();
    let mut all: Vec<u64> = held.iter().flatten().copied().collect();
    ids.sort_unstable();
    all.sort_unstable();
    assert_eq!(all, ids, "each host in one shard: {held:?}");
    for (index, of_object) in held.iter().enumerate() {
        assert_eq!(of_object.is_empty(), index >= shards, "shard {index} of {shards}: {of_object:?}");
    }
}

#[test]
fn hosts_move_to_their_shards_and_nothing_is_lost() {
    let folder = Folder::new("moves");
    let data = folder.0.join("data");
    let mut worker = start(&data, 1, None);
    let hosts = worker.add_hosts("host", AGENTS);
    let mut fleet = Fleet::new(&hosts, Options::of(&worker));
    assert_eq!(pass(&mut fleet, &worker, 5), 0);
    assert_settled(&look(&fleet, &worker, &hosts, 1), &hosts, 1);

    // As many as once before: what the shards knew then holds no more.
    for (shards, objects) in [(3, 3), (2, 3), (1, 3), (3, 3)] {
        worker = change(&mut fleet, worker, &data, shards);
        let listed = worker.get("/api/v1/server/list").at("/result");
        assert_eq!(listed.as_array().map(Vec::len), Some(AGENTS), "before any run of the schedule: {listed}");
        assert_eq!(pass(&mut fleet, &worker, 7), 0, "{:?}", fleet.counters());
        let held = look(&fleet, &worker, &hosts, objects);
        assert_settled(&held, &hosts, usize::try_from(shards).expect("a few"));
    }
    assert_eq!(fleet.counters().renumbered, 0);
}

#[test]
fn changes_that_come_before_the_last_one_is_done_and_meet_faults_lose_nothing() {
    let folder = Folder::new("fast");
    let data = folder.0.join("data");
    let mut worker = start(&data, 1, None);
    let hosts = worker.add_hosts("host", AGENTS);
    let mut fleet = Fleet::new(&hosts, Options::of(&worker));
    assert_eq!(pass(&mut fleet, &worker, 3), 0);
    // No schedule runs in between: what the shards of each time took lies where it was taken.
    for shards in [3, 1, 2] {
        worker = change(&mut fleet, worker, &data, shards);
        for _ in 0..4 {
            fleet.advance(&worker, STEP, PATIENCE);
        }
    }
    // What comes to a new shard is refused in the middle, and by D1.
    worker.exhaust_for(Exhausted::ObjectRowsWritten, 3, "blocks");
    worker.faults(Fault::LostAfterCommit, 2, "");
    worker.exhaust_for(Exhausted::ObjectRowsWritten, 3, "DELETE FROM");
    let now_ms = u64::try_from(fleet.now().wall_ms).expect("past 1970");
    for _ in 0..2 {
        // A schedule that D1 refuses fails; the next one does its work.
        let _ = worker.cron_at(now_ms);
        fleet.advance(&worker, STEP, PATIENCE);
    }
    worker.faults(Fault::Off, 0, "");
    worker.refill(Exhausted::ObjectRowsWritten);
    // Longer than agents are asked to hold their samples after a refusal.
    assert_eq!(pass(&mut fleet, &worker, 12), 0, "{:?}", fleet.counters());
    assert_settled(&look(&fleet, &worker, &hosts, 3), &hosts, 2);
    assert_eq!(fleet.counters().renumbered, 0);
}
