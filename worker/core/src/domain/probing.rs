//! What becomes of the results of probes: points of delay, availability, states, and which targets may be asked at all.

pub mod edge;
mod points;
mod target;

use crate::model::HostId;
use crate::model::{Probe, ProbeTask};

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

/// How a probe's target is, by its newest results over all that ask. Source: nezha specification, 8.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No result. Quirk: in Nezha's words none that was good, either.
    NoData,
    /// More than 95 % of them were good.
    Good,
    /// More than 80 %.
    Low,
    /// Less.
    Down,
}

impl State {
    /// Its word in our own API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoData => "no_data",
            Self::Good => "good",
            Self::Low => "low",
            Self::Down => "down",
        }
    }

    /// The state in Nezha's words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoData => "No Data",
            Self::Good => "Good",
            Self::Low => "Low Availability",
            Self::Down => "Down",
        }
    }
}

/// How many results the state is made of, and the least time between two that count, ms. Source: nezha specification, 8.3.
const RING: usize = 30;
const RING_EVERY_MS: i64 = 30_000;

/// The newest results of a probe over all that ask it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Availability {
    /// Newest last.
    ring: Vec<bool>,
    last_ms: Option<i64>,
}

impl Availability {
    /// Takes a result that came at `at_ms`, ms since 1970, unless one came too short a time before. Results come in order of time.
    pub fn add(&mut self, at_ms: i64, is_up: bool) {
        if self.last_ms.is_some_and(|last_ms| at_ms.saturating_sub(last_ms) < RING_EVERY_MS) {
            return;
        }
        self.last_ms = Some(at_ms);
        if self.ring.len() >= RING {
            self.ring.remove(0);
        }
        self.ring.push(is_up);
    }

    /// How many results there are.
    pub const fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// The state that follows. Ours differs from the original in one thing: results that are all bad are "Down", not "No Data".
    pub fn state(&self) -> State {
        let (all, up) = (self.ring.len(), self.ring.iter().filter(|up| **up).count());
        match (all, up * 100) {
            (0, _) => State::NoData,
            (all, up) if up > all * 95 => State::Good,
            (all, up) if up > all * 80 => State::Low,
            _ => State::Down,
        }
    }
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

    #[test]
    fn states_are_those_of_the_last_thirty_results() {
        let of = |up: usize, down: usize| {
            let mut availability = Availability::default();
            let results = std::iter::repeat_n(true, up).chain(std::iter::repeat_n(false, down));
            for (at, up) in (0..).zip(results) {
                availability.add(at * 30_000, up);
            }
            availability.state()
        };
        assert_eq!([of(0, 0), of(1, 0), of(29, 1), of(30, 0)], [State::NoData, State::Good, State::Good, State::Good]);
        assert_eq!([of(28, 2), of(25, 5), of(24, 6), of(0, 1)], [State::Low, State::Low, State::Down, State::Down]);
        assert_eq!(of(1_000, 30), State::Down, "what is older does not count");
    }

    #[test]
    fn a_result_within_thirty_seconds_of_another_does_not_count() {
        let mut availability = Availability::default();
        for (at_ms, up) in [(0, true), (10_000, false), (29_999, false), (30_000, true), (59_000, false)] {
            availability.add(at_ms, up);
        }
        assert_eq!((availability.len(), availability.state(), availability.is_empty()), (2, State::Good, false));
    }
}
