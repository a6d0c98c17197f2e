//! What stock agents are answered. Source: pulse specification, 16.1 and 16.2.

use serde::Serialize;

use super::HostReport;
use crate::dialects::pulse::error::Refused;
use crate::dialects::pulse::number::time_ms;
use crate::model::{Host, Presence};
use crate::units::UnixMillis;

/// The answer to a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct HostReportReply {
    success: bool,
    host_id: String,
    /// The same, for agents of 6.x.
    agent_id: String,
    last_seen: String,
    platform: String,
    os_name: String,
    os_version: String,
    config: AgentConfig,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct AgentConfig {
    /// False: there are none.
    commands_enabled: bool,
}

impl HostReportReply {
    /// The answer to a report of a host that we know by this id, which was measured at this time.
    pub fn of(report: &HostReport, host_id: &str, at: UnixMillis) -> Self {
        Self {
            success: true,
            host_id: host_id.to_owned(),
            agent_id: host_id.to_owned(),
            last_seen: time_ms(Some(at)),
            platform: report.host.platform.clone(),
            os_name: report.host.os_name.clone(),
            os_version: report.host.os_version.clone(),
            config: AgentConfig { commands_enabled: false },
        }
    }
}

/// `GET /api/agents/host/{id}/config`, and the same below `agent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentConfigReply {
    success: bool,
    host_id: String,
    config: AgentConfig,
}

impl AgentConfigReply {
    /// The answer about this host.
    pub fn new(host_id: String) -> Self {
        Self { success: true, host_id, config: AgentConfig { commands_enabled: false } }
    }
}

/// By what a host is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostLookup {
    /// By its id.
    Id(String),
    /// By its name.
    Name(String),
}

impl HostLookup {
    /// Reads the values of a query.
    ///
    /// # Errors
    /// 400 when it says neither.
    pub fn of_query(id: Option<&str>, hostname: Option<&str>) -> Result<Self, Refused> {
        let said = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        match (said(id), said(hostname)) {
            (Some(id), _) => Ok(Self::Id(id)),
            (None, Some(name)) => Ok(Self::Name(name)),
            (None, None) => {
                Err(Refused::new(400, "missing_lookup_param", "Provide either id or hostname to look up a host"))
            }
        }
    }
}

/// Whether two names are one host's: in any case; else by what stands before the first point, where one of them is short.
pub fn is_same_name(one: &str, other: &str) -> bool {
    let short = |name: &str| name.split_once('.').map(|(short, _)| short.to_owned());
    one.eq_ignore_ascii_case(other)
        || match (short(one), short(other)) {
            (Some(one), None) => one.eq_ignore_ascii_case(other),
            (None, Some(other)) => other.eq_ignore_ascii_case(one),
            _ => false,
        }
}

/// What is said of a host that is not there.
pub fn no_host() -> Refused {
    Refused::new(404, "host_not_found", "Host not found")
}

/// `GET /api/agents/host/lookup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LookupReply {
    success: bool,
    host: LookedUpHost,
}

/// A host in [`LookupReply`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LookedUpHost {
    id: String,
    hostname: String,
    display_name: String,
    /// `online` or `offline`.
    status: &'static str,
    connected: bool,
    last_seen: String,
    agent_version: String,
}

impl From<&Host> for LookupReply {
    fn from(host: &Host) -> Self {
        let is_online = host.presence == Presence::Online;
        Self {
            success: true,
            host: LookedUpHost {
                id: host.uuid.clone(),
                hostname: host.name.clone(),
                display_name: host.name.clone(),
                status: if is_online { "online" } else { "offline" },
                connected: is_online,
                last_seen: time_ms(host.last_seen.map(crate::units::UnixSeconds::millis)),
                agent_version: host.agent_version.clone(),
            },
        }
    }
}

/// `DELETE /api/agents/host/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RemovedReply {
    success: bool,
    host_id: String,
    message: &'static str,
}

impl RemovedReply {
    /// The host is no more.
    pub fn new(host_id: String) -> Self {
        Self { success: true, host_id, message: "Host removed" }
    }
}
