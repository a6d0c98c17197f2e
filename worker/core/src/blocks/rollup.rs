//! Coarser rows from finer ones: averages and largest values by windows of time, aligned to UTC.
//!
//! A coarse row says per metric the average ([`Facet::Value`]) and the largest value ([`Facet::Maximum`]). Of how many
//! samples it is made is [`SeriesId::WEIGHT`]; a metric that was not in all of them has its own [`Facet::Count`]. So coarse
//! rows can be rolled up again, and parts of a window can be put together, each value counting as often as it was measured.
//! A metric that was in none of them is absent; it is never 0.

use std::collections::{BTreeMap, BTreeSet};

use super::{Facet, Row, SeriesId};
use crate::units::Step;

/// How long the windows of a tier are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Width {
    ms: i64,
}

/// Windows of a minute.
pub const MINUTE: Width = Width::seconds(60);
/// Windows of ten minutes.
pub const TEN_MINUTES: Width = Width::seconds(600);
/// Windows of two hours.
pub const TWO_HOURS: Width = Width::seconds(7_200);

impl Width {
    /// Windows of so many seconds, at least 1.
    pub const fn seconds(seconds: u32) -> Self {
        Self { ms: if seconds == 0 { 1000 } else { seconds as i64 * 1000 } }
    }

    /// The window's number: windows since 1970, never less than 0.
    pub const fn window(self, at_ms: i64) -> u64 {
        if at_ms < 0 { 0 } else { at_ms.div_euclid(self.ms).unsigned_abs() }
    }

    /// The window's beginning, ms since 1970.
    pub const fn start_ms(self, window: u64) -> i64 {
        let start = window.saturating_mul(self.ms.unsigned_abs());
        if start > i64::MAX.unsigned_abs() { i64::MAX } else { start.cast_signed() }
    }
}

/// What one metric was in a window so far.
#[derive(Debug, Clone, Copy)]
struct Figures {
    /// Sums are taken from here, so that what stands still keeps its value to the last bit.
    first: f64,
    sum_beyond: f64,
    count: f64,
    maximum: f64,
}

#[derive(Debug, Default)]
struct Window {
    weight: f64,
    metrics: BTreeMap<u16, Figures>,
}

/// The coarse rows of `rows`, in the order of time. `rows` may be samples, coarse rows, parts of windows, or all of these,
/// in any order; no sample may be in it twice. `step` says how finely a series is kept.
pub fn roll_up<'a>(rows: impl IntoIterator<Item = &'a Row>, width: Width, step: impl Fn(SeriesId) -> Step) -> Vec<Row> {
    let mut windows: BTreeMap<u64, Window> = BTreeMap::new();
    for row in rows {
        windows.entry(width.window(row.at_ms)).or_default().add(row);
    }
    windows.iter().map(|(number, window)| window.row(*number, width, &step)).collect()
}

/// The windows that `rows` lie in: what has to be rolled up again when they come late.
pub fn windows<'a>(rows: impl IntoIterator<Item = &'a Row>, width: Width) -> BTreeSet<u64> {
    rows.into_iter().map(|row| width.window(row.at_ms)).collect()
}

/// The rows of a tier after some of its windows were rolled up again from all that is in them: the new row stands in the
/// old one's place.
pub fn replace(tier: impl IntoIterator<Item = Row>, recomputed: impl IntoIterator<Item = Row>) -> Vec<Row> {
    let mut rows: BTreeMap<u64, Row> = tier.into_iter().map(|row| (row.number, row)).collect();
    rows.extend(recomputed.into_iter().map(|row| (row.number, row)));
    rows.into_values().collect()
}

/// The minutes of what was posted: of each minute and series the value whose sample has the highest number, over the value in
/// `held`, the minutes as they were kept before. A sample that says a minute anew takes the place of the earlier one, so each
/// minute counts as one. Largest values are of no use and are left out.
pub fn latest<'a>(held: &[Row], samples: impl IntoIterator<Item = &'a Row>) -> Vec<Row> {
    let mut samples: Vec<&Row> = samples.into_iter().collect();
    samples.sort_by_key(|row| row.number);
    let mut minutes: BTreeMap<u64, Row> = BTreeMap::new();
    for row in held.iter().chain(samples) {
        let window = MINUTE.window(row.at_ms);
        let minute = minutes.entry(window).or_insert_with(|| Row::new(window, MINUTE.start_ms(window)));
        for (series, value) in row.values().iter().filter(|(series, _)| series.facet() == Facet::Value) {
            minute.set(*series, *value, Step::Exact);
        }
        minute.set(SeriesId::WEIGHT, 1.0, Step::Exact);
    }
    minutes.into_values().collect()
}

/// A coarse row without its largest values, for tiers that keep averages alone.
pub fn averages(row: &Row) -> Row {
    let mut averages = Row::new(row.number, row.at_ms);
    for (series, value) in row.values().iter().filter(|(series, _)| series.facet() != Facet::Maximum) {
        averages.set(*series, *value, Step::Exact);
    }
    averages
}

/// So many leading binary digits of an average are kept where it is to be short.
const SHORT_DIGITS: u32 = 14;
/// A series of which more than one in so many values is another than the one before it does not stand still.
const STILL: usize = 16;

/// The rows of a day with short numbers: of the series that `is_short` names, values and largest values to their first 14 binary digits
/// (at most 0.0061 % off), which is what doubles of many digits need in a block to be small. What stands still all day, or nearly, keeps
/// its value to the last bit: it costs nothing.
pub fn shortened(rows: &[Row], is_short: impl Fn(SeriesId) -> bool) -> Vec<Row> {
    let mut seen: BTreeMap<SeriesId, (f64, usize, usize)> = BTreeMap::new();
    for (series, value) in rows.iter().flat_map(Row::values).filter(|(series, _)| is_short(*series)) {
        let (last, count, changes) = seen.entry(*series).or_insert((*value, 0, 0));
        *changes += usize::from(last.to_bits() != value.to_bits());
        (*last, *count) = (*value, *count + 1);
    }
    let is_moving = |series: &SeriesId| seen.get(series).is_some_and(|(_, count, changes)| changes * STILL > *count);
    let short = |row: &Row| {
        let mut short = Row::new(row.number, row.at_ms);
        for (series, value) in row.values() {
            let is_value = series.facet() != Facet::Count && *series != SeriesId::WEIGHT;
            let value = if is_value && is_moving(series) { leading_digits(*value, SHORT_DIGITS) } else { *value };
            short.set(*series, value, Step::Exact);
        }
        short
    };
    rows.iter().map(short).collect()
}

/// A double rounded to its first `digits` binary digits, the middle away from 0; what would be none any more stays as it is.
fn leading_digits(value: f64, digits: u32) -> f64 {
    let dropped = f64::MANTISSA_DIGITS.saturating_sub(digits);
    let half = (1_u64 << dropped) >> 1;
    let rounded = f64::from_bits((value.to_bits() + half) & !((1_u64 << dropped) - 1));
    if rounded.is_finite() { rounded } else { value }
}

impl Window {
    fn add(&mut self, row: &Row) {
        let weight = row.get(SeriesId::WEIGHT).unwrap_or(1.0);
        self.weight += weight;
        for (series, value) in row.values().iter().filter(|(series, _)| series.facet() == Facet::Value) {
            let count = row.get(series.with(Facet::Count)).unwrap_or(weight);
            let maximum = row.get(series.with(Facet::Maximum)).unwrap_or(*value);
            let new = Figures { first: *value, sum_beyond: 0.0, count: 0.0, maximum };
            let figures = self.metrics.entry(series.metric()).or_insert(new);
            figures.sum_beyond += (value - figures.first) * count;
            figures.count += count;
            figures.maximum = figures.maximum.max(maximum);
        }
    }

    #[expect(clippy::float_cmp, reason = "counts are whole numbers")]
    fn row(&self, number: u64, width: Width, step: impl Fn(SeriesId) -> Step) -> Row {
        let mut row = Row::new(number, width.start_ms(number));
        for (metric, figures) in self.metrics.iter().filter(|(_, figures)| figures.count > 0.0) {
            let series = SeriesId(*metric);
            let average = figures.first + figures.sum_beyond / figures.count;
            row.set(series, average, step(series));
            row.set(series.with(Facet::Maximum), figures.maximum, step(series));
            if figures.count != self.weight {
                row.set(series.with(Facet::Count), figures.count, Step::Exact);
            }
        }
        row.set(SeriesId::WEIGHT, self.weight, Step::Exact);
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPU: SeriesId = SeriesId::column(0);
    const MEMORY: SeriesId = SeriesId::column(1);
    /// A Sunday, 15:26:30 UTC.
    const START_MS: i64 = 1_795_361_190_000;

    fn step(series: SeriesId) -> Step {
        if series.metric() == 0 { Step::Hundredths } else { Step::Whole }
    }

    /// Samples every ten seconds from 30 s past a minute on.
    fn samples(cpu: &[Option<f64>]) -> Vec<Row> {
        let sample = |(number, cpu): (u64, &Option<f64>)| {
            let mut row = Row::new(number, START_MS + number.cast_signed() * 10_000);
            if let Some(cpu) = cpu {
                row.set(CPU, *cpu, Step::Exact);
            }
            row.set(MEMORY, 9_007_199_254_740_991.0, Step::Whole);
            row
        };
        (0..).zip(cpu).map(sample).collect()
    }

    fn figures(row: &Row, series: SeriesId) -> [Option<f64>; 3] {
        [Facet::Value, Facet::Maximum, Facet::Count].map(|facet| row.get(series.with(facet)))
    }

    #[test]
    fn windows_begin_at_whole_minutes_of_utc() {
        let rows = roll_up(&samples(&[Some(1.0), Some(2.0), Some(6.0), Some(10.0)]), MINUTE, step);
        assert_eq!(rows.iter().map(|row| row.at_ms).collect::<Vec<_>>(), [START_MS - 30_000, START_MS + 30_000]);
        assert_eq!(rows[0].number + 1, rows[1].number);
        assert_eq!(figures(&rows[0], CPU), [Some(3.0), Some(6.0), None]);
        assert_eq!(rows[0].get(SeriesId::WEIGHT), Some(3.0));
        assert_eq!(figures(&rows[1], CPU), [Some(10.0), Some(10.0), None]);
        assert_eq!(TWO_HOURS.start_ms(TWO_HOURS.window(START_MS)), 1_795_356_000_000, "14:00");
        assert_eq!(TEN_MINUTES.start_ms(TEN_MINUTES.window(START_MS)), 1_795_360_800_000, "15:20");
    }

    #[test]
    fn an_absent_value_is_not_zero() {
        let rows = roll_up(&samples(&[None, Some(2.0), None, None, None]), MINUTE, step);
        assert_eq!(figures(&rows[0], CPU), [Some(2.0), Some(2.0), Some(1.0)]);
        assert_eq!(figures(&rows[1], CPU), [None, None, None]);
        assert_eq!(rows[1].get(SeriesId::WEIGHT), Some(2.0));
    }

    #[test]
    fn what_stands_still_keeps_its_value() {
        let rows = roll_up(&samples(&[Some(0.07); 700]), TWO_HOURS, step);
        assert_eq!(figures(&rows[0], CPU), [Some(0.07), Some(0.07), None]);
        assert_eq!(rows[0].get(MEMORY), Some(9_007_199_254_740_991.0));
    }

    #[test]
    fn coarse_rows_roll_up_to_what_the_samples_give() {
        let cpu: Vec<Option<f64>> = (0..500).map(|at| (at % 7 != 3).then_some(f64::from(at % 50))).collect();
        let samples = samples(&cpu);
        let exact = |_| Step::Exact;
        let minutes = roll_up(&samples, MINUTE, exact);
        let tens = roll_up(&minutes, TEN_MINUTES, exact);
        for (by_minutes, at_once) in tens.iter().zip(roll_up(&samples, TEN_MINUTES, exact)) {
            for facet in [Facet::Maximum, Facet::Count] {
                assert_eq!(by_minutes.get(CPU.with(facet)), at_once.get(CPU.with(facet)));
            }
            assert!((by_minutes.get(CPU).unwrap() - at_once.get(CPU).unwrap()).abs() < 1e-9);
            assert_eq!(by_minutes.get(SeriesId::WEIGHT), at_once.get(SeriesId::WEIGHT));
        }
    }

    #[test]
    fn parts_of_a_window_are_put_together_by_their_counts() {
        let samples = samples(&[Some(1.0), Some(1.0), Some(4.0)]);
        let (early, late) = samples.split_at(2);
        let parts = [roll_up(early, MINUTE, step), roll_up(late, MINUTE, step)].concat();
        assert_eq!(roll_up(&parts, MINUTE, step), roll_up(&samples, MINUTE, step));
    }

    #[test]
    fn late_samples_recompute_their_windows_and_no_other() {
        let mut samples = samples(&[Some(1.0), Some(2.0), Some(3.0), Some(4.0), Some(5.0)]);
        let late = samples.remove(1);
        let tier = roll_up(&samples, MINUTE, step);
        samples.push(late.clone());
        let touched = windows([&late], MINUTE);
        assert_eq!(touched.len(), 1);
        let again = samples.iter().filter(|row| touched.contains(&MINUTE.window(row.at_ms)));
        let mended = replace(tier, roll_up(again, MINUTE, step));
        assert_eq!(mended, roll_up(&samples, MINUTE, step));
    }

    #[test]
    fn a_day_of_doubles_is_short_where_it_moves_and_takes_a_third() {
        let day = |of: fn(u32) -> f64| {
            let row = |number: u32| {
                let mut row = Row::new(u64::from(number), START_MS + i64::from(number) * 600_000);
                row.set(MEMORY, of(number), Step::Exact);
                row.set(MEMORY.with(Facet::Count), 1e15 + 1.0, Step::Exact);
                row.set(SeriesId::WEIGHT, 1e15 + 1.0, Step::Exact);
                row
            };
            (0..144).map(row).collect::<Vec<_>>()
        };
        let short = |rows: &[Row]| shortened(rows, |series| series.metric() == MEMORY.metric());
        // Still, or changed nine times that day.
        let largest = 9_007_199_254_740_991.0;
        for still in
            [day(|_| 0.1 + 0.2), day(|_| 9_007_199_254_740_991.0), day(|number| 1e9 + f64::from(number / 16) / 3.0)]
        {
            assert_eq!(short(&still), still);
        }
        let moving = day(|number| (f64::from(number) * 0.7).sin() * 12_345_678.9);
        let kept = short(&moving);
        for (kept, exact) in kept.iter().zip(&moving) {
            let [value, count, weight] =
                [MEMORY, MEMORY.with(Facet::Count), SeriesId::WEIGHT].map(|series| kept.get(series));
            let exact = exact.get(MEMORY).unwrap();
            assert!((value.unwrap() - exact).abs() <= exact.abs() / 16_384.0, "{value:?} {exact}");
            assert_eq!((count, weight), (Some(1e15 + 1.0), Some(1e15 + 1.0)), "what counts is exact");
        }
        assert_eq!(short(&kept), kept, "once more changes nothing");
        let bytes = |rows: &[Row]| {
            let mut block = super::super::Block::default();
            for row in rows {
                block.push(row).unwrap();
            }
            block.pack().len()
        };
        assert!(bytes(&kept) * 3 < bytes(&moving), "{} {}", bytes(&kept), bytes(&moving));
        for odd in [0.0, -0.0, 1.0, -3.5, 16_383.0, 1e-310, largest, f64::MAX, f64::MIN_POSITIVE] {
            let kept = leading_digits(odd, SHORT_DIGITS);
            let is_near = (kept - odd).abs() <= odd.abs() / 16_384.0 || odd.abs() < f64::MIN_POSITIVE;
            assert!(is_near && kept.is_finite() && kept.is_sign_negative() == odd.is_sign_negative(), "{odd} {kept}");
        }
        for whole in [7.0_f64, 16_383.0, -16_384.0] {
            assert_eq!(leading_digits(whole, SHORT_DIGITS).to_bits(), whole.to_bits());
        }
    }

    #[test]
    fn of_what_was_posted_the_last_value_of_a_minute_counts_and_counts_once() {
        let posted = |number, at_ms: i64, values: &[(SeriesId, f64)]| {
            let mut row = Row::new(number, START_MS - 30_000 + at_ms);
            for (series, value) in values {
                row.set(*series, *value, Step::Exact);
            }
            row
        };
        // Minutes 3, 1, 2, and minute 1 once more with another second; memory came on its own.
        let samples = [
            posted(30, 121_000, &[(CPU, 3.0)]),
            posted(31, 1_000, &[(CPU, 1.0), (MEMORY, 7.0)]),
            posted(32, 60_000, &[(CPU, 2.0)]),
            posted(33, 500, &[(CPU, 9.0)]),
        ];
        let minutes = latest(&[], samples.iter().rev());
        let values = |rows: &[Row], series| rows.iter().map(|row| row.get(series)).collect::<Vec<_>>();
        assert_eq!(values(&minutes, CPU), [Some(9.0), Some(2.0), Some(3.0)]);
        assert_eq!(values(&minutes, MEMORY), [Some(7.0), None, None]);
        assert_eq!(values(&minutes, SeriesId::WEIGHT), [Some(1.0); 3]);
        assert_eq!(values(&minutes, CPU.with(Facet::Maximum)), [None; 3]);
        assert_eq!(latest(&minutes, &samples), minutes, "again, it is the same");
        let later = posted(34, 62_000, &[(MEMORY, 8.0)]);
        let mended = latest(&minutes, [&later]);
        assert_eq!((values(&mended, CPU), mended[1].get(MEMORY)), (values(&minutes, CPU), Some(8.0)));
        let tens = roll_up(&mended, TEN_MINUTES, step);
        assert_eq!(
            figures(&tens[0], CPU),
            [Some(14.0 / 3.0).map(|mean: f64| (mean * 100.0).round() / 100.0), Some(9.0), None]
        );
        assert_eq!(figures(&tens[0], MEMORY), [Some(8.0), Some(8.0), Some(2.0)]);
    }

    #[test]
    fn averages_alone_still_roll_up() {
        let rows = roll_up(&samples(&[None, Some(2.0)]), MINUTE, step);
        let alone = averages(&rows[0]);
        assert_eq!(figures(&alone, CPU), [Some(2.0), None, Some(1.0)]);
        assert_eq!(roll_up([&alone], TEN_MINUTES, step)[0].get(CPU), Some(2.0));
    }

    #[test]
    fn times_before_1970_and_beyond_all_bounds_are_windows_too() {
        let rows = [Row::new(1, -5), Row::new(2, i64::MIN), Row::new(3, i64::MAX)];
        let rolled = roll_up(&rows, MINUTE, step);
        assert_eq!(rolled.iter().map(|row| row.at_ms).next(), Some(0));
        assert_eq!(rolled.len(), 2);
        assert_eq!(Width::seconds(0).window(1_500), 1);
    }
}
