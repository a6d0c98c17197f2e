//! What is posted over the object's life: any order, again and again, sleep, refusal, blocks and days that end, another shard.

use super::wire::PointsQuery;
use super::*;
use crate::hub::coarse::{self, Day};
use crate::hub::directory::tests::entry;
use crate::hub::handover::{self, Place};
use crate::hub::rings;
use crate::hub::sql::Sql;
use crate::store::Db;
use crate::store::db::now;
use crate::store::history::CoarseBlock;
use edgewatch_core::blocks::query::Plan;
use edgewatch_core::blocks::tiers::{self, MINUTES, SAMPLES};
use edgewatch_core::model::{Named, Presence};

const HOST: HostId = HostId(7);
/// A Sunday, 15:26:30 UTC.
const NOW: UnixMillis = UnixMillis(1_795_361_190_000);
const MINUTE_MS: i64 = 60_000;
/// The beginning of a minute.
const FIRST_S: i64 = 1_795_361_160;

fn shard_over(sql: Sql) -> Shard {
    let mut shard = Shard::new(sql).unwrap();
    shard.complete(vec![]).unwrap();
    shard
}

fn shard() -> Shard {
    let mut shard = shard_over(Sql::in_memory().unwrap());
    let mut known = entry(HOST.0);
    (known.host.last_seen, known.host.facts, known.host.presence) = (None, None, Presence::Never);
    shard.enrol(vec![known]).unwrap();
    shard
}

/// Another instance of the object over the same database.
fn woken(shard: &Shard) -> Shard {
    shard_over(shard.storage.sql.clone())
}

fn sample(at_s: i64, named: &[(&str, f64)]) -> Sample {
    let named = named.iter().map(|(name, value)| Named { name: (*name).to_owned(), value: *value });
    Sample { at: UnixMillis(at_s * 1000), named: named.collect(), ..Sample::default() }
}

fn after(minutes: i64) -> UnixMillis {
    UnixMillis(NOW.0 + minutes * MINUTE_MS)
}

/// Posts one value of `a`; gives how many rows that wrote.
fn post(shard: &mut Shard, at_s: i64, value: f64, now: UnixMillis) -> u64 {
    let before = shard.storage.sql.rows_written();
    assert_eq!(shard.take_posted(HOST, vec![sample(at_s, &[("a", value)])], now), Ok(0));
    shard.storage.sql.rows_written() - before
}

fn query(from_s: i64, to_s: i64) -> PointsQuery {
    PointsQuery { of: HOST.0, name: "a".to_owned(), from_s, to_s }
}

fn points_with(
    shard: &mut Shard,
    wanted: &PointsQuery,
    now: UnixMillis,
    coarse: impl Fn(&Plan) -> Vec<CoarseBlock>,
) -> Vec<(i64, f64)> {
    let place = shard.find_metric(HOST, &wanted.name).unwrap().unwrap();
    let plan = shard.points_plan(&place, wanted, now);
    let coarse = coarse(&plan);
    shard.points(&place, wanted, &plan, &coarse).unwrap()
}

fn points(shard: &mut Shard, now: UnixMillis) -> Vec<(i64, f64)> {
    points_with(shard, &query(FIRST_S - 86_400, FIRST_S + 4 * 86_400), now, |_| vec![])
}

#[test]
fn minutes_in_any_order_are_one_point_each_and_the_value_that_came_last() {
    let mut shard = shard();
    for (minute, value) in [(2, 3.0), (0, 1.0), (1, 2.0)] {
        post(&mut shard, FIRST_S + minute * 60, value, NOW);
    }
    assert_eq!(points(&mut shard, NOW), [(FIRST_S, 1.0), (FIRST_S + 60, 2.0), (FIRST_S + 120, 3.0)]);
    post(&mut shard, FIRST_S + 33, 9.0, NOW);
    let expected = [(FIRST_S + 33, 9.0), (FIRST_S + 60, 2.0), (FIRST_S + 120, 3.0)];
    assert_eq!(points(&mut shard, NOW), expected, "the minute is one point, at the second it was posted with");
    assert_eq!(points(&mut woken(&shard), NOW), expected);
    let within = |from, to| points_with(&mut woken(&shard), &query(from, to), NOW, |_| vec![]);
    assert_eq!(within(FIRST_S + 33, FIRST_S + 60), expected[..2], "both ends are included");
    assert_eq!(within(FIRST_S + 34, FIRST_S + 59), []);
}

#[test]
fn a_post_writes_a_row_and_one_that_is_known_none() {
    let mut shard = shard();
    assert_eq!(post(&mut shard, FIRST_S, 1.0, NOW), 2, "the first one is noted");
    assert_eq!(post(&mut shard, FIRST_S + 60, 2.0, after(1)), 1);
    for _ in 0..2 {
        assert_eq!(post(&mut shard, FIRST_S + 60, 2.0, after(1)), 0);
        assert_eq!(post(&mut shard, FIRST_S, 1.0, after(1)), 0);
    }
    assert_eq!(post(&mut woken(&shard), FIRST_S, 1.0, after(2)), 0);
    assert_eq!(post(&mut shard, FIRST_S, 1.5, after(2)), 1, "another value is news");
    assert_eq!(post(&mut shard, FIRST_S, 1.0, after(2)), 1, "and the first one again, too");
    assert_eq!(points(&mut shard, after(2)), [(FIRST_S, 1.0), (FIRST_S + 60, 2.0)]);
}

#[test]
fn a_post_that_could_not_be_written_is_written_by_the_next_try() {
    let mut shard = shard();
    post(&mut shard, FIRST_S, 1.0, NOW);
    let sql = shard.storage.sql.clone();
    sql.exec("CREATE TRIGGER no_journal BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'refused'); END", vec![])
        .unwrap();
    let again = || vec![sample(FIRST_S + 60, &[("a", 2.0)])];
    assert!(shard.take_posted(HOST, again(), after(1)).is_err());
    assert!(shard.take_posted(HOST, again(), after(1)).is_err(), "it is here, but it is not durable");
    sql.exec("DROP TRIGGER no_journal", vec![]).unwrap();
    assert_eq!(points(&mut woken(&shard), after(1)), [(FIRST_S, 1.0)]);
    assert_eq!(post(&mut shard, FIRST_S + 60, 2.0, after(1)), 1);
    assert_eq!(points(&mut woken(&shard), after(1)), [(FIRST_S, 1.0), (FIRST_S + 60, 2.0)]);
}

/// Posts every minute for `minutes`, and wakes the object now and then. The value is the minute's number.
fn live(shard: Shard, minutes: std::ops::Range<i64>) -> Shard {
    let mut shard = shard;
    for minute in minutes {
        if minute % 97 == 5 {
            shard = woken(&shard);
        }
        #[expect(clippy::cast_precision_loss, reason = "small")]
        post(&mut shard, FIRST_S + minute * 60, minute as f64, after(minute));
    }
    shard
}

#[expect(clippy::cast_precision_loss, reason = "small")]
fn expected(minutes: std::ops::Range<i64>) -> Vec<(i64, f64)> {
    minutes.map(|minute| (FIRST_S + minute * 60, minute as f64)).collect()
}

#[test]
fn two_days_of_minutes_are_all_there_whatever_blocks_ended_and_cost_little() {
    let shard = live(shard(), 0..1);
    let before = shard.storage.sql.rows_written();
    let mut shard = live(shard, 1..2_880);
    let rows = shard.storage.sql.rows_written() - before;
    // A row each, 16 blocks of samples, 8 of minutes, which the minute that lags behind writes once more, and the names.
    assert!((2_879..2_879 + 45).contains(&rows), "{rows}");
    assert_eq!(points(&mut shard, after(2_880)), expected(0..2_880));
    assert_eq!(points(&mut woken(&shard), after(2_880)), expected(0..2_880));
    let stored = rings::range(&shard.storage.sql, HOST.posted(), MINUTES.number, 32, 0..=u64::from(u32::MAX)).unwrap();
    let rows: Vec<_> = stored.iter().flat_map(|stored| stored.block().unwrap().rows().collect::<Vec<_>>()).collect();
    assert!(rows.len() > 2_400, "{}", rows.len());
    assert!(rows.iter().all(|row| row.values().len() == 2), "a value and a weight, no largest value");
}

#[test]
fn late_and_early_minutes_take_their_places_in_what_was_rolled_up() {
    let mut shard = live(shard(), 0..900);
    // Fourteen hours ago, and in twenty hours.
    post(&mut shard, FIRST_S + 60 * 60, -1.0, after(900));
    post(&mut shard, FIRST_S + 2_100 * 60, -2.0, after(900));
    let mut all = expected(0..900);
    all[60].1 = -1.0;
    all.push((FIRST_S + 2_100 * 60, -2.0));
    assert_eq!(points(&mut shard, after(900)), all, "at once");
    shard = live(shard, 901..1_300);
    all.truncate(900);
    all.extend(expected(901..1_300));
    all.push((FIRST_S + 2_100 * 60, -2.0));
    assert_eq!(points(&mut woken(&shard), after(1_300)), all, "and when blocks ended");
    shard = live(shard, 1_301..4_000);
    all.truncate(900 + 399);
    all.extend(expected(1_301..4_000));
    all[60].1 = -1.0;
    // The early one was said anew when its time came.
    assert_eq!(points(&mut shard, after(4_000)), all, "and when the samples are gone");
}

#[test]
fn a_day_that_was_written_is_written_anew_with_what_came_late() {
    let db = Db::in_memory().unwrap();
    let id = HOST.posted();
    let write_days = |shard: &mut Shard, at: UnixMillis| -> Vec<u64> {
        let (days, _): (Vec<Day>, bool) = shard.finished_days(at, 100).unwrap();
        let written = now(coarse::write(&db, &shard.storage.rings(id), &days));
        assert_eq!(written.failed, None);
        shard.note_done(&written.done).unwrap();
        written
            .done
            .iter()
            .map(|(of, day)| {
                assert_eq!(*of, id);
                *day
            })
            .collect()
    };
    let mut shard = live(shard(), 0..2_000);
    let done = write_days(&mut shard, after(2_000));
    assert!(!done.is_empty());
    assert_eq!(write_days(&mut shard, after(2_000)), Vec::<u64>::new());
    // The last minute of the last day that is done, another value, and nothing in its place in count.
    let end_s = tiers::day_start_ms(id, done.last().unwrap() + 1) / 1000;
    let late_s = end_s - 60;
    post(&mut shard, late_s, 1e6, after(2_000));
    shard = live(woken(&shard), 2_001..2_400);
    let anew = write_days(&mut shard, after(2_400));
    assert_eq!(anew.first(), done.last(), "its day is done anew");
    let place = shard.find_metric(HOST, "a").unwrap().unwrap();
    // As if the fine rings were gone.
    let wanted = query(end_s - 600, end_s - 1);
    let mut plan = shard.points_plan(&place, &wanted, after(2_400));
    plan.parts.iter_mut().for_each(|part| part.tier = tiers::TENS);
    let coarse = now(crate::store::history::list(&db, &read::wanted_blocks(id, &plan))).unwrap();
    let points = shard.points(&place, &wanted, &plan, &coarse).unwrap();
    let [(at_s, mean)] = points[..] else { panic!("{points:?}") };
    assert_eq!(at_s, end_s - 600);
    assert!(mean > 99_000.0, "{mean}: a tenth of it is the late one");
}

#[test]
fn a_day_is_written_anew_when_something_of_it_comes_while_it_is_on_its_way() {
    let db = Db::in_memory().unwrap();
    let id = HOST.posted();
    let mut shard = live(shard(), 0..2_000);
    let (days, _) = shard.finished_days(after(2_000), 100).unwrap();
    let last = days.last().unwrap().day_no;
    let end_s = tiers::day_start_ms(id, last + 1) / 1000;
    post(&mut shard, end_s - 60, 1e6, after(2_000));
    let written = now(coarse::write(&db, &shard.storage.rings(id), &days));
    shard.note_done(&written.done).unwrap();
    let still_due = |shard: &mut Shard| -> Vec<u64> {
        let (days, _) = shard.finished_days(after(2_100), 100).unwrap();
        days.iter().map(|day| day.day_no).collect()
    };
    assert_eq!(still_due(&mut shard), [last], "an hour later, and no day before it");
    assert_eq!(still_due(&mut woken(&shard)), [last]);
}

#[test]
fn a_host_that_posts_is_as_its_values_say_after_sleep_too() {
    let mut shard = shard();
    let agent = [
        ("loadavg5", 4.23),
        ("memory.total", 8e9),
        ("memory.used", 3e9),
        ("cpu.user.percentage", 25.0),
        ("cpu.idle.percentage", 75.0),
    ];
    shard.take_posted(HOST, vec![sample(FIRST_S, &agent)], NOW).unwrap();
    shard.take_posted(HOST, vec![sample(FIRST_S + 60, &[("custom.dice.d6", 3.0)])], after(1)).unwrap();
    // An old value changes what was, and not what is.
    shard.take_posted(HOST, vec![sample(FIRST_S - 3_600, &[("loadavg5", 99.0)])], after(1)).unwrap();
    for shard in [&shard, &woken(&shard)] {
        let host = shard.get(HOST).unwrap();
        let newest = Option::clone(&host.newest).unwrap();
        assert_eq!(
            (newest.load5, newest.mem_used_bytes, newest.cpu_percent),
            (Some(4.23), Some(3_000_000_000), Some(25.0))
        );
        assert_eq!((newest.at.0, newest.named.len()), ((FIRST_S + 60) * 1000, 0));
        assert_eq!(host.link, Link::Post { period_s: 60, frame_s: 60 });
        assert_eq!(host.last_seen().map(|at| at.0), Some(after(1).0 / 1000));
        assert_eq!(host.entry.host.facts.as_ref().map(|facts| facts.mem_total_bytes), Some(8_000_000_000));
    }
    assert_eq!(shard.get(HOST).unwrap().entry.host.presence, Presence::Online);
    assert_eq!(shard.iter().count(), 1, "what is posted is in no list");
    let names: Vec<String> = shard.metric_names(HOST).unwrap().into_iter().collect();
    assert_eq!(
        names,
        ["cpu.idle.percentage", "cpu.user.percentage", "custom.dice.d6", "loadavg5", "memory.total", "memory.used"]
    );
    let asked = ["loadavg5", "custom.dice.d6", "loadavg1", "memory.mem_available"].map(str::to_owned);
    let latest = shard.latest_values(HOST, &asked).unwrap();
    assert_eq!(latest, [Some((FIRST_S, 4.23)), Some((FIRST_S + 60, 3.0)), None, None]);
}

#[test]
fn the_newest_value_is_the_one_of_the_latest_time_wherever_it_lies() {
    let mut shard = live(shard(), 0..400);
    // A late value comes first behind the end of a block.
    let storage = shard.storage.clone();
    shard.get_mut(HOST.posted()).unwrap().write_block(&storage).unwrap();
    post(&mut shard, FIRST_S, -1.0, after(600));
    let latest = |shard: &mut Shard| shard.latest_values(HOST, &["a".to_owned()]).unwrap();
    assert_eq!(latest(&mut shard), [Some((FIRST_S + 399 * 60, 399.0))]);
    assert_eq!(latest(&mut woken(&shard)), [Some((FIRST_S + 399 * 60, 399.0))]);
}

#[test]
fn our_own_agents_numbers_are_left_alone_by_what_is_posted_beside_it() {
    let mut shard = shard();
    let report = |number: u64, at: UnixMillis| edgewatch_core::model::Report {
        agent_version: String::new(),
        sent_at: at,
        oldest: 1,
        period_s: 10,
        frame_s: 10,
        probes_version: None,
        facts: None,
        samples: vec![Sample { number, at, load5: Some(1.5), ..Sample::default() }],
    };
    shard.post(HOST, report(1, NOW), NOW).unwrap();
    shard.take_posted(HOST, vec![sample(FIRST_S, &[("custom.a", 5.0), ("loadavg5", 9.0)])], NOW).unwrap();
    assert_eq!(shard.post(HOST, report(2, after(1)), after(1)).unwrap().0, None, "the next number is still the next");
    let host = shard.get(HOST).unwrap();
    assert_eq!((host.progress(), host.newest.as_ref().unwrap().load5), ((2, 2), Some(1.5)));
    assert_eq!(host.link, Link::Post { period_s: 10, frame_s: 10 });
    let latest = |shard: &mut Shard, name: &str| {
        shard.latest_values(HOST, &[name.to_owned()]).unwrap()[0].map(|(_, value)| value)
    };
    assert_eq!(latest(&mut shard, "custom.a"), Some(5.0));
    assert_eq!(latest(&mut shard, "loadavg5"), Some(9.0), "what was posted under a name comes first");
    assert_eq!(latest(&mut shard, "loadavg1"), None);
    assert_eq!(shard.kept_under(HOST, "load5"), Ok(HOST));
    assert_eq!(shard.kept_under(HOST, "custom.a"), Ok(HOST.posted()));
}

/// Six samples a minute, the fifth of which ends it: it tells of the minute where `tells` says so.
fn of_our_agent(shard: &mut Shard, minutes: std::ops::Range<i64>, tells: impl Fn(i64) -> Option<f64>) {
    for minute in minutes {
        let first = minute.unsigned_abs() * 6 + 1;
        let sample = |place: u64| {
            let at = UnixMillis((FIRST_S + minute * 60) * 1000 + place.cast_signed() * 10_000 + 8_500);
            let told = tells(minute).filter(|_| place == 4);
            let load = told.map(|value| Named { name: "loadavg5".to_owned(), value });
            let user = told.map(|value| Named { name: "cpu.user.percentage".to_owned(), value: value * 2.0 });
            let named = load.into_iter().chain(user).collect();
            Sample { number: first + place, at, load5: Some(0.5), named, ..Sample::default() }
        };
        let samples: Vec<Sample> = (0..6).map(sample).collect();
        let now = samples[5].at;
        let report = crate::hub::testing::report(samples, first, now, 60);
        assert_eq!(shard.post(HOST, report, now).unwrap().0, None);
    }
}

fn points_of(shard: &mut Shard, name: &str, minutes: i64) -> Vec<(i64, f64)> {
    let wanted = PointsQuery { name: name.to_owned(), ..query(FIRST_S, FIRST_S + minutes * 60 - 1) };
    points_with(shard, &wanted, after(minutes), |_| vec![])
}

#[test]
fn what_our_agent_tells_of_a_minute_is_its_one_point_and_comes_before_what_its_samples_say() {
    let mut shard = shard();
    let told = |minute| f64::from(i32::try_from(minute).unwrap()) + 0.01;
    // An hour and a half: blocks of samples end, and the minutes of some are rolled up.
    of_our_agent(&mut shard, 0..400, |minute| Some(told(minute)));
    let all: Vec<(i64, f64)> = (0..400).map(|minute| (FIRST_S + minute * 60, told(minute))).collect();
    for mut shard in [woken(&shard), shard] {
        assert_eq!(points_of(&mut shard, "loadavg5", 400), all);
        let user = points_of(&mut shard, "cpu.user.percentage", 400);
        assert_eq!(user, all.iter().map(|(at_s, value)| (*at_s, value * 2.0)).collect::<Vec<_>>());
        let latest = shard.latest_values(HOST, &["loadavg5".to_owned(), "cpu.user.percentage".to_owned()]).unwrap();
        let at_s = FIRST_S + 399 * 60;
        assert_eq!(latest, [Some((at_s, told(399))), Some((at_s, told(399) * 2.0))], "the minute's beginning");
        let names = shard.metric_names(HOST).unwrap();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["cpu.user.percentage", "loadavg5"], "each once");
    }
}

#[test]
fn an_agent_that_tells_no_more_is_answered_for_by_its_samples() {
    let mut shard = shard();
    of_our_agent(&mut shard, 0..20, |minute| (minute < 10 && minute != 5).then_some(9.0));
    let found = points_of(&mut shard, "loadavg5", 20);
    let told: Vec<i64> = (0..10).filter(|minute| *minute != 5).collect();
    let own: Vec<i64> = (15..20).collect();
    let at = |minutes: &[i64], value| minutes.iter().map(|at| (FIRST_S + at * 60, value)).collect::<Vec<_>>();
    assert_eq!(found, [at(&told, 9.0), at(&own, 0.5)].concat(), "not at once, and not between");
    assert_eq!(points_of(&mut shard, "cpu.user.percentage", 20), at(&told, 18.0), "which nobody measured");
    let latest = shard.latest_values(HOST, &["loadavg5".to_owned()]).unwrap();
    assert_eq!(latest, [Some((FIRST_S + 19 * 60 + 58, 0.5))]);
    of_our_agent(&mut shard, 20..21, |_| Some(7.0));
    let latest = shard.latest_values(HOST, &["loadavg5".to_owned()]).unwrap();
    assert_eq!(latest, [Some((FIRST_S + 20 * 60, 7.0))]);
}

#[test]
fn a_host_has_room_for_so_many_names_and_says_when_they_are_too_many() {
    let mut shard = shard();
    for first in (0..4_096).step_by(512) {
        let named: Vec<(String, f64)> = (first..first + 512).map(|name| (format!("m{name}"), 1.0)).collect();
        let named: Vec<(&str, f64)> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(shard.take_posted(HOST, vec![sample(FIRST_S, &named)], NOW), Ok(0));
    }
    let more = vec![sample(FIRST_S + 60, &[("m5", 2.0), ("more", 3.0)])];
    assert_eq!(shard.take_posted(HOST, more, after(1)), Ok(1));
    let mut shard = woken(&shard);
    assert_eq!(shard.take_posted(HOST, vec![sample(FIRST_S + 60, &[("more", 3.0)])], after(1)), Ok(1));
    let latest = shard.latest_values(HOST, &["m5".to_owned(), "m4095".to_owned(), "more".to_owned()]).unwrap();
    assert_eq!(latest, [Some((FIRST_S + 60, 2.0)), Some((FIRST_S, 1.0)), None]);
}

#[test]
fn five_hundred_names_a_minute_are_kept_for_days() {
    let all_names: Vec<String> = (0..500).map(|name| format!("custom.plugin.group.value{name}")).collect();
    let mut shard = shard();
    for minute in 0..400_i64 {
        let value =
            |name: usize| f64::from(u32::try_from(minute).unwrap()) + f64::from(u32::try_from(name).unwrap()).sin();
        let named: Vec<(&str, f64)> =
            all_names.iter().enumerate().map(|(at, name)| (name.as_str(), value(at))).collect();
        shard.take_posted(HOST, vec![sample(FIRST_S + minute * 60, &named)], after(minute)).unwrap();
    }
    let end = after(60 * 30);
    post(&mut shard, end.0 / 1000, 1.0, end);
    // Of the minutes alone: the samples are pushed out of their ring.
    for slot in 0..SAMPLES.ring_blocks {
        let id = HOST.posted().0.into();
        shard
            .storage
            .sql
            .exec("DELETE FROM blocks WHERE host_id = ?1 AND tier = 0 AND slot = ?2", vec![id, slot.into()])
            .unwrap();
    }
    let wanted = PointsQuery { name: all_names[123].clone(), ..query(FIRST_S, FIRST_S + 400 * 60) };
    let all = points_with(&mut shard, &wanted, end, |_| vec![]);
    assert_eq!(all.len(), 400);
    assert_eq!(all[7], (FIRST_S + 7 * 60, 7.0 + 123.0_f64.sin()), "to the last bit");
}

#[test]
fn what_is_posted_moves_with_its_host_and_the_later_value_counts() {
    const SHARDS: u32 = 3;
    let owner = crate::hub::wire::shard_of(HOST, SHARDS);
    assert_eq!(crate::hub::wire::shard_of(HOST.posted(), SHARDS), owner, "together");
    let mut old = live(shard(), 0..1_000);
    old.place = Place { index: (owner + 1) % SHARDS, shards: SHARDS };
    let mut new = Shard::new(Sql::in_memory().unwrap()).unwrap();
    new.place = Place { index: owner, shards: SHARDS };
    new.complete(vec![]).unwrap();
    let mut known = entry(HOST.0);
    (known.host.last_seen, known.host.facts) = (None, None);
    new.enrol(vec![known]).unwrap();
    // Before anything was handed over the new one takes what is posted, an old minute once more among it.
    post(&mut new, FIRST_S + 1_000 * 60, 1_000.0, after(1_000));
    post(&mut new, FIRST_S + 990 * 60, -1.0, after(1_000));
    old.clear();
    assert_eq!(handover::foreign(&old), Ok(vec![HOST.posted(), HOST]));
    for id in [HOST.posted(), HOST] {
        for parcel in handover::pack(&old, id, None, after(1_001)).unwrap().unwrap() {
            for _ in 0..2 {
                handover::adopt(&mut new, &parcel, || None, after(1_001)).unwrap();
            }
        }
        handover::forget(&mut old, id).unwrap();
    }
    assert_eq!(handover::foreign(&old), Ok(vec![]));
    post(&mut new, FIRST_S + 1_001 * 60, 1_001.0, after(1_001));
    let mut all = expected(0..1_002);
    all[990].1 = -1.0;
    assert_eq!(points(&mut new, after(1_002)), all);
    let mut new = live(woken_at(&new), 1_002..1_500);
    all.extend(expected(1_002..1_500));
    assert_eq!(points(&mut new, after(1_500)), all);
    assert_eq!(Option::clone(&new.get(HOST).unwrap().link_of()), Some(60));
}

/// As [`woken`], in the same place.
fn woken_at(shard: &Shard) -> Shard {
    let mut woken = Shard::new(shard.storage.sql.clone()).unwrap();
    woken.place = shard.place;
    woken.complete(vec![]).unwrap();
    woken
}

impl Tracked {
    fn link_of(&self) -> Option<u32> {
        match self.link {
            Link::Post { period_s, .. } => Some(period_s),
            Link::Socket => None,
        }
    }
}
