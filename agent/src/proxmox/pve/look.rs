//! One poll of a host or cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::proxmox::loose::List;
use edgewatch_core::dialects::native::proxmox::{
    CensusRow, ClusterRow, EndpointPart, GuestKind, GuestNow, GuestRow, Monitor, NodeRow, Poll, StorageRow,
};

use super::disks::{Disk, Disks};
use super::rules;
use super::shapes::{ClusterPart, Current, Guest, Node, NodeStatus, Storage};
use crate::proxmox::client::Client;
use crate::proxmox::error::ApiError;
use crate::proxmox::permits::{MOST_AT_ONCE, gather};
use crate::proxmox::place::encoded;
use crate::proxmox::rates::Rates;

/// How often it is asked who belongs to the cluster.
const CLUSTER_EVERY: Duration = Duration::from_mins(5);

/// What is known of an instance beyond one poll.
#[derive(Debug, Default)]
pub struct Memory {
    rates: Rates,
    cluster: ClusterRow,
    cluster_read: Option<Instant>,
    nodes: BTreeMap<String, NodeRow>,
    /// By number.
    guests: BTreeMap<u64, GuestRow>,
    /// By node and name.
    storages: BTreeMap<(String, String), StorageRow>,
    /// Nodes that answered last.
    online: Vec<String>,
    disks: Disks,
}

/// What a node is asked.
#[derive(Debug, Clone, Copy)]
enum Ask<'a> {
    Status(&'a str),
    Storage(&'a str),
    Guests(&'a str, GuestKind),
}

/// What a node says.
enum Told {
    Status(NodeStatus),
    Storage(Vec<Storage>),
    Guests(Vec<Guest>, Instant),
    Nothing,
}

impl Memory {
    /// The nodes that answered at the last poll.
    pub fn online(&self) -> &[String] {
        &self.online
    }

    /// The nodes that did not.
    pub fn offline(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str).filter(|name| !self.online.iter().any(|online| online == name))
    }

    /// Every guest that is known, those of nodes that do not answer included.
    pub fn guests(&self) -> impl Iterator<Item = &GuestRow> {
        self.guests.values()
    }

    /// Every storage on every node.
    pub fn storages(&self) -> impl Iterator<Item = &StorageRow> {
        self.storages.values()
    }

    /// What machines tell of their disks, when a sweep asks them.
    pub fn disks(&self) -> Disks {
        self.disks.clone()
    }

    /// Where the cluster's nodes can be asked.
    pub fn endpoints(&self) -> &[EndpointPart] {
        &self.cluster.endpoints
    }

    /// The section `census`.
    pub fn census(&self, polled: &str) -> Vec<CensusRow> {
        let cluster = ClusterRow { polled: polled.to_owned(), ..self.cluster.clone() };
        let mut rows = vec![CensusRow::Cluster(cluster)];
        rows.extend(self.nodes.values().cloned().map(CensusRow::Node));
        rows.extend(self.guests.values().cloned().map(CensusRow::Guest));
        rows.extend(self.storages.values().cloned().map(CensusRow::Storage));
        rows
    }
}

/// Looks at everything that is wanted.
///
/// # Errors
/// When the list of nodes cannot be had. What else fails is left out.
pub fn look(client: &Client, monitor: &Monitor, memory: &mut Memory) -> Result<Poll, ApiError> {
    let nodes: List<Node> = client.get("/nodes")?;
    let nodes: Vec<Node> = nodes.0.into_iter().filter(|node| !node.name.is_empty()).collect();
    learn_cluster(client, &nodes, memory);
    let asks = asks(&nodes, monitor);
    let told = gather(&asks, MOST_AT_ONCE, |ask| tell(client, *ask));
    let mut seen = Seen::default();
    for (ask, told) in asks.iter().zip(told) {
        seen.take(*ask, told);
    }
    let mut poll = Poll::default();
    memory.nodes.retain(|name, _| nodes.iter().any(|node| node.name == *name));
    memory
        .storages
        .retain(|(node, _), _| memory.nodes.contains_key(node) && !seen.storages.contains_key(node.as_str()));
    memory.online.clear();
    for node in &nodes {
        let status = seen.statuses.get(node.name.as_str());
        let storages = seen.storages.get(node.name.as_str()).map_or(&[] as &[_], Vec::as_slice);
        poll.nodes.push(rules::node(node, status, storages));
        let row = rules::node_row(node, status, memory.nodes.get(&node.name));
        memory.nodes.insert(node.name.clone(), row);
        if node.status == "online" {
            memory.online.push(node.name.clone());
        }
        for storage in storages {
            if monitor.storage {
                poll.storages.push(rules::storage(&node.name, storage));
            }
            let key = (node.name.clone(), storage.name.clone());
            memory.storages.insert(key, rules::storage_row(&node.name, storage));
        }
    }
    poll.guests = guests(client, monitor, memory, seen.guests);
    Ok(poll)
}

/// What is known of the guests of nodes that were not asked, or did not answer, stays known while the node is there.
fn keep_guests(memory: &mut Memory, monitor: &Monitor, found: &[(&str, GuestKind)]) {
    let nodes = &memory.nodes;
    memory.guests.retain(|_, row| {
        let is_wanted = if row.kind == GuestKind::Qemu { monitor.vms } else { monitor.containers };
        is_wanted && nodes.contains_key(&row.node) && !found.contains(&(row.node.as_str(), row.kind))
    });
}

fn guests(
    client: &Client,
    monitor: &Monitor,
    memory: &mut Memory,
    lists: BTreeMap<(&str, u8), (GuestKind, Vec<Guest>, Instant)>,
) -> Vec<GuestNow> {
    let found: Vec<(&str, GuestKind)> = lists.iter().map(|((node, _), (kind, ..))| (*node, *kind)).collect();
    keep_guests(memory, monitor, &found);
    let mut all: BTreeMap<u64, (GuestKind, &str, Guest, Instant)> = BTreeMap::new();
    for ((node, _), (kind, list, at)) in lists {
        for guest in list.into_iter().filter(|guest| guest.vmid > 0) {
            // One on its way from node to node may be listed by both: it is where it runs.
            let is_known = all.get(&guest.vmid).is_some_and(|(_, _, known, _)| known.status == "running");
            if !is_known || guest.status == "running" {
                all.insert(guest.vmid, (kind, node, guest, at));
            }
        }
    }
    let running: Vec<(u64, String)> = all
        .values()
        .filter(|(kind, _, guest, _)| *kind == GuestKind::Qemu && guest.status == "running" && !guest.template)
        .map(|(_, node, guest, _)| (guest.vmid, format!("/nodes/{}/qemu/{}/status/current", encoded(node), guest.vmid)))
        .collect();
    let current = gather(&running, MOST_AT_ONCE, |(_, path)| client.get::<Current>(path).ok());
    let current: BTreeMap<u64, Current> =
        running.iter().zip(current).filter_map(|((vmid, _), current)| Some((*vmid, current?))).collect();
    let machines = running.iter().filter_map(|(vmid, _)| {
        let (_, node, ..) = all.get(vmid)?;
        Some((*vmid, ((*node).to_owned(), current.get(vmid).map(|current| current.agent))))
    });
    memory.disks.run(machines.collect());
    let mut now = Vec::with_capacity(all.len());
    for (vmid, (kind, node, guest, at)) in &all {
        let disk = memory.disks.of(*vmid);
        memory.guests.insert(*vmid, rules::guest_row(*kind, node, guest, disk));
        if !guest.template {
            let rates = memory.rates.of(*vmid, rules::counters(guest), *at);
            let mut one = rules::guest(*kind, guest, current.get(vmid), rates);
            if let Some(Disk::Known { used, total }) = disk {
                (one.disk_used, one.disk_total) = (used, total);
            }
            now.push(one);
        }
    }
    let there: BTreeSet<u64> = memory.guests.keys().copied().collect();
    memory.rates.keep(|vmid| there.contains(&vmid));
    now
}

fn asks<'a>(nodes: &'a [Node], monitor: &Monitor) -> Vec<Ask<'a>> {
    let mut asks = Vec::new();
    for node in nodes.iter().filter(|node| node.status == "online") {
        let node = node.name.as_str();
        asks.push(Ask::Status(node));
        if monitor.storage || monitor.backups {
            asks.push(Ask::Storage(node));
        }
        if monitor.vms {
            asks.push(Ask::Guests(node, GuestKind::Qemu));
        }
        if monitor.containers {
            asks.push(Ask::Guests(node, GuestKind::Lxc));
        }
    }
    asks
}

fn tell(client: &Client, ask: Ask<'_>) -> Told {
    let told = match ask {
        Ask::Status(node) => client.get(&format!("/nodes/{}/status", encoded(node))).map(Told::Status),
        Ask::Storage(node) => {
            client.get::<List<Storage>>(&format!("/nodes/{}/storage", encoded(node))).map(|list| Told::Storage(list.0))
        }
        Ask::Guests(node, kind) => client
            .get::<List<Guest>>(&format!("/nodes/{}/{}", encoded(node), kind.as_str()))
            .map(|list| Told::Guests(list.0, Instant::now())),
    };
    told.unwrap_or(Told::Nothing)
}

#[derive(Default)]
struct Seen<'a> {
    statuses: BTreeMap<&'a str, NodeStatus>,
    storages: BTreeMap<&'a str, Vec<Storage>>,
    guests: BTreeMap<(&'a str, u8), (GuestKind, Vec<Guest>, Instant)>,
}

impl<'a> Seen<'a> {
    fn take(&mut self, ask: Ask<'a>, told: Told) {
        match (ask, told) {
            (Ask::Status(node), Told::Status(status)) => {
                self.statuses.insert(node, status);
            }
            (Ask::Storage(node), Told::Storage(storages)) => {
                self.storages.insert(node, storages);
            }
            (Ask::Guests(node, kind), Told::Guests(guests, at)) => {
                self.guests.insert((node, kind.code()), (kind, guests, at));
            }
            _ => {}
        }
    }
}

/// Asks from time to time who belongs to the cluster. What cannot be had stays as it was.
fn learn_cluster(client: &Client, nodes: &[Node], memory: &mut Memory) {
    if memory.cluster_read.is_none_or(|read| read.elapsed() >= CLUSTER_EVERY) {
        memory.cluster_read = Some(Instant::now());
        if let Ok(parts) = client.get::<List<ClusterPart>>("/cluster/status") {
            memory.cluster = cluster(&parts.0, &memory.cluster);
        }
    }
    for endpoint in &mut memory.cluster.endpoints {
        if let Some(node) = nodes.iter().find(|node| node.name == endpoint.node) {
            endpoint.online = node.status == "online";
            endpoint.fingerprint.clone_from(&node.ssl_fingerprint);
        }
    }
}

/// A cluster is one when it has several nodes.
pub(super) fn cluster(parts: &[ClusterPart], before: &ClusterRow) -> ClusterRow {
    let nodes: Vec<&ClusterPart> = parts.iter().filter(|part| part.kind == "node").collect();
    let head = parts.iter().find(|part| part.kind == "cluster");
    if nodes.len() < 2 {
        return ClusterRow { quorate: head.and_then(|head| head.quorate), ..ClusterRow::default() };
    }
    let fingerprint = |node: &str| {
        let known = before.endpoints.iter().find(|endpoint| endpoint.node == node);
        known.map(|endpoint| endpoint.fingerprint.clone()).unwrap_or_default()
    };
    let endpoints = nodes.iter().map(|node| EndpointPart {
        id: node.id.clone(),
        node: node.name.clone(),
        ip: node.ip.clone(),
        online: node.online,
        fingerprint: fingerprint(&node.name),
    });
    ClusterRow {
        is_cluster: true,
        name: head.map(|head| head.name.clone()).unwrap_or_default(),
        quorate: head.and_then(|head| head.quorate),
        endpoints: endpoints.collect(),
        polled: String::new(),
    }
}
