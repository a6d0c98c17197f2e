//! Hosts that come into another group, from another book or to one, and that are no more.

use super::super::alert::{self, Moment, Transition, Verdict};
use super::weigh::{covers, fit, note, policy, trim};
use super::{Book, HostState, RuleState};
use crate::model::{HostId, RuleId};
use crate::units::UnixMillis;

impl Book {
    /// A host is no more, or belongs elsewhere: its alerts end.
    pub fn dismiss(&mut self, id: HostId, at: UnixMillis) -> Vec<Transition> {
        let Some(state) = self.hosts.remove(&id) else { return Vec::new() };
        self.changed.insert(id);
        state.open.into_iter().flat_map(|(cause, open)| alert::withdraw(&mut Some(open), cause, at)).collect()
    }

    /// A host is with another book now.
    pub fn forget(&mut self, id: HostId) {
        if self.hosts.remove(&id).is_some() {
            self.changed.insert(id);
        }
    }

    /// A host is in this group now: the alerts of rules that look at it no more are over, which people are told as of every end, and
    /// what was known for them goes.
    pub fn rescope(&mut self, id: HostId, tag: &str, moment: Moment) -> Vec<Transition> {
        let Some(mut state) = self.hosts.remove(&id) else { return Vec::new() };
        // A rule that was not told yet may well look at it.
        let has_left = |rule: RuleId| self.rule(rule).is_some_and(|rule| !covers(&rule.scope, id, tag));
        let known = state.rules.len();
        state.rules.retain(|rule, _| !has_left(*rule));
        let left: Vec<_> = state.open.keys().copied().filter(|cause| cause.rule_id().is_some_and(has_left)).collect();
        let mut is_changed = state.rules.len() != known;
        let mut steps = Vec::new();
        for cause in left {
            let Some(rule) = cause.rule_id().and_then(|rule| self.rule(rule)) else { continue };
            let detail = state.open.get(&cause).map(|open| open.detail.clone()).unwrap_or_default();
            let noted = note(&mut state, cause, policy(rule), (Verdict::Clear, &detail), moment);
            is_changed |= noted.1;
            steps.extend(noted.0);
        }
        self.put(id, Some(state), is_changed);
        steps
    }

    /// Takes over what another book had of a host, although this one may have looked at it for a while already. Of two alerts of one
    /// cause the other book's goes on, for it is the one that people know and that is listed; the one of here is withdrawn. Counts go
    /// on as well. What was about to fail begins anew: in between it may have been well.
    pub fn adopt(&mut self, id: HostId, other: HostState, at: UnixMillis) -> Vec<Transition> {
        let mut state = self.hosts.remove(&id).unwrap_or_default();
        let unchanged = state.clone();
        let mut steps = Vec::new();
        for (cause, open) in other.open {
            // What was handed over twice went on here in between.
            if state.open.get(&cause).is_none_or(|known| known.key != open.key) {
                let mut double = state.open.insert(cause, open);
                steps.extend(alert::withdraw(&mut double, cause, at));
            }
        }
        for (check, said) in other.checks {
            if state.checks.get(&check).is_none_or(|known| known.last < said.last) {
                state.checks.insert(check, said);
            }
        }
        for (code, known) in other.thresholds {
            state.thresholds.entry(code).or_insert(known);
        }
        for (rule, own) in other.rules {
            if own.accounts.iter().any(Option::is_some) {
                count_on(state.rules.entry(rule).or_default(), &own);
            }
        }
        let is_changed = state != unchanged;
        self.put(id, Some(state), is_changed);
        steps
    }
}

/// Goes on with the counts of another book, unless here a later cycle is counted.
fn count_on(here: &mut RuleState, other: &RuleState) {
    fit(here, here.accounts.len().max(other.accounts.len()));
    for (account, other) in here.accounts.iter_mut().zip(&other.accounts) {
        if let Some(other) = other
            && account.is_none_or(|account| account.cycle <= other.cycle)
        {
            *account = Some(*other);
        }
    }
    trim(here);
}
