//! Thresholds: what polls of a resource say by the limits that programs for Pulse set. Source: pulse specification, 12.2 and 12.6.
//!
//! Pure: [`weigh`] takes what is known of a resource's alerts and a poll, and gives what is found of each; the machine of causes
//! ([`super::alert`]) does the rest. A resource that is content has no state and costs nothing: whoever polls it may ask
//! [`is_of_interest`] first and say nothing at all.

mod filter;
mod limits;
mod machine;
pub mod text;

use crate::model::{AlertSchedule, Measured, ResourceKind, Severity, ThresholdMetric};
use crate::units::UnixMillis;

pub use limits::{Effective, hold_s, limit_of};
pub use machine::{Finding, Known, is_of_interest, weigh};

/// A node is gone after so many polls in succession, and so are a backup server and a host of another kind. Source: pulse
/// specification, 12.6.
pub const GONE_POLLS: u32 = 3;
/// So many it takes of a guest that is powered off, or a storage that is not available. Source: as above.
pub const OFF_POLLS: u32 = 2;

/// ms.
const HOUR_MS: i64 = 3_600_000;

/// Nothing of the guest is judged.
pub const TAG_NO_ALERTS: &str = "pulse-no-alerts";
/// It is judged, and nobody is told.
pub const TAG_MONITOR_ONLY: &str = "pulse-monitor-only";
/// It is judged by higher limits.
pub const TAG_RELAXED: &str = "pulse-relaxed";

/// What is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its number among the resources of its host; 0 is the host itself.
    pub number: u32,
    /// What it is.
    pub kind: ResourceKind,
    /// What Pulse calls it: thresholds of single resources are by these. The first is the one of now.
    pub ids: Vec<String>,
    /// What people call it.
    pub name: String,
    /// The name of its node; empty where there is none.
    pub node: String,
    /// What people call the cluster or server that it belongs to; empty where there is none.
    pub instance: String,
    /// A guest's number.
    pub vmid: Option<u32>,
    /// A guest's tags.
    pub tags: Vec<String>,
}

impl Resource {
    /// Whether it has a tag, in whatever case.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.kind.is_guest() && self.tags.iter().any(|one| one.eq_ignore_ascii_case(tag))
    }

    /// Whether nobody is told of it.
    pub fn is_mute(&self) -> bool {
        self.has_tag(TAG_MONITOR_ONLY)
    }

    /// The first half of the id that Pulse gives its alerts.
    pub fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }
}

/// How it stands with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition {
    /// It is there: a node that is online, a guest that runs, a storage that is available.
    Up,
    /// It is not: offline, stopped, not available, or nobody reaches it.
    Down,
    /// Neither: a guest that is paused or suspended.
    Paused,
    /// Nothing is known.
    #[default]
    Unknown,
    /// There is no such thing any more.
    Gone,
}

/// What was measured, by [`ThresholdMetric`]; percent or MiB/s.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Values([Option<f64>; ThresholdMetric::ALL.len()]);

impl Values {
    /// A value; `None` where it was not measured, or is none.
    pub fn get(&self, metric: ThresholdMetric) -> Option<f64> {
        self.0.get(Self::place(metric)).copied().flatten()
    }

    /// Notes a value. What is no number, or below 0 as a rate is before there is one, is none.
    pub fn set(&mut self, metric: ThresholdMetric, value: Option<f64>) {
        if let Some(place) = self.0.get_mut(Self::place(metric)) {
            *place = value.filter(|value| value.is_finite() && *value >= 0.0);
        }
    }

    /// Those of these metrics.
    pub fn of(values: &[(ThresholdMetric, f64)]) -> Self {
        let mut all = Self::default();
        for (metric, value) in values {
            all.set(*metric, Some(*value));
        }
        all
    }

    fn place(metric: ThresholdMetric) -> usize {
        usize::from(metric.code()).saturating_sub(1)
    }
}

/// What one poll says of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Poll {
    /// When, by whoever polled.
    pub at: UnixMillis,
    /// How it stands.
    pub condition: Condition,
    /// What was measured.
    pub values: Values,
}

/// What is known of one thing that is judged, beside its alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Of what kind its resource is.
    pub kind: ResourceKind,
    /// Whether nobody is told.
    pub is_mute: bool,
    /// Since when its value has been bad, while that is not for long enough.
    pub since: Option<UnixMillis>,
    /// How many polls in succession it was gone, while that is not often enough.
    pub gone: u32,
    /// When its alert began last, and at which value.
    pub raised: Option<(UnixMillis, Measured)>,
    /// Until when its alert does not begin again.
    pub held_until: Option<UnixMillis>,
    /// When it began for the first time within a while, and how often since.
    pub begun: Option<(UnixMillis, u32)>,
    /// Since when it has been critical.
    pub critical: Option<UnixMillis>,
    /// When people were told of it.
    pub told: Option<Told>,
    /// Since when its alert has been known to be acknowledged.
    pub acknowledged: Option<UnixMillis>,
}

/// When people were told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// For the first time within an hour.
    pub first: UnixMillis,
    /// For the last time.
    pub last: UnixMillis,
    /// So often from the first time on.
    pub count: u32,
    /// How bad it was for the last time.
    pub severity: Severity,
}

impl Told {
    /// Whether people may be told now, of what is so bad; then that is noted. What is worse than when they were told last they are told
    /// at once, and else not within the cooldown; and so often an hour at most. Source: pulse specification, 11.5.
    pub fn note(told: &mut Option<Self>, severity: Severity, at: UnixMillis, schedule: &AlertSchedule) -> bool {
        let Some(before) = told.filter(|told| told.matters(at)) else {
            *told = Some(Self { first: at, last: at, count: 1, severity });
            return true;
        };
        let is_worse = severity == Severity::Critical && before.severity != Severity::Critical;
        let cooldown_ms = i64::from(schedule.cooldown_min) * 60_000;
        let is_soon = at.0.saturating_sub(before.last.0) < cooldown_ms && !is_worse;
        let is_often = schedule.most_an_hour > 0 && before.count >= schedule.most_an_hour;
        if is_soon || is_often {
            return false;
        }
        *told = Some(Self { last: at, count: before.count.saturating_add(1), severity, ..before });
        true
    }

    /// Whether it is of the last hour.
    pub fn matters(&self, at: UnixMillis) -> bool {
        (0..HOUR_MS).contains(&at.0.saturating_sub(self.first.0))
    }
}

impl State {
    /// That of a resource of which nothing is known.
    pub const fn new(kind: ResourceKind) -> Self {
        Self {
            kind,
            is_mute: false,
            since: None,
            gone: 0,
            raised: None,
            held_until: None,
            begun: None,
            critical: None,
            told: None,
            acknowledged: None,
        }
    }

    /// Whether there is nothing to know.
    pub const fn is_at_rest(&self) -> bool {
        self.since.is_none()
            && self.gone == 0
            && self.raised.is_none()
            && self.held_until.is_none()
            && self.begun.is_none()
            && self.told.is_none()
    }
}

/// How bad it is that a resource is gone.
const fn severity_of_silence(kind: ResourceKind, powered_off: Severity) -> Severity {
    match kind {
        ResourceKind::Node | ResourceKind::Pbs | ResourceKind::Host => Severity::Critical,
        ResourceKind::Storage => Severity::Warning,
        ResourceKind::Vm | ResourceKind::Container => powered_off,
    }
}

#[cfg(test)]
mod tests;
