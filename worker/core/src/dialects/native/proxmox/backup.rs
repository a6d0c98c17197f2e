//! Rows of sections: tasks, backups and snapshots.

use serde::{Deserialize, Serialize};

use super::loose;
use super::now::GuestKind;

/// A backup task of a node: a row of `tasks/<node>`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Task {
    /// Its name everywhere.
    #[serde(deserialize_with = "loose::text")]
    pub upid: String,
    /// `vzdump`.
    #[serde(deserialize_with = "loose::text")]
    pub kind: String,
    /// The guest; 0 for several.
    #[serde(deserialize_with = "loose::count", skip_serializing_if = "loose::is_default")]
    pub vmid: u64,
    /// When it began.
    #[serde(deserialize_with = "loose::whole")]
    pub start_s: i64,
    /// When it ended; `None` while it runs.
    #[serde(deserialize_with = "loose::optional_whole", skip_serializing_if = "Option::is_none")]
    pub end_s: Option<i64>,
    /// `OK` or an error's text; empty while it runs.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Who began it.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub user: String,
}

/// A backup on a storage: a row of `backups/<storage>[/<node>]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Backup {
    /// Its name everywhere.
    #[serde(deserialize_with = "loose::text")]
    pub volid: String,
    /// `qemu`, `lxc`, `host` or `unknown`.
    #[serde(deserialize_with = "loose::text")]
    pub kind: String,
    /// The guest; 0 when it is of none.
    #[serde(deserialize_with = "loose::count", skip_serializing_if = "loose::is_default")]
    pub vmid: u64,
    /// When it was made.
    #[serde(deserialize_with = "loose::whole")]
    pub at_s: i64,
    /// Its size.
    #[serde(deserialize_with = "loose::whole")]
    pub size: i64,
    /// `vma.zst`, `pbs-vm`, …
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub format: String,
    /// What people wrote.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// Not to be removed.
    #[serde(deserialize_with = "loose::truth", skip_serializing_if = "loose::is_default")]
    pub protected: bool,
    /// What its verification came to (`ok`, `failed`); empty where there was none.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub verification: String,
    /// Whether it is encrypted.
    #[serde(deserialize_with = "loose::truth", skip_serializing_if = "loose::is_default")]
    pub encrypted: bool,
}

/// A snapshot of a guest: a row of `snapshots/<bucket>`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// The guest.
    #[serde(deserialize_with = "loose::count")]
    pub vmid: u64,
    /// What the guest is.
    pub kind: GuestKind,
    /// The node where it was seen.
    #[serde(deserialize_with = "loose::text")]
    pub node: String,
    /// Its name.
    #[serde(deserialize_with = "loose::text")]
    pub name: String,
    /// When it was taken.
    #[serde(deserialize_with = "loose::whole")]
    pub at_s: i64,
    /// What people wrote.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The snapshot before it.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub parent: String,
    /// Whether memory is in it.
    #[serde(deserialize_with = "loose::truth", skip_serializing_if = "loose::is_default")]
    pub vmstate: bool,
}

/// A backup on a backup server: a row of `pbs/<datastore>/<namespace>/<bucket>`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PbsBackup {
    /// `vm`, `ct` or `host`.
    #[serde(deserialize_with = "loose::text")]
    pub kind: String,
    /// The guest's number, or a host's name.
    #[serde(deserialize_with = "loose::text")]
    pub id: String,
    /// When it was made.
    #[serde(deserialize_with = "loose::whole")]
    pub at_s: i64,
    /// Its size; 0 when unknown.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub size: i64,
    /// Whose it is.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// What people wrote.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Not to be removed.
    #[serde(deserialize_with = "loose::truth", skip_serializing_if = "loose::is_default")]
    pub protected: bool,
    /// What its verification came to (`ok`, `failed`); empty where there was none.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub verification: String,
    /// The names of its files.
    #[serde(deserialize_with = "loose::list", skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}
