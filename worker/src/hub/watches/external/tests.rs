//! Answers of web addresses over the object's life: bad, slow, late, twice, asleep, under downtime, and not at all.

use super::*;
use crate::hub::sql::Sql;
use crate::hub::watches::tests::{after, told, woken};
use crate::store::rules::RuleSet;
use edgewatch_core::domain::ids::{Thing, thing_id};
use edgewatch_core::model::{AlertKind, Downtime, DowntimeScope, EventKind};

const FIRED: EventKind = EventKind::AlertFired;
const CHANGED: EventKind = EventKind::AlertChanged;
const OVER: EventKind = EventKind::AlertRecovered;
use Severity::{Critical, Warning};

fn monitor(id: i64, points: u32, attempts: u32) -> Monitor {
    let question = WebQuestion { url: format!("https://{id}.example.com/"), ..WebQuestion::default() };
    let test = MetricTest::of_delay(Some(500.0), Some(1_000.0), points, attempts);
    let watch = Watch::External { question, test, service: Some("Svc".to_owned()) };
    Monitor { id: MonitorId(id), name: format!("page {id}"), is_mute: false, every_min: None, watch }
}

fn shard_of(monitors: Vec<Monitor>, downtimes: Vec<(i64, Downtime)>) -> Shard {
    let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
    shard.complete(vec![]).unwrap();
    shard.judge(after(-60), after(60).seconds()).unwrap();
    shard.set_rules(RuleSet { monitors, downtimes, ..RuleSet::default() }, 1, after(-60)).unwrap();
    shard
}

fn shard(monitors: Vec<Monitor>) -> Shard {
    shard_of(monitors, vec![])
}

fn right(id: i64, delay_ms: f64) -> WebAnswer {
    WebAnswer { monitor: MonitorId(id), delay_ms: Some(delay_ms), error: None }
}

fn wrong(id: i64, words: &str) -> WebAnswer {
    WebAnswer { monitor: MonitorId(id), delay_ms: None, error: Some(words.to_owned()) }
}

fn take(shard: &mut Shard, minute: i64, answer: WebAnswer) {
    shard.take_answers(vec![answer], after(minute * 60), after(minute * 60 + 2)).unwrap();
}

#[test]
fn what_is_wrong_is_critical_until_it_is_right_and_no_host_is_named() {
    let mut shard = shard(vec![monitor(2, 1, 1)]);
    take(&mut shard, 0, right(2, 100.0));
    take(&mut shard, 1, wrong(2, "status 500"));
    let mut shard = woken(&shard);
    take(&mut shard, 2, wrong(2, "no answer in 15 s"));
    take(&mut shard, 3, right(2, 100.0));
    assert_eq!(told(&shard), [(FIRED, Critical), (OVER, Critical)]);
    let (fired, name) = directory::owed(&shard.storage.sql, 9).unwrap().remove(0);
    let note = fired.alert.unwrap();
    assert_eq!((note.kind, note.standing.value, note.detail.as_str()), (Some(AlertKind::External), None, "status 500"));
    assert_eq!((fired.host_id, name, note.cause.real_host()), (None, None, None));
    assert!(fired.text.contains("page 2 (CRITICAL)"), "{}", fired.text);
    // Of its service's notification groups.
    assert!(fired.group.contains("Svc") && fired.group.contains(&thing_id(Thing::Monitor, 2)), "{}", fired.group);
    assert_eq!(directory::list_alert_states(&shard.storage.sql).unwrap(), []);
}

#[test]
fn slow_answers_are_judged_by_their_mean_over_sleep_between_all_of_them() {
    let mut shard = shard(vec![monitor(2, 3, 1)]);
    // Means of the newest three: 500, 667, 1,167, 1,100, 800.
    for (minute, delay_ms) in (0..).zip([400.0, 900.0, 200.0, 900.0, 2_400.0, 0.0, 0.0]) {
        take(&mut shard, minute, right(2, delay_ms));
        shard = woken(&shard);
    }
    assert_eq!(told(&shard), [(FIRED, Warning), (CHANGED, Critical), (CHANGED, Warning)]);
    let (changed, _) = directory::owed(&shard.storage.sql, 9).unwrap().remove(1);
    let note = changed.alert.unwrap();
    assert_eq!(note.detail, "response time 1166.667 > 1000");
    assert_eq!(note.standing.value.map(|value| value.get().round()), Some(1_167.0));
    take(&mut shard, 7, wrong(2, "status 500"));
    take(&mut shard, 8, right(2, 0.0));
    let kinds: Vec<_> = told(&shard).into_iter().skip(3).collect();
    assert_eq!(kinds, [(CHANGED, Critical), (OVER, Critical)], "an answer that was wrong has no time that counts");
}

#[test]
fn too_few_answers_for_a_mean_are_not_slow() {
    let mut shard = shard(vec![monitor(2, 3, 1)]);
    (0..2).for_each(|minute| take(&mut shard, minute, right(2, 9_000.0)));
    assert_eq!(told(&shard), []);
    take(&mut shard, 2, right(2, 9_000.0));
    assert_eq!(told(&shard), [(FIRED, Critical)]);
}

#[test]
fn an_alert_takes_so_many_wrong_answers_in_succession_each_minute_once() {
    let mut shard = shard(vec![monitor(2, 1, 3)]);
    for (minute, is_right) in [(0, false), (1, false), (2, true), (3, false), (4, false), (4, false)] {
        let answer = if is_right { right(2, 1.0) } else { wrong(2, "status 500") };
        take(&mut shard, minute, answer);
        shard = woken(&shard);
    }
    assert_eq!(told(&shard), []);
    take(&mut shard, 5, wrong(2, "status 500"));
    assert_eq!(told(&shard), [(FIRED, Critical)]);
}

#[test]
fn an_answer_that_was_overtaken_is_no_news() {
    let mut shard = shard(vec![monitor(2, 1, 1), monitor(3, 1, 1)]);
    take(&mut shard, 2, right(2, 1.0));
    take(&mut shard, 1, wrong(2, "status 500"));
    take(&mut shard, 2, wrong(2, "status 500"));
    assert_eq!(told(&shard), []);
    take(&mut shard, 1, wrong(3, "status 500"));
    assert_eq!(told(&shard).len(), 1, "each by its own");
    take(&mut shard, 3, wrong(9, "of a monitor that is no more"));
    assert_eq!(told(&shard).len(), 1);
}

#[test]
fn silence_of_ours_changes_nothing() {
    let mut shard = shard(vec![monitor(2, 1, 1), monitor(3, 1, 1)]);
    take(&mut shard, 0, wrong(2, "status 500"));
    take(&mut shard, 0, right(3, 1.0));
    for minute in 1..90 {
        shard.note_worker(after(minute * 60));
        shard.judge(after(minute * 60), after(minute * 60 + 120).seconds()).unwrap();
    }
    assert_eq!(told(&shard), [(FIRED, Critical)]);
}

#[test]
fn while_nothing_changes_no_row_is_written_but_one_where_a_mean_counts() {
    let (plain, averaged) = (monitor(2, 1, 1), monitor(3, 3, 1));
    let mut shard = shard(vec![plain, averaged]);
    let bad = || vec![wrong(2, "status 500"), wrong(3, "status 500")];
    shard.take_answers(bad(), after(0), after(0)).unwrap();
    let mut price = |answers: Vec<WebAnswer>, minute: i64| {
        let before = shard.storage.sql.rows_written();
        shard.take_answers(answers, after(minute * 60), after(minute * 60)).unwrap();
        shard.storage.sql.rows_written() - before
    };
    assert_eq!(price(bad().into_iter().take(1).collect(), 1), 0, "it goes on");
    assert_eq!(price(bad(), 2), 1);
    assert!(price(vec![right(2, 1.0), right(3, 1.0)], 3) > 1, "both end");
    assert_eq!((price(vec![right(2, 1.0)], 4), price(vec![right(2, 1.0), right(3, 1.0)], 5)), (0, 1));
}

#[test]
fn nothing_begins_while_people_agreed_on_it_and_what_went_on_does() {
    let scope = DowntimeScope { services: vec!["Svc".to_owned()], ..DowntimeScope::default() };
    let downtime = Downtime {
        name: "d".to_owned(),
        memo: String::new(),
        start: after(60).seconds(),
        start_offset_s: 0,
        duration_min: 3,
        recurrence: None,
        scope,
    };
    let mut shard = shard_of(vec![monitor(2, 1, 1), monitor(3, 1, 1)], vec![(1, downtime)]);
    take(&mut shard, 0, wrong(2, "status 500"));
    take(&mut shard, 2, wrong(3, "status 500"));
    take(&mut shard, 2, wrong(2, "status 500"));
    assert_eq!(told(&shard), [(FIRED, Critical)]);
    take(&mut shard, 5, wrong(3, "status 500"));
    assert_eq!(told(&shard).len(), 2);
}

#[test]
fn a_muted_monitor_has_its_alert_and_tells_nobody() {
    let mut shard = shard(vec![Monitor { is_mute: true, ..monitor(2, 1, 1) }]);
    take(&mut shard, 0, wrong(2, "status 500"));
    let owed = directory::owed(&shard.storage.sql, 9).unwrap();
    assert_eq!(owed.iter().map(|(event, _)| event.is_quiet).collect::<Vec<_>>(), [true]);
}

#[test]
fn an_alert_ends_with_its_monitor_and_another_address_begins_anew() {
    let mut shard = shard(vec![monitor(2, 3, 1)]);
    (0..3).for_each(|minute| take(&mut shard, minute, right(2, 9_000.0)));
    let Watch::External { question, test, service } = monitor(2, 3, 1).watch else { panic!("another watch") };
    let question = WebQuestion { url: "https://other.example.com/".to_owned(), ..question };
    let other = Monitor { watch: Watch::External { question, test, service }, ..monitor(2, 3, 1) };
    let learn = |shard: &mut Shard, monitors: Vec<Monitor>, version: u64| {
        shard
            .set_rules(RuleSet { monitors, ..RuleSet::default() }, version, after(version.cast_signed() * 180))
            .unwrap();
    };
    learn(&mut shard, vec![other], 1);
    shard = woken(&shard);
    take(&mut shard, 4, right(2, 0.0));
    assert_eq!(told(&shard), [(FIRED, Critical), (OVER, Critical)]);
    take(&mut shard, 5, wrong(2, "status 500"));
    learn(&mut shard, vec![], 3);
    let (last, _) = directory::owed(&shard.storage.sql, 9).unwrap().pop().unwrap();
    assert_eq!((last.kind, last.alert.unwrap().trigger.word()), (EventKind::AlertWithdrawn, "monitorDelete"));
    assert_eq!(shard.edge_turn(after(600)).unwrap(), (vec![], vec![]));
}

#[test]
fn a_web_address_is_asked_once_a_minute() {
    let mut shard = shard(vec![Monitor::first(), monitor(2, 3, 1), monitor(3, 1, 1)]);
    let asked = |shard: &mut Shard, at_s: i64| -> Vec<i64> {
        shard.edge_turn(after(at_s)).unwrap().1.iter().map(|one| one.id.0).collect()
    };
    assert_eq!(asked(&mut shard, 0), [2, 3]);
    take(&mut shard, 0, right(2, 1.0));
    assert_eq!((asked(&mut shard, 30), asked(&mut shard, 60)), (vec![3], vec![2, 3]));
    let mut again = woken(&shard);
    assert_eq!(asked(&mut again, 30), [3], "what is kept is known after sleep");
}
