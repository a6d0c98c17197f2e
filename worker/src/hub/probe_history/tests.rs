//! What of results is found again: points, days and states.

use edgewatch_core::domain::probing::State;
use edgewatch_core::model::{Coverage, ProbeResult, Report, Sample};

use super::*;
use crate::hub::directory::tests::entry;
use crate::hub::probes::tests::probe;
use crate::hub::shard::Shard;
use crate::hub::sql::Sql;
use crate::hub::{coarse, probes};
use crate::store::Db;
use crate::store::db::now as at_once;

const HOST: HostId = HostId(7);
/// 00:00 UTC of a Sunday.
const MIDNIGHT_MS: i64 = 1_795_305_600_000;

struct World {
    shard: Shard,
    db: Db,
    number: u64,
    now_ms: i64,
}

impl World {
    fn new() -> Self {
        let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
        shard.complete(vec![]).unwrap();
        shard.enrol(vec![entry(HOST.0)]).unwrap();
        Self { shard, db: Db::in_memory().unwrap(), number: 0, now_ms: 0 }
    }

    /// The host says what came of probes.
    fn report(&mut self, at_ms: i64, results: &[(i64, Option<f64>)]) {
        self.number += 1;
        self.now_ms = at_ms;
        let result = |(id, delay_ms): &(i64, Option<f64>)| ProbeResult {
            probe: ProbeId(*id),
            delay_ms: *delay_ms,
            tls_expires: None,
            note: None,
        };
        let sample = Sample {
            number: self.number,
            at: UnixMillis(at_ms),
            load1: Some(1.0),
            probes: results.iter().map(result).collect(),
            ..Sample::default()
        };
        let report = Report {
            agent_version: String::new(),
            sent_at: UnixMillis(at_ms),
            oldest: 1,
            period_s: 10,
            frame_s: 10,
            probes_version: None,
            facts: None,
            samples: vec![sample],
        };
        self.shard.post(HOST, report, UnixMillis(at_ms)).unwrap();
    }

    /// Lays the days that are over into D1.
    fn finish_days(&mut self) {
        let (days, _) = self.shard.finished_days(UnixMillis(self.now_ms), 100).unwrap();
        let written = at_once(coarse::write(&self.db, &Rings::default(), &days));
        assert_eq!(written.failed, None);
        self.shard.note_done(&written.done).unwrap();
    }

    fn points(&mut self, probes: &[Probe]) -> Vec<ProbePoints> {
        let pending = self.shard.pending_with_names(HOST).unwrap();
        let sources = Sources { sql: &self.shard.storage.sql, db: &self.db, rings: &|_| Rings::default() };
        points(&sources, HOST, probes, &pending, UnixMillis(self.now_ms)).unwrap()
    }

    fn tallies(&mut self, from_ms: i64) -> Tallies {
        let pending = self.shard.pending_with_names(HOST).unwrap();
        let known = self.shard.known(HOST);
        let sources = Sources { sql: &self.shard.storage.sql, db: &self.db, rings: &|_| Rings::default() };
        let time = (UnixMillis(from_ms), UnixMillis(self.now_ms));
        let ids = [ProbeId(1), ProbeId(2), ProbeId(3)];
        at_once(tallies(&sources, &[HOST], &ids, time, |_| known, |_| pending.clone())).unwrap()
    }
}

fn pings(ids: &[i64]) -> Vec<Probe> {
    ids.iter().map(|id| probe(*id, Coverage::AllBut(vec![]))).collect()
}

#[test]
fn points_are_pairs_of_results_of_the_last_day_with_failures_as_zero() {
    let mut world = World::new();
    world.report(MIDNIGHT_MS - 90_000_000, &[(1, Some(1.0))]);
    world.report(MIDNIGHT_MS - 89_990_000, &[(1, Some(1.0))]);
    world.report(MIDNIGHT_MS + 10_000, &[(1, Some(10.0)), (2, Some(3_000.0))]);
    world.report(MIDNIGHT_MS + 40_000, &[(1, None), (2, Some(1_000.0)), (3, Some(1.0))]);
    world.report(MIDNIGHT_MS + 70_000, &[(1, Some(7.0))]);
    let found = world.points(&pings(&[1, 2, 3]));
    let one = |id: i64, point| ProbePoints { id, name: format!("p{id}"), points: vec![point] };
    assert_eq!(found, [one(1, (MIDNIGHT_MS + 40_000, 5.0)), one(2, (MIDNIGHT_MS + 40_000, 1_000.0))]);
    // Pages have no points, nor has what does not cover the host.
    let mut page = probe(1, Coverage::AllBut(vec![]));
    page.spec.kind = ProbeKind::Http;
    assert_eq!(world.points(&[page, probe(2, Coverage::Only(vec![]))]), []);
}

#[test]
fn points_of_a_whole_day_are_in_order_and_no_result_is_in_two() {
    let mut world = World::new();
    // Thirty hours, a result every half minute.
    for step in 0..3_600 {
        world.report(MIDNIGHT_MS + step * 30_000, &[(1, Some(f64::from(i32::try_from(step % 800).unwrap())))]);
    }
    let points = world.points(&pings(&[1])).remove(0).points;
    assert_eq!(points.len(), 1_441, "both ends of the day");
    assert!(points.windows(2).all(|pair| pair[1].0 - pair[0].0 == 60_000));
    assert!(points.first().unwrap().0 >= world.now_ms - DAY_MS);
    assert!(points.iter().all(|(_, delay_ms)| (delay_ms * 2.0 - 1.0) % 2.0 < 1e-9 || *delay_ms > 390.0));
}

#[test]
fn days_are_those_of_utc_whichever_tier_they_come_from() {
    let mut world = World::new();
    // Ten days, a result every five minutes, every fourth one bad from the fifth day on.
    for step in 0..2_880_i64 {
        let is_bad = step >= 4 * 288 && step % 4 == 0;
        let two: &[_] = if step % 2 == 0 { &[(2, Some(1.0))] } else { &[] };
        let results = [&[(1, (!is_bad).then_some(20.0))], two].concat();
        world.report(MIDNIGHT_MS + step * 300_000, &results);
        if step % 100 == 0 {
            world.finish_days();
        }
    }
    let tallies = world.tallies(MIDNIGHT_MS + 5_000);
    let first = MIDNIGHT_MS / DAY_MS;
    let days: Vec<(i64, (f64, f64))> = tallies[&1].days.iter().map(|(day, counts)| (*day, *counts)).collect();
    let expected: Vec<(i64, (f64, f64))> =
        (0..10).map(|day| (first + day, (288.0, if day < 4 { 288.0 } else { 216.0 }))).collect();
    assert_eq!(days.len(), 10);
    for ((day, (all, up)), (expected_day, (expected_all, expected_up))) in days.into_iter().zip(expected) {
        assert_eq!((day, all), (expected_day, expected_all));
        assert!((up - expected_up).abs() < 1e-6, "{day}: {up}");
    }
    assert!(tallies[&2].days.values().all(|(all, up)| (all - 144.0).abs() < 1e-9 && (up - 144.0).abs() < 1e-9));
    assert!(!tallies.contains_key(&3));
    // Some days come from D1, others from the hub.
    assert!(world.shard.get(HOST).unwrap().entry.coarse_done.is_some());
    let late = world.tallies(MIDNIGHT_MS + 9 * DAY_MS);
    assert_eq!(late[&1].days.len(), 1);
}

#[test]
fn the_state_is_that_of_the_last_quarter_of_an_hour() {
    let mut world = World::new();
    for step in 0..100 {
        let delay_ms = (step < 95).then_some(f64::from(10 + step % 2));
        world.report(MIDNIGHT_MS + i64::from(step) * 30_000, &[(1, delay_ms), (2, Some(1.0))]);
    }
    let tallies = world.tallies(MIDNIGHT_MS);
    assert_eq!((tallies[&1].availability().len(), tallies[&1].availability().state()), (30, State::Low));
    assert_eq!((tallies[&2].availability().state(), tallies[&2].recent_delays), (State::Good, (30.0, 30)));
    let mut joined = tallies[&1].clone();
    joined.join(tallies[&2].clone());
    assert_eq!(joined.availability().len(), 30, "of two at the same time one counts");
    assert_eq!(joined.days.values().next(), Some(&(200.0, 195.0)));
}

#[test]
fn what_the_worker_found_out_is_found_under_its_own_number() {
    let mut world = World::new();
    for run in 0..10 {
        let result = ProbeResult { probe: ProbeId(1), delay_ms: Some(8.0), tls_expires: None, note: None };
        world.shard.take_edge(vec![result], UnixMillis(MIDNIGHT_MS + run * 60_000)).unwrap();
    }
    world.now_ms = MIDNIGHT_MS + 600_000;
    assert_eq!(world.tallies(MIDNIGHT_MS), Tallies::new());
    let pending = world.shard.pending_with_names(probes::EDGE).unwrap();
    let sources = Sources { sql: &world.shard.storage.sql, db: &world.db, rings: &|_| Rings::default() };
    let time = (UnixMillis(MIDNIGHT_MS), UnixMillis(world.now_ms));
    let edge = [probes::EDGE];
    let found = at_once(tallies(&sources, &edge, &[ProbeId(1)], time, |_| Known::default(), |_| pending.clone()));
    assert_eq!(found.unwrap()[&1].days.values().next(), Some(&(10.0, 10.0)));
}
