//! Rows put together to points.

use super::super::tiers::{SAMPLES, Tier};
use super::super::{Facet, Row, SeriesId};
use super::Plan;

/// What a metric was in a point's time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When its time begins, ms since 1970.
    pub at_ms: i64,
    /// The average of its samples; `None` where there were none: a gap.
    pub average: Option<f64>,
    /// The largest of them, where it is known.
    pub maximum: Option<f64>,
    /// How many there were.
    pub samples: u64,
}

/// The points of some series of one host while rows are added.
#[derive(Debug, Clone)]
pub struct Points {
    start_ms: i64,
    to_ms: i64,
    step_ms: i64,
    series: Vec<(SeriesId, Vec<Option<Figures>>)>,
    /// When samples were taken that were added.
    sampled_ms: Vec<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Figures {
    /// Sums are taken from here, so that what stands still keeps its value to the last bit.
    first: f64,
    sum_beyond: f64,
    count: f64,
    maximum: Option<f64>,
    first_ms: i64,
    last_ms: i64,
    /// The longest time of a row; 0 for samples.
    row_ms: i64,
}

impl Points {
    /// For a plan, without rows.
    pub fn new(plan: &Plan, series: impl IntoIterator<Item = SeriesId>) -> Self {
        let length_ms = plan.to_ms.saturating_sub(plan.start_ms).max(0);
        let count = usize::try_from(super::div_up(length_ms, plan.step_ms.max(1))).unwrap_or(0);
        Self {
            start_ms: plan.start_ms,
            to_ms: plan.to_ms,
            step_ms: plan.step_ms.max(1),
            series: series.into_iter().map(|id| (id, vec![None; count])).collect(),
            sampled_ms: Vec::new(),
        }
    }

    /// Adds a row of a tier. Rows come in any order; what is outside the plan's time is left out.
    pub fn add(&mut self, tier: Tier, row: &Row) {
        if row.at_ms < self.start_ms || row.at_ms >= self.to_ms {
            return;
        }
        let Ok(at) = usize::try_from((row.at_ms - self.start_ms) / self.step_ms) else { return };
        let is_sample = tier == SAMPLES;
        if is_sample {
            self.sampled_ms.push(row.at_ms);
        }
        let weight = row.get(SeriesId::WEIGHT).unwrap_or(1.0);
        for (id, points) in &mut self.series {
            let (Some(value), Some(point)) = (row.get(*id), points.get_mut(at)) else { continue };
            let count = row.get(id.with(Facet::Count)).unwrap_or(weight);
            let maximum = row.get(id.with(Facet::Maximum)).or(is_sample.then_some(value));
            let new = Figures {
                first: value,
                sum_beyond: 0.0,
                count: 0.0,
                maximum,
                first_ms: row.at_ms,
                last_ms: row.at_ms,
                row_ms: 0,
            };
            let figures = point.get_or_insert(new);
            figures.sum_beyond += (value - figures.first) * count;
            figures.count += count;
            figures.maximum = figures.maximum.zip(maximum).map(|(one, other)| one.max(other));
            figures.first_ms = figures.first_ms.min(row.at_ms);
            figures.last_ms = figures.last_ms.max(row.at_ms);
            figures.row_ms = figures.row_ms.max(if is_sample { 0 } else { tier.step_ms() });
        }
    }

    /// The points of each series in the order given, by time. Times without samples have no point, but where samples are
    /// missing between two points there is one of these times without values: nobody may draw a line across.
    pub fn finish(mut self) -> Vec<(SeriesId, Vec<Point>)> {
        let period_ms = period_ms(&mut self.sampled_ms);
        let (start_ms, step_ms) = (self.start_ms, self.step_ms);
        let begin_ms =
            |at: usize| start_ms.saturating_add(step_ms.saturating_mul(i64::try_from(at).unwrap_or(i64::MAX)));
        let line = |figures: Vec<Option<Figures>>| {
            let mut line: Vec<Point> = Vec::new();
            let mut before: Option<(usize, Figures)> = None;
            for (at, figures) in figures.into_iter().enumerate() {
                let Some(figures) = figures else { continue };
                if let Some((last, earlier)) = before
                    && at > last + 1
                    && is_gap(&earlier, &figures, period_ms)
                {
                    line.push(Point { at_ms: begin_ms(last + 1), average: None, maximum: None, samples: 0 });
                }
                line.push(figures.point(begin_ms(at)));
                before = Some((at, figures));
            }
            line
        };
        self.series.into_iter().map(|(id, figures)| (id, line(figures))).collect()
    }
}

impl Figures {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of counts")]
    fn point(&self, at_ms: i64) -> Point {
        let average = (self.count > 0.0).then(|| self.first + self.sum_beyond / self.count);
        Point { at_ms, average, maximum: self.maximum, samples: self.count as u64 }
    }
}

/// Whether more than half a row or sample is missing between two points' rows. A sample that came a little late leaves no gap.
fn is_gap(earlier: &Figures, later: &Figures, period_ms: i64) -> bool {
    let each_ms = |figures: &Figures| if figures.row_ms == 0 { period_ms } else { figures.row_ms };
    let usual_ms = each_ms(earlier).max(each_ms(later));
    later.first_ms.saturating_sub(earlier.last_ms).saturating_mul(2) > usual_ms.saturating_mul(3)
}

/// How far samples are apart as a rule: the lower median.
fn period_ms(sampled_ms: &mut [i64]) -> i64 {
    sampled_ms.sort_unstable();
    let mut apart: Vec<i64> = sampled_ms
        .windows(2)
        .filter_map(|pair| pair.last()?.checked_sub(*pair.first()?))
        .filter(|ms| *ms > 0)
        .collect();
    apart.sort_unstable();
    apart.get(apart.len().saturating_sub(1) / 2).copied().unwrap_or_else(|| SAMPLES.step_ms())
}

#[cfg(test)]
mod tests {
    use super::super::super::tiers::{MINUTES, TWO_HOURS};
    use super::super::Part;
    use super::*;
    use crate::units::Step;

    const CPU: SeriesId = SeriesId::column(0);
    const LOAD: SeriesId = SeriesId::column(9);

    fn plan(to_ms: i64, step_ms: i64) -> Plan {
        Plan { start_ms: 0, to_ms, step_ms, parts: vec![Part { tier: SAMPLES, from_ms: 0, to_ms }] }
    }

    fn row(at_ms: i64, values: &[(SeriesId, f64)]) -> Row {
        let mut row = Row::new(0, at_ms);
        for (id, value) in values {
            row.set(*id, *value, Step::Exact);
        }
        row
    }

    fn cpu(points: Points) -> Vec<(i64, Option<f64>, Option<f64>, u64)> {
        let line = points.finish().remove(0).1;
        line.iter().map(|point| (point.at_ms, point.average, point.maximum, point.samples)).collect()
    }

    #[test]
    fn samples_of_a_points_time_become_their_average_and_largest() {
        let mut points = Points::new(&plan(60_000, 30_000), [CPU]);
        for (at_ms, value) in [(1_000, 1.0), (21_000, 3.0), (11_000, 2.0), (31_000, 9.0), (60_000, 99.0), (-1, 99.0)] {
            points.add(SAMPLES, &row(at_ms, &[(CPU, value)]));
        }
        assert_eq!(cpu(points), [(0, Some(2.0), Some(3.0), 3), (30_000, Some(9.0), Some(9.0), 1)]);
    }

    #[test]
    fn missing_samples_are_a_gap_and_late_ones_are_not() {
        let mut points = Points::new(&plan(200_000, 5_000), [CPU, LOAD]);
        // Every ten seconds, one of them late; then nothing for a minute.
        for at_ms in [0, 10_000, 23_000, 30_000, 40_000, 100_000, 110_000] {
            points.add(SAMPLES, &row(at_ms, &[(CPU, 1.0)]));
        }
        let lines = points.finish();
        let at: Vec<(i64, bool)> = lines[0].1.iter().map(|point| (point.at_ms, point.average.is_some())).collect();
        let there = |at_ms| (at_ms, true);
        assert_eq!(
            at,
            [
                there(0),
                there(10_000),
                there(20_000),
                there(30_000),
                there(40_000),
                (45_000, false),
                there(100_000),
                there(110_000)
            ]
        );
        assert_eq!(lines[1], (LOAD, vec![]), "a metric that was never measured");
    }

    #[test]
    fn coarse_rows_count_as_often_as_they_were_measured() {
        let mut points = Points::new(&plan(240_000, 120_000), [CPU]);
        let minute = |at_ms, value, maximum, weight| {
            row(at_ms, &[(CPU, value), (CPU.with(Facet::Maximum), maximum), (SeriesId::WEIGHT, weight)])
        };
        points.add(MINUTES, &minute(0, 1.0, 5.0, 6.0));
        points.add(MINUTES, &minute(60_000, 4.0, 4.5, 3.0));
        points.add(SAMPLES, &row(121_000, &[(CPU, 7.0)]));
        assert_eq!(cpu(points), [(0, Some(2.0), Some(5.0), 9), (120_000, Some(7.0), Some(7.0), 1)]);
    }

    #[test]
    fn a_largest_value_that_nobody_kept_is_not_made_up() {
        let mut points = Points::new(&plan(14_400_000, 14_400_000), [CPU]);
        points.add(SAMPLES, &row(0, &[(CPU, 9.0)]));
        points.add(TWO_HOURS, &row(7_200_000, &[(CPU, 3.0), (SeriesId::WEIGHT, 5.0)]));
        assert_eq!(cpu(points), [(0, Some(4.0), None, 6)]);
    }

    #[test]
    fn a_metric_missing_from_samples_that_came_is_a_gap_of_its_own() {
        let mut points = Points::new(&plan(60_000, 10_000), [CPU, LOAD]);
        for at_ms in (0..60_000).step_by(10_000) {
            let load = [(CPU, 1.0), (LOAD, 2.0)];
            points.add(SAMPLES, &row(at_ms, if at_ms == 30_000 { &load[..1] } else { &load }));
        }
        let lines = points.finish();
        assert!(lines[0].1.iter().all(|point| point.average.is_some()));
        let gaps: Vec<i64> =
            lines[1].1.iter().filter(|point| point.average.is_none()).map(|point| point.at_ms).collect();
        assert_eq!(gaps, [30_000]);
    }
}
