//! The running mean of a host's delays, for alerts. Source: nezha specification, 8.3 (`AvgPingCount`).
//!
//! Nothing of it is stored: after a restart, what was begun is found again among the samples of the open block. A mean that was begun
//! in the block before begins anew then.

use std::collections::BTreeMap;

use super::POINT_RESULTS;
use crate::model::{Probe, ProbeId, ProbeResult};

/// A probe that is asked this rarely has hardly two results in a block, seconds: each of them is a mean of its own.
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
    /// Whether what was begun is known.
    is_known: bool,
    begun: BTreeMap<ProbeId, (u32, Mean)>,
    done: Vec<(ProbeId, Mean)>,
}

impl Means {
    /// Whether what was begun is known; else the results of the open block have to be added again.
    pub const fn is_known(&self) -> bool {
        self.is_known
    }

    /// What was begun is known from here on, and nobody is told of means that were done before.
    pub fn know(&mut self) {
        self.is_known = true;
        self.done.clear();
    }

    /// Takes results in the order of time.
    pub fn add(&mut self, wanted: &Wanted, results: &[ProbeResult]) {
        for result in results {
            let Some(count) = wanted.get(&result.probe) else { continue };
            let (sum_of, mut sum) = self.begun.remove(&result.probe).unwrap_or_default();
            sum.delay_ms += result.delay_ms.unwrap_or(0.0);
            sum.has_failure |= !result.is_up();
            let sum_of = sum_of.saturating_add(1);
            if sum_of >= *count {
                let delay_ms = sum.delay_ms / f64::from(sum_of);
                self.done.push((result.probe, Mean { delay_ms, ..sum }));
            } else {
                self.begun.insert(result.probe, (sum_of, sum));
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
        means.add(&wanted, &[result(1, Some(10.0)), result(2, Some(7.0)), result(3, Some(1.0))]);
        assert_eq!(means.take_done(), [(ProbeId(2), Mean { delay_ms: 7.0, has_failure: false })]);
        means.add(&wanted, &[result(1, None)]);
        assert_eq!(means.take_done(), [(ProbeId(1), Mean { delay_ms: 5.0, has_failure: true })]);
        means.add(&wanted, &[result(1, Some(5.0)), result(1, Some(6.0)), result(1, Some(3.0))]);
        assert_eq!(means.take_done(), [(ProbeId(1), Mean { delay_ms: 5.5, has_failure: false })]);
        assert_eq!(means.take_done(), []);
    }
}
