//! Which samples of a report are taken, and what their times are.

use crate::model::{DropReason, Dropped, Report, Sample};
use crate::units::UnixMillis;

/// A sample may be this much older than now: as much as the finest ring holds. Source: design, "Time series".
const MAX_AGE_MS: i64 = 24 * 3600 * 1000;
/// A sample may be this much newer than now once the agent's skew is taken off: clocks drift while samples wait.
const MAX_AHEAD_MS: i64 = 10 * 60 * 1000;
/// An agent's clock that differs less than this from ours is right: the difference is the network's.
const SKEW_FROM_MS: i64 = 2_000;

/// What to do with a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// Everything in it is stored already.
    Nothing,
    /// Store it without its first `skip` samples, which are stored already.
    From {
        /// How many samples to leave out.
        skip: usize,
    },
    /// Samples are missing before it.
    Resend {
        /// The first missing number.
        from: u64,
    },
}

/// Decides what to do with samples when all up to `durable` are stored and the agent holds nothing below `oldest`.
pub fn take(durable: u64, oldest: u64, samples: &[Sample]) -> Take {
    match (samples.first(), samples.last()) {
        (Some(first), Some(last)) => take_numbers(durable, oldest, first.number, last.number),
        _ => Take::Nothing,
    }
}

/// Decides likewise about samples `first` to `last`.
pub fn take_numbers(durable: u64, oldest: u64, first: u64, last: u64) -> Take {
    let expected = durable.saturating_add(1);
    if last <= durable {
        Take::Nothing
    } else if first <= expected {
        Take::From { skip: usize::try_from(expected.saturating_sub(first)).unwrap_or(usize::MAX) }
    } else if oldest >= first {
        // The agent has nothing in between any more: a gap, and it is not ours.
        Take::From { skip: 0 }
    } else {
        Take::Resend { from: expected.max(oldest) }
    }
}

/// Puts the samples' times on our clock: the agent's skew is taken off, and a time that is still impossible is
/// replaced by an estimate from the sample's place in the report.
pub fn mend_times(report: &mut Report, now: UnixMillis) -> Vec<Dropped> {
    let difference = if report.sent_at.0 > 0 { now.0.saturating_sub(report.sent_at.0) } else { 0 };
    let skew = if difference.abs() < SKEW_FROM_MS { 0 } else { difference };
    let period_ms = i64::from(report.period_s) * 1000;
    let mut dropped = Vec::new();
    for (behind, sample) in report.samples.iter_mut().rev().enumerate() {
        let at = sample.at.0.saturating_add(skew);
        let age = now.0.saturating_sub(at);
        if (-MAX_AHEAD_MS..MAX_AGE_MS).contains(&age) {
            sample.at = UnixMillis(at);
        } else {
            let waited = i64::try_from(behind).unwrap_or(i64::MAX).saturating_mul(period_ms);
            sample.at = UnixMillis(now.0.saturating_sub(waited.min(MAX_AGE_MS)));
            dropped.push(Dropped {
                number: Some(sample.number),
                field: "at_ms".to_owned(),
                reason: DropReason::TimeOff,
            });
        }
    }
    dropped.reverse();
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_361_190_000);

    fn samples(numbers: std::ops::RangeInclusive<u64>) -> Vec<Sample> {
        numbers.map(|number| Sample { number, at: NOW, ..Sample::default() }).collect()
    }

    fn report(sent_at: i64, at: &[i64]) -> Report {
        let samples = (1..).zip(at).map(|(number, &at)| Sample { number, at: UnixMillis(at), ..Sample::default() });
        Report {
            agent_version: String::new(),
            sent_at: UnixMillis(sent_at),
            oldest: 1,
            period_s: 10,
            frame_s: 10,
            probes_version: None,
            facts: None,
            samples: samples.collect(),
        }
    }

    #[test]
    fn the_next_number_is_taken_and_a_repeat_is_not() {
        assert_eq!(take(0, 1, &samples(1..=3)), Take::From { skip: 0 });
        assert_eq!(take(3, 1, &samples(1..=3)), Take::Nothing);
        assert_eq!(take(3, 1, &samples(2..=5)), Take::From { skip: 2 });
        assert_eq!(take(3, 1, &[]), Take::Nothing);
    }

    #[test]
    fn a_hole_is_asked_for_unless_the_agent_has_nothing_there() {
        assert_eq!(take(3, 2, &samples(6..=7)), Take::Resend { from: 4 });
        assert_eq!(take(3, 5, &samples(6..=7)), Take::Resend { from: 5 });
        assert_eq!(take(3, 6, &samples(6..=7)), Take::From { skip: 0 });
    }

    #[test]
    fn a_wrong_clock_is_corrected_by_what_the_agent_thinks_is_now() {
        let year = 365 * 24 * 3600 * 1000;
        let mut slow = report(NOW.0 - year, &[NOW.0 - year - 10_000, NOW.0 - year]);
        assert_eq!(mend_times(&mut slow, NOW), []);
        assert_eq!(slow.samples[0].at, UnixMillis(NOW.0 - 10_000));
    }

    #[test]
    fn the_network_is_not_a_skew() {
        let mut prompt = report(NOW.0 - 300, &[NOW.0 - 400]);
        mend_times(&mut prompt, NOW);
        assert_eq!(prompt.samples[0].at, UnixMillis(NOW.0 - 400));
    }

    #[test]
    fn a_time_a_day_off_is_replaced_and_said() {
        let day = 24 * 3600 * 1000;
        for off in [-day, day, i64::MIN / 2, i64::MIN, i64::MAX] {
            let mut one = report(NOW.0, &[off.saturating_add(NOW.0), NOW.0]);
            let dropped = mend_times(&mut one, NOW);
            assert_eq!(dropped.len(), 1, "{off}");
            assert_eq!(dropped[0].number, Some(1));
            assert_eq!(one.samples[0].at, UnixMillis(NOW.0 - 10_000));
        }
    }

    #[test]
    fn an_absurd_sending_time_overflows_nothing() {
        for sent_at in [i64::MIN, -1, 0, i64::MAX] {
            mend_times(&mut report(sent_at, &[NOW.0, i64::MAX, i64::MIN]), NOW);
        }
    }
}
