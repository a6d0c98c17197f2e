//! What Mackerel's monitors and the checks of hosts find, at the hub: judged where values arrive, and silence with every verdict on
//! presence. The alerts are the one engine's. While nothing changes, nothing is written because of them but what checks said.

use std::collections::BTreeMap;

use edgewatch_core::domain::alerting::points::Points;
use edgewatch_core::domain::alerting::{Policy, Step, Transition, kind};
use edgewatch_core::domain::downtime::Concern;
use edgewatch_core::domain::ids::{Thing, thing_id};
use edgewatch_core::model::{
    AlertKind, Audience, Cause, CheckId, HostId, HostStanding, HostStatus, Monitor, MonitorId, Repeat, Severity,
    Source, Watch,
};
use edgewatch_core::units::UnixMillis;

use super::directory::Entry;
use super::probes::EDGE;
use super::shard::Shard;

#[cfg(target_arch = "wasm32")]
pub mod calls;
mod checks;
mod external;
mod metrics;
mod silence;
pub mod wire;

/// What is in memory for monitors: it is found again after sleep.
#[derive(Default)]
pub struct Watches {
    /// The newest points of metrics that are looked at, by the number they are kept under and the metric.
    points: BTreeMap<(HostId, String), Points>,
    /// What answers of web addresses said, once it was read.
    pages: Option<external::Pages>,
}

impl Watches {
    /// Monitors are others than they were.
    pub fn forget(&mut self) {
        self.points.clear();
    }
}

/// People are told again after so many minutes.
fn repeat(every_min: Option<u32>) -> Repeat {
    every_min.map_or(Repeat::Never, |minutes| Repeat::Every(minutes.saturating_mul(60)))
}

fn policy(every_min: Option<u32>, is_mute: bool) -> Policy<'static> {
    Policy { group: "", repeat: repeat(every_min), escalations: &[], ignores_quiet_hours: false, is_mute }
}

/// Whether a host in this state is judged; of one that stands by nobody is told.
pub(super) const fn is_judged(status: HostStatus) -> bool {
    matches!(status, HostStatus::Working | HostStatus::Standby)
}

/// Whether a monitor looks at a host that is this, or at the service that is kept under this number.
fn covers(monitor: &Monitor, of: HostId, standing: Option<&HostStanding>) -> bool {
    match &monitor.watch {
        Watch::Connectivity { scopes, .. } | Watch::Host { scopes, .. } if of != EDGE => {
            standing.is_none_or(|standing| scopes.covers(&standing.roles))
        }
        Watch::Service { number, .. } => HostId(-number) == of,
        Watch::External { .. } => of == EDGE,
        Watch::Connectivity { .. } | Watch::Host { .. } | Watch::Nothing => false,
    }
}

impl Shard {
    /// Whether people agreed that there is no alert of this cause now.
    pub(super) fn is_down(&self, cause: Cause, now: UnixMillis) -> bool {
        let of_threshold = || (cause.source == Source::Threshold).then(|| (thing_id(Thing::Threshold, cause.id), None));
        let Some((monitor, service)) = self.concern_of(cause).or_else(of_threshold) else { return false };
        let roles = cause.host.and_then(|of| self.standing(of)).map_or(&[][..], |standing| &standing.roles);
        self.rules.is_down(Concern { monitor: &monitor, roles, service }, now)
    }

    /// Who is told of a step of an alert of a monitor or a check: what its notification groups say. A step from one severity to another is one
    /// for those too who are told of what is critical alone: it was, or is.
    pub(super) fn audience_of(&self, step: &Transition) -> Option<Audience> {
        let (monitor, service) = self.concern_of(step.cause)?;
        let is_critical = step.step == Step::Changed || step.standing.severity == Severity::Critical;
        Some(Audience { monitor, service: service.map(str::to_owned), is_critical })
    }

    /// The id of a monitor or check, and the service whose metrics it looks at.
    fn concern_of(&self, cause: Cause) -> Option<(String, Option<&str>)> {
        match cause.source {
            Source::Check => Some((thing_id(Thing::Check, cause.id), None)),
            Source::Monitor => {
                let monitor = self.rules.monitors.iter().find(|one| Some(one.id) == cause.monitor_id());
                let service = monitor.and_then(|monitor| match &monitor.watch {
                    Watch::Service { service, .. } => Some(service.as_str()),
                    Watch::External { service, .. } => service.as_deref(),
                    _ => None,
                });
                Some((thing_id(Thing::Monitor, cause.id), service))
            }
            Source::Rule | Source::Probe | Source::ProbeLatency | Source::ProbeCertificate | Source::Threshold => None,
        }
    }

    pub(super) fn standing(&self, host: HostId) -> Option<&HostStanding> {
        self.hosts.get(&host).map(|tracked| &tracked.entry.standing)
    }

    /// Whether nobody is told of a host's alerts because of what it is there for.
    pub(super) fn is_standby(&self, of: HostId) -> bool {
        self.standing(of).is_some_and(|standing| standing.status == HostStatus::Standby)
    }

    /// Who is told of what a monitor or a check finds.
    pub(super) fn policy_of_watch(&self, cause: Cause) -> Option<Policy<'static>> {
        let of = cause.host?;
        if cause.source == Source::Check {
            let check = self.rules.book.check(of, CheckId(cause.id))?;
            return Some(policy(check.every_min, self.is_standby(of)));
        }
        let monitor = self.rules.monitors.iter().find(|one| Some(one.id) == cause.monitor_id())?;
        Some(policy(monitor.every_min, monitor.is_mute || self.is_standby(of)))
    }

    /// What people read of what a monitor or a check found: its name and how bad it is; of a check that is no more, that.
    pub(super) fn watch_name(&self, step: &Transition) -> Option<String> {
        let cause = step.cause;
        let name = match cause.source {
            Source::Monitor => {
                let service = cause.host.filter(|of| of.is_posted());
                let monitor = self.rules.monitors.iter().find(|one| Some(one.id) == cause.monitor_id())?;
                match (&monitor.watch, service) {
                    (Watch::Service { service, .. }, Some(_)) => format!("{service}: {}", monitor.name),
                    _ => monitor.name.clone(),
                }
            }
            Source::Check => {
                let check = self.rules.book.check(cause.host?, CheckId(cause.id))?;
                let is_gone = check.missed.is_some() && check.severity.is_none();
                if is_gone { format!("{}: {}", check.name, checks::GONE) } else { check.name.clone() }
            }
            Source::Threshold => return self.words_of_threshold(step),
            Source::Rule | Source::Probe | Source::ProbeLatency | Source::ProbeCertificate => return None,
        };
        let is_over = matches!(step.step, Step::Recovered | Step::Withdrawn);
        Some(if is_over { name } else { format!("{name} ({})", step.standing.severity.word()) })
    }

    /// As what programs for Mackerel know an alert.
    pub(super) fn kind_of(&self, cause: Cause) -> Option<AlertKind> {
        let rule = || kind::of_rule(self.rules.book.rule(cause.rule_id()?)?);
        let monitor = || {
            let monitor = self.rules.monitors.iter().find(|one| Some(one.id) == cause.monitor_id())?;
            kind::of_monitor(monitor)
        };
        let threshold = || kind::of_threshold(cause.threshold_code()?);
        kind::of_source(cause.source).or_else(rule).or_else(monitor).or_else(threshold)
    }

    /// Monitors are about to be others: alerts of those that look no more at a place end.
    pub(super) fn end_unwatched(&mut self, monitors: &[Monitor], now: UnixMillis) -> Vec<Transition> {
        let mut book = std::mem::take(&mut self.rules.book);
        let looks = |id: MonitorId, of: HostId| {
            let monitor = monitors.iter().find(|one| one.id == id);
            monitor.is_some_and(|monitor| covers(monitor, of, self.standing(of)))
        };
        let steps = book.keep_monitors(now, looks);
        self.rules.book = book;
        steps
    }

    /// Hosts are about to play other roles: alerts of monitors that do not look at them there end.
    pub(super) fn rescope_watches(&mut self, entries: &[Entry], now: UnixMillis) -> Vec<Transition> {
        let new: BTreeMap<HostId, &HostStanding> =
            entries.iter().map(|entry| (entry.host.id, &entry.standing)).collect();
        let monitors = &self.rules.monitors;
        let looks = |id: MonitorId, of: HostId| match (new.get(&of), monitors.iter().find(|one| one.id == id)) {
            (Some(standing), Some(monitor)) => covers(monitor, of, Some(standing)),
            // Of another host, or of a monitor that was not told of yet.
            _ => true,
        };
        self.rules.book.keep_monitors(now, looks)
    }

    /// How bad an alert is that is open; `None` where there is none.
    fn severity_of(&self, cause: Cause) -> Option<Severity> {
        let open = self.rules.book.state(cause.host?)?.open.get(&cause)?;
        open.over.is_none().then_some(open.standing.severity)
    }
}

#[cfg(test)]
mod tests;
