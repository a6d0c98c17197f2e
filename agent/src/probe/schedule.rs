//! When which target is asked: each at its own moments, spread over its interval, with jitter. Late turns are dropped. Pure.

use std::time::{Duration, Instant};

use edgewatch_core::domain::probing::{MAX_INTERVAL_S, MIN_INTERVAL_S};
use edgewatch_core::model::{ProbeId, ProbeTask};

/// A new target is asked for the first time within so long: somebody waits to see it.
const FIRST_WITHIN: Duration = Duration::from_secs(5);
/// A turn comes up to this part of the interval late.
const JITTER: u32 = 20;

/// The turns of all targets.
pub struct Schedule {
    seed: u64,
    turns: Vec<Turn>,
}

struct Turn {
    task: ProbeTask,
    /// Where its turns would lie without jitter.
    planned: Instant,
    due: Instant,
}

impl Schedule {
    /// No targets. Hosts of different seeds ask at different moments.
    pub const fn new(seed: u64) -> Self {
        Self { seed, turns: Vec::new() }
    }

    /// These targets from now on; those that were there before keep their turns.
    pub fn set(&mut self, tasks: Vec<ProbeTask>, now: Instant) {
        let mut before = std::mem::take(&mut self.turns);
        for task in tasks {
            let known = before.iter().position(|turn| turn.task == task);
            let turn = if let Some(at) = known {
                before.swap_remove(at)
            } else {
                let within = FIRST_WITHIN.min(interval(&task));
                let planned = now + part(within, self.random(task.id));
                Turn { task, planned, due: planned }
            };
            self.turns.push(turn);
        }
    }

    /// A target whose turn it is: the one that waited longest. Its next turn is planned. One that is being asked still keeps waiting.
    pub fn due(&mut self, now: Instant, is_running: impl Fn(ProbeId) -> bool) -> Option<ProbeTask> {
        let ready = self.turns.iter().enumerate().filter(|(_, turn)| turn.due <= now && !is_running(turn.task.id));
        let at = ready.min_by_key(|(_, turn)| turn.due)?.0;
        let id = self.turns.get(at)?.task.id;
        let random = self.random(id);
        let turn = self.turns.get_mut(at)?;
        let interval = interval(&turn.task);
        turn.planned += interval;
        while turn.planned + interval / JITTER <= now {
            turn.planned += interval;
        }
        turn.due = turn.planned + part(interval / JITTER, random);
        Some(turn.task.clone())
    }

    /// When the next turn of one that is not being asked comes.
    pub fn next(&self, is_running: impl Fn(ProbeId) -> bool) -> Option<Instant> {
        self.turns.iter().filter(|turn| !is_running(turn.task.id)).map(|turn| turn.due).min()
    }

    /// The next random number: `SplitMix64`.
    fn random(&mut self, id: ProbeId) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.seed ^ id.0.unsigned_abs()).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn interval(task: &ProbeTask) -> Duration {
    Duration::from_secs(task.interval_s.clamp(MIN_INTERVAL_S, MAX_INTERVAL_S).into())
}

/// A random part of a time.
fn part(of: Duration, random: u64) -> Duration {
    let ms = u64::try_from(of.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(random % ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewatch_core::model::ProbeKind;

    fn task(id: i64, interval_s: u32) -> ProbeTask {
        ProbeTask { id: ProbeId(id), kind: ProbeKind::Tcp, target: String::new(), interval_s }
    }

    /// The turns of an hour, by probe, seconds.
    fn hour(seed: u64, tasks: Vec<ProbeTask>) -> Vec<(i64, f64)> {
        let begun = Instant::now();
        let mut schedule = Schedule::new(seed);
        schedule.set(tasks, begun);
        let mut turns = Vec::new();
        while let Some(at) = schedule.next(|_| false).filter(|at| *at < begun + Duration::from_hours(1)) {
            let task = schedule.due(at, |_| false).unwrap();
            turns.push((task.id.0, (at - begun).as_secs_f64()));
        }
        turns
    }

    #[test]
    fn each_target_has_its_turn_in_every_interval() {
        for (interval_s, count) in [(30, 120), (10, 360), (1, 360), (600, 6)] {
            let turns = hour(7, vec![task(1, interval_s)]);
            assert!(turns.len().abs_diff(count) <= 1, "{interval_s} s: {}", turns.len());
            let interval = f64::from(interval_s.max(10));
            for pair in turns.windows(2) {
                let apart = pair[1].1 - pair[0].1;
                assert!((interval * 0.94..interval * 1.06).contains(&apart), "{apart} of {interval}");
            }
        }
    }

    #[test]
    fn the_first_turn_comes_within_seconds_and_hosts_do_not_ask_in_step() {
        let first = |seed| hour(seed, vec![task(1, 86_400)])[0].1;
        assert!(first(1) < 5.0 && first(2) < 5.0);
        assert!((first(1) - first(2)).abs() > 0.001);
    }

    #[test]
    fn late_turns_are_dropped_and_one_that_is_asked_still_waits() {
        let begun = Instant::now();
        let mut schedule = Schedule::new(3);
        schedule.set(vec![task(1, 30)], begun);
        let late = begun + Duration::from_mins(10);
        assert_eq!(schedule.due(late, |_| true), None);
        assert_eq!(schedule.due(late, |_| false), Some(task(1, 30)));
        assert_eq!(schedule.due(late, |_| false), None, "twenty turns were missed, and one is taken");
        let next = schedule.next(|_| false).unwrap();
        assert!(next + Duration::from_secs(2) > late && next < late + Duration::from_secs(32));
    }

    #[test]
    fn a_target_that_stays_keeps_its_turns() {
        let begun = Instant::now();
        let mut schedule = Schedule::new(3);
        schedule.set(vec![task(1, 3_600), task(2, 30)], begun);
        let before = schedule.turns[0].due;
        schedule.set(vec![task(3, 30), task(1, 3_600)], begun + Duration::from_secs(1));
        assert_eq!(schedule.turns.iter().map(|turn| turn.task.id.0).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(schedule.turns[1].due, before);
    }
}
