use super::kept::{Head, Kept, Twins, decode, encode, is_newer, kept, without_largest};
use super::*;
use crate::hub::directory::tests::entry;
use crate::hub::sql::Sql;
use crate::hub::{directory, journal};
use edgewatch_core::domain::twins::Mark;
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
    shard.take_document(HOST, document, None, now).unwrap();
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

/// A result that came so many seconds later.
fn result(seconds: i64, packed: &[u8]) -> Kept {
    Kept { at: UnixSeconds(NOW.seconds().0 + seconds), size_bytes: 7, is_trimmed: false, packed: packed.to_vec() }
}

#[test]
fn a_result_lies_with_its_samples_and_outlasts_sleep_for_no_row_more() {
    let mut shard = shard();
    for cycle in 0..3 {
        let at = i64::try_from(cycle).unwrap();
        let came = result(30 * at, format!("result {cycle}").as_bytes());
        let sql = shard.storage.sql.clone();
        let head = shard.results.head(&sql, HOST).unwrap().next(&came);
        let written = sql.rows_written();
        let bytes = encode(&head, &came.packed).unwrap();
        shard.take_document(HOST, &document(cycle), Some(bytes), after(at)).unwrap();
        assert!(cycle == 0 || sql.rows_written() <= written + 1);
        shard.results.put_head(HOST, head);
        shard = woken(&shard);
        let found = journal::result(&sql, HOST).unwrap().unwrap();
        assert_eq!(kept(&found), Some(came));
        assert!(shard.load(HOST, || None).unwrap());
    }
    // A sample that comes alone leaves it where it is.
    take(&mut shard, &document(3), after(3));
    let found = journal::result(&shard.storage.sql, HOST).unwrap().unwrap();
    assert_eq!(kept(&found).unwrap().packed, b"result 2");
    assert!(is_newer(&found, None) && !is_newer(&found, Some(&found)) && !is_newer(b"", None));
    assert_eq!(kept(b"\x09\0\0\0x"), None);
}

#[test]
fn the_database_gets_a_result_four_times_a_day() {
    let mut shard = shard();
    let sql = shard.storage.sql.clone();
    let due = |shard: &mut Shard, seconds: i64| {
        let at = UnixSeconds(NOW.seconds().0 + seconds);
        shard.results.head(&sql, HOST).unwrap().is_due(at)
    };
    assert!(due(&mut shard, 0));
    shard.results.note_stored(HOST, NOW.seconds());
    assert!(!due(&mut shard, 21_599) && due(&mut shard, 21_600), "whatever checks say");
    // The next result tells an object that slept; a clock that was ahead does not stop it.
    let came = result(30, b"x");
    let head = shard.results.head(&sql, HOST).unwrap().next(&came);
    shard.take_document(HOST, &document(0), Some(encode(&head, b"x").unwrap()), after(1)).unwrap();
    let mut shard = woken(&shard);
    assert!(!due(&mut shard, 60) && due(&mut shard, -1));
}

#[test]
fn two_machines_in_one_name_are_noted_and_told_and_not_each_time() {
    let mark = |at_s: i64, started_s: i64| Mark {
        started: Some(UnixSeconds(started_s)),
        address: "192.0.2.1".to_owned(),
        at: UnixSeconds(NOW.seconds().0 + at_s).millis(),
    };
    let mut head = Head::default();
    let both = Twins { is_noted: true, is_told: true };
    let quiet = Twins::default();
    assert_eq!([head.mark(&mark(0, 5_000), 60), head.mark(&mark(20, 9_000), 60)], [quiet; 2]);
    assert_eq!(head.mark(&mark(60, 5_000), 60), both);
    let (mut head, _) = decode(&encode(&head, b"").unwrap()).unwrap();
    assert_eq!(head.mark(&mark(80, 9_000), 60), quiet);
    assert_eq!(head.mark(&mark(3_660, 5_000), 60), Twins { is_told: false, ..both });
    assert_eq!(head.mark(&mark(90_000, 9_000), 60), both);
    let mut shard = shard();
    take(&mut shard, &document(0), NOW);
    shard.tell_of_twins(HOST, NOW);
    let owed = directory::owed(&shard.storage.sql, 9).unwrap();
    assert_eq!((owed.len(), owed[0].0.kind, owed[0].0.host_id), (1, EventKind::DuplicateMachine, Some(HOST)));
}

#[test]
fn the_largest_group_goes_first() {
    let (rest, gone) = without_largest(r#"{"a":[1,2,3],"processes":["long","longer"],"b":{}}"#).unwrap();
    assert_eq!((rest.as_str(), gone.as_str()), (r#"{"a":[1,2,3],"b":{}}"#, "processes"));
    assert_eq!(without_largest("{}"), None);
}
