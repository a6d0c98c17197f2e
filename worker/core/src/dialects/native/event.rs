//! `GET /api/edgewatch/v1/events`.

use serde::Serialize;

use crate::model;

/// The answer of `GET /api/edgewatch/v1/events?cursor=&limit=`, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventListReply {
    /// At most `limit` events.
    pub events: Vec<EventPart>,
    /// Send it as `cursor` to get what is older; null at the end.
    pub cursor: Option<String>,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventPart {
    /// The event's key, the same in every notification of it.
    pub key: String,
    /// `host_offline`, `host_online`, `monitoring_impaired`, `duplicate_machine`, `budget_tight`.
    pub kind: &'static str,
    /// The host's number, where there is one.
    pub host_id: Option<i64>,
    /// Unix seconds.
    pub at_s: i64,
    /// A sentence.
    pub text: String,
}

impl From<model::Event> for EventPart {
    fn from(event: model::Event) -> Self {
        Self {
            key: event.key,
            kind: event.kind.word(),
            host_id: event.host_id.map(|id| id.0),
            at_s: event.at.0,
            text: event.text,
        }
    }
}
