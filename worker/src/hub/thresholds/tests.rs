//! Thresholds over the object's life: samples and polls in any order, sleep, repeats, other thresholds. Rows are counted.

use super::*;
use crate::hub::directory::{self, tests::entry};
use crate::hub::sql::Sql;
use crate::hub::testing;
use crate::store::rules::RuleSet;
use edgewatch_core::model::{
    Downtime, DowntimeScope, EscalationAudience, EscalationLevel, Event, EventKind, HostClass, HostStanding,
    HostStatus, QuietHours, Switches, Thresholds as Limits,
};
use edgewatch_core::units::UnixSeconds;

const NOW: UnixMillis = UnixMillis(1_795_361_190_000);
const HOST: HostId = HostId(7);

fn after(seconds: i64) -> UnixMillis {
    UnixMillis(NOW.0 + seconds * 1000)
}

/// Thresholds that judge every host.
fn for_all() -> AlertConfig {
    AlertConfig { off: Switches::default(), ..AlertConfig::default() }
}

fn shard_with(set: RuleSet) -> Shard {
    let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
    shard.complete(vec![]).unwrap();
    shard.enrol(vec![entry(HOST.0), entry(8)]).unwrap();
    for tracked in shard.iter_mut() {
        tracked.entry.host.presence = Presence::Online;
        (tracked.link, tracked.seen_ms) = (Link::Post { period_s: 10, frame_s: 10 }, NOW.0);
        *tracked.newest = None;
    }
    shard.judge(NOW, after(60).seconds()).unwrap();
    shard.set_rules(set, 1, NOW).unwrap();
    shard
}

fn shard(thresholds: AlertConfig) -> Shard {
    shard_with(RuleSet { thresholds, ..RuleSet::default() })
}

/// The object woke anew, from what it keeps.
fn woken(shard: &Shard) -> Shard {
    let mut again = Shard::new(shard.storage.sql.clone()).unwrap();
    again.read_rules().unwrap();
    again.complete(vec![]).unwrap();
    again
}

fn post(shard: &mut Shard, number: u64, cpu: f64) {
    let at = after(i64::try_from(number).unwrap() * 10);
    let sample = Sample { number, at, cpu_percent: Some(cpu), ..Sample::default() };
    shard.post(HOST, testing::report(vec![sample], number, at, 10), at).unwrap();
}

fn guest() -> Resource {
    Resource {
        number: 0,
        kind: ResourceKind::Vm,
        ids: vec!["lab-pve1-101".to_owned()],
        name: "web".to_owned(),
        node: "pve1".to_owned(),
        instance: "lab".to_owned(),
        vmid: Some(101),
        tags: vec![],
    }
}

fn storage() -> Resource {
    let (ids, name) = (vec!["lab-pve1-local".to_owned()], "local".to_owned());
    Resource { number: 2, kind: ResourceKind::Storage, ids, name, vmid: None, ..guest() }
}

fn poll(seconds: i64, condition: Condition, values: &[(ThresholdMetric, f64)]) -> Poll {
    Poll { at: after(seconds), condition, values: Values::of(values) }
}

fn up(seconds: i64, cpu: f64) -> Poll {
    poll(seconds, Condition::Up, &[(ThresholdMetric::Cpu, cpu)])
}

/// Hands in one poll at its time.
fn take(shard: &mut Shard, resource: Resource, poll: Poll) -> Vec<(HostId, u32)> {
    shard.take_polls(vec![(HOST, resource, None, vec![poll])], poll.at)
}

fn events(shard: &Shard) -> Vec<Event> {
    directory::owed(&shard.storage.sql, 99).unwrap().into_iter().map(|(event, _)| event).collect()
}

fn kinds(shard: &Shard) -> Vec<EventKind> {
    events(shard).into_iter().map(|event| event.kind).collect()
}

fn rows(shard: &Shard) -> u64 {
    shard.storage.sql.rows_written()
}

const FIRED: EventKind = EventKind::AlertFired;
const OVER: EventKind = EventKind::AlertRecovered;

#[test]
fn a_host_of_no_hypervisor_is_judged_by_its_samples_where_somebody_wants_that() {
    let mut silent = shard(AlertConfig::default());
    let mut judged = shard(for_all());
    for (number, cpu) in (1..).zip([50.0, 85.0, 95.0, 78.0, 60.0]) {
        post(&mut silent, number, cpu);
        post(&mut judged, number, cpu);
        judged = woken(&judged);
    }
    assert_eq!(kinds(&silent), []);
    assert_eq!(kinds(&judged), [FIRED, EventKind::AlertChanged, OVER]);
    let fired = events(&judged).remove(0);
    let note = fired.alert.unwrap();
    let name = &entry(HOST.0).host.name;
    let words = "Host cpu usage at 85.0% (trigger: 80%, clear: 75%)";
    assert_eq!(fired.text, format!("[Incident] {name}(192.****.1) {words}"));
    assert_eq!((note.detail.as_str(), note.standing.severity), (words, Severity::Warning));
    assert_eq!(note.cause, Cause::threshold(ThresholdCode { resource: 0, metric: Some(ThresholdMetric::Cpu) }, HOST));
    assert!(events(&judged)[2].is_quiet, "nobody hears of the end");
}

#[test]
fn while_nothing_changes_no_row_is_written_for_thresholds() {
    let mut shard = shard(for_all());
    let mut written = |number: u64, cpu: f64| {
        let before = rows(&shard);
        post(&mut shard, number, cpu);
        rows(&shard) - before
    };
    written(1, 50.0);
    // The journal's row alone, as without any thresholds.
    assert_eq!([written(2, 50.0), written(3, 60.0)], [1, 1]);
    assert!(written(4, 85.0) > 1);
    assert_eq!((5..90).map(|number| written(number, if number % 2 == 0 { 85.0 } else { 88.0 })).max(), Some(1));
    let before = rows(&shard);
    shard.look_at_rules(after(900), 0);
    assert_eq!(rows(&shard), before);
}

#[test]
fn polls_that_say_the_same_write_nothing_and_those_at_rest_are_not_asked_for() {
    let mut shard = shard(AlertConfig::default());
    let before = rows(&shard);
    for seconds in 0..500 {
        assert_eq!(take(&mut shard, guest(), up(seconds * 10, 70.0)), []);
    }
    assert_eq!((rows(&shard), shard.thresholds.last.len()), (before, 0));
    assert_eq!(take(&mut shard, guest(), up(5_000, 85.0)), [(HOST, 0)]);
    // The state and the event.
    assert_eq!(rows(&shard) - before, 2);
    for seconds in 501..999 {
        assert_eq!(take(&mut shard, guest(), up(seconds * 10, 86.5)), [(HOST, 0)]);
    }
    assert_eq!(rows(&shard) - before, 2);
    assert_eq!((take(&mut shard, guest(), up(9_990, 10.0)), rows(&shard) - before), (vec![], 4));
    assert_eq!(directory::list_alert_states(&shard.storage.sql).unwrap(), []);
}

#[test]
fn resources_are_counted_over_sleep_and_each_poll_once() {
    let mut shard = shard(AlertConfig::default());
    let down = |seconds| poll(seconds, Condition::Down, &[]);
    let node = || Resource { kind: ResourceKind::Node, name: "pve1".to_owned(), vmid: None, ..guest() };
    for seconds in [10, 20] {
        take(&mut shard, node(), down(seconds));
        // The answer was lost, and they come again.
        assert_eq!(take(&mut shard, node(), down(seconds)), []);
        assert_eq!(kinds(&shard), []);
        shard = woken(&shard);
    }
    assert_eq!(take(&mut shard, node(), down(30)), [(HOST, 0)]);
    assert_eq!(kinds(&shard), [FIRED]);
    assert!(events(&shard)[0].text.ends_with(" Node 'pve1' is offline"), "{}", events(&shard)[0].text);
    let mut shard = woken(&shard);
    take(&mut shard, node(), poll(40, Condition::Up, &[]));
    assert_eq!(kinds(&shard), [FIRED, OVER]);
}

#[test]
fn a_storage_is_named_and_has_alerts_of_its_own() {
    let mut shard = shard(AlertConfig::default());
    let full = |seconds, percent| poll(seconds, Condition::Up, &[(ThresholdMetric::Usage, percent)]);
    let both = vec![(HOST, storage(), None, vec![full(10, 96.0)]), (HOST, guest(), None, vec![up(10, 99.0)])];
    assert_eq!(shard.take_polls(both, after(10)), [(HOST, 2), (HOST, 0)]);
    let told = events(&shard);
    assert!(
        told[0].text.ends_with(" local: Storage usage usage at 96.0% (trigger: 85%, clear: 80%)"),
        "{}",
        told[0].text
    );
    let about = told[0].alert.as_ref().unwrap().resource.as_ref().unwrap();
    assert_eq!(
        (about.id.as_str(), about.name.as_str(), about.kind),
        ("lab-pve1-local", "local", ResourceKind::Storage)
    );
    assert_eq!((about.node.as_str(), about.instance.as_str()), ("pve1", "lab"));
    assert_eq!(about.limit, Some((Measured::of(85.0), Measured::of(80.0))));
    assert!(told[1].text.ends_with(") VM cpu usage at 99.0% (trigger: 80%, clear: 75%)"), "{}", told[1].text);
    take(&mut shard, storage(), full(20, 10.0));
    take(&mut shard, storage(), poll(30, Condition::Down, &[]));
    take(&mut shard, storage(), poll(40, Condition::Down, &[]));
    let told = events(&shard);
    assert!(told[3].text.ends_with(") Storage local on node pve1 is unavailable"), "{}", told[3].text);
    assert_eq!(take(&mut shard, storage(), poll(50, Condition::Gone, &[])), []);
    assert_eq!(events(&shard).pop().unwrap().kind, EventKind::AlertWithdrawn);
}

#[test]
fn other_thresholds_end_what_is_not_judged_any_more() {
    let mut shard = shard(AlertConfig::default());
    take(&mut shard, guest(), up(10, 99.0));
    take(&mut shard, storage(), poll(10, Condition::Up, &[(ThresholdMetric::Usage, 96.0)]));
    let set = |shard: &mut Shard, thresholds| {
        shard.set_rules(RuleSet { thresholds, ..RuleSet::default() }, 2, after(20)).unwrap();
    };
    set(&mut shard, AlertConfig { off: Switches { guests: true, ..Switches::default() }, ..AlertConfig::default() });
    assert_eq!(kinds(&shard), [FIRED, FIRED, EventKind::AlertWithdrawn]);
    let mut shard = woken(&shard);
    assert!(shard.rules.thresholds.off.guests, "it is kept");
    set(&mut shard, AlertConfig { is_enabled: false, ..AlertConfig::default() });
    assert_eq!(kinds(&shard)[3..], [EventKind::AlertWithdrawn]);
    assert_eq!(directory::list_alert_states(&shard.storage.sql).unwrap(), []);
    assert_eq!((take(&mut shard, guest(), up(30, 99.0)), kinds(&shard).len()), (vec![], 4));
}

#[test]
fn hosts_that_are_polled_are_judged_by_nothing_else() {
    let mut shard = shard(for_all());
    let turn = |shard: &mut Shard, class| {
        if let Some(tracked) = shard.get_mut(HOST) {
            tracked.entry.host.class = class;
        }
    };
    turn(&mut shard, HostClass::Node);
    post(&mut shard, 1, 99.0);
    assert_eq!(kinds(&shard), []);
    turn(&mut shard, HostClass::Machine);
    post(&mut shard, 2, 99.0);
    assert_eq!(kinds(&shard), [FIRED]);
}

#[test]
fn a_silent_host_is_offline_after_three_looks() {
    let mut shard = shard(for_all());
    let mut look = |seconds: i64, presence: Presence| {
        shard.get_mut(HOST).unwrap().entry.host.presence = presence;
        shard.look_for_silent_hosts(after(seconds));
        kinds(&shard)
    };
    assert_eq!(look(39, Presence::Offline), [], "not yet for four intervals");
    assert_eq!([look(60, Presence::Offline), look(120, Presence::Offline)], [vec![], vec![]]);
    assert_eq!(look(180, Presence::Offline), [FIRED]);
    assert_eq!(look(240, Presence::Offline), [FIRED]);
    assert_eq!(look(300, Presence::Online), [FIRED, OVER]);
    let text = events(&shard).remove(0).text;
    assert!(text.ends_with(&format!("Host '{}' is offline", entry(HOST.0).host.name)), "{text}");
}

#[test]
fn what_nobody_acknowledges_is_told_to_others_by_the_verdict_too() {
    let mut config = AlertConfig::default();
    config.schedule.escalates = true;
    let mut shard = shard(config);
    take(&mut shard, guest(), up(10, 85.0));
    let mut told = |minutes: i64| {
        shard.look_at_rules(after(10 + minutes * 60), 0);
        events(&shard).iter().skip(1).map(|event| event.group.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told(14), Vec::<String>::new());
    assert_eq!(told(15), ["escalation:email"]);
    assert_eq!(told(31), ["escalation:email", "escalation:webhook"]);
    assert_eq!(told(61), ["escalation:email", "escalation:webhook", ""]);
    assert_eq!(told(600).len(), 3, "each once");
}

#[test]
fn levels_are_told_by_time_whatever_their_order_and_none_when_they_are_off() {
    let level = |after_min, audience| EscalationLevel { after_min, audience };
    let levels = vec![level(30, EscalationAudience::All), level(5, EscalationAudience::Email)];
    let mut schedule = AlertSchedule { escalates: true, levels, ..AlertSchedule::default() };
    let told: Vec<(u32, String)> = escalations(&schedule).into_iter().map(|one| (one.after_s, one.group)).collect();
    assert_eq!(told, [(300, "escalation:email".to_owned()), (1_800, String::new())]);
    schedule.escalates = false;
    assert_eq!(escalations(&schedule), []);
}

#[test]
fn quiet_hours_and_downtimes_and_a_hosts_status_hold_for_thresholds_too() {
    let quiet = QuietHours { zone: "UTC".to_owned(), from_min: 0, to_min: 0, days: [true; 7] };
    let mut of_quiet = shard_with(RuleSet { quiet_hours: Some(quiet.clone()), ..RuleSet::default() });
    // A zone that nobody knows is taken for UTC.
    let nowhere = QuietHours { zone: "Nowhere/Land".to_owned(), ..quiet.clone() };
    let mut elsewhere = shard_with(RuleSet { quiet_hours: Some(nowhere), ..RuleSet::default() });
    take(&mut elsewhere, guest(), up(10, 85.0));
    assert!(events(&elsewhere)[0].is_quiet);
    take(&mut of_quiet, guest(), up(10, 85.0));
    take(&mut of_quiet, storage(), poll(10, Condition::Up, &[(ThresholdMetric::Usage, 99.0)]));
    assert_eq!(events(&of_quiet).iter().map(|event| event.is_quiet).collect::<Vec<_>>(), [true, false]);
    let downtime = Downtime {
        name: String::new(),
        memo: String::new(),
        start: UnixSeconds(after(0).seconds().0 / 60 * 60),
        start_offset_s: 0,
        duration_min: 5,
        recurrence: None,
        scope: DowntimeScope::default(),
    };
    let mut down = shard_with(RuleSet { downtimes: vec![(1, downtime)], ..RuleSet::default() });
    assert_eq!((take(&mut down, guest(), up(10, 85.0)), kinds(&down)), (vec![], vec![]));
    assert_eq!((take(&mut down, guest(), up(400, 85.0)), kinds(&down)), (vec![(HOST, 0)], vec![FIRED]));
    let of_status = |status| {
        let mut shard = shard(AlertConfig::default());
        shard.get_mut(HOST).unwrap().entry.standing = HostStanding { status, ..HostStanding::default() };
        take(&mut shard, guest(), up(10, 99.0));
        events(&shard).iter().map(|event| event.is_quiet).collect::<Vec<_>>()
    };
    assert_eq!(of_status(HostStatus::Standby), [true]);
    assert_eq!(of_status(HostStatus::Maintenance), Vec::<bool>::new());
}

#[test]
fn limits_of_one_host_are_by_any_of_its_names() {
    let name = entry(HOST.0).host.name;
    for id in [entry(HOST.0).host.public_id, entry(HOST.0).host.uuid, name] {
        let mut config = for_all();
        let limits = [(ThresholdMetric::Cpu, edgewatch_core::model::Limit::new(20.0, 10.0))];
        config.overrides.insert(id, Limits { limits: limits.into(), ..Limits::default() });
        let mut shard = shard(config);
        post(&mut shard, 1, 30.0);
        assert_eq!(kinds(&shard), [FIRED]);
    }
}
