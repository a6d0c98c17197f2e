//! `GET`, `PUT` and `POST /api/config/system`. Source: pulse specification, 9.6.

use serde::Serialize;
use serde_json::{Map, Value};

use super::read::{self, invalid};
use crate::failure::Failure;
use crate::model::proxmox::SystemSettings;

/// How long between polls, seconds.
const POLLING_S: std::ops::RangeInclusive<u32> = 1..=3_600;

/// The port that clients know for the API.
pub(super) const BACKEND_PORT: u16 = 3_000;
/// The port that clients know for the pages.
pub(super) const FRONTEND_PORT: u16 = 7_655;

/// The settings, as they are answered and exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SystemKeys {
    /// Seconds.
    polling_interval: u32,
    /// 3000, as clients know it.
    backend_port: u16,
    /// 7655, as clients know it.
    frontend_port: u16,
    /// `*`, or origins with commas between them.
    #[serde(skip_serializing_if = "String::is_empty")]
    allowed_origins: String,
    /// Seconds.
    #[serde(skip_serializing_if = "is_zero")]
    connection_timeout: u32,
    /// `stable` or `rc`; empty for `stable`.
    #[serde(skip_serializing_if = "String::is_empty")]
    update_channel: String,
    /// Whether updates are to come by themselves.
    auto_update_enabled: bool,
    /// Hours.
    #[serde(skip_serializing_if = "is_zero")]
    auto_update_check_interval: u32,
    /// `HH:MM`.
    #[serde(skip_serializing_if = "String::is_empty")]
    auto_update_time: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl From<&SystemSettings> for SystemKeys {
    fn from(settings: &SystemSettings) -> Self {
        Self {
            polling_interval: settings.polling_s,
            backend_port: BACKEND_PORT,
            frontend_port: FRONTEND_PORT,
            allowed_origins: settings.allowed_origins.clone(),
            connection_timeout: settings.timeout_s,
            update_channel: settings.update_channel.clone(),
            auto_update_enabled: settings.updates_itself,
            auto_update_check_interval: settings.update_check_h,
            auto_update_time: settings.update_at.clone(),
        }
    }
}

/// The settings with what a body says.
///
/// # Errors
/// [`Failure::Malformed`] for no JSON object, [`Failure::Invalid`] for what cannot be set.
pub fn changed_system(settings: &SystemSettings, body: &[u8]) -> Result<SystemSettings, Failure> {
    system_with(settings, &read::object(body)?)
}

/// The settings with what these keys say. An empty text, 0 and null change nothing.
///
/// # Errors
/// [`Failure::Invalid`] for what cannot be set, [`Failure::Malformed`] for another type.
pub fn system_with(settings: &SystemSettings, said: &Map<String, Value>) -> Result<SystemSettings, Failure> {
    let mut new = settings.clone();
    if let Some(seconds) = count(said, "pollingInterval")? {
        if !POLLING_S.contains(&seconds) {
            return Err(invalid("pollingInterval", "must be between 1 and 3600 seconds"));
        }
        new.polling_s = seconds;
    }
    if let Some(seconds) = count(said, "connectionTimeout")? {
        new.timeout_s = seconds.clamp(1, 300);
    }
    if let Some(hours) = count(said, "autoUpdateCheckInterval")? {
        new.update_check_h = hours.min(24 * 366);
    }
    if let Some(origins) = text(said, "allowedOrigins")? {
        if origins.len() > 1_024 || origins.chars().any(char::is_control) {
            return Err(invalid("allowedOrigins", "must be `*` or origins with commas between them"));
        }
        origins.clone_into(&mut new.allowed_origins);
    }
    if let Some(channel) = text(said, "updateChannel")? {
        if !matches!(channel, "stable" | "rc") {
            return Err(invalid("updateChannel", "must be stable or rc"));
        }
        channel.clone_into(&mut new.update_channel);
    }
    if let Some(time) = text(said, "autoUpdateTime")? {
        if !is_time(time) {
            return Err(invalid("autoUpdateTime", "must be HH:MM"));
        }
        time.clone_into(&mut new.update_at);
    }
    match said.get("autoUpdateEnabled") {
        None | Some(Value::Null) => {}
        Some(Value::Bool(is_on)) => new.updates_itself = *is_on,
        Some(_) => return Err(read::bad(read::INVALID_BODY)),
    }
    Ok(new)
}

/// A number that is not 0.
fn count(said: &Map<String, Value>, key: &str) -> Result<Option<u32>, Failure> {
    let number = match said.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value.as_f64().ok_or_else(|| read::bad(read::INVALID_BODY))?,
    };
    if number < 0.0 || number > f64::from(u32::MAX) || number.trunc().to_bits() != number.to_bits() {
        return Err(invalid(key, "must be a whole number"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, from 0 to 2^32 - 1")]
    let whole = number as u32;
    Ok((whole > 0).then_some(whole))
}

/// A text that is not empty.
fn text<'a>(said: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, Failure> {
    match said.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(read::bad(read::INVALID_BODY)),
    }
}

fn is_time(text: &str) -> bool {
    let number = |digits: &str, most: u8| {
        digits.len() == 2
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && digits.parse::<u8>().is_ok_and(|number| number <= most)
    };
    text.split_once(':').is_some_and(|(hour, minute)| number(hour, 23) && number(minute, 59))
}

/// What a change of the settings is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SystemSavedReply {
    /// `success`.
    pub status: &'static str,
    /// A sentence.
    pub message: String,
    /// Seconds.
    pub polling_interval: u32,
}

impl SystemSavedReply {
    /// The answer with the settings as they are now.
    pub fn of(settings: &SystemSettings) -> Self {
        let seconds = settings.polling_s;
        let message = format!("Polling interval updated to {seconds} seconds");
        Self { status: "success", message, polling_interval: seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_settings_are_as_a_fresh_server_has_them() {
        let fresh = r#"{"pollingInterval":5,"backendPort":3000,"frontendPort":7655,"allowedOrigins":"*","connectionTimeout":10,"autoUpdateEnabled":false}"#;
        assert_eq!(serde_json::to_string(&SystemKeys::from(&SystemSettings::default())).unwrap(), fresh);
        assert_eq!(changed_system(&SystemSettings::default(), fresh.as_bytes()), Ok(SystemSettings::default()));
    }

    #[test]
    fn what_is_said_changes_and_the_rest_stays() {
        let changed = |body: &str| changed_system(&SystemSettings::default(), body.as_bytes());
        let new = changed(r#"{"pollingInterval":10,"updateChannel":"rc","autoUpdateEnabled":true,"autoUpdateTime":"03:00","autoUpdateCheckInterval":24}"#).unwrap();
        assert_eq!((new.polling_s, new.update_channel.as_str(), new.updates_itself), (10, "rc", true));
        assert_eq!((new.update_at.as_str(), new.update_check_h), ("03:00", 24));
        let kept =
            changed_system(&new, br#"{"pollingInterval":0,"updateChannel":"","allowedOrigins":null,"x":1}"#).unwrap();
        assert_eq!(kept, new);
        let reply = serde_json::to_string(&SystemSavedReply::of(&SystemSettings::default())).unwrap();
        assert_eq!(
            reply,
            r#"{"status":"success","message":"Polling interval updated to 5 seconds","pollingInterval":5}"#
        );
    }

    #[test]
    fn what_cannot_be_set_is_refused() {
        let changed = |body: &str| changed_system(&SystemSettings::default(), body.as_bytes());
        for body in
            ["", "[]", "{", r#"{"pollingInterval":"5"}"#, r#"{"autoUpdateEnabled":1}"#, r#"{"updateChannel":1}"#]
        {
            assert_eq!(changed(body), Err(read::bad("Invalid request body")), "{body}");
        }
        for (body, field) in [
            (r#"{"pollingInterval":3601}"#, "pollingInterval"),
            (r#"{"pollingInterval":-1}"#, "pollingInterval"),
            (r#"{"pollingInterval":1.5}"#, "pollingInterval"),
            (r#"{"updateChannel":"beta"}"#, "updateChannel"),
            (r#"{"autoUpdateTime":"24:00"}"#, "autoUpdateTime"),
            (r#"{"autoUpdateTime":"3:00"}"#, "autoUpdateTime"),
            ("{\"allowedOrigins\":\"a\\nb\"}", "allowedOrigins"),
        ] {
            assert!(matches!(changed(body), Err(Failure::Invalid { field: at, .. }) if at == field), "{body}");
        }
    }
}
