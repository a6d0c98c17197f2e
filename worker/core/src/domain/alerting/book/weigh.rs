//! What a rule finds at a host, and what it knows of one.

use super::{HostState, RuleState};
use crate::domain::alerting::alert::{self, Moment, Policy, Transition, Verdict};
use crate::domain::alerting::reading::{Found, Reading, Run, Totals, read, value};
use crate::domain::alerting::{text, transfer};
use crate::model::{Cause, Condition, HostId, Hosts, Rule, RuleId, Sample, Scope, Source, Test};
use crate::units::UnixMillis;

/// More time between two samples than so many of their periods was not looked at.
const PERIODS_A_STEP: i64 = 3;
/// So much is usual anyway, ms.
const LEAST_STEP_MS: i64 = 60_000;

/// Whether a rule looks at a host.
pub fn covers(scope: &Scope, id: HostId, tag: &str) -> bool {
    let by_number = match &scope.hosts {
        Hosts::AllBut(hosts) => !hosts.contains(&id),
        Hosts::Only(hosts) => hosts.contains(&id),
    };
    by_number && (scope.tags.is_empty() || scope.tags.iter().any(|one| one == tag))
}

/// Who is told of a rule's alerts.
pub fn policy(rule: &Rule) -> Policy<'_> {
    Policy {
        group: &rule.group,
        repeat: rule.repeat,
        escalations: &rule.escalations,
        ignores_quiet_hours: rule.ignores_quiet_hours,
        is_mute: false,
    }
}

/// How a host's presence looks to a rule.
pub(super) struct Sight {
    /// As a reading.
    pub(super) offline: Reading,
    /// Since when it is so.
    pub(super) since: UnixMillis,
    /// By the hub's clock.
    pub(super) now: UnixMillis,
}

/// What a rule finds in a sample, or in a host's presence. The runs of its conditions go on.
pub(super) fn look(
    rule: &Rule,
    own: &mut RuleState,
    (before, sample): (Option<&Sample>, &Sample),
    totals: Totals,
    (sight, is_open): (Option<Sight>, bool),
) -> (Verdict, Vec<Found>) {
    let at = sight.as_ref().map_or(sample.at, |sight| sight.now);
    let (mut is_clear, mut is_failing) = (false, true);
    let mut found = Vec::new();
    let state = own.runs.iter_mut().zip(own.accounts.iter_mut());
    for (condition, (run, account)) in rule.conditions.iter().zip(state) {
        let mut since = at;
        let (reading, value) = match &condition.test {
            Test::Value { quantity, bounds } => {
                let value = value(*quantity, sample, totals);
                (read(*bounds, value), value)
            }
            Test::Transfer { direction, cycle, bounds } => {
                if sample.net_in_bytes.is_some() || sample.net_out_bytes.is_some() {
                    transfer::note(account, *cycle, before, sample);
                }
                let value = account.map(|account| bytes(account.total(*direction, sample)));
                (read(*bounds, value), value)
            }
            Test::Offline => match &sight {
                Some(sight) => {
                    since = sight.since;
                    (sight.offline, None)
                }
                None => (Reading::Unknown, None),
            },
        };
        run.note(reading, since, is_open);
        is_clear |= reading == Reading::Clear;
        is_failing &= reading == Reading::Failing && run.has_held(condition.for_s, at);
        let (word, unit) = text::words(&condition.test);
        if reading != Reading::Unknown {
            found.push(Found { word, value, unit });
        }
    }
    let verdict = if is_clear {
        Verdict::Clear
    } else if is_failing {
        Verdict::Failing
    } else {
        Verdict::Steady
    };
    (verdict, found)
}

#[expect(clippy::cast_precision_loss, reason = "a percentage of 2^53 bytes more or less is nobody's limit")]
pub(super) const fn bytes(count: u64) -> f64 {
    count as f64
}

/// Notes what was found of a cause of this host; gives the steps, and whether something else is to be kept.
pub(super) fn note(
    state: &mut HostState,
    cause: Cause,
    policy: Policy<'_>,
    found: (Verdict, &str),
    moment: Moment,
) -> (Vec<Transition>, bool) {
    let mut open = state.open.remove(&cause);
    let before = open.clone();
    let steps = alert::note(&mut open, cause, policy, found, moment);
    let is_changed = open != before;
    if let Some(open) = open {
        state.open.insert(cause, open);
    }
    (steps, is_changed)
}

pub(super) fn is_of_presence(rule: &Rule) -> bool {
    rule.conditions.iter().any(|condition| condition.test == Test::Offline)
}

/// Whether a sample can change something at a host where the rule is at rest.
pub(super) fn is_of_interest(rule: &Rule, sample: &Sample, totals: Totals) -> bool {
    rule.conditions.iter().any(|condition| match &condition.test {
        Test::Value { quantity, bounds } => read(*bounds, value(*quantity, sample, totals)) == Reading::Failing,
        Test::Transfer { .. } => true,
        Test::Offline => false,
    })
}

pub(super) fn is_at_rest(state: &HostState, rule: RuleId) -> bool {
    let is_open = state.open.keys().any(|cause| cause.source == Source::Rule && cause.id == rule.0);
    !is_open && !state.rules.contains_key(&rule)
}

pub(super) fn is_resting(own: &RuleState) -> bool {
    own.runs.iter().all(|run| run.0.is_none()) && own.accounts.iter().all(Option::is_none)
}

/// Lists as long as the conditions; at rest they may be empty.
pub(super) fn fit(own: &mut RuleState, conditions: usize) {
    own.runs.resize(conditions, Run::default());
    own.accounts.resize(conditions, None);
}

/// The one form of what is at rest, so that it can be told from what is not.
pub(super) fn trim(own: &mut RuleState) {
    if own.runs.iter().all(|run| run.0.is_none()) {
        own.runs.clear();
    }
    if own.accounts.iter().all(Option::is_none) {
        own.accounts.clear();
    }
}

/// Puts back what was taken of a host for a rule, unless it is at rest; gives whether it is other than it was.
pub(super) fn lay_back(state: &mut HostState, rule: RuleId, mut own: RuleState, unchanged: &RuleState) -> bool {
    trim(&mut own);
    let is_changed = own != *unchanged;
    if !is_resting(&own) {
        state.rules.insert(rule, own);
    }
    is_changed
}

/// What runs and counts are worth under other conditions: a count of the same cycle goes on, a run of the same condition too.
pub(super) fn carry_over(own: &mut RuleState, old: &[Condition], new: &[Condition]) {
    if old == new {
        return;
    }
    fit(own, old.len().max(new.len()));
    let same_cycle = |old: Option<&Condition>, new: &Condition| match (old.map(|old| &old.test), &new.test) {
        (Some(Test::Transfer { cycle: old, .. }), Test::Transfer { cycle: new, .. }) => old == new,
        _ => false,
    };
    for (at, new) in new.iter().enumerate() {
        let old = old.get(at);
        if old.is_none_or(|old| old.test != new.test)
            && let Some(run) = own.runs.get_mut(at)
        {
            *run = Run::default();
        }
        if !same_cycle(old, new)
            && let Some(account) = own.accounts.get_mut(at)
        {
            *account = None;
        }
    }
    fit(own, new.len());
    trim(own);
}

/// Whether nobody looks for a rule's cause any more.
pub(super) fn is_gone<'a>(cause: Cause, looks: impl Fn(RuleId) -> Option<&'a Rule>) -> bool {
    cause.rule_id().is_some_and(|rule| looks(rule).is_none())
}

/// The time between two samples in which nobody looked, ms; negative when their clock stepped back.
pub(super) fn gap_ms(before: Option<&Sample>, sample: &Sample, period_s: u32) -> i64 {
    let Some(before) = before else { return 0 };
    let (step, period) = (sample.at.0.saturating_sub(before.at.0), i64::from(period_s) * 1000);
    let is_usual = (0..=LEAST_STEP_MS.max(period.saturating_mul(PERIODS_A_STEP))).contains(&step);
    if is_usual { 0 } else { step.saturating_sub(period) }
}
