//! What Proxmox VE answers, as far as it is used. Every number may be a text, every key missing. Source: pulse specification, 17.3.

use edgewatch_core::dialects::native::proxmox::loose::{self, Number};
use serde::Deserialize;

/// An element of `/nodes`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Node {
    #[serde(rename = "node", deserialize_with = "loose::text")]
    pub name: String,
    #[serde(deserialize_with = "loose::text")]
    pub status: String,
    #[serde(deserialize_with = "loose::number")]
    pub cpu: f64,
    #[serde(deserialize_with = "loose::count")]
    pub maxcpu: u64,
    #[serde(deserialize_with = "loose::whole")]
    pub mem: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub maxmem: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub disk: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub maxdisk: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub uptime: i64,
    #[serde(deserialize_with = "loose::text")]
    pub level: String,
    #[serde(deserialize_with = "loose::text")]
    pub ssl_fingerprint: String,
}

/// `/nodes/{n}/status`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct NodeStatus {
    #[serde(deserialize_with = "loose::list")]
    pub loadavg: Vec<Number>,
    #[serde(deserialize_with = "loose::text")]
    pub kversion: String,
    #[serde(deserialize_with = "loose::text")]
    pub pveversion: String,
    #[serde(deserialize_with = "loose::or_default")]
    pub cpuinfo: CpuInfo,
    #[serde(deserialize_with = "loose::or_default")]
    pub swap: Space,
    #[serde(deserialize_with = "loose::or_default")]
    pub rootfs: Space,
}

/// `cpuinfo` of a node's status.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CpuInfo {
    #[serde(deserialize_with = "loose::text")]
    pub model: String,
    #[serde(deserialize_with = "loose::count")]
    pub cores: u64,
    #[serde(deserialize_with = "loose::count")]
    pub cpus: u64,
    #[serde(deserialize_with = "loose::count")]
    pub sockets: u64,
    #[serde(deserialize_with = "loose::text")]
    pub mhz: String,
}

/// Space of any kind.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Space {
    #[serde(deserialize_with = "loose::whole")]
    pub total: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub used: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub avail: i64,
}

/// An element of `/nodes/{n}/qemu` and `/nodes/{n}/lxc`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Guest {
    #[serde(deserialize_with = "loose::count")]
    pub vmid: u64,
    #[serde(deserialize_with = "loose::text")]
    pub name: String,
    #[serde(deserialize_with = "loose::text")]
    pub status: String,
    #[serde(deserialize_with = "loose::number")]
    pub cpu: f64,
    /// Containers may have a fraction.
    #[serde(deserialize_with = "loose::number")]
    pub cpus: f64,
    #[serde(deserialize_with = "loose::whole")]
    pub mem: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub maxmem: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub disk: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub maxdisk: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub netin: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub netout: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub diskread: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub diskwrite: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub uptime: i64,
    #[serde(deserialize_with = "loose::truth")]
    pub template: bool,
    #[serde(deserialize_with = "loose::text")]
    pub tags: String,
    #[serde(deserialize_with = "loose::text")]
    pub lock: String,
}

/// `/nodes/{n}/qemu/{vmid}/status/current`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Current {
    #[serde(deserialize_with = "loose::whole")]
    pub mem: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub freemem: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub balloon: i64,
    /// Whether the guest's agent is switched on.
    #[serde(deserialize_with = "loose::truth")]
    pub agent: bool,
}

/// `/nodes/{n}/qemu/{vmid}/agent/get-fsinfo`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct FileSystems {
    #[serde(deserialize_with = "loose::list")]
    pub result: Vec<FileSystem>,
}

/// A file system as a guest's agent tells of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct FileSystem {
    #[serde(deserialize_with = "loose::text")]
    pub name: String,
    #[serde(deserialize_with = "loose::text")]
    pub mountpoint: String,
    #[serde(rename = "type", deserialize_with = "loose::text")]
    pub kind: String,
    #[serde(deserialize_with = "loose::whole")]
    pub total_bytes: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub used_bytes: i64,
    #[serde(deserialize_with = "loose::list")]
    pub disk: Vec<Device>,
}

/// What a file system lies on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Device {
    #[serde(deserialize_with = "loose::text")]
    pub dev: String,
}

/// An element of `/nodes/{n}/storage`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Storage {
    #[serde(rename = "storage", deserialize_with = "loose::text")]
    pub name: String,
    #[serde(rename = "type", deserialize_with = "loose::text")]
    pub kind: String,
    #[serde(deserialize_with = "loose::text")]
    pub content: String,
    #[serde(deserialize_with = "loose::truth")]
    pub active: bool,
    /// Proxmox leaves it out for nothing; who does means it is.
    #[serde(deserialize_with = "loose::optional_truth")]
    pub enabled: Option<bool>,
    #[serde(deserialize_with = "loose::truth")]
    pub shared: bool,
    #[serde(deserialize_with = "loose::whole")]
    pub total: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub used: i64,
    #[serde(deserialize_with = "loose::whole")]
    pub avail: i64,
}

/// An element of `/cluster/status`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ClusterPart {
    #[serde(rename = "type", deserialize_with = "loose::text")]
    pub kind: String,
    #[serde(deserialize_with = "loose::text")]
    pub id: String,
    #[serde(deserialize_with = "loose::text")]
    pub name: String,
    #[serde(deserialize_with = "loose::text")]
    pub ip: String,
    #[serde(deserialize_with = "loose::optional_truth")]
    pub quorate: Option<bool>,
    #[serde(deserialize_with = "loose::truth")]
    pub online: bool,
    #[serde(deserialize_with = "loose::truth")]
    pub local: bool,
}

/// An element of `/nodes/{n}/storage/{s}/content`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Content {
    #[serde(deserialize_with = "loose::text")]
    pub volid: String,
    #[serde(rename = "content", deserialize_with = "loose::text")]
    pub kind: String,
    #[serde(deserialize_with = "loose::text")]
    pub subtype: String,
    #[serde(deserialize_with = "loose::whole")]
    pub ctime: i64,
    #[serde(deserialize_with = "loose::text")]
    pub format: String,
    #[serde(deserialize_with = "loose::whole")]
    pub size: i64,
    #[serde(deserialize_with = "loose::count")]
    pub vmid: u64,
    #[serde(deserialize_with = "loose::text")]
    pub notes: String,
    #[serde(deserialize_with = "loose::truth")]
    pub protected: bool,
    /// A fingerprint, or 1.
    #[serde(deserialize_with = "loose::text")]
    pub encrypted: String,
    #[serde(deserialize_with = "loose::or_default")]
    pub verification: Verification,
}

/// What a verification came to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Verification {
    #[serde(deserialize_with = "loose::text")]
    pub state: String,
}

/// An element of `/nodes/{n}/tasks`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct NodeTask {
    #[serde(deserialize_with = "loose::text")]
    pub upid: String,
    #[serde(rename = "type", deserialize_with = "loose::text")]
    pub kind: String,
    /// Empty for several guests.
    #[serde(deserialize_with = "loose::count")]
    pub id: u64,
    #[serde(deserialize_with = "loose::whole")]
    pub starttime: i64,
    #[serde(deserialize_with = "loose::optional_whole")]
    pub endtime: Option<i64>,
    #[serde(deserialize_with = "loose::text")]
    pub user: String,
    #[serde(deserialize_with = "loose::text")]
    pub status: String,
}

/// An element of a guest's `snapshot`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct GuestSnapshot {
    #[serde(deserialize_with = "loose::text")]
    pub name: String,
    #[serde(deserialize_with = "loose::text")]
    pub description: String,
    #[serde(deserialize_with = "loose::whole")]
    pub snaptime: i64,
    #[serde(deserialize_with = "loose::truth")]
    pub vmstate: bool,
    #[serde(deserialize_with = "loose::text")]
    pub parent: String,
}

/// `/version`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Version {
    #[serde(deserialize_with = "loose::text")]
    pub version: String,
    #[serde(deserialize_with = "loose::text")]
    pub release: String,
}
