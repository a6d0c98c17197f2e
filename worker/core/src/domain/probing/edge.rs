//! What the Worker asks in which of its runs: at most so many at a time, each probe and each web address in its turn. Pure, and
//! without memory.

use super::MAX_PROBES;
use super::page::MOST_REDIRECTS;
use crate::model::{Monitor, Probe, ProbeTask, Watch};
use crate::units::UnixSeconds;

/// The most targets of one run: the free plan has 50 requests out of a run, and some are the run's own.
pub const MAX_A_RUN: usize = 40;
/// Seconds between two runs, and the least between two questions of the Worker.
pub const EVERY_S: i64 = 60;

/// What has a place in the line.
struct Asked {
    /// How many requests it may take.
    requests: usize,
    /// After how many runs it is asked again.
    every: usize,
}

/// The probes and the monitors of web addresses whose turn it is in the run that was due at `due`. When there are more than one run may
/// ask, they are dealt out to as many runs as it takes, and everything has its turn in one of these.
pub fn turn<'a>(probes: &[Probe], monitors: &'a [Monitor], due: UnixSeconds) -> (Vec<ProbeTask>, Vec<&'a Monitor>) {
    let probes: Vec<&Probe> = probes.iter().filter(|probe| probe.spec.from_edge).take(MAX_PROBES).collect();
    let pages: Vec<(&Monitor, bool)> = monitors.iter().filter_map(|one| Some((one, follows(one)?))).collect();
    let every = |interval_s: u32| usize::try_from(i64::from(interval_s).max(EVERY_S) / EVERY_S).unwrap_or(1);
    let of_probes = probes.iter().map(|probe| Asked { requests: 1, every: every(probe.spec.interval_s) });
    let of_pages =
        pages.iter().map(|(_, follows)| Asked { requests: if *follows { 1 + MOST_REDIRECTS } else { 1 }, every: 1 });
    let line: Vec<Asked> = of_probes.chain(of_pages).collect();
    let mut is_due = due_in(&line, usize::try_from(due.0.div_euclid(EVERY_S)).unwrap_or(0)).into_iter();
    let mut is_next = || is_due.next() == Some(true);
    let tasks = probes.iter().filter(|_| is_next()).map(|probe| probe.task()).collect();
    (tasks, pages.iter().filter(|_| is_next()).map(|(monitor, _)| *monitor).collect())
}

/// Whether a monitor of a web address follows redirections; `None` for every other.
const fn follows(monitor: &Monitor) -> Option<bool> {
    match &monitor.watch {
        Watch::External { question, .. } => Some(question.follows),
        _ => None,
    }
}

/// Which of a line are asked in this run.
fn due_in(line: &[Asked], run: usize) -> Vec<bool> {
    let requests: usize = line.iter().map(|asked| asked.requests).sum();
    let mut groups = requests.div_ceil(MAX_A_RUN).max(1);
    let dealt = loop {
        // With as many groups as there are things at the latest.
        match deal(line, groups) {
            Some(dealt) => break dealt,
            None => groups += 1,
        }
    };
    let (round, group) = (run / groups, run % groups);
    let is_due = |(asked, (of_group, place)): (&Asked, (usize, usize))| {
        // In how many rounds its interval is over.
        let every = (asked.every / groups).max(1);
        of_group == group && round % every == place % every
    };
    line.iter().zip(dealt).map(is_due).collect()
}

/// The group of each, and its place there: always in the one that has the fewest requests. `None` when one has too many.
fn deal(line: &[Asked], groups: usize) -> Option<Vec<(usize, usize)>> {
    // Requests and things of each.
    let mut full = vec![(0_usize, 0_usize); groups];
    let mut dealt = Vec::with_capacity(line.len());
    for asked in line {
        let (group, (requests, things)) = full.iter_mut().enumerate().min_by_key(|(_, (requests, _))| *requests)?;
        dealt.push((group, *things));
        (*requests, *things) = (*requests + asked.requests, *things + 1);
        if *requests > MAX_A_RUN {
            return None;
        }
    }
    Some(dealt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Coverage, MetricTest, MonitorId, ProbeId, ProbeKind, ProbeNotices, ProbeSpec, WebQuestion};
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
            let (turn, _) = turn(probes, &[], UnixSeconds(1_795_361_160 + run * 60));
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

    fn page(id: i64, follows: bool) -> Monitor {
        let question = WebQuestion { follows, ..WebQuestion::default() };
        let test = MetricTest::of_delay(None, None, 1, 1);
        Monitor { id: MonitorId(id), watch: Watch::External { question, test, service: None }, ..Monitor::first() }
    }

    #[test]
    fn web_addresses_have_their_turn_in_the_same_line() {
        let all = |probes: i64, plain: i64, following: i64| {
            let probes: Vec<Probe> = (1..=probes)
                .map(|id| Probe { spec: ProbeSpec { from_edge: true, ..probe(id, 60).spec }, ..probe(id, 60) })
                .collect();
            let mut monitors: Vec<Monitor> = (1..=plain + following).map(|id| page(id, id > plain)).collect();
            monitors.push(Monitor::first());
            let mut counts: BTreeMap<(bool, i64), usize> = BTreeMap::new();
            let mut most = 0;
            for run in 0..120 {
                let (tasks, pages) = turn(&probes, &monitors, UnixSeconds(1_795_361_160 + run * 60));
                let requests = pages.iter().map(|page| if follows(page) == Some(true) { 4 } else { 1 }).sum::<usize>();
                most = most.max(tasks.len() + requests);
                let ids = tasks.iter().map(|task| (false, task.id.0)).chain(pages.iter().map(|page| (true, page.id.0)));
                ids.for_each(|id| *counts.entry(id).or_default() += 1);
            }
            let times: Vec<usize> = counts.into_values().collect();
            (times.len(), times.iter().min().copied().unwrap_or(0), times.iter().max().copied().unwrap_or(0), most)
        };
        assert_eq!(all(20, 20, 0), (40, 120, 120, 40), "each in every run");
        assert_eq!(all(0, 0, 10), (10, 120, 120, 40), "with room for all redirections");
        assert_eq!(all(20, 21, 0), (41, 60, 60, 21));
        assert_eq!(all(3, 5, 11), (19, 60, 60, 28));
        assert_eq!(all(0, 0, 0), (0, 0, 0, 0));
        let (count, least, _, most) = all(200, 200, 99);
        assert!(count == 499 && least >= 120 / 21 && most <= MAX_A_RUN, "{least} {most}");
    }
}
