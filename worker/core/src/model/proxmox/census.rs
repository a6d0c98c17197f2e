//! What an instance is made of: changes rarely.

use super::Cluster;
use super::now::{GuestKind, Space};
use crate::units::UnixSeconds;

/// What an instance is made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Census {
    /// Nodes, sorted by name.
    pub nodes: Vec<NodeFacts>,
    /// Guests but no templates, sorted by number.
    pub guests: Vec<GuestFacts>,
    /// Storages, as [`super::Poll::storages`] has them.
    pub storages: Vec<StorageFacts>,
    /// The cluster it is part of.
    pub cluster: Option<Cluster>,
    /// Of a Backup Server: itself.
    pub pbs: Option<PbsFacts>,
}

impl Census {
    /// The guest with this number.
    pub fn guest(&self, vmid: u32) -> Option<&GuestFacts> {
        self.guests.binary_search_by_key(&vmid, |guest| guest.vmid).ok().and_then(|index| self.guests.get(index))
    }

    /// The node of this name.
    pub fn node(&self, name: &str) -> Option<&NodeFacts> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The storage of this name at this node.
    pub fn storage(&self, name: &str, node: &str) -> Option<&StorageFacts> {
        self.storages.iter().find(|one| one.name == name && (one.is_shared || one.node == node))
    }
}

/// A node. Texts are empty where they are not known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeFacts {
    /// Its name within its instance.
    pub name: String,
    /// Such as `Linux 6.8.12-13-pve #1 SMP PREEMPT_DYNAMIC`.
    pub kernel_version: String,
    /// Such as `pve-manager/8.4.9/649acf70aab54798`.
    pub pve_version: String,
    /// What its processors are called.
    pub cpu_model: String,
    /// How many of them the kernel sees.
    pub cpu_count: u32,
    /// In how many sockets.
    pub cpu_sockets: u32,
    /// What they run at, MHz, as told.
    pub cpu_mhz: String,
}

/// A guest.
#[derive(Debug, Clone, PartialEq)]
pub struct GuestFacts {
    /// Its number.
    pub vmid: u32,
    /// What kind of guest.
    pub kind: GuestKind,
    /// The node it is at.
    pub node: String,
    /// Its name; may be empty.
    pub name: String,
    /// How many processors it may use; of containers not always a whole number.
    pub cpus: f64,
    /// Its tags.
    pub tags: Vec<String>,
    /// What it says of itself, where it does.
    pub system: Option<Box<GuestSystem>>,
    /// Why nothing is known of what its disks hold.
    pub disk_reason: Option<DiskReason>,
}

/// What the agent within a guest says of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GuestSystem {
    /// Such as `Debian GNU/Linux`.
    pub os_name: String,
    /// Such as `12 (bookworm)`.
    pub os_version: String,
    /// The version of the agent within.
    pub agent_version: String,
    /// Its interfaces that have addresses, none of them a loopback.
    pub interfaces: Vec<GuestInterface>,
    /// Its file systems, each device once.
    pub disks: Vec<GuestDisk>,
}

/// An interface of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestInterface {
    /// Such as `eth0`.
    pub name: String,
    /// Its hardware's address.
    pub mac: String,
    /// Its addresses.
    pub addresses: Vec<String>,
}

/// A file system of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestDisk {
    /// Where it is mounted.
    pub mount: String,
    /// Of what type.
    pub kind: String,
    /// Such as `/dev/sda1`; may be empty.
    pub device: String,
    /// How much there is.
    pub space: Space,
}

/// Why nothing is known of what a guest's disks hold. Source: pulse specification, 19.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskReason {
    /// There is no agent within.
    NoAgent,
    /// It is not meant to be asked.
    AgentDisabled,
    /// It does not answer.
    AgentTimeout,
    /// We may not ask.
    PermissionDenied,
    /// It knows of none.
    NoFilesystems,
    /// It answers otherwise than it should.
    AgentError,
}

impl DiskReason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NoAgent,
        Self::AgentDisabled,
        Self::AgentTimeout,
        Self::PermissionDenied,
        Self::NoFilesystems,
        Self::AgentError,
    ];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoAgent => "no-agent",
            Self::AgentDisabled => "agent-disabled",
            Self::AgentTimeout => "agent-timeout",
            Self::PermissionDenied => "permission-denied",
            Self::NoFilesystems => "no-filesystems",
            Self::AgentError => "agent-error",
        }
    }

    /// The reason of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }
}

/// A storage at a node, or one that all nodes share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageFacts {
    /// Its name.
    pub name: String,
    /// The node it is at; of a shared one a node that has it.
    pub node: String,
    /// Of a shared one every node that has it; else empty.
    pub nodes: Vec<String>,
    /// Such as `dir`, `nfs` or `pbs`.
    pub kind: String,
    /// What may lie there, sorted.
    pub content: Vec<String>,
    /// Whether it is the same one at every node.
    pub is_shared: bool,
}

/// A Backup Server.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PbsFacts {
    /// Its name, as it says; may be empty.
    pub node: String,
    /// Such as `3.4`; empty where it may not be asked.
    pub version: String,
    /// Its datastores, in the order told.
    pub datastores: Vec<DatastoreFacts>,
    /// What it does by itself.
    pub jobs: Vec<PbsJob>,
}

/// A datastore.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DatastoreFacts {
    /// Its name.
    pub name: String,
    /// The paths of its namespaces, that of the root (`""`) first.
    pub namespaces: Vec<String>,
    /// How many times its data is larger than what is stored.
    pub deduplication: Option<f64>,
}

/// What kind of job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PbsJobKind {
    /// Copies from elsewhere.
    Sync,
    /// Looks whether backups can still be read.
    Verify,
    /// Forgets old backups.
    Prune,
    /// Frees what nothing needs any more.
    Garbage,
}

impl PbsJobKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sync, Self::Verify, Self::Prune, Self::Garbage];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Verify => "verify",
            Self::Prune => "prune",
            Self::Garbage => "garbage",
        }
    }

    /// The kind of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A job of a Backup Server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbsJob {
    /// What kind of job.
    pub kind: PbsJobKind,
    /// Its name.
    pub id: String,
    /// The datastore it works on.
    pub store: String,
    /// Of a sync where from; else empty.
    pub remote: String,
    /// How its last run ended, such as `OK`; empty before the first one.
    pub last_state: String,
    /// When that was over.
    pub last_run: Option<UnixSeconds>,
    /// When it will run.
    pub next_run: Option<UnixSeconds>,
    /// Of a garbage collection: what was freed.
    pub removed_bytes: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(vmid: u32) -> GuestFacts {
        GuestFacts {
            vmid,
            kind: GuestKind::Lxc,
            node: String::new(),
            name: format!("g{vmid}"),
            cpus: 1.0,
            tags: vec![],
            system: None,
            disk_reason: None,
        }
    }

    #[test]
    fn things_are_found_where_they_are() {
        let storage = |name: &str, node: &str, is_shared| StorageFacts {
            name: name.to_owned(),
            node: node.to_owned(),
            is_shared,
            ..StorageFacts::default()
        };
        let census = Census {
            guests: [100, 101, 205].map(guest).into(),
            storages: vec![storage("local", "a", false), storage("local", "b", false), storage("nas", "a", true)],
            ..Census::default()
        };
        assert_eq!(census.guest(101).map(|guest| guest.name.as_str()), Some("g101"));
        assert_eq!(census.guest(102), None);
        let node = |name: &str, node: &str| census.storage(name, node).map(|one| one.node.as_str());
        assert_eq!((node("local", "b"), node("nas", "b"), node("local", "c")), (Some("b"), Some("a"), None));
    }

    #[test]
    fn words_come_back() {
        assert!(DiskReason::ALL.iter().all(|one| DiskReason::parse(one.word()) == Some(*one)));
        assert!(PbsJobKind::ALL.iter().all(|one| PbsJobKind::parse(one.word()) == Some(*one)));
    }
}
