//! The newest results of probes, by host, for Prometheus.

use edgewatch_core::dialects::native::prometheus::{self, Lines, ProbeLine};
use edgewatch_core::model::{HostId, Probe};
use edgewatch_core::units::UnixMillis;

use super::{DAY_MS, Fared, RECENT_MS};
use crate::hub::probes::EDGE;
use crate::hub::shard::Shard;

/// So many pairs of a probe and a host are written one by one; where there are more, how many are up and down is all that is said. A
/// pair takes some 600 bytes.
const MOST_PAIRS: usize = 5_000;
/// What the Worker itself is called.
const EDGE_NAME: &str = "edge";

impl Shard {
    /// Writes the newest result of each host, and the Worker's.
    pub fn write_results(&self, probes: &[Probe], shard: u32, now: UnixMillis, lines: &mut Lines) {
        let Some(running) = &self.counts.running else { return };
        let of =
            |fared: &std::collections::BTreeMap<i64, Fared>| fared.values().map(|one| one.newest.len()).sum::<usize>();
        let with_hosts = of(&running.hosts) + of(&running.edge) <= MOST_PAIRS;
        let is_recent = |at_ms: i64, within_ms: i64| now.0.saturating_sub(at_ms) < within_ms;
        for probe in probes {
            let by_hosts = running.hosts.get(&probe.id.0);
            let mut counts = (0, 0);
            for fared in [by_hosts, running.edge.get(&probe.id.0)].into_iter().flatten() {
                for (id, found) in &fared.newest {
                    let Some(name) = self.name_of(*id) else { continue };
                    let is_recent_result = is_recent(found.at_ms, RECENT_MS);
                    if is_recent_result && *id != EDGE {
                        let count = if found.is_up { &mut counts.0 } else { &mut counts.1 };
                        *count += 1;
                    }
                    let certificate = fared.certificates.get(id).filter(|(at_ms, _)| is_recent(*at_ms, DAY_MS));
                    let line = ProbeLine {
                        host: id.0,
                        name,
                        at_ms: found.at_ms,
                        is_up: is_recent_result.then_some(found.is_up),
                        delay_ms: found.delay_ms,
                        expires_s: certificate.map(|(_, expires_s)| *expires_s),
                    };
                    if with_hosts {
                        prometheus::probe(lines, probe, &line);
                    }
                }
            }
            if by_hosts.is_some() {
                prometheus::probe_hosts(lines, probe, shard, counts);
            }
        }
    }

    /// What a host is called that is still there.
    fn name_of(&self, id: HostId) -> Option<&str> {
        if id == EDGE { Some(EDGE_NAME) } else { self.get(id).map(|tracked| tracked.entry.host.name.as_str()) }
    }
}
