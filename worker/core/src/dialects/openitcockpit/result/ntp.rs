//! `ntp`: the clock.

use serde::{Deserialize, Serialize};

use super::Float;

/// The group `ntp`. The last two are Linux's alone.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct Ntp {
    /// Unix seconds by the machine's clock.
    pub timestamp: i64,
    /// Unix microseconds by the machine's clock.
    #[serde(default)]
    pub timestamp_micro: i64,
    /// Whether the kernel takes its clock for synchronised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_status: Option<bool>,
    /// What the kernel still has to correct, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<Float>,
}
