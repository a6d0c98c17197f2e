//! `/api/edgewatch/v1/backup`: everything that a deployment holds, and how it comes into an empty one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a backup is called.
pub const FORMAT: &str = "edgewatch-backup";
/// The version of how it is written.
pub const VERSION: u32 = 1;

/// The answer of `GET /api/edgewatch/v1/backup`, the head of a backup, and the body of `POST /api/edgewatch/v1/restore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BackupHead {
    /// `edgewatch-backup`.
    pub format: String,
    /// 1.
    pub version: u32,
    /// The newest migration of its database, such as `0029_restore.sql`.
    pub schema: String,
    /// The version of Edgewatch that it is of.
    pub edgewatch: String,
    /// When it was begun, Unix seconds.
    pub made_at_s: i64,
    /// What is to be read by `GET /api/edgewatch/v1/backup/{part}`, in this order.
    pub parts: Vec<String>,
}

/// The answer of `POST /api/edgewatch/v1/restore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RestoreReply {
    /// What may be sent.
    pub parts: Vec<String>,
}

/// The body of `POST /api/edgewatch/v1/restore/finish`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RestoreFinishRequest {
    /// How many rows were sent of each part.
    pub rows: BTreeMap<String, u64>,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RestoreFinishReply {
    /// How many rows there are now, of all parts.
    pub rows: u64,
}
