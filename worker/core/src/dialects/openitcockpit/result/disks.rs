//! `disks`: mounted file systems.

use serde::{Deserialize, Serialize};

use super::Float;

/// One element of the group `disks`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Disk {
    /// What is mounted where.
    pub disk: Mount,
    /// How full it is.
    pub usage: DiskUsage,
}

/// A mount.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mount {
    /// The device, such as `/dev/sda1`, or what stands in its place; on Windows as `mountpoint`.
    pub device: String,
    /// Where it is; on Windows `C:` or the volume's name.
    pub mountpoint: String,
    /// The kind of file system; empty on Windows.
    #[serde(default)]
    pub fstype: String,
    /// Options. Quirk: `null` on Windows.
    #[serde(default)]
    pub opts: Option<Vec<String>>,
}

/// Space in bytes. All 0 where the file system could not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiskUsage {
    /// All blocks.
    pub total: u64,
    /// All blocks less the free ones, those for root among them.
    pub used: u64,
    /// Free for ordinary users.
    #[serde(default)]
    pub free: u64,
    /// What is used of used and free together, percent.
    pub percent: Float,
}
