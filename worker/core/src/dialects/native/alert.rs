//! `/api/edgewatch/v1/alerts` and `/api/edgewatch/v1/quiet-hours`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::model::{Alert, QuietHours, Severity};

/// The answer of `GET /api/edgewatch/v1/alerts?state=&cursor=&limit=`, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertListReply {
    /// At most `limit` alerts.
    pub alerts: Vec<AlertPart>,
    /// Send it as `cursor` to get what is older; null at the end.
    pub cursor: Option<String>,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertPart {
    /// The alert's key.
    pub key: String,
    /// What found it: `rule`, `probe`, `probe_latency`, `probe_certificate`, `monitor`, `check`, `threshold`.
    pub source: &'static str,
    /// That thing's number.
    pub source_id: i64,
    /// The host, where there is one.
    pub host_id: Option<i64>,
    /// When it began, Unix seconds.
    pub opened_at_s: i64,
    /// When it was over; null while it goes on.
    pub closed_at_s: Option<i64>,
    /// A sentence.
    pub text: String,
    /// What was measured when it began; may be empty.
    pub detail: String,
    /// When somebody acknowledged it.
    pub acknowledged_at_s: Option<i64>,
    /// Who did: `user:<number>` or `token:<number>`.
    pub acknowledged_by: Option<String>,
    /// What that person is called; left out where it was a token, or nobody is known under the number any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_by_name: Option<String>,
    /// How bad it is, or was last: `critical`, `warning` or `unknown`.
    pub severity: &'static str,
    /// What somebody noted of it.
    pub note: Option<String>,
}

/// The body of `POST /api/edgewatch/v1/alerts/{key}/acknowledge`, which may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AcknowledgeRequest {
    /// Noted of the alert, in the place of what was; nothing is noted when it is left out. Empty takes a note away.
    #[serde(default)]
    pub note: Option<String>,
}

impl From<Alert> for AlertPart {
    fn from(alert: Alert) -> Self {
        let (at, by) = alert.acknowledged.map_or((None, None), |(at, by)| (Some(at.0), Some(by)));
        Self {
            key: alert.key,
            source: alert.cause.source.word(),
            source_id: alert.cause.id,
            host_id: alert.cause.real_host().map(|id| id.0),
            opened_at_s: alert.opened_at.0,
            closed_at_s: alert.closed_at.map(|at| at.0),
            text: alert.text,
            detail: alert.detail,
            acknowledged_at_s: at,
            acknowledged_by: by,
            acknowledged_by_name: None,
            severity: match alert.more.standing.severity {
                Severity::Critical => "critical",
                Severity::Warning => "warning",
                Severity::Unknown => "unknown",
            },
            note: Some(alert.more.memo).filter(|memo| !memo.is_empty()),
        }
    }
}

impl AlertPart {
    /// With the name of the person who acknowledged it, among the names of people by their numbers.
    #[must_use]
    pub fn with_name(mut self, names: &BTreeMap<i64, String>) -> Self {
        let number = self.acknowledged_by.as_deref().and_then(|by| by.strip_prefix("user:")?.parse().ok());
        self.acknowledged_by_name = number.and_then(|number: i64| names.get(&number).cloned());
        self
    }
}

/// The answer of `GET` and the body of `PUT /api/edgewatch/v1/quiet-hours`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuietHoursBody {
    /// Null for none.
    pub quiet_hours: Option<QuietHoursPart>,
}

/// When people are not to be disturbed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuietHoursPart {
    /// Such as `Europe/Berlin`.
    pub time_zone: String,
    /// `22:00`.
    pub from: String,
    /// `07:00`; at or before `from`, on the next day.
    pub to: String,
    /// Days on which they begin, of `mon tue wed thu fri sat sun`; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<Vec<String>>,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl From<&QuietHours> for QuietHoursPart {
    fn from(hours: &QuietHours) -> Self {
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let days = DAYS.iter().zip(hours.days).filter(|(_, is_on)| *is_on).map(|(day, _)| (*day).to_owned());
        Self {
            time_zone: hours.zone.clone(),
            from: time(hours.from_min),
            to: time(hours.to_min),
            days: Some(days.collect()),
        }
    }
}

impl TryFrom<QuietHoursPart> for QuietHours {
    type Error = Failure;

    fn try_from(part: QuietHoursPart) -> Result<Self, Failure> {
        let mut days = [part.days.is_none(); 7];
        for day in part.days.into_iter().flatten() {
            let at = DAYS.iter().position(|known| *known == day);
            let slot = at.and_then(|at| days.get_mut(at)).ok_or_else(|| invalid("days", "of mon to sun"))?;
            *slot = true;
        }
        Ok(Self {
            zone: part.time_zone,
            from_min: minutes("from", &part.from)?,
            to_min: minutes("to", &part.to)?,
            days,
        })
    }
}

fn minutes(field: &str, text: &str) -> Result<u16, Failure> {
    let read = || {
        let (hours, minutes) = text.split_once(':')?;
        let two = |part: &str| part.parse::<u16>().ok().filter(|_| part.len() == 2 && !part.starts_with('+'));
        let (hours, minutes) = (two(hours)?, two(minutes)?);
        (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
    };
    read().ok_or_else(|| invalid(field, "a time such as 22:00"))
}

fn invalid(field: &str, reason: &str) -> Failure {
    Failure::Invalid { field: field.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AlertDetails, Cause, HostId, RuleId, Standing};
    use crate::units::UnixSeconds;

    #[test]
    fn an_alert_names_whom_it_can() {
        let more = AlertDetails {
            standing: Standing { severity: Severity::Warning, value: None },
            memo: "disk is on its way".to_owned(),
            ..AlertDetails::default()
        };
        let alert = |by: &str| Alert {
            key: "k".to_owned(),
            cause: Cause::rule(RuleId(3), HostId(7)),
            opened_at: UnixSeconds(8),
            closed_at: None,
            text: "t".to_owned(),
            detail: String::new(),
            acknowledged: Some((UnixSeconds(9), by.to_owned())),
            more: more.clone(),
        };
        let names = BTreeMap::from([(1, "ada".to_owned())]);
        let name = |by: &str| AlertPart::from(alert(by)).with_name(&names).acknowledged_by_name;
        assert_eq!([name("user:1"), name("user:2"), name("token:1")], [Some("ada".to_owned()), None, None]);
        let text = serde_json::to_string(&AlertPart::from(alert("token:1"))).unwrap();
        assert!(text.ends_with(r#""severity":"warning","note":"disk is on its way"}"#), "{text}");
    }

    #[test]
    fn quiet_hours_come_back_as_they_were_sent() {
        let part = QuietHoursPart {
            time_zone: "Europe/Berlin".to_owned(),
            from: "22:00".to_owned(),
            to: "07:05".to_owned(),
            days: Some(vec!["mon".to_owned(), "sun".to_owned()]),
        };
        let hours = QuietHours::try_from(part.clone()).unwrap();
        assert_eq!((hours.from_min, hours.to_min), (1_320, 425));
        assert_eq!(QuietHoursPart::from(&hours), part);
        let every = QuietHours::try_from(QuietHoursPart { days: None, ..part.clone() }).unwrap();
        assert_eq!(every.days, [true; 7]);
        for (from, day) in [("24:00", "mon"), ("7:00", "mon"), ("+7:00", "mon"), ("", "mon"), ("07:00", "Mon")] {
            let wrong = QuietHoursPart { from: from.to_owned(), days: Some(vec![day.to_owned()]), ..part.clone() };
            assert!(QuietHours::try_from(wrong).is_err(), "{from} {day}");
        }
    }
}
