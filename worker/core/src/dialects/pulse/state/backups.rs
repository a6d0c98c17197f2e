//! Backups, snapshots and backup tasks: in the state, and `GET /api/backups` with what is beside it. Source: pulse specification, 6.2 and 8.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Written, pbs};
use crate::dialects::pulse::number::time;
use crate::model::proxmox::{
    Backup, BackupKind, BackupStore, GuestKind, InstanceId, InstanceState, PbsBackup, PbsGroup, Snapshot, Task,
    Verification,
};
use crate::units::UnixSeconds;

/// What was written of backups. They change seldom and are many, so it may be kept until they do.
#[derive(Debug, Clone)]
pub struct Backups {
    /// JSON lists, all of them newest first.
    tasks: Written,
    storage: Written,
    snapshots: Written,
    pub(super) pbs: Written,
    /// When each guest was last backed up to a storage.
    newest: BTreeMap<(InstanceId, u32), UnixSeconds>,
    /// When anything of a number was last backed up to a Backup Server.
    newest_pbs: BTreeMap<u32, UnixSeconds>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct BackupTask<'a> {
    id: String,
    node: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    /// Quirk: 0 for more than one guest.
    vmid: u32,
    /// Quirk: empty while it runs.
    status: &'a str,
    start_time: String,
    /// Quirk: the year one while it runs.
    end_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct StorageBackup<'a> {
    id: String,
    storage: &'a str,
    /// Quirk: the storage's name, where it is not at one node.
    node: &'a str,
    instance: &'a str,
    /// `qemu`, `lxc`, `host` or `unknown`.
    #[serde(rename = "type")]
    kind: &'static str,
    vmid: u32,
    time: String,
    /// Unix seconds.
    ctime: i64,
    /// Bytes.
    size: u64,
    format: &'a str,
    notes: &'a str,
    protected: bool,
    volid: &'a str,
    #[serde(rename = "isPBS")]
    is_pbs: bool,
    verified: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    verification: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct GuestSnapshot<'a> {
    id: String,
    name: &'a str,
    node: &'a str,
    /// For clients of later versions.
    instance: &'a str,
    /// `qemu` or `lxc`.
    #[serde(rename = "type")]
    kind: &'static str,
    vmid: u32,
    time: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    parent: &'a str,
    /// Quirk: lower case throughout. Whether memory is part of it.
    vmstate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct ServerBackup<'a> {
    id: String,
    instance: &'a str,
    datastore: &'a str,
    namespace: &'a str,
    /// `vm`, `ct` or `host`.
    backup_type: &'static str,
    /// Quirk: a text, as hosts have names.
    vmid: &'a str,
    backup_time: String,
    /// Bytes.
    size: u64,
    protected: bool,
    verified: bool,
    comment: &'a str,
    files: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    owner: &'a str,
}

impl Backups {
    /// Writes the backups of these instances.
    pub fn of(instances: &[InstanceState]) -> Self {
        let shown: Vec<&InstanceState> = instances.iter().filter(|state| !state.health.is_locked_out).collect();
        let mut backups = Self {
            tasks: Written::default(),
            storage: Written::default(),
            snapshots: Written::default(),
            pbs: Written::default(),
            newest: BTreeMap::new(),
            newest_pbs: BTreeMap::new(),
        };
        backups.write_tasks(&shown);
        backups.write_storage(&shown);
        backups.write_snapshots(&shown);
        backups.write_pbs(&shown);
        backups
    }

    /// When a guest was last backed up: to a storage of its instance, or to any Backup Server under its number.
    pub fn newest_of(&self, instance: InstanceId, vmid: u32) -> Option<UnixSeconds> {
        self.newest.get(&(instance, vmid)).max(self.newest_pbs.get(&vmid)).copied()
    }

    /// Writes the keys of what Proxmox VE has.
    pub(super) fn write_pve(&self, out: &mut Written) {
        for (name, list) in
            [("backupTasks", &self.tasks), ("storageBackups", &self.storage), ("guestSnapshots", &self.snapshots)]
        {
            out.name(name);
            out.join(list);
        }
    }

    fn write_tasks(&mut self, shown: &[&InstanceState]) {
        let mut all: Vec<(&InstanceState, &Task)> =
            shown.iter().flat_map(|state| state.tasks.iter().map(move |task| (*state, task))).collect();
        all.sort_by_key(|(_, task)| Reverse(task.started_at));
        self.tasks.list(all.into_iter().map(|(state, task)| BackupTask {
            id: format!("{}-{}", state.instance.name, task.upid),
            node: &task.node,
            kind: &task.kind,
            vmid: task.vmid,
            status: &task.status,
            start_time: time(Some(task.started_at)),
            end_time: time(task.ended_at),
            error: Some(task.status.as_str()).filter(|status| !status.is_empty() && *status != "OK"),
        }));
    }

    /// The same backup at several nodes counts once.
    fn write_storage(&mut self, shown: &[&InstanceState]) {
        let mut seen: BTreeSet<(InstanceId, &str)> = BTreeSet::new();
        let mut all: Vec<(&InstanceState, &BackupStore, &Backup)> = vec![];
        for state in shown {
            for store in &state.backups {
                let new = store.backups.iter().filter(|one| seen.insert((state.instance.id, &one.volid)));
                all.extend(new.map(|backup| (*state, store, backup)));
            }
        }
        for (state, _, backup) in &all {
            later(self.newest.entry((state.instance.id, backup.vmid)).or_default(), backup.at);
        }
        all.sort_by_key(|(_, _, backup)| Reverse(backup.at));
        self.storage.list(all.into_iter().map(|(state, store, backup)| storage_backup(state, store, backup)));
    }

    fn write_snapshots(&mut self, shown: &[&InstanceState]) {
        let mut all: Vec<(&InstanceState, &str, &Snapshot)> = vec![];
        for state in shown {
            // One that is kept of a guest that is gone, or somebody else's, is not there.
            let node = |one: &Snapshot| state.census.guest(one.vmid).map(|guest| guest.node.as_str());
            all.extend(state.snapshots.iter().filter_map(|one| Some((*state, node(one)?, one))));
        }
        all.sort_by_key(|(_, _, snapshot)| Reverse(snapshot.at));
        self.snapshots.list(all.into_iter().map(|(state, node, snapshot)| GuestSnapshot {
            id: format!("{}-{node}-{}-{}", state.instance.name, snapshot.vmid, snapshot.name),
            name: &snapshot.name,
            node,
            instance: &state.instance.name,
            kind: snapshot.kind.word(),
            vmid: snapshot.vmid,
            time: time(Some(snapshot.at)),
            description: &snapshot.description,
            parent: &snapshot.parent,
            vmstate: snapshot.has_memory,
            size_bytes: snapshot.size,
        }));
    }

    fn write_pbs(&mut self, shown: &[&InstanceState]) {
        let mut all: Vec<(&InstanceState, &PbsGroup, &PbsBackup)> = vec![];
        for state in shown {
            for group in &state.groups {
                all.extend(group.backups.iter().map(|backup| (*state, group, backup)));
            }
        }
        for (_, group, backup) in &all {
            if let (BackupKind::Vm | BackupKind::Container, Ok(vmid)) = (group.kind, group.id.parse()) {
                later(self.newest_pbs.entry(vmid).or_default(), backup.at);
            }
        }
        all.sort_by_key(|(_, _, backup)| Reverse(backup.at));
        self.pbs.list(all.into_iter().map(|(state, group, backup)| server_backup(state, group, backup)));
    }
}

fn later(known: &mut UnixSeconds, at: UnixSeconds) {
    *known = (*known).max(at);
}

fn storage_backup<'a>(state: &'a InstanceState, store: &'a BackupStore, backup: &'a Backup) -> StorageBackup<'a> {
    StorageBackup {
        id: format!("{}-{}", state.instance.name, backup.volid),
        storage: &store.storage,
        node: store.node.as_deref().filter(|_| !store.is_pbs).unwrap_or(&store.storage),
        instance: &state.instance.name,
        kind: match backup.kind {
            BackupKind::Vm => GuestKind::Qemu.word(),
            BackupKind::Container => GuestKind::Lxc.word(),
            BackupKind::Host => "host",
            BackupKind::Unknown => "unknown",
        },
        vmid: backup.vmid,
        time: time(Some(backup.at)),
        ctime: backup.at.0,
        size: backup.size,
        format: &backup.format,
        notes: &backup.notes,
        protected: backup.is_protected,
        volid: &backup.volid,
        is_pbs: store.is_pbs,
        verified: store.is_pbs && backup.verification == Verification::Ok,
        verification: if store.is_pbs { backup.verification.word() } else { "" },
    }
}

fn server_backup<'a>(state: &'a InstanceState, group: &'a PbsGroup, backup: &'a PbsBackup) -> ServerBackup<'a> {
    let PbsGroup { datastore, namespace, kind, id, .. } = group;
    let instance = state.instance.name.as_str();
    let word = kind.pbs_word();
    ServerBackup {
        id: format!("pbs-{instance}-{datastore}-{namespace}-{word}-{id}-{}", backup.at.0),
        instance,
        datastore,
        namespace,
        backup_type: word,
        vmid: id,
        backup_time: time(Some(backup.at)),
        size: backup.size,
        protected: backup.is_protected,
        verified: backup.verification == Verification::Ok,
        comment: &backup.comment,
        files: &backup.files,
        owner: &group.owner,
    }
}

/// `GET /api/backups`, `/api/backups/`, `/api/backups/unified`, and any other path there that has no answer of its own.
pub fn backups_reply(backups: &Backups) -> Written {
    let mut out = Written::default();
    out.raw("{");
    backups.write_pve(&mut out);
    out.name("pbsBackups");
    out.join(&backups.pbs);
    out.raw("}");
    out
}

/// `GET /api/backups/pve`.
pub fn pve_reply(backups: &Backups) -> Written {
    object([("backups", &backups.storage)])
}

/// `GET /api/backups/pbs`: the servers, as in the state, and what lies there.
pub fn pbs_reply(instances: &[InstanceState], backups: &Backups) -> Written {
    let mut servers = Written::default();
    pbs::write(instances, &mut servers);
    object([("instances", &servers), ("backups", &backups.pbs)])
}

/// `GET /api/snapshots`.
pub fn snapshots_reply(backups: &Backups) -> Written {
    object([("snapshots", &backups.snapshots)])
}

fn object<const N: usize>(keys: [(&str, &Written); N]) -> Written {
    let mut out = Written::default();
    out.raw("{");
    for (name, list) in keys {
        out.name(name);
        out.join(list);
    }
    out.raw("}");
    out
}
