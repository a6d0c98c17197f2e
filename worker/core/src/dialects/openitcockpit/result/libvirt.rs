//! `libvirt`: virtual machines. No stock package has this check, and neither has our agent; documents may.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Float;

/// One value of the group `libvirt`, whose key is the machine's UUID. What is `null` of one that is stopped is `None`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uuid: String,
    /// Whether it runs.
    pub is_running: bool,
    /// Whether the program inside that speaks with the host runs.
    #[serde(default)]
    pub guest_agent_running: bool,
    /// Its memory.
    #[serde(default)]
    pub memory: Option<DomainMemory>,
    /// Its interfaces, by the name that the host knows.
    #[serde(default)]
    pub interfaces: Option<BTreeMap<String, DomainInterface>>,
    /// Its disks, by the name that it knows.
    #[serde(default)]
    pub diskio: Option<BTreeMap<String, DomainDisk>>,
    /// Its processors.
    #[serde(default)]
    pub cpu_usage: Option<DomainCpu>,
}

/// Memory in KiB; the last four are counts since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DomainMemory {
    /// All it has.
    pub total: u64,
    /// What nothing inside uses. Quirk: the name.
    #[serde(rename = "Ununsed")]
    pub unused: u64,
    /// What a program inside could have.
    pub available: u64,
    /// What the host gave it.
    pub rss: u64,
    /// Swapped in.
    pub swap_in: u64,
    /// Swapped out.
    pub swap_out: u64,
    /// Pages that were in memory.
    pub minor_fault: u64,
    /// Pages that were not.
    pub major_fault: u64,
}

/// An interface; per second.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct DomainInterface {
    /// Its name.
    pub name: String,
    /// Bytes sent.
    pub avg_bytes_sent_ps: u64,
    /// Bytes received.
    pub avg_bytes_recv_ps: u64,
    /// Packets sent.
    pub avg_packets_sent_ps: u64,
    /// Packets received.
    pub avg_packets_recv_ps: u64,
    /// Packets received broken.
    pub avg_errin: u64,
    /// Packets that could not be sent.
    pub avg_errout: u64,
    /// Packets received and dropped.
    pub avg_dropin: u64,
    /// Packets dropped in place of being sent.
    pub avg_dropout: u64,
}

/// A disk; per second.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DomainDisk {
    /// Its name. Quirk: in small letters.
    #[serde(rename = "name")]
    pub name: String,
    /// Where the host has it. Quirk: the name.
    #[serde(rename = "path/filepath")]
    pub path: String,
    /// Reads.
    pub read_iops_per_second: u64,
    /// Writes.
    pub write_iops_per_second: u64,
    /// Both.
    pub total_iops_per_second: u64,
    /// Bytes read.
    pub read_bytes_per_second: u64,
    /// Bytes written.
    pub write_bytes_per_second: u64,
    /// Bytes of a read.
    pub read_avg_size: Float,
    /// Bytes of a write.
    pub write_avg_size: Float,
}

/// Use of processors, percent.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DomainCpu {
    /// Of the host's.
    pub host_percent: Float,
    /// Of its own.
    pub guest_percent: Float,
}
