//! `docker`: containers.

use serde::{Deserialize, Serialize};

use super::Float;

/// One element of the group `docker`: a container that runs. Counters are since it was started.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Container {
    /// The first 10 characters of its id.
    pub id: String,
    /// Its first name. Quirk: with the slash in front.
    pub name: String,
    /// What it was made of.
    #[serde(default)]
    pub image: String,
    /// What it wrote, bytes. Quirk: always 0.
    #[serde(default)]
    pub size_rw: i64,
    /// What it is made of, bytes. Quirk: always 0.
    #[serde(default)]
    pub size_root_fs: i64,
    /// `running`.
    #[serde(default)]
    pub state: String,
    /// For people, such as `Up 6 minutes`.
    #[serde(default)]
    pub status: String,
    /// Bytes received.
    #[serde(default)]
    pub network_rx: u64,
    /// Bytes sent.
    #[serde(default)]
    pub network_tx: u64,
    /// As `docker stats` counts it, 100 for each processor.
    pub cpu_percentage: Float,
    /// What of its limit it has, percent.
    #[serde(default)]
    pub memory_percentage: Float,
    /// Bytes read.
    #[serde(default)]
    pub disk_read: u64,
    /// Bytes written.
    #[serde(default)]
    pub disk_write: u64,
    /// Bytes, less what the kernel keeps of files and nobody used for a while.
    pub memory_used: u64,
}
