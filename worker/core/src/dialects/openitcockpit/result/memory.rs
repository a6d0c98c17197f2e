//! `memory`, `swap` and `system_load`.

use serde::{Deserialize, Serialize};

use super::Float;

/// The group `memory`, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Memory {
    /// All there is.
    pub total: u64,
    /// What a program could have without swapping.
    pub available: u64,
    /// What is used of all there is, percent.
    pub percent: Float,
    /// All less available.
    pub used: u64,
    /// What nothing uses.
    #[serde(default)]
    pub free: u64,
    /// Quirk: always 0.
    #[serde(default)]
    pub active: u64,
    /// What was not used for a while.
    #[serde(default)]
    pub inactive: u64,
    /// macOS and FreeBSD alone, else 0.
    #[serde(default)]
    pub wired: u64,
}

/// The group `swap`, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Swap {
    /// All there is.
    pub total: u64,
    /// What is used of it, percent.
    pub percent: Float,
    /// What is used.
    pub used: u64,
    /// What is not.
    #[serde(default)]
    pub free: u64,
    /// Swapped in since the machine was started; Linux alone.
    #[serde(default)]
    pub sin: u64,
    /// Swapped out since the machine was started; Linux alone.
    #[serde(default)]
    pub sout: u64,
}

/// The group `system_load`: load averages. Quirk: the keys are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SystemLoad {
    /// Of 1 minute.
    #[serde(rename = "0")]
    pub one: Float,
    /// Of 5 minutes.
    #[serde(rename = "1")]
    pub five: Float,
    /// Of 15 minutes.
    #[serde(rename = "2")]
    pub fifteen: Float,
}
