//! Alerts as programs for Pulse know them: about a resource, by its id.

use crate::model::{Limit, ResourceKind, Severity, ThresholdMetric};
use crate::units::UnixSeconds;

/// What an alert can be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub kind: ResourceKind,
    /// Its id: see [`super::node_id`] and those beside it; of a host of another kind its UUID.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The node it is at; of a node its own name.
    pub node: String,
    /// The instance it is part of; empty for hosts of other kinds.
    pub instance: String,
}

/// An alert of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceAlert {
    /// About what.
    pub resource: Resource,
    /// What was measured; `None` when it is gone, or off.
    pub metric: Option<ThresholdMetric>,
    /// How bad it is.
    pub severity: Severity,
    /// What was measured: percent or MiB/s; 0 when it is gone.
    pub value: f64,
    /// By which limit.
    pub limit: Limit,
    /// When it began.
    pub started_at: UnixSeconds,
    /// When it was last found so.
    pub seen_at: UnixSeconds,
    /// When it was over; `None` while it goes on.
    pub ended_at: Option<UnixSeconds>,
    /// When and by whom it was acknowledged.
    pub acknowledged: Option<(UnixSeconds, String)>,
    /// When others were told of it because nobody had acknowledged it.
    pub escalated_at: Vec<UnixSeconds>,
    /// What is said of it, where it is no alert of a threshold; else empty: the resource and its limit say it.
    pub text: String,
}
