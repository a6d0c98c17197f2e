//! The backups on a backup server. A namespace lies in several sections; one of which no group has changed is not asked for again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use edgewatch_core::dialects::native::proxmox::loose::List;
use edgewatch_core::dialects::native::proxmox::{DatastoreRow, PbsBackup, SectionName};

use super::shapes::{Group, Snapshot};
use crate::proxmox::client::Client;
use crate::proxmox::error::ApiError;
use crate::proxmox::place::encoded;
use crate::proxmox::rows::Rows;

/// Every so many sweeps everything is asked for: what a verification came to changes no group.
const WHOLE_EVERY: u64 = 6;

/// What a sweep goes by.
#[derive(Debug, Default)]
pub struct Sweep {
    /// From the last poll.
    pub datastores: Vec<DatastoreRow>,
    /// What the groups of each section were when it was asked for last.
    known: BTreeMap<SectionName, u64>,
    count: u64,
}

impl Sweep {
    /// Has everything asked for again that the edge does not have.
    pub fn forget(&mut self, is_kept: impl Fn(&SectionName) -> bool) {
        self.known.retain(|name, _| is_kept(name));
    }
}

/// What a sweep came to.
#[derive(Debug, Default)]
pub struct Swept {
    /// Sections that stay as they are.
    pub kept: BTreeSet<SectionName>,
    /// Datastores that could not be asked: their sections stay as they are.
    pub silent: BTreeSet<String>,
    /// Whether it came to its end.
    pub is_whole: bool,
}

/// Asks for everything that has changed, section by section; each goes to `give`, which says whether to go on. Ends early when `until` has
/// come.
pub fn sweep(
    client: &Client,
    sweep: &mut Sweep,
    until: Instant,
    give: &mut dyn FnMut(SectionName, Rows) -> bool,
) -> Swept {
    let mut swept = Swept::default();
    sweep.count += 1;
    if sweep.count.is_multiple_of(WHOLE_EVERY) {
        sweep.known.clear();
    }
    for datastore in &sweep.datastores {
        for namespace in &datastore.namespaces {
            let base = format!("/admin/datastore/{}", encoded(&datastore.name));
            let listed: Result<List<Group>, ApiError> = client.get(&format!("{base}/groups{}", ns(namespace, '?')));
            let Ok(groups) = listed else {
                swept.silent.insert(datastore.name.clone());
                continue;
            };
            let mut buckets: BTreeMap<u32, Vec<Group>> = BTreeMap::new();
            for group in groups.0 {
                buckets.entry(bucket(&group)).or_default().push(group);
            }
            for (bucket, groups) in buckets {
                let (datastore, namespace) = (datastore.name.clone(), namespace.clone());
                let name = SectionName::Pbs { datastore, namespace: namespace.clone(), bucket };
                let state = state(&groups);
                if sweep.known.get(&name) == Some(&state) {
                    swept.kept.insert(name);
                    continue;
                }
                match rows(client, &base, &namespace, &groups, until) {
                    Some(rows) => {
                        sweep.known.insert(name.clone(), state);
                        if !give(name, rows) {
                            return swept;
                        }
                    }
                    None => {
                        swept.kept.insert(name);
                    }
                }
                if Instant::now() >= until {
                    return swept;
                }
            }
        }
    }
    swept.is_whole = true;
    swept
}

/// The backups of all groups; `None` when not all could be had.
fn rows(client: &Client, base: &str, namespace: &str, groups: &[Group], until: Instant) -> Option<Rows> {
    let mut rows = Rows::default();
    for group in groups {
        if Instant::now() >= until {
            return None;
        }
        let (kind, id) = (encoded(&group.backup_type), encoded(&group.backup_id));
        let path = format!("{base}/snapshots?backup-type={kind}&backup-id={id}{}", ns(namespace, '&'));
        client.each(&path, &mut |snapshot: Snapshot| rows.push(&row(snapshot, group))).ok()?;
    }
    Some(rows)
}

fn row(snapshot: Snapshot, group: &Group) -> PbsBackup {
    let or = |own: String, other: &str| if own.is_empty() { other.to_owned() } else { own };
    PbsBackup {
        kind: or(snapshot.backup_type, &group.backup_type),
        id: or(snapshot.backup_id, &group.backup_id),
        at_s: snapshot.backup_time,
        size: snapshot.size,
        owner: snapshot.owner,
        comment: snapshot.comment,
        protected: snapshot.protected,
        verification: snapshot.verification.state,
        files: snapshot.files.into_iter().map(|file| file.0).collect(),
    }
}

fn ns(namespace: &str, mark: char) -> String {
    if namespace.is_empty() { String::new() } else { format!("{mark}ns={}", encoded(namespace)) }
}

fn bucket(group: &Group) -> u32 {
    let name = hashed([group.backup_type.as_bytes(), group.backup_id.as_bytes()]);
    u32::try_from(name % u64::from(SectionName::BUCKETS)).unwrap_or(0)
}

/// Another number for groups that changed, as far as a list of groups tells.
fn state(groups: &[Group]) -> u64 {
    groups.iter().fold(0, |state: u64, group| {
        let (last, count) = (group.last_backup.to_le_bytes(), group.backup_count.to_le_bytes());
        let (kind, id) = (group.backup_type.as_bytes(), group.backup_id.as_bytes());
        // In whatever order they are listed.
        state.wrapping_add(hashed([kind, id, &last, &count, group.comment.as_bytes()]))
    })
}

/// FNV-1a: the same in every run.
fn hashed<const N: usize>(parts: [&[u8]; N]) -> u64 {
    parts.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, part| {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        step(part.iter().fold(hash, |hash, byte| step(hash, *byte)), 0xff)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(id: &str, last_backup: i64) -> Group {
        Group { backup_type: "vm".to_owned(), backup_id: id.to_owned(), last_backup, ..Group::default() }
    }

    #[test]
    fn a_new_backup_is_seen_and_another_order_is_none() {
        let before = state(&[group("1", 5), group("2", 5)]);
        assert_eq!(before, state(&[group("2", 5), group("1", 5)]));
        assert_ne!(before, state(&[group("1", 6), group("2", 5)]));
        assert_ne!(before, state(&[group("1", 5)]));
    }

    #[test]
    fn groups_spread_over_the_buckets() {
        let used: BTreeSet<u32> = (100..200).map(|id| bucket(&group(&id.to_string(), 0))).collect();
        assert!(used.len() > 12 && used.iter().all(|bucket| *bucket < SectionName::BUCKETS), "{used:?}");
    }

    #[test]
    fn files_are_names_or_objects_with_them() {
        let json =
            r#"{"backup-type":"vm","backup-id":101,"backup-time":"5","files":[{"filename":"a","size":1},"b",7]}"#;
        let backup = row(serde_json::from_str(json).unwrap(), &group("101", 5));
        assert_eq!((backup.id.as_str(), backup.at_s, backup.files), ("101", 5, vec!["a".to_owned(), "b".to_owned()]));
    }
}
