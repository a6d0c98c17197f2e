//! `GET /api/edgewatch/v1/hosts/{id}/checks`.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::model::{HostCheck, Severity};
use crate::units::UnixSeconds;

/// What a host's agent checked last, judged, and as it came.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChecksReply<'a> {
    /// The host's number.
    pub host: i64,
    /// When it came, Unix seconds.
    pub at_s: i64,
    /// Bytes of what came.
    pub size_bytes: u64,
    /// Whether groups were left out of it, the largest first, because it was too large to keep.
    pub is_trimmed: bool,
    /// Each check, in the order of its group.
    pub checks: Vec<CheckPart>,
    /// The agent's results as they came: groups by name, each its value or `{"error":"…"}`.
    pub results: &'a RawValue,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckPart {
    /// The group of results that it judges, such as `disks`.
    pub group: &'static str,
    /// What is checked, such as `/ used`.
    pub name: String,
    /// `OK`, `WARNING`, `CRITICAL` or `UNKNOWN`.
    pub status: &'static str,
    /// What was measured; null where that is no number.
    pub value: Option<f64>,
    /// The value's unit: `%`, `s`, `°C`, `B`, `errors`; empty for none.
    pub unit: &'static str,
    /// What was said; empty for nothing.
    pub message: String,
}

impl From<HostCheck> for CheckPart {
    fn from(check: HostCheck) -> Self {
        Self {
            group: check.group,
            name: check.name,
            status: Severity::status(check.severity),
            value: check.value,
            unit: check.unit,
            message: check.message,
        }
    }
}

impl<'a> ChecksReply<'a> {
    /// The answer of a result that came then.
    pub fn of(
        host: i64,
        at: UnixSeconds,
        (size_bytes, is_trimmed): (u64, bool),
        checks: Vec<HostCheck>,
        results: &'a RawValue,
    ) -> Self {
        let checks = checks.into_iter().map(CheckPart::from).collect();
        Self { host, at_s: at.0, size_bytes, is_trimmed, checks, results }
    }
}
