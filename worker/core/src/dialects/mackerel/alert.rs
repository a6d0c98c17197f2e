//! Alerts and their log. Source: mackerel specification, 9.

use serde::{Deserialize, Serialize};

use super::read::{invalid, parse_object};
use crate::failure::Failure;
use crate::model::{AlertKind, AlertStep, Measured, NamedAlert, Severity};

/// The longest note, bytes.
const MAX_MEMO_BYTES: usize = 80 * 1024;
/// The longest reason, in characters; what is longer is cut.
const MAX_REASON_CHARS: usize = 2_048;
/// So many are on a page.
const MOST: u32 = 100;

/// An alert. What it does not have is left out, and never null.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlertPart {
    /// Its id.
    pub id: String,
    /// `OK` when it is over, else `CRITICAL`, `WARNING` or `UNKNOWN`.
    pub status: &'static str,
    /// The id of what found it.
    pub monitor_id: String,
    /// A monitor's type, or `check`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The id of its host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_id: Option<String>,
    /// What was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Of checks and of what is outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why somebody ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Unix seconds.
    pub opened_at: i64,
    /// Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<i64>,
    /// A note.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub memo: String,
}

/// `GET /alerts`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlertListReply {
    /// Newest first.
    pub alerts: Vec<AlertPart>,
    /// The id of the last one; left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_id: Option<String>,
}

/// `PUT /alerts/<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertMemoReply {
    /// Its id.
    pub id: String,
    /// The note.
    pub memo: String,
}

/// `GET /alerts/<id>/logs`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlertLogReply {
    /// Newest first.
    pub logs: Vec<AlertLogPart>,
    /// The id of the last one; left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_id: Option<String>,
}

/// A step of an alert. Quirk: what it does not have is null.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlertLogPart {
    /// Its id.
    pub id: String,
    /// Unix seconds.
    pub created_at: i64,
    /// As in [`AlertPart`].
    pub status: &'static str,
    /// What brought it about.
    pub trigger: &'static str,
    /// As in [`AlertPart`].
    pub monitor_id: Option<String>,
    /// What was measured.
    pub target_value: Option<f64>,
    /// What a check said.
    pub status_detail: Option<StatusDetailPart>,
}

/// What a check said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatusDetailPart {
    /// `check`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it said.
    pub detail: CheckDetailPart,
}

/// The inner part of [`StatusDetailPart`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckDetailPart {
    /// What it said.
    pub message: String,
    /// What is noted of it.
    pub memo: String,
}

impl From<NamedAlert> for AlertPart {
    fn from(named: NamedAlert) -> Self {
        let NamedAlert { alert, public_id, monitor_id, kind, host_id, .. } = named;
        let severity = Some(alert.more.standing.severity).filter(|_| alert.closed_at.is_none());
        let has_message = matches!(kind, AlertKind::Check | AlertKind::External);
        Self {
            id: public_id,
            status: Severity::status(severity),
            monitor_id,
            kind: kind.word(),
            host_id,
            value: alert.more.standing.value.map(Measured::get),
            message: has_message.then_some(alert.detail),
            reason: alert.more.reason,
            opened_at: alert.opened_at.0,
            closed_at: alert.closed_at.map(|at| at.0),
            memo: alert.more.memo,
        }
    }
}

impl AlertLogPart {
    /// A step with this id of an alert.
    pub fn of(alert: &NamedAlert, id: String, step: AlertStep) -> Self {
        let memo = || alert.check_memo.clone().unwrap_or_default();
        let detail = (alert.kind == AlertKind::Check).then(|| StatusDetailPart {
            kind: "check",
            detail: CheckDetailPart { message: step.detail, memo: memo() },
        });
        Self {
            id,
            created_at: step.at.0,
            status: Severity::status(step.severity),
            trigger: step.trigger.word(),
            monitor_id: Some(alert.monitor_id.clone()),
            target_value: step.value.map(Measured::get),
            status_detail: detail,
        }
    }
}

/// As it is sent.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemoRequest {
    memo: String,
}

/// As it is sent.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CloseRequest {
    reason: String,
}

/// The note of a body of `PUT /alerts/<id>`.
///
/// # Errors
/// [`Failure::Malformed`] for what cannot be read; [`Failure::TooLarge`] for too long a note.
pub fn read_memo(body: &[u8]) -> Result<String, Failure> {
    let memo = parse_object::<MemoRequest>(body)?.memo;
    if memo.len() > MAX_MEMO_BYTES { Err(Failure::TooLarge { limit_bytes: MAX_MEMO_BYTES }) } else { Ok(memo) }
}

/// The reason of a body of `POST /alerts/<id>/close`; it may be empty.
///
/// # Errors
/// [`Failure::Malformed`] for what cannot be read.
pub fn read_reason(body: &[u8]) -> Result<String, Failure> {
    let reason = parse_object::<CloseRequest>(body)?.reason;
    Ok(reason.chars().take(MAX_REASON_CHARS).collect())
}

/// The `nextId` and the limit of a page, where an empty one is as good as none.
///
/// # Errors
/// [`Failure::Invalid`] for a limit that is not 1 to 100.
pub fn read_page(pairs: &[(String, String)]) -> Result<(Option<String>, u32), Failure> {
    let value = |key: &str| {
        let found = pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        found.filter(|value| !value.is_empty())
    };
    let limit = match value("limit") {
        None => MOST,
        Some(text) => {
            let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
            limit.ok_or_else(|| invalid("limit", "is not 1 to 100"))?
        }
    };
    Ok((value("nextId"), limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Alert, AlertDetails, Cause, CheckId, HostId, Standing, Trigger};
    use crate::units::UnixSeconds;

    fn named(kind: AlertKind, closed_at: Option<i64>) -> NamedAlert {
        let standing = Standing { severity: Severity::Warning, value: Some(Measured::of(4.5)) };
        NamedAlert {
            alert: Alert {
                key: "k".to_owned(),
                cause: Cause::check(CheckId(1), HostId(2)),
                opened_at: UnixSeconds(10),
                closed_at: closed_at.map(UnixSeconds),
                text: "t".to_owned(),
                detail: "d".to_owned(),
                acknowledged: None,
                more: AlertDetails { standing, ..AlertDetails::default() },
            },
            public_id: "A".to_owned(),
            monitor_id: "M".to_owned(),
            kind,
            host_id: Some("H".to_owned()),
            check_memo: Some("n".to_owned()),
        }
    }

    #[test]
    fn an_alert_has_what_its_type_has_and_nothing_is_null() {
        let json = |named| serde_json::to_string(&AlertPart::from(named)).unwrap();
        assert_eq!(
            json(named(AlertKind::Host, None)),
            r#"{"id":"A","status":"WARNING","monitorId":"M","type":"host","hostId":"H","value":4.5,"openedAt":10}"#
        );
        let mut over = named(AlertKind::Check, Some(20));
        (over.alert.more.standing.value, over.host_id) = (None, None);
        (over.alert.more.reason, over.alert.more.memo) = (Some(String::new()), "m".to_owned());
        assert_eq!(
            json(over),
            concat!(
                r#"{"id":"A","status":"OK","monitorId":"M","type":"check","message":"d","reason":"","openedAt":10,"#,
                r#""closedAt":20,"memo":"m"}"#
            )
        );
    }

    #[test]
    fn a_step_says_null_for_what_it_does_not_have() {
        let step = |severity| AlertStep {
            key: "k".to_owned(),
            at: UnixSeconds(11),
            severity,
            value: None,
            trigger: Trigger::HostRetire,
            detail: "d".to_owned(),
        };
        let json = |kind, severity| {
            let part = AlertLogPart::of(&named(kind, None), "L".to_owned(), step(severity));
            serde_json::to_string(&part).unwrap()
        };
        assert_eq!(
            json(AlertKind::Host, None),
            concat!(
                r#"{"id":"L","createdAt":11,"status":"OK","trigger":"hostRetire","monitorId":"M","targetValue":null,"#,
                r#""statusDetail":null}"#
            )
        );
        let check = json(AlertKind::Check, Some(Severity::Critical));
        assert!(check.ends_with(r#""statusDetail":{"type":"check","detail":{"message":"d","memo":"n"}}}"#), "{check}");
    }

    #[test]
    fn pages_notes_and_reasons_are_bounded() {
        let page = |query: &[(&str, &str)]| {
            let pairs: Vec<_> = query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            read_page(&pairs)
        };
        assert_eq!(page(&[("nextId", ""), ("limit", "100")]), Ok((None, 100)));
        assert_eq!(page(&[("nextId", "x"), ("limit", "")]), Ok((Some("x".to_owned()), 100)));
        for bad in ["0", "101", "-1", "x", "1.5"] {
            assert!(page(&[("limit", bad)]).is_err(), "{bad}");
        }
        assert_eq!(read_reason(br#"{"reason":""}"#), Ok(String::new()));
        for bad in ["{}", "", "null", r#"{"reason":null}"#] {
            assert!(matches!(read_reason(bad.as_bytes()), Err(Failure::Malformed { .. })), "{bad}");
        }
        let memo = |bytes: usize| read_memo(format!(r#"{{"memo":"{}"}}"#, "x".repeat(bytes)).as_bytes());
        assert!(memo(80 * 1024).is_ok());
        assert_eq!(memo(80 * 1024 + 1), Err(Failure::TooLarge { limit_bytes: 80 * 1024 }));
    }
}
