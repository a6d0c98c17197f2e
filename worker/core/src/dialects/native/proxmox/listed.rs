//! Rows of sections in our words: tasks, backups and snapshots.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SectionName;
use super::known::{count, moment, small};
use crate::model::proxmox as model;
use crate::units::UnixSeconds;

/// A backup task of a node.
pub fn task(node: &str, row: super::Task) -> model::Task {
    model::Task {
        upid: row.upid,
        node: node.to_owned(),
        kind: row.kind,
        vmid: small(row.vmid),
        status: row.status,
        started_at: UnixSeconds(row.start_s),
        ended_at: row.end_s.and_then(moment),
    }
}

/// The backups of a storage.
pub fn backup_store(
    storage: &str,
    node: Option<&str>,
    rows: Vec<super::Backup>,
    census: &model::Census,
) -> model::BackupStore {
    let is_pbs = census.storages.iter().any(|one| one.name == storage && one.kind == "pbs");
    let backups = rows.into_iter().map(backup).collect();
    model::BackupStore { storage: storage.to_owned(), node: node.map(str::to_owned), is_pbs, backups }
}

fn backup(row: super::Backup) -> model::Backup {
    let kind = match row.kind.as_str() {
        "qemu" => model::BackupKind::Vm,
        "lxc" => model::BackupKind::Container,
        "host" => model::BackupKind::Host,
        _ => model::BackupKind::Unknown,
    };
    model::Backup {
        volid: row.volid,
        kind,
        vmid: small(row.vmid),
        at: UnixSeconds(row.at_s),
        size: count(row.size),
        format: row.format,
        notes: row.notes,
        is_protected: row.protected,
        verification: model::Verification::parse(&row.verification),
    }
}

/// A snapshot.
pub fn snapshot(row: super::Snapshot) -> model::Snapshot {
    model::Snapshot {
        vmid: small(row.vmid),
        kind: row.kind.into(),
        name: row.name,
        at: UnixSeconds(row.at_s),
        description: row.description,
        parent: row.parent,
        has_memory: row.vmstate,
        size: None,
    }
}

/// Backups in a Backup Server, by what they are of.
pub fn groups(datastore: &str, namespace: &str, rows: Vec<super::PbsBackup>) -> Vec<model::PbsGroup> {
    let mut groups: BTreeMap<(String, String), model::PbsGroup> = BTreeMap::new();
    for row in rows {
        let group = groups.entry((row.kind.clone(), row.id.clone())).or_insert_with(|| model::PbsGroup {
            datastore: datastore.to_owned(),
            namespace: namespace.to_owned(),
            kind: model::BackupKind::of_pbs_word(&row.kind),
            id: row.id.clone(),
            owner: row.owner.clone(),
            backups: Vec::new(),
        });
        let known = group.backups.last().map(|backup| &backup.files).filter(|files| ***files == *row.files);
        let files = known.cloned().unwrap_or_else(|| Arc::from(row.files));
        group.backups.push(model::PbsBackup {
            at: UnixSeconds(row.at_s),
            size: count(row.size),
            is_protected: row.protected,
            verification: model::Verification::parse(&row.verification),
            comment: row.comment,
            files,
        });
    }
    groups.into_values().collect()
}

/// Whether a section with this name holds what a state shows; the census is read for itself.
pub const fn is_listed(name: &SectionName) -> bool {
    matches!(
        name,
        SectionName::Tasks { .. }
            | SectionName::Backups { .. }
            | SectionName::Snapshots { .. }
            | SectionName::Pbs { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_of_one_thing_are_together_and_share_their_files() {
        let row = |id: &str, at_s| super::super::PbsBackup {
            kind: "vm".to_owned(),
            id: id.to_owned(),
            at_s,
            files: vec!["index.json.blob".to_owned()],
            ..super::super::PbsBackup::default()
        };
        let groups = groups("main", "prod", vec![row("101", 1), row("102", 2), row("101", 3)]);
        assert_eq!(
            groups.iter().map(|one| (one.id.as_str(), one.backups.len())).collect::<Vec<_>>(),
            [("101", 2), ("102", 1)]
        );
        assert!(Arc::ptr_eq(&groups[0].backups[0].files, &groups[0].backups[1].files));
    }
}
