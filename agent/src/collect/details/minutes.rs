//! Which sample ends a minute, and how long it is since the one that ended the minute before. Pure.

use std::time::{Duration, Instant};

/// The last tick before this much of a minute's end ends it, ms: one that comes a little late is still of its own minute, and so it
/// is by the clock of a server that differs by little.
const MARGIN_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60_000;
/// What is less than this is not what a minute was like.
const SHORTEST_MS: i64 = 30_000;
/// By how much the clock of the wall may differ from the one that never steps, ms.
const MOST_APART_MS: u64 = 5_000;

/// When a minute ended by both clocks.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    wall_ms: i64,
}

/// Follows the minutes of the clock.
#[derive(Debug)]
pub struct Minutes {
    last: Option<i64>,
    before: Look,
}

impl Minutes {
    /// Counters were looked at just now.
    pub fn new(at: Instant, wall_ms: i64) -> Self {
        Self { last: None, before: Look { at, wall_ms } }
    }

    /// Whether the sample of `at_ms` is the last one of its minute, when the next one comes `period_s` later.
    pub fn is_ended_by(&self, at_ms: i64, period_s: u32) -> bool {
        let minute = at_ms.div_euclid(MINUTE_MS);
        let next_ms = at_ms.saturating_add(i64::from(period_s.max(1)) * 1000).saturating_add(MARGIN_MS);
        next_ms.div_euclid(MINUTE_MS) > minute && self.last != Some(minute)
    }

    /// The sample of `at_ms` ended its minute. Gives the time that its counters grew in, where that was about a minute (or one
    /// `period_s`, if longer) and no clock stepped: what a host did before it was suspended is not of the minute in which it woke.
    pub fn end(&mut self, at_ms: i64, period_s: u32, at: Instant, wall_ms: i64) -> Option<Duration> {
        self.last = Some(at_ms.div_euclid(MINUTE_MS));
        let before = std::mem::replace(&mut self.before, Look { at, wall_ms });
        let elapsed = at.saturating_duration_since(before.at);
        let elapsed_ms = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        let longest_ms = (i64::from(period_s) * 1000).max(MINUTE_MS).saturating_mul(5) / 2;
        let is_steady = wall_ms.saturating_sub(before.wall_ms).abs_diff(elapsed_ms) <= MOST_APART_MS;
        ((SHORTEST_MS..=longest_ms).contains(&elapsed_ms) && is_steady).then_some(elapsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A whole minute.
    const NOON_MS: i64 = 1_795_348_800_000;

    fn minutes() -> (Minutes, Instant) {
        let at = Instant::now();
        (Minutes::new(at, NOON_MS), at)
    }

    /// The samples that end a minute, ms behind noon, of ticks with this phase in `seconds`.
    fn ends(period_s: u32, phase_ms: i64, seconds: i64) -> Vec<i64> {
        let (mut minutes, begun) = minutes();
        let mut found = Vec::new();
        for behind_ms in (phase_ms..seconds * 1000).step_by(usize::try_from(period_s * 1000).unwrap()) {
            if minutes.is_ended_by(NOON_MS + behind_ms, period_s) {
                minutes.end(NOON_MS + behind_ms, period_s, begun, NOON_MS);
                found.push(behind_ms);
            }
        }
        found
    }

    #[test]
    fn each_minute_is_ended_by_one_sample_and_not_by_one_on_its_edge() {
        assert_eq!(ends(10, 3_500, 180), [53_500, 113_500, 173_500]);
        assert_eq!(ends(10, 9_990, 180), [49_990, 109_990, 169_990]);
        assert_eq!(ends(10, 0, 180), [50_000, 110_000, 170_000]);
        assert_eq!(ends(1, 999, 120), [58_999, 118_999]);
        assert_eq!(ends(60, 59_990, 200), [59_990, 119_990, 179_990]);
        assert_eq!(
            ends(45, 0, 240),
            [45_000, 90_000, 135_000, 225_000],
            "seconds 45, 90, 135; that of 180 begins a minute"
        );
        assert_eq!(ends(300, 7_000, 700), [7_000, 307_000, 607_000]);
    }

    #[test]
    fn counters_grew_in_the_time_between_two_ends() {
        let (mut minutes, begun) = minutes();
        let mut end = |seconds: u64, wall_s: i64| {
            let wall_ms = NOON_MS + wall_s * 1000;
            minutes.end(wall_ms, 10, begun + Duration::from_secs(seconds), wall_ms).map(|elapsed| elapsed.as_secs())
        };
        assert_eq!(end(53, 53), Some(53), "the first minute is not a whole one");
        assert_eq!(end(113, 113), Some(60));
        assert_eq!(end(233, 235), Some(120), "a tick was late, and the clock was slewed");
        assert_eq!(end(250, 252), None, "too short");
        assert_eq!(end(600, 602), None, "too long");
    }

    #[test]
    fn a_suspended_host_and_a_clock_that_steps_tell_of_no_time() {
        for wall_s in [-3_600, 0, 53, 66, 3_660] {
            let (mut minutes, begun) = minutes();
            let wall_ms = NOON_MS + wall_s * 1000;
            assert_eq!(minutes.end(wall_ms, 10, begun + Duration::from_mins(1), wall_ms), None, "{wall_s}");
            let (at, wall_ms) = (begun + Duration::from_mins(2), wall_ms + 60_000);
            assert_eq!(minutes.end(wall_ms, 10, at, wall_ms), Some(Duration::from_mins(1)), "and then it does");
        }
    }

    #[test]
    fn a_clock_that_steps_back_ends_its_minutes_again() {
        let (mut minutes, at) = minutes();
        assert!(minutes.is_ended_by(NOON_MS + 53_000, 10));
        minutes.end(NOON_MS + 53_000, 10, at, NOON_MS);
        assert!(!minutes.is_ended_by(NOON_MS + 55_000, 10), "it ended");
        assert!(minutes.is_ended_by(NOON_MS - 3_600_000 + 53_000, 10));
    }

    #[test]
    fn a_slow_agent_tells_of_its_whole_period() {
        let (mut minutes, begun) = minutes();
        let end = minutes.end(NOON_MS + 300_000, 300, begun + Duration::from_mins(5), NOON_MS + 300_000);
        assert_eq!(end, Some(Duration::from_mins(5)));
    }
}
