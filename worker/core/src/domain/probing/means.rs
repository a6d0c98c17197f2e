//! The running mean of a host's delays, for alerts. Source: nezha specification, 8.3 (`AvgPingCount`).
//!
//! It is that of the last two results, so all that has to be known is the result before. Nothing is stored for it: after a restart it
//! is found among the samples that are.

use std::collections::BTreeMap;

use super::POINT_RESULTS;
use crate::model::{Probe, ProbeId, ProbeResult};
use crate::units::UnixMillis;

/// A result that is so much older than the next one makes no mean with it, ms. A block of samples is longer.
pub const APART_MS: i64 = 20 * 60_000;
/// A probe that is asked this rarely is judged by each of its results, seconds: two of them lie too far apart.
const RARE_S: u32 = 600;

/// Of how many results a mean of each probe is made whose delays people want to be told of.
pub type Wanted = BTreeMap<ProbeId, u32>;

/// The probes of these whose delays people want to be told of.
pub fn wanted(probes: &[Probe]) -> Wanted {
    let count = |probe: &Probe| if probe.spec.interval_s >= RARE_S { 1 } else { POINT_RESULTS };
    probes.iter().filter(|probe| probe.spec.notices.of_delay).map(|probe| (probe.id, count(probe))).collect()
}

/// A mean.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Mean {
    /// Milliseconds; results that failed count as 0.
    pub delay_ms: f64,
    /// Whether one of them failed.
    pub has_failure: bool,
}

/// The means of one host.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Means {
    /// Whether the results before are known.
    is_known: bool,
    last: BTreeMap<ProbeId, (UnixMillis, Mean)>,
    done: Vec<(ProbeId, Mean)>,
}

impl Means {
    /// Whether the results before are known; else the newest samples have to be added again.
    pub const fn is_known(&self) -> bool {
        self.is_known
    }

    /// The results before are known from here on, and nobody is told of means that were done before.
    pub fn know(&mut self) {
        self.is_known = true;
        self.done.clear();
    }

    /// Takes the results of a sample. Samples come in the order of time.
    pub fn add(&mut self, wanted: &Wanted, at: UnixMillis, results: &[ProbeResult]) {
        for result in results {
            let Some(count) = wanted.get(&result.probe) else { continue };
            let one = Mean { delay_ms: result.delay_ms.unwrap_or(0.0), has_failure: !result.is_up() };
            if *count <= 1 {
                self.done.push((result.probe, one));
                continue;
            }
            let before = self.last.insert(result.probe, (at, one));
            let is_near = |then: UnixMillis| (0..=APART_MS).contains(&at.0.saturating_sub(then.0));
            if let Some((_, before)) = before.filter(|(then, _)| is_near(*then)) {
                let delay_ms = f64::midpoint(before.delay_ms, one.delay_ms);
                self.done.push((result.probe, Mean { delay_ms, has_failure: before.has_failure || one.has_failure }));
            }
        }
    }

    /// The means that were done since this was last asked, by time.
    pub fn take_done(&mut self) -> Vec<(ProbeId, Mean)> {
        std::mem::take(&mut self.done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(probe: i64, delay_ms: Option<f64>) -> ProbeResult {
        ProbeResult { probe: ProbeId(probe), delay_ms, tls_expires: None, note: None }
    }

    #[test]
    fn two_results_make_a_mean_and_a_failure_counts_as_zero() {
        let wanted = Wanted::from([(ProbeId(1), 2), (ProbeId(2), 1)]);
        let mut means = Means::default();
        let mut add = |minute: i64, results: &[ProbeResult]| {
            means.add(&wanted, UnixMillis(minute * 60_000), results);
            means.take_done().iter().map(|(id, mean)| (id.0, mean.delay_ms, mean.has_failure)).collect::<Vec<_>>()
        };
        let first = add(0, &[result(1, Some(10.0)), result(2, Some(7.0)), result(3, Some(1.0))]);
        assert_eq!(first, [(2, 7.0, false)], "one alone is none, and of the third nobody wants to know");
        assert_eq!(add(1, &[result(1, None)]), [(1, 5.0, true)]);
        assert_eq!(add(2, &[result(1, Some(4.0))]), [(1, 2.0, true)]);
        assert_eq!(add(22, &[result(1, Some(6.0))]), [(1, 5.0, false)]);
        assert_eq!(add(43, &[result(1, Some(8.0))]), [], "too far apart");
        assert_eq!(add(42, &[result(1, Some(8.0))]), [], "a clock that stepped back");
    }
}
