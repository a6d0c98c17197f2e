//! The series that charts are drawn of: what polls that are kept say, and before those what the hub has.

use std::collections::BTreeMap;

use edgewatch_core::dialects::native::proxmox::Frame;
use edgewatch_core::dialects::native::proxmox::known::Now;
use edgewatch_core::dialects::pulse::ChartPoint;
use edgewatch_core::metrics::of_guest;
use edgewatch_core::model::HostId;
use edgewatch_core::model::proxmox::{Census, GuestStatus, NodeStatus, StorageStatus};
use edgewatch_core::units::UnixMillis;
use serde::Deserialize;

use super::minutes::storage_host;
use super::parts::Parts;

/// A guest's metrics in the order in which charts name them.
pub const GUEST: [&str; 7] = [
    "cpu_percent",
    "mem_used_bytes",
    "disk_used_bytes",
    "disk_read_bytes_per_s",
    "disk_write_bytes_per_s",
    "net_in_bytes_per_s",
    "net_out_bytes_per_s",
];
/// A node's.
pub const NODE: [&str; 3] = ["cpu_percent", "mem_used_bytes", "disk_used_bytes"];
/// A storage's.
pub const STORAGE: [&str; 2] = ["used_bytes", "total_bytes"];

/// Series by what they are of, each ascending in time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tracks {
    /// By number, as [`GUEST`]: percent and bytes per second.
    pub guests: BTreeMap<u32, [Vec<ChartPoint>; 7]>,
    /// By name, as [`NODE`]: percent.
    pub nodes: BTreeMap<String, [Vec<ChartPoint>; 3]>,
    /// By name and node, as [`STORAGE`]: bytes.
    pub storages: BTreeMap<(String, String), [Vec<ChartPoint>; 2]>,
}

/// What the hub is to be asked of one host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Keys of metrics.
    pub metrics: Vec<String>,
}

/// A series as the hub writes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Told {
    /// The host's number.
    pub host: i64,
    /// The metric's key.
    pub metric: String,
    /// Unix seconds.
    pub at_s: Vec<i64>,
    /// Averages.
    pub average: Vec<Option<f64>>,
}

#[expect(clippy::cast_precision_loss, reason = "drawn, not counted")]
const fn float(value: u64) -> f64 {
    value as f64
}

fn percent(used: f64, total: u64) -> f64 {
    if total == 0 { 0.0 } else { used / float(total) * 100.0 }
}

impl Tracks {
    /// Adds what the polls of a frame say that came after a moment.
    pub fn add_frame(&mut self, frame: Frame, census: &Census, after_ms: i64) {
        Now::default().take_frame(frame, |now, at_ms| {
            if now.error.is_none() && at_ms > after_ms {
                self.add(now, census, UnixMillis(at_ms));
            }
        });
    }

    fn add(&mut self, now: &Now, census: &Census, at: UnixMillis) {
        let point = |value| ChartPoint { at, value };
        for node in now.nodes.iter().filter(|node| node.status == NodeStatus::Online) {
            let [cpu, memory, disk] = self.nodes.entry(node.name.clone()).or_default();
            cpu.push(point(node.cpu * 100.0));
            memory.push(point(node.memory.percent()));
            disk.push(point(node.disk.percent()));
        }
        for guest in now.guests.values().filter(|guest| guest.status == GuestStatus::Running) {
            let own = self.guests.entry(guest.vmid).or_default();
            let disk = guest.disk_used.map_or(0.0, |used| percent(float(used), guest.disk_total));
            #[expect(clippy::cast_precision_loss, reason = "drawn, not counted")]
            let rate = |rate: i64| rate as f64;
            let rates = &guest.rates;
            let values = [
                guest.cpu * 100.0,
                guest.memory.percent(),
                disk,
                rate(rates.disk_read),
                rate(rates.disk_write),
                rate(rates.net_in),
                rate(rates.net_out),
            ];
            for (series, value) in own.iter_mut().zip(values) {
                series.push(point(value));
            }
        }
        for storage in now.storages(census).iter().filter(|one| one.status == StorageStatus::Available) {
            let [used, total] = self.storages.entry((storage.name.clone(), storage.node.clone())).or_default();
            used.push(point(float(storage.space.used)));
            total.push(point(float(storage.space.total)));
        }
    }

    /// What the hub is to be asked, by host.
    pub fn wanted(now: &Now, census: &Census, parts: &Parts, with_guests: bool) -> BTreeMap<HostId, Wanted> {
        let mut wanted: BTreeMap<HostId, Wanted> = BTreeMap::new();
        if with_guests {
            for node in &now.nodes {
                if let Some(host) = parts.node(&node.name) {
                    wanted.entry(host).or_default().metrics.extend(NODE.map(str::to_owned));
                }
            }
            for guest in now.guests.values() {
                let facts = census.guest(guest.vmid);
                if let Some(host) = facts.and_then(|facts| parts.node(&facts.node)) {
                    let names = GUEST.map(|key| of_guest(guest.vmid, key));
                    wanted.entry(host).or_default().metrics.extend(names);
                }
            }
        }
        for storage in now.storages(census) {
            if let Some(host) = storage_host(census, parts, &storage.name, &storage.node) {
                let names = STORAGE.map(|key| format!("storage.{}.{key}", storage.name));
                wanted.entry(host).or_default().metrics.extend(names);
            }
        }
        wanted
    }

    /// Adds what the hub says, before what is there already.
    pub fn add_told(&mut self, told: Vec<Told>, now: &Now, census: &Census, parts: &Parts) {
        let node_of = |host: i64| now.nodes.iter().find(|node| parts.node(&node.name) == Some(HostId(host)));
        for one in told {
            let points = |scale: &dyn Fn(f64) -> f64| -> Vec<ChartPoint> {
                let known = one.at_s.iter().zip(&one.average).filter_map(|(at_s, value)| Some((*at_s, (*value)?)));
                known
                    .map(|(at_s, value)| ChartPoint { at: UnixMillis(at_s.saturating_mul(1000)), value: scale(value) })
                    .collect()
            };
            let mut parts_of_name = one.metric.splitn(3, '.');
            match (parts_of_name.next(), parts_of_name.next(), parts_of_name.next()) {
                (Some("guest"), Some(vmid), Some(key)) => {
                    let Some(guest) = vmid.parse().ok().and_then(|vmid: u32| now.guests.get(&vmid)) else { continue };
                    let Some(place) = GUEST.iter().position(|known| *known == key) else { continue };
                    let total = if place == 1 { guest.memory.total } else { guest.disk_total };
                    let before = points(&|value| if place == 1 || place == 2 { percent(value, total) } else { value });
                    put_before(self.guests.entry(guest.vmid).or_default().get_mut(place), before);
                }
                (Some("storage"), Some(_), Some(_)) => {
                    // A storage's name may have dots of its own.
                    let name = one.metric.strip_prefix("storage.").unwrap_or_default();
                    let Some((name, key)) = name.rsplit_once('.') else { continue };
                    let Some(place) = STORAGE.iter().position(|known| *known == key) else { continue };
                    let is_it = |storage: &edgewatch_core::model::proxmox::StorageNow| {
                        storage.name == name
                            && storage_host(census, parts, &storage.name, &storage.node) == Some(HostId(one.host))
                    };
                    let Some(storage) = now.storages(census).into_iter().find(is_it) else { continue };
                    let series = self.storages.entry((storage.name, storage.node)).or_default();
                    put_before(series.get_mut(place), points(&|value| value));
                }
                (Some(key), None, None) => {
                    let Some(node) = node_of(one.host) else { continue };
                    let Some(place) = NODE.iter().position(|known| *known == key) else { continue };
                    let total = if place == 1 { node.memory.total } else { node.disk.total };
                    let before = points(&|value| if place == 0 { value } else { percent(value, total) });
                    put_before(self.nodes.entry(node.name.clone()).or_default().get_mut(place), before);
                }
                _ => {}
            }
        }
    }
}

fn put_before(series: Option<&mut Vec<ChartPoint>>, mut before: Vec<ChartPoint>) {
    let Some(series) = series else { return };
    let first = series.first().map(|point| point.at);
    before.retain(|point| first.is_none_or(|first| point.at < first));
    before.append(series);
    *series = before;
}

#[cfg(test)]
mod tests {
    use edgewatch_core::dialects::native::proxmox::FromAgent;

    use super::super::parts::Known;
    use super::super::parts::tests::guest;
    use super::*;

    const FRAME: &str = r#"{"t":"frame","instance":"1","n":1,"polls":[
        {"at_ms":60000,"nodes":[{"name":"a","status":"online","cpu":0.5,"mem_used":1,"mem_total":4}],
         "guests":[[101,0,1,0.25,500,1000,0,2000,-1,8,9,10,5],[102,0,0]],"storages":[["lo.cal","a","available",5,10,4]]},
        {"at_ms":70000,"nodes":[{"name":"a","status":"online","cpu":0.6,"mem_used":1,"mem_total":4}],"storages":[["lo.cal","a","available",5,10,4]]}]}"#;

    fn world() -> (Frame, Now, Census, Parts) {
        let Ok(FromAgent::Frame(frame)) = FromAgent::read(FRAME) else { panic!("a frame") };
        let mut now = Now::default();
        now.take_frame(frame.clone(), |_, _| ());
        let census = Census { guests: vec![guest(101, "a", "web")], ..Census::default() };
        let known = Known {
            host: 1,
            name: String::new(),
            parent: None,
            nodes: vec![],
            retired: false,
            hidden: true,
            missing_since_ms: None,
        };
        (frame, now, census, Parts(BTreeMap::from([("node/a".to_owned(), known)])))
    }

    fn values(series: &[ChartPoint]) -> Vec<(i64, f64)> {
        series.iter().map(|point| (point.at.0 / 1000, point.value)).collect()
    }

    #[test]
    fn polls_are_points_and_what_the_hub_has_comes_before_them() {
        let (frame, now, census, parts) = world();
        let mut tracks = Tracks::default();
        tracks.add_frame(frame, &census, 0);
        assert_eq!(values(&tracks.nodes["a"][0]), [(60, 50.0), (70, 60.0)]);
        let [cpu, memory, .., net_in, net_out] = &tracks.guests[&101];
        assert_eq!((values(cpu), values(memory)), (vec![(60, 25.0), (70, 25.0)], vec![(60, 50.0), (70, 50.0)]));
        assert_eq!((net_in[0].value, net_out[0].value), (-1.0, 8.0));
        assert!(!tracks.guests.contains_key(&102));
        let told = |metric: &str, at_s: &[i64], value: f64| Told {
            host: 1,
            metric: metric.to_owned(),
            at_s: at_s.to_vec(),
            average: at_s.iter().map(|_| Some(value)).collect(),
        };
        let all = vec![
            told("mem_used_bytes", &[10, 20, 60], 2.0),
            told("guest.101.mem_used_bytes", &[10], 250.0),
            told("guest.101.net_out_bytes_per_s", &[10], 7.0),
            told("storage.lo.cal.used_bytes", &[10], 6.0),
            told("guest.999.cpu_percent", &[10], 1.0),
        ];
        tracks.add_told(all, &now, &census, &parts);
        assert_eq!(values(&tracks.nodes["a"][1]), [(10, 50.0), (20, 50.0), (60, 25.0), (70, 25.0)]);
        assert_eq!(values(&tracks.guests[&101][1])[0], (10, 25.0));
        assert_eq!(values(&tracks.guests[&101][6])[0], (10, 7.0));
        let storage = &tracks.storages[&("lo.cal".to_owned(), "a".to_owned())];
        assert_eq!(
            (values(&storage[0]), values(&storage[1])),
            (vec![(10, 6.0), (60, 5.0), (70, 5.0)], vec![(60, 10.0), (70, 10.0)])
        );
    }

    #[test]
    fn the_hub_is_asked_of_nodes_and_of_guests_that_are_there() {
        let (_, now, census, parts) = world();
        let wanted = Tracks::wanted(&now, &census, &parts, true);
        let names = &wanted[&HostId(1)].metrics;
        assert_eq!((wanted.len(), names.len()), (1, 3 + 7 + 2));
        assert_eq!(Tracks::wanted(&now, &census, &parts, false)[&HostId(1)].metrics.len(), 2);
    }
}
