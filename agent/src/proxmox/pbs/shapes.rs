//! What a backup server answers, as far as it is used. Source: pulse specification, 18.2.

use edgewatch_core::dialects::native::proxmox::loose::{self, Number};
use serde::{Deserialize, Deserializer};

/// `/version`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Version {
    #[serde(deserialize_with = "loose::text")]
    pub version: String,
}

/// An element of `/nodes`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Node {
    #[serde(deserialize_with = "loose::text")]
    pub node: String,
}

/// `/nodes/{node}/status`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    #[serde(deserialize_with = "loose::number")]
    pub cpu: f64,
    #[serde(deserialize_with = "loose::or_default")]
    pub memory: Space,
    #[serde(deserialize_with = "loose::or_default")]
    pub root: Space,
    #[serde(deserialize_with = "loose::whole")]
    pub uptime: i64,
    #[serde(deserialize_with = "loose::list")]
    pub loadavg: Vec<Number>,
    #[serde(deserialize_with = "loose::text")]
    pub kversion: String,
    #[serde(deserialize_with = "loose::or_default")]
    pub cpuinfo: CpuInfo,
}

/// `cpuinfo` of the status.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CpuInfo {
    #[serde(deserialize_with = "loose::text")]
    pub model: String,
    #[serde(deserialize_with = "loose::count")]
    pub cpus: u64,
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

/// An element of `/admin/datastore`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Datastore {
    #[serde(deserialize_with = "loose::text")]
    pub store: String,
    #[serde(deserialize_with = "loose::text")]
    pub comment: String,
    #[serde(deserialize_with = "loose::text")]
    pub maintenance: String,
}

/// An element of a datastore's `namespace`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Namespace {
    #[serde(deserialize_with = "loose::text")]
    pub ns: String,
}

/// A datastore's `gc`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Garbage {
    #[serde(deserialize_with = "loose::number")]
    pub index_data_bytes: f64,
    #[serde(deserialize_with = "loose::number")]
    pub disk_bytes: f64,
    #[serde(deserialize_with = "loose::optional_whole")]
    pub removed_bytes: Option<i64>,
    #[serde(deserialize_with = "loose::text")]
    pub schedule: String,
    #[serde(deserialize_with = "loose::text")]
    pub last_run_state: String,
    #[serde(deserialize_with = "loose::optional_whole")]
    pub last_run_endtime: Option<i64>,
    #[serde(deserialize_with = "loose::optional_whole")]
    pub next_run: Option<i64>,
}

/// An element of `/admin/sync`, `/admin/verify` and `/admin/prune`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Job {
    #[serde(deserialize_with = "loose::text")]
    pub id: String,
    #[serde(deserialize_with = "loose::text")]
    pub store: String,
    #[serde(deserialize_with = "loose::text")]
    pub remote: String,
    #[serde(deserialize_with = "loose::text")]
    pub schedule: String,
    #[serde(deserialize_with = "loose::text")]
    pub last_run_state: String,
    #[serde(deserialize_with = "loose::optional_whole")]
    pub last_run_endtime: Option<i64>,
    #[serde(deserialize_with = "loose::optional_whole")]
    pub next_run: Option<i64>,
}

/// An element of a datastore's `groups`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Group {
    #[serde(deserialize_with = "loose::text")]
    pub backup_type: String,
    #[serde(deserialize_with = "loose::text")]
    pub backup_id: String,
    #[serde(deserialize_with = "loose::whole")]
    pub last_backup: i64,
    #[serde(deserialize_with = "loose::count")]
    pub backup_count: u64,
    #[serde(deserialize_with = "loose::text")]
    pub comment: String,
}

/// An element of a datastore's `snapshots`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Snapshot {
    #[serde(deserialize_with = "loose::text")]
    pub backup_type: String,
    #[serde(deserialize_with = "loose::text")]
    pub backup_id: String,
    #[serde(deserialize_with = "loose::whole")]
    pub backup_time: i64,
    #[serde(deserialize_with = "loose::text")]
    pub comment: String,
    #[serde(deserialize_with = "loose::truth")]
    pub protected: bool,
    #[serde(deserialize_with = "loose::whole")]
    pub size: i64,
    #[serde(deserialize_with = "loose::text")]
    pub owner: String,
    #[serde(deserialize_with = "loose::list")]
    pub files: Vec<File>,
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

/// A file's name: an object with it, or the text alone.
#[derive(Debug, Clone, Default)]
pub struct File(pub String);

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Name(String),
            Object { filename: String },
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Name(name) | Either::Object { filename: name } => Self(name),
        })
    }
}
