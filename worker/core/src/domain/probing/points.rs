//! Delays as clients draw them: means of a few results, failures as 0. Source: nezha specification, 5 and 8.3.

use super::{MAX_POINT_MS, POINT_RESULTS};

/// From hour to hour the results are counted anew, ms: so a point stays the point it is while the window moves on.
const ANEW_MS: i64 = 3_600_000;

/// A point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When its last result came, ms since 1970.
    pub at_ms: i64,
    /// The mean of its results, ms; those that failed count as 0.
    pub delay_ms: f64,
}

/// The running mean of one probe of one host. Results come in the order of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Delays {
    points: Vec<Point>,
    sum_ms: f64,
    count: u32,
    last_ms: i64,
}

impl Delays {
    /// Takes a result: its delay, ms, or `None` when it failed.
    pub fn add(&mut self, at_ms: i64, delay_ms: Option<f64>) {
        if at_ms.div_euclid(ANEW_MS) != self.last_ms.div_euclid(ANEW_MS) {
            self.close();
        }
        self.sum_ms += delay_ms.unwrap_or(0.0);
        self.count += 1;
        self.last_ms = at_ms;
        if self.count >= POINT_RESULTS {
            self.close();
        }
    }

    /// Takes the mean of a whole minute or more: the mean delay of what succeeded, and which part of all did.
    pub fn add_mean(&mut self, at_ms: i64, delay_ms: Option<f64>, up: f64) {
        self.close();
        self.add_point(at_ms, delay_ms.unwrap_or(0.0) * up.clamp(0.0, 1.0));
    }

    /// The points that are complete and came at or after `from_ms`, by time.
    pub fn since(&self, from_ms: i64) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(move |point| point.at_ms >= from_ms)
    }

    fn close(&mut self) {
        if self.count > 0 {
            self.add_point(self.last_ms, self.sum_ms / f64::from(self.count));
        }
        (self.sum_ms, self.count) = (0.0, 0);
    }

    fn add_point(&mut self, at_ms: i64, delay_ms: f64) {
        self.points.push(Point { at_ms, delay_ms: delay_ms.clamp(0.0, MAX_POINT_MS) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn points(results: &[(i64, Option<f64>)]) -> Vec<(i64, f64)> {
        let mut delays = Delays::default();
        for (at_ms, delay_ms) in results {
            delays.add(*at_ms, *delay_ms);
        }
        delays.since(0).map(|point| (point.at_ms, point.delay_ms)).collect()
    }

    #[test]
    fn two_results_are_a_point_and_a_failure_counts_as_zero() {
        assert_eq!(points(&[(10, Some(10.0)), (20, None)]), [(20, 5.0)]);
        assert_eq!(points(&[(10, None), (20, None), (30, Some(7.0))]), [(20, 0.0)], "the third waits for a fourth");
        assert_eq!(points(&[(1, Some(1.0)), (2, Some(2.0)), (3, Some(3.0)), (4, Some(5.0))]), [(2, 1.5), (4, 4.0)]);
    }

    #[test]
    fn a_mean_above_a_second_is_a_second() {
        assert_eq!(points(&[(1, Some(3_000.0)), (2, Some(0.0))]), [(2, 1_000.0)]);
        assert_eq!(points(&[(1, Some(1_500.0)), (2, Some(400.0))]), [(2, 950.0)]);
    }

    #[test]
    fn an_hour_ends_a_point_so_that_a_moving_window_leaves_points_alone() {
        let results: Vec<_> = (0..500).map(|at| (at * 37_000, Some(f64::from(u16::try_from(at).unwrap())))).collect();
        let whole = points(&results);
        for cut in 1..200 {
            let from_ms = results[cut].0.div_euclid(HOUR_MS) * HOUR_MS + HOUR_MS;
            let rest: Vec<_> = whole.iter().copied().filter(|(at_ms, _)| *at_ms >= from_ms).collect();
            let of_rest: Vec<_> = points(&results[cut..]).into_iter().filter(|(at_ms, _)| *at_ms >= from_ms).collect();
            assert_eq!(of_rest, rest, "{cut}");
        }
    }

    #[test]
    fn a_minutes_mean_counts_its_failures_as_zero() {
        let mut delays = Delays::default();
        delays.add_mean(60_000, Some(10.0), 0.5);
        delays.add_mean(120_000, None, 0.0);
        delays.add_mean(180_000, Some(5_000.0), 1.0);
        let found: Vec<_> = delays.since(61_000).map(|point| (point.at_ms, point.delay_ms)).collect();
        assert_eq!(found, [(120_000, 0.0), (180_000, 1_000.0)]);
    }
}
