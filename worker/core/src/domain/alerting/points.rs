//! A metric's newest points at one place, and what its monitors find in them. Source: mackerel specification, 8.1.

use std::collections::BTreeMap;

use super::alert::Verdict;
use crate::model::{MetricTest, Severity};
use crate::units::UnixSeconds;

/// So many points are looked at, at most.
pub const MOST_POINTS: usize = 10;
/// All of them have to lie within this time, seconds.
pub const WITHIN_S: i64 = 24 * 3_600;
/// When the newest one is older than this nothing is found, seconds.
const FRESH_S: i64 = 20 * 60;

/// The newest points of a metric: one for each minute, the value that came last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Points(BTreeMap<i64, (UnixSeconds, f64)>);

impl Points {
    /// Adds a point; whether it is of a minute beyond all before it, or of the newest one.
    pub fn add(&mut self, at: UnixSeconds, value: f64) -> bool {
        let minute = at.0.div_euclid(60);
        let is_newest = self.0.last_key_value().is_none_or(|(newest, _)| minute >= *newest);
        self.0.insert(minute, (at, value));
        is_newest
    }

    /// Forgets all but the newest.
    pub fn trim(&mut self) {
        while self.0.len() > MOST_POINTS {
            self.0.pop_first();
        }
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (UnixSeconds, f64)> {
        self.0.values().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The newest minute since 1970, and its time.
    pub fn newest(&self) -> Option<(i64, UnixSeconds)> {
        self.0.last_key_value().map(|(minute, (at, _))| (*minute, *at))
    }

    /// What a monitor finds: how bad it is, `None` for not at all, and the mean that says so. Nothing where there are too few points,
    /// or too old ones.
    pub fn look(&self, test: &MetricTest, now: UnixSeconds) -> Option<(Option<Severity>, f64)> {
        let (_, newest) = self.newest()?;
        if now.since(newest) > FRESH_S {
            return None;
        }
        let wanted = usize::try_from(test.points).ok()?.max(1);
        let mut sum = 0.0;
        let mut count = 0.0;
        for (at, value) in self.0.values().rev().take(wanted) {
            if now.since(*at) > WITHIN_S {
                return None;
            }
            sum += value;
            count += 1.0;
        }
        if self.0.len() < wanted {
            return None;
        }
        let mean = sum / count;
        Some((severity(test, mean), mean))
    }
}

/// How bad a value is; `None` for not at all.
pub fn severity(test: &MetricTest, value: f64) -> Option<Severity> {
    let is_beyond =
        |limit: Option<f64>| limit.is_some_and(|limit| if test.is_above { value > limit } else { value < limit });
    if is_beyond(test.critical) {
        Some(Severity::Critical)
    } else {
        is_beyond(test.warning).then_some(Severity::Warning)
    }
}

/// How often in succession something bad was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// So often.
    pub count: u32,
    /// In which minute since 1970 it was counted last.
    pub minute: i64,
}

impl Attempts {
    /// Counts what was found in a minute, once; `needed` times in succession is enough. `is_open`: there is an alert, which one good
    /// value ends.
    pub fn note(&mut self, is_bad: bool, minute: i64, needed: u32, is_open: bool) -> Verdict {
        if !is_bad {
            *self = Self::default();
            return Verdict::Clear;
        }
        if is_open {
            return Verdict::Failing;
        }
        if self.count == 0 || self.minute != minute {
            *self = Self { count: self.count.saturating_add(1), minute };
        }
        if self.count >= needed { Verdict::Failing } else { Verdict::Steady }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Clear, Failing, Steady};
    use super::*;
    use proptest::prelude::{prop, proptest};

    const NOW: UnixSeconds = UnixSeconds(1_795_361_190);

    fn test(points: u32) -> MetricTest {
        MetricTest {
            metric: "a".to_owned(),
            is_above: true,
            warning: Some(4.0),
            critical: Some(8.0),
            points,
            attempts: 1,
        }
    }

    fn points(values: &[(i64, f64)]) -> Points {
        let mut points = Points::default();
        for (ago_s, value) in values {
            points.add(NOW.plus(-ago_s), *value);
        }
        points
    }

    #[test]
    fn the_mean_of_the_newest_points_counts_and_critical_before_warning() {
        let found = |values: &[(i64, f64)], count| points(values).look(&test(count), NOW);
        assert_eq!(found(&[(120, 90.0), (60, 4.0), (0, 5.0)], 1), Some((Some(Severity::Warning), 5.0)));
        assert_eq!(found(&[(120, 90.0), (60, 4.0), (0, 4.0)], 2), Some((None, 4.0)), "the limit itself is good");
        assert_eq!(found(&[(120, 91.0), (60, 4.0), (0, 4.0)], 3), Some((Some(Severity::Critical), 33.0)));
        assert_eq!(found(&[(60, 4.0), (0, 4.0)], 3), None, "too few");
        let below = MetricTest { is_above: false, ..test(1) };
        assert_eq!(points(&[(0, 3.0)]).look(&below, NOW), Some((Some(Severity::Critical), 3.0)));
    }

    #[test]
    fn old_points_say_nothing() {
        assert_eq!(points(&[(1_201, 9.0)]).look(&test(1), NOW), None);
        assert!(points(&[(1_200, 9.0)]).look(&test(1), NOW).is_some());
        assert_eq!(points(&[(WITHIN_S + 1, 9.0), (0, 9.0)]).look(&test(2), NOW), None);
        assert!(points(&[(WITHIN_S, 9.0), (0, 9.0)]).look(&test(2), NOW).is_some());
    }

    #[test]
    fn of_a_minute_the_value_that_came_last_counts_and_an_earlier_minute_is_no_news() {
        let mut points = points(&[(60, 1.0), (0, 2.0)]);
        assert!(!points.add(NOW.plus(-120), 9.0));
        assert!(points.add(NOW.plus(3), 3.0) && points.len() == 3);
        assert_eq!(points.look(&test(1), NOW.plus(3)), Some((None, 3.0)));
        assert!((1..30).all(|minute| points.add(NOW.plus(minute * 60), 1.0)));
        points.trim();
        assert_eq!(points.len(), MOST_POINTS);
    }

    #[test]
    fn an_alert_takes_so_many_bad_values_in_succession_and_one_good_one() {
        let mut attempts = Attempts::default();
        let mut note = |is_bad, minute, is_open| attempts.note(is_bad, minute, 3, is_open);
        let all = [(true, 1), (true, 1), (true, 2), (false, 3), (true, 4), (true, 5), (true, 6)];
        let found: Vec<Verdict> = all.into_iter().map(|(is_bad, minute)| note(is_bad, minute, false)).collect();
        assert_eq!(found, [Steady, Steady, Steady, Clear, Steady, Steady, Failing]);
        assert_eq!((note(true, 7, true), note(false, 8, true)), (Failing, Clear));
    }

    proptest! {
        #[test]
        fn whatever_the_order_in_which_points_come_the_same_is_found(
            mut all in prop::collection::btree_map(0_i64..60, 0.0_f64..10.0, 1..20),
            count in 1_u32..10,
            seed in 0_usize..1_000,
        ) {
            let in_order = points(&all.iter().map(|(minute, value)| (minute * 60, *value)).collect::<Vec<_>>());
            let mut shuffled = Points::default();
            while !all.is_empty() {
                let (minute, value) = all.iter().nth(seed % all.len()).map(|(minute, value)| (*minute, *value)).unwrap();
                all.remove(&minute);
                shuffled.add(NOW.plus(-minute * 60), value);
            }
            assert_eq!(in_order.look(&test(count), NOW), shuffled.look(&test(count), NOW));
            if let Some((severity, mean)) = in_order.look(&test(count), NOW) {
                assert_eq!(severity == Some(Severity::Critical), mean > 8.0);
                assert_eq!(severity.is_some(), mean > 4.0);
            }
        }
    }
}
