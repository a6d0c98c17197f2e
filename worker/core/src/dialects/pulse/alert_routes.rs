//! `/api/alerts`: what is asked for there, and the answers that are no alerts. Source: pulse specification, 12.4.

use serde::{Deserialize, Serialize};

use super::alert::level;
use super::read;
use crate::failure::Failure;
use crate::model::Severity;
use crate::model::proxmox::ResourceAlert;
use crate::units::UnixSeconds;
use crate::units::calendar::parse_rfc3339;

/// Which alerts of the past are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    /// At most so many, newest first.
    pub limit: usize,
    /// So many of the newest are left out.
    pub offset: usize,
    /// None that began before.
    pub from: Option<UnixSeconds>,
    /// None that began after.
    pub to: Option<UnixSeconds>,
    /// Of this level alone.
    pub level: Option<Severity>,
    /// Of this resource alone.
    pub resource_id: Option<String>,
}

impl HistoryQuery {
    /// So many when nothing is said, or nothing that makes sense.
    const USUAL: usize = 100;
    /// So many at most.
    const MOST: usize = 10_000;

    /// Reads the values of a query, in which of equal names the first counts.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a time that is none.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Failure> {
        let mut query = Self { limit: Self::USUAL, offset: 0, from: None, to: None, level: None, resource_id: None };
        for (name, value) in pairs {
            match name {
                "limit" => {
                    let count = value.parse::<usize>().ok().filter(|count| *count > 0);
                    query.limit = count.unwrap_or(Self::USUAL).min(Self::MOST);
                }
                "offset" => query.offset = value.parse().unwrap_or(0),
                "startTime" => query.from = instant(name, value)?,
                "endTime" => query.to = instant(name, value)?,
                "severity" => {
                    query.level = match value {
                        "critical" => Some(Severity::Critical),
                        "warning" => Some(Severity::Warning),
                        _ => None,
                    };
                }
                "resourceId" if !value.is_empty() => query.resource_id = Some(value.to_owned()),
                _ => {}
            }
        }
        Ok(query)
    }

    /// Whether an alert is among those asked for.
    pub fn has(&self, alert: &ResourceAlert) -> bool {
        self.from.is_none_or(|from| alert.started_at >= from)
            && self.to.is_none_or(|to| alert.started_at <= to)
            && self.level.is_none_or(|asked| level(asked) == level(alert.severity))
            && self.resource_id.as_ref().is_none_or(|id| *id == alert.resource.id)
    }
}

fn instant(name: &str, value: &str) -> Result<Option<UnixSeconds>, Failure> {
    if value.is_empty() {
        return Ok(None);
    }
    let (at, _) = parse_rfc3339(value).ok_or_else(|| read::invalid(name, "must be a time by RFC 3339"))?;
    Ok(Some(at))
}

/// What is asked for at a path below `/api/alerts/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertPath {
    /// `active`.
    Active,
    /// `history`.
    History,
    /// `config`.
    Config,
    /// `activate`.
    Activate,
    /// `bulk/acknowledge`.
    BulkAcknowledge,
    /// `bulk/clear`.
    BulkClear,
    /// `{id}/acknowledge`, with the id as it stands in the path.
    Acknowledge(String),
    /// `{id}/unacknowledge`.
    Unacknowledge(String),
    /// `{id}/clear`.
    Clear(String),
}

impl AlertPath {
    /// Reads what stands behind `/api/alerts/`; `None` for nothing that there is. An id is everything before the last segment.
    pub fn parse(rest: &str) -> Option<Self> {
        let fixed = match rest {
            "active" => Some(Self::Active),
            "history" => Some(Self::History),
            "config" => Some(Self::Config),
            "activate" => Some(Self::Activate),
            "bulk/acknowledge" => Some(Self::BulkAcknowledge),
            "bulk/clear" => Some(Self::BulkClear),
            _ => None,
        };
        fixed.or_else(|| match rest.rsplit_once('/').filter(|(id, _)| !id.is_empty())? {
            (id, "acknowledge") => Some(Self::Acknowledge(id.to_owned())),
            (id, "unacknowledge") => Some(Self::Unacknowledge(id.to_owned())),
            (id, "clear") => Some(Self::Clear(id.to_owned())),
            _ => None,
        })
    }
}

/// `POST /api/alerts/bulk/acknowledge` and `/clear`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BulkRequest {
    /// Which alerts.
    #[serde(default, deserialize_with = "read::list")]
    pub alert_ids: Vec<String>,
    /// Who does it.
    #[serde(default, deserialize_with = "read::text")]
    pub user: String,
}

impl BulkRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for one that cannot be read, or names none.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let request: Self = read::parse(body)?;
        if request.alert_ids.is_empty() { Err(read::bad("No alert IDs provided")) } else { Ok(request) }
    }
}

/// What came of a [`BulkRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BulkReply {
    /// In the order asked.
    pub results: Vec<BulkResult>,
}

/// What came of it at one alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BulkResult {
    /// Which alert.
    pub alert_id: String,
    /// Whether it was done.
    pub success: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl BulkResult {
    /// What is said of this alert: done, or there is none of that id.
    pub fn new(alert_id: String, is_done: bool) -> Self {
        let error = (!is_done).then(|| format!("alert not found: {alert_id}"));
        Self { alert_id, success: is_done, error }
    }
}

/// `DELETE /api/alerts/history` and `POST /api/notifications/alerts/clear`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HistoryClearedReply {
    status: &'static str,
    message: &'static str,
}

impl HistoryClearedReply {
    /// It is empty.
    pub const DONE: Self = Self { status: "success", message: "Alert history cleared" };
}

/// `POST /api/alerts/activate`: alerts are always told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActivatedReply {
    success: bool,
    state: &'static str,
}

impl ActivatedReply {
    /// They are.
    pub const DONE: Self = Self { success: true, state: "active" };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::pulse::alert::tests::alert;
    use crate::model::{ResourceKind, ThresholdMetric};

    #[test]
    fn the_past_is_asked_for_by_number_time_level_and_resource() {
        let of = |pairs: &[(&'static str, &'static str)]| HistoryQuery::of(pairs.iter().copied());
        let limit = |value: &'static str| of(&[("limit", value)]).unwrap().limit;
        assert_eq!((of(&[]).unwrap().limit, limit("5"), limit("0"), limit("-3"), limit("x")), (100, 5, 100, 100, 100));
        assert_eq!(limit("99999"), 10_000);
        let found = alert(ResourceKind::Vm, Some(ThresholdMetric::Cpu));
        for (pair, is_in) in [
            (("severity", "warning"), true),
            (("severity", "critical"), false),
            (("resourceId", "lab-pve1-101"), true),
            (("resourceId", "lab"), false),
            (("startTime", "2025-08-12T09:58:00Z"), true),
            (("startTime", "2025-08-12T09:58:01Z"), false),
            (("endTime", "2025-08-12T11:58:00+02:00"), true),
            (("endTime", "2025-08-12T09:57:59Z"), false),
        ] {
            assert_eq!(of(&[pair]).unwrap().has(&found), is_in, "{pair:?}");
        }
        assert!(of(&[("startTime", "yesterday")]).is_err());
    }

    #[test]
    fn words_come_before_ids_which_may_hold_anything() {
        let id = |text: &str| text.to_owned();
        for (rest, path) in [
            ("active", AlertPath::Active),
            ("history", AlertPath::History),
            ("config", AlertPath::Config),
            ("activate", AlertPath::Activate),
            ("bulk/acknowledge", AlertPath::BulkAcknowledge),
            ("bulk/clear", AlertPath::BulkClear),
            ("lab-pve1-101-cpu/acknowledge", AlertPath::Acknowledge(id("lab-pve1-101-cpu"))),
            ("lab:a.b/c-usage/clear", AlertPath::Clear(id("lab:a.b/c-usage"))),
            ("a/unacknowledge", AlertPath::Unacknowledge(id("a"))),
        ] {
            assert_eq!(AlertPath::parse(rest), Some(path));
        }
        for rest in ["", "x", "/clear", "a/b", "clear"] {
            assert_eq!(AlertPath::parse(rest), None, "{rest}");
        }
    }

    #[test]
    fn many_are_acknowledged_at_once() {
        let request = BulkRequest::parse(br#"{"alertIds":["a"],"user":null}"#).unwrap();
        assert_eq!((request.alert_ids.as_slice(), request.user.as_str()), (["a".to_owned()].as_slice(), ""));
        assert!(BulkRequest::parse(b"{}").is_err() && BulkRequest::parse(b"").is_err());
        let reply =
            BulkReply { results: vec![BulkResult::new("a".to_owned(), true), BulkResult::new("b".to_owned(), false)] };
        let json = r#"{"results":[{"alertId":"a","success":true},{"alertId":"b","success":false,"error":"alert not found: b"}]}"#;
        assert_eq!(serde_json::to_string(&reply).unwrap(), json);
    }

    #[test]
    fn what_was_done_is_said() {
        let cleared = r#"{"status":"success","message":"Alert history cleared"}"#;
        assert_eq!(serde_json::to_string(&HistoryClearedReply::DONE).unwrap(), cleared);
        assert_eq!(serde_json::to_string(&ActivatedReply::DONE).unwrap(), r#"{"success":true,"state":"active"}"#);
    }
}
