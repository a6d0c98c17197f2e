//! `GET /api/edgewatch/v1/hosts/{id}/metrics`: what can be asked of a host's history.

use serde::Serialize;

/// What a host has metrics of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostMetricsReply {
    /// Keys of the built-in metrics that its newest sample has.
    pub built_in: Vec<&'static str>,
    /// Its own, by name: sensors, and what programs report or post of it. What a name stands for may have been measured last long ago.
    pub own: Vec<OwnMetricPart>,
    /// Numbers of the probes that it measured delays of: `probe/<number>/delay_ms` in its history.
    pub probes: Vec<i64>,
    /// Whether an agent pushes what it checks: then there is `GET …/hosts/{id}/checks`.
    pub checks: bool,
    /// Whether it is known what is installed: then there is `GET …/hosts/{id}/packages`.
    pub packages: bool,
}

/// A metric of a host's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OwnMetricPart {
    /// Its name, as `GET /api/edgewatch/v1/series` takes it by `metric=`: any text at all.
    pub name: String,
    /// `celsius`, or a word of Mackerel's: `float`, `integer`, `percentage`, `bytes`, `bytes/sec`, `iops` and others that a graph
    /// definition says; null where nobody said one.
    pub unit: Option<String>,
}
