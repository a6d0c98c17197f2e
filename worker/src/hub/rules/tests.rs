use edgewatch_core::dialects::native::stream::Frame;
use edgewatch_core::model::{Condition, EventKind, Report, Rule, Test};
use edgewatch_core::units::UnixSeconds;

use super::*;
use crate::hub::directory::tests::entry;
use crate::hub::testing;
use crate::store::rules::tests::rule;

const NOW: UnixMillis = UnixMillis(1_795_361_190_000);

fn after(seconds: i64) -> UnixMillis {
    UnixMillis(NOW.0 + seconds * 1000)
}

pub(in crate::hub) fn rule_of(id: i64, condition: &str) -> Rule {
    // The stored form is the shortest to write a condition in.
    let set = format!(
        r#"{{"rules":[{{"id":{id},"name":"rule {id}","enabled":true,"body":{{"group":"","only":false,"hosts":[],"tags":[],
            "conditions":[{condition}],"repeat":0,"escalations":[],"ignores_quiet_hours":false}}}}],
            "quiet_hours":null,"plain_addresses":false}}"#
    );
    rules::decode(&set).unwrap().rules.remove(0)
}

fn load(id: i64) -> Rule {
    rule_of(id, r#"{"test":"load1","for_s":20,"above":[4.0,4.0],"below":null}"#)
}

fn shard(hosts: i64, rules: Vec<Rule>) -> Shard {
    let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
    shard.complete(vec![]).unwrap();
    shard.enrol((1..=hosts).map(entry).collect()).unwrap();
    for tracked in shard.iter_mut() {
        tracked.entry.host.presence = Presence::Online;
        (tracked.link, tracked.seen_ms) = (Link::Post { period_s: 10, frame_s: 10 }, NOW.0);
        *tracked.newest = None;
    }
    shard.judge(NOW, after(60).seconds()).unwrap();
    shard.set_rules(RuleSet { rules, ..RuleSet::default() }, 1, NOW).unwrap();
    shard
}

fn report(number: u64, at: UnixMillis, load1: f64) -> Report {
    testing::report(vec![Sample { number, at, load1: Some(load1), ..Sample::default() }], number, at, 10)
}

fn kinds(shard: &Shard) -> Vec<EventKind> {
    directory::owed(&shard.storage.sql, 99).unwrap().into_iter().map(|(event, _)| event.kind).collect()
}

/// The object woke anew, from what it keeps.
fn woken(shard: &Shard) -> Shard {
    let mut again = Shard::new(shard.storage.sql.clone()).unwrap();
    again.read_rules().unwrap();
    again.complete(vec![]).unwrap();
    again
}

#[test]
fn a_rule_fires_and_recovers_over_sleep_between_all_reports() {
    let mut shard = shard(1, vec![load(3)]);
    for (number, load1) in (1_u64..).zip([1.0, 9.0, 9.0, 9.0, 9.0, 1.0, 1.0]) {
        let at = after(i64::try_from(number).unwrap() * 10);
        shard.post(HostId(1), report(number, at, load1), at).unwrap();
        shard = woken(&shard);
    }
    assert_eq!(kinds(&shard), [EventKind::AlertFired, EventKind::AlertRecovered]);
    let (fired, name) = directory::owed(&shard.storage.sql, 9).unwrap().remove(0);
    assert_eq!(name.as_deref(), Some(shard.get(HostId(1)).unwrap().entry.host.name.as_str()));
    assert_eq!(fired.at, after(40).seconds());
    assert!(fired.text.starts_with("[Incident] ") && fired.text.ends_with("(192.****.1) rule 3"), "{}", fired.text);
    assert_eq!(fired.alert.unwrap().detail, "load1 9");
    assert_eq!(directory::list_alert_states(&shard.storage.sql).unwrap(), []);
}

#[test]
fn samples_of_frames_are_looked_at_one_by_one_and_repeats_are_not() {
    let mut shard = shard(1, vec![load(3)]);
    let frame = |numbers: std::ops::RangeInclusive<u64>, values: [f64; 3]| {
        let samples: Vec<Sample> = numbers
            .zip(values)
            .map(|(number, load1)| {
                let at = after(i64::try_from(number).unwrap() * 10);
                Sample { number, at, load1: Some(load1), ..Sample::default() }
            })
            .collect();
        let last_ms = samples.last().map_or(0, |last| last.at.0);
        Frame { sent_at_ms: last_ms, oldest: 1, period_s: 10, frame_s: 30, ..Frame::of_samples(&samples) }
    };
    for at in [30, 31] {
        shard.frame(HostId(1), frame(1..=3, [9.0, 9.0, 9.0]), after(at));
    }
    assert_eq!(kinds(&shard), [EventKind::AlertFired]);
    assert!(shard.get(HostId(1)).unwrap().is_news, "D1 hears of it at once");
    shard.frame(HostId(1), frame(4..=6, [1.0, 9.0, 1.0]), after(60));
    assert_eq!(kinds(&shard), [EventKind::AlertFired, EventKind::AlertRecovered]);
}

#[test]
fn while_nothing_changes_no_row_is_written_for_rules() {
    let mut shard = shard(2, vec![load(3), rule_of(4, r#"{"test":"offline","for_s":60,"above":null,"below":null}"#)]);
    for number in 1..=3 {
        let at = after(i64::try_from(number).unwrap() * 10);
        shard.post(HostId(1), report(number, at, 9.0), at).unwrap();
    }
    let written = |shard: &mut Shard, number: u64| {
        let (before, at) = (shard.storage.sql.rows_written(), after(i64::try_from(number).unwrap() * 10));
        shard.post(HostId(1), report(number, at, 9.0), at).unwrap();
        shard.storage.sql.rows_written() - before
    };
    // The journal's row alone.
    assert_eq!((written(&mut shard, 4), written(&mut shard, 5)), (1, 1));
    let before = shard.storage.sql.rows_written();
    shard.judge(after(55), after(115).seconds()).unwrap();
    assert_eq!(shard.storage.sql.rows_written(), before);
}

#[test]
fn a_rule_that_tells_of_silence_tells_of_it_alone() {
    let mut shard = shard(1, vec![rule_of(4, r#"{"test":"offline","for_s":70,"above":null,"below":null}"#)]);
    for tracked in shard.iter_mut() {
        tracked.link = Link::Socket;
    }
    shard.judge(after(30), after(90).seconds()).unwrap();
    let owed = directory::owed(&shard.storage.sql, 9).unwrap();
    assert_eq!(
        owed.iter().map(|(event, _)| (event.kind, event.is_quiet)).collect::<Vec<_>>(),
        [(EventKind::HostOffline, true)]
    );
    shard = woken(&shard);
    shard.watch.clocks_from = UnixSeconds(0);
    assert_eq!(shard.rules.book.next_due(), Some(after(70)));
    shard.look_at_rules(after(70), 0);
    assert_eq!(kinds(&shard), [EventKind::HostOffline, EventKind::AlertFired]);
}

#[test]
fn who_acknowledged_is_known_after_a_restart_and_a_host_that_goes_takes_its_alert_along() {
    let mut shard = shard(1, vec![rule_of(3, r#"{"test":"load1","for_s":0,"above":[4.0,4.0],"below":null}"#)]);
    shard.post(HostId(1), report(1, after(10), 9.0), after(10)).unwrap();
    let key = directory::owed(&shard.storage.sql, 9).unwrap()[0].0.alert.clone().unwrap().key;
    assert_eq!((shard.acknowledge(&key), shard.acknowledge("other")), (Ok(true), Ok(false)));
    let mut again = woken(&shard);
    let open = again.rules.book.state(HostId(1)).unwrap().open.values().next().unwrap().clone();
    assert!(open.is_acknowledged);
    again.retire(HostId(1), after(20)).unwrap();
    assert_eq!(kinds(&again), [EventKind::AlertFired, EventKind::AlertWithdrawn]);
    assert_eq!(directory::list_alert_states(&again.storage.sql).unwrap(), []);
}

#[test]
fn another_shard_goes_on_with_an_alert() {
    let rules = || vec![rule_of(3, r#"{"test":"load1","for_s":0,"above":[4.0,4.0],"below":null}"#)];
    let mut old = shard(1, rules());
    old.post(HostId(1), report(1, after(10), 9.0), after(10)).unwrap();
    let text = old.alerts_text(HostId(1)).unwrap();
    old.forget_alerts(HostId(1)).unwrap();
    assert_eq!(kinds(&old), [EventKind::AlertFired]);
    let mut new = shard(1, rules());
    new.adopt_alerts(HostId(1), &text, after(15));
    new.post(HostId(1), report(2, after(20), 1.0), after(20)).unwrap();
    assert_eq!(kinds(&new), [EventKind::AlertRecovered]);
}

#[test]
fn another_shard_that_saw_the_host_fail_first_has_one_alert_of_it_after_all() {
    let rules = || vec![rule_of(3, r#"{"test":"load1","for_s":0,"above":[4.0,4.0],"below":null}"#)];
    let (mut old, mut new) = (shard(1, rules()), shard(1, rules()));
    old.post(HostId(1), report(1, after(10), 9.0), after(10)).unwrap();
    new.post(HostId(1), report(2, after(20), 9.0), after(20)).unwrap();
    new.adopt_alerts(HostId(1), &old.alerts_text(HostId(1)).unwrap(), after(25));
    assert_eq!(kinds(&new), [EventKind::AlertFired, EventKind::AlertWithdrawn]);
    let mut new = woken(&new);
    new.post(HostId(1), report(3, after(30), 1.0), after(30)).unwrap();
    let owed = directory::owed(&new.storage.sql, 9).unwrap();
    let keys: Vec<_> = owed.into_iter().map(|(event, _)| (event.kind, event.alert.unwrap().key)).collect();
    let first = directory::owed(&old.storage.sql, 9).unwrap()[0].0.alert.clone().unwrap().key;
    assert_eq!(keys[2], (EventKind::AlertRecovered, first), "the one that is listed ends");
    assert_eq!(keys[0].1, keys[1].1);
}

#[test]
fn a_host_in_another_group_has_recovered_of_a_rule_for_its_old_one_and_people_are_told_once() {
    let of_group = |group: &str| {
        let mut rule = rule_of(3, r#"{"test":"load1","for_s":0,"above":[4.0,4.0],"below":null}"#);
        rule.scope.tags = vec![group.to_owned()];
        rule
    };
    let mut shard = shard(1, vec![of_group(&entry(1).host.tag)]);
    shard.post(HostId(1), report(1, after(10), 9.0), after(10)).unwrap();
    let mut moved = entry(1);
    shard.rescope(std::slice::from_ref(&moved), after(20));
    assert_eq!(kinds(&shard), [EventKind::AlertFired]);
    moved.host.tag = "elsewhere".to_owned();
    // Also when the object woke for it and knows no host yet.
    let mut shard = Shard::new(shard.storage.sql.clone()).unwrap();
    shard.read_rules().unwrap();
    for seconds in [20, 21] {
        shard.rescope(std::slice::from_ref(&moved), after(seconds));
    }
    assert_eq!(kinds(&shard), [EventKind::AlertFired, EventKind::AlertRecovered]);
    assert!(!directory::owed(&shard.storage.sql, 9).unwrap()[1].0.is_quiet);
    assert_eq!(directory::list_alert_states(&shard.storage.sql).unwrap(), []);
}

#[test]
fn alerts_of_a_rule_that_is_no_more_all_end_over_several_verdicts_and_a_restart() {
    let mut shard = shard(120, vec![rule_of(3, r#"{"test":"load1","for_s":0,"above":[4.0,4.0],"below":null}"#)]);
    for id in 1..=120 {
        shard.post(HostId(id), report(1, after(10), 9.0), after(10)).unwrap();
    }
    shard.set_rules(RuleSet::default(), 2, after(20)).unwrap();
    let ended = |shard: &Shard| {
        let owed = directory::owed(&shard.storage.sql, 999).unwrap();
        let ended = owed.into_iter().map(|(event, _)| event).filter(|event| event.kind == EventKind::AlertWithdrawn);
        ended.map(|event| (event.host_id.unwrap().0, event.text)).collect::<Vec<_>>()
    };
    assert_eq!(ended(&shard).len(), 50);
    shard.look_at_rules(after(30), 0);
    let ended_before = ended(&shard);
    assert_eq!(ended_before.len(), 100);
    assert!(ended_before.iter().all(|(_, text)| text.ends_with(" rule 3")), "{ended_before:?}");
    let mut shard = woken(&shard);
    assert_eq!(shard.rules.version(), Some(2), "the rules are known");
    shard.look_at_rules(after(40), 0);
    let hosts: BTreeSet<i64> = ended(&shard).into_iter().map(|(host, _)| host).collect();
    assert_eq!((hosts.len(), ended(&shard).len()), (120, 120));
    assert_eq!(directory::list_alert_states(&shard.storage.sql).unwrap(), []);
    assert!(!woken(&shard).rules.book.is_behind());
}

#[test]
fn rules_come_back_as_they_were_told() {
    let shard = shard(1, vec![Rule { id: RuleId(9), ..rule() }]);
    let again = woken(&shard);
    assert_eq!(again.rules.book.rules(), shard.rules.book.rules());
    assert_eq!(again.rules.version(), Some(1));
    assert!(matches!(again.rules.book.rules()[0].conditions[0], Condition { test: Test::Value { .. }, .. }));
}

#[test]
fn a_thousand_hosts_at_rest_under_twenty_rules_cost_no_rows() {
    let mut shard = shard(1_000, (1..=20).map(load).collect());
    let samples: Vec<Sample> =
        (0..6).map(|at| Sample { at: after(at * 10), load1: Some(1.0), ..Sample::default() }).collect();
    let before = (shard.storage.sql.rows_read(), shard.storage.sql.rows_written());
    for id in 1..=1_000 {
        shard.weigh(HostId(id), None, &samples, 10, after(60));
    }
    shard.look_at_rules(after(60), 0);
    assert_eq!((shard.storage.sql.rows_read(), shard.storage.sql.rows_written()), before);
    assert_eq!(kinds(&shard), []);
}

#[test]
fn a_report_that_could_not_be_kept_is_looked_at_once() {
    let mut shard = shard(1, vec![rule_of(3, r#"{"test":"load1","for_s":0,"above":[4.0,4.0],"below":null}"#)]);
    let refuse = |shard: &Shard, how| drop(shard.storage.sql.exec(how, vec![]).unwrap());
    refuse(&shard, "PRAGMA query_only = ON");
    assert!(shard.post(HostId(1), report(1, after(10), 9.0), after(10)).is_err());
    assert_eq!(kinds(&shard), []);
    refuse(&shard, "PRAGMA query_only = OFF");
    // It comes again, which is no news; the next verdict tells.
    shard.post(HostId(1), report(1, after(10), 9.0), after(20)).unwrap();
    shard.judge(after(25), after(85).seconds()).unwrap();
    assert_eq!(kinds(&shard), [EventKind::AlertFired]);
}
