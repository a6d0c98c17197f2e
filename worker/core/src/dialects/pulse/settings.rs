//! `GET /api/settings` and `POST /api/settings/update`. Source: pulse specification, 5.5.

use serde::Serialize;
use serde_json::{Map, Value};

use super::read;
use super::system::{BACKEND_PORT, FRONTEND_PORT};
use crate::failure::Failure;
use crate::model::proxmox::SystemSettings;

/// `GET /api/settings`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettingsReply {
    /// What is set.
    pub current: SettingsPart,
    /// What would be, if nothing were.
    pub defaults: SettingsPart,
    /// What the server can do about it.
    pub capabilities: Capabilities,
}

/// Settings in the form of [`SettingsReply`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettingsPart {
    /// Where it would listen.
    pub server: ServerPart,
    /// How it polls.
    pub monitoring: MonitoringPart,
}

/// Two ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerPart {
    /// Of the API.
    pub backend: PortPart,
    /// Of the pages.
    pub frontend: PortPart,
}

/// A port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PortPart {
    /// Its number.
    pub port: u16,
    /// `0.0.0.0`.
    pub host: &'static str,
}

/// How it polls.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MonitoringPart {
    /// Seconds.
    pub polling_interval: u32,
}

/// What a server of ours can do about its own process: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// False.
    pub can_restart: bool,
    /// False.
    pub can_validate_ports: bool,
    /// False.
    pub requires_restart: bool,
}

impl SettingsReply {
    /// The answer with these settings.
    pub fn of(settings: &SystemSettings) -> Self {
        let part = |settings: &SystemSettings| SettingsPart {
            server: ServerPart {
                backend: PortPart { port: BACKEND_PORT, host: "0.0.0.0" },
                frontend: PortPart { port: FRONTEND_PORT, host: "0.0.0.0" },
            },
            monitoring: MonitoringPart { polling_interval: settings.polling_s },
        };
        Self {
            current: part(settings),
            defaults: part(&SystemSettings::default()),
            capabilities: Capabilities::default(),
        }
    }
}

/// `POST /api/settings/update`.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingsUpdate {
    /// What is to change of the system's settings, as `POST /api/config/system` takes it.
    pub settings: Map<String, Value>,
    /// Whether nothing is to change.
    pub validate_only: bool,
}

impl SettingsUpdate {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for no JSON object.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let object = read::object(body)?;
        let part = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
        let said = part(object.get("settings"));
        let mut settings = part(said.get("monitoring"));
        // A flat object is what other routes take.
        settings.extend(said.into_iter().filter(|(_, value)| !value.is_object()));
        let validate_only = object.get("validateOnly").and_then(Value::as_bool).unwrap_or(false);
        Ok(Self { settings, validate_only })
    }
}

/// What [`SettingsUpdate`] is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SettingsSavedReply {
    #[serde(skip_serializing_if = "Option::is_none")]
    valid: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    requires_restart: Option<bool>,
}

impl SettingsSavedReply {
    /// They could be saved.
    pub const VALID: Self =
        Self { valid: Some(true), success: None, message: "Settings are valid", requires_restart: None };
    /// They are saved, and count at once.
    pub const SAVED: Self = Self {
        valid: None,
        success: Some(true),
        message: "Settings saved successfully",
        requires_restart: Some(false),
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_say_that_nothing_can_be_restarted() {
        let reply = serde_json::to_value(SettingsReply::of(&SystemSettings::default())).unwrap();
        assert_eq!(reply["current"]["server"]["frontend"], json!({"port": 7655, "host": "0.0.0.0"}));
        assert_eq!(
            reply["capabilities"],
            json!({"canRestart": false, "canValidatePorts": false, "requiresRestart": false})
        );
        let update =
            SettingsUpdate::parse(br#"{"settings":{"monitoring":{"pollingInterval":9}},"validateOnly":true}"#).unwrap();
        assert!(update.validate_only && update.settings["pollingInterval"] == 9);
        assert!(SettingsUpdate::parse(b"[]").is_err());
    }

    #[test]
    fn settings_are_tried_or_saved() {
        let text = |reply: &SettingsSavedReply| serde_json::to_string(reply).unwrap();
        assert_eq!(text(&SettingsSavedReply::VALID), r#"{"valid":true,"message":"Settings are valid"}"#);
        let saved = r#"{"success":true,"message":"Settings saved successfully","requiresRestart":false}"#;
        assert_eq!(text(&SettingsSavedReply::SAVED), saved);
    }
}
