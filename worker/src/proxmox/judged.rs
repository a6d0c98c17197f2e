//! What polls say of resources, for the thresholds at the hub.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::dialects::native::proxmox::known::Now;
use edgewatch_core::domain::alerting::thresholds::{Condition, Poll, Resource, Values};
use edgewatch_core::model::proxmox::{
    Census, GuestKind, GuestStatus, Instance, InstanceKind, NodeStatus, StorageStatus, guest_id, node_id, pbs_id,
};
use edgewatch_core::model::{HostId, ResourceKind, ThresholdMetric};
use edgewatch_core::units::UnixMillis;
use serde::{Deserialize, Serialize};

use super::minutes::storage_host;
use super::parts::{PBS_KEY, Parts, guest_key, guest_name};

/// Rates of limits are in these.
const MIB: f64 = 1_048_576.0;

/// The numbers of resources that are no hosts, by what they are called: given once, from 1 on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Numbers {
    given: BTreeMap<String, u32>,
}

impl Numbers {
    /// The number of a resource, which is given where there is none; and whether that is news.
    fn of(&mut self, name: &str) -> (u32, bool) {
        if let Some(number) = self.given.get(name) {
            return (*number, false);
        }
        let next = self.given.values().max().map_or(1, |last| last.saturating_add(1));
        self.given.insert(name.to_owned(), next);
        (next, true)
    }
}

/// What is polled, and which of it is what.
pub struct World<'a> {
    /// The instance.
    pub instance: &'a Instance,
    /// What it is made of.
    pub census: &'a Census,
    /// Which of it are which hosts.
    pub parts: &'a Parts,
    /// Whether a shared storage of this name has the short id, and not another instance's of the same name.
    pub is_first: &'a dyn Fn(&str) -> bool,
}

/// Polls by host and number of the resource.
pub type Judged = BTreeMap<(HostId, u32), (Resource, Vec<Poll>)>;

impl World<'_> {
    /// Adds what was found at a moment; with an error of the newest poll what cannot be asked is gone. Gives whether a number was given.
    pub fn add(&self, now: &Now, at: UnixMillis, numbers: &mut Numbers, judged: &mut Judged) -> bool {
        let is_asked = now.error.is_none();
        self.add_nodes(now, (at, is_asked), judged);
        if is_asked {
            self.add_guests(now, at, judged);
        }
        let is_news = is_asked && self.add_storages(now, at, numbers, judged);
        if let Some(host) = self.parts.host(PBS_KEY).filter(|_| self.instance.kind == InstanceKind::Pbs) {
            let is_up = is_asked && now.pbs.as_ref().is_some_and(|pbs| pbs.is_online);
            let mut values = Values::default();
            if let Some(pbs) = now.pbs.as_ref().filter(|pbs| is_up && pbs.memory.total > 0) {
                values.set(ThresholdMetric::Cpu, Some(pbs.cpu * 100.0));
                values.set(ThresholdMetric::Memory, Some(pbs.memory.percent()));
            }
            let name = &self.instance.name;
            let resource = self.resource(0, ResourceKind::Pbs, (vec![pbs_id(name)], name, ""));
            put(judged, host, resource, Poll { at, condition: up(is_up), values });
        }
        is_news
    }

    fn resource(&self, number: u32, kind: ResourceKind, (ids, name, node): (Vec<String>, &str, &str)) -> Resource {
        Resource {
            number,
            kind,
            ids,
            name: name.to_owned(),
            node: node.to_owned(),
            instance: self.instance.name.clone(),
            vmid: None,
            tags: Vec::new(),
        }
    }

    fn add_nodes(&self, now: &Now, (at, is_asked): (UnixMillis, bool), judged: &mut Judged) {
        for node in &now.nodes {
            let Some(host) = self.parts.node(&node.name) else { continue };
            let condition = match node.status {
                _ if !is_asked => Condition::Down,
                NodeStatus::Online => Condition::Up,
                NodeStatus::Offline => Condition::Down,
                NodeStatus::Unknown => Condition::Unknown,
            };
            let mut values = Values::default();
            if condition == Condition::Up {
                values.set(ThresholdMetric::Cpu, Some(node.cpu * 100.0));
                values.set(ThresholdMetric::Memory, Some(node.memory.percent()));
                values.set(ThresholdMetric::Disk, Some(node.disk.percent()));
            }
            let ids = vec![node_id(&self.instance.name, &node.name)];
            let resource = self.resource(0, ResourceKind::Node, (ids, &node.name, &node.name));
            put(judged, host, resource, Poll { at, condition, values });
        }
    }

    fn add_guests(&self, now: &Now, at: UnixMillis, judged: &mut Judged) {
        for guest in now.guests.values() {
            let Some(facts) = self.census.guest(guest.vmid) else { continue };
            let Some(host) = self.parts.host(&guest_key(guest.vmid)) else { continue };
            let can_tell = now.nodes.iter().all(|node| node.name != facts.node || node.status == NodeStatus::Online);
            let condition = match guest.status {
                _ if !can_tell => Condition::Unknown,
                GuestStatus::Running => Condition::Up,
                GuestStatus::Stopped => Condition::Down,
                GuestStatus::Paused | GuestStatus::Suspended => Condition::Paused,
                GuestStatus::Unknown => Condition::Unknown,
            };
            let mut values = Values::default();
            if condition == Condition::Up {
                #[expect(clippy::cast_precision_loss, reason = "compared, not counted")]
                let rate = |rate: i64| (rate >= 0).then_some(rate as f64 / MIB);
                let disk = guest.disk_used.filter(|_| guest.disk_total > 0);
                #[expect(clippy::cast_precision_loss, reason = "a percentage of bytes")]
                let disk = disk.map(|used| used as f64 / guest.disk_total as f64 * 100.0);
                for (metric, value) in [
                    (ThresholdMetric::Cpu, Some(guest.cpu * 100.0)),
                    (ThresholdMetric::Memory, Some(guest.memory.percent())),
                    (ThresholdMetric::Disk, disk),
                    (ThresholdMetric::DiskRead, rate(guest.rates.disk_read)),
                    (ThresholdMetric::DiskWrite, rate(guest.rates.disk_write)),
                    (ThresholdMetric::NetworkIn, rate(guest.rates.net_in)),
                    (ThresholdMetric::NetworkOut, rate(guest.rates.net_out)),
                ] {
                    values.set(metric, value);
                }
            }
            let kind = match guest.kind {
                GuestKind::Qemu => ResourceKind::Vm,
                GuestKind::Lxc => ResourceKind::Container,
            };
            // What was set for it where it was goes on counting after a migration.
            let before = self.parts.nodes_of(guest.vmid).filter(|node| *node != facts.node);
            let nodes = std::iter::once(facts.node.as_str()).chain(before);
            let ids = nodes.map(|node| guest_id(&self.instance.name, node, guest.vmid)).collect();
            let resource = Resource {
                vmid: Some(guest.vmid),
                tags: facts.tags.clone(),
                ..self.resource(0, kind, (ids, &guest_name(facts), &facts.node))
            };
            put(judged, host, resource, Poll { at, condition, values });
        }
    }

    fn add_storages(&self, now: &Now, at: UnixMillis, numbers: &mut Numbers, judged: &mut Judged) -> bool {
        let mut is_news = false;
        for storage in now.storages(self.census) {
            let Some(facts) = self.census.storage(&storage.name, &storage.node) else { continue };
            let Some(host) = storage_host(self.census, self.parts, &storage.name, &storage.node) else { continue };
            let name = &self.instance.name;
            let long = format!("{name}-shared-{}", storage.name);
            let (ids, node) = if !facts.is_shared {
                (vec![format!("{name}-{}-{}", storage.node, storage.name)], storage.node.as_str())
            } else if (self.is_first)(&storage.name) {
                (vec![format!("shared-{}", storage.name), long], "shared")
            } else {
                (vec![long], "shared")
            };
            let (number, is_given) = numbers.of(&ids.join("\n"));
            is_news |= is_given;
            let condition = match storage.status {
                StorageStatus::Available => Condition::Up,
                StorageStatus::Inactive => Condition::Down,
                // Nobody wants it.
                StorageStatus::Disabled => Condition::Unknown,
            };
            let mut values = Values::default();
            if condition == Condition::Up {
                values.set(ThresholdMetric::Usage, Some(storage.space.percent()));
            }
            let resource = self.resource(number, ResourceKind::Storage, (ids, &storage.name, node));
            put(judged, host, resource, Poll { at, condition, values });
        }
        is_news
    }
}

const fn up(is_up: bool) -> Condition {
    if is_up { Condition::Up } else { Condition::Down }
}

fn put(judged: &mut Judged, host: HostId, resource: Resource, poll: Poll) {
    judged.entry((host, resource.number)).or_insert_with(|| (resource, Vec::new())).1.push(poll);
}

/// What was told of last to be not at rest: its polls matter whatever they say.
pub type Restless = BTreeSet<(i64, u32)>;

#[cfg(test)]
mod tests {
    use edgewatch_core::dialects::native::proxmox::FromAgent;
    use edgewatch_core::model::proxmox::{PollError, PollErrorKind, StorageFacts};

    use super::super::parts::Known;
    use super::super::parts::tests::{guest, instance};
    use super::*;

    fn now() -> Now {
        let text = r#"{"t":"frame","instance":"1","n":1,"polls":[{"at_ms":60000,
            "nodes":[{"name":"a","status":"online","cpu":0.5,"mem_used":1,"mem_total":4,"disk_used":1,"disk_total":2},{"name":"b","status":"offline"}],
            "guests":[[101,0,1,0.25,500,1000,0,2000,-1,2097152,9,10,5],[102,0,0],[103,0,1]],
            "storages":[["local","a","available",5,10,4],["nas","a","inactive",0,0,0],["old","a","disabled",0,0,0]]}]}"#;
        let Ok(FromAgent::Frame(frame)) = FromAgent::read(text) else { panic!("a frame") };
        let mut now = Now::default();
        now.take_frame(frame, |_, _| ());
        now
    }

    fn judged(now: &Now, is_first: bool) -> Vec<(i64, u32, String, Condition, Values)> {
        let storage = |name: &str, is_shared| StorageFacts {
            name: name.to_owned(),
            node: "a".to_owned(),
            nodes: if is_shared { vec!["a".to_owned()] } else { vec![] },
            is_shared,
            ..StorageFacts::default()
        };
        let census = Census {
            guests: vec![guest(101, "a", "web"), guest(102, "a", "off"), guest(103, "b", "lost")],
            storages: vec![storage("local", false), storage("nas", true), storage("old", false)],
            ..Census::default()
        };
        let known = |(key, host): (&str, i64)| {
            let known = Known {
                host,
                name: String::new(),
                parent: None,
                nodes: vec![],
                retired: false,
                hidden: true,
                missing_since_ms: None,
            };
            (key.to_owned(), known)
        };
        let all = [("node/a", 1), ("node/b", 2), ("guest/101", 3), ("guest/102", 4), ("guest/103", 5)];
        let mut parts = Parts(all.map(known).into());
        parts.0.entry("guest/101".to_owned()).and_modify(|known| known.nodes = vec![1, 2]);
        let instance = instance(InstanceKind::Pve);
        let world = World { instance: &instance, census: &census, parts: &parts, is_first: &|_| is_first };
        let (mut numbers, mut judged) = (Numbers::default(), Judged::new());
        assert_eq!(world.add(now, UnixMillis(60_000), &mut numbers, &mut judged), now.error.is_none());
        let told = |((host, number), (resource, polls)): ((HostId, u32), (Resource, Vec<Poll>))| {
            (host.0, number, resource.ids.join(" "), polls[0].condition, polls[0].values)
        };
        judged.into_iter().map(told).collect()
    }

    #[test]
    fn everything_that_is_polled_is_judged_by_its_host_and_number() {
        let all = judged(&now(), true);
        let told: Vec<_> = all.iter().map(|one| (one.0, one.1, one.2.as_str(), one.3)).collect();
        assert_eq!(
            told,
            [
                (1, 0, "lab-a", Condition::Up),
                (1, 1, "lab-a-local", Condition::Up),
                (1, 2, "shared-nas lab-shared-nas", Condition::Down),
                (1, 3, "lab-a-old", Condition::Unknown),
                (2, 0, "lab-b", Condition::Down),
                (3, 0, "lab-a-101 lab-b-101", Condition::Up),
                (4, 0, "lab-a-102", Condition::Down),
                (5, 0, "lab-b-103", Condition::Unknown),
            ]
        );
        let of = |place: usize, metric| all[place].4.get(metric);
        assert_eq!((of(0, ThresholdMetric::Memory), of(1, ThresholdMetric::Usage)), (Some(25.0), Some(50.0)));
        assert_eq!((of(5, ThresholdMetric::NetworkIn), of(5, ThresholdMetric::NetworkOut)), (None, Some(2.0)));
        assert_eq!((of(5, ThresholdMetric::Disk), of(5, ThresholdMetric::Cpu)), (None, Some(25.0)));
        assert_eq!(judged(&now(), false)[2].2, "lab-shared-nas");
    }

    #[test]
    fn an_instance_that_cannot_be_asked_has_its_nodes_down_and_says_nothing_of_the_rest() {
        let error = Some(PollError { kind: PollErrorKind::Unreachable, text: String::new() });
        let all = judged(&Now { error, ..now() }, true);
        let told: Vec<_> = all.iter().map(|one| (one.0, one.3)).collect();
        assert_eq!(told, [(1, Condition::Down), (2, Condition::Down)]);
    }

    #[test]
    fn a_number_is_given_once() {
        let mut numbers = Numbers::default();
        assert_eq!([numbers.of("a"), numbers.of("b"), numbers.of("a")], [(1, true), (2, true), (1, false)]);
    }
}
