//! `GET /api/edgewatch/v1/events`.

use serde::Serialize;

use crate::model;

/// The answer of `GET /api/edgewatch/v1/events?host=&cursor=&limit=`, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventListReply {
    /// At most `limit` events.
    pub events: Vec<EventPart>,
    /// Send it as `cursor` to get what is older; null at the end.
    pub cursor: Option<String>,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventPart {
    /// The event's key, the same in every notification of it.
    pub key: String,
    /// `host_offline`, `host_online`, `monitoring_impaired`, `duplicate_machine`, `budget_tight`, `address_changed`,
    /// `alert_fired`, `alert_changed`, `alert_reminder`, `alert_escalated`, `alert_recovered`, `alert_withdrawn`.
    pub kind: &'static str,
    /// The host's number, where there is one.
    pub host_id: Option<i64>,
    /// Unix seconds.
    pub at_s: i64,
    /// A sentence.
    pub text: String,
    /// The key of the alert it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
    /// The rule of that alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<i64>,
    /// Which group of channels was told; not there for the default one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Whether nobody was told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub quiet: bool,
}

impl From<model::Event> for EventPart {
    fn from(event: model::Event) -> Self {
        let rule = event.alert.as_ref().and_then(|alert| alert.cause.rule_id());
        Self {
            key: event.key,
            kind: event.kind.word(),
            host_id: event.host_id.map(|id| id.0),
            at_s: event.at.0,
            text: event.text,
            alert: event.alert.map(|alert| alert.key),
            rule_id: rule.map(|rule| rule.0),
            group: event.group,
            quiet: event.is_quiet,
        }
    }
}
