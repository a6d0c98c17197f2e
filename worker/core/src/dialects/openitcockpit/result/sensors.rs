//! `sensors`: temperatures and batteries.

use serde::{Deserialize, Serialize};

use super::Float;
use super::group::nullable;

/// The group `sensors`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Sensors {
    /// Temperatures.
    #[serde(deserialize_with = "nullable")]
    pub temperatures: Vec<Temperature>,
    /// Batteries.
    #[serde(deserialize_with = "nullable")]
    pub batteries: Vec<Battery>,
}

/// A temperature, degrees Celsius. A limit is 0 where there is none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Temperature {
    /// Chip and label, such as `coretemp_package_id_0`.
    pub label: String,
    /// What it is.
    pub current: Float,
    /// What is much.
    #[serde(default)]
    pub high: Float,
    /// What is too much.
    #[serde(default)]
    pub critical: Float,
}

/// A battery.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Battery {
    /// From 0.
    pub id: i64,
    /// How full it is.
    pub percent: Float,
    /// Quirk: always 0.
    #[serde(default)]
    pub secsleft: i64,
    /// Whether it is full, is charged or rests.
    #[serde(default)]
    pub power_plugged: bool,
}
