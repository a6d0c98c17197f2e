//! Backups, snapshots, and the tasks that made them.

use std::sync::Arc;

use super::now::GuestKind;
use crate::units::UnixSeconds;

/// A run of vzdump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its name, once in the world: `UPID:…`.
    pub upid: String,
    /// The node it ran at.
    pub node: String,
    /// What kind of task: `vzdump`.
    pub kind: String,
    /// Of which guest; 0 for more than one.
    pub vmid: u32,
    /// How it ended: `OK`, or what was wrong; empty while it runs.
    pub status: String,
    /// When it began.
    pub started_at: UnixSeconds,
    /// When it was over; `None` while it runs.
    pub ended_at: Option<UnixSeconds>,
}

/// The backups that lie on a storage.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BackupStore {
    /// The storage's name.
    pub storage: String,
    /// The node it is at; `None` for one that all nodes share.
    pub node: Option<String>,
    /// Whether it is a datastore of a Backup Server.
    pub is_pbs: bool,
    /// What lies there.
    pub backups: Vec<Backup>,
}

/// What was backed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BackupKind {
    /// Nobody can say.
    Unknown,
    /// A virtual machine.
    Vm,
    /// A container.
    Container,
    /// A machine that is no guest.
    Host,
}

impl BackupKind {
    /// The kinds that a Backup Server knows.
    pub const OF_PBS: [Self; 3] = [Self::Vm, Self::Container, Self::Host];

    /// Its word in a Backup Server; nothing for what it does not know.
    pub const fn pbs_word(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Vm => "vm",
            Self::Container => "ct",
            Self::Host => "host",
        }
    }

    /// The kind of a Backup Server's word; [`BackupKind::Unknown`] for any other.
    pub fn of_pbs_word(word: &str) -> Self {
        Self::OF_PBS.into_iter().find(|kind| kind.pbs_word() == word).unwrap_or(Self::Unknown)
    }
}

/// Whether a backup was seen to be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verification {
    /// Nobody looked.
    #[default]
    None,
    /// It was.
    Ok,
    /// It was not.
    Failed,
}

impl Verification {
    /// Its word; nothing where nobody looked.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Ok => "ok",
            Self::Failed => "failed",
        }
    }

    /// What a Backup Server says; anything but its two words is as good as nothing.
    pub fn parse(word: &str) -> Self {
        [Self::Ok, Self::Failed].into_iter().find(|one| one.word() == word).unwrap_or_default()
    }
}

/// A backup on a storage of Proxmox VE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Its name within its instance, such as `local:backup/vzdump-qemu-101-2025_08_11-02_00_01.vma.zst`.
    pub volid: String,
    /// Of what.
    pub kind: BackupKind,
    /// Of which guest; 0 where that is not known.
    pub vmid: u32,
    /// When it was made.
    pub at: UnixSeconds,
    /// How large it is, bytes.
    pub size: u64,
    /// Such as `vma.zst`.
    pub format: String,
    /// What was noted of it; may be empty.
    pub notes: String,
    /// Whether it may not be forgotten.
    pub is_protected: bool,
    /// Whether it was seen to be whole.
    pub verification: Verification,
}

/// A snapshot of a guest, which is where the census says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Of which guest.
    pub vmid: u32,
    /// What kind of guest that is.
    pub kind: GuestKind,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub at: UnixSeconds,
    /// What was noted of it; may be empty.
    pub description: String,
    /// The snapshot it came after; may be empty.
    pub parent: String,
    /// Whether the guest's memory is part of it.
    pub has_memory: bool,
    /// How large it is, bytes, where that is known.
    pub size: Option<u64>,
}

/// Backups of one thing in a datastore of a Backup Server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbsGroup {
    /// The datastore.
    pub datastore: String,
    /// The namespace's path; empty for the root.
    pub namespace: String,
    /// Of what kind that thing is.
    pub kind: BackupKind,
    /// Its number, or a host's name.
    pub id: String,
    /// Who made them; may be empty.
    pub owner: String,
    /// The backups.
    pub backups: Vec<PbsBackup>,
}

/// A backup in a Backup Server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbsBackup {
    /// When it was made.
    pub at: UnixSeconds,
    /// How large it is, bytes; 0 where that is not known.
    pub size: u64,
    /// Whether it may not be forgotten.
    pub is_protected: bool,
    /// Whether it was seen to be whole.
    pub verification: Verification,
    /// What was noted of it; may be empty.
    pub comment: String,
    /// The names of its files. Shared: those of a group's backups are mostly the same.
    pub files: Arc<[String]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back() {
        assert!(BackupKind::OF_PBS.iter().all(|one| BackupKind::of_pbs_word(one.pbs_word()) == *one));
        assert_eq!((BackupKind::of_pbs_word(""), Verification::parse("no")), (BackupKind::Unknown, Verification::None));
        assert_eq!(
            (Verification::parse("ok"), Verification::parse("failed")),
            (Verification::Ok, Verification::Failed)
        );
    }
}
