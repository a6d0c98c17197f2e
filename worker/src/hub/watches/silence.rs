//! Hosts that post no more, and metrics of services that come no more. "Nobody is called offline because we were away": the holding
//! rule of presence holds here too.

use edgewatch_core::domain::alerting::Transition;
use edgewatch_core::domain::alerting::points::Points;
use edgewatch_core::model::{Cause, HostId, Measured, MetricTest, MissingLimits, Monitor, Severity, Standing, Watch};
use edgewatch_core::units::UnixMillis;

use super::{covers, is_judged};
use crate::hub::shard::Shard;
use crate::platform::log;

/// A host that posts nothing for so long is gone, ms. Source: mackerel specification, 8.1.
const GONE_MS: i64 = 600_000;
/// So many alerts one look may open; the rest waits for the next. It bounds what one look writes.
const MOST: usize = 50;

impl Shard {
    /// Looks for what is silent. Every host is in memory.
    pub(in crate::hub) fn look_for_the_gone(&mut self, now: UnixMillis) {
        let is_of_silence = |monitor: &&Monitor| match &monitor.watch {
            Watch::Connectivity { .. } => true,
            Watch::Service { missing, .. } => *missing != MissingLimits::default(),
            Watch::Host { .. } | Watch::External { .. } | Watch::Nothing => false,
        };
        let monitors: Vec<Monitor> = self.rules.monitors.iter().filter(is_of_silence).cloned().collect();
        let mut steps = Vec::new();
        for monitor in &monitors {
            match &monitor.watch {
                Watch::Connectivity { gone, .. } => self.look_for_hosts(monitor, *gone, now, &mut steps),
                Watch::Service { number, test, missing, .. } => {
                    self.look_for_metric(monitor, HostId(-number), (test, *missing), now, &mut steps);
                }
                Watch::Host { .. } | Watch::External { .. } | Watch::Nothing => {}
            }
        }
        if !steps.is_empty() {
            self.told(&steps, now);
        }
    }

    /// No silence counts from before this moment, ms.
    fn heard_from_ms(&self) -> i64 {
        self.watch.clocks_from.millis().0.max(self.posts_excused_ms)
    }

    fn look_for_hosts(&mut self, monitor: &Monitor, gone: Severity, now: UnixMillis, steps: &mut Vec<Transition>) {
        let is_holding = self.watch.is_holding(now.seconds());
        let from_ms = self.heard_from_ms();
        let mut found = Vec::new();
        for (id, posted) in self.posted.iter().flatten() {
            let of = id.owner();
            let Some(host) = self.hosts.get(&of).filter(|_| posted.seen_ms > 0) else { continue };
            let standing = &host.entry.standing;
            if !is_judged(standing.status) || host.is_doubted(now.seconds()) || !covers(monitor, of, Some(standing)) {
                continue;
            }
            let cause = Cause::monitor(monitor.id, of);
            let is_open = self.rules.book.is_open(cause);
            if now.0.saturating_sub(posted.seen_ms) < GONE_MS {
                found.extend(is_open.then_some((cause, None)));
            } else if is_open || !is_holding && now.0.saturating_sub(posted.seen_ms.max(from_ms)) >= GONE_MS {
                found.push((cause, Some(Standing { severity: gone, value: None })));
            }
        }
        for (cause, standing) in found {
            let is_new = standing.is_some() && !self.rules.book.is_open(cause);
            if steps.len() >= MOST || is_new && self.is_down(cause, now) {
                continue;
            }
            steps.extend(self.note_silence(cause, standing, "no metric for 10 minutes", now));
        }
    }

    fn look_for_metric(
        &mut self,
        monitor: &Monitor,
        of: HostId,
        (test, missing): (&MetricTest, MissingLimits),
        now: UnixMillis,
        steps: &mut Vec<Transition>,
    ) {
        let is_here = self.get(of).is_some_and(|service| !service.is_doubted(now.seconds()));
        if !is_here || self.watch.is_holding(now.seconds()) {
            return;
        }
        let key = (of, test.metric.clone());
        if !self.watches.points.contains_key(&key) {
            match self.find_points(of, test, u64::MAX, None) {
                Ok(points) => drop(self.watches.points.insert(key.clone(), points)),
                Err(error) => return log::error("hub.watches", &error.to_string()),
            }
        }
        let newest = self.watches.points.get(&key).and_then(Points::newest);
        // One that was never posted is not watched.
        let Some((_, newest)) = newest else { return };
        let silent_min = now.0.saturating_sub(newest.millis().0.max(self.heard_from_ms())) / 60_000;
        let is_over = |limit: Option<u32>| limit.is_some_and(|limit| silent_min >= i64::from(limit));
        let severity = if is_over(missing.critical_min) {
            Severity::Critical
        } else if is_over(missing.warning_min) {
            Severity::Warning
        } else {
            return;
        };
        let cause = Cause::monitor(monitor.id, of);
        if !self.rules.book.is_open(cause) && self.is_down(cause, now) {
            return;
        }
        let standing = Standing { severity, value: None::<Measured> };
        steps.extend(self.note_silence(cause, Some(standing), &format!("{} is missing", test.metric), now));
    }

    fn note_silence(
        &mut self,
        cause: Cause,
        standing: Option<Standing>,
        detail: &str,
        now: UnixMillis,
    ) -> Vec<Transition> {
        let Some(policy) = self.policy_of_watch(cause) else { return Vec::new() };
        let moment = self.rules.moment(now);
        self.rules.book.stand(cause, policy, (standing, detail), moment)
    }

    /// A host posted: it is not gone.
    pub(in crate::hub) fn is_back(&mut self, of: HostId, now: UnixMillis) {
        let is_judged = self.standing(of).is_some_and(|standing| is_judged(standing.status));
        if !is_judged || self.rules.book.state(of).is_none() {
            return;
        }
        let gone: Vec<Cause> = self
            .rules
            .monitors
            .iter()
            .filter(|monitor| matches!(monitor.watch, Watch::Connectivity { .. }))
            .map(|monitor| Cause::monitor(monitor.id, of))
            .filter(|cause| self.rules.book.is_open(*cause))
            .collect();
        for cause in gone {
            let steps = self.note_silence(cause, None, "", now);
            self.told(&steps, now);
        }
    }
}
