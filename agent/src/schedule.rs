//! When to look at the host: aligned ticks, shifted by a phase of the host's own, late ones dropped.

/// A tick this close is the planned one, milliseconds.
const NEAR_MS: u64 = 200;

/// The grid of one host's ticks, in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticks {
    period_ms: i64,
    phase_ms: i64,
    due_ms: i64,
    seed: u64,
}

impl Ticks {
    /// Ticks every `period_s` (at least 1); the first one lies after `now_ms`. Hosts of different seeds tick at
    /// different moments, one host at the same moments after every start.
    pub fn new(period_s: u32, seed: u64, now_ms: i64) -> Self {
        let length_ms = millis(period_s);
        let phase_ms = i64::try_from(seed % length_ms.unsigned_abs()).unwrap_or(0);
        Self { period_ms: length_ms, phase_ms, due_ms: next(now_ms, length_ms, phase_ms), seed }
    }

    /// The same host with another period.
    pub fn with_period(&self, period_s: u32, now_ms: i64) -> Self {
        if millis(period_s) == self.period_ms { self.clone() } else { Self::new(period_s, self.seed, now_ms) }
    }

    /// Milliseconds until the next tick; 0 when it is due. A clock that stepped back does not stop the ticks.
    pub fn wait_ms(&mut self, now_ms: i64) -> i64 {
        if self.due_ms - now_ms > self.period_ms {
            self.due_ms = next(now_ms, self.period_ms, self.phase_ms);
        }
        (self.due_ms - now_ms).max(0)
    }

    /// Takes the tick that is due; those that went by unseen are dropped. Gives the time of what is seen now: the planned
    /// one while it is near enough to be true, for times that rise evenly pack into nothing.
    pub fn take(&mut self, now_ms: i64) -> i64 {
        let planned_ms = self.due_ms;
        self.due_ms = next(now_ms.max(planned_ms), self.period_ms, self.phase_ms);
        if now_ms.abs_diff(planned_ms) <= NEAR_MS { planned_ms } else { now_ms }
    }
}

fn millis(seconds: u32) -> i64 {
    i64::from(seconds.max(1)) * 1000
}

/// The first point of the grid after `now_ms`.
fn next(now_ms: i64, period_ms: i64, phase_ms: i64) -> i64 {
    now_ms + period_ms - (now_ms - phase_ms).rem_euclid(period_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_MS: i64 = 1_795_348_800_000;

    #[test]
    fn ticks_lie_on_the_hosts_grid() {
        let mut ticks = Ticks::new(10, 3_500, NOON_MS);
        assert_eq!(ticks.wait_ms(NOON_MS), 3_500);
        ticks.take(NOON_MS + 3_500);
        assert_eq!(ticks.wait_ms(NOON_MS + 3_500), 10_000);
        assert_eq!(ticks.wait_ms(NOON_MS + 13_000), 500);
    }

    #[test]
    fn a_tick_woken_a_little_early_is_not_taken_twice() {
        let mut ticks = Ticks::new(10, 0, NOON_MS);
        ticks.take(NOON_MS + 9_999);
        assert_eq!(ticks.wait_ms(NOON_MS + 10_000), 10_000);
    }

    #[test]
    fn late_ticks_are_dropped() {
        let mut ticks = Ticks::new(10, 0, NOON_MS);
        assert_eq!(ticks.wait_ms(NOON_MS + 47_000), 0);
        ticks.take(NOON_MS + 47_000);
        assert_eq!(ticks.wait_ms(NOON_MS + 47_000), 3_000);
    }

    #[test]
    fn what_is_seen_near_its_tick_is_of_that_tick() {
        for (late_ms, stamp_ms) in [(0, 0), (200, 0), (-3, 0), (201, 201), (4_000, 4_000), (-201, -201)] {
            let mut ticks = Ticks::new(10, 0, NOON_MS);
            assert_eq!(ticks.take(NOON_MS + 10_000 + late_ms), NOON_MS + 10_000 + stamp_ms, "{late_ms}");
        }
    }

    #[test]
    fn a_clock_that_steps_back_keeps_ticking() {
        let mut ticks = Ticks::new(10, 0, NOON_MS);
        let hour_ago = NOON_MS - 3_600_000;
        assert!(ticks.wait_ms(hour_ago) <= 10_000);
    }

    #[test]
    fn hosts_tick_at_different_moments_and_keep_them() {
        let first = Ticks::new(10, 1_234, NOON_MS).wait_ms(NOON_MS);
        let second = Ticks::new(10, 8_234, NOON_MS).wait_ms(NOON_MS);
        assert_ne!(first, second);
        assert_eq!(first, Ticks::new(10, 1_234, NOON_MS).wait_ms(NOON_MS));
    }

    #[test]
    fn another_period_makes_another_grid() {
        let ticks = Ticks::new(10, 3_500, NOON_MS);
        assert_eq!(ticks.with_period(10, NOON_MS), ticks);
        assert_eq!(ticks.with_period(60, NOON_MS).wait_ms(NOON_MS), 3_500);
    }
}
