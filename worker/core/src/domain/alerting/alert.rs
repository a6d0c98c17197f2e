//! The machine of one cause: the alert that is open because of it, and who is told of it when.

use crate::domain::ids;
use crate::model::{Cause, Escalation, Repeat, Standing, Trigger};
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
    /// Whether nobody is told of anything, not even later.
    pub is_mute: bool,
}

impl Policy<'_> {
    /// Whether people are not told of anything now.
    pub const fn is_quiet(&self, moment: Moment) -> bool {
        self.is_mute || moment.is_quiet && !self.ignores_quiet_hours
    }
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
    /// What was found when it began, or when it became as bad as it is.
    pub detail: String,
    /// How bad it is.
    pub standing: Standing,
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
    /// It is worse than it was, or better.
    Changed,
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
    /// How bad it is, or was.
    pub standing: Standing,
    /// What brought it about.
    pub trigger: Trigger,
}

impl Transition {
    /// The same, brought about by something else.
    #[must_use]
    pub fn by(self, trigger: Trigger) -> Self {
        Self { trigger, ..self }
    }

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
    let (now, is_quiet) = (moment.at.seconds(), policy.is_quiet(moment));
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
        if alert.told.is_none() || policy.is_mute {
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
    let is_quiet = policy.is_quiet(moment);
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

/// Notes how bad it is, `None` for not at all: as [`note`], and when an alert that is open is worse than it was, or better, that is a
/// step which people are told of at once.
pub fn stand(
    open: &mut Option<Open>,
    cause: Cause,
    policy: Policy<'_>,
    (standing, detail): (Option<Standing>, &str),
    moment: Moment,
) -> Vec<Transition> {
    let Some(standing) = standing else { return note(open, cause, policy, (Verdict::Clear, detail), moment) };
    let is_other = |open: &Open| open.over.is_none() && open.standing.severity != standing.severity;
    if let Some(alert) = open.as_mut().filter(|open| is_other(open)) {
        alert.standing = standing;
        let mut steps = restate(open, cause, policy, detail, moment);
        for step in &mut steps {
            if step.step == Step::Repeated {
                step.step = Step::Changed;
            }
        }
        return steps;
    }
    let is_new = open.is_none();
    let mut steps = note(open, cause, policy, (Verdict::Failing, detail), moment);
    if is_new && let Some(alert) = open {
        alert.standing = standing;
        for step in &mut steps {
            step.standing = standing;
        }
    }
    steps
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
        standing: Standing::default(),
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
            standing: alert.standing,
            trigger: Trigger::default(),
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
mod tests;
