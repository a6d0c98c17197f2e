//! Thresholds at the hub, as programs for Pulse set them. Hosts of no hypervisor are judged where their samples arrive; what a
//! hypervisor has, and backup servers, by polls that are handed in. The alerts are the one engine's, and while nothing changes
//! nothing is written because of them.
//!
//! Whoever polls needs to say nothing of what is at rest: a poll that is not of interest ([`is_of_interest`]) of a resource that the
//! last answer did not name changes nothing.
//!
//! [`is_of_interest`]: edgewatch_core::domain::alerting::thresholds::is_of_interest

use std::collections::BTreeMap;

use edgewatch_core::domain::alerting::book::Watching;
use edgewatch_core::domain::alerting::reading::{Totals, value};
use edgewatch_core::domain::alerting::thresholds::{Condition, Poll, Resource, Values, limit_of};
use edgewatch_core::domain::alerting::{Policy, Transition};
use edgewatch_core::model::{
    AlertConfig, AlertResource, AlertSchedule, Cause, Escalation, HostId, Link, Measured, Presence, Quantity, Repeat,
    ResourceKind, Sample, Severity, Source, ThresholdCode, ThresholdMetric,
};
use edgewatch_core::units::UnixMillis;

use super::shard::Shard;
use super::tracked::Tracked;
use super::watches::is_judged;
use crate::platform::log;

#[cfg(target_arch = "wasm32")]
pub mod calls;
pub mod wire;

/// A host is looked for when it was silent for so many of its intervals. Source: pulse specification, 12.6.
const SILENT_INTERVALS: i64 = 4;
/// So many alerts of silence one look may open; the rest waits for the next.
const MOST: usize = 50;
/// Rates of limits are in these.
const MIB: f64 = 1_048_576.0;

/// What is in memory for thresholds.
#[derive(Default)]
pub struct Thresholds {
    /// What was polled last of resources that are not at rest. Found again after sleep.
    last: BTreeMap<(HostId, u32), (Resource, Poll)>,
}

/// A poll of several resources of a host.
pub type Polled = (HostId, Resource, Option<UnixMillis>, Vec<Poll>);

/// Who else is told of what nobody acknowledges, by time.
pub fn escalations(schedule: &AlertSchedule) -> Vec<Escalation> {
    let each = schedule.levels.iter().filter(|_| schedule.escalates);
    let mut all: Vec<Escalation> = each
        .map(|level| Escalation {
            after_s: level.after_min.saturating_mul(60),
            group: level.audience.group().to_owned(),
        })
        .collect();
    all.sort_by_key(|one| one.after_s);
    all
}

/// Who is told of what is so bad.
const fn policy(escalations: &[Escalation], severity: Severity, is_mute: bool) -> Policy<'_> {
    let ignores_quiet_hours = matches!(severity, Severity::Critical);
    Policy { group: "", repeat: Repeat::Never, escalations, ignores_quiet_hours, is_mute }
}

impl Shard {
    /// Looks at new samples of a host of no hypervisor; `before` is the one before them.
    pub(super) fn weigh_thresholds(
        &mut self,
        id: HostId,
        before: Option<&Sample>,
        samples: &[Sample],
        now: UnixMillis,
    ) {
        if !judges_hosts(&self.rules.thresholds) || self.is_polled(id) {
            return;
        }
        let Some(tracked) = self.hosts.get(&id).filter(|host| is_looked_at(host, now)) else { return };
        let totals = Totals::of(tracked.entry.host.facts.as_ref());
        let polls: Vec<Poll> = samples.iter().map(|sample| poll_of(sample, totals)).collect();
        let resource = resource_of(tracked);
        let steps = self.weigh_polls(id, &resource, &polls, before.map(|sample| sample.at), now);
        if let Some(last) = polls.last().filter(|_| !steps.is_empty()) {
            self.thresholds.last.insert((id, 0), (resource, *last));
        }
        self.told(&steps, now);
    }

    /// Looks for hosts of no hypervisor that are silent. Every host is in memory.
    pub(super) fn look_for_silent_hosts(&mut self, now: UnixMillis) {
        let config = &self.rules.thresholds;
        if !judges_hosts(config) || config.silence_off.hosts {
            return;
        }
        let is_holding = self.watch.is_holding(now.seconds());
        let from_ms = self.watch.clocks_from.millis().0.max(self.posts_excused_ms);
        let mut found = Vec::new();
        for (id, tracked) in self.hosts.iter().filter(|(_, host)| is_looked_at(host, now)) {
            let cause = Cause::threshold(ThresholdCode { resource: 0, metric: None }, *id);
            let is_open = self.rules.book.is_open(cause);
            let condition = match tracked.entry.host.presence {
                Presence::Online if is_open || self.rules.book.threshold(cause).is_some() => Condition::Up,
                // What goes on is told again by the tick.
                Presence::Offline if !is_open && !is_holding => {
                    let silent_ms = now.0.saturating_sub(tracked.seen_ms.max(from_ms));
                    if silent_ms < silence_ms(tracked.link, self.levers.frame_s) {
                        continue;
                    }
                    Condition::Down
                }
                Presence::Online | Presence::Offline | Presence::Never => continue,
            };
            found.push((*id, resource_of(tracked), condition));
        }
        let mut steps = Vec::new();
        for (id, resource, condition) in found {
            if steps.len() >= MOST {
                break;
            }
            if !self.is_polled(id) {
                let poll = Poll { at: now, condition, values: Values::default() };
                steps.extend(self.weigh_polls(id, &resource, &[poll], None, now));
                self.thresholds.last.insert((id, 0), (resource, poll));
            }
        }
        self.told(&steps, now);
    }

    /// Takes polls of resources of hosts in memory, oldest first; those that came already are no news. Writes a row for each host of
    /// which something is other than it was. Gives which of the resources are not at rest: their next polls matter, whatever they say.
    pub fn take_polls(&mut self, all: Vec<Polled>, now: UnixMillis) -> Vec<(HostId, u32)> {
        let (mut steps, mut restless) = (Vec::new(), Vec::new());
        for (host, resource, before, mut polls) in all {
            let is_here = self.hosts.get(&host).is_some_and(|tracked| is_looked_at(tracked, now));
            let key = (host, resource.number);
            let last = self.thresholds.last.get(&key).map(|(_, poll)| poll.at);
            polls.retain(|poll| last.is_none_or(|last| poll.at > last));
            let Some(newest) = polls.last().copied().filter(|_| is_here) else { continue };
            steps.extend(self.weigh_polls(host, &resource, &polls, last.or(before), now));
            self.thresholds.last.insert(key, (resource, newest));
            if self.rules.book.restless(host).contains(&key.1) {
                restless.push(key);
            }
        }
        if let Err(error) = self.tell_steps(&steps, &BTreeMap::new()) {
            // It is in memory, and tried again with the next report or verdict.
            log::error("hub.thresholds", &error.to_string());
        }
        // Those at rest need no memory, once what they did is told.
        let Self { thresholds, rules, .. } = self;
        thresholds.last.retain(|(host, number), _| rules.book.restless(*host).contains(number));
        restless
    }

    fn weigh_polls(
        &mut self,
        host: HostId,
        resource: &Resource,
        polls: &[Poll],
        before: Option<UnixMillis>,
        now: UnixMillis,
    ) -> Vec<Transition> {
        let moment = self.rules.moment(now);
        let mut book = std::mem::take(&mut self.rules.book);
        let (config, escalations) = (&self.rules.thresholds, &self.rules.escalations);
        let is_standby = self.is_standby(host);
        let policy = |severity, is_mute| policy(escalations, severity, is_mute || is_standby);
        let is_down = |cause| self.is_down(cause, now);
        let watching = Watching { config, before, policy: &policy, is_down: &is_down };
        let steps = book.polls(host, resource, polls, &watching, moment);
        self.rules.book = book;
        steps
    }

    /// Who is told of the alerts of thresholds that go on.
    pub(super) fn policies_of_thresholds(&self) -> BTreeMap<Cause, (Severity, bool)> {
        let of_host = |host: HostId| {
            let open = self.rules.book.state(host).into_iter().flat_map(|state| &state.open);
            open.filter(|(cause, _)| cause.source == Source::Threshold).map(move |(cause, open)| {
                let is_mute = self.rules.book.threshold(*cause).is_some_and(|state| state.is_mute);
                (*cause, (open.standing.severity, is_mute || self.is_standby(host)))
            })
        };
        self.hosts.keys().copied().flat_map(of_host).collect()
    }

    /// What an alert of a threshold is about, where it was polled since the object woke.
    pub(super) fn resource_of_alert(&self, cause: Cause) -> Option<AlertResource> {
        let code = cause.threshold_code()?;
        let (resource, poll) = self.thresholds.last.get(&(cause.host?, code.resource))?;
        let limit = code.metric.and_then(|metric| limit_of(&self.rules.thresholds, resource, metric, poll));
        Some(AlertResource {
            kind: resource.kind,
            id: resource.id().to_owned(),
            name: resource.name.clone(),
            node: resource.node.clone(),
            instance: resource.instance.clone(),
            limit: limit.map(|limit| (Measured::of(limit.trigger), Measured::of(limit.clear))),
        })
    }

    /// What people read of a step of an alert of a threshold.
    pub(super) fn words_of_threshold(&self, step: &Transition) -> Option<String> {
        let code = step.cause.threshold_code()?;
        let words = match (step.detail.as_str(), code.metric) {
            ("", Some(metric)) => metric.word(),
            ("", None) => "offline",
            (detail, _) => detail,
        };
        let of_resource = || self.thresholds.last.get(&(step.cause.host?, code.resource));
        let name = of_resource().filter(|_| code.resource > 0).map(|(resource, _)| &resource.name);
        // That it is gone says of what.
        let name = name.filter(|name| !words.contains(name.as_str()));
        Some(name.map_or_else(|| words.to_owned(), |name| format!("{name}: {words}")))
    }
}

/// Who is told of an alert that goes on: how bad it is, and whether nobody is told.
pub(super) fn policy_of<'a>(escalations: &'a [Escalation], known: Option<&(Severity, bool)>) -> Option<Policy<'a>> {
    known.map(|(severity, is_mute)| policy(escalations, *severity, *is_mute))
}

const fn judges_hosts(config: &AlertConfig) -> bool {
    config.is_enabled && !config.off.hosts
}

/// Whether a host is judged here and now: what another shard found goes on, and does not begin anew.
fn is_looked_at(tracked: &Tracked, now: UnixMillis) -> bool {
    is_judged(tracked.entry.standing.status) && !tracked.is_doubted(now.seconds())
}

fn silence_ms(link: Link, frame_s: u32) -> i64 {
    let interval_s = match link {
        Link::Socket => frame_s,
        Link::Post { frame_s, .. } => frame_s,
    };
    i64::from(interval_s).saturating_mul(SILENT_INTERVALS * 1_000)
}

fn resource_of(tracked: &Tracked) -> Resource {
    let host = &tracked.entry.host;
    Resource {
        number: 0,
        kind: ResourceKind::Host,
        ids: vec![host.public_id.clone(), host.uuid.clone(), host.name.clone()],
        name: host.name.clone(),
        node: String::new(),
        instance: String::new(),
        vmid: None,
        tags: Vec::new(),
    }
}

/// A sample, as a poll.
fn poll_of(sample: &Sample, totals: Totals) -> Poll {
    let mut values = Values::default();
    for (metric, quantity, unit) in [
        (ThresholdMetric::Cpu, Quantity::Cpu, 1.0),
        (ThresholdMetric::Memory, Quantity::Memory, 1.0),
        (ThresholdMetric::Disk, Quantity::Disk, 1.0),
        (ThresholdMetric::NetworkIn, Quantity::NetInSpeed, MIB),
        (ThresholdMetric::NetworkOut, Quantity::NetOutSpeed, MIB),
    ] {
        values.set(metric, value(quantity, sample, totals).map(|value| value / unit));
    }
    Poll { at: sample.at, condition: Condition::Up, values }
}

#[cfg(test)]
mod tests;
