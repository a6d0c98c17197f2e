//! The machine of one cause: the alert that is open because of it, and who is told of it when.

use crate::domain::ids;
use crate::model::{Cause, Escalation, Repeat};
use crate::units::{UnixMillis, UnixSeconds};

/// An alert is told again after so many seconds at least, whatever its rule says: notifications leave a few at a time.
pub const LEAST_REPEAT_S: u32 = 300;
/// How long an alert is not repeated at first, and at most, seconds. Source: nezha specification, 11 ("Muting").
const FIRST_WAIT_S: u32 = 15 * 60;
const MOST_WAIT_S: u32 = 24 * 3600;

/// What an evaluator finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is so, and has been for as long as it takes.
    Failing,
    /// Nothing that would open an alert or close one: not long enough yet, not good enough yet, or not known.
    Steady,
    /// It is not so.
    Clear,
}

/// A moment, and whether people are not to be disturbed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// By the hub's clock.
    pub at: UnixMillis,
    /// Whether quiet hours are on.
    pub is_quiet: bool,
}

/// Who is told, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy<'a> {
    /// Which group of channels; empty for the default one.
    pub group: &'a str,
    /// Whether it is told again.
    pub repeat: Repeat,
    /// Who else, and when; ascending by time.
    pub escalations: &'a [Escalation],
    /// Whether quiet hours do not count.
    pub ignores_quiet_hours: bool,
}

/// An alert that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its key, which sorts by time.
    pub key: String,
    /// When it began.
    pub since: UnixSeconds,
    /// When people were last told; `None` while they were not.
    pub told: Option<UnixSeconds>,
    /// How long it is not repeated then, seconds.
    pub wait_s: u32,
    /// How many escalations were told.
    pub escalated: usize,
    /// Whether somebody knows: nobody is told again but of its end.
    pub is_acknowledged: bool,
    /// Seconds since it began in which nobody looked.
    pub skipped_s: i64,
    /// When it was over, while people are not told of that because of quiet hours.
    pub over: Option<UnixSeconds>,
    /// What was found when it began.
    pub detail: String,
}

impl Open {
    /// Leaves out a stretch of time in which nobody looked, or over which the clock jumped.
    pub fn skip(&mut self, gap_ms: i64) {
        let seconds = gap_ms.div_euclid(1000);
        self.told = self.told.map(|told| told.plus(seconds));
        self.skipped_s = self.skipped_s.saturating_add(seconds);
    }
}

/// What an alert does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// It begins. When that is in quiet hours, it does so once more, aloud, when they end.
    Fired,
    /// It is still there.
    Repeated,
    /// It is still there, and others are told.
    Escalated,
    /// It is over.
    Recovered,
    /// Nobody looks any more.
    Withdrawn,
}

/// A step of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// Why there is an alert.
    pub cause: Cause,
    /// What it does.
    pub step: Step,
    /// The alert's key.
    pub alert: String,
    /// When it began.
    pub since: UnixSeconds,
    /// When the step was, by the hub's clock.
    pub at: UnixMillis,
    /// When it was over, which may be before people are told.
    pub over: Option<UnixSeconds>,
    /// Which group of channels is told; empty for the default one.
    pub group: String,
    /// Whether nobody is told.
    pub is_quiet: bool,
    /// What was found.
    pub detail: String,
}

impl Transition {
    /// The key of its event: the same each time, and of no other. `order` counts the steps of one moment; those behind 65,535 have no
    /// order among them.
    pub fn key(&self, order: usize) -> String {
        let order = u16::try_from(order).unwrap_or(u16::MAX);
        let mut hash = Fnv::of_cause(self.cause);
        hash.add(&[self.step as u8, u8::from(self.is_quiet)]);
        hash.add(self.group.as_bytes());
        // By their order first: keys sort events.
        ids::time_key(self.at, u64::from(order) << 32 | hash.0 & 0xffff_ffff)
    }
}

/// Notes what was found of a cause; gives the steps that its alert takes. The result and `open` depend on nothing else, and while
/// nothing is to be told, `open` stays as it is.
pub fn note(
    open: &mut Option<Open>,
    cause: Cause,
    policy: Policy<'_>,
    (verdict, detail): (Verdict, &str),
    moment: Moment,
) -> Vec<Transition> {
    let (now, is_quiet) = (moment.at.seconds(), moment.is_quiet && !policy.ignores_quiet_hours);
    let mut steps = Steps { cause, at: moment.at, list: Vec::new() };
    let Some(alert) = open else {
        if verdict == Verdict::Failing {
            let alert = begin(cause, detail, moment, is_quiet);
            steps.take(&alert, Step::Fired, policy.group, is_quiet, detail);
            *open = Some(alert);
        }
        return steps.list;
    };
    match verdict {
        Verdict::Clear if alert.over.is_none() => alert.over = Some(now),
        // Over and there again before anybody was told: for them it never ended.
        Verdict::Failing => alert.over = None,
        Verdict::Clear | Verdict::Steady => {}
    }
    if alert.over.is_some() {
        if alert.told.is_none() {
            steps.take(alert, Step::Recovered, policy.group, true, detail);
            *open = None;
        } else if !is_quiet {
            steps.take(alert, Step::Recovered, policy.group, false, detail);
            for escalation in policy.escalations.iter().take(alert.escalated) {
                steps.take(alert, Step::Recovered, &escalation.group, false, detail);
            }
            *open = None;
        }
        return steps.list;
    }
    if !is_quiet && !alert.is_acknowledged {
        remind(alert, policy, now, &mut steps);
    }
    steps.list
}

/// Notes that an alert which is open is bad in another way than it was, which people are told at once, acknowledged or not; and that
/// there is one, where none is open. In quiet hours people are told at their end, as far as it is told again at all.
pub fn restate(
    open: &mut Option<Open>,
    cause: Cause,
    policy: Policy<'_>,
    detail: &str,
    moment: Moment,
) -> Vec<Transition> {
    let Some(alert) = open.as_mut().filter(|alert| alert.over.is_none()) else {
        return note(open, cause, policy, (Verdict::Failing, detail), moment);
    };
    let is_quiet = moment.is_quiet && !policy.ignores_quiet_hours;
    detail.clone_into(&mut alert.detail);
    alert.wait_s = FIRST_WAIT_S;
    if alert.told.is_some() {
        alert.told = Some(if is_quiet { UnixSeconds(0) } else { moment.at.seconds() });
    }
    let mut steps = Steps { cause, at: moment.at, list: Vec::new() };
    if is_quiet || alert.told.is_some() {
        steps.take(alert, Step::Repeated, policy.group, is_quiet, detail);
        return steps.list;
    }
    // It began in quiet hours, and nobody knows of it.
    remind(alert, policy, moment.at.seconds(), &mut steps);
    steps.list
}

/// Ends an alert that nobody looks for any more: it is listed as over, and nobody is told.
pub fn withdraw(open: &mut Option<Open>, cause: Cause, at: UnixMillis) -> Vec<Transition> {
    let mut steps = Steps { cause, at, list: Vec::new() };
    if let Some(alert) = open.take() {
        steps.take(&alert, Step::Withdrawn, "", true, "");
    }
    steps.list
}

/// Whether a cause with this alert has something to tell by itself, as time passes.
pub fn is_waiting(open: &Open) -> bool {
    open.over.is_some() || !open.is_acknowledged
}

fn begin(cause: Cause, detail: &str, moment: Moment, is_quiet: bool) -> Open {
    let now = moment.at.seconds();
    Open {
        key: ids::time_key(moment.at, Fnv::of_cause(cause).0),
        since: now,
        told: (!is_quiet).then_some(now),
        wait_s: FIRST_WAIT_S,
        escalated: 0,
        is_acknowledged: false,
        skipped_s: 0,
        over: None,
        detail: detail.to_owned(),
    }
}

fn remind(alert: &mut Open, policy: Policy<'_>, now: UnixSeconds, steps: &mut Steps) {
    let detail = alert.detail.clone();
    match alert.told {
        None => {
            alert.told = Some(now);
            steps.take(alert, Step::Fired, policy.group, false, &detail);
        }
        // Told at a time that is still to come: the clock stepped back, and the wait begins anew.
        Some(told) if told > now => alert.told = Some(now),
        Some(told) => {
            let wait_s = match policy.repeat {
                Repeat::Never => None,
                Repeat::Every(seconds) => Some(seconds.max(LEAST_REPEAT_S)),
                Repeat::Doubling => Some(alert.wait_s),
            };
            if wait_s.is_some_and(|wait_s| now.since(told) >= i64::from(wait_s)) {
                alert.told = Some(now);
                alert.wait_s = alert.wait_s.saturating_mul(2).min(MOST_WAIT_S);
                steps.take(alert, Step::Repeated, policy.group, false, &detail);
            }
        }
    }
    while let Some(escalation) = policy.escalations.get(alert.escalated) {
        if now.since(alert.since).saturating_sub(alert.skipped_s) < i64::from(escalation.after_s) {
            break;
        }
        alert.escalated += 1;
        steps.take(alert, Step::Escalated, &escalation.group, false, &detail);
    }
}

struct Steps {
    cause: Cause,
    at: UnixMillis,
    list: Vec<Transition>,
}

impl Steps {
    fn take(&mut self, alert: &Open, step: Step, group: &str, is_quiet: bool, detail: &str) {
        self.list.push(Transition {
            cause: self.cause,
            step,
            alert: alert.key.clone(),
            since: alert.since,
            at: self.at,
            over: alert.over,
            group: group.to_owned(),
            is_quiet,
            detail: detail.to_owned(),
        });
    }
}

/// FNV-1a: the same everywhere and for ever.
struct Fnv(u64);

impl Fnv {
    fn of_cause(cause: Cause) -> Self {
        let mut hash = Self(0xcbf2_9ce4_8422_2325);
        hash.add(cause.text().as_bytes());
        hash
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HostId, RuleId};

    const CAUSE: Cause = Cause::rule(RuleId(3), HostId(7));
    const START: i64 = 1_795_361_190;

    fn policy(repeat: Repeat, escalations: &[Escalation]) -> Policy<'_> {
        Policy { group: "ops", repeat, escalations, ignores_quiet_hours: false }
    }

    /// The steps at so many seconds from the start, as `step group`, in brackets when quiet.
    fn at(
        open: &mut Option<Open>,
        policy: Policy<'_>,
        (seconds, is_quiet): (i64, bool),
        verdict: Verdict,
    ) -> Vec<String> {
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
}
