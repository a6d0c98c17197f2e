//! What is known of an instance at this moment.

use super::{BackupStore, Census, GuestNow, Instance, NodeNow, PbsGroup, PbsNow, Snapshot, StorageNow, Task};
use crate::units::UnixMillis;

/// What is known of an instance: the newest of everything, whatever is older than the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceState {
    /// The instance.
    pub instance: Instance,
    /// Whether it can be polled.
    pub health: Health,
    /// What it is made of.
    pub census: Census,
    /// Its nodes, sorted by name.
    pub nodes: Vec<NodeNow>,
    /// Its guests, sorted by number.
    pub guests: Vec<GuestNow>,
    /// Its storages.
    pub storages: Vec<StorageNow>,
    /// Of a Backup Server: itself.
    pub pbs: Option<PbsNow>,
    /// Backup tasks, in any order.
    pub tasks: Vec<Task>,
    /// Backups on storages.
    pub backups: Vec<BackupStore>,
    /// Snapshots, in any order.
    pub snapshots: Vec<Snapshot>,
    /// Backups in a Backup Server.
    pub groups: Vec<PbsGroup>,
}

/// Whether an instance can be polled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Health {
    /// Whether the newest poll went well and is not too old.
    pub is_connected: bool,
    /// Whether it is long since that its credentials were taken: nothing is shown of it any more but that.
    pub is_locked_out: bool,
    /// When a poll last went well.
    pub polled_at: Option<UnixMillis>,
    /// How long that took.
    pub took_ms: u32,
    /// Why the newest one did not; empty when it did.
    pub error: String,
}
