//! Proxmox VE and Proxmox Backup Server as our agents see them: what is polled, what was found, and what is kept of it.

mod alert;
mod backup;
mod census;
mod ids;
mod instance;
mod job;
mod now;
mod registration;
mod settings;
mod state;
mod update;

pub use alert::ResourceAlert;
pub use backup::{Backup, BackupKind, BackupStore, PbsBackup, PbsGroup, Snapshot, Task, Verification};
pub use census::{
    Census, DatastoreFacts, DiskReason, GuestDisk, GuestFacts, GuestInterface, GuestSystem, NodeFacts, PbsFacts,
    PbsJob, PbsJobKind, StorageFacts,
};
pub use ids::{StorageIds, failed_id, guest_id, node_id, pbs_id};
pub use instance::{
    Access, Cluster, Credentials, Endpoint, Instance, InstanceChange, InstanceDraft, InstanceId, InstanceKind,
    Monitors, MonitorsChange,
};
pub use job::{Discovered, TestFailure, Tested};
pub use now::{
    DatastoreNow, GuestKind, GuestNow, GuestStatus, NodeNow, NodeStatus, PbsNow, Poll, PollError, PollErrorKind, Rates,
    Space, StorageNow, StorageStatus, Used,
};
pub use registration::{RegistrationDraft, RegistrationGate, RegistrationToken, TokenRefusal};
pub use settings::SystemSettings;
pub use state::{Health, InstanceState};
pub use update::{UpdateStatus, UpdateStep};
