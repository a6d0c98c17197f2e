//! What the server says of itself: version, security, configuration in short. Source: pulse specification, 3.2, 5 and 16.2.

use serde::Serialize;

use crate::model::proxmox::{Discovered, SystemSettings};

/// What is imitated. Version comparisons accept it with and without the `v`.
pub const VERSION: &str = "v4.2.1";

/// `GET /api/version`: exactly these keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VersionReply {
    /// Such as `v4.2.1`.
    pub version: String,
    /// `release` or `development`.
    pub build: &'static str,
    /// `go`, as clients know it.
    pub runtime: &'static str,
    /// `stable` or `rc`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub channel: String,
    /// False.
    pub is_docker: bool,
    /// False.
    pub is_development: bool,
}

impl VersionReply {
    /// The answer of a release that follows `channel`.
    pub fn new(channel: &str) -> Self {
        Self {
            version: VERSION.to_owned(),
            build: "release",
            runtime: "go",
            channel: channel.to_owned(),
            is_docker: false,
            is_development: false,
        }
    }
}

/// `GET /api/server/info`. Source: pulse specification, 16.2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServerInfoReply {
    /// False.
    pub is_development: bool,
    /// As in [`VersionReply`].
    pub version: &'static str,
}

impl Default for ServerInfoReply {
    fn default() -> Self {
        Self { is_development: false, version: VERSION }
    }
}

/// `GET /api/agent/version`. Quirk: for any version but this one stock agents replace themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentVersionReply {
    /// `dev`.
    pub version: &'static str,
}

impl Default for AgentVersionReply {
    fn default() -> Self {
        Self { version: "dev" }
    }
}

/// `GET /api/security/status`, for everybody: what is asked of those who want more.
#[expect(clippy::struct_excessive_bools, reason = "as the product has them")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SecurityReply {
    /// Whether there is a token.
    pub api_token_configured: bool,
    /// Whether one is asked for.
    pub requires_auth: bool,
    /// Whether an export is refused without one.
    pub export_protected: bool,
    /// Whether exports were opened to everybody.
    pub unprotected_export_allowed: bool,
    /// Whether a node that registers has to have a registration token.
    pub registration_tokens_enabled: bool,
}

impl SecurityReply {
    /// The answer of a server with or without a token, by its variables.
    pub const fn new(has_token: bool, allows_unprotected_export: bool, requires_registration_token: bool) -> Self {
        Self {
            api_token_configured: has_token,
            requires_auth: has_token,
            export_protected: has_token || !allows_unprotected_export,
            unprotected_export_allowed: allows_unprotected_export,
            registration_tokens_enabled: requires_registration_token,
        }
    }
}

/// `GET /api/config`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConfigReply {
    /// Seconds.
    pub polling_interval: u32,
    /// False.
    pub csrf_protection: bool,
    /// As in the settings.
    pub auto_update_enabled: bool,
    /// As in the settings.
    pub update_channel: String,
}

impl ConfigReply {
    /// What of the settings it tells.
    pub fn of(settings: &SystemSettings) -> Self {
        let channel = settings.update_channel.as_str();
        Self {
            polling_interval: settings.polling_s,
            csrf_protection: false,
            auto_update_enabled: settings.updates_itself,
            update_channel: if channel.is_empty() { "stable" } else { channel }.to_owned(),
        }
    }
}

/// A server in [`DiscoverReply`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiscoveredServer {
    /// Its address.
    pub ip: String,
    /// Where its API listens.
    pub port: u16,
    /// `pve` or `pbs`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// May be empty.
    pub version: String,
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// Its release.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub release: String,
}

impl From<Discovered> for DiscoveredServer {
    fn from(server: Discovered) -> Self {
        Self {
            ip: server.ip,
            port: server.port,
            kind: server.kind.word(),
            version: server.version,
            hostname: server.hostname,
            release: server.release,
        }
    }
}

/// `GET /api/discover`: what agents found in their networks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiscoverReply {
    /// Servers that are no nodes yet.
    pub servers: Vec<DiscoveredServer>,
    /// What went wrong.
    pub errors: Vec<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::proxmox::InstanceKind;

    fn json<T: Serialize>(value: &T) -> Value {
        serde_json::to_value(value).unwrap()
    }

    #[test]
    fn the_server_says_what_it_is_in_exactly_these_keys() {
        let version = r#"{"version":"v4.2.1","build":"release","runtime":"go","channel":"stable","isDocker":false,"isDevelopment":false}"#;
        assert_eq!(serde_json::to_string(&VersionReply::new("stable")).unwrap(), version);
        assert!(json(&VersionReply::new("")).get("channel").is_none());
        assert_eq!(json(&ServerInfoReply::default()), json!({"isDevelopment": false, "version": "v4.2.1"}));
        assert_eq!(json(&AgentVersionReply::default()), json!({"version": "dev"}));
        let config = json!({"pollingInterval": 5, "csrfProtection": false, "autoUpdateEnabled": false, "updateChannel": "stable"});
        assert_eq!(json(&ConfigReply::of(&SystemSettings::default())), config);
    }

    #[test]
    fn an_export_is_protected_unless_it_was_opened_and_there_is_no_token() {
        for (has_token, allows, protected) in
            [(true, true, true), (true, false, true), (false, false, true), (false, true, false)]
        {
            let reply = SecurityReply::new(has_token, allows, false);
            assert_eq!((reply.export_protected, reply.requires_auth), (protected, has_token));
        }
        let keys = json(&SecurityReply::new(true, false, true));
        let expected = json!({"apiTokenConfigured": true, "requiresAuth": true, "exportProtected": true,
            "unprotectedExportAllowed": false, "registrationTokensEnabled": true});
        assert_eq!(keys, expected);
    }

    #[test]
    fn what_was_discovered_has_the_keys_it_has() {
        let server = |hostname: &str| Discovered {
            ip: "192.0.2.9".to_owned(),
            port: 8006,
            kind: InstanceKind::Pve,
            version: "8.4".to_owned(),
            hostname: hostname.to_owned(),
            release: String::new(),
        };
        let reply = DiscoverReply { servers: vec![server("").into(), server("pve9").into()], errors: vec![] };
        let short = json!({"ip": "192.0.2.9", "port": 8006, "type": "pve", "version": "8.4"});
        assert_eq!(json(&reply)["servers"][0], short);
        assert_eq!(json(&reply)["servers"][1]["hostname"], "pve9");
    }
}
