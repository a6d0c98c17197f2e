//! `processes`: three quarters of a document.

use serde::{Deserialize, Serialize};

use super::Float;
use super::group::nullable;

/// One element of the group `processes`. Quirk: some names are capitalised.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Process {
    /// Its number.
    pub pid: i64,
    /// Its parent's number.
    #[serde(default)]
    pub ppid: i64,
    /// Whose it is; empty on Windows.
    #[serde(default, deserialize_with = "nullable")]
    pub username: String,
    /// The last element of `exec` as a path; `[kthreadd]` of a thread of the kernel.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// Use of one processor over its whole life, percent; on Windows of all together.
    #[serde(default)]
    pub cpu_percent: Float,
    /// What of the memory it has, percent.
    #[serde(default)]
    pub memory_percent: Float,
    /// With its arguments.
    #[serde(default, deserialize_with = "nullable")]
    pub cmdline: String,
    /// One word, such as `Running`, `Sleep` or `Zombie`; empty for what has no word. Quirk: a list, and `null` on Windows.
    #[serde(default)]
    pub status: Option<Vec<String>>,
    /// `cmdline` up to its first blank.
    #[serde(default, deserialize_with = "nullable")]
    pub exec: String,
    /// -20 to 19.
    #[serde(default)]
    pub nice_level: i64,
    /// Open files; handles on Windows. Quirk: 0 from the stock agent elsewhere.
    #[serde(default)]
    pub num_fds: i64,
    /// Its memory.
    #[serde(default, rename = "Memory")]
    pub memory: ProcessMemory,
    /// When it was started, Unix seconds. Quirk: 0 from the stock agent but on Windows.
    #[serde(default, rename = "CreateTime")]
    pub create_time: i64,
}

/// Bytes. Windows has three counters of its own in place of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ProcessMemory {
    /// In memory.
    pub rss: u64,
    /// Mapped.
    pub vms: u64,
    /// Always 0; so are the three that follow.
    pub hwm: u64,
    /// Always 0.
    pub data: u64,
    /// Always 0.
    pub stack: u64,
    /// Always 0.
    pub locked: u64,
    /// Quirk: how many pages had to be read from a disk, times 1,024.
    pub swap: u64,
    /// Windows alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_set: Option<u64>,
    /// Windows alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_set_private: Option<u64>,
    /// Windows alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_bytes: Option<u64>,
}

impl ProcessMemory {
    /// What it has in memory, bytes, on any platform.
    pub fn resident_bytes(&self) -> u64 {
        self.working_set.unwrap_or(self.rss)
    }
}
