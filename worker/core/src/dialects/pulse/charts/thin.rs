//! Fewer points that look like all of them.

use crate::units::UnixMillis;

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChartPoint {
    /// When.
    pub at: UnixMillis,
    /// What was measured.
    pub value: f64,
}

/// So many points a series may have. Source: pulse specification, 7.1.
const MOST_OF_A_SERIES: i64 = 1_000;
/// So many an answer has at most: of some 45 bytes each.
const MOST_OF_ALL: i64 = 200_000;
/// So few a series never falls below, however many there are.
const LEAST: i64 = 30;

/// For how long there is one point, ms: as usual, unless so many series would be too much.
pub fn bucket_ms(range_ms: i64, usual_ms: i64, series: usize) -> i64 {
    let series = i64::try_from(series).unwrap_or(i64::MAX).max(1);
    let each = (MOST_OF_ALL / series).clamp(LEAST, MOST_OF_A_SERIES);
    let least_ms = (range_ms / each + 999) / 1000 * 1000;
    least_ms.max(usual_ms)
}

/// A series while it is thinned: the average of each bucket at its first point's time, the first and the last point as they are.
#[derive(Debug)]
pub struct Thinned {
    after_ms: i64,
    now_ms: i64,
    bucket_ms: i64,
    points: Vec<ChartPoint>,
    /// The newest point, which is in no bucket yet.
    last: Option<ChartPoint>,
    /// The open bucket: its number, first point's time, sum and count.
    open: Option<(i64, i64, f64, f64)>,
}

impl Thinned {
    pub const fn new(after_ms: i64, now_ms: i64, bucket_ms: i64) -> Self {
        Self { after_ms, now_ms, bucket_ms, points: Vec::new(), last: None, open: None }
    }

    /// Adds a point, which is later than those before.
    pub fn add(&mut self, point: ChartPoint) {
        let at_ms = point.at.seconds().millis().0;
        let is_later = self.last.is_none_or(|last| at_ms > last.at.0);
        if at_ms <= self.after_ms || at_ms > self.now_ms || !is_later || !point.value.is_finite() || point.value < 0.0 {
            return;
        }
        if let Some(last) = self.last.replace(ChartPoint { at: UnixMillis(at_ms), value: point.value }) {
            self.keep(last);
        }
    }

    fn keep(&mut self, point: ChartPoint) {
        if self.points.is_empty() {
            self.points.push(point);
            return;
        }
        let bucket = point.at.0.div_euclid(self.bucket_ms.max(1));
        match &mut self.open {
            Some((number, _, sum, count)) if *number == bucket => {
                *sum += point.value;
                *count += 1.0;
            }
            _ => {
                self.close();
                self.open = Some((bucket, point.at.0, point.value, 1.0));
            }
        }
    }

    fn close(&mut self) {
        if let Some((_, at_ms, sum, count)) = self.open.take() {
            self.points.push(ChartPoint { at: UnixMillis(at_ms), value: sum / count });
        }
    }

    /// What is left; where that is nothing, `now` at this moment.
    pub fn finish(mut self, now: f64) -> Vec<ChartPoint> {
        self.close();
        self.points.extend(self.last);
        if self.points.is_empty() {
            self.points.push(ChartPoint { at: UnixMillis(self.now_ms), value: now });
        }
        self.points
    }
}

/// Adds all of them.
pub fn thin(thinned: &mut Thinned, points: &mut dyn Iterator<Item = ChartPoint>) {
    for point in points {
        thinned.add(point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thinned(bucket_s: i64, points: &[(i64, f64)]) -> Vec<(i64, f64)> {
        let mut thinned = Thinned::new(0, 1_000_000, bucket_s * 1000);
        thin(&mut thinned, &mut points.iter().map(|(at, value)| ChartPoint { at: UnixMillis(*at), value: *value }));
        thinned.finish(7.0).into_iter().map(|point| (point.at.0, point.value)).collect()
    }

    #[test]
    fn the_first_and_the_last_point_stay_and_the_rest_is_averaged() {
        let points = [(1_100, 1.0), (2_900, 2.0), (3_000, 4.0), (10_500, 5.0), (11_000, 6.0), (12_000, 8.0)];
        assert_eq!(thinned(10, &points), [(1_000, 1.0), (2_000, 3.0), (10_000, 5.5), (12_000, 8.0)]);
        let seconds = [(1_000, 1.0), (2_000, 2.0), (3_000, 4.0), (10_000, 5.0), (11_000, 6.0), (12_000, 8.0)];
        assert_eq!(thinned(0, &points), seconds);
        assert_eq!(thinned(1, &points), seconds);
    }

    #[test]
    fn what_cannot_be_shown_is_left_out() {
        let strange =
            [(0, 1.0), (1_000, -1.0), (2_000, f64::NAN), (3_000, 3.0), (3_900, 4.0), (2_000, 5.0), (1_000_001, 6.0)];
        assert_eq!(thinned(0, &strange), [(3_000, 3.0), (1_000_000, 6.0)]);
        assert_eq!(thinned(0, &[]), [(1_000_000, 7.0)]);
        assert_eq!(thinned(0, &[(1_001_000, 1.0)]), [(1_000_000, 7.0)]);
    }

    #[test]
    fn buckets_grow_with_the_number_of_series() {
        assert_eq!(bucket_ms(3_600_000, 0, 12), 4_000);
        assert_eq!(bucket_ms(86_400_000, 90_000, 12), 90_000);
        assert_eq!(bucket_ms(3_600_000, 0, 3_560), 65_000);
        assert_eq!(bucket_ms(3_600_000, 0, usize::MAX), 120_000);
    }
}
