//! What two readings of counters say together. No time passed or a counter that fell back says nothing, never 0.

use std::time::Duration;

use super::exact;

/// Shorter intervals measure the clock rather than the host.
const SHORTEST: Duration = Duration::from_millis(50);

/// Units per second between two readings of a counter.
pub fn per_second(before: u64, after: u64, elapsed: Option<Duration>) -> Option<f64> {
    let elapsed = elapsed.filter(|elapsed| *elapsed >= SHORTEST)?;
    let grown = after.checked_sub(before)?;
    Some(exact(grown) / elapsed.as_secs_f64())
}

/// How much of a total's growth was not spent in `idle`, 0 to 100.
pub fn busy_percent(total: (u64, u64), idle: (u64, u64)) -> Option<f64> {
    let grown = total.1.checked_sub(total.0).filter(|grown| *grown > 0)?;
    // The kernel's idle and iowait may step back by a tick; that is no idle time, not a reset.
    let idled = idle.1.saturating_sub(idle.0).min(grown);
    Some(exact(grown - idled) * 100.0 / exact(grown))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_S: Option<Duration> = Some(Duration::from_secs(10));

    #[test]
    fn a_growing_counter_gives_units_per_second() {
        assert_eq!(per_second(1_000, 6_000, TEN_S), Some(500.0));
        assert_eq!(per_second(1_000, 1_000, TEN_S), Some(0.0));
    }

    #[test]
    fn a_reset_counter_gives_no_rate() {
        assert_eq!(per_second(6_000, 10, TEN_S), None);
    }

    #[test]
    fn no_time_passed_gives_no_rate() {
        assert_eq!(per_second(1, 2, None), None);
        assert_eq!(per_second(1, 2, Some(Duration::ZERO)), None);
    }

    #[test]
    fn use_is_what_was_not_idle() {
        assert_eq!(busy_percent((1_000, 2_000), (500, 1_250)), Some(25.0));
        assert_eq!(busy_percent((1_000, 2_000), (500, 1_500)), Some(0.0));
        assert_eq!(busy_percent((1_000, 2_000), (500, 499)), Some(100.0));
    }

    #[test]
    fn a_total_that_stood_still_or_fell_gives_no_use() {
        assert_eq!(busy_percent((1_000, 1_000), (500, 500)), None);
        assert_eq!(busy_percent((1_000, 900), (500, 400)), None);
    }
}
