//! `GET /api/edgewatch/v1/audit`: who changed what.

use serde::Serialize;

use crate::model::AuditEntry;

/// The answer of `GET /api/edgewatch/v1/audit?cursor=&limit=`, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditListReply {
    /// At most `limit` changes.
    pub changes: Vec<AuditPart>,
    /// Send it as `cursor` to get what is older; null at the end.
    pub cursor: Option<String>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditPart {
    /// Its key.
    pub key: String,
    /// When, Unix seconds.
    pub at_s: i64,
    /// `user:<number>`, `token:<number>`, or a word for who had neither, such as `setup`.
    pub actor: String,
    /// What the user is called, or what is noted of the token; null for one that is no more. Any text at all.
    pub actor_name: Option<String>,
    /// What was done, such as `host.edit`.
    pub action: String,
    /// To what, as the action says it: a number, a name, or several. Any text at all.
    pub subject: String,
}

impl From<AuditEntry> for AuditPart {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { key, at, actor, actor_name, action, subject } = entry;
        Self { key, at_s: at.0, actor, actor_name, action, subject }
    }
}
