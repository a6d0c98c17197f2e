//! Bytes of a cycle, counted from counters that begin anew with every start of the host.
//!
//! What is kept of a count changes with a new cycle and when counters begin anew; in between the count is what was kept and what
//! the counters rose since, so keeping it costs nothing.

use super::calendar;
use crate::model::{Cycle, Direction, Sample};
use crate::units::UnixSeconds;

/// What is kept of a count: in, then out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// When the cycle began that is counted.
    pub cycle: UnixSeconds,
    /// Bytes counted up to the marks.
    pub used: [u64; 2],
    /// What the counters showed then; `None` before they showed anything.
    pub marks: [Option<u64>; 2],
}

impl Account {
    /// Bytes of the cycle when the counters show what `sample` does.
    pub fn total(&self, direction: Direction, sample: &Sample) -> u64 {
        let counters = counters(sample);
        let one = |way: usize| {
            let (used, mark) = (self.used.get(way).copied(), self.marks.get(way).copied().flatten());
            let counter = counters.get(way).copied().flatten();
            let since = counter.zip(mark).map_or(0, |(counter, mark)| counter.saturating_sub(mark));
            used.unwrap_or(0).saturating_add(since)
        };
        match direction {
            Direction::In => one(0),
            Direction::Out => one(1),
            Direction::All => one(0).saturating_add(one(1)),
        }
    }
}

/// Takes a sample into a count, which is begun where there is none; `before` is the sample before it, where that is known.
pub fn note(account: &mut Option<Account>, cycle: Cycle, before: Option<&Sample>, sample: &Sample) {
    let (begun, _) = calendar::bounds(cycle, sample.at.seconds());
    let now = counters(sample);
    let last = before.map(counters).unwrap_or_default();
    let uptimes = before.and_then(|before| before.uptime_s).zip(sample.uptime_s);
    let is_started_anew = uptimes.map(|(before, now)| now < before);
    let account = match account {
        Some(account) => account,
        empty @ None => empty.insert(begin(begun, sample)),
    };
    let is_new = account.cycle < begun;
    if is_new {
        // A clock that steps back counts on in the cycle there is.
        (account.cycle, account.used) = (begun, [0; 2]);
    }
    let ways = account.used.iter_mut().zip(account.marks.iter_mut()).zip(now.into_iter().zip(last));
    for ((used, mark), (now, last)) in ways {
        let Some(now) = now else { continue };
        let highest = last.max(*mark);
        if highest.is_some_and(|highest| now < highest) || (last.is_some() && is_started_anew == Some(true)) {
            // The counter began anew: what it had shown until then counts, and since then what it shows. Where the host was not
            // started anew, an interface is gone, and what is left was counted before.
            if !is_new {
                *used = used.saturating_add(last.zip(*mark).map_or(0, |(last, mark)| last.saturating_sub(mark)));
            }
            *mark = Some(if is_started_anew == Some(false) { now } else { 0 });
        } else if is_new {
            *mark = last.or(Some(now));
        } else if mark.is_none() {
            *mark = Some(now);
        }
    }
}

/// A count that begins in the middle of its cycle: from what the counters show, or from the host's start when that lies within.
fn begin(cycle: UnixSeconds, sample: &Sample) -> Account {
    let started = sample.uptime_s.and_then(|seconds| i64::try_from(seconds).ok());
    let is_within = started.is_some_and(|uptime_s| sample.at.seconds().plus(-uptime_s) >= cycle);
    let marks = counters(sample).map(|counter| counter.map(|counter| if is_within { 0 } else { counter }));
    Account { cycle, used: [0; 2], marks }
}

const fn counters(sample: &Sample) -> [Option<u64>; 2] {
    [sample.net_in_bytes, sample.net_out_bytes]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CycleUnit;
    use crate::units::calendar::parse_rfc3339;
    use proptest::prelude::*;

    const START: i64 = 1_795_305_600;

    fn cycle(unit: CycleUnit) -> Cycle {
        Cycle { start: UnixSeconds(START), offset_s: 0, interval: 1, unit }
    }

    fn sample(seconds: i64, uptime_s: u64, bytes: u64) -> Sample {
        Sample {
            at: UnixSeconds(START + seconds).millis(),
            uptime_s: Some(uptime_s),
            net_in_bytes: Some(bytes),
            net_out_bytes: Some(bytes * 10),
            ..Sample::default()
        }
    }

    /// What was counted in after each sample.
    fn counted(unit: CycleUnit, samples: &[Sample]) -> Vec<u64> {
        let (mut account, mut before, mut totals) = (None, None, Vec::new());
        for sample in samples {
            note(&mut account, cycle(unit), before, sample);
            totals.push(account.unwrap().total(Direction::In, sample));
            before = Some(sample);
        }
        totals
    }

    #[test]
    fn a_count_begins_with_what_is_there_or_with_the_hosts_start() {
        assert_eq!(counted(CycleUnit::Day, &[sample(50, 900, 7_000), sample(60, 910, 7_500)]), [0, 500]);
        assert_eq!(counted(CycleUnit::Day, &[sample(950, 900, 7_000), sample(960, 910, 7_500)]), [7_000, 7_500]);
    }

    #[test]
    fn a_reboot_and_a_counter_that_begins_anew_lose_nothing() {
        let reboot = [sample(50, 900, 7_000), sample(60, 910, 7_500), sample(120, 20, 300), sample(130, 30, 400)];
        assert_eq!(counted(CycleUnit::Day, &reboot), [0, 500, 800, 900]);
        // An interface is gone, and with it what its counter had.
        let gone = [sample(50, 900, 7_000), sample(60, 910, 7_500), sample(70, 920, 300), sample(80, 930, 400)];
        assert_eq!(counted(CycleUnit::Day, &gone), [0, 500, 500, 600]);
        // More was transferred since the start than before it: only the sample before tells.
        let more = [sample(50, 900, 7_000), sample(60, 910, 7_100), sample(4_000, 20, 7_050)];
        assert_eq!(counted(CycleUnit::Day, &more), [0, 100, 7_150]);
        let most = [sample(50, 900, 7_000), sample(60, 910, 7_100), sample(4_000, 20, 7_200)];
        assert_eq!(counted(CycleUnit::Day, &most), [0, 100, 7_300]);
    }

    #[test]
    fn a_new_cycle_begins_at_nothing() {
        let days = [sample(50, 900, 7_000), sample(86_390, 87_240, 9_000), sample(86_410, 87_260, 9_100)];
        assert_eq!(counted(CycleUnit::Day, &days), [0, 2_000, 100]);
        let rebooted = [sample(50, 900, 7_000), sample(86_390, 87_240, 9_000), sample(86_410, 5, 40)];
        assert_eq!(counted(CycleUnit::Day, &rebooted), [0, 2_000, 40]);
        let back = [sample(86_410, 900, 7_000), sample(86_390, 910, 7_500)];
        assert_eq!(counted(CycleUnit::Day, &back), [0, 500], "a clock that steps back");
    }

    #[test]
    fn both_ways_count_together() {
        let mut account = None;
        for one in [sample(50, 900, 100), sample(60, 910, 107)] {
            note(&mut account, cycle(CycleUnit::Month), None, &one);
        }
        let totals = [Direction::In, Direction::Out, Direction::All]
            .map(|direction| account.unwrap().total(direction, &sample(60, 910, 107)));
        assert_eq!(totals, [7, 70, 77]);
        assert!(parse_rfc3339("2026-11-22T00:00:00Z").is_some_and(|(at, _)| at.0 == START));
    }

    proptest! {
        /// Whatever is transferred between two samples is counted once, over reboots, cycles and restarts of whoever counts. What is
        /// kept changes with those alone.
        #[test]
        fn the_count_is_what_was_transferred(
            steps in prop::collection::vec((1..50_u64, any::<bool>(), 0..40_u8), 1..200),
        ) {
            let (mut at, mut uptime, mut bytes) = (3_600_i64, 5_000_u64, 1_000_u64);
            let mut before = sample(at, uptime, bytes);
            let mut account = None;
            note(&mut account, cycle(CycleUnit::Hour), None, &before);
            let (mut expected, mut hour) = (0_u64, at / 3_600);
            for (transferred, restarts, kind) in steps {
                at += 10;
                let is_boot = kind == 0 && uptime > 3;
                if is_boot {
                    (uptime, bytes) = (3, transferred);
                } else {
                    uptime += 10;
                    bytes += transferred;
                }
                if at / 3_600 > hour {
                    (hour, expected) = (at / 3_600, 0);
                }
                expected += transferred;
                let now = sample(at, uptime, bytes);
                let kept = account;
                note(&mut account, cycle(CycleUnit::Hour), Some(&before), &now);
                if !is_boot && kept.is_some_and(|kept| Some(kept.cycle) == account.map(|one| one.cycle)) {
                    prop_assert_eq!(kept, account, "nothing to keep");
                }
                prop_assert_eq!(account.unwrap().total(Direction::In, &now), expected);
                if restarts && !is_boot {
                    // Whoever counts again after a restart sees the same sample twice; what changed something was kept with it.
                    note(&mut account, cycle(CycleUnit::Hour), Some(&before), &now);
                    prop_assert_eq!(account.unwrap().total(Direction::In, &now), expected);
                }
                before = now;
            }
        }
    }
}
