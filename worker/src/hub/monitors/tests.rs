//! What people are told of probes, over sleep and over several shards, and what it costs.

use edgewatch_core::dialects::native::stream::{Frame, Hello, Versions};
use edgewatch_core::model::{Coverage, Link, ProbeKind, ProbeNotices, Report};
use edgewatch_core::units::UnixSeconds;

use super::*;
use crate::hub::directory::tests::entry;
use crate::hub::handover::Place;
use crate::hub::sql::Sql;
use crate::hub::testing;

const NOW: UnixMillis = UnixMillis(1_795_361_190_000);
const STEP_S: i64 = 30;

fn after(seconds: i64) -> UnixMillis {
    UnixMillis(NOW.0 + seconds * 1000)
}

fn probe(id: i64) -> Probe {
    let notices = ProbeNotices {
        of_state: true,
        of_delay: true,
        min_delay_ms: 0.0,
        max_delay_ms: 100.0,
        certificate_days: 7,
        group: "night".to_owned(),
    };
    let spec = ProbeSpec {
        name: format!("p{id}"),
        kind: ProbeKind::Http,
        target: "https://example.com/".to_owned(),
        interval_s: 30,
        coverage: Coverage::AllBut(vec![]),
        from_edge: true,
        is_public: false,
        delays_public: false,
        notices,
    };
    Probe { id: ProbeId(id), spec, created_at: UnixSeconds(7) }
}

fn shard(hosts: i64, probes: Vec<Probe>) -> Shard {
    let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
    shard.complete(vec![]).unwrap();
    shard.enrol((1..=hosts).map(entry).collect()).unwrap();
    let sql = shard.storage.sql.clone();
    for tracked in shard.iter_mut() {
        tracked.entry.host.presence = Presence::Online;
        tracked.entry.host.name = format!("h{}", tracked.id().0);
        (tracked.link, tracked.seen_ms) = (Link::Post { period_s: 10, frame_s: 10 }, NOW.0);
        *tracked.newest = None;
        directory::put(&sql, &tracked.entry).unwrap();
    }
    shard.change_probes(probes, NOW).unwrap();
    shard
}

fn result(probe: i64, delay_ms: Option<f64>, note: Option<&str>) -> ProbeResult {
    ProbeResult { probe: ProbeId(probe), delay_ms, tls_expires: None, note: note.map(str::to_owned) }
}

fn report(number: u64, at: UnixMillis, results: Vec<ProbeResult>) -> Report {
    testing::report(vec![Sample { number, at, probes: results, ..Sample::default() }], number, at, 10)
}

/// A host posts what came of probe 1 in its report of this number.
fn post(shard: &mut Shard, host: i64, number: i64, delay_ms: Option<f64>) {
    // An agent says why when that is news.
    let note = delay_ms.is_none().then_some("refused").filter(|_| number % 30 == 1 || number == 12);
    let at = after(number * STEP_S);
    shard.post(HostId(host), report(number.unsigned_abs(), at, vec![result(1, delay_ms, note)]), at).unwrap();
}

fn told(shard: &Shard) -> Vec<(EventKind, String)> {
    let owed = directory::owed(&shard.storage.sql, 99).unwrap();
    owed.into_iter().map(|(event, _)| (event.kind, event.text)).collect()
}

fn texts(shard: &Shard) -> Vec<String> {
    told(shard).into_iter().map(|(_, text)| text).collect()
}

/// The object woke anew, from what it keeps.
fn woken(shard: &Shard) -> Shard {
    let mut again = Shard::new(shard.storage.sql.clone()).unwrap();
    again.place = shard.place;
    again.read_rules().unwrap();
    again.complete(vec![]).unwrap();
    again
}

#[test]
fn people_are_told_of_each_change_over_sleep_between_all_results() {
    let mut shard = shard(1, vec![probe(1)]);
    for number in 1..=70 {
        let is_up = !(31..=36).contains(&number);
        post(&mut shard, 1, number, is_up.then_some(1.0));
        shard = woken(&shard);
    }
    let of = |state: &str, why: &str| format!("[{state}] p1 Reporter: h1, Error: {why}");
    assert_eq!(
        told(&shard),
        [
            (EventKind::AlertFired, of("Low Availability", "refused")),
            (EventKind::AlertReminder, of("Down", "refused")),
            (EventKind::AlertReminder, of("Low Availability", "")),
            (EventKind::AlertRecovered, of("Good", "")),
        ]
    );
    let (fired, name) = directory::owed(&shard.storage.sql, 1).unwrap().remove(0);
    let alert = fired.alert.unwrap();
    assert_eq!((fired.group.as_str(), name.as_deref(), alert.detail.as_str()), ("night", Some("h1"), "refused"));
    assert_eq!(alert.cause, Cause { source: Source::Probe, id: 1, host: None });
    assert_eq!(directory::list_alert_states(&shard.storage.sql).unwrap(), []);
}

#[test]
fn while_it_is_down_it_is_told_again_after_a_quarter_of_an_hour_by_who_finds_it() {
    let mut shard = shard(2, vec![probe(1)]);
    for number in 1..=32 {
        post(&mut shard, 1 + number % 2, number, None);
    }
    let found = told(&shard);
    let kinds: Vec<_> = found.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [EventKind::AlertFired, EventKind::AlertReminder], "{found:?}");
    assert_eq!(found[1].1, "[Down] p1 Reporter: h2, Error: refused");
    // Nobody finds anything any more: there is nothing to tell again.
    shard.look_at_rules(after(86_400), 0);
    assert_eq!(told(&shard).len(), 2);
}

#[test]
fn while_nothing_changes_no_row_is_written() {
    let mut shard = shard(2, vec![probe(1)]);
    let written = |shard: &mut Shard, number: i64, delay_ms| {
        let before = shard.storage.sql.rows_written();
        post(shard, 1, number, delay_ms);
        shard.look_at_rules(after(number * STEP_S), 0);
        shard.storage.sql.rows_written() - before
    };
    for number in 1..=30 {
        written(&mut shard, number, Some(1.0));
    }
    // The journal's row alone.
    let good: Vec<u64> = (31..=60).map(|number| written(&mut shard, number, Some(1.0))).collect();
    assert!(good.iter().filter(|rows| **rows > 1).count() <= 1, "{good:?}: a block's row now and then");
    for number in 61..=95 {
        written(&mut shard, number, None);
    }
    let down: Vec<u64> = (96..=110).map(|number| written(&mut shard, number, None)).collect();
    assert!(down.iter().filter(|rows| **rows > 1).count() <= 2, "{down:?}: and a reminder");
}

#[test]
fn a_large_fleet_keeps_a_ring_as_often_as_its_blocks() {
    let mut shard = shard(50, (1..=200).map(probe).collect());
    shard.levers.write_s = 1_800;
    // The first state of each is kept at once.
    let results = |up: bool| (1..=200).map(|id| result(id, up.then_some(1.0), None)).collect::<Vec<_>>();
    for number in 1..=30_i64 {
        let at = after(number * STEP_S);
        let samples = report(number.unsigned_abs(), at, results(true)).samples;
        shard.expect_results(&samples);
        shard.weigh_probes(HostId(1), &samples, 10, at);
    }
    let before = shard.storage.sql.rows_written();
    for number in 31..=90_i64 {
        for host in 1..=50 {
            let at = UnixMillis(after(number * STEP_S).0 + host * 100);
            // One in thirty fails: mixed, and good.
            let samples = report(number.unsigned_abs(), at, results(number % 30 != 0 || host != 1)).samples;
            shard.weigh_probes(HostId(host), &samples, 10, at);
        }
    }
    assert_eq!(told(&shard), []);
    let written = shard.storage.sql.rows_written() - before;
    assert!(written <= 2, "{written} rows in half an hour");
}

#[test]
fn a_mean_is_made_of_two_results_over_sleep_between_them() {
    let mut shard = shard(2, vec![probe(1)]);
    for (number, delay_ms) in (1..).zip([150.0, 60.0, 150.0, 50.0, 90.0, 20.0]) {
        post(&mut shard, 1, number, Some(delay_ms));
        shard = woken(&shard);
    }
    assert_eq!(texts(&shard), ["[Latency] p1 105.000000 > 100.000000, Reporter: h1", "[Resolved] [Latency] p1"]);
}

#[test]
fn the_result_before_is_found_in_a_block_that_was_written_since() {
    let mut shard = shard(1, vec![probe(1)]);
    for (number, delay_ms) in (1..).zip([10.0, 200.0, 10.0]) {
        post(&mut shard, 1, number, Some(delay_ms));
        let storage = shard.storage.clone();
        shard.get_mut(HostId(1)).unwrap().settle(&storage, after(number * STEP_S)).unwrap();
        shard = woken(&shard);
    }
    assert_eq!(texts(&shard), ["[Latency] p1 105.000000 > 100.000000, Reporter: h1"]);
}

#[test]
fn backlog_and_what_a_host_found_while_it_was_cut_off_bring_nothing_down() {
    let mut shard = shard(1, vec![probe(1)]);
    post(&mut shard, 1, 1, Some(1.0));
    // An hour of failures comes at once, and the host was offline.
    shard.get_mut(HostId(1)).unwrap().entry.host.presence = Presence::Offline;
    let mut late = report(2, after(60), vec![]);
    late.samples = (2..122_u64)
        .map(|number| {
            let at = after(number.cast_signed() * STEP_S);
            Sample { number, at, probes: vec![result(1, None, Some("no route"))], ..Sample::default() }
        })
        .collect();
    late.sent_at = after(121 * STEP_S);
    shard.post(HostId(1), late, after(121 * STEP_S)).unwrap();
    assert_eq!(texts(&shard), Vec::<String>::new());
    shard.get_mut(HostId(1)).unwrap().entry.host.presence = Presence::Online;
    post(&mut shard, 1, 122, Some(1.0));
    assert_eq!(texts(&shard), Vec::<String>::new());
    post(&mut shard, 1, 123, None);
    assert_eq!(texts(&shard), ["[Down] p1 Reporter: h1, Error: no route"], "two of three were good");
}

#[test]
fn frames_are_heard_and_what_was_found_before_a_connection_brings_nothing_down() {
    let mut shard = shard(1, vec![probe(1)]);
    let hello = Hello {
        versions: Versions::OURS,
        agent_version: String::new(),
        clock_ms: NOW.0,
        oldest: 1,
        next: 1,
        capabilities: 0,
        dropped_samples: 0,
    };
    let mut send = |number: u64, at: UnixMillis| {
        let samples = report(number, at, vec![result(1, None, Some("no route"))]).samples;
        let frame = Frame { sent_at_ms: at.0, oldest: 1, period_s: 10, frame_s: 60, ..Frame::of_samples(&samples) };
        shard.frame(HostId(1), frame, at);
        if number == 2 {
            shard.hello(HostId(1), &hello, at);
        }
        texts(&shard).len()
    };
    assert_eq!([send(1, after(30)), send(2, after(60))], [1, 1]);
    // Down is told again after a quarter of an hour, but not by what was found while there was no connection.
    assert_eq!([send(3, after(1_000)), send(4, after(1_030))], [1, 2]);
}

#[test]
fn the_worker_itself_reports_as_edge() {
    let mut shard = shard(1, vec![probe(1)]);
    let told_any = |shard: &mut Shard, minute: i64, delay_ms, note| {
        shard.take_edge(vec![result(1, delay_ms, note)], after(minute * 60)).unwrap()
    };
    assert!(told_any(&mut shard, 1, None, Some("refused")));
    let mut shard = woken(&shard);
    assert!(!told_any(&mut shard, 2, None, None));
    let (fired, name) = directory::owed(&shard.storage.sql, 9).unwrap().remove(0);
    assert_eq!((fired.host_id, name), (None, None), "it is no host");
    assert_eq!(texts(&shard), ["[Down] p1 Reporter: edge, Error: refused"]);
    let mut delays = woken(&shard);
    for minute in 3..=4 {
        told_any(&mut delays, minute, Some(200.0), None);
    }
    assert_eq!(texts(&delays)[1], "[Latency] p1 200.000000 > 100.000000, Reporter: edge");
}

#[test]
fn a_probe_that_is_no_more_or_another_takes_its_alerts_along() {
    let down = || {
        let mut shard = shard(1, vec![probe(1)]);
        post(&mut shard, 1, 1, None);
        shard
    };
    let kinds = |shard: &Shard| told(shard).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
    let mut deleted = down();
    deleted.change_probes(vec![], after(60)).unwrap();
    assert_eq!(texts(&deleted)[1], "[Resolved] p1");
    assert_eq!(kinds(&deleted), [EventKind::AlertFired, EventKind::AlertWithdrawn]);
    assert_eq!(directory::list_alert_states(&deleted.storage.sql).unwrap(), []);
    // What people are not told of changes nothing.
    let mut shown = down();
    let mut spec = probe(1);
    (spec.spec.is_public, spec.spec.interval_s) = (true, 60);
    shown.change_probes(vec![spec.clone()], after(60)).unwrap();
    assert_eq!(kinds(&shown), [EventKind::AlertFired]);
    // Another group hears of it anew; another target has to fail first.
    "day".clone_into(&mut spec.spec.notices.group);
    shown.change_probes(vec![spec.clone()], after(60)).unwrap();
    post(&mut shown, 1, 2, None);
    assert_eq!(kinds(&shown), [EventKind::AlertFired, EventKind::AlertWithdrawn, EventKind::AlertFired]);
    "https://example.org/".clone_into(&mut spec.spec.target);
    shown.change_probes(vec![spec], after(90)).unwrap();
    post(&mut shown, 1, 3, Some(1.0));
    assert_eq!(kinds(&shown)[3..], [EventKind::AlertWithdrawn]);
    let mut woken = woken(&shown);
    woken.read_monitors().unwrap();
    assert_eq!(woken.monitors.by_probe[&ProbeId(1)].judged.state, State::Good);
}

#[test]
fn a_host_that_is_no_more_does_not_count() {
    let mut shard = shard(2, vec![probe(1)]);
    post(&mut shard, 2, 1, None);
    post(&mut shard, 2, 2, Some(300.0));
    post(&mut shard, 2, 3, Some(300.0));
    assert_eq!(texts(&shard).len(), 2);
    shard.retire(HostId(2), after(100)).unwrap();
    let kinds: Vec<_> = told(&shard).into_iter().map(|(kind, _)| kind).collect();
    let (fired, gone) = (EventKind::AlertFired, EventKind::AlertWithdrawn);
    assert_eq!(kinds, [fired, fired, gone, gone]);
    post(&mut shard, 1, 4, Some(1.0));
    assert_eq!(told(&shard).len(), 4, "good, and nobody has to be told");
}

#[test]
fn a_host_that_is_offline_holds_no_delay_against_its_target() {
    let mut shard = shard(2, vec![probe(1)]);
    for number in 1..=2 {
        post(&mut shard, 1, number, Some(300.0));
        post(&mut shard, 2, number, Some(300.0));
    }
    assert_eq!(texts(&shard).len(), 1);
    let kinds = |shard: &Shard| told(shard).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
    shard.forget_delays(HostId(2), after(90));
    assert_eq!(kinds(&shard), [EventKind::AlertFired], "the other one still finds it");
    shard.forget_delays(HostId(1), after(120));
    assert_eq!(kinds(&shard), [EventKind::AlertFired, EventKind::AlertWithdrawn]);
}

#[test]
fn who_is_not_to_ask_is_not_heard() {
    let mut only = probe(1);
    only.spec.coverage = Coverage::Only(vec![HostId(2)]);
    let mut shard = shard(2, vec![only]);
    post(&mut shard, 1, 1, None);
    assert_eq!(told(&shard), []);
    post(&mut shard, 2, 1, None);
    assert_eq!(told(&shard).len(), 1);
}

#[test]
fn several_shards_are_judged_together_by_the_first() {
    let of = |index| {
        let mut shard = shard(9, vec![probe(1)]);
        shard.place = Place { index, shards: 2 };
        shard
    };
    let (mut first, mut second) = (of(0), of(1));
    let (here, there) = (1, 2);
    let verdict = |first: &mut Shard, second: &mut Shard, number: i64| {
        let at = after(number * STEP_S);
        let news: Vec<NewsWire> =
            serde_json::from_str(&serde_json::to_string(&second.monitor_news()).unwrap()).unwrap();
        first.judge_monitors(news, at);
        *first = woken(first);
        *second = woken(second);
    };
    for number in 1..=10 {
        post(&mut first, here, number, Some(1.0));
        post(&mut second, there, number, Some(1.0));
        verdict(&mut first, &mut second, number);
    }
    for number in 11..=14 {
        post(&mut first, here, number, Some(1.0));
        post(&mut second, there, number, (number < 12).then_some(300.0));
        verdict(&mut first, &mut second, number);
    }
    // One of 24, two of 26, three of 28 failed.
    let low = "[Low Availability] p1 Reporter: h2, Error: refused";
    let found = texts(&first);
    assert!(found.iter().any(|text| text == low) && told(&second).is_empty(), "{found:?}");
    assert_eq!(
        first.monitor_news(),
        vec![NewsWire::of(ProbeId(1), &first.monitors.by_probe[&ProbeId(1)].seen.clone().news())]
    );
}
