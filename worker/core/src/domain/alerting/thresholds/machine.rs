//! What one poll of a resource changes.

use std::collections::BTreeMap;

use super::limits::Rules;
use super::{Condition, Effective, GONE_POLLS, OFF_POLLS, Poll, Resource, State, hold_s, text};
use crate::model::{AlertConfig, Measured, ResourceKind, Severity, Standing, ThresholdCode, ThresholdMetric};
use crate::units::UnixMillis;

/// So far beyond its trigger a value is critical. Source: pulse specification, 12.2.
const CRITICAL_ABOVE: f64 = 10.0;
/// Between two polls that are further apart nobody looked: what was bad before did not stay so without a break, ms.
const BREAK_MS: i64 = 180_000;

/// What begins so often within so long comes and goes: it does not begin again for so long, ms. Source: pulse specification, 12.6,
/// where every end counts too.
const OFTEN: u32 = 5;
const OFTEN_WITHIN_MS: i64 = 300_000;
const OFTEN_HOLD_MS: i64 = 900_000;

/// What is known of a resource: the states of what is judged, and which of it has an alert that goes on.
pub struct Known<'a> {
    /// By what is judged.
    pub states: &'a mut BTreeMap<ThresholdCode, State>,
    /// When the poll before was.
    pub before: Option<UnixMillis>,
    /// Whether there is an alert.
    pub is_open: &'a dyn Fn(ThresholdCode) -> bool,
}

/// What a poll says of one thing.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// It is so bad.
    Bad(ThresholdCode, Standing, String),
    /// It is good again.
    Good(ThresholdCode, String),
    /// Nobody asks any more.
    Dropped(ThresholdCode),
}

/// Takes a poll of a resource; gives what is found of those things whose alerts begin, go on or end. `states` has none of what is at
/// rest and has no alert.
pub fn weigh(config: &AlertConfig, resource: &Resource, poll: &Poll, known: Known<'_>) -> Vec<Finding> {
    let Known { states, before, is_open } = known;
    let rules = Rules::of(config, resource, poll);
    let is_judged = rules.is_judged() && poll.condition != Condition::Gone;
    let mut found = Vec::new();
    for metric in ThresholdMetric::ALL {
        let code = ThresholdCode { resource: resource.number, metric: Some(metric) };
        let limit = if is_judged { rules.limit(metric) } else { None };
        let is_open = is_open(code);
        let value = poll.values.get(metric);
        let is_quiet = |limit: Effective| value.is_none_or(|value| value < limit.trigger);
        if !is_open && !states.contains_key(&code) && limit.is_none_or(is_quiet) {
            continue;
        }
        let mut state = states.remove(&code).unwrap_or(State::new(resource.kind));
        let is_long_ago = before.is_none_or(|before| !(0..=BREAK_MS).contains(&poll.at.0.saturating_sub(before.0)));
        if is_long_ago || value.is_none() {
            state.since = None;
        }
        if !is_open {
            forget_old(config, &mut state, poll.at);
        }
        let finding = match (limit, value) {
            // What is not there has no values, and whoever is told so need not hear of them.
            (Some(limit), Some(value)) if poll.condition != Condition::Down => {
                let judge = Judge { config, kind: resource.kind, is_open, at: poll.at };
                let words = || text::value(resource.kind, metric, value, limit);
                match judge.value(&mut state, limit, value) {
                    Said::Bad(standing) => Some(Finding::Bad(code, standing, words())),
                    Said::Good => Some(Finding::Good(code, words())),
                    Said::Nothing => None,
                }
            }
            (Some(_), _) if poll.condition != Condition::Down => None,
            _ => {
                let State { raised, begun, told, .. } = if limit.is_some() { state } else { State::new(resource.kind) };
                state = State { raised, begun, told, ..State::new(resource.kind) };
                is_open.then_some(Finding::Dropped(code))
            }
        };
        if matches!(finding, Some(Finding::Good(..) | Finding::Dropped(_))) {
            forget_old(config, &mut state, poll.at);
        }
        lay_back(states, code, state, resource, is_open, finding.as_ref());
        found.extend(finding);
    }
    found.extend(weigh_silence(&rules, is_judged, resource, poll, states, is_open));
    found
}

/// Whether a poll of a resource that is at rest, and has no alert, may say anything.
pub fn is_of_interest(config: &AlertConfig, resource: &Resource, poll: &Poll) -> bool {
    let rules = Rules::of(config, resource, poll);
    if !rules.is_judged() {
        return false;
    }
    if poll.condition == Condition::Down {
        return rules.silence().is_some();
    }
    let is_bad = |metric: &ThresholdMetric| {
        let value = poll.values.get(*metric);
        rules.limit(*metric).zip(value).is_some_and(|(limit, value)| value >= limit.trigger)
    };
    poll.condition != Condition::Gone && ThresholdMetric::ALL.iter().any(is_bad)
}

fn weigh_silence(
    rules: &Rules<'_>,
    is_judged: bool,
    resource: &Resource,
    poll: &Poll,
    states: &mut BTreeMap<ThresholdCode, State>,
    is_open: &dyn Fn(ThresholdCode) -> bool,
) -> Option<Finding> {
    let code = ThresholdCode { resource: resource.number, metric: None };
    let severity = if is_judged { rules.silence() } else { None };
    let is_open = is_open(code);
    let is_down = poll.condition == Condition::Down && severity.is_some();
    if !is_open && !is_down && !states.contains_key(&code) {
        return None;
    }
    let mut state = states.remove(&code).unwrap_or(State::new(resource.kind));
    if !is_open {
        forget_old(rules.config, &mut state, poll.at);
    }
    let needed = match resource.kind {
        ResourceKind::Node | ResourceKind::Pbs | ResourceKind::Host => GONE_POLLS,
        ResourceKind::Vm | ResourceKind::Container | ResourceKind::Storage => OFF_POLLS,
    };
    let finding = match (severity, poll.condition) {
        (None, _) => {
            state = State::new(resource.kind);
            is_open.then_some(Finding::Dropped(code))
        }
        (Some(severity), Condition::Down) => {
            // What has its alert is counted no further.
            state.gone = if is_open { 0 } else { state.gone.saturating_add(1) };
            (is_open || state.gone >= needed).then(|| {
                state.gone = 0;
                Finding::Bad(code, Standing { severity, value: None }, text::silence(resource))
            })
        }
        (Some(_), Condition::Up | Condition::Paused) => {
            state.gone = 0;
            is_open.then(|| Finding::Good(code, text::silence(resource)))
        }
        (Some(_), Condition::Unknown | Condition::Gone) => None,
    };
    lay_back(states, code, state, resource, is_open, finding.as_ref());
    finding
}

/// Puts back what is not at rest, or has an alert.
fn lay_back(
    states: &mut BTreeMap<ThresholdCode, State>,
    code: ThresholdCode,
    mut state: State,
    resource: &Resource,
    is_open: bool,
    finding: Option<&Finding>,
) {
    let goes_on = match finding {
        Some(Finding::Bad(..)) => true,
        Some(Finding::Good(..) | Finding::Dropped(_)) => false,
        None => is_open,
    };
    (state.kind, state.is_mute) = (resource.kind, resource.is_mute());
    state.acknowledged = state.acknowledged.filter(|_| goes_on);
    state.critical = state.critical.filter(|_| goes_on);
    if goes_on || !state.is_at_rest() {
        states.insert(code, state);
    }
}

/// What was before is known for as long as any of it matters, and then forgotten all at once: that is one row.
fn forget_old(config: &AlertConfig, state: &mut State, at: UnixMillis) {
    let raised = state.raised.is_some_and(|(raised, _)| is_recent(config, raised, at));
    let held = state.held_until.is_some_and(|until| is_held(config, until, at));
    let begun = state.begun.is_some_and(|(first, _)| is_often_window(first, at));
    if !raised && !held && !begun && !state.told.is_some_and(|told| told.matters(at)) {
        (state.raised, state.held_until, state.begun, state.told) = (None, None, None, None);
    }
}

const fn window_ms(config: &AlertConfig) -> i64 {
    (config.suppression_min as i64).saturating_mul(60_000)
}

/// Whether something was within the suppression window. What lies ahead was noted by a clock that was set back since.
fn is_recent(config: &AlertConfig, since: UnixMillis, at: UnixMillis) -> bool {
    (0..window_ms(config)).contains(&at.0.saturating_sub(since.0))
}

fn is_held(config: &AlertConfig, until: UnixMillis, at: UnixMillis) -> bool {
    (1..=window_ms(config).max(OFTEN_HOLD_MS)).contains(&until.0.saturating_sub(at.0))
}

fn is_often_window(first: UnixMillis, at: UnixMillis) -> bool {
    (0..OFTEN_WITHIN_MS).contains(&at.0.saturating_sub(first.0))
}

/// What a value says.
enum Said {
    /// It is so bad.
    Bad(Standing),
    /// It is good again.
    Good,
    /// Nothing that begins or ends something.
    Nothing,
}

struct Judge<'a> {
    config: &'a AlertConfig,
    kind: ResourceKind,
    is_open: bool,
    at: UnixMillis,
}

impl Judge<'_> {
    fn value(&self, state: &mut State, limit: Effective, value: f64) -> Said {
        if value < limit.trigger {
            state.since = None;
            return if self.is_open && value <= limit.clear { Said::Good } else { Said::Nothing };
        }
        let is_critical = value >= limit.trigger + CRITICAL_ABOVE;
        let severity = if is_critical { Severity::Critical } else { Severity::Warning };
        let standing = Standing { severity, value: Some(Measured::of(value)) };
        if self.is_open {
            return Said::Bad(standing);
        }
        let hold_ms = i64::from(hold_s(self.config, self.kind)) * 1000;
        if hold_ms > 0 {
            let since = *state.since.get_or_insert(self.at);
            if self.at.0.saturating_sub(since.0) < hold_ms {
                return Said::Nothing;
            }
        }
        let (config, at) = (self.config, self.at);
        if state.held_until.is_some_and(|until| is_held(config, until, at)) {
            return Said::Nothing;
        }
        let is_same = |before: Measured| (value - before.get()).abs() < config.minimum_delta;
        if state.raised.is_some_and(|(raised, before)| is_recent(config, raised, at) && is_same(before)) {
            state.held_until = Some(UnixMillis(at.0.saturating_add(window_ms(config))));
            return Said::Nothing;
        }
        let (first, count) = state.begun.filter(|(first, _)| is_often_window(*first, at)).unwrap_or((at, 0));
        if count >= OFTEN {
            state.held_until = Some(UnixMillis(at.0.saturating_add(OFTEN_HOLD_MS)));
            return Said::Nothing;
        }
        let (raised, begun) = (Some((at, Measured::of(value))), Some((first, count + 1)));
        *state = State { raised, begun, told: state.told, ..State::new(self.kind) };
        Said::Bad(standing)
    }
}
