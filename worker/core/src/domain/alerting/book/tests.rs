use super::*;
use crate::domain::alerting::Step;
use crate::model::{Bounds, Condition, Cycle, CycleUnit, Direction, Escalation, Hosts, Level, Quantity, Repeat, Scope};
use crate::units::UnixSeconds;

const START: i64 = 1_795_361_190;

pub fn above(limit: f64) -> Bounds {
    Bounds { above: Some(Level { trigger: limit, clear: limit }), below: None }
}

pub fn cpu(limit: f64, for_s: u32) -> Condition {
    Condition { test: Test::Value { quantity: Quantity::Cpu, bounds: above(limit) }, for_s }
}

fn load(limit: f64, for_s: u32) -> Condition {
    Condition { test: Test::Value { quantity: Quantity::Load1, bounds: above(limit) }, for_s }
}

fn offline(for_s: u32) -> Condition {
    Condition { test: Test::Offline, for_s }
}

pub fn rule(id: i64, conditions: Vec<Condition>) -> Rule {
    Rule {
        id: RuleId(id),
        name: format!("rule {id}"),
        is_enabled: true,
        group: String::new(),
        scope: Scope::default(),
        conditions,
        repeat: Repeat::Never,
        escalations: vec![],
        ignores_quiet_hours: false,
    }
}

pub fn subject(id: i64) -> Subject<'static> {
    Subject { id: HostId(id), tag: "eu", totals: Totals::default() }
}

fn sample(seconds: i64, cpu: f64, load1: f64) -> Sample {
    let at = UnixSeconds(START + seconds).millis();
    Sample { at, cpu_percent: Some(cpu), load1: Some(load1), ..Sample::default() }
}

fn moment(seconds: i64) -> Moment {
    Moment { at: UnixSeconds(START + seconds).millis(), is_quiet: false }
}

fn book(rules: Vec<Rule>) -> Book {
    Book::new(rules, BTreeMap::new())
}

/// Reports of one sample each, ten seconds apart; at which of them the alert of rule 1 does what.
fn run(book: &mut Book, values: &[(f64, f64)]) -> Vec<(usize, Step)> {
    let (mut before, mut steps) = (None, Vec::new());
    for (index, (cpu, load1)) in values.iter().enumerate() {
        let seconds = i64::try_from(index).unwrap() * 10;
        let now = sample(seconds, *cpu, *load1);
        let found = book.samples(subject(7), before.as_ref(), std::slice::from_ref(&now), 10, moment(seconds));
        steps.extend(found.into_iter().map(|one| (index, one.step)));
        before = Some(now);
    }
    steps
}

fn sign(presence: Presence, last_seen_s: i64) -> Sign<'static> {
    Sign { presence, last_seen: Some(UnixSeconds(START + last_seen_s).millis()), newest: None }
}

fn presence(book: &mut Book, seconds: i64, sign: Sign<'_>, is_holding: bool) -> Vec<Step> {
    let steps = book.presence(std::iter::once((subject(7), sign)), is_holding, moment(seconds));
    steps.into_iter().map(|one| one.step).collect()
}

#[test]
fn a_value_fails_when_it_was_beyond_its_limit_for_as_long_as_it_takes() {
    let mut of_cpu = book(vec![rule(1, vec![cpu(90.0, 30)])]);
    let values: Vec<(f64, f64)> =
        [95.0, 95.0, 95.0, 50.0, 95.0, 95.0, 95.0, 95.0, 95.0, 50.0].map(|cpu| (cpu, 0.0)).to_vec();
    assert_eq!(run(&mut of_cpu, &values), [(7, Step::Fired), (9, Step::Recovered)]);
    assert_eq!(of_cpu.hosts, BTreeMap::new(), "at rest nothing is in the book");
}

#[test]
fn all_conditions_have_to_fail_each_for_its_own_time() {
    let mut both = book(vec![rule(1, vec![cpu(90.0, 30), load(4.0, 10)])]);
    let values =
        [(95.0, 1.0), (95.0, 1.0), (95.0, 1.0), (95.0, 1.0), (95.0, 5.0), (95.0, 5.0), (95.0, 5.0), (95.0, 1.0)];
    assert_eq!(run(&mut both, &values), [(5, Step::Fired), (7, Step::Recovered)]);
}

#[test]
fn between_its_two_levels_a_value_changes_nothing() {
    let bounds = Bounds { above: Some(Level { trigger: 90.0, clear: 80.0 }), below: None };
    let condition = Condition { test: Test::Value { quantity: Quantity::Cpu, bounds }, for_s: 0 };
    let values = [85.0, 91.0, 85.0, 91.0, 81.0, 80.0, 85.0].map(|cpu| (cpu, 0.0));
    let steps = run(&mut book(vec![rule(1, vec![condition])]), &values);
    assert_eq!(steps, [(1, Step::Fired), (5, Step::Recovered)]);
}

#[test]
fn what_comes_and_goes_within_one_report_is_told_in_order_under_keys_of_its_own() {
    let mut book = book(vec![rule(1, vec![cpu(90.0, 0)])]);
    let samples: Vec<Sample> = (0_i32..6).map(|at| sample(i64::from(at) * 10, f64::from(at % 2) * 95.0, 0.0)).collect();
    let steps = book.samples(subject(7), None, &samples, 10, moment(60));
    let keys: Vec<String> = steps.iter().enumerate().map(|(order, one)| one.key(order)).collect();
    assert!(keys.is_sorted_by(|one, next| one < next), "{keys:?}");
    let alerts: BTreeSet<&str> = steps.iter().map(|one| one.alert.as_str()).collect();
    assert_eq!((steps.len(), alerts.len()), (5, 3));
}

#[test]
fn what_is_long_past_when_it_comes_is_no_news() {
    let mut book = book(vec![rule(1, vec![cpu(90.0, 10)])]);
    let old: Vec<Sample> = (0..60).map(|at| sample(at * 10, 95.0, 0.0)).collect();
    assert_eq!(book.samples(subject(7), None, &old, 10, moment(10_000)), []);
    let now = [sample(10_000, 95.0, 0.0), sample(10_010, 95.0, 0.0)];
    let steps = book.samples(subject(7), old.last(), &now, 10, moment(10_010));
    assert_eq!(steps.len(), 1, "what goes on is found anew");
}

#[test]
fn a_rule_looks_at_its_hosts_and_their_tags_alone() {
    let hosts = |ids: &[i64]| ids.iter().copied().map(HostId).collect::<BTreeSet<HostId>>();
    let tags = |tag: &str| vec![tag.to_owned()];
    for (scope, expected) in [
        (Scope::default(), true),
        (Scope { hosts: Hosts::AllBut(hosts(&[7])), tags: vec![] }, false),
        (Scope { hosts: Hosts::AllBut(hosts(&[8])), tags: vec![] }, true),
        (Scope { hosts: Hosts::Only(hosts(&[8])), tags: vec![] }, false),
        (Scope { hosts: Hosts::Only(hosts(&[7, 8])), tags: vec![] }, true),
        (Scope { hosts: Hosts::default(), tags: tags("eu") }, true),
        (Scope { hosts: Hosts::default(), tags: tags("us") }, false),
        (Scope { hosts: Hosts::Only(hosts(&[7])), tags: tags("us") }, false),
    ] {
        let rule = Rule { scope: scope.clone(), ..rule(1, vec![cpu(90.0, 0)]) };
        let fired = run(&mut book(vec![rule]), &[(95.0, 0.0)]);
        assert_eq!(!fired.is_empty(), expected, "{scope:?}");
    }
    let off = Rule { is_enabled: false, ..rule(1, vec![cpu(90.0, 0)]) };
    assert_eq!(run(&mut book(vec![off]), &[(95.0, 0.0)]), []);
}

#[test]
fn a_silent_host_and_one_that_never_reported_are_offline() {
    let mut book = book(vec![rule(1, vec![offline(60)])]);
    assert_eq!(presence(&mut book, 25, sign(Presence::Offline, 0), false), []);
    assert_eq!(book.next_due(), Some(UnixSeconds(START + 60).millis()));
    assert_eq!(presence(&mut book, 59, sign(Presence::Offline, 0), false), []);
    assert_eq!(presence(&mut book, 60, sign(Presence::Offline, 0), false), [Step::Fired]);
    assert_eq!(book.next_due(), None);
    assert_eq!(presence(&mut book, 80, sign(Presence::Online, 79), false), [Step::Recovered]);
    assert_eq!(book.hosts, BTreeMap::new());
    let never = Sign { presence: Presence::Never, last_seen: None, newest: None };
    assert_eq!(presence(&mut book, 100, never, false), []);
    assert_eq!(presence(&mut book, 160, never, false), [Step::Fired]);
}

#[test]
fn nobody_is_offline_while_judgement_is_held() {
    let mut book = book(vec![rule(1, vec![offline(0)])]);
    assert_eq!(presence(&mut book, 500, sign(Presence::Offline, 0), true), []);
    assert_eq!(presence(&mut book, 510, sign(Presence::Offline, 0), false), [Step::Fired]);
    assert_eq!(presence(&mut book, 520, sign(Presence::Offline, 0), true), [], "but it stays what it is");
    assert_eq!(presence(&mut book, 530, sign(Presence::Online, 530), true), [Step::Recovered]);
}

#[test]
fn many_silent_hosts_are_told_of_some_at_a_time() {
    let mut book = book(vec![rule(1, vec![offline(0)])]);
    let look = |book: &mut Book| {
        let hosts = (1..=120).map(|id| (subject(id), sign(Presence::Offline, 0)));
        book.presence(hosts, false, moment(60)).len()
    };
    assert_eq!([look(&mut book), look(&mut book), look(&mut book), look(&mut book)], [50, 50, 20, 0]);
}

#[test]
fn an_offline_host_is_reminded_of_nothing_else() {
    let reminding = Rule { repeat: Repeat::Every(300), ..rule(1, vec![cpu(90.0, 0)]) };
    let mut book = book(vec![reminding]);
    assert_eq!(run(&mut book, &[(95.0, 0.0)]), [(0, Step::Fired)]);
    let tick = |book: &mut Book, seconds, is_offline: bool| {
        let steps = book.tick(moment(seconds), |_| is_offline, |_| None);
        steps.into_iter().map(|one| one.step).collect::<Vec<_>>()
    };
    assert_eq!(tick(&mut book, 300, true), []);
    assert_eq!(tick(&mut book, 300, false), [Step::Repeated]);
}

#[test]
fn rules_that_change_or_go_take_their_alerts_with_them() {
    let mut book = book(vec![rule(1, vec![cpu(90.0, 0)]), rule(2, vec![cpu(90.0, 20)])]);
    run(&mut book, &[(95.0, 0.0)]);
    assert_eq!(book.take_changed(), BTreeSet::from([HostId(7)]));
    let kept = rule(2, vec![cpu(90.0, 10)]);
    let steps = book.set_rules(vec![kept.clone()], moment(5).at, |_| Some("eu"));
    assert_eq!(steps.iter().map(|one| (one.step, one.is_quiet)).collect::<Vec<_>>(), [(Step::Withdrawn, true)]);
    // The same test for another time: it goes on.
    let now = sample(10, 95.0, 0.0);
    let fired = book.samples(subject(7), None, std::slice::from_ref(&now), 10, moment(10));
    assert_eq!(fired.len(), 1);
    assert_eq!(book.set_rules(vec![kept.clone()], moment(11).at, |_| Some("eu")), []);
    assert_eq!(book.set_rules(vec![kept.clone()], moment(11).at, |_| None).len(), 1, "the host is gone");
    let off = Rule { is_enabled: false, ..kept };
    assert_eq!(book.set_rules(vec![off], moment(12).at, |_| Some("eu")), []);
    assert_eq!(book.hosts, BTreeMap::new());
}

#[test]
fn a_transfer_rule_fires_once_a_cycle() {
    let cycle = Cycle { start: UnixSeconds(START), offset_s: 0, interval: 1, unit: CycleUnit::Hour };
    let test = Test::Transfer { direction: Direction::All, cycle, bounds: above(1_000.0) };
    let mut book = book(vec![rule(1, vec![Condition { test, for_s: 0 }])]);
    let mut before: Option<Sample> = None;
    let mut steps = Vec::new();
    for minute in 0_i64..150 {
        let bytes = u64::try_from(minute).unwrap() * 15;
        let now = Sample {
            at: UnixSeconds(START + minute * 60).millis(),
            net_in_bytes: Some(bytes),
            net_out_bytes: Some(bytes),
            uptime_s: Some(u64::try_from(minute).unwrap() * 60 + 100_000),
            ..Sample::default()
        };
        let found = book.samples(subject(7), before.as_ref(), std::slice::from_ref(&now), 60, moment(minute * 60));
        steps.extend(found.into_iter().map(|one| (minute, one.step)));
        before = Some(now);
    }
    assert_eq!(steps, [(34, Step::Fired), (60, Step::Recovered), (93, Step::Fired), (120, Step::Recovered),]);
    let changes = book.take_changed();
    assert_eq!(changes.len(), 1);
}

#[test]
fn an_acknowledged_alert_is_found_by_its_key() {
    let boss = vec![Escalation { after_s: 60, group: "boss".to_owned() }];
    let mut book = book(vec![Rule { escalations: boss, ..rule(1, vec![cpu(90.0, 0)]) }]);
    run(&mut book, &[(95.0, 0.0)]);
    let key = book.state(HostId(7)).unwrap().open.values().next().unwrap().key.clone();
    assert!(!book.acknowledge("other") && book.acknowledge(&key) && book.acknowledge(&key));
    assert_eq!(book.tick(moment(100), |_| false, |_| None), []);
}

#[test]
fn a_clock_that_jumps_or_steps_back_fires_nothing() {
    let mut book = book(vec![rule(1, vec![cpu(90.0, 60)])]);
    let mut before: Option<Sample> = None;
    let mut fired = Vec::new();
    // Two samples of each stretch, the clock hours ahead and back between them: 10 s each count.
    for at in [0, 10, 9_000, 9_010, -5_000, -4_990, 20_000, 20_010] {
        let now = sample(at, 95.0, 0.0);
        let found = book.samples(subject(7), before.as_ref(), std::slice::from_ref(&now), 10, moment(at));
        fired.extend(found.into_iter().map(|one| (at, one.step)));
        before = Some(now);
    }
    assert_eq!(fired, [(20_000, Step::Fired)], "the seventh sample, after six periods of ten seconds");
}

#[test]
fn what_waits_for_a_time_does_not_jump_with_the_clock() {
    let boss = vec![Escalation { after_s: 900, group: "boss".to_owned() }];
    let reminding = Rule { repeat: Repeat::Every(600), escalations: boss, ..rule(1, vec![cpu(90.0, 0)]) };
    let mut book = book(vec![reminding, rule(2, vec![offline(600)])]);
    run(&mut book, &[(95.0, 0.0)]);
    presence(&mut book, 30, sign(Presence::Offline, 0), false);
    book.skip(7_200_000);
    assert_eq!(book.tick(moment(7_230), |_| false, |_| None), []);
    assert_eq!(presence(&mut book, 7_230, sign(Presence::Offline, 0), false), []);
    assert_eq!(presence(&mut book, 7_800, sign(Presence::Offline, 0), false), [Step::Fired]);
    assert_eq!(book.tick(moment(7_800), |_| false, |_| None).len(), 1);
    assert_eq!(book.tick(moment(8_100), |_| false, |_| None).len(), 1, "the boss");
}

#[test]
fn a_host_that_leaves_a_rules_group_has_recovered_of_it_once_and_is_reminded_of_nothing() {
    let scope = Scope { tags: vec!["eu".to_owned()], ..Scope::default() };
    let of_group = Rule { scope, repeat: Repeat::Every(300), ..rule(1, vec![cpu(90.0, 0)]) };
    let mut book = book(vec![of_group, rule(2, vec![cpu(90.0, 0)])]);
    run(&mut book, &[(95.0, 0.0)]);
    book.take_changed();
    assert_eq!((book.rescope(HostId(7), "eu", moment(10)), book.take_changed().len()), (vec![], 0));
    let steps = book.rescope(HostId(7), "us", moment(20));
    let steps: Vec<_> = steps.iter().map(|one| (one.cause.id, one.step, one.is_quiet)).collect();
    assert_eq!(steps, [(1, Step::Recovered, false)]);
    assert_eq!(book.rescope(HostId(7), "us", moment(21)), []);
    assert_eq!(book.take_changed(), BTreeSet::from([HostId(7)]));
    let open: Vec<i64> = book.state(HostId(7)).unwrap().open.keys().map(|cause| cause.id).collect();
    assert_eq!(open, [2], "the other rule looks at every host");
    assert_eq!(book.tick(moment(400), |_| false, |_| None), []);
}

#[test]
fn a_hosts_group_is_nothing_to_the_alert_of_a_probe() {
    let mut book = book(vec![rule(1, vec![cpu(90.0, 0)])]);
    let cause = Cause { source: crate::model::Source::Probe, id: 9, host: Some(HostId(7)) };
    let policy =
        Policy { group: "", repeat: Repeat::Never, escalations: &[], ignores_quiet_hours: false, is_mute: false };
    assert_eq!(book.note(cause, policy, (Verdict::Failing, "refused"), moment(0)).len(), 1);
    assert_eq!(book.rescope(HostId(7), "us", moment(10)), []);
    let ended = book.note(cause, policy, (Verdict::Clear, ""), moment(20));
    assert_eq!(ended.iter().map(|one| one.step).collect::<Vec<_>>(), [Step::Recovered], "told once, by the probe");
}

#[test]
fn of_a_host_that_leaves_a_rules_group_at_night_people_are_told_in_the_morning() {
    let scope = Scope { tags: vec!["eu".to_owned()], ..Scope::default() };
    let mut book = book(vec![Rule { scope, ..rule(1, vec![cpu(90.0, 0)]) }]);
    run(&mut book, &[(95.0, 0.0)]);
    let night = |seconds| Moment { is_quiet: true, ..moment(seconds) };
    assert_eq!(book.rescope(HostId(7), "us", night(20)), []);
    assert_eq!(book.rescope(HostId(7), "us", night(30)), []);
    assert_eq!(book.tick(night(60), |_| true, |_| None), []);
    let steps = book.tick(moment(9_000), |_| true, |_| None);
    let steps: Vec<_> = steps.iter().map(|one| (one.step, one.is_quiet, one.over.unwrap().0 - START)).collect();
    assert_eq!(steps, [(Step::Recovered, false, 20)]);
    assert_eq!(book.hosts, BTreeMap::new());
}

/// A book in which so many hosts have had the alert of rule 1 since the start.
fn failing(hosts: i64, repeat: Repeat) -> Book {
    let mut book = book(vec![Rule { repeat, ..rule(1, vec![cpu(90.0, 0)]) }]);
    for id in 1..=hosts {
        assert_eq!(book.samples(subject(id), None, &[sample(0, 95.0, 0.0)], 10, moment(0)).len(), 1);
    }
    book
}

fn hosts_of(steps: &[Transition]) -> Vec<i64> {
    steps.iter().filter_map(|one| one.cause.host).map(|id| id.0).collect()
}

#[test]
fn of_many_alerts_some_are_told_again_at_a_time_and_each_has_its_turn() {
    let mut book = failing(120, Repeat::Every(300));
    let mut told = Vec::new();
    for (seconds, expected) in [(299, 0), (300, 50), (310, 50), (320, 20), (330, 0), (599, 0), (620, 50), (630, 50)] {
        let steps = book.tick(moment(seconds), |_| false, |_| None);
        assert_eq!(steps.len(), expected, "after {seconds} s");
        told.extend(hosts_of(&steps));
    }
    let twice: Vec<i64> = (1..=120).chain(1..=100).collect();
    assert_eq!(told, twice, "who had no turn is before who had one");
}

#[test]
fn where_each_reminder_is_due_again_before_all_are_told_the_last_host_has_its_turn_too() {
    let mut book = failing(120, Repeat::Every(300));
    let steps: Vec<_> = (1..=3).map(|run| book.tick(moment(run * 400), |_| false, |_| None)).collect();
    let told: Vec<i64> = steps.iter().flat_map(|steps| hosts_of(steps)).collect();
    assert_eq!(told, (1..=120).chain(1..=30).collect::<Vec<_>>());
}

#[test]
fn of_many_alerts_that_nobody_looks_for_any_more_some_end_at_a_time_and_each_ends() {
    let mut book = failing(120, Repeat::Never);
    let mut ended = hosts_of(&book.set_rules(vec![], moment(10).at, |_| Some("eu")));
    assert_eq!((ended.len(), book.is_behind()), (50, true));
    assert_eq!(book.tick(moment(400), |_| false, |_| None), [], "nobody is told of the others either");
    for (left, is_behind) in [(50, true), (20, false), (0, false)] {
        let steps = book.catch_up(moment(20).at, |_| Some("eu"));
        assert!(steps.iter().all(|one| one.step == Step::Withdrawn));
        assert_eq!((steps.len(), book.is_behind()), (left, is_behind));
        ended.extend(hosts_of(&steps));
    }
    assert_eq!(ended, (1..=120).collect::<Vec<_>>());
    assert_eq!(book.hosts, BTreeMap::new());
}

#[test]
fn reminders_of_many_hosts_that_are_silent_hold_up_no_alert_of_another() {
    let mut book = book(vec![Rule { repeat: Repeat::Every(300), ..rule(1, vec![offline(0)]) }]);
    let look = |book: &mut Book, seconds: i64, silent: std::ops::RangeInclusive<i64>| {
        let signs = silent.map(|id| (subject(id), sign(Presence::Offline, 0)));
        let steps = book.presence(signs, false, moment(seconds));
        (hosts_of(&steps), steps.iter().all(|one| one.step == Step::Fired))
    };
    for (seconds, hosts) in [(10, 1..51), (20, 51..61), (30, 61..61)] {
        assert_eq!(look(&mut book, seconds, 1..=60), (hosts.collect(), true));
    }
    assert_eq!(look(&mut book, 400, 1..=70), ((61..=70).collect(), true));
    assert_eq!(book.tick(moment(400), |_| true, |_| None).len(), 50, "they are told again all the same");
}

#[test]
fn an_alert_that_moves_to_a_book_with_one_of_its_own_goes_on_as_one() {
    let mut old = book(vec![rule(1, vec![cpu(90.0, 0)])]);
    run(&mut old, &[(95.0, 0.0)]);
    let moved = old.state(HostId(7)).unwrap().clone();
    let known = moved.open.values().next().unwrap().key.clone();
    let mut new = book(vec![rule(1, vec![cpu(90.0, 0)])]);
    let now = sample(20, 95.0, 0.0);
    let doubled = new.samples(subject(7), None, std::slice::from_ref(&now), 10, moment(20));
    let steps = new.adopt(HostId(7), moved.clone(), moment(30).at);
    assert_eq!(
        steps.iter().map(|one| (one.step, &one.alert)).collect::<Vec<_>>(),
        [(Step::Withdrawn, &doubled[0].alert)]
    );
    assert_eq!(new.adopt(HostId(7), moved, moment(31).at), [], "a parcel may come twice");
    let well = sample(40, 5.0, 0.0);
    let recovered = new.samples(subject(7), Some(&now), std::slice::from_ref(&well), 10, moment(40));
    assert_eq!(recovered.iter().map(|one| (one.step, &one.alert)).collect::<Vec<_>>(), [(Step::Recovered, &known)]);
    assert_eq!(new.hosts, BTreeMap::new());
}

#[test]
fn a_count_that_moves_to_a_book_that_knows_no_rules_yet_goes_on() {
    let cycle = Cycle { start: UnixSeconds(START), offset_s: 0, interval: 1, unit: CycleUnit::Day };
    let test = Test::Transfer { direction: Direction::In, cycle, bounds: above(1_000.0) };
    let rules = || vec![rule(1, vec![Condition { test: test.clone(), for_s: 0 }])];
    let counted = |minute: i64, bytes: u64| Sample {
        at: UnixSeconds(START + minute * 60).millis(),
        net_in_bytes: Some(bytes),
        uptime_s: Some(u64::try_from(minute).unwrap() * 60 + 100_000),
        ..Sample::default()
    };
    let mut old = book(rules());
    let before = counted(1, 5_900);
    old.samples(subject(7), None, &[counted(0, 5_000), before.clone()], 60, moment(60));
    let mut new = book(vec![]);
    new.adopt(HostId(7), old.state(HostId(7)).unwrap().clone(), moment(70).at);
    assert_eq!(new.set_rules(rules(), moment(80).at, |_| Some("eu")), []);
    // 900 there and 200 here.
    let steps = new.samples(subject(7), Some(&before), &[counted(2, 6_100)], 60, moment(120));
    assert_eq!(steps.iter().map(|one| one.step).collect::<Vec<_>>(), [Step::Fired]);
    // The same where it was looked at in between: the count of here begun later.
    let mut late = book(rules());
    late.samples(subject(7), Some(&before), &[counted(2, 6_000)], 60, moment(120));
    late.adopt(HostId(7), old.state(HostId(7)).unwrap().clone(), moment(130).at);
    let steps = late.samples(subject(7), Some(&counted(2, 6_000)), &[counted(3, 6_100)], 60, moment(180));
    assert_eq!(steps.iter().map(|one| one.step).collect::<Vec<_>>(), [Step::Fired]);
}
