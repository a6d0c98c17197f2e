//! Checks of hosts. Source: mackerel specification, 3.12 and 7.

use serde::{Deserialize, Serialize};

use super::names::is_check_name;
use super::read::{invalid, parse_object};
use crate::failure::Failure;
use crate::model::{Check, CheckReport, MonitoredStatus, Severity};
use crate::units::UnixSeconds;

/// So many reports are in one request.
const MOST_REPORTS: usize = 100;
/// The longest message, in characters; what is longer is cut.
const MAX_MESSAGE_CHARS: usize = 1_024;
const LEAST_INTERVAL_MIN: f64 = 10.0;
const MOST_INTERVAL_MIN: f64 = 525_600.0;

/// `POST /monitoring/checks/report`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReportsRequest {
    reports: Vec<ReportPart>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct ReportPart {
    source: SourcePart,
    name: String,
    status: String,
    #[serde(default)]
    message: Option<String>,
    /// Quirk: a fraction is cut off.
    occurred_at: f64,
    #[serde(default)]
    notification_interval: Option<f64>,
    #[serde(default)]
    max_check_attempts: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct SourcePart {
    #[serde(rename = "type")]
    kind: String,
    host_id: String,
}

impl ReportsRequest {
    /// What checks report, by the ids of their hosts. One whose name is none, or whose status is, costs itself: the others are good.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is no list of reports, each whole; [`Failure::Invalid`] for too many, or when none is good.
    pub fn parse(body: &[u8]) -> Result<Vec<(String, CheckReport)>, Failure> {
        let request: Self = parse_object(body)?;
        if request.reports.len() > MOST_REPORTS {
            return Err(invalid("reports", "are more than 100"));
        }
        let posted = request.reports.len();
        let good: Vec<_> = request.reports.into_iter().filter_map(ReportPart::into_report).collect();
        if good.is_empty() && posted > 0 {
            let reason = "are none of a host with a check's name and OK, WARNING, CRITICAL or UNKNOWN";
            return Err(invalid("reports", reason));
        }
        Ok(good)
    }
}

impl ReportPart {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast from double saturates, and the others are within bounds"
    )]
    fn into_report(self) -> Option<(String, CheckReport)> {
        let severity = match self.status.as_str() {
            "OK" => None,
            word => Some(Severity::parse(word)?),
        };
        if self.source.kind != "host" || !is_check_name(&self.name) {
            return None;
        }
        let minutes = self.notification_interval.filter(|minutes| *minutes > 0.0);
        let report = CheckReport {
            name: self.name,
            severity,
            message: self.message.unwrap_or_default().chars().take(MAX_MESSAGE_CHARS).collect(),
            at: UnixSeconds(self.occurred_at as i64),
            every_min: minutes.map(|minutes| minutes.clamp(LEAST_INTERVAL_MIN, MOST_INTERVAL_MIN) as u32),
            attempts: self.max_check_attempts.map_or(1, |attempts| attempts.clamp(1.0, 10.0) as u32),
            is_steady: false,
        };
        Some((self.source.host_id, report))
    }
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckPart {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// `GET /monitoring/checks/<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckReply {
    /// The check.
    pub check: CheckPart,
}

/// `GET /monitoring/checks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CheckListReply {
    /// By id.
    pub checks: Vec<CheckPart>,
    /// The id of the next one; left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_id: Option<String>,
}

impl From<Check> for CheckPart {
    fn from(check: Check) -> Self {
        Self { id: check.public_id, name: check.name }
    }
}

/// `GET /hosts/<id>/monitored-statuses`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MonitoredStatusesReply {
    /// One for each monitor that looks at the host, and for each check of it that reported.
    pub monitored_statuses: Vec<MonitoredPart>,
}

/// How it stands with a monitor or a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MonitoredPart {
    /// Its id.
    pub monitor_id: String,
    /// `OK`, `WARNING`, `CRITICAL` or `UNKNOWN`.
    pub status: &'static str,
    /// Of a check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<DetailPart>,
}

/// What a check says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DetailPart {
    /// `check`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it said last.
    pub message: String,
    /// What is noted of it.
    pub memo: String,
}

impl From<MonitoredStatus> for MonitoredPart {
    fn from(status: MonitoredStatus) -> Self {
        let detail = status.check.map(|(message, memo)| DetailPart { kind: "check", message, memo });
        Self { monitor_id: status.public_id, status: Severity::status(status.severity), detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(reports: &str) -> Result<Vec<(String, CheckReport)>, Failure> {
        ReportsRequest::parse(format!(r#"{{"reports":[{reports}]}}"#).as_bytes())
    }

    fn report(name: &str, more: &str) -> String {
        format!(
            r#"{{"source":{{"type":"host","hostId":"4eXAMPLE001"}},"name":"{name}","status":"CRITICAL",
                "message":"text\n","occurredAt":1795360479{more}}}"#
        )
    }

    #[test]
    fn what_the_stock_agent_really_sends_is_taken() {
        let whole = parse(&report("hello", r#","notificationInterval":3,"maxCheckAttempts":2"#)).unwrap();
        let expected = CheckReport {
            name: "hello".to_owned(),
            severity: Some(Severity::Critical),
            message: "text\n".to_owned(),
            at: UnixSeconds(1_795_360_479),
            every_min: Some(10),
            attempts: 2,
            is_steady: false,
        };
        assert_eq!(whole, [("4eXAMPLE001".to_owned(), expected)]);
        let bare = parse(&report("hello", r#".9,"notificationInterval":null,"maxCheckAttempts":null"#)).unwrap();
        assert_eq!((bare[0].1.every_min, bare[0].1.attempts, bare[0].1.at.0), (None, 1, 1_795_360_479));
        assert_eq!(parse("").unwrap(), []);
        let long = report("a", "").replace("text", &"ä".repeat(2_000));
        assert_eq!(parse(&long).unwrap()[0].1.message.chars().count(), 1_024);
    }

    #[test]
    fn one_bad_report_costs_itself_and_none_good_is_refused() {
        assert_eq!(parse(&format!("{},{}", report("a b", ""), report("ab", ""))).unwrap().len(), 1);
        let up = report("ab", "").replace("CRITICAL", "UP");
        let service = report("ab", "").replace(r#""host","#, r#""service","#);
        for bad in [report("a b", ""), up, service, report("", "")] {
            assert!(matches!(parse(&bad), Err(Failure::Invalid { .. })), "{bad}");
        }
        assert!(matches!(parse(&vec![report("a", ""); 101].join(",")), Err(Failure::Invalid { .. })));
        assert!(parse(&vec![report("a", ""); 100].join(",")).is_ok());
        for bad in ["", "null", "[]", "{}", r#"{"reports":null}"#, r#"{"reports":{}}"#, r#"{"reports":[{}]}"#] {
            assert!(matches!(ReportsRequest::parse(bad.as_bytes()), Err(Failure::Malformed { .. })), "{bad}");
        }
        let text = report("a", "").replace("1795360479", r#""1795360479""#);
        assert!(matches!(parse(&text), Err(Failure::Malformed { .. })));
    }

    #[test]
    fn only_a_check_has_details() {
        let id = || "2cSZzK3XfmG".to_owned();
        let check = Some(("m".to_owned(), String::new()));
        let parts = [
            MonitoredStatus { public_id: id(), severity: None, check: None },
            MonitoredStatus { public_id: id(), severity: Some(Severity::Unknown), check },
        ];
        let reply = MonitoredStatusesReply { monitored_statuses: parts.map(MonitoredPart::from).to_vec() };
        assert_eq!(
            serde_json::to_string(&reply).unwrap(),
            concat!(
                r#"{"monitoredStatuses":[{"monitorId":"2cSZzK3XfmG","status":"OK"},{"monitorId":"2cSZzK3XfmG","#,
                r#""status":"UNKNOWN","detail":{"type":"check","message":"m","memo":""}}]}"#
            )
        );
    }
}
