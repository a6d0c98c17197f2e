//! `cpu`: use of the processors.

use serde::{Deserialize, Serialize};

use super::Float;

/// The group `cpu`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cpu {
    /// The mean of all processors, percent.
    pub cpu_total_percentage: Float,
    /// Each processor, percent: what was neither idle nor waiting for a device.
    pub cpu_percentage: Vec<Float>,
    /// The mean of all processors by what they did.
    #[serde(default)]
    pub cpu_total_percentage_detailed: CpuTimes,
    /// Each processor by what it did.
    #[serde(default)]
    pub cpu_percentage_detailed: Vec<CpuTimes>,
}

/// Shares in percent. Quirk: time of interrupts and stolen time are in none, and the five sum to 100. On Windows `nice` and `iowait` are 0.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct CpuTimes {
    /// Programs.
    pub user: Float,
    /// Programs of low priority.
    pub nice: Float,
    /// The kernel.
    pub system: Float,
    /// Nothing.
    pub idle: Float,
    /// Nothing, while a device was waited for.
    pub iowait: Float,
}
