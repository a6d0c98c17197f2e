//! What becomes of the results of probes: points of delay, availability, states, and which targets may be asked at all.

mod availability;
pub mod edge;
pub mod means;
pub mod monitor;
pub mod page;
mod points;
mod target;
mod words;

use crate::model::HostId;
use crate::model::{Probe, ProbeTask};

pub use availability::{Availability, State};
pub use points::{Delays, Point};
pub use target::{Endpoint, TargetError, check_edge_target, check_target, endpoint};

/// How many results a point of delay is made of. Source: nezha specification, 8.3 (`AvgPingCount`).
pub const POINT_RESULTS: u32 = 2;
/// A point of delay is at most this, ms. Source: nezha specification, 8.3 (`MaxTCPPingValue`).
pub const MAX_POINT_MS: f64 = 1_000.0;
/// How often a probe is asked when nothing is said, seconds. Source: nezha specification, 8.1.
pub const DEFAULT_INTERVAL_S: u32 = 30;
/// No probe is asked more often, seconds: a host has a sample every ten, and each holds one result of a probe.
pub const MIN_INTERVAL_S: u32 = 10;
/// Nor more rarely: once a day.
pub const MAX_INTERVAL_S: u32 = 86_400;
/// The most probes of a deployment.
pub const MAX_PROBES: usize = 200;
/// The longest target, bytes.
pub const MAX_TARGET_BYTES: usize = 512;
/// The most that all targets together may weigh, bytes: the list goes to agents in one message.
pub const MAX_TARGETS_BYTES: usize = 48 * 1024;

/// What a host is to ask, by number.
pub fn tasks(probes: &[Probe], host: HostId) -> Vec<ProbeTask> {
    probes.iter().filter(|probe| probe.spec.coverage.has(host)).map(Probe::task).collect()
}

/// A number that tells one list of tasks from another: never 0, which is no list.
pub fn version(tasks: &[ProbeTask]) -> u64 {
    // FNV-1a, in 32 bits: exact in JSON everywhere.
    let mut hash = 0x811c_9dc5_u32;
    let mut eat = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    };
    for task in tasks {
        eat(&task.id.0.to_le_bytes());
        eat(&[task.kind.number()]);
        eat(&task.interval_s.to_le_bytes());
        eat(&(task.target.len() as u64).to_le_bytes());
        eat(task.target.as_bytes());
    }
    u64::from(hash).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Coverage, ProbeId, ProbeKind, ProbeNotices, ProbeSpec};
    use crate::units::UnixSeconds;

    fn probe(id: i64, coverage: Coverage) -> Probe {
        let spec = ProbeSpec {
            name: format!("p{id}"),
            kind: ProbeKind::Tcp,
            target: "192.0.2.1:80".to_owned(),
            interval_s: 30,
            coverage,
            from_edge: false,
            is_public: false,
            delays_public: false,
            notices: ProbeNotices::default(),
        };
        Probe { id: ProbeId(id), spec, created_at: UnixSeconds(0) }
    }

    #[test]
    fn a_host_asks_what_covers_it() {
        let probes = [
            probe(1, Coverage::AllBut(vec![])),
            probe(2, Coverage::AllBut(vec![HostId(7)])),
            probe(3, Coverage::Only(vec![HostId(7)])),
            probe(4, Coverage::Only(vec![])),
        ];
        let ids = |host| tasks(&probes, HostId(host)).iter().map(|task| task.id.0).collect::<Vec<_>>();
        assert_eq!((ids(7), ids(8)), (vec![1, 3], vec![1, 2]));
    }

    #[test]
    fn another_list_has_another_version() {
        let task = |id| probe(id, Coverage::AllBut(vec![])).task();
        let lists = [vec![], vec![task(1)], vec![task(2)], vec![task(1), task(2)], vec![task(2), task(1)]];
        let slower = ProbeTask { interval_s: 60, ..task(1) };
        let mut versions: Vec<u64> = lists.iter().map(|list| version(list)).chain([version(&[slower])]).collect();
        assert_eq!(version(&[task(1)]), versions[1], "the same list has the same one");
        assert!(!versions.contains(&0));
        versions.sort_unstable();
        versions.dedup();
        assert_eq!(versions.len(), 6);
    }
}
