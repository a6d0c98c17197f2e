use super::*;
use crate::model::{HostId, RuleId};

const CAUSE: Cause = Cause::rule(RuleId(3), HostId(7));
const START: i64 = 1_795_361_190;

fn policy(repeat: Repeat, escalations: &[Escalation]) -> Policy<'_> {
    Policy { group: "ops", repeat, escalations, ignores_quiet_hours: false, is_mute: false }
}

/// The steps at so many seconds from the start, as `step group`, in brackets when quiet.
fn at(open: &mut Option<Open>, policy: Policy<'_>, (seconds, is_quiet): (i64, bool), verdict: Verdict) -> Vec<String> {
    let moment = Moment { at: UnixSeconds(START + seconds).millis(), is_quiet };
    let steps = note(open, CAUSE, policy, (verdict, "d"), moment);
    let word = |one: &Transition| {
        let text = format!("{:?} {}", one.step, one.group);
        if one.is_quiet { format!("({text})") } else { text }
    };
    steps.iter().map(word).collect()
}

#[test]
fn an_alert_is_told_once_at_its_beginning_and_once_at_its_end() {
    let (mut open, policy) = (None, policy(Repeat::Never, &[]));
    assert_eq!(at(&mut open, policy, (0, false), Verdict::Clear), Vec::<String>::new());
    assert_eq!(at(&mut open, policy, (0, false), Verdict::Failing), ["Fired ops"]);
    assert_eq!(at(&mut open, policy, (90_000, false), Verdict::Failing), Vec::<String>::new());
    assert_eq!(at(&mut open, policy, (90_010, false), Verdict::Steady), Vec::<String>::new());
    assert_eq!(at(&mut open, policy, (90_020, false), Verdict::Clear), ["Recovered ops"]);
    assert_eq!(at(&mut open, policy, (90_030, false), Verdict::Clear), Vec::<String>::new());
}

#[test]
fn muting_begins_at_a_quarter_of_an_hour_and_doubles_up_to_a_day_and_the_end_clears_it() {
    let (mut open, policy) = (None, policy(Repeat::Doubling, &[]));
    let mut told = Vec::new();
    for minute in 0..6_000 {
        if !at(&mut open, policy, (minute * 60, false), Verdict::Failing).is_empty() {
            told.push(minute);
        }
    }
    assert_eq!(told, [0, 15, 45, 105, 225, 465, 945, 1_905, 3_345, 4_785]);
    assert_eq!(at(&mut open, policy, (360_000, false), Verdict::Clear), ["Recovered ops"]);
    assert_eq!(at(&mut open, policy, (360_060, false), Verdict::Failing), ["Fired ops"]);
    assert_eq!(at(&mut open, policy, (360_060 + 899, false), Verdict::Failing), Vec::<String>::new());
    assert_eq!(at(&mut open, policy, (360_060 + 900, false), Verdict::Failing), ["Repeated ops"]);
}

#[test]
fn who_was_told_by_escalation_is_told_of_the_end_too() {
    let boss = [Escalation { after_s: 600, group: "boss".to_owned() }];
    let (mut open, policy) = (None, policy(Repeat::Every(300), &boss));
    at(&mut open, policy, (0, false), Verdict::Failing);
    assert_eq!(at(&mut open, policy, (300, false), Verdict::Steady), ["Repeated ops"]);
    assert_eq!(at(&mut open, policy, (599, false), Verdict::Steady), Vec::<String>::new());
    assert_eq!(at(&mut open, policy, (600, false), Verdict::Steady), ["Repeated ops", "Escalated boss"]);
    assert_eq!(at(&mut open, policy, (700, false), Verdict::Clear), ["Recovered ops", "Recovered boss"]);
}

#[test]
fn an_acknowledged_alert_is_told_of_no_more_but_its_end() {
    let boss = [Escalation { after_s: 600, group: "boss".to_owned() }];
    let (mut open, policy) = (None, policy(Repeat::Every(300), &boss));
    at(&mut open, policy, (0, false), Verdict::Failing);
    open.as_mut().unwrap().is_acknowledged = true;
    assert_eq!(at(&mut open, policy, (90_000, false), Verdict::Failing), Vec::<String>::new());
    assert_eq!(at(&mut open, policy, (90_001, false), Verdict::Clear), ["Recovered ops"]);
}

#[test]
fn what_is_bad_in_another_way_is_told_at_once_and_muted_anew() {
    let (mut open, policy) = (None, policy(Repeat::Doubling, &[]));
    let again = |open: &mut Option<Open>, seconds: i64, is_quiet| {
        let moment = Moment { at: UnixSeconds(START + seconds).millis(), is_quiet };
        let steps = restate(open, CAUSE, policy, "worse", moment);
        steps.iter().map(|one| (one.step, one.is_quiet)).collect::<Vec<_>>()
    };
    assert_eq!(again(&mut open, 0, false), [(Step::Fired, false)], "it begins");
    assert_eq!(at(&mut open, policy, (900, false), Verdict::Failing), ["Repeated ops"]);
    open.as_mut().unwrap().is_acknowledged = true;
    assert_eq!(again(&mut open, 960, false), [(Step::Repeated, false)]);
    assert_eq!(open.as_ref().unwrap().detail, "worse");
    open.as_mut().unwrap().is_acknowledged = false;
    assert_eq!(at(&mut open, policy, (960 + 899, false), Verdict::Failing), Vec::<String>::new());
    assert_eq!(at(&mut open, policy, (960 + 900, false), Verdict::Failing), ["Repeated ops"]);
    // At night it is listed, and told in the morning.
    assert_eq!(again(&mut open, 2_000, true), [(Step::Repeated, true)]);
    assert_eq!(at(&mut open, policy, (2_060, true), Verdict::Failing), Vec::<String>::new());
    assert_eq!(at(&mut open, policy, (2_120, false), Verdict::Failing), ["Repeated ops"]);
}

#[test]
fn quiet_hours_hold_back_what_people_are_told_and_lose_nothing() {
    let (mut open, policy) = (None, policy(Repeat::Every(300), &[]));
    // It came and went while people slept.
    assert_eq!(at(&mut open, policy, (0, true), Verdict::Failing), ["(Fired ops)"]);
    assert_eq!(at(&mut open, policy, (60, true), Verdict::Clear), ["(Recovered ops)"]);
    // It came and is still there when they wake.
    assert_eq!(at(&mut open, policy, (100, true), Verdict::Failing), ["(Fired ops)"]);
    assert_eq!(at(&mut open, policy, (4_000, true), Verdict::Failing), Vec::<String>::new());
    assert_eq!(at(&mut open, policy, (5_000, false), Verdict::Steady), ["Fired ops"]);
    // It ends while they sleep, comes back, and ends for good.
    assert_eq!(at(&mut open, policy, (5_010, true), Verdict::Clear), Vec::<String>::new());
    assert_eq!(at(&mut open, policy, (5_020, true), Verdict::Failing), Vec::<String>::new());
    assert_eq!(at(&mut open, policy, (5_030, true), Verdict::Clear), Vec::<String>::new());
    assert_eq!(at(&mut open, policy, (9_000, false), Verdict::Steady), ["Recovered ops"]);
    assert_eq!(open, None);
}

#[test]
fn what_ended_in_quiet_hours_was_over_then_and_not_when_people_are_told() {
    let (mut open, policy) = (None, policy(Repeat::Never, &[]));
    let mut steps = |seconds: i64, is_quiet, verdict| {
        let moment = Moment { at: UnixSeconds(START + seconds).millis(), is_quiet };
        let steps = note(&mut open, CAUSE, policy, (verdict, "d"), moment);
        let since_start = |one: &Transition| (one.step, one.over.map(|over| over.0 - START));
        steps.iter().map(since_start).collect::<Vec<_>>()
    };
    assert_eq!(steps(0, false, Verdict::Failing), [(Step::Fired, None)]);
    assert_eq!(steps(600, true, Verdict::Clear), []);
    assert_eq!(steps(9_000, true, Verdict::Steady), []);
    assert_eq!(steps(30_000, false, Verdict::Steady), [(Step::Recovered, Some(600))]);
    // It came and went while people slept, and it came at night and ended by day.
    assert_eq!(steps(40_000, true, Verdict::Failing), [(Step::Fired, None)]);
    assert_eq!(steps(40_060, true, Verdict::Clear), [(Step::Recovered, Some(40_060))]);
    assert_eq!(steps(50_000, true, Verdict::Failing), [(Step::Fired, None)]);
    assert_eq!(steps(60_000, false, Verdict::Steady), [(Step::Fired, None)]);
    assert_eq!(steps(60_500, false, Verdict::Clear), [(Step::Recovered, Some(60_500))]);
}

#[test]
fn reminders_are_five_minutes_apart_whatever_an_older_rule_says() {
    let (mut open, policy) = (None, policy(Repeat::Every(60), &[]));
    at(&mut open, policy, (0, false), Verdict::Failing);
    assert_eq!(at(&mut open, policy, (299, false), Verdict::Failing), Vec::<String>::new());
    assert_eq!(at(&mut open, policy, (300, false), Verdict::Failing), ["Repeated ops"]);
}

#[test]
fn a_rule_may_ignore_quiet_hours() {
    let loud = Policy { ignores_quiet_hours: true, ..policy(Repeat::Never, &[]) };
    let mut open = None;
    assert_eq!(at(&mut open, loud, (0, true), Verdict::Failing), ["Fired ops"]);
    assert_eq!(at(&mut open, loud, (9, true), Verdict::Clear), ["Recovered ops"]);
}

#[test]
fn what_becomes_worse_or_better_is_one_alert_and_a_step_each_time() {
    use crate::model::Measured;
    use crate::model::Severity::{self, Critical, Unknown, Warning};
    let (mut open, policy) = (None, policy(Repeat::Never, &[]));
    let mut at = |seconds: i64, severity: Option<Severity>, is_quiet: bool| {
        let moment = Moment { at: UnixSeconds(START + seconds).millis(), is_quiet };
        let standing = severity.map(|severity| Standing { severity, value: Some(Measured::of(1.5)) });
        let steps = stand(&mut open, CAUSE, policy, (standing, "d"), moment);
        let word = |one: &Transition| (one.step, one.standing.severity, one.is_quiet);
        steps.iter().map(word).collect::<Vec<_>>()
    };
    assert_eq!(at(0, None, false), []);
    assert_eq!(at(10, Some(Warning), false), [(Step::Fired, Warning, false)]);
    assert_eq!(at(20, Some(Warning), false), []);
    assert_eq!(at(30, Some(Critical), false), [(Step::Changed, Critical, false)]);
    assert_eq!(at(40, Some(Unknown), true), [(Step::Changed, Unknown, true)]);
    assert_eq!(at(50, Some(Unknown), false), [], "nothing is repeated");
    assert_eq!(at(60, None, false), [(Step::Recovered, Unknown, false)]);
    assert_eq!(at(70, Some(Critical), true), [(Step::Fired, Critical, true)]);
    assert_eq!(at(80, Some(Warning), true), [(Step::Changed, Warning, true)]);
    assert_eq!(at(90, Some(Warning), false), [(Step::Fired, Warning, false)], "it is told when people wake");
}

#[test]
fn of_what_is_mute_nobody_is_told_and_it_ends_all_the_same() {
    let (loud, mut open) = (policy(Repeat::Every(300), &[]), None);
    let mute = Policy { is_mute: true, ..loud };
    assert_eq!(at(&mut open, mute, (0, false), Verdict::Failing), ["(Fired ops)"]);
    assert_eq!(at(&mut open, mute, (900, false), Verdict::Failing), Vec::<String>::new());
    assert_eq!(at(&mut open, mute, (910, false), Verdict::Clear), ["(Recovered ops)"]);
    assert_eq!(at(&mut open, loud, (920, false), Verdict::Failing), ["Fired ops"]);
    assert_eq!(at(&mut open, mute, (930, false), Verdict::Clear), ["(Recovered ops)"], "muted meanwhile");
}

#[test]
fn what_nobody_looks_for_any_more_ends_quietly() {
    let mut open = None;
    at(&mut open, policy(Repeat::Never, &[]), (0, false), Verdict::Failing);
    let steps = withdraw(&mut open, CAUSE, UnixSeconds(START).millis());
    assert_eq!((steps.len(), steps[0].step, steps[0].is_quiet, open), (1, Step::Withdrawn, true, None));
    assert_eq!(withdraw(&mut None, CAUSE, UnixMillis(0)), []);
}

#[test]
fn keys_tell_steps_apart_and_sort_by_their_order() {
    let mut open = None;
    let moment = Moment { at: UnixSeconds(START).millis(), is_quiet: false };
    let fired = note(&mut open, CAUSE, policy(Repeat::Never, &[]), (Verdict::Failing, ""), moment).remove(0);
    let over = note(&mut open, CAUSE, policy(Repeat::Never, &[]), (Verdict::Clear, ""), moment).remove(0);
    assert!(fired.key(0) < over.key(1));
    assert_eq!((fired.key(0), fired.alert.clone()), (fired.clone().key(0), over.alert.clone()));
    let other = Transition { cause: Cause::rule(RuleId(3), HostId(8)), ..fired.clone() };
    assert_ne!(fired.key(0), other.key(0));
    // However many there are.
    assert!(fired.key(65_535) > fired.key(65_534));
    assert_ne!(fired.key(65_536), other.key(65_537));
}
