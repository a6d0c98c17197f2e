//! Monitors and checks over the object's life: values in any order, sleep, refusal, other statuses, another shard.

use super::checks::Untaken;
use super::*;
use crate::hub::directory;
use crate::hub::directory::tests::entry;
use crate::hub::sql::Sql;
use crate::store::rules::RuleSet;
use edgewatch_core::model::{
    CheckReport, Downtime, DowntimeScope, EventKind, Measured, MetricTest, MissingLimits, MonitorScopes, Named,
    Presence, Sample, ScopeName,
};
use edgewatch_core::units::UnixSeconds;

const HOST: HostId = HostId(7);
/// The beginning of a minute.
const START: UnixMillis = UnixMillis(1_795_361_160_000);

pub(super) fn after(seconds: i64) -> UnixMillis {
    UnixMillis(START.0 + seconds * 1000)
}

fn test(metric: &str) -> MetricTest {
    MetricTest {
        metric: metric.to_owned(),
        is_above: true,
        warning: Some(4.0),
        critical: Some(8.0),
        points: 1,
        attempts: 1,
    }
}

fn of_host(test: MetricTest) -> Monitor {
    let watch = Watch::Host { test, scopes: MonitorScopes::default() };
    Monitor { id: MonitorId(2), name: "load".to_owned(), is_mute: false, every_min: None, watch }
}

fn shard(monitors: Vec<Monitor>) -> Shard {
    let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
    shard.complete(vec![]).unwrap();
    let mut known = entry(HOST.0);
    (known.host.last_seen, known.host.facts, known.host.presence) = (None, None, Presence::Never);
    shard.enrol(vec![known]).unwrap();
    shard.judge(after(-60), after(60).seconds()).unwrap();
    shard.set_rules(RuleSet { monitors, ..RuleSet::default() }, 1, after(-60)).unwrap();
    shard
}

/// The object woke anew, from what it keeps.
pub(super) fn woken(shard: &Shard) -> Shard {
    shard.keep_watch().unwrap();
    let mut again = Shard::new(shard.storage.sql.clone()).unwrap();
    again.read_watch(START).unwrap();
    again.read_rules().unwrap();
    again.complete(vec![]).unwrap();
    again
}

fn post_of(shard: &mut Shard, of: HostId, name: &str, at_s: i64, value: f64) {
    let at = after(at_s);
    let named = vec![Named { name: name.to_owned(), value }];
    shard.take_posted(of, vec![Sample { at, named, ..Sample::default() }], at).unwrap();
}

fn post(shard: &mut Shard, at_s: i64, value: f64) {
    post_of(shard, HOST, "loadavg5", at_s, value);
}

/// Kind and severity of every event of an alert.
pub(super) fn told(shard: &Shard) -> Vec<(EventKind, Severity)> {
    let owed = directory::owed(&shard.storage.sql, 99).unwrap();
    owed.into_iter().filter_map(|(event, _)| Some((event.kind, event.alert?.standing.severity))).collect()
}

fn enrol(shard: &mut Shard, status: HostStatus, roles: &[(&str, &str)]) {
    let role = |(service, role): &(&str, &str)| edgewatch_core::model::RoleName {
        service: (*service).to_owned(),
        role: (*role).to_owned(),
    };
    let mut known = entry(HOST.0);
    known.standing = HostStanding { status, roles: roles.iter().map(role).collect() };
    let entries = vec![known];
    shard.rescope(&entries, after(90));
    shard.enrol(entries).unwrap();
}

/// The schedule looks, a minute after the other.
fn look(shard: &mut Shard, minutes: std::ops::RangeInclusive<i64>) {
    for minute in minutes {
        shard.note_worker(after(minute * 60));
        shard.judge(after(minute * 60), after(minute * 60 + 120).seconds()).unwrap();
    }
}

const FIRED: EventKind = EventKind::AlertFired;
const CHANGED: EventKind = EventKind::AlertChanged;
const OVER: EventKind = EventKind::AlertRecovered;
use Severity::{Critical, Warning};

#[test]
fn a_metric_becomes_bad_worse_and_good_over_sleep_between_all_posts() {
    let mut shard = shard(vec![of_host(test("loadavg5"))]);
    for (minute, value) in (0..).zip([1.0, 5.0, 5.5, 9.0, 4.5, 4.0, 1.0]) {
        post(&mut shard, minute * 60, value);
        shard = woken(&shard);
    }
    assert_eq!(told(&shard), [(FIRED, Warning), (CHANGED, Critical), (CHANGED, Warning), (OVER, Warning)]);
    let (fired, name) = directory::owed(&shard.storage.sql, 9).unwrap().remove(0);
    let note = fired.alert.clone().unwrap();
    assert_eq!((note.kind, note.standing.value), (Some(AlertKind::Host), Some(Measured::of(5.0))));
    assert_eq!((note.detail.as_str(), note.cause), ("loadavg5 5 > 4", Cause::monitor(MonitorId(2), HOST)));
    assert!(fired.text.ends_with(") load (WARNING)") && name.is_some(), "{}", fired.text);
    assert_eq!(directory::list_alert_states(&shard.storage.sql).unwrap(), []);
}

#[test]
fn the_mean_of_points_and_attempts_are_known_after_sleep() {
    let averaged = MetricTest { points: 3, attempts: 2, ..test("loadavg5") };
    let mut shard = shard(vec![of_host(averaged)]);
    // Means of the newest three: 3, 5, 7, 3.33
    for (minute, value) in (0..).zip([3.0, 3.0, 3.0, 9.0, 9.0, -8.0]) {
        post(&mut shard, minute * 60, value);
        shard = woken(&shard);
    }
    assert_eq!(told(&shard), [(FIRED, Warning), (OVER, Warning)]);
    assert_eq!(directory::owed(&shard.storage.sql, 1).unwrap()[0].0.at, after(240).seconds());
}

#[test]
fn minutes_that_come_late_raise_nothing_and_the_same_minute_counts_once() {
    let mut shard = shard(vec![of_host(MetricTest { attempts: 2, ..test("loadavg5") })]);
    post(&mut shard, 120, 1.0);
    for _ in 0..3 {
        post(&mut shard, 60, 9.0);
    }
    post(&mut shard, 180, 9.0);
    post(&mut shard, 185, 9.5);
    assert_eq!(told(&shard), []);
    post(&mut shard, 240, 9.0);
    assert_eq!(told(&shard), [(FIRED, Critical)]);
}

#[test]
fn while_nothing_changes_no_row_is_written_for_monitors() {
    let mut shard = shard(vec![Monitor::first(), of_host(MetricTest { attempts: 3, ..test("loadavg5") })]);
    (0..6).for_each(|minute| post(&mut shard, minute * 60, 9.0));
    assert_eq!(told(&shard), [(FIRED, Critical)]);
    let before = shard.storage.sql.rows_written();
    post(&mut shard, 360, 9.0);
    assert_eq!(shard.storage.sql.rows_written() - before, 1, "the journal's row alone");
    let before = shard.storage.sql.rows_written();
    shard.look_at_rules(after(361), 0);
    assert_eq!(shard.storage.sql.rows_written(), before);
}

#[test]
fn under_maintenance_nothing_is_judged_and_nobody_is_told_of_a_host_that_stands_by() {
    let mut shard = shard(vec![of_host(test("loadavg5"))]);
    enrol(&mut shard, HostStatus::Maintenance, &[]);
    post(&mut shard, 0, 9.0);
    assert_eq!(told(&shard), []);
    enrol(&mut shard, HostStatus::Standby, &[]);
    post(&mut shard, 60, 9.0);
    let quiet = || directory::owed(&shard.storage.sql, 9).unwrap().into_iter().map(|(one, _)| one.is_quiet);
    assert_eq!(quiet().collect::<Vec<_>>(), [true]);
    let mut shard = woken(&shard);
    enrol(&mut shard, HostStatus::Poweroff, &[]);
    post(&mut shard, 120, 1.0);
    assert_eq!(told(&shard), [(FIRED, Critical)], "it stays open");
    enrol(&mut shard, HostStatus::Working, &[]);
    post(&mut shard, 180, 1.0);
    assert_eq!(told(&shard), [(FIRED, Critical), (OVER, Critical)]);
}

#[test]
fn a_host_is_looked_at_by_its_roles_and_its_alert_ends_with_them_or_with_the_monitor() {
    let only = vec![ScopeName { service: "Web".to_owned(), role: None }];
    let watch = Watch::Host { test: test("loadavg5"), scopes: MonitorScopes { only, not: vec![] } };
    let monitor = Monitor { watch, ..of_host(test("a")) };
    let mut shard = shard(vec![monitor.clone()]);
    post(&mut shard, 0, 9.0);
    assert_eq!(told(&shard), []);
    enrol(&mut shard, HostStatus::Working, &[("Web", "front")]);
    post(&mut shard, 60, 9.0);
    let mut shard = woken(&shard);
    enrol(&mut shard, HostStatus::Working, &[("Db", "main")]);
    let ended = |shard: &Shard| {
        let owed = directory::owed(&shard.storage.sql, 9).unwrap();
        let last = owed.last().unwrap().0.clone();
        (last.kind, last.alert.unwrap().trigger.word())
    };
    assert_eq!(ended(&shard), (EventKind::AlertWithdrawn, "monitorDelete"));
    enrol(&mut shard, HostStatus::Working, &[("Web", "front")]);
    post(&mut shard, 120, 9.0);
    let higher = MetricTest { critical: Some(99.0), warning: None, ..test("loadavg5") };
    let eased = Monitor { watch: Watch::Host { test: higher, scopes: MonitorScopes::default() }, ..monitor };
    shard.set_rules(RuleSet { monitors: vec![eased], ..RuleSet::default() }, 2, after(121)).unwrap();
    assert_eq!(told(&shard).len(), 3, "another limit ends nothing by itself");
    shard.set_rules(RuleSet::default(), 3, after(122)).unwrap();
    assert_eq!((told(&shard).len(), ended(&shard)), (4, (EventKind::AlertWithdrawn, "monitorDelete")));
    assert_eq!(directory::list_alert_states(&shard.storage.sql).unwrap(), []);
}

#[test]
fn a_host_that_posts_no_more_is_gone_after_ten_minutes_and_back_with_its_next_post() {
    let mut shard = shard(vec![Monitor::first()]);
    post(&mut shard, 0, 1.0);
    look(&mut shard, 0..=9);
    assert_eq!(told(&shard), []);
    look(&mut shard, 10..=12);
    assert_eq!(told(&shard), [(FIRED, Critical)]);
    let mut shard = woken(&shard);
    post(&mut shard, 750, 1.0);
    assert_eq!(told(&shard), [(FIRED, Critical), (OVER, Critical)]);
    // Under maintenance its silence is nobody's business.
    enrol(&mut shard, HostStatus::Maintenance, &[]);
    look(&mut shard, 13..=40);
    assert_eq!(told(&shard).len(), 2);
}

#[test]
fn nobody_is_gone_because_we_were_away_and_who_never_posted_is_not_watched() {
    let mut shard = shard(vec![Monitor::first()]);
    look(&mut shard, 0..=20);
    assert_eq!(told(&shard), [], "it never posted");
    post(&mut shard, 1_210, 1.0);
    // Nobody looks for an hour.
    look(&mut shard, 80..=85);
    assert_eq!(told(&shard), []);
    look(&mut shard, 86..=92);
    assert_eq!(told(&shard), [(FIRED, Critical)]);
}

fn of_service(missing: MissingLimits) -> Monitor {
    let watch = Watch::Service { service: "Svc".to_owned(), number: 3, test: test("clicks"), missing };
    Monitor { id: MonitorId(4), name: "few".to_owned(), is_mute: false, every_min: None, watch }
}

#[test]
fn a_services_metric_has_an_alert_without_a_host() {
    let mut shard = shard(vec![of_service(MissingLimits::default())]);
    post_of(&mut shard, HostId(-3), "clicks", 0, 9.0);
    post_of(&mut shard, HostId(-4), "clicks", 0, 9.0);
    let mut shard = woken(&shard);
    post_of(&mut shard, HostId(-3), "clicks", 60, 1.0);
    assert_eq!(told(&shard), [(FIRED, Critical), (OVER, Critical)]);
    let fired = directory::owed(&shard.storage.sql, 9).unwrap().remove(0).0;
    assert_eq!((fired.host_id, fired.text.as_str()), (None, "[Incident] Svc: few (CRITICAL)"));
    assert_eq!(fired.alert.unwrap().kind, Some(AlertKind::Service));
}

#[test]
fn a_services_metric_that_comes_no_more_is_missing() {
    let missing = MissingLimits { warning_min: Some(10), critical_min: Some(20) };
    let mut shard = shard(vec![of_service(missing)]);
    look(&mut shard, 0..=30);
    assert_eq!(told(&shard), [], "it was never there");
    post_of(&mut shard, HostId(-3), "clicks", 1_800, 1.0);
    look(&mut shard, 31..=39);
    assert_eq!(told(&shard), []);
    let mut shard = woken(&shard);
    look(&mut shard, 40..=51);
    assert_eq!(told(&shard), [(FIRED, Warning), (CHANGED, Critical)]);
    post_of(&mut shard, HostId(-3), "clicks", 3_100, 1.0);
    assert_eq!(told(&shard).last(), Some(&(OVER, Critical)));
}

fn report(name: &str, at_s: i64, severity: Option<Severity>) -> CheckReport {
    CheckReport {
        name: name.to_owned(),
        severity,
        message: format!("at {at_s}"),
        at: UnixSeconds(after(at_s).seconds().0),
        every_min: None,
        attempts: 1,
        is_steady: false,
    }
}

#[test]
fn a_check_that_is_not_known_is_asked_for_and_its_reports_outlast_sleep() {
    let mut shard = shard(vec![]);
    let bad = [report("a", 0, Some(Warning)), report("a", 30, Some(Critical)), report("b", 5, None)];
    let unnamed = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(shard.take_reports(HOST, &bad, &[], after(31)), Ok(Untaken { unnamed, ..Untaken::default() }));
    assert_eq!(told(&shard), []);
    let known = [("a".to_owned(), CheckId(1)), ("b".to_owned(), CheckId(2))];
    assert_eq!(shard.take_reports(HOST, &bad, &known, after(31)), Ok(Untaken::default()));
    let mut shard = woken(&shard);
    assert_eq!(shard.take_reports(HOST, &bad, &[], after(40)), Ok(Untaken::default()), "again, which is no news");
    assert_eq!(told(&shard), [(FIRED, Warning), (CHANGED, Critical)]);
    let open = shard.open_checks();
    assert_eq!((open.len(), open[0].message.as_str()), (1, "at 30"));
    assert_eq!(shard.monitored(HOST).unwrap().len(), 2);
    let kept = shard.keep_checks(HOST, &[]).unwrap();
    assert_eq!(kept, [CheckId(1)]);
    let mut shard = woken(&shard);
    assert_eq!(shard.take_reports(HOST, &[report("a", 60, None)], &[], after(60)), Ok(Untaken::default()));
    assert_eq!(told(&shard).last(), Some(&(OVER, Critical)));
    let fired = directory::owed(&shard.storage.sql, 9).unwrap().remove(0).0;
    assert!(fired.text.ends_with(") a (WARNING)"), "{}", fired.text);
    assert_eq!(fired.alert.unwrap().detail, "at 0");
}

#[test]
fn reports_of_one_moment_are_alerts_of_their_own() {
    let mut shard = shard(vec![]);
    let reports = [(0, Some(Critical)), (1, None), (2, Some(Critical))].map(|(at_s, how)| report("a", at_s, how));
    shard.take_reports(HOST, &reports, &[("a".to_owned(), CheckId(1))], after(3)).unwrap();
    let owed = directory::owed(&shard.storage.sql, 9).unwrap();
    let keys: Vec<String> = owed.into_iter().map(|(event, _)| event.alert.unwrap().key).collect();
    assert_eq!(keys.len(), 3);
    assert!(keys[0] == keys[1] && keys[1] != keys[2]);
}

#[test]
fn reports_that_could_not_be_kept_are_kept_when_they_come_again() {
    let mut shard = shard(vec![]);
    let known = [("a".to_owned(), CheckId(1))];
    let bad = [report("a", 0, Some(Critical))];
    let refuse = |shard: &Shard, how| drop(shard.storage.sql.exec(how, vec![]).unwrap());
    refuse(&shard, "PRAGMA query_only = ON");
    assert!(shard.take_reports(HOST, &bad, &known, after(1)).is_err());
    refuse(&shard, "PRAGMA query_only = OFF");
    assert_eq!(shard.take_reports(HOST, &bad, &known, after(31)), Ok(Untaken::default()));
    assert_eq!(told(&shard), [(FIRED, Critical)]);
    let mut shard = woken(&shard);
    assert_eq!(shard.open_checks().len(), 1);
    shard.retire(HOST, after(60)).unwrap();
    let owed = directory::owed(&shard.storage.sql, 9).unwrap();
    let last = owed.last().unwrap().0.clone();
    assert_eq!((last.kind, last.alert.unwrap().trigger.word()), (EventKind::AlertWithdrawn, "hostRetire"));
    assert!(last.is_quiet);
}

#[test]
fn checks_of_a_host_under_maintenance_are_known_and_not_told_of() {
    let mut shard = shard(vec![]);
    let known = [("a".to_owned(), CheckId(1))];
    enrol(&mut shard, HostStatus::Maintenance, &[]);
    shard.take_reports(HOST, &[report("a", 0, Some(Critical))], &known, after(1)).unwrap();
    assert_eq!((told(&shard), shard.monitored(HOST).unwrap().len()), (vec![], 1));
    enrol(&mut shard, HostStatus::Working, &[]);
    shard.take_reports(HOST, &[report("a", 60, Some(Critical))], &[], after(61)).unwrap();
    assert_eq!(told(&shard), [(FIRED, Critical)]);
    let key = shard.open_checks()[0].alert.clone();
    assert_eq!((shard.close_alert(&key, after(62)), shard.close_alert(&key, after(63))), (Ok(true), Ok(false)));
    assert_eq!(told(&shard).last().map(|(kind, _)| *kind), Some(EventKind::AlertWithdrawn));
}

#[test]
fn a_check_that_became_good_under_maintenance_ends_its_alert_when_the_host_is_back() {
    let mut shard = shard(vec![]);
    let known = [("a".to_owned(), CheckId(1)), ("b".to_owned(), CheckId(2))];
    let bad = [report("a", 0, Some(Critical)), report("b", 0, Some(Warning))];
    shard.take_reports(HOST, &bad, &known, after(1)).unwrap();
    enrol(&mut shard, HostStatus::Maintenance, &[]);
    shard.take_reports(HOST, &[report("a", 60, None)], &[], after(61)).unwrap();
    look(&mut shard, 2..=3);
    assert_eq!(told(&shard), [(FIRED, Critical), (FIRED, Warning)], "nobody judges it now");
    let mut shard = woken(&shard);
    enrol(&mut shard, HostStatus::Working, &[]);
    // The check does not say again that it is good.
    look(&mut shard, 4..=5);
    assert_eq!(told(&shard), [(FIRED, Critical), (FIRED, Warning), (OVER, Critical)]);
    assert_eq!(woken(&shard).open_checks().len(), 1, "the other one is as bad as it was");
}

#[test]
fn a_host_with_as_many_checks_as_it_may_have_is_told_of_those_beyond() {
    let mut shard = shard(vec![]);
    let known: Vec<_> = (1..=1_000).map(|id| (format!("c{id}"), CheckId(id))).collect();
    let bad: Vec<_> = known.iter().map(|(name, _)| report(name, 0, Some(Critical))).collect();
    assert_eq!(shard.take_reports(HOST, &bad, &known, after(1)), Ok(Untaken::default()));
    assert_eq!(shard.open_checks().len(), 1_000, "every one is judged");
    let more = [report("c7", 9, None), report("more", 9, Some(Critical)), report("more", 8, Some(Critical))];
    let beyond = Untaken { beyond: vec!["more".to_owned()], ..Untaken::default() };
    assert_eq!(shard.take_reports(HOST, &more, &[], after(10)), Ok(beyond));
    let mut shard = woken(&shard);
    let numbered = [("more".to_owned(), CheckId(1_001))];
    let still = shard.take_reports(HOST, &more, &numbered, after(11)).unwrap();
    assert_eq!((still.beyond, still.unnamed), (vec!["more".to_owned()], vec![]));
    assert_eq!(shard.open_checks().len(), 999);
    shard.keep_checks(HOST, &["c1".to_owned()]).unwrap();
    assert_eq!(
        shard.take_reports(HOST, &more[1..], &numbered, after(12)),
        Ok(Untaken::default()),
        "there is room again"
    );
    assert_eq!(shard.open_checks().len(), 1_000);
}

#[test]
fn a_check_that_results_have_no_more_ends_its_alert_and_is_forgotten() {
    let mut shard = shard(vec![]);
    let known = [("a".to_owned(), CheckId(1)), ("b".to_owned(), CheckId(2))];
    let steady = |name, at_s| CheckReport { is_steady: true, ..report(name, at_s, Some(Critical)) };
    shard.take_reports(HOST, &[steady("a", 0), report("b", 0, Some(Warning))], &known, after(1)).unwrap();
    // Nothing is written while a check says the same.
    let written = shard.storage.sql.rows_written();
    shard.take_reports(HOST, &[steady("a", 60)], &[], after(61)).unwrap();
    assert_eq!(shard.storage.sql.rows_written(), written);
    for at_s in [90, 389] {
        assert_eq!(shard.with_gone(HOST, vec![], after(at_s)), (vec![], vec![]));
        shard.take_reports(HOST, &[], &[], after(at_s)).unwrap();
        shard = woken(&shard);
    }
    let (reports, gone) = shard.with_gone(HOST, vec![], after(391));
    shard.take_reports(HOST, &reports, &[], after(391)).unwrap();
    assert_eq!(told(&shard), [(FIRED, Critical), (FIRED, Warning), (OVER, Critical)], "the other one came alone");
    let over = directory::owed(&shard.storage.sql, 9).unwrap().pop().unwrap().0;
    assert!(over.text.contains("no longer reports"), "{}", over.text);
    assert_eq!((gone.as_slice(), shard.forgettable_checks(HOST, &gone).as_slice()), (&[CheckId(1)][..], &gone[..]));
    shard.forget_checks(HOST, &gone).unwrap();
    assert_eq!(woken(&shard).monitored(HOST).unwrap().len(), 1);
}

#[test]
fn another_shard_goes_on_with_what_checks_said_and_with_their_alert() {
    let mut old = shard(vec![]);
    let known = [("a".to_owned(), CheckId(1))];
    old.take_reports(HOST, &[report("a", 0, Some(Critical))], &known, after(1)).unwrap();
    let text = old.alerts_text(HOST).unwrap();
    let mut new = shard(vec![]);
    new.adopt_alerts(HOST, &text, after(30));
    assert_eq!(new.take_reports(HOST, &[report("a", 60, None)], &[], after(61)), Ok(Untaken::default()));
    assert_eq!(told(&new), [(OVER, Critical)]);
}

#[test]
fn our_agents_values_are_looked_at_by_mackerels_names_a_point_a_minute() {
    let mut shard = shard(vec![of_host(MetricTest { attempts: 2, ..test("loadavg5") })]);
    let at_ms = |number: u64| after(i64::try_from(number).unwrap() * 20);
    for number in 1..=8 {
        let sample = Sample { number, at: at_ms(number), load5: Some(9.0), ..Sample::default() };
        let report = crate::hub::testing::report(vec![sample], number, at_ms(number), 20);
        shard.post(HOST, report, at_ms(number)).unwrap();
        shard = woken(&shard);
        // The first minute's points, then the second's, of which the alert is.
        assert_eq!(told(&shard).len(), usize::from(number >= 3), "{number}");
    }
    assert_eq!(told(&shard), [(FIRED, Critical)]);
}

#[test]
fn a_downtime_lets_no_alert_begin_and_ends_none() {
    let downtime = |monitors: &[&str]| Downtime {
        name: "upgrade".to_owned(),
        memo: String::new(),
        start: after(100).seconds(),
        start_offset_s: 0,
        duration_min: 10,
        recurrence: None,
        scope: DowntimeScope {
            monitors: monitors.iter().map(|id| (*id).to_owned()).collect(),
            ..DowntimeScope::default()
        },
    };
    let id = thing_id(Thing::Monitor, 2);
    // For this monitor, and for another one.
    for (named, expected) in [
        (vec![id.as_str()], vec![(FIRED, Warning), (OVER, Warning), (FIRED, Critical)]),
        (
            vec!["11111111111"],
            vec![(FIRED, Warning), (OVER, Warning), (FIRED, Critical), (OVER, Critical), (FIRED, Critical)],
        ),
    ] {
        let monitors = vec![of_host(test("loadavg5"))];
        let mut shard = shard(monitors.clone());
        let downtimes = vec![(1, downtime(&named))];
        shard.set_rules(RuleSet { monitors, downtimes, ..RuleSet::default() }, 2, after(-30)).unwrap();
        for (minute, value) in [(0, 5.0), (2, 1.0), (3, 9.0), (5, 1.0), (13, 9.0)] {
            post(&mut shard, minute * 60, value);
            shard = woken(&shard);
        }
        assert_eq!(told(&shard), expected, "{named:?}");
    }
}

#[test]
fn a_step_names_the_monitor_and_whether_it_is_critical_for_its_notification_groups() {
    let mut shard = shard(vec![of_host(test("loadavg5"))]);
    for (minute, value) in (0..).zip([5.0, 9.0, 5.0, 1.0]) {
        post(&mut shard, minute * 60, value);
    }
    let owed = directory::owed(&shard.storage.sql, 99).unwrap();
    let heard: Vec<_> = owed.iter().filter_map(|(event, _)| Audience::parse(&event.group)).collect();
    let id = thing_id(Thing::Monitor, 2);
    assert!(heard.iter().all(|one| one.monitor == id && one.service.is_none()));
    assert_eq!(heard.iter().map(|one| one.is_critical).collect::<Vec<_>>(), [false, true, true, false]);
}
