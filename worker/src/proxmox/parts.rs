//! Which parts of an instance are which hosts, and what has to change of that when the instance does.

use std::collections::BTreeMap;

use edgewatch_core::dialects::native::proxmox::known::Now;
use edgewatch_core::model::proxmox::{Census, GuestFacts, GuestKind, Instance, InstanceKind, NodeStatus};
use edgewatch_core::model::{HostClass, HostId};
use serde::{Deserialize, Serialize};

use crate::store::proxmox::hosts::{MOST_NODES, Move, Part, Rename};

/// A guest that its node does not tell of any more for so long is no more, ms.
const GONE_MS: i64 = 600_000;

/// A part that is a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The host.
    pub host: i64,
    /// What it was called when it was told of last.
    pub name: String,
    /// The node's host, of a guest.
    pub parent: Option<i64>,
    /// The hosts of nodes where it was, the newest first.
    pub nodes: Vec<i64>,
    /// Whether the host is retired.
    pub retired: bool,
    /// Whether guests are told nothing of it.
    #[serde(default)]
    pub hidden: bool,
    /// Since when nobody tells of it, ms since 1970.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub missing_since_ms: Option<i64>,
}

/// The parts of an instance, by key: `node/<name>`, `guest/<number>`, `pbs`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parts(pub BTreeMap<String, Known>);

/// A part that an instance has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its key.
    pub key: String,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub class: HostClass,
    /// The name of the node that it is a guest of.
    pub node: Option<String>,
}

/// What has to change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Parts that are no hosts yet: nodes before guests.
    pub new: Vec<Wanted>,
    /// Parts that are called otherwise now.
    pub renamed: Vec<Rename>,
    /// Guests that are on another node now.
    pub moved: Vec<Move>,
    /// Hosts that were retired and are back.
    pub back: Vec<HostId>,
    /// Hosts that are no more.
    pub gone: Vec<HostId>,
    /// Whether something else has to be kept.
    pub is_noted: bool,
}

impl Changes {
    /// Whether D1 has to be told.
    pub const fn is_empty(&self) -> bool {
        self.new.is_empty()
            && self.renamed.is_empty()
            && self.moved.is_empty()
            && self.back.is_empty()
            && self.gone.is_empty()
    }
}

/// The key of a node.
pub fn node_key(name: &str) -> String {
    format!("node/{name}")
}

/// The key of a guest.
pub fn guest_key(vmid: u32) -> String {
    format!("guest/{vmid}")
}

/// What a guest is called; one without a name by its kind and number.
pub fn guest_name(guest: &GuestFacts) -> String {
    if guest.name.is_empty() { format!("{} {}", guest.kind.word(), guest.vmid) } else { guest.name.clone() }
}

/// The key of a Backup Server.
pub const PBS_KEY: &str = "pbs";

/// The parts that an instance has: nodes first.
pub fn wanted(instance: &Instance, census: &Census, now: &Now) -> Vec<Wanted> {
    if instance.kind == InstanceKind::Pbs {
        let (key, name) = (PBS_KEY.to_owned(), instance.name.clone());
        return vec![Wanted { key, name, class: HostClass::BackupServer, node: None }];
    }
    let node = |name: &str| Wanted { key: node_key(name), name: name.to_owned(), class: HostClass::Node, node: None };
    let mut all: Vec<Wanted> = now.nodes.iter().map(|one| node(&one.name)).collect();
    for facts in &census.nodes {
        if !all.iter().any(|one| one.name == facts.name) {
            all.push(node(&facts.name));
        }
    }
    all.extend(census.guests.iter().map(|guest| Wanted {
        key: guest_key(guest.vmid),
        name: guest_name(guest),
        class: match guest.kind {
            GuestKind::Qemu => HostClass::Qemu,
            GuestKind::Lxc => HostClass::Lxc,
        },
        node: Some(guest.node.clone()),
    }));
    all
}

impl Parts {
    /// What D1 says of an instance's parts.
    pub fn of(parts: Vec<Part>) -> Self {
        let known = |part: Part| Known {
            host: part.host.0,
            name: part.name,
            parent: part.parent.map(|id| id.0),
            nodes: part.nodes.into_iter().map(|id| id.0).collect(),
            retired: part.is_retired,
            hidden: part.is_hidden,
            missing_since_ms: None,
        };
        Self(parts.into_iter().map(|part| (part.key.clone(), known(part))).collect())
    }

    /// The host of a part that is not retired.
    pub fn host(&self, key: &str) -> Option<HostId> {
        self.0.get(key).filter(|known| !known.retired).map(|known| HostId(known.host))
    }

    /// The host of a node.
    pub fn node(&self, name: &str) -> Option<HostId> {
        self.host(&node_key(name))
    }

    /// The names of the nodes where a guest has been, the newest first.
    pub fn nodes_of(&self, vmid: u32) -> impl Iterator<Item = &str> {
        let nodes = self.0.get(&guest_key(vmid)).map_or(&[][..], |known| &known.nodes);
        let name = |host: &i64| {
            let mut named = self.0.iter().filter_map(|(key, known)| Some((key.strip_prefix("node/")?, known)));
            named.find(|(_, known)| known.host == *host).map(|(name, _)| name)
        };
        nodes.iter().filter_map(name)
    }

    /// The hosts that are not retired, with their keys.
    pub fn live(&self) -> impl Iterator<Item = (&str, HostId)> {
        self.0.iter().filter(|(_, known)| !known.retired).map(|(key, known)| (key.as_str(), HostId(known.host)))
    }

    /// Takes the hosts that D1 says are parts, and keeps since when nobody tells of them.
    pub fn renew(&mut self, parts: Vec<Part>) {
        let mut new = Self::of(parts);
        for (key, known) in &mut new.0 {
            known.missing_since_ms = self.0.get(key).and_then(|before| before.missing_since_ms);
        }
        *self = new;
    }

    /// What has to change so that these parts are hosts. `now`: whether a part that is not told of any more is gone depends on whether
    /// its node is there to tell.
    pub fn changes(&mut self, wanted: &[Wanted], now: &Now, now_ms: i64) -> Changes {
        let mut changes = Changes::default();
        for part in wanted {
            let parent = part.node.as_ref().and_then(|node| self.0.get(&node_key(node))).map(|node| node.host);
            let Some(known) = self.0.get_mut(&part.key) else {
                changes.new.push(part.clone());
                continue;
            };
            if known.missing_since_ms.take().is_some() {
                changes.is_noted = true;
            }
            if known.retired {
                changes.back.push(HostId(known.host));
            }
            if known.name != part.name {
                changes.renamed.push(Rename { host: known.host, name: part.name.clone() });
            }
            if let Some(parent) = parent.filter(|parent| known.parent != Some(*parent)) {
                let before = known.nodes.iter().copied().filter(|node| *node != parent);
                let nodes = std::iter::once(parent).chain(before).take(MOST_NODES).collect();
                changes.moved.push(Move { host: known.host, parent, nodes });
            }
        }
        let is_told = |key: &str| wanted.iter().any(|part| part.key == key);
        let online: Vec<i64> = now
            .nodes
            .iter()
            .filter(|node| node.status == NodeStatus::Online)
            .filter_map(|node| self.0.get(&node_key(&node.name)).map(|known| known.host))
            .collect();
        for (key, known) in self.0.iter_mut().filter(|(key, known)| !known.retired && !is_told(key)) {
            // A node that is off tells of none of its guests; a cluster tells of all its nodes, as long as one of them answers.
            let can_tell = known.parent.map_or(!online.is_empty(), |parent| online.contains(&parent));
            match known.missing_since_ms {
                _ if key == PBS_KEY || !can_tell => {}
                Some(since_ms) if now_ms.saturating_sub(since_ms) >= GONE_MS => changes.gone.push(HostId(known.host)),
                Some(_) => {}
                None => {
                    known.missing_since_ms = Some(now_ms);
                    changes.is_noted = true;
                }
            }
        }
        changes
    }
}

#[cfg(test)]
pub(super) mod tests {
    use edgewatch_core::model::proxmox::{Access, InstanceId, Monitors, NodeFacts, NodeNow};
    use edgewatch_core::units::UnixSeconds;

    use super::*;

    pub fn instance(kind: InstanceKind) -> Instance {
        Instance {
            id: InstanceId(7),
            kind,
            position: 0,
            name: "lab".to_owned(),
            host: "https://192.0.2.10:8006".to_owned(),
            access: Access::default(),
            fingerprint: String::new(),
            verify_tls: false,
            monitors: Monitors::default(),
            cluster: None,
            collector: None,
            is_local: false,
            created_at: UnixSeconds(0),
        }
    }

    pub fn guest(vmid: u32, node: &str, name: &str) -> GuestFacts {
        GuestFacts {
            vmid,
            kind: GuestKind::Qemu,
            node: node.to_owned(),
            name: name.to_owned(),
            cpus: 1.0,
            tags: vec![],
            system: None,
            disk_reason: None,
        }
    }

    pub fn nodes(all: &[(&str, NodeStatus)]) -> Now {
        let node = |(name, status): &(&str, NodeStatus)| NodeNow {
            name: (*name).to_owned(),
            status: *status,
            ..NodeNow::default()
        };
        Now { nodes: all.iter().map(node).collect(), ..Now::default() }
    }

    fn census(guests: Vec<GuestFacts>) -> Census {
        Census { guests, ..Census::default() }
    }

    /// Node a is host 1, b is 2, guest 101 on a is 3.
    fn parts() -> Parts {
        let known = |host, name: &str, parent: Option<i64>| Known {
            host,
            name: name.to_owned(),
            parent,
            nodes: parent.into_iter().collect(),
            retired: false,
            hidden: true,
            missing_since_ms: None,
        };
        Parts(BTreeMap::from([
            ("node/a".to_owned(), known(1, "a", None)),
            ("node/b".to_owned(), known(2, "b", None)),
            ("guest/101".to_owned(), known(3, "web", Some(1))),
        ]))
    }

    const ON: NodeStatus = NodeStatus::Online;

    fn changes(parts: &mut Parts, guests: Vec<GuestFacts>, now: &Now, now_ms: i64) -> Changes {
        let wanted = wanted(&instance(InstanceKind::Pve), &census(guests), now);
        parts.changes(&wanted, now, now_ms)
    }

    #[test]
    fn what_is_new_becomes_hosts_nodes_first_and_a_nameless_guest_has_a_name() {
        let now = nodes(&[("a", ON)]);
        let changes = changes(&mut Parts::default(), vec![guest(101, "a", "")], &now, 0);
        let told: Vec<_> =
            changes.new.iter().map(|one| (one.key.as_str(), one.name.as_str(), one.node.as_deref())).collect();
        assert_eq!(told, [("node/a", "a", None), ("guest/101", "qemu 101", Some("a"))]);
        let pbs = wanted(&instance(InstanceKind::Pbs), &Census::default(), &Now::default());
        assert_eq!((pbs[0].key.as_str(), pbs[0].name.as_str(), pbs[0].class), ("pbs", "lab", HostClass::BackupServer));
    }

    #[test]
    fn nodes_of_the_census_that_no_poll_has_yet_are_parts_too() {
        let census =
            Census { nodes: vec![NodeFacts { name: "b".to_owned(), ..NodeFacts::default() }], ..Census::default() };
        let all = wanted(&instance(InstanceKind::Pve), &census, &nodes(&[("a", ON)]));
        assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_guest_moves_is_renamed_and_comes_back() {
        let now = nodes(&[("a", ON), ("b", ON)]);
        let mut parts = parts();
        assert!(changes(&mut parts, vec![guest(101, "a", "web")], &now, 0).is_empty());
        let moved = changes(&mut parts, vec![guest(101, "b", "shop")], &now, 0);
        assert_eq!(moved.moved, [Move { host: 3, parent: 2, nodes: vec![2, 1] }]);
        assert_eq!(moved.renamed, [Rename { host: 3, name: "shop".to_owned() }]);
        if let Some(known) = parts.0.get_mut("guest/101") {
            known.retired = true;
        }
        assert_eq!(changes(&mut parts, vec![guest(101, "a", "web")], &now, 0).back, [HostId(3)]);
    }

    #[test]
    fn a_guest_is_no_more_ten_minutes_after_its_node_told_of_it_last() {
        let now = nodes(&[("a", ON), ("b", ON)]);
        let mut parts = parts();
        let mut gone = |now: &Now, at_ms| changes(&mut parts, vec![], now, at_ms).gone.len();
        assert_eq!([gone(&now, 0), gone(&now, 599_999), gone(&now, 600_000)], [0, 0, 1]);
    }

    #[test]
    fn a_guest_of_a_node_that_is_off_is_not_gone() {
        let now = nodes(&[("a", NodeStatus::Offline), ("b", ON)]);
        let mut parts = parts();
        for at_ms in [0, 600_000, 6_000_000] {
            let changes = changes(&mut parts, vec![], &now, at_ms);
            assert!(changes.is_empty() && !changes.is_noted, "{changes:?}");
        }
    }

    #[test]
    fn a_node_that_left_the_cluster_is_no_more() {
        let now = nodes(&[("a", ON)]);
        let mut parts = parts();
        let mut gone = |at_ms| changes(&mut parts, vec![guest(101, "a", "web")], &now, at_ms).gone;
        assert_eq!([gone(0), gone(600_000)], [vec![], vec![HostId(2)]]);
        let nobody = nodes(&[("a", NodeStatus::Unknown)]);
        let mut parts = self::parts();
        let mut gone = |at_ms| changes(&mut parts, vec![guest(101, "a", "web")], &nobody, at_ms).gone.len();
        assert_eq!([gone(0), gone(600_000)], [0, 0], "nobody is there to tell");
    }

    #[test]
    fn one_that_is_told_of_again_was_not_gone() {
        let now = nodes(&[("a", ON), ("b", ON)]);
        let mut parts = parts();
        changes(&mut parts, vec![], &now, 0);
        assert!(changes(&mut parts, vec![guest(101, "a", "web")], &now, 1).is_noted);
        assert_eq!(changes(&mut parts, vec![], &now, 600_000).gone, []);
    }
}
