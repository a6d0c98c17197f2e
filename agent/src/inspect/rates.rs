//! Rates between two cycles, as the document has them: whole numbers per second, cut, 0 in the first cycle.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Shorter times measure the clock rather than the host.
const SHORTEST: Duration = Duration::from_millis(500);

/// What was seen in the cycle before, by device.
#[derive(Debug)]
pub struct Before<T> {
    at: Option<Instant>,
    seen: BTreeMap<String, T>,
}

impl<T> Default for Before<T> {
    fn default() -> Self {
        Self { at: None, seen: BTreeMap::new() }
    }
}

impl<T> Before<T> {
    /// Puts what is seen now in the place of what was seen before, which it gives with the time since then.
    pub fn replace(&mut self, seen: BTreeMap<String, T>, now: Instant) -> (BTreeMap<String, T>, Duration) {
        let elapsed = self.at.replace(now).map_or(Duration::ZERO, |before| now.saturating_duration_since(before));
        (std::mem::replace(&mut self.seen, seen), elapsed)
    }
}

/// A counter's growth. One that fell back was reset and grew by nothing that is known: the stock agent takes it for one that went once
/// around 2^64.
pub fn grown(before: u64, now: u64) -> u64 {
    now.saturating_sub(before)
}

/// So many per second; 0 where there was no time.
pub fn per_second(grown: u64, elapsed: Duration) -> u64 {
    if elapsed < SHORTEST {
        return 0;
    }
    u64::try_from(u128::from(grown) * 1000 / elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// `part` for each of `of`; 0 where there are none.
pub fn mean(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { crate::collect::exact(part) / crate::collect::exact(of) }
}

/// `part` of `whole` in percent, 0 to 100; 0 where there is no whole.
pub fn percent(part: u64, whole: u64) -> f64 {
    (mean(part, whole) * 100.0).min(100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_cut_to_whole_numbers() {
        assert_eq!(per_second(299, Duration::from_secs(30)), 9);
        assert_eq!(per_second(u64::MAX, Duration::from_secs(1)), u64::MAX);
        assert_eq!(per_second(u64::MAX, Duration::from_millis(500)), u64::MAX);
    }

    #[test]
    fn no_time_and_a_reset_counter_give_0() {
        assert_eq!(per_second(299, Duration::ZERO), 0);
        assert_eq!(grown(7, 3), 0);
        assert_eq!(grown(3, 7), 4);
    }

    #[test]
    fn the_first_cycle_has_no_time() {
        let (mut before, now) = (Before::default(), Instant::now());
        let (seen, elapsed) = before.replace(BTreeMap::from([("a".to_owned(), 1)]), now);
        assert!(seen.is_empty() && elapsed.is_zero());
        let (seen, elapsed) = before.replace(BTreeMap::new(), now + Duration::from_secs(30));
        assert_eq!((seen["a"], elapsed.as_secs()), (1, 30));
    }

    #[test]
    fn shares_stay_between_0_and_100() {
        assert!((percent(1, 8) - 12.5).abs() < 1e-9);
        assert!((percent(9, 8) - 100.0).abs() < 1e-9);
        assert!(percent(1, 0).abs() < 1e-9);
    }
}
