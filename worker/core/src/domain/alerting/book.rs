//! All rules, and what is not at rest because of them. A host whose rules are all content is not in the book.

use std::collections::{BTreeMap, BTreeSet};

use super::alert::{self, Moment, Open, Policy, Transition, Verdict};
use super::check::CheckState;
use super::points::Attempts;
use super::reading::{Reading, Run, Totals};
use super::text;
use super::thresholds;
use super::transfer::Account;
use crate::model::{Cause, CheckId, HostId, MonitorId, Presence, Rule, RuleId, Sample, Test, ThresholdCode};
use crate::units::UnixMillis;

mod moves;
mod resources;
mod usage;
mod watches;
mod weigh;

pub use resources::Watching;
pub use usage::Transferred;
use weigh::{
    Sight, carry_over, fit, gap_ms, is_at_rest, is_gone, is_of_interest, is_of_presence, is_resting, lay_back, look,
    note,
};
pub use weigh::{covers, policy};

/// So many steps one look at all hosts may take, a host's more or less; the rest waits for the next. It bounds what one look writes.
const MOST_STEPS: usize = 50;
/// Samples that are so much older than now are history and no news, ms.
const OLD_MS: i64 = 15 * 60_000;

/// A host as rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Which one.
    pub id: HostId,
    /// Its group.
    pub tag: &'a str,
    /// What its values are percentages of.
    pub totals: Totals,
}

/// What is not at rest at one host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostState {
    /// Rules some of whose conditions fail, or that count.
    pub rules: BTreeMap<RuleId, RuleState>,
    /// Alerts that go on.
    pub open: BTreeMap<Cause, Open>,
    /// Monitors that found something bad, and not often enough to tell of it.
    pub attempts: BTreeMap<MonitorId, Attempts>,
    /// What its checks said.
    pub checks: BTreeMap<CheckId, CheckState>,
    /// What is judged by thresholds.
    pub thresholds: BTreeMap<ThresholdCode, thresholds::State>,
}

/// What a rule knows of a host, by its conditions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleState {
    /// Since when each has been failing.
    pub runs: Vec<Run>,
    /// What each has counted.
    pub accounts: Vec<Option<Account>>,
}

/// A host's sign of life.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sign<'a> {
    /// What was decided of it.
    pub presence: Presence,
    /// When it was last heard from.
    pub last_seen: Option<UnixMillis>,
    /// Its newest sample.
    pub newest: Option<&'a Sample>,
}

/// The book.
#[derive(Debug, Clone, Default)]
pub struct Book {
    rules: Vec<Rule>,
    /// Whether a rule of them looks at presence.
    has_offline: bool,
    hosts: BTreeMap<HostId, HostState>,
    changed: BTreeSet<HostId>,
    /// Where the next tick begins: the last one got so far.
    ticks_from: Option<HostId>,
    /// Whether alerts that nobody looks for any more are left over.
    is_behind: bool,
}

impl Book {
    /// A book as it was kept.
    pub fn new(rules: Vec<Rule>, hosts: BTreeMap<HostId, HostState>) -> Self {
        let has_offline = rules.iter().any(is_of_presence);
        Self { rules, has_offline, hosts, ..Self::default() }
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// A rule by number.
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// What is not at rest at a host. What belongs to no host is under number 0.
    pub fn state(&self, id: HostId) -> Option<&HostState> {
        self.hosts.get(&id)
    }

    /// Whether time and presence change nothing here.
    pub fn is_idle(&self) -> bool {
        !self.has_offline && self.hosts.values().all(|state| state.open.is_empty())
    }

    /// Hosts of which something else is to be kept than was last time.
    pub fn changed(&self) -> impl Iterator<Item = HostId> + '_ {
        self.changed.iter().copied()
    }

    /// Hosts of which something else is to be kept than was last time; those at rest are to be forgotten.
    pub fn take_changed(&mut self) -> BTreeSet<HostId> {
        std::mem::take(&mut self.changed)
    }

    /// What was taken by [`Book::take_changed`] could not be kept.
    pub fn give_back(&mut self, changed: BTreeSet<HostId>) {
        self.changed.extend(changed);
    }

    /// Puts other rules in the place of those there are: alerts that nobody looks for any more end, and what conditions are about
    /// to find begins anew where they are others. Of many alerts some end now, and the rest by [`Book::catch_up`].
    pub fn set_rules<'a>(
        &mut self,
        rules: Vec<Rule>,
        at: UnixMillis,
        tag_of: impl Fn(HostId) -> Option<&'a str>,
    ) -> Vec<Transition> {
        let before = std::mem::replace(&mut self.rules, rules);
        self.has_offline = self.rules.iter().any(is_of_presence);
        let mut hosts = std::mem::take(&mut self.hosts);
        for (id, state) in &mut hosts {
            let unchanged = state.clone();
            let looks = |rule: RuleId| self.looks(rule, *id, &tag_of);
            state.rules.retain(|rule, state| {
                let old = before.iter().find(|one| one.id == *rule);
                looks(*rule).is_some_and(|new| {
                    match old {
                        Some(old) => carry_over(state, &old.conditions, &new.conditions),
                        // Another book knew the rule: what it counted goes on.
                        None => state.runs.clear(),
                    }
                    true
                })
            });
            state.rules.retain(|_, state| !is_resting(state));
            if *state != unchanged {
                self.changed.insert(*id);
            }
        }
        self.hosts = hosts;
        self.catch_up(at, tag_of)
    }

    /// Ends alerts of rules that look at their hosts no more, of some hosts at a time.
    pub fn catch_up<'a>(&mut self, at: UnixMillis, tag_of: impl Fn(HostId) -> Option<&'a str>) -> Vec<Transition> {
        let mut steps = Vec::new();
        self.is_behind = false;
        let mut hosts = std::mem::take(&mut self.hosts);
        for (id, state) in &mut hosts {
            let looks = |rule: RuleId| self.looks(rule, *id, &tag_of);
            let gone: Vec<Cause> = state.open.keys().copied().filter(|cause| is_gone(*cause, looks)).collect();
            if gone.is_empty() {
                continue;
            }
            if steps.len() >= MOST_STEPS {
                self.is_behind = true;
                break;
            }
            for cause in gone {
                steps.extend(alert::withdraw(&mut state.open.remove(&cause), cause, at));
            }
            self.changed.insert(*id);
        }
        hosts.retain(|_, state| *state != HostState::default());
        self.hosts = hosts;
        steps
    }

    /// Whether [`Book::catch_up`] has something left to end.
    pub const fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// The book was kept when that was so.
    pub const fn be_behind(&mut self) {
        self.is_behind = true;
    }

    /// The rule of this number, if it looks at this host.
    fn looks<'a>(&self, rule: RuleId, id: HostId, tag_of: &impl Fn(HostId) -> Option<&'a str>) -> Option<&Rule> {
        let rule = self.rule(rule).filter(|rule| rule.is_enabled)?;
        tag_of(id).is_some_and(|tag| covers(&rule.scope, id, tag)).then_some(rule)
    }

    /// Somebody knows of an alert: it is told again but for its end no more. False when there is no such alert.
    pub fn acknowledge(&mut self, key: &str) -> bool {
        for (id, state) in &mut self.hosts {
            if let Some(open) = state.open.values_mut().find(|open| open.key == key) {
                if !open.is_acknowledged {
                    open.is_acknowledged = true;
                    self.changed.insert(*id);
                }
                return true;
            }
        }
        false
    }

    /// Notes what was found of a cause, by whatever finds such.
    pub fn note(
        &mut self,
        cause: Cause,
        policy: Policy<'_>,
        found: (Verdict, &str),
        moment: Moment,
    ) -> Vec<Transition> {
        let id = cause.host.unwrap_or(HostId(0));
        if found.0 != Verdict::Failing && self.hosts.get(&id).is_none_or(|state| !state.open.contains_key(&cause)) {
            return Vec::new();
        }
        let state = self.hosts.entry(id).or_default();
        let steps = note(state, cause, policy, found, moment);
        if steps.1 {
            self.changed.insert(id);
        }
        self.settle(id);
        steps.0
    }

    /// Notes that what was found of a cause is bad in another way than before: people are told at once.
    pub fn restate(&mut self, cause: Cause, policy: Policy<'_>, detail: &str, moment: Moment) -> Vec<Transition> {
        let id = cause.host.unwrap_or(HostId(0));
        let state = self.hosts.entry(id).or_default();
        let mut open = state.open.remove(&cause);
        let before = open.clone();
        let steps = alert::restate(&mut open, cause, policy, detail, moment);
        if open != before {
            self.changed.insert(id);
        }
        state.open.extend(open.map(|open| (cause, open)));
        self.settle(id);
        steps
    }

    /// Whether the alert of a cause goes on.
    pub fn is_open(&self, cause: Cause) -> bool {
        let state = self.hosts.get(&cause.host.unwrap_or(HostId(0)));
        state.is_some_and(|state| state.open.contains_key(&cause))
    }

    /// Whether something other than a rule has an alert that goes on.
    pub fn has_others(&self) -> bool {
        self.hosts.values().flat_map(|state| state.open.keys()).any(|cause| cause.rule_id().is_none())
    }

    /// Ends the alerts of causes that nobody looks for any more, by what found them.
    pub fn withdraw(&mut self, at: UnixMillis, is_gone: impl Fn(Cause) -> bool) -> Vec<Transition> {
        let mut steps = Vec::new();
        for (id, state) in &mut self.hosts {
            let gone: Vec<Cause> = state.open.keys().copied().filter(|cause| is_gone(*cause)).collect();
            for cause in gone {
                steps.extend(alert::withdraw(&mut state.open.remove(&cause), cause, at));
                self.changed.insert(*id);
            }
        }
        self.hosts.retain(|_, state| *state != HostState::default());
        steps
    }

    /// Looks at new samples of a host, oldest first; `before` is the one before them, `period_s` the time between two.
    pub fn samples(
        &mut self,
        host: Subject<'_>,
        before: Option<&Sample>,
        samples: &[Sample],
        period_s: u32,
        moment: Moment,
    ) -> Vec<Transition> {
        let mut steps = Vec::new();
        let mut state = self.hosts.remove(&host.id);
        let is_of_host =
            |rule: &&Rule| rule.is_enabled && !is_of_presence(rule) && covers(&rule.scope, host.id, host.tag);
        let mut is_changed = false;
        for rule in self.rules.iter().filter(is_of_host) {
            if state.as_ref().is_none_or(|state| is_at_rest(state, rule.id))
                && !samples.iter().any(|sample| is_of_interest(rule, sample, host.totals))
            {
                continue;
            }
            let state = state.get_or_insert_default();
            let cause = Cause::rule(rule.id, host.id);
            let mut own = state.rules.remove(&rule.id).unwrap_or_default();
            let unchanged = own.clone();
            fit(&mut own, rule.conditions.len());
            let mut before = before;
            for (order, sample) in (0_i64..).zip(samples) {
                let is_old = moment.at.0.saturating_sub(sample.at.0) > OLD_MS;
                let gap_ms = gap_ms(before, sample, period_s);
                own.runs.iter_mut().for_each(|run| run.skip(gap_ms));
                let looked =
                    look(rule, &mut own, (before, sample), host.totals, (None, state.open.contains_key(&cause)));
                before = Some(sample);
                if is_old {
                    // Nobody is told of what was long ago, and what goes on is seen with the next sample.
                    own.runs.fill(Run::default());
                    continue;
                }
                if looked.0 == Verdict::Failing || state.open.contains_key(&cause) {
                    // Every sample has its own moment, so that what comes and goes among them keeps its order.
                    let moment = Moment { at: UnixMillis(moment.at.0.saturating_add(order)), ..moment };
                    let detail = text::detail(&looked.1);
                    let noted = note(state, cause, policy(rule), (looked.0, &detail), moment);
                    is_changed |= noted.1;
                    steps.extend(noted.0);
                }
            }
            is_changed |= lay_back(state, rule.id, own, &unchanged);
        }
        self.put(host.id, state, is_changed);
        steps
    }

    /// Looks at the presence of hosts. `is_holding`: nobody is called offline now.
    pub fn presence<'a>(
        &mut self,
        hosts: impl Iterator<Item = (Subject<'a>, Sign<'a>)>,
        is_holding: bool,
        moment: Moment,
    ) -> Vec<Transition> {
        let mut steps = Vec::new();
        if !self.has_offline {
            return steps;
        }
        for (host, sign) in hosts {
            let is_there = sign.presence == Presence::Online;
            if is_there && !self.hosts.contains_key(&host.id) {
                continue;
            }
            let mut state = self.hosts.remove(&host.id);
            let mut is_changed = false;
            let is_of_host =
                |rule: &&Rule| rule.is_enabled && is_of_presence(rule) && covers(&rule.scope, host.id, host.tag);
            for rule in self.rules.iter().filter(is_of_host) {
                if is_there && state.as_ref().is_none_or(|state| is_at_rest(state, rule.id)) {
                    continue;
                }
                let state = state.get_or_insert_default();
                let cause = Cause::rule(rule.id, host.id);
                let mut own = state.rules.remove(&rule.id).unwrap_or_default();
                let unchanged = own.clone();
                fit(&mut own, rule.conditions.len());
                let offline = match sign.presence {
                    Presence::Online => Reading::Clear,
                    Presence::Offline | Presence::Never if is_holding => Reading::Between,
                    Presence::Offline | Presence::Never => Reading::Failing,
                };
                let since = sign.last_seen.filter(|_| sign.presence == Presence::Offline).unwrap_or(moment.at);
                // A clock that stepped back must not make it wait for the time until then.
                let since = UnixMillis(since.0.min(moment.at.0));
                own.runs.iter_mut().for_each(|run| run.0 = run.0.map(|one| one.min(moment.at)));
                let nothing = Sample::default();
                let is_open = state.open.contains_key(&cause);
                let sample = (None, sign.newest.unwrap_or(&nothing));
                let sight = Some(Sight { offline, since, now: moment.at });
                let (verdict, found) = look(rule, &mut own, sample, host.totals, (sight, is_open));
                // Of what goes on people are told again by the tick, where each host has its turn.
                let goes_on =
                    state.open.get(&cause).is_some_and(|open| open.over.is_none() && verdict != Verdict::Clear);
                if !goes_on && (verdict == Verdict::Failing || is_open) {
                    let detail = text::detail(&found);
                    let noted = note(state, cause, policy(rule), (verdict, &detail), moment);
                    is_changed |= noted.1;
                    steps.extend(noted.0);
                }
                is_changed |= lay_back(state, rule.id, own, &unchanged);
            }
            self.put(host.id, state, is_changed);
            if steps.len() >= MOST_STEPS {
                break;
            }
        }
        steps
    }

    /// Time passes: who is to be told again, and of what ended in quiet hours. `is_silent`: nothing new was heard of a cause, so that
    /// there is nothing to tell again, unless a rule tells of silence. `others` gives the policies of causes that are no rules'. Of many
    /// hosts some have their turn, and the next ones at the next tick.
    pub fn tick<'a>(
        &mut self,
        moment: Moment,
        is_silent: impl Fn(Cause) -> bool,
        others: impl Fn(Cause) -> Option<Policy<'a>>,
    ) -> Vec<Transition> {
        let mut steps = Vec::new();
        let mut hosts = std::mem::take(&mut self.hosts);
        let from = self.ticks_from.take().unwrap_or(HostId(i64::MIN));
        let order: Vec<HostId> = hosts.range(from..).chain(hosts.range(..from)).map(|(id, _)| *id).collect();
        for id in order {
            if steps.len() >= MOST_STEPS {
                self.ticks_from = Some(id);
                break;
            }
            let Some(state) = hosts.get_mut(&id) else { continue };
            let waiting: Vec<Cause> =
                state.open.iter().filter(|(_, open)| alert::is_waiting(open)).map(|(cause, _)| *cause).collect();
            for cause in waiting {
                let rule = cause.rule_id().and_then(|rule| self.rule(rule));
                let Some(policy) = rule.map(policy).or_else(|| others(cause)) else { continue };
                let is_mute = is_silent(cause) && rule.is_none_or(|rule| !is_of_presence(rule));
                let is_over = state.open.get(&cause).is_some_and(|open| open.over.is_some());
                if is_mute && !is_over {
                    continue;
                }
                let detail = state.open.get(&cause).map(|open| open.detail.clone()).unwrap_or_default();
                let noted = note(state, cause, policy, (Verdict::Steady, &detail), moment);
                if noted.1 {
                    self.changed.insert(id);
                }
                steps.extend(noted.0);
            }
        }
        hosts.retain(|_, state| *state != HostState::default());
        self.hosts = hosts;
        steps
    }

    /// Nobody looked for so long, or the hub's clock jumped over it: what waits for a time waits on.
    pub fn skip(&mut self, gap_ms: i64) {
        for (id, state) in &mut self.hosts {
            let unchanged = state.clone();
            state.open.values_mut().for_each(|open| open.skip(gap_ms));
            let of_presence = |id: &RuleId| self.rules.iter().any(|rule| rule.id == *id && is_of_presence(rule));
            for (_, own) in state.rules.iter_mut().filter(|(id, _)| of_presence(id)) {
                own.runs.iter_mut().for_each(|run| run.skip(gap_ms));
            }
            if *state != unchanged {
                self.changed.insert(*id);
            }
        }
    }

    /// When a host that is silent will have been for as long as a rule takes; `None` when none is.
    pub fn next_due(&self) -> Option<UnixMillis> {
        let due = |(id, own): (&RuleId, &RuleState)| {
            let rule = self.rule(*id).filter(|rule| is_of_presence(rule))?;
            let each = rule.conditions.iter().zip(&own.runs);
            let due: Option<Vec<i64>> =
                each.map(|(one, run)| Some(run.0?.0.saturating_add(i64::from(one.for_s) * 1000))).collect();
            due?.into_iter().max().map(UnixMillis)
        };
        let not_open = |(id, state): (&HostId, &HostState)| {
            let of_host = state.rules.iter().filter(|(rule, _)| !state.open.contains_key(&Cause::rule(**rule, *id)));
            of_host.filter_map(due).min()
        };
        self.hosts.iter().filter_map(not_open).min()
    }

    /// Whether a rule tells of this host's silence, so that nobody else has to.
    pub fn tells_of_silence(&self, id: HostId, tag: &str) -> bool {
        let is_silence = |rule: &Rule| rule.conditions.iter().all(|one| one.test == Test::Offline);
        self.rules.iter().any(|rule| rule.is_enabled && is_silence(rule) && covers(&rule.scope, id, tag))
    }

    fn put(&mut self, id: HostId, state: Option<HostState>, is_changed: bool) {
        if let Some(state) = state.filter(|state| *state != HostState::default()) {
            self.hosts.insert(id, state);
        }
        if is_changed {
            self.changed.insert(id);
        }
    }

    fn settle(&mut self, id: HostId) {
        if self.hosts.get(&id).is_some_and(|state| *state == HostState::default()) {
            self.hosts.remove(&id);
        }
    }
}

#[cfg(test)]
pub(in crate::domain::alerting) mod tests;
