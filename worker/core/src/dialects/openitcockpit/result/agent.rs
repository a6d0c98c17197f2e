//! `agent`: the machine and its agent.

use serde::{Deserialize, Serialize};

/// The group `agent`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Agent {
    /// When the cycle ended, for people. Quirk: the text that Go makes of a time, with the agent's own age behind `m=`.
    #[serde(default)]
    pub last_updated: String,
    /// When the cycle ended, Unix seconds.
    pub last_updated_timestamp: i64,
    /// Distribution id, such as `debian`; `darwin`; on Windows the product's name.
    #[serde(default)]
    pub system: String,
    /// Seconds since the machine was started.
    #[serde(default)]
    pub system_uptime: u64,
    /// Kernel release; empty on Windows.
    #[serde(default)]
    pub kernel_version: String,
    /// Quirk: on Linux the version of the distribution.
    #[serde(default)]
    pub mac_version: String,
    /// Windows alone, else empty.
    #[serde(default)]
    pub windows_release_id: String,
    /// Windows alone, else empty.
    #[serde(default)]
    pub windows_current_build: String,
    /// Family of distributions, such as `debian` or `rhel`.
    #[serde(default)]
    pub family: String,
    /// Three numbers and two dots, at most 15 characters: a server's column takes no more.
    #[serde(default)]
    pub agent_version: String,
    /// Always `C`.
    #[serde(default)]
    pub temperature_unit: String,
    /// Go's word for the system: `linux`, `windows`, `darwin`, `freebsd`.
    #[serde(default)]
    pub goos: String,
    /// Go's word for the architecture: `amd64`, `arm64`, `386`.
    #[serde(default)]
    pub goarch: String,
    /// The compiler.
    #[serde(default)]
    pub goversion: String,
    /// Seconds between two cycles. Agents older than 3.0.12 do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_interval: Option<u32>,
}
