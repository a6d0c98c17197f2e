//! What a collector says, in our words: polls put together to what is known now, and rows of sections.

use std::collections::BTreeMap;

use super::{
    CensusRow, DatastoreNow, EndpointPart, Frame, GuestKind, GuestNow, GuestStatus, NodeNow, PbsNow, Poll,
    PollErrorKind, StorageNow, StorageStatus,
};
use crate::model::proxmox as model;
use crate::units::{UnixMillis, UnixSeconds};

/// What the polls of an instance said, the newest of each thing. Polls that failed change nothing but [`Now::error`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Now {
    /// When a poll last went well.
    pub polled_at: Option<UnixMillis>,
    /// How long that took.
    pub took_ms: u32,
    /// Why the newest one failed.
    pub error: Option<model::PollError>,
    /// How many in succession failed because the credentials were refused.
    pub refusals: u32,
    /// How many polls there were as far as is known here, and how many of them failed.
    pub polls: (u64, u64),
    /// Nodes, sorted by name.
    pub nodes: Vec<model::NodeNow>,
    /// Guests by number.
    pub guests: BTreeMap<u32, model::GuestNow>,
    /// Storages as each node sees them.
    pub storages: Vec<model::StorageNow>,
    /// The Backup Server, where it is one.
    pub pbs: Option<model::PbsNow>,
}

impl Now {
    /// Takes the polls of a frame, and shows what is known after each, with its time: where one failed, [`Now::error`] says so.
    pub fn take_frame(&mut self, frame: Frame, mut each: impl FnMut(&Self, i64)) {
        let mut is_first = true;
        for poll in frame.polls {
            let (at_ms, is_well) = (poll.at_ms, poll.error.is_none());
            self.take(poll, is_first);
            is_first &= !is_well;
            each(self, at_ms);
        }
    }

    /// Takes a poll; `is_first` of its frame that went well: it has every guest.
    fn take(&mut self, poll: Poll, is_first: bool) {
        let is_well = poll.error.is_none();
        self.error = poll.error.map(|error| model::PollError { kind: kind(error.kind), text: error.text });
        let is_refusal = self.error.as_ref().is_some_and(|error| error.kind == model::PollErrorKind::Auth);
        self.refusals = if is_refusal { self.refusals.saturating_add(1) } else { 0 };
        self.polls = (self.polls.0.saturating_add(1), self.polls.1.saturating_add(u64::from(!is_well)));
        if !is_well {
            if let Some(pbs) = &mut self.pbs {
                pbs.is_online = false;
            }
            return;
        }
        let passed_s = self.polled_at.map_or(0, |before| poll.at_ms.saturating_sub(before.0).max(0) / 1000);
        (self.polled_at, self.took_ms) = (Some(UnixMillis(poll.at_ms)), small(poll.took_ms));
        self.nodes = poll.nodes.into_iter().map(model::NodeNow::from).collect();
        self.nodes.sort_by(|one, other| one.name.cmp(&other.name));
        if is_first {
            self.guests.clear();
        } else {
            for vmid in poll.gone {
                self.guests.remove(&small(vmid));
            }
            // One that is left out runs on.
            for guest in self.guests.values_mut().filter(|guest| guest.uptime_s > 0) {
                guest.uptime_s = guest.uptime_s.saturating_add(passed_s.unsigned_abs());
            }
        }
        let guests = poll.guests.into_iter().map(model::GuestNow::from);
        self.guests.extend(guests.map(|guest| (guest.vmid, guest)));
        self.storages = poll.storages.into_iter().map(model::StorageNow::from).collect();
        self.pbs = poll.pbs.map(model::PbsNow::from);
    }

    /// Storages with each shared one once: as a node sees it that can use it, where there is one.
    pub fn storages(&self, census: &model::Census) -> Vec<model::StorageNow> {
        let is_shared =
            |one: &model::StorageNow| census.storages.iter().any(|facts| facts.is_shared && facts.name == one.name);
        let mut all: Vec<model::StorageNow> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for storage in &self.storages {
            if !is_shared(storage) {
                all.push(storage.clone());
                continue;
            }
            if let Some(known) = places.get(storage.name.as_str()).and_then(|place| all.get_mut(*place)) {
                let is_better = known.status != model::StorageStatus::Available
                    && storage.status == model::StorageStatus::Available;
                if is_better {
                    *known = storage.clone();
                }
            } else {
                places.insert(&storage.name, all.len());
                all.push(storage.clone());
            }
        }
        all
    }
}

fn kind(kind: PollErrorKind) -> model::PollErrorKind {
    match kind {
        PollErrorKind::Auth => model::PollErrorKind::Auth,
        PollErrorKind::Tls => model::PollErrorKind::Tls,
        PollErrorKind::Unreachable => model::PollErrorKind::Unreachable,
        PollErrorKind::Api => model::PollErrorKind::Api,
    }
}

pub(super) fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn used(used: i64, total: i64) -> model::Used {
    model::Used { used: count(used), total: count(total) }
}

fn space(used: i64, total: i64, free: i64) -> model::Space {
    model::Space { used: count(used), total: count(total), free: count(free) }
}

pub(super) fn moment(seconds: i64) -> Option<UnixSeconds> {
    (seconds > 0).then_some(UnixSeconds(seconds))
}

fn load(load: &[f64]) -> Option<[f64; 3]> {
    load.get(..3).and_then(|three| three.try_into().ok())
}

fn share(cpu: f64) -> f64 {
    if cpu.is_finite() { cpu.max(0.0) } else { 0.0 }
}

impl From<NodeNow> for model::NodeNow {
    fn from(node: NodeNow) -> Self {
        Self {
            status: model::NodeStatus::parse(&node.status),
            cpu: share(node.cpu),
            memory: used(node.mem_used, node.mem_total),
            disk: space(node.disk_used, node.disk_total, node.disk_free),
            swap: used(node.swap_used, node.swap_total),
            uptime_s: count(node.uptime_s),
            load: load(&node.load),
            net: None,
            name: node.name,
        }
    }
}

impl From<GuestKind> for model::GuestKind {
    fn from(kind: GuestKind) -> Self {
        match kind {
            GuestKind::Qemu => Self::Qemu,
            GuestKind::Lxc => Self::Lxc,
        }
    }
}

impl From<GuestNow> for model::GuestNow {
    fn from(guest: GuestNow) -> Self {
        let status = match guest.status {
            GuestStatus::Stopped => model::GuestStatus::Stopped,
            GuestStatus::Running => model::GuestStatus::Running,
            GuestStatus::Paused => model::GuestStatus::Paused,
            GuestStatus::Suspended => model::GuestStatus::Suspended,
            GuestStatus::Other(_) => model::GuestStatus::Unknown,
        };
        let kind = model::GuestKind::from(guest.kind);
        // Of a virtual machine nobody outside knows what its disks hold: 0 stands for that.
        let is_known = kind == model::GuestKind::Lxc || guest.disk_used > 0;
        Self {
            vmid: small(guest.vmid),
            kind,
            status,
            cpu: share(guest.cpu),
            memory: used(guest.mem_used, guest.mem_total),
            disk_used: is_known.then(|| count(guest.disk_used)),
            disk_total: count(guest.disk_total),
            rates: model::Rates {
                net_in: guest.net_in.max(-1),
                net_out: guest.net_out.max(-1),
                disk_read: guest.disk_read.max(-1),
                disk_write: guest.disk_write.max(-1),
            },
            uptime_s: count(guest.uptime_s),
            lock: guest.lock,
        }
    }
}

impl From<StorageNow> for model::StorageNow {
    fn from(storage: StorageNow) -> Self {
        let status = match storage.status {
            StorageStatus::Available => model::StorageStatus::Available,
            StorageStatus::Inactive => model::StorageStatus::Inactive,
            StorageStatus::Disabled => model::StorageStatus::Disabled,
        };
        let space = space(storage.used, storage.total, storage.avail);
        Self { name: storage.name, node: storage.node, status, space }
    }
}

impl From<PbsNow> for model::PbsNow {
    fn from(pbs: PbsNow) -> Self {
        Self {
            is_online: pbs.status == "online",
            cpu: share(pbs.cpu),
            memory: used(pbs.mem_used, pbs.mem_total),
            uptime_s: count(pbs.uptime_s),
            datastores: pbs.datastores.into_iter().map(model::DatastoreNow::from).collect(),
        }
    }
}

impl From<DatastoreNow> for model::DatastoreNow {
    fn from(store: DatastoreNow) -> Self {
        Self { space: space(store.used, store.total, store.avail), name: store.name, error: store.error }
    }
}

impl From<EndpointPart> for model::Endpoint {
    fn from(endpoint: EndpointPart) -> Self {
        Self {
            node_id: endpoint.id,
            host: endpoint.node.clone(),
            node_name: endpoint.node,
            ip: endpoint.ip,
            is_online: endpoint.online,
            last_seen: None,
        }
    }
}

/// What an instance is made of; templates are left out.
pub fn census(rows: Vec<CensusRow>) -> model::Census {
    let mut census = model::Census::default();
    let mut storages: BTreeMap<(String, Option<String>), model::StorageFacts> = BTreeMap::new();
    let mut pbs: Option<model::PbsFacts> = None;
    for row in rows {
        match row {
            CensusRow::Cluster(row) => {
                let endpoints = row.endpoints.into_iter().map(model::Endpoint::from).collect();
                census.cluster = row.is_cluster.then_some(model::Cluster { name: row.name, endpoints });
            }
            CensusRow::Node(row) => census.nodes.push(model::NodeFacts {
                name: row.name,
                kernel_version: row.kernel,
                pve_version: row.pve_version,
                cpu_model: row.cpu_model,
                cpu_count: small(row.cores),
                cpu_sockets: small(row.sockets),
                cpu_mhz: row.mhz,
            }),
            CensusRow::Guest(row) if row.template => {}
            CensusRow::Guest(row) => census.guests.push(model::GuestFacts {
                vmid: small(row.vmid),
                kind: row.kind.into(),
                node: row.node,
                name: row.name,
                cpus: share(row.cpus),
                tags: row.tags,
                system: None,
                disk_reason: model::DiskReason::parse(&row.disk_reason),
            }),
            CensusRow::Storage(row) => {
                let key = (row.name.clone(), (!row.shared).then(|| row.node.clone()));
                let known = storages.entry(key).or_insert_with(|| model::StorageFacts {
                    name: row.name,
                    node: row.node.clone(),
                    nodes: Vec::new(),
                    kind: row.kind,
                    content: row.content.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect(),
                    is_shared: row.shared,
                });
                if row.shared {
                    known.nodes.push(row.node);
                }
            }
            CensusRow::Pbs(row) => {
                let facts = pbs.get_or_insert_with(model::PbsFacts::default);
                (facts.node, facts.version) = (row.node, row.version);
            }
            CensusRow::Datastore(row) => {
                pbs.get_or_insert_with(model::PbsFacts::default).datastores.push(model::DatastoreFacts {
                    name: row.name,
                    namespaces: row.namespaces,
                    deduplication: row.deduplication,
                });
            }
            CensusRow::Job(row) => {
                let Some(kind) = model::PbsJobKind::parse(&row.kind) else { continue };
                pbs.get_or_insert_with(model::PbsFacts::default).jobs.push(model::PbsJob {
                    kind,
                    id: row.id,
                    store: row.store,
                    remote: row.remote,
                    last_state: row.last_state,
                    last_run: moment(row.last_end_s.unwrap_or_default()),
                    next_run: moment(row.next_s.unwrap_or_default()),
                    removed_bytes: row.removed.map(count),
                });
            }
        }
    }
    census.nodes.sort_by(|one, other| one.name.cmp(&other.name));
    census.guests.sort_by_key(|guest| guest.vmid);
    census.storages = storages.into_values().collect();
    census.pbs = pbs;
    census
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::native::proxmox::{FromAgent, loose};

    fn polls(text: &str) -> Now {
        let FromAgent::Frame(frame) =
            FromAgent::read(&format!(r#"{{"t":"frame","instance":"1","n":1,"polls":{text}}}"#)).unwrap()
        else {
            panic!("a frame");
        };
        let mut now = Now::default();
        now.take_frame(frame, |_, _| ());
        now
    }

    fn rows(text: &str) -> Vec<CensusRow> {
        serde_json::from_str::<loose::List<CensusRow>>(text).unwrap().0
    }

    #[test]
    fn a_guest_that_is_left_out_runs_on_and_one_that_is_gone_is_gone() {
        let now = polls(
            r#"[{"at_ms":10000,"guests":[[101,0,1,0.5,3,8,0,9,-1,-1,-1,-1,100],[102,1,0,0,0,8,4,9,0,0,0,0,0],[103,0,1]]},
                {"at_ms":20000,"guests":[[102,1,1,0.25,1,8,4,9,0,0,0,0,1]],"gone":[103]}]"#,
        );
        let told: Vec<_> = now.guests.values().map(|one| (one.vmid, one.status, one.uptime_s, one.disk_used)).collect();
        let running = model::GuestStatus::Running;
        assert_eq!(told, [(101, running, 110, None), (102, running, 1, Some(4))]);
        assert_eq!((now.polled_at, now.guests[&101].rates), (Some(UnixMillis(20_000)), model::Rates::default()));
    }

    #[test]
    fn a_poll_that_failed_leaves_what_was_known() {
        let now = polls(
            r#"[{"at_ms":10000,"nodes":[{"name":"a","status":"online","load":["0.5",1,2]}],"pbs":{"status":"online"}},
                {"at_ms":20000,"error":{"kind":"auth","text":"no such token"}}]"#,
        );
        assert_eq!(
            (now.nodes.len(), now.nodes[0].load, now.polled_at),
            (1, Some([0.5, 1.0, 2.0]), Some(UnixMillis(10_000)))
        );
        assert_eq!(now.error.as_ref().map(|error| error.kind), Some(model::PollErrorKind::Auth));
        assert_eq!(now.pbs.as_ref().map(|pbs| pbs.is_online), Some(false));
        assert_eq!((now.refusals, now.polls), (1, (2, 1)));
    }

    #[test]
    fn a_shared_storage_is_there_once_as_who_can_use_it_sees_it() {
        let census = census(rows(
            r#"[{"storage":{"name":"nas","node":"a","kind":"nfs","content":"backup,images","shared":1}},
                {"storage":{"name":"nas","node":"b","kind":"nfs","content":"backup,images","shared":1}},
                {"storage":{"name":"local","node":"a","kind":"dir","content":""}},{"storage":{"name":"local","node":"b"}}]"#,
        ));
        assert_eq!(census.storages.len(), 3);
        assert_eq!(census.storage("nas", "b").map(|one| one.nodes.len()), Some(2));
        let now = polls(
            r#"[{"at_ms":1,"storages":[["nas","a","inactive",0,0,0],["nas","b","available",5,9,4],["local","a","available",1,2,1],["local","b","disabled",0,0,0]]}]"#,
        );
        let told: Vec<_> = now.storages(&census).into_iter().map(|one| (one.name, one.node, one.space.used)).collect();
        let text = |one: (&str, &str, u64)| (one.0.to_owned(), one.1.to_owned(), one.2);
        assert_eq!(told, [("nas", "b", 5), ("local", "a", 1), ("local", "b", 0)].map(text));
    }

    #[test]
    fn templates_are_no_guests_and_guests_are_in_order() {
        let census = census(rows(
            r#"[{"guest":{"vmid":"205","kind":1,"node":"a","cpus":1.5}},{"guest":{"vmid":9000,"kind":0,"template":1}},
                {"guest":{"vmid":101,"kind":0,"tags":["x"],"disk_reason":"no-agent"}},{"cluster":{"is_cluster":true,"name":"lab","endpoints":[{"node":"a"}]}},
                {"datastore":{"name":"main","namespaces":["","prod"]}},{"job":{"kind":"sync","id":"s-1"}},{"job":{"kind":"new"}}]"#,
        ));
        let told: Vec<_> = census.guests.iter().map(|one| (one.vmid, one.disk_reason)).collect();
        assert_eq!(told, [(101, Some(model::DiskReason::NoAgent)), (205, None)]);
        assert_eq!(census.cluster.map(|cluster| (cluster.name, cluster.endpoints.len())), Some(("lab".to_owned(), 1)));
        assert_eq!(census.pbs.map(|pbs| (pbs.datastores.len(), pbs.jobs.len())), Some((1, 1)));
    }
}
