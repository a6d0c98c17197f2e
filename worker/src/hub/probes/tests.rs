//! What agents are told, what two hundred probes cost, and the Worker's own results.

use std::collections::BTreeMap;

use edgewatch_core::dialects::native::stream::{Frame, Hello, Versions};
use edgewatch_core::dialects::native::{ProbePart, Sample as WireSample, Temperature};

use super::*;
use crate::hub::directory::tests::entry;
use crate::hub::sql::Sql;
use crate::hub::{journal, rings};

const NOW: UnixMillis = UnixMillis(1_795_361_190_000);

pub fn probe(id: i64, coverage: Coverage) -> Probe {
    let spec = ProbeSpec {
        name: format!("p{id}"),
        kind: ProbeKind::Tcp,
        target: format!("target-{id}.example.com:443"),
        interval_s: 30,
        coverage,
        from_edge: true,
        is_public: false,
        delays_public: false,
        notices: ProbeNotices { group: "night".to_owned(), min_delay_ms: 0.1, ..ProbeNotices::default() },
    };
    Probe { id: ProbeId(id), spec, created_at: UnixSeconds(7) }
}

fn everywhere(count: i64) -> Vec<Probe> {
    (1..=count).map(|id| probe(id, Coverage::AllBut(vec![]))).collect()
}

fn shard(hosts: i64) -> Shard {
    let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
    shard.complete(vec![]).unwrap();
    shard.enrol((1..=hosts).map(entry).collect()).unwrap();
    shard
}

fn greet(shard: &mut Shard, id: i64, capabilities: u64) -> Option<ProbeList> {
    let hello = Hello {
        versions: Versions::OURS,
        agent_version: String::new(),
        clock_ms: NOW.0,
        oldest: 1,
        next: 1,
        capabilities,
        dropped_samples: 0,
    };
    assert!(matches!(shard.hello(HostId(id), &hello, NOW), FromHub::Welcome(_)));
    shard.greet_with_probes(HostId(id)).unwrap().map(list)
}

fn list(message: FromHub) -> ProbeList {
    match message {
        FromHub::Probes(Probes(list)) => list,
        other => panic!("{other:?}"),
    }
}

fn untold(shard: &mut Shard, id: i64) -> Option<Vec<i64>> {
    let told = shard.untold_probes(HostId(id)).unwrap();
    told.map(|message| list(message).probes.iter().map(|probe| probe.id).collect())
}

#[test]
fn a_probe_comes_back_from_the_objects_own_words() {
    for probe in [probe(1, Coverage::AllBut(vec![HostId(2)])), probe(2, Coverage::Only(vec![]))] {
        assert_eq!(Probe::try_from(ProbeWire::from(&probe)), Ok(probe));
    }
}

#[test]
fn an_agent_is_told_its_list_with_the_welcome_and_when_it_changes() {
    let mut shard = shard(2);
    // An empty list, too: the agent may hold one of another life of ours.
    assert_eq!(greet(&mut shard, 1, CAN_PROBE).map(|list| list.probes.len()), Some(0));
    assert_eq!(greet(&mut shard, 2, 3), None, "an agent of before");
    let before = shard.storage.sql.rows_written();
    let some = vec![probe(1, Coverage::Only(vec![HostId(1)])), probe(2, Coverage::AllBut(vec![HostId(1)]))];
    shard.set_probes(some.clone()).unwrap();
    shard.set_probes(some.clone()).unwrap();
    assert_eq!(shard.storage.sql.rows_written(), before + 1);
    assert_eq!((untold(&mut shard, 1), untold(&mut shard, 1), untold(&mut shard, 2)), (Some(vec![1]), None, None));
    // What does not concern it is no news.
    shard.set_probes(vec![some[0].clone()]).unwrap();
    assert_eq!(untold(&mut shard, 1), None);
    let mut woken = Shard::new(shard.storage.sql.clone()).unwrap();
    woken.complete(vec![]).unwrap();
    assert_eq!(woken.probes(), Ok(&some[..1]));
    assert_eq!(greet(&mut woken, 1, CAN_PROBE).map(|list| list.probes.len()), Some(1));
}

#[test]
fn who_posts_is_told_when_it_goes_by_another_list() {
    let mut shard = shard(1);
    assert_eq!(shard.posted_probes(HostId(1), Some(0)), Ok(None), "no list yet, and none that is empty");
    shard.set_probes(everywhere(1)).unwrap();
    assert_eq!(shard.posted_probes(HostId(1), None), Ok(None), "an agent of before");
    let list = shard.posted_probes(HostId(1), Some(0)).unwrap().unwrap();
    assert_eq!(shard.posted_probes(HostId(1), Some(list.version)), Ok(None));
    shard.set_probes(vec![]).unwrap();
    let empty = shard.posted_probes(HostId(1), Some(list.version)).unwrap().unwrap();
    assert_eq!(empty.probes, []);
    assert_eq!(shard.posted_probes(HostId(1), Some(empty.version)), Ok(None));
}

/// Rows written in the object while so many hosts with a sensor report for so many minutes of one day and some of the next two, each
/// asking so many targets every thirty seconds, and their days are done; and the rows of samples and of minutes by host.
fn cost(hosts: i64, probes: i64, minutes: u64) -> (u64, BTreeMap<i64, usize>) {
    let mut shard = shard(hosts);
    // The governor's pace of a fleet that is not small.
    shard.levers.write_s = 1_800;
    shard.set_probes(everywhere(probes)).unwrap();
    let before = shard.storage.sql.rows_written();
    let mut number = 1;
    for (day, minutes) in [(0, minutes), (1, 2), (2, 2)] {
        let from_ms = NOW.0 + day * 86_400_000;
        for minute in 0..minutes {
            let at_ms = from_ms + minute.cast_signed() * 60_000;
            (1..=hosts).for_each(|host| one_minute(&mut shard, HostId(host), probes, number, at_ms));
            number += 6;
        }
        let now = UnixMillis(from_ms + 2 * 3_600_000);
        let (days, is_more) = shard.finished_days(now, usize::MAX).unwrap();
        let done: Vec<(HostId, u64)> = days.iter().map(|day| (day.host, day.day_no)).collect();
        assert!(!is_more && (day == 0 || done.len() >= usize::try_from(hosts).unwrap()), "{} of {day}", done.len());
        assert!(days.iter().all(|day| day.probes.is_empty() == (probes == 0)));
        shard.note_done(&done).unwrap();
    }
    let blocks = |host: i64| (host, rings::list(&shard.storage.sql, HostId(host)).unwrap().len());
    (shard.storage.sql.rows_written() - before, (1..=hosts).map(blocks).collect())
}

/// A host reports a minute, from this number on.
fn one_minute(shard: &mut Shard, host: HostId, probes: i64, from: u64, from_ms: i64) {
    let sample = |number: u64| {
        let turn = |id: &i64| (id + number.cast_signed()) % 3 == 0;
        // Delays that differ from result to result, and a target that is down now and then.
        let delay = |id: i64| {
            let noise = (number * 7_919 + id.unsigned_abs() * 104_729 + host.0.unsigned_abs()) % 97;
            (noise > 0)
                .then(|| f64::from(u32::try_from(1_000 + id * 13).unwrap() + u32::try_from(noise).unwrap()) / 100.0)
        };
        let part = |id: i64| ProbePart { id, delay_ms: delay(id), ..ProbePart::default() };
        WireSample {
            number,
            at_ms: from_ms + (number - from).cast_signed() * 10_000,
            cpu_percent: Some(1.0),
            temperatures: vec![Temperature { name: "cpu".to_owned(), celsius: 45.0 }],
            probes: (1..=probes).filter(turn).map(part).collect(),
            ..WireSample::default()
        }
    };
    let samples: Vec<WireSample> = (from..from + 6).map(sample).collect();
    let now = UnixMillis(from_ms + 60_000);
    let frame =
        Frame { frame: from, sent_at_ms: now.0, oldest: 1, period_s: 10, frame_s: 60, samples, ..Frame::default() };
    let answers = shard.frame(host, frame, now);
    assert!(matches!(&answers[..], [FromHub::Ack(ack)] if ack.taken_up_to == from + 5), "{answers:?}");
}

#[test]
fn two_hundred_probes_on_fifty_hosts_write_no_row_more_than_none() {
    let without = cost(50, 0, 65);
    // Their names go with those of the hosts' sensors, their days with the hosts' rows.
    assert_eq!(cost(50, 200, 65), without);
    assert!(without.0 >= 250, "{}: half hours and days were written", without.0);
}

#[test]
fn what_the_worker_finds_out_is_kept_as_a_hosts_is_and_is_in_no_list() {
    let mut shard = shard(1);
    shard.set_probes(everywhere(2)).unwrap();
    let result = |id, delay_ms| ProbeResult { probe: ProbeId(id), delay_ms, tls_expires: None, note: None };
    let due = |run: i64| UnixMillis(NOW.0 + run * 60_000);
    for run in 0..3 {
        assert_eq!(shard.edge_turn(due(run)).unwrap().0.len(), 2);
        let before = shard.storage.sql.rows_written();
        shard.take_edge(vec![result(1, Some(12.0)), result(2, None)], due(run)).unwrap();
        shard.take_edge(vec![result(1, Some(99.0))], due(run)).unwrap();
        assert_eq!(shard.storage.sql.rows_written(), before + 1, "told twice, kept once");
        assert_eq!(shard.edge_turn(UnixMillis(due(run).0 + 30_000)).unwrap().0, [], "it asked a moment ago");
        // The object slept.
        shard = Shard::new(shard.storage.sql.clone()).unwrap();
        shard.complete(vec![]).unwrap();
    }
    assert_eq!(shard.iter().map(Tracked::id).collect::<Vec<_>>(), [HostId(1)]);
    let said = |delay_ms, note: Option<&str>| ProbeResult { note: note.map(str::to_owned), ..result(1, delay_ms) };
    let told = |shard: &Shard| shard.notes(&everywhere(2));
    shard.take_edge(vec![said(None, Some("refused"))], due(3)).unwrap();
    assert_eq!(told(&shard), [(1, 0, "refused".to_owned())]);
    shard.take_edge(vec![said(Some(1.0), None)], due(4)).unwrap();
    assert_eq!(told(&shard), [], "it is well again");
    assert_eq!(shard.pending_rows(EDGE).unwrap().len(), 5);
    assert_eq!(journal::find(&shard.storage.sql, EDGE).unwrap().map(|kept| kept.upto), Some(5));
    shard.set_probes(vec![]).unwrap();
    assert_eq!(shard.edge_turn(due(9)).unwrap(), (vec![], vec![]));
}

#[test]
fn a_day_of_the_workers_results_goes_to_the_coarse_tiers_once() {
    let mut shard = shard(0);
    let run = |at_ms: i64| UnixMillis(at_ms);
    let day_ms = 86_400_000;
    for minutes in 0..(2 * 1_440 / 10) {
        let result = ProbeResult { probe: ProbeId(1), delay_ms: Some(5.0), tls_expires: None, note: None };
        shard.take_edge(vec![result], run(NOW.0 + minutes * 600_000)).unwrap();
    }
    let now = run(NOW.0 + 2 * day_ms + 4 * 3_600_000);
    let (days, _) = shard.finished_days(now, 20).unwrap();
    assert!(days.iter().all(|day| day.host == EDGE) && (1..=3).contains(&days.len()), "{}", days.len());
    let done: Vec<(HostId, u64)> = days.iter().map(|day| (day.host, day.day_no)).collect();
    shard.note_done(&done).unwrap();
    let mut woken = Shard::new(shard.storage.sql.clone()).unwrap();
    assert_eq!(woken.edge().unwrap().entry.coarse_done, done.last().map(|(_, day)| *day));
    assert_eq!(woken.finished_days(now, 20).unwrap().0, []);
    // What came of them is at hand, without D1.
    woken.set_probes(everywhere(1)).unwrap();
    assert_eq!(woken.ready_counts(now), Ok(vec![]));
    let all: f64 = woken.tallies(now).1[&1].days.values().map(|(all, _)| all).sum();
    assert_eq!(all.to_bits(), 288.0_f64.to_bits());
}
