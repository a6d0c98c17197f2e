//! `GET /api/diagnostics`. Source: pulse specification, 5.5.

use serde::Serialize;

use super::server::VERSION;
use crate::model::proxmox::{InstanceKind, InstanceState};

/// `GET /api/diagnostics`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialects::pulse::state::world::{backup_server, lab};

    #[test]
    fn every_instance_says_whether_it_can_be_polled() {
        let mut server = backup_server();
        (server.health.is_connected, server.health.error) = (false, "401 no such token".to_owned());
        let reply = serde_json::to_value(DiagnosticsReply::new(12.5, &[lab(), server])).unwrap();
        let node = json!({"id":"pve-0","name":"lab","host":"https://192.0.2.1:8006","type":"pve","authMethod":"api_token","connected":true,
            "lastPoll":"2025-08-12T10:00:00Z"});
        assert_eq!(reply["nodes"], json!([node]));
        let server = json!({"id":"pbs-0","name":"backup1","host":"https://192.0.2.100:8007","connected":false,"error":"401 no such token"});
        assert_eq!((&reply["pbs"][0], &reply["uptime"]), (&server, &json!(12.5)));
        assert!(reply["system"]["numCPU"].is_number() && reply["errors"] == json!([]));
    }
}
