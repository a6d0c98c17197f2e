//! Storages in the state, and `GET /api/storage/{id}`. Source: pulse specification, 6.2 and 6.3.

use serde::Serialize;

use super::{Number, StorageIds, Written};
use crate::model::proxmox::{InstanceKind, InstanceState, StorageFacts, StorageNow, StorageStatus, node_id};
use crate::units::UnixSeconds;

/// A storage, as it is in lists and alone.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Storage<'a> {
    id: String,
    name: &'a str,
    /// The node's name; `shared` where all nodes have it.
    node: &'a str,
    instance: &'a str,
    /// Such as `dir`.
    #[serde(rename = "type")]
    kind: &'a str,
    /// `available`, `inactive` or `disabled`.
    status: &'static str,
    /// Bytes; and so the next two.
    total: u64,
    used: u64,
    free: u64,
    /// Percent.
    usage: Number,
    /// What may lie there, sorted, with commas.
    content: String,
    shared: bool,
    enabled: bool,
    active: bool,
}

/// An answer about storages.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StorageReply<T> {
    /// One, or a list.
    pub data: T,
    /// Unix seconds.
    pub timestamp: i64,
}

/// What there is under an id.
#[derive(Debug)]
pub enum FoundStorage<'a> {
    /// The storage of this id.
    One(Storage<'a>),
    /// The storages of the node of this id, or of this name.
    OfNode(Vec<Storage<'a>>),
}

/// A storage with what the census says of it, in the order of lists.
type Known<'a> = (usize, &'a InstanceState, &'a StorageNow, &'a StorageFacts);

fn known(instances: &[InstanceState]) -> Vec<Known<'_>> {
    let mut found: Vec<Known<'_>> = vec![];
    for (place, state) in instances.iter().enumerate() {
        if state.instance.kind == InstanceKind::Pve && !state.health.is_locked_out {
            let facts = |now: &StorageNow| state.census.storage(&now.name, &now.node);
            found.extend(state.storages.iter().filter_map(|now| Some((place, state, now, facts(now)?))));
        }
    }
    found.sort_by_key(|(_, state, now, _)| (state.instance.name.as_str(), now.name.as_str(), now.node.as_str()));
    found
}

fn row<'a>((place, state, now, facts): Known<'a>, ids: &StorageIds) -> Storage<'a> {
    Storage {
        id: state.storage_id(ids, place, now),
        name: &now.name,
        node: if facts.is_shared { "shared" } else { &now.node },
        instance: &state.instance.name,
        kind: &facts.kind,
        status: now.status.word(),
        total: now.space.total,
        used: now.space.used,
        free: now.space.free,
        usage: Number(now.space.percent()),
        content: facts.content.join(","),
        shared: facts.is_shared,
        enabled: now.status != StorageStatus::Disabled,
        active: now.status == StorageStatus::Available,
    }
}

pub(super) fn write(instances: &[InstanceState], ids: &StorageIds, out: &mut Written) {
    out.list(known(instances).into_iter().map(|known| row(known, ids)));
}

/// `GET /api/storage` and `GET /api/storage/`: all of them.
pub fn all_storage(instances: &[InstanceState], now: UnixSeconds) -> StorageReply<Vec<Storage<'_>>> {
    let ids = StorageIds::of(instances);
    let data = known(instances).into_iter().map(|known| row(known, &ids)).collect();
    StorageReply { data, timestamp: now.0 }
}

/// `GET /api/storage/{id}`: the storage of this id; else those at the node of this id or name, shared ones that it serves among them.
/// `None` for neither.
pub fn find_storage<'a>(instances: &'a [InstanceState], id: &str) -> Option<FoundStorage<'a>> {
    let ids = StorageIds::of(instances);
    let all = known(instances);
    if let Some(one) = all.iter().find(|(place, state, now, _)| state.storage_id(&ids, *place, now) == id) {
        return Some(FoundStorage::One(row(*one, &ids)));
    }
    let is_meant = |state: &InstanceState, node: &str| node == id || node_id(&state.instance.name, node) == id;
    let shown = |state: &&InstanceState| state.instance.kind == InstanceKind::Pve && !state.health.is_locked_out;
    let has_node = |state: &InstanceState| state.nodes.iter().any(|node| is_meant(state, &node.name));
    if !instances.iter().filter(shown).any(has_node) {
        return None;
    }
    let is_there = |(_, state, now, facts): &Known<'_>| {
        is_meant(state, &now.node) || facts.is_shared && facts.nodes.iter().any(|node| is_meant(state, node))
    };
    Some(FoundStorage::OfNode(all.into_iter().filter(is_there).map(|known| row(known, &ids)).collect()))
}

impl FoundStorage<'_> {
    /// The answer at this time, as JSON.
    pub fn reply(&self, now: UnixSeconds) -> Written {
        let mut out = Written::default();
        match self {
            Self::One(data) => out.value(&StorageReply { data, timestamp: now.0 }),
            Self::OfNode(data) => out.value(&StorageReply { data, timestamp: now.0 }),
        }
        out
    }
}
