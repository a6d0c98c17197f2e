//! The ids by which programs for Pulse, and what people set by them, name what there is. Source: pulse specification, 2.3.

use std::collections::BTreeMap;

use super::{GuestNow, InstanceState, StorageNow};

/// A node's id.
pub fn node_id(instance: &str, node: &str) -> String {
    format!("{instance}-{node}")
}

/// The id of what stands for an instance whose credentials are not taken any more.
pub fn failed_id(instance: &str) -> String {
    format!("{instance}-failed")
}

/// A guest's id.
pub fn guest_id(instance: &str, node: &str, vmid: u32) -> String {
    format!("{instance}-{node}-{vmid}")
}

/// A Backup Server's id.
pub fn pbs_id(name: &str) -> String {
    format!("pbs-{name}")
}

/// The ids of storages. Shared ones have short ids without their instance, which two instances may both have: the first one keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageIds {
    /// The instance, by its place in the list, whose storage of that name has the short id.
    first: BTreeMap<String, usize>,
}

impl StorageIds {
    /// Those of these instances, in the order in which they are listed.
    pub fn of(instances: &[InstanceState]) -> Self {
        let mut first = BTreeMap::new();
        for (place, state) in instances.iter().enumerate() {
            for storage in state.census.storages.iter().filter(|storage| storage.is_shared) {
                first.entry(storage.name.clone()).or_insert(place);
            }
        }
        Self { first }
    }

    /// The id of a storage of the instance at `place`, which is called `instance`.
    pub fn id(&self, place: usize, instance: &str, name: &str, node: &str, is_shared: bool) -> String {
        match self.first.get(name) {
            _ if !is_shared => format!("{instance}-{node}-{name}"),
            Some(first) if *first != place => format!("{instance}-shared-{name}"),
            _ => format!("shared-{name}"),
        }
    }
}

impl InstanceState {
    /// The node where a guest is; empty where the census does not know it.
    pub fn node_of(&self, vmid: u32) -> &str {
        self.census.guest(vmid).map_or("", |guest| guest.node.as_str())
    }

    /// A guest's id.
    pub fn guest_id(&self, guest: &GuestNow) -> String {
        guest_id(&self.instance.name, self.node_of(guest.vmid), guest.vmid)
    }

    /// A storage's id; `place` is the instance's in the list that `ids` are of.
    pub fn storage_id(&self, ids: &StorageIds, place: usize, storage: &StorageNow) -> String {
        let is_shared = self.census.storage(&storage.name, &storage.node).is_some_and(|facts| facts.is_shared);
        ids.id(place, &self.instance.name, &storage.name, &storage.node, is_shared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_as_programs_know_them_and_no_two_storages_have_the_same() {
        assert_eq!(node_id("lab", "pve1"), "lab-pve1");
        assert_eq!(guest_id("lab", "pve1", 101), "lab-pve1-101");
        assert_eq!((failed_id("lab"), pbs_id("backup1")), ("lab-failed".to_owned(), "pbs-backup1".to_owned()));
        let ids = StorageIds { first: [("nas".to_owned(), 0)].into() };
        assert_eq!(ids.id(0, "lab", "nas", "pve1", true), "shared-nas");
        assert_eq!(ids.id(1, "other", "nas", "pve1", true), "other-shared-nas");
        assert_eq!(ids.id(1, "other", "nas", "pve1", false), "other-pve1-nas");
        assert_eq!(ids.id(0, "lab", "local-lvm", "pve1", false), "lab-pve1-local-lvm");
    }
}
