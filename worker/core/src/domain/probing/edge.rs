//! What the Worker asks in which of its runs: at most so many at a time, each probe in its turn. Pure, and without memory.

use super::MAX_PROBES;
use crate::model::{Probe, ProbeTask};
use crate::units::UnixSeconds;

/// The most targets of one run: the free plan has 50 requests out of a run, and some are the run's own.
pub const MAX_A_RUN: usize = 40;
/// Seconds between two runs, and the least between two questions of the Worker.
pub const EVERY_S: i64 = 60;

/// The probes whose turn it is in the run that was due at `due`. When there are more than one run may ask, they are dealt out to as many
/// runs as it takes, and every probe has its turn in one of these.
pub fn turn(probes: &[Probe], due: UnixSeconds) -> Vec<ProbeTask> {
    let asked: Vec<&Probe> = probes.iter().filter(|probe| probe.spec.from_edge).take(MAX_PROBES).collect();
    let groups = asked.len().div_ceil(MAX_A_RUN).max(1);
    let run = usize::try_from(due.0.div_euclid(EVERY_S)).unwrap_or(0);
    let (round, group) = (run / groups, run % groups);
    let is_due = |(place, probe): &(usize, &&Probe)| {
        // In how many rounds its interval is over.
        let runs = usize::try_from(i64::from(probe.spec.interval_s).max(EVERY_S) / EVERY_S).unwrap_or(1);
        let every = (runs / groups).max(1);
        place % groups == group && round % every == (place / groups) % every
    };
    asked.iter().enumerate().filter(is_due).map(|(_, probe)| probe.task()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Coverage, ProbeId, ProbeKind, ProbeNotices, ProbeSpec};
    use std::collections::BTreeMap;

    fn probe(id: i64, interval_s: u32) -> Probe {
        let spec = ProbeSpec {
            name: String::new(),
            kind: ProbeKind::Tcp,
            target: String::new(),
            interval_s,
            coverage: Coverage::AllBut(vec![]),
            from_edge: id % 7 != 0,
            is_public: false,
            delays_public: false,
            notices: ProbeNotices::default(),
        };
        Probe { id: ProbeId(id), spec, created_at: UnixSeconds(0) }
    }

    /// How often each is asked in so many runs, and the largest run.
    fn runs(probes: &[Probe], runs: i64) -> (BTreeMap<i64, usize>, usize) {
        let (mut counts, mut most) = (BTreeMap::new(), 0);
        for run in 0..runs {
            let turn = turn(probes, UnixSeconds(1_795_361_160 + run * 60));
            most = most.max(turn.len());
            for task in turn {
                *counts.entry(task.id.0).or_default() += 1;
            }
        }
        (counts, most)
    }

    #[test]
    fn a_few_are_asked_as_often_as_they_want_and_at_most_once_a_minute() {
        let probes: Vec<Probe> =
            [(1, 10), (2, 60), (3, 119), (4, 120), (5, 3_600), (7, 60)].map(|(id, s)| probe(id, s)).into();
        let (counts, _) = runs(&probes, 120);
        assert_eq!(counts, BTreeMap::from([(1, 120), (2, 120), (3, 120), (4, 60), (5, 2)]));
    }

    #[test]
    fn no_run_asks_more_than_forty_and_all_get_their_turn() {
        for count in [1, 40, 41, 47, 93, 200] {
            let probes: Vec<Probe> = (1..=count).map(|id| probe(id, 30)).collect();
            let asked = probes.iter().filter(|probe| probe.spec.from_edge).count();
            let groups = i64::try_from(asked.div_ceil(MAX_A_RUN)).unwrap();
            let (counts, most) = runs(&probes, groups * 10);
            assert!(most <= MAX_A_RUN, "{count}: {most}");
            assert_eq!((counts.len(), counts.values().all(|times| *times == 10)), (asked, true), "{count}");
        }
        let mixed: Vec<Probe> = (1..=200).map(|id| probe(id, u32::try_from(id * 30).unwrap())).collect();
        let (counts, most) = runs(&mixed, 1_440);
        assert!(most <= MAX_A_RUN && counts.len() == 172 && counts.values().all(|times| *times >= 14));
    }
}
