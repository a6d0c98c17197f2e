//! Which limit holds for a metric of a resource: its own, else the matching rule's, else that of all resources of its kind; each
//! metric by itself.

use super::{Poll, Resource, TAG_RELAXED, filter};
use crate::model::{AlertConfig, CustomRule, Limit, ResourceKind, Severity, ThresholdMetric, Thresholds};

/// How far below its trigger a limit is over that does not say so. Source: pulse specification, 12.1.
const MARGIN: f64 = 5.0;
/// Limits of percentages of a guest whose tag relaxes them are at least this.
const RELAXED: Limit = Limit::new(95.0, 90.0);
/// Those of rates are so many times as high.
const RELAXED_TIMES: f64 = 2.0;

/// A limit that makes sense.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effective {
    /// From here on it is bad; above 0.
    pub trigger: f64,
    /// Down to here, and at it, it is over; at most the trigger.
    pub clear: f64,
}

/// What holds for a resource at a poll.
pub(super) struct Rules<'a> {
    pub(super) config: &'a AlertConfig,
    resource: &'a Resource,
    own: Option<&'a Thresholds>,
    rule: Option<&'a CustomRule>,
}

impl<'a> Rules<'a> {
    pub(super) fn of(config: &'a AlertConfig, resource: &'a Resource, poll: &Poll) -> Self {
        let own = resource.ids.iter().find_map(|id| config.overrides.get(id));
        let rule = if resource.kind.is_guest() { filter::rule_of(&config.rules, resource, poll) } else { None };
        Self { config, resource, own, rule }
    }

    fn defaults(&self) -> Option<&'a Thresholds> {
        match self.resource.kind {
            ResourceKind::Node => Some(&self.config.node),
            ResourceKind::Vm | ResourceKind::Container => Some(&self.config.guest),
            ResourceKind::Pbs => Some(&self.config.pbs),
            ResourceKind::Host => Some(&self.config.host),
            ResourceKind::Storage => None,
        }
    }

    /// Its own first, then the rule's, then its kind's.
    fn each(&self) -> impl Iterator<Item = &'a Thresholds> {
        [self.own, self.rule.map(|rule| &rule.thresholds), self.defaults()].into_iter().flatten()
    }

    /// Whether it is judged at all.
    pub(super) fn is_judged(&self) -> bool {
        let (config, resource) = (self.config, self.resource);
        config.is_enabled
            && !config.off.has(resource.kind)
            && !resource.has_tag(super::TAG_NO_ALERTS)
            && !self.own.is_some_and(|own| own.is_off)
    }

    /// Whether anybody minds that it is gone, and how bad that is.
    pub(super) fn silence(&self) -> Option<Severity> {
        let ignores = self.each().find_map(|one| one.ignores_silence).unwrap_or(false);
        if ignores || self.config.silence_off.has(self.resource.kind) {
            return None;
        }
        let powered_off = self.each().find_map(|one| one.powered_off).unwrap_or(Severity::Warning);
        Some(super::severity_of_silence(self.resource.kind, powered_off))
    }

    /// The limit of a metric; `None` where there is none.
    pub(super) fn limit(&self, metric: ThresholdMetric) -> Option<Effective> {
        if (metric == ThresholdMetric::Usage) != (self.resource.kind == ResourceKind::Storage) {
            return None;
        }
        let said = |thresholds: &Thresholds| {
            // A storage's own limit may stand where other resources have that of their disk.
            let of_disk = || thresholds.limits.get(&ThresholdMetric::Disk).filter(|_| metric == ThresholdMetric::Usage);
            thresholds.limits.get(&metric).or_else(of_disk).copied()
        };
        let own = self.own.and_then(said).or_else(|| self.rule.and_then(|rule| said(&rule.thresholds)));
        let of_all = || match self.resource.kind {
            ResourceKind::Storage => Some(self.config.storage),
            _ => self.defaults().and_then(said),
        };
        let limit = match own {
            Some(own) => effective(own, (own.trigger - MARGIN).max(0.0)),
            None => of_all().and_then(|limit| effective(limit, limit.trigger)),
        };
        limit.map(|limit| if self.resource.has_tag(TAG_RELAXED) { relaxed(metric, limit) } else { limit })
    }
}

/// What a limit means; `clear` is where it is over when that was not said. `None` where there never is an alert.
fn effective(limit: Limit, clear: f64) -> Option<Effective> {
    let Limit { trigger, clear: said } = limit;
    // Written so that what is no number has no limit.
    if !(trigger > 0.0 && trigger.is_finite()) {
        return None;
    }
    let clear = if said >= trigger {
        (trigger - MARGIN).max(0.0)
    } else if said > 0.0 {
        said
    } else {
        clear
    };
    Some(Effective { trigger, clear })
}

fn relaxed(metric: ThresholdMetric, limit: Effective) -> Effective {
    if metric.is_percentage() {
        return Effective { trigger: limit.trigger.max(RELAXED.trigger), clear: limit.clear.max(RELAXED.clear) };
    }
    Effective { trigger: limit.trigger * RELAXED_TIMES, clear: limit.clear * RELAXED_TIMES }
}

/// The limit of a metric of a resource at a poll; `None` where it has none, or is not judged.
pub fn limit_of(config: &AlertConfig, resource: &Resource, metric: ThresholdMetric, poll: &Poll) -> Option<Effective> {
    let rules = Rules::of(config, resource, poll);
    if rules.is_judged() { rules.limit(metric) } else { None }
}

/// For how long a value has to be bad, seconds.
pub fn hold_s(config: &AlertConfig, kind: ResourceKind) -> u32 {
    let own = match kind {
        ResourceKind::Vm | ResourceKind::Container => config.holds.guest_s,
        ResourceKind::Node | ResourceKind::Host => config.holds.node_s,
        ResourceKind::Storage => config.holds.storage_s,
        ResourceKind::Pbs => config.holds.pbs_s,
    };
    own.unwrap_or(config.hold_s)
}
