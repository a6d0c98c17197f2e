//! `POST /api/agents/docker/report`: a host with its containers. Source: pulse specification, 16.2.
//! What a host with containers measures of itself is taken like that of any other host; of its containers only how many there are.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::host::{Agent, Disk, HostPart, HostReport, Memory, Metrics, Network, Sensors};
use super::invalid_json;
use crate::dialects::pulse::error::Refused;
use crate::dialects::pulse::number::time_ms;
use crate::dialects::pulse::read::{list, text};
use crate::units::UnixMillis;

/// A report about containers, as that of a host.
#[derive(Debug, Clone)]
pub struct DockerReport {
    /// What the host measured of itself.
    pub host: HostReport,
    /// How many containers there are.
    pub containers: usize,
}

/// As it is sent.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[derive(Default)]
pub struct DockerBody {
    agent: Agent,
    host: DockerHost,
    #[serde(deserialize_with = "list")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Value>"))]
    containers: Vec<IgnoredAny>,
    #[serde(deserialize_with = "text")]
    timestamp: String,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct DockerHost {
    #[serde(deserialize_with = "text")]
    hostname: String,
    #[serde(deserialize_with = "text")]
    name: String,
    #[serde(deserialize_with = "text")]
    machine_id: String,
    #[serde(deserialize_with = "text")]
    os: String,
    #[serde(deserialize_with = "text")]
    kernel_version: String,
    #[serde(deserialize_with = "text")]
    architecture: String,
    #[serde(rename = "totalCpu")]
    total_cpu: f64,
    /// Bytes.
    total_memory_bytes: f64,
    uptime_seconds: f64,
    /// 0 to 100.
    cpu_usage_percent: f64,
    #[serde(deserialize_with = "list")]
    load_average: Vec<f64>,
    memory: Memory,
    #[serde(deserialize_with = "list")]
    disks: Vec<Disk>,
    #[serde(deserialize_with = "list")]
    network: Vec<Network>,
}

impl DockerReport {
    /// Reads a body.
    ///
    /// # Errors
    /// 400 for what cannot be read, and for a host without a name.
    pub fn parse(body: &[u8]) -> Result<Self, Refused> {
        let body: DockerBody = serde_json::from_slice(body).map_err(|error| invalid_json(&error))?;
        if body.host.hostname.trim().is_empty() {
            return Err(Refused::new(400, "invalid_report", "docker report missing hostname"));
        }
        let containers = body.containers.len();
        Ok(Self { host: HostReport::from(body), containers })
    }
}

impl From<DockerBody> for HostReport {
    fn from(body: DockerBody) -> Self {
        let DockerBody { agent, host, timestamp, .. } = body;
        let memory = host.memory;
        let total_bytes = if memory.total_bytes > 0.0 { memory.total_bytes } else { host.total_memory_bytes };
        Self {
            agent,
            host: HostPart {
                id: String::new(),
                hostname: host.hostname,
                display_name: host.name,
                machine_id: host.machine_id,
                platform: String::new(),
                os_name: host.os,
                os_version: String::new(),
                kernel_version: host.kernel_version,
                architecture: host.architecture,
                cpu_model: String::new(),
                cpu_count: host.total_cpu,
                uptime_seconds: host.uptime_seconds,
                load_average: host.load_average,
            },
            metrics: Metrics { cpu_usage_percent: host.cpu_usage_percent, memory: Memory { total_bytes, ..memory } },
            disks: host.disks,
            network: host.network,
            sensors: Sensors::default(),
            tags: vec![],
            timestamp,
        }
    }
}

/// The answer to a report about containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DockerReply {
    success: bool,
    host_id: String,
    containers: usize,
    last_seen: String,
}

impl DockerReply {
    /// The answer about a host that we know by this id.
    pub fn new(report: &DockerReport, host_id: &str, at: UnixMillis) -> Self {
        Self { success: true, host_id: host_id.to_owned(), containers: report.containers, last_seen: time_ms(Some(at)) }
    }
}
