//! The minutes of polls as samples: those of a node have its guests' values under names of their own, for a guest has no blocks.

use std::collections::BTreeMap;

use edgewatch_core::dialects::native::proxmox::Frame;
use edgewatch_core::dialects::native::proxmox::known::Now;
use edgewatch_core::metrics::of_guest;
use edgewatch_core::model::proxmox::{Census, GuestNow, GuestStatus, NodeStatus, StorageStatus};
use edgewatch_core::model::{HostId, Named, Sample};
use edgewatch_core::units::{Step, UnixMillis};

use super::parts::{PBS_KEY, Parts};

const MINUTE_MS: i64 = 60_000;

/// Up to where the hub has the minutes of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// All polls of frames up to this one.
    pub seq: u64,
    /// All polls before this, ms since 1970.
    pub before_ms: i64,
}

impl Mark {
    /// `seq before_ms`.
    pub fn text(self) -> String {
        format!("{} {}", self.seq, self.before_ms)
    }

    /// What [`Mark::text`] wrote; nothing for anything else.
    pub fn parse(text: &str) -> Self {
        let mut parts = text.split(' ');
        let seq = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        Self { seq, before_ms: parts.next().and_then(|part| part.parse().ok()).unwrap_or(i64::MIN) }
    }
}

/// Whole minutes, by the number that their samples are posted of, and how far they reach.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Minutes {
    /// By host: a sample for each minute, oldest first.
    pub samples: BTreeMap<HostId, Vec<Sample>>,
    /// Up to where these are all.
    pub mark: Mark,
}

/// Averages of what was polled in a minute.
#[derive(Default)]
struct Sums(BTreeMap<String, (f64, u32, Step)>);

impl Sums {
    fn add(&mut self, name: &str, value: f64, step: Step) {
        let sum = self.0.entry(name.to_owned()).or_insert((0.0, 0, step));
        (sum.0, sum.1) = (sum.0 + value, sum.1.saturating_add(1));
    }

    #[expect(clippy::cast_precision_loss, reason = "an average of bytes")]
    fn bytes(&mut self, name: &str, value: u64, step: Step) {
        self.add(name, value as f64, step);
    }

    fn take(&mut self, name: &str) -> Option<f64> {
        let (sum, count, step) = self.0.remove(name)?;
        Some(step.round(sum / f64::from(count.max(1))))
    }

    fn whole(&mut self, name: &str) -> Option<u64> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 on, and below 2^53")]
        self.take(name).map(|value| value.max(0.0) as u64)
    }
}

fn add_guest(sums: &mut Sums, guest: &GuestNow) {
    if guest.status != GuestStatus::Running {
        return;
    }
    let name = |key: &str| of_guest(guest.vmid, key);
    sums.add(&name("cpu_percent"), guest.cpu * 100.0, Step::Hundredths10);
    sums.bytes(&name("mem_used_bytes"), guest.memory.used, Step::Binary11);
    if let Some(used) = guest.disk_used {
        sums.bytes(&name("disk_used_bytes"), used, Step::Binary14);
    }
    let rates = &guest.rates;
    for (key, rate) in [
        ("net_in_bytes_per_s", rates.net_in),
        ("net_out_bytes_per_s", rates.net_out),
        ("disk_read_bytes_per_s", rates.disk_read),
        ("disk_write_bytes_per_s", rates.disk_write),
    ] {
        // Before there are two counts there is no rate.
        if let Ok(rate) = u64::try_from(rate) {
            sums.bytes(&name(key), rate, Step::Binary8);
        }
    }
}

fn sample(at_ms: i64, mut sums: Sums) -> Sample {
    Sample {
        at: UnixMillis(at_ms),
        cpu_percent: sums.take("cpu_percent"),
        mem_used_bytes: sums.whole("mem_used_bytes"),
        swap_used_bytes: sums.whole("swap_used_bytes"),
        disk_used_bytes: sums.whole("disk_used_bytes"),
        uptime_s: sums.whole("uptime_s"),
        load1: sums.take("load1"),
        load5: sums.take("load5"),
        load15: sums.take("load15"),
        named: {
            let others: Vec<String> = sums.0.keys().cloned().collect();
            let named = |name: String| Some(Named { value: sums.take(&name)?, name });
            others.into_iter().filter_map(named).collect()
        },
        ..Sample::default()
    }
}

/// What is added of one poll, by host.
fn add(now: &Now, census: &Census, parts: &Parts, sums: &mut BTreeMap<HostId, Sums>) {
    for node in now.nodes.iter().filter(|node| node.status == NodeStatus::Online) {
        let Some(host) = parts.node(&node.name) else { continue };
        let own = sums.entry(host).or_default();
        own.add("cpu_percent", node.cpu * 100.0, Step::Hundredths10);
        own.bytes("mem_used_bytes", node.memory.used, Step::Binary11);
        own.bytes("swap_used_bytes", node.swap.used, Step::Binary11);
        own.bytes("disk_used_bytes", node.disk.used, Step::Binary14);
        own.bytes("uptime_s", node.uptime_s, Step::Whole);
        for (name, load) in ["load1", "load5", "load15"].iter().zip(node.load.iter().flatten()) {
            own.add(name, *load, Step::Hundredths10);
        }
    }
    for guest in now.guests.values() {
        let node = census.guest(guest.vmid).and_then(|facts| parts.node(&facts.node));
        if let Some(host) = node {
            add_guest(sums.entry(host).or_default(), guest);
        }
    }
    for storage in now.storages(census).iter().filter(|one| one.status == StorageStatus::Available) {
        let Some(host) = storage_host(census, parts, &storage.name, &storage.node) else { continue };
        let own = sums.entry(host).or_default();
        own.bytes(&format!("storage.{}.used_bytes", storage.name), storage.space.used, Step::Binary14);
        own.bytes(&format!("storage.{}.total_bytes", storage.name), storage.space.total, Step::Binary14);
    }
    if let (Some(pbs), Some(host)) = (&now.pbs, parts.host(PBS_KEY)) {
        let own = sums.entry(host).or_default();
        if pbs.memory.total > 0 {
            own.add("cpu_percent", pbs.cpu * 100.0, Step::Hundredths10);
            own.bytes("mem_used_bytes", pbs.memory.used, Step::Binary11);
            own.bytes("uptime_s", pbs.uptime_s, Step::Whole);
        }
        for store in pbs.datastores.iter().filter(|store| store.error.is_none()) {
            own.bytes(&format!("datastore.{}.used_bytes", store.name), store.space.used, Step::Binary14);
            own.bytes(&format!("datastore.{}.total_bytes", store.name), store.space.total, Step::Binary14);
        }
    }
}

/// The host whose blocks hold a storage's series: its node's, and of a shared one that of the first node that has it.
pub fn storage_host(census: &Census, parts: &Parts, name: &str, node: &str) -> Option<HostId> {
    let facts = census.storage(name, node);
    let shared = facts.filter(|facts| facts.is_shared).and_then(|facts| facts.nodes.iter().min());
    parts.node(shared.map_or(node, String::as_str))
}

/// The whole minutes of frames that the hub does not have: up to the one that goes on. `frames` with their numbers, oldest first.
pub fn whole(frames: Vec<(u64, Frame)>, census: &Census, parts: &Parts, mark: Mark) -> Minutes {
    let ends = frames.iter().flat_map(|(_, frame)| &frame.polls).map(|poll| poll.at_ms).max();
    let Some(cut_ms) = ends.map(|at_ms| at_ms.div_euclid(MINUTE_MS) * MINUTE_MS) else {
        return Minutes { samples: BTreeMap::new(), mark };
    };
    let mut minutes: BTreeMap<i64, (i64, BTreeMap<HostId, Sums>)> = BTreeMap::new();
    let mut reached = Mark { before_ms: cut_ms.max(mark.before_ms), ..mark };
    let mut is_whole = true;
    for (seq, frame) in frames {
        is_whole &= frame.polls.iter().all(|poll| poll.at_ms < cut_ms);
        Now::default().take_frame(frame, |now, at_ms| {
            if now.error.is_none() && (mark.before_ms..cut_ms).contains(&at_ms) {
                let minute = minutes.entry(at_ms.div_euclid(MINUTE_MS)).or_default();
                minute.0 = at_ms;
                add(now, census, parts, &mut minute.1);
            }
        });
        if is_whole {
            reached.seq = seq;
        }
    }
    let mut samples: BTreeMap<HostId, Vec<Sample>> = BTreeMap::new();
    for (at_ms, hosts) in minutes.into_values() {
        for (host, sums) in hosts {
            samples.entry(host).or_default().push(sample(at_ms, sums));
        }
    }
    Minutes { samples, mark: reached }
}

#[cfg(test)]
mod tests {
    use edgewatch_core::dialects::native::proxmox::FromAgent;

    use super::super::parts::Known;
    use super::super::parts::tests::guest;
    use super::*;

    fn frame(seq: u64, polls: &[(i64, f64)]) -> (u64, Frame) {
        let poll = |(at_s, cpu): &(i64, f64)| {
            format!(
                r#"{{"at_ms":{},"nodes":[{{"name":"a","status":"online","cpu":{cpu},"mem_used":1000,"load":[1,2,3]}}],
                 "guests":[[101,0,1,{cpu},500,900,0,0,-1,8,9,10,5],[102,0,0,0,0,900,0,0,0,0,0,0,0]],
                 "storages":[["local","a","available",5,9,4],["old","a","disabled",0,0,0]]}}"#,
                at_s * 1000
            )
        };
        let polls: Vec<String> = polls.iter().map(poll).collect();
        let text = format!(r#"{{"t":"frame","instance":"1","n":{seq},"polls":[{}]}}"#, polls.join(","));
        let FromAgent::Frame(frame) = FromAgent::read(&text).unwrap() else { panic!("a frame") };
        (seq, frame)
    }

    fn parts() -> Parts {
        let known = |host| Known {
            host,
            name: String::new(),
            parent: None,
            nodes: vec![],
            retired: false,
            hidden: true,
            missing_since_ms: None,
        };
        Parts(BTreeMap::from([("node/a".to_owned(), known(1)), ("guest/101".to_owned(), known(2))]))
    }

    fn census() -> Census {
        Census { guests: vec![guest(101, "a", "web"), guest(102, "a", "off")], ..Census::default() }
    }

    fn minutes(frames: Vec<(u64, Frame)>, mark: Mark) -> Minutes {
        whole(frames, &census(), &parts(), mark)
    }

    const START: Mark = Mark { seq: 0, before_ms: i64::MIN };

    #[test]
    fn a_minute_is_the_average_of_its_polls_and_lies_with_the_node() {
        let made = minutes(vec![frame(1, &[(60, 0.1), (90, 0.3)]), frame(2, &[(120, 0.9)])], START);
        assert_eq!(made.mark, Mark { seq: 1, before_ms: 120_000 });
        assert_eq!(made.samples.keys().copied().collect::<Vec<_>>(), [HostId(1)]);
        let sample = &made.samples[&HostId(1)][0];
        assert_eq!(
            (sample.at, sample.cpu_percent, sample.mem_used_bytes, sample.load15),
            (UnixMillis(90_000), Some(20.0), Some(1_000), Some(3.0))
        );
        let named: BTreeMap<&str, f64> = sample.named.iter().map(|one| (one.name.as_str(), one.value)).collect();
        assert!((named["guest.101.cpu_percent"] - 20.0).abs() < 1e-9);
        assert_eq!((named["guest.101.net_out_bytes_per_s"], named["storage.local.used_bytes"]), (8.0, 5.0));
        for missing in [
            "guest.101.net_in_bytes_per_s",
            "guest.101.disk_used_bytes",
            "guest.102.cpu_percent",
            "storage.old.used_bytes",
        ] {
            assert!(!named.contains_key(missing), "{missing}");
        }
    }

    #[test]
    fn a_minute_goes_on_over_frames_and_is_told_once_and_whole() {
        let (first, second) = (frame(1, &[(60, 0.1), (130, 0.2)]), frame(2, &[(150, 0.4), (185, 0.5)]));
        let made = minutes(vec![first.clone()], START);
        assert_eq!((made.mark, made.samples[&HostId(1)].len()), (Mark { seq: 0, before_ms: 120_000 }, 1));
        let made = minutes(vec![first, second], made.mark);
        assert_eq!(made.mark, Mark { seq: 1, before_ms: 180_000 });
        let cpu: Vec<_> = made.samples[&HostId(1)].iter().map(|sample| sample.cpu_percent).collect();
        assert_eq!(cpu, [Some(30.0)]);
    }

    #[test]
    fn nothing_polled_is_nothing_told() {
        assert_eq!(minutes(vec![], START), Minutes { samples: BTreeMap::new(), mark: START });
        assert_eq!(minutes(vec![frame(1, &[(65, 0.1)])], START).samples.len(), 0);
        let mark = Mark { seq: 9, before_ms: -5 };
        assert_eq!((Mark::parse(&mark.text()), Mark::parse("")), (mark, START));
    }
}
