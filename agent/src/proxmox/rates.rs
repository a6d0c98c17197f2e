//! Counters made into rates. Pure. Source: pulse specification, 19.

use std::collections::BTreeMap;
use std::time::Instant;

use edgewatch_core::dialects::native::proxmox::NO_RATE;

/// Bytes received, sent, read and written since a guest was started.
pub type Counters = [i64; 4];

/// What the counters of all guests were last.
#[derive(Debug, Default)]
pub struct Rates(BTreeMap<u64, (Counters, Instant)>);

impl Rates {
    /// Bytes per second since the reading before: [`NO_RATE`] at the first, 0 for a counter that went back.
    pub fn of(&mut self, vmid: u64, now: Counters, at: Instant) -> Counters {
        let Some((before, since)) = self.0.insert(vmid, (now, at)) else { return [NO_RATE; 4] };
        let passed = at.saturating_duration_since(since).as_micros();
        let mut rates = [0; 4];
        for (rate, (now, before)) in rates.iter_mut().zip(now.into_iter().zip(before)) {
            *rate = rate_of(now, before, passed);
        }
        rates
    }

    /// Forgets the guests that are no more.
    pub fn keep(&mut self, is_there: impl Fn(u64) -> bool) {
        self.0.retain(|vmid, _| is_there(*vmid));
    }
}

fn rate_of(now: i64, before: i64, passed_us: u128) -> i64 {
    let Ok(more) = u128::try_from(i128::from(now) - i128::from(before)) else { return 0 };
    (more * 1_000_000).checked_div(passed_us).and_then(|rate| i64::try_from(rate).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_rate_needs_two_readings_and_loses_its_fraction() {
        let (mut rates, begun) = (Rates::default(), Instant::now());
        assert_eq!(rates.of(1, [5, 5, 5, 5], begun), [NO_RATE; 4]);
        let later = begun + Duration::from_millis(2_500);
        assert_eq!(rates.of(1, [5, 6, 105, 4], later), [0, 0, 40, 0]);
        assert_eq!(rates.of(2, [0; 4], later), [NO_RATE; 4], "each guest has its own");
    }

    #[test]
    fn a_counter_that_went_back_and_time_that_did_not_pass_give_none() {
        let (mut rates, begun) = (Rates::default(), Instant::now());
        rates.of(1, [100, 0, 0, 0], begun);
        assert_eq!(rates.of(1, [200, 1, 0, 0], begun), [0; 4]);
        assert_eq!(rates.of(1, [50, 1, 0, 0], begun + Duration::from_secs(1)), [0; 4]);
        assert_eq!(rates.of(1, [i64::MAX, 11, 0, 0], begun + Duration::from_secs(2))[1], 10);
    }

    #[test]
    fn a_guest_that_was_gone_begins_anew() {
        let (mut rates, begun) = (Rates::default(), Instant::now());
        rates.of(1, [100, 0, 0, 0], begun);
        rates.keep(|vmid| vmid == 2);
        assert_eq!(rates.of(1, [200, 0, 0, 0], begun + Duration::from_secs(1)), [NO_RATE; 4]);
    }
}
