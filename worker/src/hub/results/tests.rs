use super::kept::{Kept, Results, standing, without_largest};
use super::*;
use crate::hub::directory::tests::entry;
use crate::hub::sql::Sql;
use edgewatch_core::model::{Link, Presence};
use edgewatch_core::units::UnixSeconds;

const LINUX: &str = include_str!("../../../core/samples/openitcockpit/result_linux.json");
const HOST: HostId = HostId(7);
const NOW: UnixMillis = UnixMillis(1_795_361_190_000);

fn shard() -> Shard {
    let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
    shard.complete(vec![]).unwrap();
    let mut known = entry(HOST.0);
    (known.host.last_seen, known.host.facts, known.host.presence) = (None, None, Presence::Never);
    shard.enrol(vec![known]).unwrap();
    shard
}

fn woken(shard: &Shard) -> Shard {
    let mut shard = Shard::new(shard.storage.sql.clone()).unwrap();
    shard.complete(vec![]).unwrap();
    shard
}

/// A result so many cycles after the first.
fn document(cycle: u64) -> Document {
    let later = |text: String, key: &str, first: u64| {
        let now = first + 30 * cycle;
        text.replace(&format!("\"{key}\":{first}"), &format!("\"{key}\":{now}"))
    };
    let text = later(LINUX.to_owned(), "system_uptime", 86_423);
    Document::read(&later(text, "last_updated_timestamp", 1_776_842_108)).unwrap()
}

fn after(cycles: i64) -> UnixMillis {
    UnixMillis(NOW.0 + 30_000 * cycles)
}

/// Takes a result; gives how many rows that wrote.
fn take(shard: &mut Shard, document: &Document, now: UnixMillis) -> u64 {
    let before = shard.storage.sql.rows_written();
    shard.take_document(HOST, document, now).unwrap();
    shard.storage.sql.rows_written() - before
}

fn newest(shard: &Shard) -> Sample {
    shard.get(HOST).and_then(|one| Option::clone(&one.newest)).unwrap()
}

#[test]
fn a_result_is_a_sample_with_the_next_number_and_costs_a_row() {
    let mut shard = shard();
    take(&mut shard, &document(0), NOW);
    let rows: Vec<u64> =
        (1..20).map(|cycle| take(&mut shard, &document(cycle), after(i64::try_from(cycle).unwrap()))).collect();
    // Where a block ends it is written, too.
    assert!(rows.iter().all(|rows| (1..=2).contains(rows)) && rows.iter().sum::<u64>() <= 20, "{rows:?}");
    let last = newest(&shard);
    assert_eq!((last.number, last.cpu_percent, last.at), (20, Some(12.5), after(19)));
    let host = shard.get(HOST).unwrap();
    assert_eq!((host.progress(), host.link), ((20, 20), Link::Post { period_s: 30, frame_s: 30 }));
    assert_eq!(host.entry.host.facts.as_ref().unwrap().platform, "debian");
}

#[test]
fn the_same_result_twice_is_one_sample_after_a_restart_too() {
    let mut shard = shard();
    take(&mut shard, &document(0), NOW);
    assert_eq!(take(&mut shard, &document(0), UnixMillis(NOW.0 + 900)), 0);
    let mut shard = woken(&shard);
    assert_eq!(take(&mut shard, &document(0), UnixMillis(NOW.0 + 1_800)), 0);
    assert_eq!(newest(&shard).number, 1);
    take(&mut shard, &document(1), after(1));
    assert_eq!(newest(&shard).number, 2);
}

#[test]
fn single_things_are_told_once_a_minute() {
    let mut shard = shard();
    let told: Vec<i64> = (0..6)
        .map(|cycle| {
            take(&mut shard, &document(cycle), after(i64::try_from(cycle).unwrap()));
            let latest = shard.latest_values(HOST, &["custom.check.check_load.load1".to_owned()]).unwrap();
            latest[0].unwrap().0 - NOW.seconds().0
        })
        .collect();
    // Under the beginning of the minute that it is of.
    assert_eq!(told, [-30, -30, 30, 30, 90, 90]);
}

#[test]
fn a_start_that_is_told_some_seconds_off_is_the_same_start() {
    let mut shard = shard();
    take(&mut shard, &document(0), NOW);
    let first = shard.get(HOST).unwrap().entry.host.facts.clone();
    // Its uptime went on by a second more than its clock.
    let text = LINUX.replace("\"system_uptime\":86423", "\"system_uptime\":86454");
    let text = text.replace("\"last_updated_timestamp\":1776842108", "\"last_updated_timestamp\":1776842138");
    assert_eq!(take(&mut shard, &Document::read(&text).unwrap(), after(1)), 1);
    assert_eq!(shard.get(HOST).unwrap().entry.host.facts, first);
    // And what it leaves out once it still is.
    let text = r#"{"agent":{"last_updated_timestamp":1776842168,"system_uptime":86483},"cpu":{"error":"x"}}"#;
    take(&mut shard, &Document::read(text).unwrap(), after(2));
    assert_eq!(shard.get(HOST).unwrap().entry.host.facts, first);
}

#[test]
fn results_are_for_the_database_once_an_hour_or_when_a_check_changes() {
    let sql = Sql::in_memory().unwrap();
    directory_of(&sql);
    let mut results = Results::default();
    let at = |seconds: i64| UnixSeconds(1_795_361_190 + seconds);
    let due =
        |results: &mut Results, standing: u64, seconds: i64| results.is_due(&sql, HOST, standing, at(seconds)).unwrap();
    assert!(due(&mut results, 1, 0));
    results.note_stored(&sql, HOST, 1, at(0)).unwrap();
    assert!(!due(&mut results, 1, 3_599) && due(&mut results, 1, 3_600));
    assert!(!due(&mut results, 2, 59) && due(&mut results, 2, 60));
    // An object that slept knows it still; a clock that was ahead does not stop it.
    let mut results = Results::default();
    assert!(!due(&mut results, 1, 30) && due(&mut results, 1, -1));
    assert!(results.is_due(&sql, HostId(8), 1, at(0)).unwrap());
}

fn directory_of(sql: &Sql) {
    crate::hub::directory::create(sql).unwrap();
}

#[test]
fn what_is_in_memory_is_bounded_and_the_oldest_goes() {
    let mut results = Results::default();
    let kept = |at_s: i64| Kept { at: UnixSeconds(at_s), size_bytes: 0, is_trimmed: false, packed: vec![0; 700_000] };
    for number in 1..=30 {
        results.hold(HostId(number), kept(number));
    }
    assert!(results.held(HostId(1)).is_none() && results.held(HostId(30)).is_some());
    assert_eq!((1..=30).filter(|number| results.held(HostId(*number)).is_some()).count(), 23);
    results.forget(HostId(30));
    assert!(results.held(HostId(30)).is_none());
}

#[test]
fn how_checks_stand_is_another_number_when_one_changes() {
    let of = |rc: i64, words: &str| {
        let text = format!(r#"{{"customchecks":{{"a":{{"stdout":"{words}","rc":{rc}}},"b":{{"stdout":"","rc":0}}}}}}"#);
        standing(&Document::read(&text).unwrap())
    };
    assert_eq!(of(0, "x"), of(0, "y"));
    assert_ne!(of(0, "x"), of(1, "x"));
    assert_ne!(of(1, "x"), of(2, "x"));
    assert_eq!(of(3, "x"), of(124, "x"), "both are unknown");
}

#[test]
fn the_largest_group_goes_first() {
    let (rest, gone) = without_largest(r#"{"a":[1,2,3],"processes":["long","longer"],"b":{}}"#).unwrap();
    assert_eq!((rest.as_str(), gone.as_str()), (r#"{"a":[1,2,3],"b":{}}"#, "processes"));
    assert_eq!(without_largest("{}"), None);
}
