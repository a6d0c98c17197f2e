//! How long to wait before trying again: full jitter, short waits for about five minutes, then doubling to five minutes,
//! and what the server asks for. Pure.

use std::time::Duration;

use edgewatch_core::units::UnixSeconds;
use edgewatch_core::units::calendar::parse_http_date;

/// The first wait is at most this.
const FIRST: Duration = Duration::from_secs(2);
/// The waits of a short outage double up to this. The server calls a host offline that is silent for a minute: a network
/// that is gone for less must not become a false alarm by our own waiting.
const OFTEN: Duration = Duration::from_secs(20);
/// So many failures in a row are a short outage: they take about five minutes, half of [`OFTEN`] each.
const SHORT_OUTAGE: u32 = 30;
/// The waits of a long outage double from [`OFTEN`] to this. No wait is longer, unless the server asks for it.
const LONGEST: Duration = Duration::from_mins(5);
/// No wait is shorter.
const SHORTEST: Duration = Duration::from_millis(500);
/// A server that asks for more is asked again after this all the same.
const MOST_OBEYED: Duration = Duration::from_hours(1);

/// Counts failures in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure. `random` is evenly spread over all its values.
    pub fn next(&mut self, retry_after: Option<Duration>, random: u64) -> Duration {
        let ceiling = ceiling(self.failures);
        self.failures = self.failures.saturating_add(1);
        let jittered = part(ceiling, random).max(SHORTEST);
        match retry_after.map(|asked| asked.min(MOST_OBEYED)) {
            // A whole fleet is told the same moment; a tenth more spreads it.
            Some(asked) => jittered.max(asked + part(asked / 10, random)),
            None => jittered,
        }
    }

    /// A success: the next failure is the first one again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Whether the last attempt failed.
    pub fn is_waiting(&self) -> bool {
        self.failures > 0
    }
}

/// The longest wait after so many earlier failures.
fn ceiling(failures: u32) -> Duration {
    let doubled = |wait: Duration, times: u32| wait.saturating_mul(1 << times.min(16));
    match failures.checked_sub(SHORT_OUTAGE) {
        None => doubled(FIRST, failures).min(OFTEN),
        Some(beyond) => doubled(OFTEN, beyond + 1).min(LONGEST),
    }
}

/// An evenly spread part of `whole`.
pub fn part(whole: Duration, random: u64) -> Duration {
    let millis = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random % millis.saturating_add(1))
}

/// The wait that a `Retry-After` header asks for: seconds, or an HTTP date seen from `now_s` (seconds since 1970).
pub fn parse_retry_after(value: &str, now_s: i64) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let seconds = parse_http_date(value, UnixSeconds(now_s))?.0 - now_s;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_short_for_thirty_failures_and_then_double_to_five_minutes() {
        let mut backoff = Backoff::default();
        let mut ceilings = Vec::new();
        for failures in 0..36 {
            let at_most = ceiling(failures);
            // The largest number that gives the whole wait, and the next one, which starts over.
            let whole = u64::try_from(at_most.as_millis()).unwrap();
            assert_eq!(backoff.next(None, whole), at_most);
            backoff.failures = failures;
            assert_eq!(backoff.next(None, whole + 1), SHORTEST);
            ceilings.push(at_most.as_secs());
        }
        assert_eq!(ceilings[..5], [2, 4, 8, 16, 20]);
        assert!(ceilings[5..30].iter().all(|ceiling| *ceiling == 20));
        assert_eq!(ceilings[30..], [40, 80, 160, 300, 300, 300]);
        assert_eq!(ceiling(u32::MAX), LONGEST);
    }

    #[test]
    fn the_short_waits_last_about_five_minutes() {
        let mean: Duration = (0..SHORT_OUTAGE).map(|failures| ceiling(failures) / 2).sum();
        assert!((240..=330).contains(&mean.as_secs()), "{mean:?}");
    }

    #[test]
    fn a_wait_may_be_short_but_not_nothing() {
        assert_eq!(Backoff::default().next(None, 0), SHORTEST);
    }

    #[test]
    fn what_the_server_asks_for_is_the_least() {
        let mut backoff = Backoff::default();
        let wait = backoff.next(Some(Duration::from_secs(100)), 7_000);
        assert_eq!(wait, Duration::from_secs(107));
        assert_eq!(Backoff::default().next(Some(Duration::MAX), 0), MOST_OBEYED);
    }

    #[test]
    fn a_success_starts_over() {
        let mut backoff = Backoff::default();
        for _ in 0..9 {
            backoff.next(None, 0);
        }
        assert!(backoff.is_waiting());
        backoff.reset();
        assert!(!backoff.is_waiting());
        assert!(backoff.next(None, u64::MAX) <= FIRST);
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        assert_eq!(parse_retry_after("120", 0), Some(Duration::from_mins(2)));
        let parse_http_date = |text| parse_http_date(text, UnixSeconds(0)).map(|at| at.0);
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(parse_http_date(date), Some(784_111_777));
        assert_eq!(parse_retry_after(date, 784_111_770), Some(Duration::from_secs(7)));
        assert_eq!(parse_retry_after(date, 784_111_800), Some(Duration::ZERO));
        assert_eq!(parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT"), Some(1_709_164_800));
    }

    #[test]
    fn anything_else_asks_for_nothing() {
        for value in ["", "soon", "-5", "Sun, 06 Non 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov"]
        {
            assert_eq!(parse_retry_after(value, 0), None, "{value}");
        }
    }
}
