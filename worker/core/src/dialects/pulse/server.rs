//! What the server says of itself: version, security, configuration in short, diagnostics. Source: pulse specification, 3.2, 5 and 16.2.

use serde::Serialize;
use serde_json::{Map, Value};

use super::read;
use super::system::SystemSettings;
use crate::failure::Failure;
use crate::model::proxmox::{Discovered, InstanceKind, InstanceState};

/// What is imitated. Version comparisons accept it with and without the `v`.
pub const VERSION: &str = "v4.2.1";

/// `GET /api/version`: exactly these keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
#[serde(rename_all = "camelCase")]
pub struct ConfigReply {
    /// Seconds.
    pub polling_interval: f64,
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
            polling_interval: f64::from(settings.polling_interval),
            csrf_protection: false,
            auto_update_enabled: settings.auto_update_enabled,
            update_channel: if channel.is_empty() { "stable" } else { channel }.to_owned(),
        }
    }
}

/// A server in [`DiscoverReply`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
pub struct DiscoverReply {
    /// Servers that are no nodes yet.
    pub servers: Vec<DiscoveredServer>,
    /// What went wrong.
    pub errors: Vec<String>,
}

/// `GET /api/diagnostics`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiagnosticsReply {
    /// As in [`VersionReply`].
    pub version: &'static str,
    /// Likewise.
    pub runtime: &'static str,
    /// Seconds since the first deployment.
    pub uptime: f64,
    /// Every Proxmox VE.
    pub nodes: Vec<NodeDiagnostic>,
    /// Every Backup Server.
    pub pbs: Vec<PbsDiagnostic>,
    /// What it runs on.
    pub system: SystemDiagnostic,
    /// None.
    pub errors: Vec<String>,
}

/// A Proxmox VE in [`DiagnosticsReply`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeDiagnostic {
    /// Such as `pve-0`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its address.
    pub host: String,
    /// `pve`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `api_token` or `username_password`.
    pub auth_method: &'static str,
    /// Whether it can be polled.
    pub connected: bool,
    /// Why it cannot.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// RFC 3339: when it last could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_poll: Option<String>,
}

/// A Backup Server in [`DiagnosticsReply`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PbsDiagnostic {
    /// Such as `pbs-0`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its address.
    pub host: String,
    /// Whether it can be polled.
    pub connected: bool,
    /// Why it cannot.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
}

/// What the server runs on, as far as that means anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SystemDiagnostic {
    /// Where it runs.
    pub os: &'static str,
    /// What it is built for.
    pub arch: &'static str,
    /// Not written in Go.
    pub go_version: &'static str,
    /// Not known: 1.
    #[serde(rename = "numCPU")]
    pub num_cpu: u32,
    /// Not known: 0.
    pub num_goroutine: u32,
    /// Not known: 0.
    #[serde(rename = "memoryMB")]
    pub memory_mb: u32,
}

impl DiagnosticsReply {
    /// The answer about these instances.
    pub fn new(uptime_s: f64, instances: &[InstanceState]) -> Self {
        let of = |kind| instances.iter().filter(move |state| state.instance.kind == kind);
        Self {
            version: VERSION,
            runtime: "go",
            uptime: uptime_s,
            nodes: of(InstanceKind::Pve).map(node_diagnostic).collect(),
            pbs: of(InstanceKind::Pbs).map(pbs_diagnostic).collect(),
            system: SystemDiagnostic {
                os: "workerd",
                arch: "wasm32",
                go_version: "",
                num_cpu: 1,
                num_goroutine: 0,
                memory_mb: 0,
            },
            errors: vec![],
        }
    }
}

fn node_diagnostic(state: &InstanceState) -> NodeDiagnostic {
    let instance = &state.instance;
    NodeDiagnostic {
        id: format!("{}-{}", instance.kind.word(), instance.position),
        name: instance.name.clone(),
        host: instance.host.clone(),
        kind: instance.kind.word(),
        auth_method: if instance.access.token_name.is_empty() { "username_password" } else { "api_token" },
        connected: state.health.is_connected,
        error: state.health.error.clone(),
        last_poll: state.health.polled_at.map(|at| super::number::time_ms(Some(at))),
    }
}

fn pbs_diagnostic(state: &InstanceState) -> PbsDiagnostic {
    let instance = &state.instance;
    PbsDiagnostic {
        id: format!("{}-{}", instance.kind.word(), instance.position),
        name: instance.name.clone(),
        host: instance.host.clone(),
        connected: state.health.is_connected,
        error: state.health.error.clone(),
    }
}

/// `GET /api/settings`.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
pub struct SettingsPart {
    /// Where it would listen.
    pub server: ServerPart,
    /// How it polls.
    pub monitoring: MonitoringPart,
}

/// Two ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerPart {
    /// Of the API.
    pub backend: PortPart,
    /// Of the pages.
    pub frontend: PortPart,
}

/// A port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortPart {
    /// Its number.
    pub port: u16,
    /// `0.0.0.0`.
    pub host: &'static str,
}

/// How it polls.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MonitoringPart {
    /// Seconds.
    pub polling_interval: u32,
}

/// What a server of ours can do about its own process: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
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
                backend: PortPart { port: settings.backend_port, host: "0.0.0.0" },
                frontend: PortPart { port: settings.frontend_port, host: "0.0.0.0" },
            },
            monitoring: MonitoringPart { polling_interval: settings.polling_interval },
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let config = json!({"pollingInterval": 5.0, "csrfProtection": false, "autoUpdateEnabled": false, "updateChannel": "stable"});
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

    #[test]
    fn settings_say_that_nothing_can_be_restarted() {
        let reply = json(&SettingsReply::of(&SystemSettings::default()));
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
}
