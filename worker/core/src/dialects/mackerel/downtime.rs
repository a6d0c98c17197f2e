//! Downtimes. Source: mackerel specification, 10.

use serde::{Deserialize, Serialize};

use super::read::{bounded, invalid, named, parse_object};
use super::scope::{self, Names};
use crate::failure::Failure;
use crate::model::{CycleUnit, Downtime, DowntimeScope, Recurrence};
use crate::units::UnixSeconds;

/// The longest name and the longest note, in characters.
const MAX_NAME_CHARS: usize = 512;
const MAX_MEMO_CHARS: usize = 10_000;
/// No time is later than this: the year 3058.
const LAST_S: i64 = 1 << 35;
/// The longest that one lasts, minutes: ten years.
const MAX_DURATION_MIN: u32 = 10 * 366 * 24 * 60;
/// After so many units it comes again at the latest.
const MAX_INTERVAL: u32 = 10_000;

/// The words for units, and what they count.
const UNITS: [(&str, CycleUnit); 5] = [
    ("hourly", CycleUnit::Hour),
    ("daily", CycleUnit::Day),
    ("weekly", CycleUnit::Week),
    ("monthly", CycleUnit::Month),
    ("yearly", CycleUnit::Year),
];
/// From Monday on.
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A downtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DowntimePart {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Quirk: never null.
    pub memo: String,
    /// Whole Unix seconds.
    pub start: i64,
    /// Minutes.
    pub duration: u32,
    /// Quirk: not there for one that does not come again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<RecurrencePart>,
    /// Names of services.
    pub service_scopes: Vec<String>,
    /// Names of services.
    pub service_exclude_scopes: Vec<String>,
    /// Full names of roles.
    pub role_scopes: Vec<String>,
    /// Full names of roles.
    pub role_exclude_scopes: Vec<String>,
    /// Ids of monitors.
    pub monitor_scopes: Vec<String>,
    /// Ids of monitors.
    pub monitor_exclude_scopes: Vec<String>,
}

/// How a downtime comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecurrencePart {
    /// `hourly`, `daily`, `weekly`, `monthly` or `yearly`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// After how many of them.
    pub interval: u32,
    /// Of a week; there for weekly ones that name days alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<&'static str>,
    /// Whole Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// `GET /downtimes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DowntimeListReply {
    /// In the order in which they were made.
    pub downtimes: Vec<DowntimePart>,
}

/// `POST /downtimes`, `PUT /downtimes/<id>`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DowntimeRequest {
    name: String,
    memo: Option<String>,
    start: i64,
    duration: i64,
    recurrence: Option<RecurrenceRequest>,
    service_scopes: Names,
    service_exclude_scopes: Names,
    role_scopes: Names,
    role_exclude_scopes: Names,
    monitor_scopes: Names,
    monitor_exclude_scopes: Names,
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct RecurrenceRequest {
    #[serde(rename = "type")]
    kind: String,
    interval: i64,
    weekdays: Option<Vec<String>>,
    until: Option<i64>,
}

impl DowntimeRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what cannot be read.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        parse_object(body)
    }

    /// What it means; its calendar is UTC's.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what cannot be.
    pub fn checked(self) -> Result<Downtime, Failure> {
        Ok(Downtime {
            name: named(self.name, MAX_NAME_CHARS)?,
            memo: bounded("memo", self.memo.unwrap_or_default(), MAX_MEMO_CHARS)?,
            start: time("start", self.start)?,
            start_offset_s: 0,
            duration_min: number("duration", self.duration, MAX_DURATION_MIN)?,
            recurrence: self.recurrence.map(RecurrenceRequest::checked).transpose()?,
            scope: DowntimeScope {
                services: scope::services("serviceScopes", self.service_scopes)?,
                excluded_services: scope::services("serviceExcludeScopes", self.service_exclude_scopes)?,
                roles: scope::roles("roleScopes", self.role_scopes)?,
                excluded_roles: scope::roles("roleExcludeScopes", self.role_exclude_scopes)?,
                monitors: scope::ids("monitorScopes", self.monitor_scopes)?,
                excluded_monitors: scope::ids("monitorExcludeScopes", self.monitor_exclude_scopes)?,
            },
        })
    }
}

impl RecurrenceRequest {
    fn checked(self) -> Result<Recurrence, Failure> {
        let unit = UNITS.into_iter().find(|(word, _)| *word == self.kind).map(|(_, unit)| unit);
        let unit = unit.ok_or_else(|| invalid("recurrence", "type is not hourly, daily, weekly, monthly or yearly"))?;
        let mut weekdays = [false; 7];
        for name in self.weekdays.unwrap_or_default() {
            let day = WEEKDAYS.iter().zip(&mut weekdays).find(|(word, _)| **word == name);
            *day.ok_or_else(|| invalid("recurrence", "weekdays are Sunday to Saturday"))?.1 = true;
        }
        if unit != CycleUnit::Week && weekdays.contains(&true) {
            return Err(invalid("recurrence", "weekdays belong to weekly ones"));
        }
        let until = self.until.map(|until| time("recurrence", until)).transpose()?;
        Ok(Recurrence { unit, interval: number("recurrence", self.interval, MAX_INTERVAL)?, weekdays, until })
    }
}

fn time(field: &str, at: i64) -> Result<UnixSeconds, Failure> {
    if (0..=LAST_S).contains(&at) { Ok(UnixSeconds(at)) } else { Err(invalid(field, "is no time since 1970")) }
}

fn number(field: &str, number: i64, most: u32) -> Result<u32, Failure> {
    let number = u32::try_from(number).ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| invalid(field, format!("is not a number from 1 to {most}")))
}

impl DowntimePart {
    /// A downtime with its id.
    pub fn of(id: String, Downtime { name, memo, start, duration_min, recurrence, scope, .. }: Downtime) -> Self {
        Self {
            id,
            name,
            memo,
            start: start.0,
            duration: duration_min,
            recurrence: recurrence.map(RecurrencePart::from),
            role_scopes: scope::full(&scope.roles),
            role_exclude_scopes: scope::full(&scope.excluded_roles),
            service_scopes: scope.services,
            service_exclude_scopes: scope.excluded_services,
            monitor_scopes: scope.monitors,
            monitor_exclude_scopes: scope.excluded_monitors,
        }
    }
}

impl From<Recurrence> for RecurrencePart {
    fn from(recurrence: Recurrence) -> Self {
        let kind = UNITS.into_iter().find(|(_, unit)| *unit == recurrence.unit).map_or("", |(word, _)| word);
        let named = WEEKDAYS.into_iter().zip(recurrence.weekdays).filter(|(_, is_named)| *is_named);
        Self {
            kind,
            interval: recurrence.interval,
            weekdays: named.map(|(word, _)| word).collect(),
            until: recurrence.until.map(|until| until.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Downtime, Failure> {
        DowntimeRequest::parse(body.as_bytes())?.checked()
    }

    #[test]
    fn what_was_sent_is_answered_and_what_was_not_is_empty() {
        let full = concat!(
            r#"{"id":"11111111112","name":"d","memo":"m","start":1795361186,"duration":60,"#,
            r#""recurrence":{"type":"weekly","interval":2,"weekdays":["Monday","Sunday"],"until":1895361186},"#,
            r#""serviceScopes":["Shop"],"serviceExcludeScopes":["Other"],"roleScopes":["Shop:web"],"#,
            r#""roleExcludeScopes":["Shop:db"],"monitorScopes":["2cSZzK3XfmG"],"monitorExcludeScopes":["2cSZzK3XfmH"]}"#
        );
        let answer = |body: &str| {
            serde_json::to_string(&DowntimePart::of("11111111112".to_owned(), read(body).unwrap())).unwrap()
        };
        assert_eq!(answer(full), full);
        let least =
            r#"{"name":"d","start":1795361186,"duration":60,"memo":null,"recurrence":null,"serviceScopes":null}"#;
        assert_eq!(
            answer(least),
            concat!(
                r#"{"id":"11111111112","name":"d","memo":"","start":1795361186,"duration":60,"serviceScopes":[],"#,
                r#""serviceExcludeScopes":[],"roleScopes":[],"roleExcludeScopes":[],"monitorScopes":[],"monitorExcludeScopes":[]}"#
            )
        );
        let daily = r#"{"name":"d","start":0,"duration":1,"recurrence":{"type":"daily","interval":1,"weekdays":null,"until":null}}"#;
        assert!(answer(daily).contains(r#""recurrence":{"type":"daily","interval":1},"#));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"name":"","start":0,"duration":1}"#,
            r#"{"name":null,"start":0,"duration":1}"#,
            r#"{"name":"d","duration":1}"#,
            r#"{"name":"d","start":"0","duration":1}"#,
            r#"{"name":"d","start":-1,"duration":1}"#,
            r#"{"name":"d","start":99999999999999,"duration":1}"#,
            r#"{"name":"d","start":0,"duration":0}"#,
            r#"{"name":"d","start":0,"duration":5000000000}"#,
            r#"{"name":"d","start":0,"duration":1,"serviceScopes":"Shop"}"#,
            r#"{"name":"d","start":0,"duration":1,"serviceScopes":["a b"]}"#,
            r#"{"name":"d","start":0,"duration":1,"roleScopes":["Shop"]}"#,
            r#"{"name":"d","start":0,"duration":1,"monitorScopes":[""]}"#,
            r#"{"name":"d","start":0,"duration":1,"recurrence":{"type":"weekly"}}"#,
            r#"{"name":"d","start":0,"duration":1,"recurrence":{"type":"once","interval":1}}"#,
            r#"{"name":"d","start":0,"duration":1,"recurrence":{"type":"daily","interval":0}}"#,
            r#"{"name":"d","start":0,"duration":1,"recurrence":{"type":"daily","interval":1,"until":-5}}"#,
            r#"{"name":"d","start":0,"duration":1,"recurrence":{"type":"daily","interval":1,"weekdays":["Monday"]}}"#,
            r#"{"name":"d","start":0,"duration":1,"recurrence":{"type":"weekly","interval":1,"weekdays":["monday"]}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
