//! What is measured at every poll.

use crate::units::UnixMillis;

/// What one poll of an instance gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Poll {
    /// When it was over, by the agent's clock as the edge put it right.
    pub at: UnixMillis,
    /// How long it took.
    pub took_ms: u32,
    /// Why there is nothing, or not all.
    pub error: Option<PollError>,
    /// Every node, sorted by name.
    pub nodes: Vec<NodeNow>,
    /// Guests, sorted by number.
    pub guests: Vec<GuestNow>,
    /// Every storage once a node; a shared one once.
    pub storages: Vec<StorageNow>,
    /// Of a Backup Server: itself.
    pub pbs: Option<PbsNow>,
}

/// Why a poll failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollError {
    /// What kind of failure.
    pub kind: PollErrorKind,
    /// A sentence, without secrets.
    pub text: String,
}

/// Kinds of failures of a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollErrorKind {
    /// The credentials are not taken, or lack a right.
    Auth,
    /// The certificate is not the right one.
    Tls,
    /// Nobody answers.
    Unreachable,
    /// The answer is none that can be read, or says that something is wrong.
    Api,
}

impl PollErrorKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auth, Self::Tls, Self::Unreachable, Self::Api];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Tls => "tls",
            Self::Unreachable => "unreachable",
            Self::Api => "api",
        }
    }

    /// The kind of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// How much of something there is, and is used. All zeros where it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// In use, bytes.
    pub used: u64,
    /// In all, bytes.
    pub total: u64,
}

/// The same, where what is free is not simply the rest: file systems keep something for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Space {
    /// In use, bytes.
    pub used: u64,
    /// In all, bytes.
    pub total: u64,
    /// What may still be written, bytes.
    pub free: u64,
}

impl Used {
    /// What is not used, bytes.
    pub const fn free(self) -> u64 {
        self.total.saturating_sub(self.used)
    }

    /// 0 to 100; 0 of nothing. Source: pulse specification, 19.
    pub fn percent(self) -> f64 {
        percent(self.used, self.total)
    }
}

impl Space {
    /// 0 to 100; 0 of nothing. Source: pulse specification, 19.
    pub fn percent(self) -> f64 {
        percent(self.used, self.total)
    }
}

impl From<Used> for Space {
    fn from(used: Used) -> Self {
        Self { used: used.used, total: used.total, free: used.free() }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage of bytes")]
fn percent(used: u64, total: u64) -> f64 {
    if total == 0 { 0.0 } else { used as f64 / total as f64 * 100.0 }
}

/// How a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NodeStatus {
    /// Nobody can say.
    #[default]
    Unknown,
    /// It is up.
    Online,
    /// It is not.
    Offline,
}

impl NodeStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unknown, Self::Online, Self::Offline];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Online => "online",
            Self::Offline => "offline",
        }
    }

    /// The status of this word; what has none is [`NodeStatus::Unknown`].
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|status| status.word() == word).unwrap_or_default()
    }
}

/// A node of Proxmox VE. All numbers of one that is not online are 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeNow {
    /// Its name within its instance.
    pub name: String,
    /// How it is.
    pub status: NodeStatus,
    /// 0 to 1: 1 with all cores busy.
    pub cpu: f64,
    /// Memory.
    pub memory: Used,
    /// Its root file system.
    pub disk: Space,
    /// Swap.
    pub swap: Used,
    /// Seconds since it was started.
    pub uptime_s: u64,
    /// Load averages of 1, 5 and 15 minutes, where they are known.
    pub load: Option<[f64; 3]>,
    /// Bytes received and sent per second, where they are known.
    pub net: Option<(u64, u64)>,
}

/// What kind of guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuestKind {
    /// A virtual machine.
    Qemu,
    /// A container.
    Lxc,
}

impl GuestKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Qemu, Self::Lxc];

    /// Its word, as Proxmox has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }

    /// The kind of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// How a guest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GuestStatus {
    /// Nobody can say.
    #[default]
    Unknown,
    /// It runs.
    Running,
    /// It is off.
    Stopped,
    /// It was halted for the moment.
    Paused,
    /// It sleeps.
    Suspended,
}

impl GuestStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::Running, Self::Stopped, Self::Paused, Self::Suspended];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
        }
    }

    /// The status of this word; what has none is [`GuestStatus::Unknown`].
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|status| status.word() == word).unwrap_or_default()
    }
}

/// What goes in and out of a guest, whole bytes per second: -1 before there are two counts, 0 after a counter stepped back.
/// Source: pulse specification, 19.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Received.
    pub net_in: i64,
    /// Sent.
    pub net_out: i64,
    /// Read from disks.
    pub disk_read: i64,
    /// Written to them.
    pub disk_write: i64,
}

impl Default for Rates {
    /// Nothing is known yet.
    fn default() -> Self {
        Self { net_in: -1, net_out: -1, disk_read: -1, disk_write: -1 }
    }
}

/// A guest: a virtual machine or a container, no template.
#[derive(Debug, Clone, PartialEq)]
pub struct GuestNow {
    /// Its number: 100 or more, once in a cluster.
    pub vmid: u32,
    /// What kind of guest.
    pub kind: GuestKind,
    /// How it is.
    pub status: GuestStatus,
    /// 0 to 1, as [`NodeNow::cpu`], of the cores it was given.
    pub cpu: f64,
    /// Memory.
    pub memory: Used,
    /// Space in use on its disks; `None` where nobody looked into it.
    pub disk_used: Option<u64>,
    /// Space of its disks.
    pub disk_total: u64,
    /// What goes in and out.
    pub rates: Rates,
    /// Seconds since it was started.
    pub uptime_s: u64,
    /// What keeps it from being changed, such as `backup`; empty where nothing does.
    pub lock: String,
}

/// How a storage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StorageStatus {
    /// It can be used.
    Available,
    /// It should be there and is not.
    #[default]
    Inactive,
    /// It was switched off.
    Disabled,
}

impl StorageStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Available, Self::Inactive, Self::Disabled];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Inactive => "inactive",
            Self::Disabled => "disabled",
        }
    }

    /// The status of this word; what has none is [`StorageStatus::Inactive`].
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|status| status.word() == word).unwrap_or_default()
    }
}

/// A storage at a node, or one that all nodes share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageNow {
    /// Its name.
    pub name: String,
    /// The node it is at; of a shared one the node that told of it.
    pub node: String,
    /// How it is.
    pub status: StorageStatus,
    /// How much there is.
    pub space: Space,
}

/// A Backup Server.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PbsNow {
    /// Whether it answered.
    pub is_online: bool,
    /// 0 to 1; 0 where it may not be asked.
    pub cpu: f64,
    /// Memory; zeros likewise.
    pub memory: Used,
    /// Seconds since it was started; 0 likewise.
    pub uptime_s: u64,
    /// Its datastores, in the order told.
    pub datastores: Vec<DatastoreNow>,
}

/// A datastore of a Backup Server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatastoreNow {
    /// Its name.
    pub name: String,
    /// How much there is.
    pub space: Space,
    /// Why that is not known.
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_something() {
        assert_eq!(Used { used: 1, total: 4 }.percent().to_bits(), 25.0_f64.to_bits());
        assert_eq!(Used { used: 1, total: 0 }.percent().to_bits(), 0.0_f64.to_bits());
        assert_eq!(Space::from(Used { used: 5, total: 4 }), Space { used: 5, total: 4, free: 0 });
    }

    #[test]
    fn words_come_back_and_strange_ones_are_not_lost() {
        assert!(NodeStatus::ALL.iter().all(|one| NodeStatus::parse(one.word()) == *one));
        assert!(GuestStatus::ALL.iter().all(|one| GuestStatus::parse(one.word()) == *one));
        assert!(StorageStatus::ALL.iter().all(|one| StorageStatus::parse(one.word()) == *one));
        assert!(GuestKind::ALL.iter().all(|one| GuestKind::parse(one.word()) == Some(*one)));
        assert!(PollErrorKind::ALL.iter().all(|one| PollErrorKind::parse(one.word()) == Some(*one)));
        assert_eq!((NodeStatus::parse("x"), GuestStatus::parse("x")), (NodeStatus::Unknown, GuestStatus::Unknown));
        assert_eq!((StorageStatus::parse(""), GuestKind::parse("openvz")), (StorageStatus::Inactive, None));
    }
}
