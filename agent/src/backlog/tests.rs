use edgewatch_core::dialects::native::ReportSettings;

use super::*;
use crate::spool::Limits;
use crate::testing::TestDirectory;

const LIMITS: Limits = Limits { samples: 8_640, bytes: 8 << 20 };

fn open(directory: &TestDirectory) -> Backlog {
    Backlog::new(Spool::open(directory.path(), LIMITS))
}

fn measure(backlog: &mut Backlog, samples: i64) {
    (0..samples).for_each(|at_ms| backlog.add(Sample { at_ms, ..Sample::default() }));
}

fn reply(durable_up_to: u64, resend_from: Option<u64>) -> ReportReply {
    ReportReply {
        durable_up_to,
        resend_from,
        dropped: Vec::new(),
        time_ms: 0,
        settings: ReportSettings::default(),
        probes: None,
    }
}

fn numbers(backlog: &mut Backlog) -> Vec<u64> {
    backlog.batch(360).samples.iter().map(|sample| sample.number).collect()
}

#[test]
fn a_new_agent_of_a_new_host_begins_with_one() {
    let directory = TestDirectory::new();
    let mut backlog = open(&directory);
    assert!(!backlog.is_confirmed());
    measure(&mut backlog, 2);
    backlog.settle(&reply(0, None), None);
    let batch = backlog.batch(360);
    assert_eq!((batch.oldest, batch.samples.len(), batch.samples[0].number), (1, 2, 1));
}

#[test]
fn an_agent_that_lost_its_counter_goes_behind_what_the_server_has() {
    let directory = TestDirectory::new();
    let mut backlog = open(&directory);
    // More samples than the server has: without asking first, the server would take them for repeats.
    measure(&mut backlog, 300);
    backlog.save();
    backlog.settle(&reply(200, None), None);
    assert_eq!(numbers(&mut backlog), (201..=500).collect::<Vec<_>>());
    assert_eq!(backlog.held(), 300);
    measure(&mut backlog, 1);
    assert_eq!(backlog.batch(360).samples.last().unwrap().number, 501);
}

#[test]
fn a_clean_restart_continues_and_sends_what_was_left() {
    let directory = TestDirectory::new();
    let mut before = open(&directory);
    before.settle(&reply(40, None), None);
    measure(&mut before, 5);
    before.settle(&reply(43, None), Some(43));
    before.close();

    let mut backlog = open(&directory);
    measure(&mut backlog, 2);
    backlog.settle(&reply(43, None), None);
    let batch = backlog.batch(360);
    assert_eq!(batch.oldest, 44);
    assert_eq!(batch.samples.iter().map(|sample| sample.number).collect::<Vec<_>>(), [44, 45, 46, 47]);
}

#[test]
fn samples_of_several_offline_processes_are_all_numbered_behind_the_server() {
    let directory = TestDirectory::new();
    for _ in 0..3 {
        let mut offline = open(&directory);
        measure(&mut offline, 10);
        offline.close();
    }
    let mut backlog = open(&directory);
    measure(&mut backlog, 1);
    assert_eq!(backlog.held(), 31);
    backlog.settle(&reply(15, None), None);
    assert_eq!(numbers(&mut backlog), (16..=46).collect::<Vec<_>>());
}

#[test]
fn a_crash_while_the_server_was_away_keeps_confirmed_numbers_and_moves_the_rest() {
    let directory = TestDirectory::new();
    let mut crashed = open(&directory);
    crashed.settle(&reply(100, None), None);
    measure(&mut crashed, 10);
    crashed.save();
    drop(crashed);

    let mut offline = open(&directory);
    measure(&mut offline, 3);
    offline.save();
    // The crashed process had sent up to 105, whose answer never came.
    offline.settle(&reply(105, None), None);
    assert_eq!(numbers(&mut offline), (106..=113).collect::<Vec<_>>());
    assert_eq!(offline.held(), 8);
}

#[test]
fn a_rolled_back_machine_drops_what_the_spool_had_and_renumbers_its_own() {
    let directory = TestDirectory::new();
    let mut before = open(&directory);
    before.settle(&reply(10, None), None);
    measure(&mut before, 5);
    before.close();

    let mut backlog = open(&directory);
    measure(&mut backlog, 2);
    backlog.settle(&reply(900, None), None);
    assert_eq!(numbers(&mut backlog), [901, 902]);
    assert_eq!(backlog.held(), 2);
}

#[test]
fn a_server_that_runs_ahead_later_renumbers_what_this_process_holds() {
    let directory = TestDirectory::new();
    let mut backlog = open(&directory);
    backlog.settle(&reply(0, None), None);
    measure(&mut backlog, 4);
    backlog.save();
    measure(&mut backlog, 2);
    backlog.settle(&reply(50, None), Some(3));
    assert_eq!(numbers(&mut backlog), (51..=56).collect::<Vec<_>>());
    measure(&mut backlog, 1);
    assert_eq!(backlog.held(), 7);
    let reopened = open(&directory);
    assert_eq!(reopened.held(), 4, "the disk has the new numbers of what it held");
    assert_eq!(reopened.oldest(), 51);
}

#[test]
fn samples_are_forgotten_once_they_are_safe_and_not_sooner() {
    let directory = TestDirectory::new();
    let mut backlog = open(&directory);
    backlog.settle(&reply(0, None), None);
    measure(&mut backlog, 4);
    backlog.settle(&reply(2, None), Some(4));
    assert_eq!((backlog.held(), backlog.has_unsent()), (2, false));
    measure(&mut backlog, 1);
    assert_eq!((backlog.batch(360).oldest, numbers(&mut backlog)), (3, vec![5]));
    backlog.settle(&reply(2, Some(3)), Some(5));
    assert_eq!(numbers(&mut backlog), [3, 4, 5]);
}

#[test]
fn what_is_asked_for_and_gone_is_said_to_be_gone() {
    let directory = TestDirectory::new();
    let mut backlog = open(&directory);
    backlog.settle(&reply(0, None), None);
    measure(&mut backlog, i64::try_from(LINE_SAMPLES).unwrap() + 10);
    assert_eq!(backlog.dropped(), 10);
    assert_eq!(backlog.settle(&reply(0, Some(1)), Some(370)), Settled::Resend);
    let batch = backlog.batch(360);
    assert_eq!((batch.oldest, batch.samples[0].number), (11, 11));
}

#[test]
fn a_long_backlog_goes_from_the_disk_over_into_memory_without_a_hole() {
    let directory = TestDirectory::new();
    let mut backlog = open(&directory);
    backlog.settle(&reply(0, None), None);
    for _ in 0..40 {
        measure(&mut backlog, 25);
        backlog.save();
    }
    measure(&mut backlog, 7);
    assert_eq!((backlog.held(), backlog.dropped()), (1007, 0));
    let mut seen = 0;
    while backlog.has_unsent() {
        let batch = backlog.batch(360);
        assert_eq!(batch.samples[0].number, seen + 1);
        seen = batch.samples.last().unwrap().number;
        backlog.settle(&reply(seen, None), Some(seen));
    }
    assert_eq!((seen, backlog.held()), (1007, 0));
}

#[test]
fn a_refused_sample_leaves_the_others() {
    let directory = TestDirectory::new();
    let mut backlog = open(&directory);
    backlog.settle(&reply(0, None), None);
    measure(&mut backlog, 3);
    backlog.save();
    backlog.remove(1);
    let batch = backlog.batch(360);
    assert_eq!((batch.oldest, batch.samples.len()), (2, 2));
}

const HOUR_MS: i64 = 3_600_000;
const NOW_MS: i64 = 1_795_361_190_000;

/// As many samples as ages, each so many hours old.
fn measure_aged(backlog: &mut Backlog, hours: impl IntoIterator<Item = i64>) {
    for age in hours {
        backlog.add(Sample { at_ms: NOW_MS - age * HOUR_MS, ..Sample::default() });
    }
}

fn confirmed(directory: &TestDirectory) -> Backlog {
    let mut backlog = open(directory);
    backlog.settle(&reply(0, None), None);
    backlog
}

#[test]
fn what_is_a_day_old_is_dropped_from_memory_and_from_the_disk() {
    for (saved, memory_only) in [(0, 310), (310, 0), (200, 110), (100, 210)] {
        let directory = TestDirectory::new();
        let mut backlog = confirmed(&directory);
        let ages = |range: std::ops::Range<usize>| range.map(|index| if index < 300 { 24 } else { 23 });
        measure_aged(&mut backlog, ages(0..saved));
        backlog.save();
        measure_aged(&mut backlog, ages(saved..saved + memory_only));
        assert!(backlog.drop_outdated(NOW_MS));
        assert_eq!((backlog.dropped(), backlog.held(), backlog.oldest()), (300, 10, 301), "{saved}");
        let batch = backlog.batch(120);
        assert_eq!((batch.oldest, batch.samples[0].number, batch.samples.len()), (301, 301, 10), "{saved}");
        assert!(!backlog.drop_outdated(NOW_MS));
    }
}

#[test]
fn what_an_earlier_process_left_too_long_ago_is_dropped() {
    let directory = TestDirectory::new();
    let mut before = confirmed(&directory);
    measure_aged(&mut before, [30, 29, 20]);
    before.close();

    let mut backlog = open(&directory);
    measure_aged(&mut backlog, [0]);
    backlog.settle(&reply(0, None), None);
    assert!(backlog.drop_outdated(NOW_MS));
    assert_eq!((backlog.batch(120).oldest, numbers(&mut backlog), backlog.dropped()), (3, vec![3, 4], 2));
}

#[test]
fn when_everything_is_too_old_the_next_sample_is_the_oldest() {
    let directory = TestDirectory::new();
    let mut backlog = confirmed(&directory);
    measure_aged(&mut backlog, [26; 5]);
    backlog.save();
    assert!(backlog.drop_outdated(NOW_MS));
    assert_eq!((backlog.held(), backlog.has_unsent(), backlog.oldest()), (0, false, 6));
    measure_aged(&mut backlog, [0]);
    let batch = backlog.batch(120);
    assert_eq!((batch.oldest, batch.samples[0].number), (6, 6));
    assert_eq!(Spool::open(directory.path(), LIMITS).next_number(), 6, "the numbering outlives it");
}

#[test]
fn a_day_is_exactly_what_the_server_takes() {
    assert!(!is_outdated(NOW_MS - TOO_OLD_MS + 1, NOW_MS));
    assert!(is_outdated(NOW_MS - TOO_OLD_MS, NOW_MS));
    assert!(is_outdated(NOW_MS - CLOCK_UNSET_MS, NOW_MS));
    assert!(!is_outdated(NOW_MS - CLOCK_UNSET_MS - 1, NOW_MS));
    assert!(!is_outdated(NOW_MS + HOUR_MS, NOW_MS), "a clock that was set back");
    assert!(!is_outdated(i64::MIN, i64::MAX));
}

#[test]
fn what_was_measured_before_the_clock_was_set_is_kept() {
    let directory = TestDirectory::new();
    let mut backlog = confirmed(&directory);
    measure(&mut backlog, 3);
    backlog.save();
    measure_aged(&mut backlog, [30, 0]);
    assert!(!backlog.drop_outdated(NOW_MS), "no hole behind them either");
    assert_eq!((backlog.batch(3).oldest, backlog.held(), backlog.dropped()), (1, 5, 0));
    // Once they are at the server the others are at the front.
    backlog.settle(&reply(3, None), Some(3));
    assert!(backlog.drop_outdated(NOW_MS));
    assert_eq!((numbers(&mut backlog), backlog.dropped()), (vec![5], 1));
}

#[test]
fn an_earlier_sample_that_is_asked_for_and_too_old_is_said_to_be_gone() {
    let directory = TestDirectory::new();
    let mut backlog = confirmed(&directory);
    measure_aged(&mut backlog, [25, 25, 25, 1, 0]);
    assert_eq!(backlog.settle(&reply(0, Some(1)), Some(5)), Settled::Resend);
    assert!(backlog.drop_outdated(NOW_MS));
    let batch = backlog.batch(120);
    assert_eq!((batch.oldest, batch.samples.iter().map(|sample| sample.number).collect::<Vec<_>>()), (4, vec![4, 5]));
}
