//! When the hub is told what the viewers look at, and what.

use edgewatch_core::dialects::native::live::MAX_WINDOW;
use edgewatch_core::units::UnixMillis;

/// The hub pushes for so long after it was asked. Source: the contract of hub and viewers.
pub const WATCH_S: u32 = 90;
/// It is asked again this often while somebody looks.
const RENEW_MS: i64 = 60_000;
/// Changes of windows are gathered for this long.
const GATHER_MS: i64 = 2_000;
/// A hub that did not answer is asked again this much later, and after twice as long each time.
const RETRY_MS: i64 = 5_000;

/// What the hub was told last; forgotten in sleep, which costs one call more.
#[derive(Debug, Default)]
pub struct Watch {
    told: Option<Told>,
    /// Calls in a row that not all shards answered.
    failures: u32,
    /// When the alarm is set to ring.
    alarm: Option<UnixMillis>,
}

#[derive(Debug)]
struct Told {
    at: UnixMillis,
    /// `None` when not all shards answered.
    hosts: Option<Vec<i64>>,
}

/// What to do about a changed window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The hub knows.
    Nothing,
    /// Tell it now.
    Tell,
    /// Set the alarm.
    Alarm(UnixMillis),
}

impl Watch {
    /// What to do when the union of the windows is `hosts`.
    pub fn changed(&mut self, hosts: &[i64], now: UnixMillis) -> Step {
        match &self.told {
            Some(Told { hosts: Some(told), .. }) if told == hosts => Step::Nothing,
            Some(Told { at, .. }) if now.0.saturating_sub(at.0) < GATHER_MS => {
                let due = UnixMillis(at.0.saturating_add(GATHER_MS));
                if self.alarm.is_some_and(|alarm| alarm <= due && alarm >= now) {
                    return Step::Nothing;
                }
                self.alarm = Some(due);
                Step::Alarm(due)
            }
            Some(_) | None => Step::Tell,
        }
    }

    /// Notes that the hub was told; gives when the alarm must ring, unless it will early enough anyway.
    pub fn told(&mut self, hosts: Vec<i64>, all_answered: bool, now: UnixMillis) -> Option<UnixMillis> {
        self.told = Some(Told { at: now, hosts: all_answered.then_some(hosts) });
        let wait_ms = if all_answered { RENEW_MS } else { RETRY_MS << self.failures.min(4) };
        self.failures = if all_answered { 0 } else { self.failures.saturating_add(1) };
        let due = UnixMillis(now.0.saturating_add(wait_ms.min(RENEW_MS)));
        // An alarm that rings earlier does the work too, and each setting is a row.
        if self.alarm.is_some_and(|alarm| alarm <= due && alarm > now) {
            return None;
        }
        self.alarm = Some(due);
        Some(due)
    }

    /// When the alarm must ring so that those who are told without the hub are not forgotten in sleep; `None` when it will anyway.
    pub fn backstop(&mut self, now: UnixMillis) -> Option<UnixMillis> {
        if self.alarm.is_some_and(|alarm| alarm > now) {
            return None;
        }
        let due = UnixMillis(now.0.saturating_add(RENEW_MS));
        self.alarm = Some(due);
        Some(due)
    }

    /// Notes that the alarm rings.
    pub const fn rung(&mut self) {
        self.alarm = None;
    }
}

/// The hosts of all windows, at most [`MAX_WINDOW`], in order of their ids: the first of each window, then the second of
/// each, so that nobody's rows crowd out another's.
pub fn union(windows: &[Vec<i64>]) -> Vec<i64> {
    let mut hosts = Vec::new();
    for row in 0..MAX_WINDOW {
        for id in windows.iter().filter_map(|window| window.get(row)) {
            if hosts.len() < MAX_WINDOW && !hosts.contains(id) {
                hosts.push(*id);
            }
        }
    }
    hosts.sort_unstable();
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_361_190_000);

    fn later(ms: i64) -> UnixMillis {
        UnixMillis(NOW.0 + ms)
    }

    #[test]
    fn windows_are_joined_row_by_row_up_to_fifty() {
        assert_eq!(union(&[vec![9, 1], vec![2, 9, 3]]), [1, 2, 3, 9]);
        assert_eq!(union(&[]), [0_i64; 0]);
        let (one, other): (Vec<i64>, Vec<i64>) = ((1..=50).collect(), (101..=150).collect());
        let both = union(&[one, other]);
        assert_eq!(both, (1..=25).chain(101..=125).collect::<Vec<i64>>());
    }

    #[test]
    fn a_first_window_is_told_at_once_and_the_same_again_is_not() {
        let mut watch = Watch::default();
        assert_eq!(watch.changed(&[1], NOW), Step::Tell);
        assert_eq!(watch.told(vec![1], true, NOW), Some(later(60_000)));
        watch.rung();
        assert_eq!(watch.changed(&[1], later(1)), Step::Nothing);
        assert_eq!(watch.changed(&[2], later(2_000)), Step::Tell);
    }

    #[test]
    fn a_scrolling_viewer_sets_one_alarm_every_two_seconds() {
        let mut watch = Watch::default();
        watch.told(vec![1], true, NOW);
        assert_eq!(watch.changed(&[2], later(500)), Step::Alarm(later(2_000)));
        assert_eq!(watch.changed(&[3], later(900)), Step::Nothing);
        watch.rung();
        assert_eq!(watch.told(vec![3], true, later(2_000)), Some(later(62_000)));
        assert_eq!(watch.changed(&[4], later(2_100)), Step::Alarm(later(4_000)));
    }

    #[test]
    fn a_change_told_at_once_leaves_the_alarm_where_it_is() {
        let mut watch = Watch::default();
        assert_eq!(watch.told(vec![1], true, NOW), Some(later(60_000)));
        assert_eq!(watch.changed(&[2], later(30_000)), Step::Tell);
        assert_eq!(watch.told(vec![2], true, later(30_000)), None, "it rings before the hub stops, and tells anew");
    }

    #[test]
    fn who_is_told_without_the_hub_has_an_alarm_a_minute() {
        let mut watch = Watch::default();
        assert_eq!(watch.backstop(NOW), Some(later(60_000)));
        assert_eq!(watch.backstop(later(59_999)), None);
        watch.rung();
        assert_eq!(watch.backstop(later(60_000)), Some(later(120_000)));
    }

    #[test]
    fn a_hub_that_does_not_answer_is_asked_again_more_and_more_rarely() {
        let mut watch = Watch::default();
        let mut now = NOW;
        for wait_ms in [5_000, 10_000, 20_000, 40_000, 60_000, 60_000] {
            let due = watch.told(vec![1], false, now).unwrap();
            assert_eq!(due.0 - now.0, wait_ms);
            watch.rung();
            now = due;
        }
        watch.told(vec![1], true, now);
        watch.rung();
        let now = UnixMillis(now.0 + 60_000);
        assert_eq!(watch.told(vec![1], false, now), Some(UnixMillis(now.0 + 5_000)));
        assert_eq!(watch.changed(&[1], UnixMillis(now.0 + 10)), Step::Alarm(UnixMillis(now.0 + 2_000)));
    }
}
