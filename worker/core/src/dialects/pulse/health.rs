//! `GET /api/health`. Source: pulse specification, 5.1.

use serde::Serialize;

/// The answer, with status 200 and for everybody.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HealthReply {
    /// `healthy`.
    pub status: String,
    /// Unix seconds.
    pub timestamp: i64,
    /// Seconds since the first deployment; never decreases between calls.
    pub uptime: f64,
}
