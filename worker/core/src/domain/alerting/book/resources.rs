//! What thresholds find of hosts and their resources, in the book.

use std::collections::{BTreeMap, BTreeSet};

use super::{Book, HostState, OLD_MS};
use crate::domain::alerting::alert::{self, Moment, Policy, Step, Transition};
use crate::domain::alerting::thresholds::{Finding, Known, Poll, Resource, State, Told, is_of_interest, weigh};
use crate::model::{AlertConfig, AlertSchedule, Cause, HostId, Severity, Source, Standing, ThresholdCode, Trigger};
use crate::units::UnixMillis;

/// How polls are looked at.
pub struct Watching<'a> {
    /// All thresholds.
    pub config: &'a AlertConfig,
    /// When the poll before was.
    pub before: Option<UnixMillis>,
    /// Who is told of what is so bad, by whether nobody is.
    pub policy: &'a dyn Fn(Severity, bool) -> Policy<'a>,
    /// Whether people agreed that there is no alert of this cause now.
    pub is_down: &'a dyn Fn(Cause) -> bool,
}

impl Book {
    /// Looks at polls of a host or one of its resources, oldest first. While they say the same nothing is to be kept, and of what is at
    /// rest nothing is known.
    pub fn polls(
        &mut self,
        host: HostId,
        resource: &Resource,
        polls: &[Poll],
        watching: &Watching<'_>,
        moment: Moment,
    ) -> Vec<Transition> {
        let is_of_resource = |state: &HostState| codes(state).any(|code| code.resource == resource.number);
        let is_known = self.hosts.get(&host).is_some_and(is_of_resource);
        if !is_known && !polls.iter().any(|poll| is_of_interest(watching.config, resource, poll)) {
            return Vec::new();
        }
        let mut state = self.hosts.remove(&host).unwrap_or_default();
        let unchanged = state.clone();
        let (mut steps, mut before) = (Vec::new(), watching.before);
        for (order, poll) in (0_i64..).zip(polls) {
            if moment.at.0.saturating_sub(poll.at.0) > OLD_MS {
                // Nobody is told of what was long ago.
                state.thresholds.values_mut().for_each(|one| (one.since, one.gone) = (None, 0));
                continue;
            }
            let moment = Moment { at: UnixMillis(moment.at.0.saturating_add(order)), ..moment };
            steps.extend(take(&mut state, (host, resource), (before, poll), watching, moment));
            before = Some(poll.at);
        }
        let open = &state.open;
        state.thresholds.retain(|code, one| !one.is_at_rest() || open.contains_key(&Cause::threshold(*code, host)));
        let is_changed = state != unchanged;
        self.put(host, Some(state), is_changed);
        steps
    }

    /// The resources of a host that are not at rest, by number: what they do next matters.
    pub fn restless(&self, host: HostId) -> BTreeSet<u32> {
        self.hosts.get(&host).into_iter().flat_map(codes).map(|code| code.resource).collect()
    }

    /// What is known of something that is judged by thresholds.
    pub fn threshold(&self, cause: Cause) -> Option<&State> {
        self.hosts.get(&cause.host?)?.thresholds.get(&cause.threshold_code()?)
    }

    /// Thresholds are others than they were: alerts of what is not judged at all any more end, and what was known of it goes.
    pub fn keep_thresholds(&mut self, at: UnixMillis, is_judged: impl Fn(&State) -> bool) -> Vec<Transition> {
        let mut gone = BTreeSet::new();
        for (id, state) in &mut self.hosts {
            let known = state.thresholds.len();
            state.thresholds.retain(|code, one| {
                let stays = is_judged(one);
                if !stays {
                    gone.insert(Cause::threshold(*code, *id));
                }
                stays
            });
            if state.thresholds.len() != known {
                self.changed.insert(*id);
            }
        }
        self.withdraw(at, |cause| gone.contains(&cause))
            .into_iter()
            .map(|step| step.by(Trigger::MonitorDelete))
            .collect()
    }
}

/// What is critical is no less for so long, ms.
const SETTLED_MS: i64 = 60_000;
/// An alert that was acknowledged is dropped so much later, ms: when it is still so it begins anew. Source: pulse specification, 12.2.
const FORGOTTEN_MS: i64 = 24 * 3_600_000;

impl Book {
    /// Drops alerts of thresholds that were acknowledged long ago.
    pub fn drop_acknowledged(&mut self, at: UnixMillis) -> Vec<Transition> {
        let mut gone = BTreeSet::new();
        for (id, HostState { open, thresholds, .. }) in &mut self.hosts {
            for (cause, _) in open.iter().filter(|(_, open)| open.is_acknowledged) {
                let Some(state) = cause.threshold_code().and_then(|code| thresholds.get_mut(&code)) else { continue };
                // A clock that was ahead is set right one day.
                let since = state.acknowledged.filter(|since| *since <= at);
                if since.is_none() {
                    state.acknowledged = Some(at);
                    self.changed.insert(*id);
                } else if since.is_some_and(|since| at.0.saturating_sub(since.0) >= FORGOTTEN_MS) {
                    gone.insert(*cause);
                }
            }
        }
        for cause in &gone {
            let state = cause.host.and_then(|id| self.hosts.get_mut(&id));
            state.zip(cause.threshold_code()).and_then(|(state, code)| state.thresholds.remove(&code));
        }
        if gone.is_empty() { Vec::new() } else { self.withdraw(at, |cause| gone.contains(&cause)) }
    }
}

fn codes(state: &HostState) -> impl Iterator<Item = ThresholdCode> + '_ {
    let open = state.open.keys().filter(|cause| cause.source == Source::Threshold);
    open.filter_map(Cause::threshold_code).chain(state.thresholds.keys().copied())
}

/// Takes one poll.
fn take(
    state: &mut HostState,
    (host, resource): (HostId, &Resource),
    (before, poll): (Option<UnixMillis>, &Poll),
    watching: &Watching<'_>,
    moment: Moment,
) -> Vec<Transition> {
    let HostState { thresholds, open, .. } = state;
    let is_open = |code: ThresholdCode| open.contains_key(&Cause::threshold(code, host));
    let known = Known { states: thresholds, before, is_open: &is_open };
    let found = weigh(watching.config, resource, poll, known);
    let mut steps = Vec::new();
    for one in found {
        let (code, standing, text) = match one {
            Finding::Bad(code, standing, text) => (code, Some(standing), text),
            Finding::Good(code, text) => (code, None, text),
            Finding::Dropped(code) => {
                let cause = Cause::threshold(code, host);
                steps.extend(alert::withdraw(&mut open.remove(&cause), cause, moment.at));
                continue;
            }
        };
        let cause = Cause::threshold(code, host);
        let mut alert = open.remove(&cause);
        if standing.is_some() && alert.is_none() && (watching.is_down)(cause) {
            thresholds.remove(&code);
            continue;
        }
        let was = alert.as_ref().map(|open| open.standing.severity);
        let standing = standing.map(|found| settled(found, was, thresholds.get_mut(&code), moment.at));
        let severity = standing.map(|standing| standing.severity).or(was).unwrap_or(Severity::Critical);
        let policy = (watching.policy)(severity, resource.is_mute());
        // What is over is listed so at once, although nobody may hear of it now.
        let is_end_told = watching.config.schedule.tells_of_end && !policy.is_quiet(moment);
        let policy = Policy { is_mute: policy.is_mute || standing.is_none() && !is_end_told, ..policy };
        let taken = alert::stand(&mut alert, cause, policy, (standing, &text), moment);
        // That it is less bad than it was is listed, and people hear of its end.
        let is_better = was == Some(Severity::Critical) && severity != Severity::Critical;
        for mut step in taken {
            if matches!(step.step, Step::Fired | Step::Changed) && !step.is_quiet {
                step.is_quiet = is_better || !may_tell(thresholds, code, severity, &step, &watching.config.schedule);
            }
            steps.push(step);
        }
        open.extend(alert.map(|alert| (cause, alert)));
    }
    steps
}

/// How bad it is. What was critical a moment ago still is: a value at the brink would be better and worse all the time, a row each.
fn settled(found: Standing, was: Option<Severity>, state: Option<&mut State>, at: UnixMillis) -> Standing {
    let Some(state) = state else { return found };
    if found.severity == Severity::Critical {
        if was != Some(Severity::Critical) {
            state.critical = Some(at);
        }
        return found;
    }
    let is_new = state.critical.is_some_and(|since| (0..SETTLED_MS).contains(&at.0.saturating_sub(since.0)));
    if was == Some(Severity::Critical) && is_new {
        return Standing { severity: Severity::Critical, ..found };
    }
    state.critical = None;
    found
}

/// Whether people may be told of it again.
fn may_tell(
    states: &mut BTreeMap<ThresholdCode, State>,
    code: ThresholdCode,
    severity: Severity,
    step: &Transition,
    schedule: &AlertSchedule,
) -> bool {
    states.get_mut(&code).is_none_or(|state| Told::note(&mut state.told, severity, step.at, schedule))
}

#[cfg(test)]
mod tests;
