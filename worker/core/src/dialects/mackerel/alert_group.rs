//! How alerts are to be put together. Source: mackerel specification, 10.

use serde::{Deserialize, Serialize};

use super::read::{bounded, invalid, named, parse_object};
use super::scope::{self, Names};
use crate::failure::Failure;
use crate::model::AlertGroupSetting;

/// The longest name and the longest note, in characters.
const MAX_NAME_CHARS: usize = 512;
const MAX_MEMO_CHARS: usize = 10_000;
/// The shortest and the longest interval, minutes.
const INTERVAL_MIN: std::ops::RangeInclusive<u32> = 10..=525_600;

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlertGroupSettingPart {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Quirk: never null.
    pub memo: String,
    /// Names of services.
    pub service_scopes: Vec<String>,
    /// Full names of roles.
    pub role_scopes: Vec<String>,
    /// Ids of monitors.
    pub monitor_scopes: Vec<String>,
    /// Minutes. Quirk: not there where people are not told again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_interval: Option<u32>,
}

/// `GET /alert-group-settings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlertGroupSettingListReply {
    /// In the order in which they were made.
    pub alert_group_settings: Vec<AlertGroupSettingPart>,
}

/// `POST /alert-group-settings`, `PUT /alert-group-settings/<id>`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlertGroupSettingRequest {
    name: String,
    memo: Option<String>,
    service_scopes: Names,
    role_scopes: Names,
    monitor_scopes: Names,
    notification_interval: Option<i64>,
}

impl AlertGroupSettingRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what cannot be read.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        parse_object(body)
    }

    /// What it means.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what cannot be.
    pub fn checked(self) -> Result<AlertGroupSetting, Failure> {
        let minutes = |given: i64| u32::try_from(given).ok().filter(|minutes| INTERVAL_MIN.contains(minutes));
        let interval = self.notification_interval;
        let interval = interval
            .map(|given| minutes(given).ok_or_else(|| invalid("notificationInterval", "is not 10 minutes or more")));
        Ok(AlertGroupSetting {
            name: named(self.name, MAX_NAME_CHARS)?,
            memo: bounded("memo", self.memo.unwrap_or_default(), MAX_MEMO_CHARS)?,
            services: scope::services("serviceScopes", self.service_scopes)?,
            roles: scope::roles("roleScopes", self.role_scopes)?,
            monitors: scope::ids("monitorScopes", self.monitor_scopes)?,
            notification_interval_min: interval.transpose()?,
        })
    }
}

impl AlertGroupSettingPart {
    /// A setting with its id.
    pub fn of(id: String, setting: AlertGroupSetting) -> Self {
        Self {
            id,
            name: setting.name,
            memo: setting.memo,
            service_scopes: setting.services,
            role_scopes: scope::full(&setting.roles),
            monitor_scopes: setting.monitors,
            notification_interval: setting.notification_interval_min,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_comes_back_and_what_cannot_be_is_refused() {
        let read = |body: &str| AlertGroupSettingRequest::parse(body.as_bytes())?.checked();
        let full = concat!(
            r#"{"id":"1","name":"a","memo":"m","serviceScopes":["Shop"],"roleScopes":["Shop:web"],"#,
            r#""monitorScopes":["2cSZzK3XfmG"],"notificationInterval":60}"#
        );
        let answer = |body: &str| {
            serde_json::to_string(&AlertGroupSettingPart::of("1".to_owned(), read(body).unwrap())).unwrap()
        };
        assert_eq!(answer(full), full);
        assert_eq!(
            answer(r#"{"name":"a","notificationInterval":null,"roleScopes":null}"#),
            r#"{"id":"1","name":"a","memo":"","serviceScopes":[],"roleScopes":[],"monitorScopes":[]}"#
        );
        for bad in [
            "",
            "{}",
            "[]",
            r#"{"name":""}"#,
            r#"{"name":"a","notificationInterval":9}"#,
            r#"{"name":"a","notificationInterval":-60}"#,
            r#"{"name":"a","notificationInterval":"60"}"#,
            r#"{"name":"a","serviceScopes":["x"]}"#,
            r#"{"name":"a","roleScopes":["Shop"]}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
