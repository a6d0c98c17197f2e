//! What of results is found again: points, days and states.

use edgewatch_core::blocks::tiers::{self, Rings};
use edgewatch_core::domain::probing::State;
use edgewatch_core::model::{Coverage, ProbeResult, Sample};

use super::*;
use crate::hub::directory::tests::entry;
use crate::hub::probes::tests::probe;
use crate::hub::shard::Shard;
use crate::hub::sql::Sql;
use crate::hub::testing;
use crate::hub::{coarse, handover, probe_counts};
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
        shard.set_probes(pings(&[1, 2, 3])).unwrap();
        Self { shard, db: Db::in_memory().unwrap(), number: 0, now_ms: 0 }
    }

    /// The host says what came of probes.
    fn report(&mut self, at_ms: i64, results: &[(i64, Option<f64>)]) {
        self.report_late(at_ms, at_ms, results);
    }

    /// The same at `now_ms`.
    fn report_late(&mut self, at_ms: i64, now_ms: i64, results: &[(i64, Option<f64>)]) {
        self.number += 1;
        self.now_ms = now_ms;
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
        let report = testing::report(vec![sample], 1, UnixMillis(now_ms), 10);
        self.shard.post(HOST, report, UnixMillis(now_ms)).unwrap();
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

    /// What hosts found out, and what the Worker did.
    fn both(&mut self) -> (Tallies, Tallies) {
        let now = UnixMillis(self.now_ms);
        let missing = self.shard.ready_counts(now).unwrap();
        for some in missing.chunks(probe_counts::HOSTS_AT_ONCE) {
            let blocks = at_once(probe_counts::recall(&self.db, some, now)).unwrap();
            self.shard.take_recalled(some, &blocks).unwrap();
        }
        if !missing.is_empty() {
            self.shard.count_anew(now).unwrap();
        }
        self.shard.tallies(now)
    }

    fn tallies(&mut self) -> Tallies {
        self.both().0
    }

    /// The object slept: what was in memory alone is gone.
    fn sleep(&mut self) {
        self.shard = Shard::new(self.shard.storage.sql.clone()).unwrap();
        self.shard.complete(vec![]).unwrap();
    }

    /// Results of a probe by day, of the days that there are.
    fn days(&mut self, probe: i64) -> Vec<(i64, (f64, f64))> {
        let tally = self.tallies().remove(&probe).unwrap_or_default();
        tally.days.into_iter().collect()
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

/// How many results there were on a day of ten, and how many of them were good.
fn ten_days(world: &mut World, probe: i64) {
    let first = MIDNIGHT_MS / DAY_MS;
    let days = world.days(probe);
    assert_eq!(days.len(), 10, "{days:?}");
    for ((day, counts), expected) in days.into_iter().zip(first..) {
        let up = if expected < first + 4 { 288.0 } else { 216.0 };
        assert_eq!((day, counts), (expected, (288.0, up)));
    }
}

#[test]
fn days_are_those_of_utc_whichever_tier_they_come_from_and_however_often_they_are_asked_for() {
    let mut world = World::new();
    // Ten days, a result every five minutes, every fourth one bad from the fifth day on.
    for step in 0..2_880_i64 {
        let is_bad = step >= 4 * 288 && step % 4 == 0;
        world.report(MIDNIGHT_MS + step * 300_000, &[(1, (!is_bad).then_some(20.0))]);
        if step % 100 == 0 {
            world.finish_days();
        }
        if step % 500 == 0 {
            let all: f64 = world.days(1).iter().map(|(_, (all, _))| all).sum();
            assert!((all - 1.0 - f64::from(i32::try_from(step).unwrap())).abs() < 1e-9, "{step}: {all}");
        }
    }
    ten_days(&mut world, 1);
    let rows = world.shard.storage.sql.rows_read();
    ten_days(&mut world, 1);
    assert_eq!(world.shard.storage.sql.rows_read(), rows, "it is at hand");
    world.sleep();
    ten_days(&mut world, 1);
    let rows = world.shard.storage.sql.rows_written();
    // One that took the host over asks D1 once, and so does an object of before, which had the days in a table.
    let of_before = [
        "ALTER TABLE hosts DROP COLUMN probe_days",
        "CREATE TABLE probe_days (host_id INTEGER NOT NULL PRIMARY KEY, days TEXT) STRICT, WITHOUT ROWID",
    ];
    for statements in
        [&["UPDATE hosts SET probe_days = NULL"][..], &of_before, &["UPDATE hosts SET probe_days = x'09'"]]
    {
        for statement in statements {
            world.shard.storage.sql.exec(statement, vec![]).unwrap();
        }
        world.sleep();
        let now = UnixMillis(world.now_ms);
        assert_eq!(world.shard.ready_counts(now).unwrap().len(), 1);
        ten_days(&mut world, 1);
        world.sleep();
        assert_eq!(world.shard.ready_counts(now), Ok(vec![]));
        ten_days(&mut world, 1);
    }
    assert!(world.shard.storage.sql.exec("SELECT days FROM probe_days", vec![]).is_err(), "it is gone");
    assert_eq!(world.shard.storage.sql.rows_written() - rows, 2 + 3, "what this test wrote, and once each");
    assert!(!world.tallies().contains_key(&3));
    world.now_ms += 25 * DAY_MS;
    assert_eq!(world.days(1).len(), 5, "what is older is not told");
}

#[test]
fn a_host_that_moves_to_another_shard_takes_its_days_along() {
    let mut world = World::new();
    for step in 0..1_440 {
        world.report(MIDNIGHT_MS + step * 300_000, &[(1, Some(20.0))]);
        if step % 100 == 0 {
            world.finish_days();
        }
    }
    let days = world.days(1);
    assert_eq!(days.len(), 5);
    let now = UnixMillis(world.now_ms);
    let parcels = handover::pack(&world.shard, HOST, None, now).unwrap().unwrap();
    world.shard = World::new().shard;
    assert_eq!(world.days(1), [], "it knows of none, and of nothing that it does not know");
    for parcel in &parcels {
        handover::adopt(&mut world.shard, parcel, || None, now).unwrap();
    }
    assert_eq!(world.shard.ready_counts(now).unwrap().len(), 1, "D1 has them");
    assert_eq!(world.days(1), days);
    world.sleep();
    assert_eq!((world.shard.ready_counts(now), world.days(1)), (Ok(vec![]), days));
}

#[test]
fn an_object_of_before_that_may_write_nothing_is_read_and_goes_on_when_it_may() {
    let mut world = World::new();
    for step in 0..600 {
        world.report(MIDNIGHT_MS + step * 300_000, &[(1, Some(20.0))]);
    }
    world.finish_days();
    let count = |world: &mut World| world.days(1).iter().map(|(_, (all, _))| all).sum::<f64>();
    let sql = world.shard.storage.sql.clone();
    for statement in ["ALTER TABLE hosts DROP COLUMN probe_days", "PRAGMA query_only = ON"] {
        sql.exec(statement, vec![]).unwrap();
    }
    world.sleep();
    let missing = world.shard.ready_counts(UnixMillis(world.now_ms)).unwrap();
    assert_eq!((missing.len(), world.shard.iter().count()), (1, 1));
    assert!(world.shard.take_recalled(&missing, &[]).is_err());
    sql.exec("PRAGMA query_only = OFF", vec![]).unwrap();
    // The days that are done meanwhile are in D1, too.
    for step in 600..900 {
        world.report(MIDNIGHT_MS + step * 300_000, &[(1, Some(20.0))]);
    }
    world.finish_days();
    assert_eq!(count(&mut world).to_bits(), 900.0_f64.to_bits());
    world.sleep();
    assert_eq!(world.shard.ready_counts(UnixMillis(world.now_ms)), Ok(vec![]));
    assert_eq!(count(&mut world).to_bits(), 900.0_f64.to_bits());
}

#[test]
fn results_that_come_late_count_once_before_and_after_a_sleep() {
    for sleeps in [false, true] {
        let mut world = World::new();
        // The host falls silent some time before the end of its day, which is done without the rest of it.
        let end_ms = coarse_day_end_ms();
        for step in 0..60 {
            world.report(end_ms - 10_800_000 + step * 60_000, &[(1, Some(5.0))]);
        }
        world.now_ms = end_ms + 2 * HOUR_MS;
        world.finish_days();
        assert!(world.shard.known(HOST).day_done.is_some());
        let count = |world: &mut World| world.days(1).iter().map(|(_, (all, _))| all).sum::<f64>();
        assert_eq!(count(&mut world).to_bits(), 60.0_f64.to_bits());
        for step in 60..300 {
            let back_at_ms = end_ms + 2 * HOUR_MS + step * 1_000;
            world.report_late(end_ms - 10_800_000 + step * 60_000, back_at_ms, &[(1, Some(5.0))]);
            if step % 50 == 0 {
                world.finish_days();
            }
        }
        for hours in 2..40 {
            if sleeps {
                world.sleep();
            }
            assert_eq!(count(&mut world).to_bits(), 300.0_f64.to_bits(), "{hours} hours");
            world.now_ms = end_ms + hours * HOUR_MS;
            world.finish_days();
        }
    }
}

fn coarse_day_end_ms() -> i64 {
    tiers::day_start_ms(HOST, tiers::day_no(HOST, MIDNIGHT_MS) + 1)
}

#[test]
fn a_host_without_names_costs_nothing_and_one_that_is_not_covered_counts_nothing() {
    let mut world = World::new();
    world.shard.enrol((8..=30).map(entry).collect()).unwrap();
    world.report(MIDNIGHT_MS, &[(1, None), (2, Some(1.0))]);
    world.report(MIDNIGHT_MS + 4 * HOUR_MS, &[(1, None), (2, Some(1.0))]);
    world.sleep();
    world.shard.probes().unwrap();
    let before = world.shard.storage.sql.rows_read();
    assert_eq!(world.tallies().len(), 2);
    let cost = world.shard.storage.sql.rows_read() - before;
    assert!(cost <= 8, "{cost} rows for one host of 24");
    // Another coverage holds for what was found before, too.
    let list = vec![probe(1, Coverage::AllBut(vec![HOST])), probe(2, Coverage::AllBut(vec![]))];
    world.shard.set_probes(list).unwrap();
    assert_eq!(world.tallies().into_keys().collect::<Vec<_>>(), [2]);
    // What such a host says from then on is not even stored.
    world.report(MIDNIGHT_MS + 4 * HOUR_MS + 30_000, &[(1, None), (2, Some(1.0)), (9, None)]);
    let newest = world.shard.get(HOST).unwrap().newest.as_ref().unwrap().probes.clone();
    assert_eq!(newest.iter().map(|result| result.probe.0).collect::<Vec<_>>(), [2]);
}

#[test]
fn an_answer_is_good_for_a_minute_beyond_a_sleep_and_until_the_list_is_another_one() {
    let mut world = World::new();
    let at = |ms: i64| UnixMillis(MIDNIGHT_MS + ms);
    world.shard.keep_probe_answer("a", at(0)).unwrap();
    for _ in 0..2 {
        let told = |world: &mut World, ms: i64| world.shard.probe_answer(at(ms)).unwrap();
        assert_eq!((told(&mut world, 0), told(&mut world, 59_999)), (Some("a".to_owned()), Some("a".to_owned())));
        assert_eq!((told(&mut world, 60_000), told(&mut world, -1)), (None, None));
        world.sleep();
    }
    world.shard.set_probes(pings(&[1])).unwrap();
    assert_eq!(world.shard.probe_answer(at(0)), Ok(None));
    world.sleep();
    assert_eq!(world.shard.probe_answer(at(0)), Ok(None));
}

#[test]
fn the_state_is_that_of_the_last_quarter_of_an_hour() {
    let mut world = World::new();
    for step in 0..100 {
        if step == 40 {
            world.tallies();
        }
        let delay_ms = (step < 95).then_some(f64::from(10 + step % 2));
        world.report(MIDNIGHT_MS + i64::from(step) * 30_000, &[(1, delay_ms), (2, Some(1.0))]);
    }
    let mut tallies = world.tallies();
    assert_eq!((tallies[&1].availability().len(), tallies[&1].availability().state()), (30, State::Low));
    assert_eq!((tallies[&2].availability().state(), tallies[&2].recent_delays), (State::Good, (30.0, 30)));
    world.sleep();
    assert_eq!(world.tallies(), tallies, "put together anew");
    let mut joined = tallies.remove(&1).unwrap();
    joined.join(tallies[&2].clone());
    assert_eq!(joined.availability().len(), 30, "of two at the same time one counts");
    assert_eq!(joined.days.values().next(), Some(&(200.0, 195.0)));
}

#[test]
fn what_the_worker_found_out_is_found_under_its_own_number() {
    let mut world = World::new();
    for run in 0..10 {
        if run == 5 {
            world.now_ms = MIDNIGHT_MS + 300_000;
            world.both();
        }
        let result = ProbeResult { probe: ProbeId(1), delay_ms: Some(8.0), tls_expires: None, note: None };
        world.shard.take_edge(vec![result], UnixMillis(MIDNIGHT_MS + run * 60_000)).unwrap();
    }
    world.now_ms = MIDNIGHT_MS + 600_000;
    for _ in 0..2 {
        let (hosts, edge) = world.both();
        assert_eq!(hosts, Tallies::new());
        assert_eq!(edge[&1].days.values().next(), Some(&(10.0, 10.0)));
        world.sleep();
    }
}
