//! What nodes and guests are, in the words that every other host has for it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use edgewatch_core::model::Facts;
use edgewatch_core::model::proxmox::{GuestNow, NodeFacts, NodeNow};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

/// A start that is told some seconds earlier or later is the same: it is made of two counts of whole seconds.
const SAME_START_S: u64 = 60;
/// Sizes that differ by less than a part of this are told an hour later: a pool's file systems grow and shrink with what lies beside them.
const SAME_SIZE: u64 = 64;
const TELL_EVERY_S: i64 = 3_600;

/// What the hub was told that hosts are, by their numbers: it costs a row to tell it again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Told(BTreeMap<i64, One>);

/// What it was told of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct One {
    at_s: i64,
    /// Of all texts. Another release's hash may be another: then it is told once more.
    hash: u64,
    /// Bytes of memory, swap and disks.
    sizes: [u64; 3],
    booted_s: i64,
}

impl One {
    fn new(facts: &Facts, now: UnixSeconds) -> Self {
        let mut hasher = DefaultHasher::new();
        let Facts { platform, platform_version, kernel, arch, virtualization, cpu, .. } = facts;
        (platform, platform_version, kernel, arch, virtualization, cpu).hash(&mut hasher);
        Self {
            at_s: now.0,
            hash: hasher.finish(),
            sizes: [facts.mem_total_bytes, facts.swap_total_bytes, facts.disk_total_bytes],
            booted_s: facts.booted_at.0,
        }
    }

    /// Whether that is to be told after this.
    fn differs(&self, now: &Self) -> bool {
        let is_close = |(one, other): (&u64, &u64)| one.abs_diff(*other) <= one / SAME_SIZE;
        let is_of_another_start = now.booted_s > 0 && self.booted_s.abs_diff(now.booted_s) > SAME_START_S;
        let is_late = now.at_s.saturating_sub(self.at_s) >= TELL_EVERY_S;
        self.hash != now.hash
            || is_of_another_start
            || !self.sizes.iter().zip(&now.sizes).all(is_close)
            || self.sizes != now.sizes && is_late
    }
}

impl Told {
    /// Notes that this is told of a host, where it is news.
    pub fn note(&mut self, host: i64, facts: &Facts, now: UnixSeconds) -> bool {
        let one = One::new(facts, now);
        let is_news = self.0.get(&host).is_none_or(|told| told.differs(&one));
        if is_news {
            self.0.insert(host, one);
        }
        is_news
    }
}

/// What a node is; `known`: what is told of it more seldom, where it was.
pub fn of_node(known: Option<&NodeFacts>, node: &NodeNow, booted_at: UnixSeconds) -> Facts {
    // `pve-manager/8.4.9/649acf70aab54798`
    let version = known.and_then(|known| known.pve_version.split('/').nth(1)).unwrap_or_default();
    let counted = known.filter(|known| known.cpu_count > 0);
    Facts {
        platform: "proxmox".to_owned(),
        platform_version: version.to_owned(),
        kernel: known.map(|known| release(&known.kernel_version).to_owned()).unwrap_or_default(),
        cpu: counted.iter().map(|known| format!("{} {} Physical Core", known.cpu_model, known.cpu_count)).collect(),
        mem_total_bytes: node.memory.total,
        swap_total_bytes: node.swap.total,
        disk_total_bytes: node.disk.total,
        booted_at,
        ..Facts::default()
    }
}

/// What a guest is that has so many processors, 0 where that is not known.
pub fn of_guest(cpus: f64, guest: &GuestNow, booted_at: UnixSeconds) -> Facts {
    Facts {
        platform: guest.kind.word().to_owned(),
        virtualization: guest.kind.word().to_owned(),
        // A part of a processor, which a container may have, is one to its kernel.
        cpu: if cpus > 0.0 { vec![format!("{} Virtual Core", cpus.ceil())] } else { vec![] },
        mem_total_bytes: guest.memory.total,
        disk_total_bytes: guest.disk_total,
        booted_at,
        ..Facts::default()
    }
}

/// The release in the words of a hypervisor about its kernel: `Linux 6.8.12-13-pve #1 SMP PREEMPT_DYNAMIC …`.
fn release(kernel: &str) -> &str {
    kernel.strip_prefix("Linux ").and_then(|rest| rest.split(' ').next()).unwrap_or(kernel)
}

#[cfg(test)]
mod tests {
    use edgewatch_core::model::proxmox::{GuestKind, GuestStatus, NodeStatus, Rates, Space, Used};

    use super::*;

    fn node() -> NodeNow {
        NodeNow {
            name: "pve1".to_owned(),
            status: NodeStatus::Online,
            cpu: 0.5,
            memory: Used { used: 1, total: 64 },
            disk: Space::default(),
            swap: Used::default(),
            uptime_s: 5,
            load: None,
            net: None,
        }
    }

    #[test]
    fn a_node_has_its_release_and_its_processors_in_the_words_of_machines() {
        let known = NodeFacts {
            kernel_version: "Linux 6.8.12-13-pve #1 SMP PREEMPT_DYNAMIC PMX".to_owned(),
            pve_version: "pve-manager/8.4.9/649acf70aab54798".to_owned(),
            cpu_model: "Example Processor 9000".to_owned(),
            cpu_count: 4,
            ..NodeFacts::default()
        };
        let facts = of_node(Some(&known), &node(), UnixSeconds(7));
        assert_eq!((facts.kernel.as_str(), facts.platform_version.as_str()), ("6.8.12-13-pve", "8.4.9"));
        assert_eq!(facts.cpu, ["Example Processor 9000 4 Physical Core"]);
        assert_eq!((facts.mem_total_bytes, facts.booted_at), (64, UnixSeconds(7)));
        // Before its census nothing is made up; other words stay as they are.
        assert_eq!(of_node(None, &node(), UnixSeconds(7)).cpu, Vec::<String>::new());
        assert_eq!(of_node(Some(&NodeFacts::default()), &node(), UnixSeconds(7)).cpu, Vec::<String>::new());
        assert_eq!((release("6.8.12-13-pve"), release("")), ("6.8.12-13-pve", ""));
    }

    #[test]
    fn a_guest_has_whole_processors_without_a_name() {
        let guest = GuestNow {
            vmid: 101,
            kind: GuestKind::Lxc,
            status: GuestStatus::Running,
            cpu: 0.1,
            memory: Used { used: 1, total: 8 },
            disk_used: None,
            disk_total: 9,
            rates: Rates::default(),
            uptime_s: 5,
            lock: String::new(),
        };
        let of = |cpus| of_guest(cpus, &guest, UnixSeconds(7));
        assert_eq!((of(1.5).cpu, of(0.0).cpu), (vec!["2 Virtual Core".to_owned()], vec![]));
        assert_eq!((of(1.5).virtualization.as_str(), of(1.5).swap_total_bytes), ("lxc", 0));
    }

    #[test]
    fn what_a_host_is_is_told_once_and_when_it_changes() {
        let facts = Facts {
            platform: "proxmox".to_owned(),
            mem_total_bytes: 64_000,
            disk_total_bytes: 100_000,
            booted_at: UnixSeconds(1_000),
            ..Facts::default()
        };
        let mut told = Told::default();
        let mut is_news = |host, facts: &Facts, now_s| told.note(host, facts, UnixSeconds(now_s));
        assert!(is_news(1, &facts, 0) && is_news(2, &facts, 0), "each host for itself");
        assert!(!is_news(1, &facts, 7_200));
        // Its start within a minute is the same; one that is stopped was not started anew.
        let started = |at_s| Facts { booted_at: UnixSeconds(at_s), ..facts.clone() };
        assert!(!is_news(1, &started(1_050), 60) && !is_news(1, &started(0), 60) && is_news(1, &started(1_100), 60));
        let disk = |bytes| Facts { disk_total_bytes: bytes, ..started(1_100) };
        assert!(!is_news(1, &disk(100_900), 120) && is_news(1, &disk(110_000), 120));
        assert!(is_news(1, &disk(110_001), 120 + TELL_EVERY_S), "a little is told in the end");
        assert!(is_news(1, &Facts { kernel: "6.8".to_owned(), ..disk(110_001) }, 4_000));
        let text = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<Told>(&text).unwrap(), told);
    }
}
