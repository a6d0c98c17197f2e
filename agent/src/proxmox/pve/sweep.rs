//! What changes rarely and costs much to ask: backup tasks, backups, snapshots.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use edgewatch_core::dialects::native::proxmox::{GuestRow, SectionName, StorageRow};

use super::disks::Disks;
use super::rules;
use super::shapes::{Content, GuestSnapshot, NodeTask};
use crate::proxmox::client::Client;
use crate::proxmox::error::ApiError;
use crate::proxmox::place::encoded;
use crate::proxmox::rows::Rows;

/// So many tasks of a node are listed.
const MOST_TASKS: usize = 500;

/// What a sweep goes by: taken from the last poll.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Nodes that can be asked.
    pub online: Vec<String>,
    /// Nodes that cannot.
    pub offline: Vec<String>,
    /// All guests but templates.
    pub guests: Vec<GuestRow>,
    /// Storages on all nodes, as far as backups may lie on them.
    pub storages: Vec<StorageRow>,
    /// What machines tell of their disks.
    pub disks: Disks,
    /// The rows of each guest's snapshots, of the last time it answered.
    pub snapshots: BTreeMap<u64, Vec<String>>,
}

/// What a sweep came to.
#[derive(Debug, Default)]
pub struct Swept {
    /// Sections of what could not be asked: they stay as they are.
    pub kept: BTreeSet<SectionName>,
    /// Whether it came to its end.
    pub is_whole: bool,
}

/// Asks for everything, section by section; each goes to `give`, which says whether to go on. Ends early when `until` has come.
pub fn sweep(
    client: &Client,
    sweep: &mut Sweep,
    until: Instant,
    give: &mut dyn FnMut(SectionName, Rows) -> bool,
) -> Swept {
    let mut swept = Swept::default();
    let is_over = || Instant::now() >= until;
    // What a node that is not there did stays known.
    swept.kept.extend(sweep.offline.iter().map(|node| SectionName::Tasks { node: node.clone() }));
    for node in &sweep.online {
        let name = SectionName::Tasks { node: node.clone() };
        let Ok(rows) = tasks(client, node) else {
            swept.kept.insert(name);
            continue;
        };
        if !give(name, rows) || is_over() {
            return swept;
        }
    }
    for (name, nodes, storage) in stores(&sweep.storages, &sweep.online) {
        // Of a shared one each node knows the same: the next one is asked when one does not answer.
        let Some(rows) = nodes.iter().find_map(|node| backups(client, node, storage).ok()) else {
            swept.kept.insert(name);
            continue;
        };
        if !give(name, rows) || is_over() {
            return swept;
        }
    }
    let known: BTreeSet<u64> = sweep.guests.iter().map(|guest| guest.vmid).collect();
    sweep.snapshots.retain(|vmid, _| known.contains(vmid));
    for bucket in 0..SectionName::BUCKETS {
        let guests =
            sweep.guests.iter().filter(|guest| guest.vmid % u64::from(SectionName::BUCKETS) == u64::from(bucket));
        let mut rows = Rows::default();
        for guest in guests {
            if is_over() {
                return swept;
            }
            if sweep.online.contains(&guest.node) {
                // What a guest does not tell is what it told last.
                if let Ok(fresh) = snapshots(client, guest) {
                    sweep.snapshots.insert(guest.vmid, fresh);
                }
            }
            sweep.snapshots.get(&guest.vmid).into_iter().flatten().for_each(|row| rows.push_text(row));
        }
        if !give(SectionName::Snapshots { bucket }, rows) {
            return swept;
        }
    }
    sweep.disks.sweep(client, &sweep.online, until);
    swept.is_whole = true;
    swept
}

/// Each storage that backups may lie on, with the section it is and the nodes to ask: every one that sees it, those that are online.
fn stores<'a>(storages: &'a [StorageRow], online: &[String]) -> Vec<(SectionName, Vec<&'a str>, &'a str)> {
    let mut stores: BTreeMap<SectionName, (Vec<&str>, &str)> = BTreeMap::new();
    for storage in storages.iter().filter(|storage| storage.content.split(',').any(|part| part == "backup")) {
        let node = (!storage.shared).then(|| storage.node.clone());
        let name = SectionName::Backups { storage: storage.name.clone(), node };
        let store = stores.entry(name).or_insert((Vec::new(), &storage.name));
        if storage.enabled && online.contains(&storage.node) {
            store.0.push(&storage.node);
        }
    }
    stores.into_iter().map(|(name, (nodes, storage))| (name, nodes, storage)).collect()
}

fn tasks(client: &Client, node: &str) -> Result<Rows, ApiError> {
    let mut rows = Rows::default();
    let path = format!("/nodes/{}/tasks?typefilter=vzdump&source=all&limit={MOST_TASKS}", encoded(node));
    client.each(&path, &mut |task: NodeTask| {
        if let Some(row) = rules::task(task) {
            rows.push(&row);
        }
    })?;
    Ok(rows)
}

fn backups(client: &Client, node: &str, storage: &str) -> Result<Rows, ApiError> {
    let mut rows = Rows::default();
    let path = format!("/nodes/{}/storage/{}/content?content=backup", encoded(node), encoded(storage));
    client.each(&path, &mut |content: Content| {
        if let Some(row) = rules::backup(content) {
            rows.push(&row);
        }
    })?;
    Ok(rows)
}

fn snapshots(client: &Client, guest: &GuestRow) -> Result<Vec<String>, ApiError> {
    let mut rows = Vec::new();
    let path = format!("/nodes/{}/{}/{}/snapshot", encoded(&guest.node), guest.kind.as_str(), guest.vmid);
    client.each(&path, &mut |snapshot: GuestSnapshot| {
        let row = rules::snapshot(guest, snapshot);
        rows.extend(row.and_then(|row| serde_json::to_string(&row).ok()));
    })?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_storage_is_asked_of_one_node_and_a_nodes_own_of_that_node() {
        let row = |name: &str, node: &str, shared, enabled, content: &str| StorageRow {
            name: name.to_owned(),
            node: node.to_owned(),
            content: content.to_owned(),
            shared,
            enabled,
            ..StorageRow::default()
        };
        let storages = [
            row("local", "a", false, true, "backup,iso"),
            row("local", "b", false, true, "backup"),
            row("nas", "a", true, true, "backup"),
            row("nas", "b", true, true, "backup"),
            row("off", "a", false, false, "backup"),
            row("fast", "a", false, true, "images"),
        ];
        let found = stores(&storages, &["a".to_owned()]);
        let names: Vec<(String, Vec<&str>)> =
            found.iter().map(|(name, nodes, _)| (name.to_string(), nodes.clone())).collect();
        assert_eq!(
            names,
            [
                ("backups/local/a".to_owned(), vec!["a"]),
                ("backups/local/b".to_owned(), vec![]),
                ("backups/nas".to_owned(), vec!["a"]),
                ("backups/off/a".to_owned(), vec![]),
            ]
        );
    }
}
