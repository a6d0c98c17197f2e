//! When the cycles of a transfer rule begin.

use crate::model::{Cycle, CycleUnit};
use crate::units::UnixSeconds;
use crate::units::calendar::{DAY_S, Day};

/// When the cycle began that `at` lies in, and when the next one does. One that was to begin on a day that a month does not have
/// begins on that month's last.
pub fn bounds(cycle: Cycle, at: UnixSeconds) -> (UnixSeconds, UnixSeconds) {
    let count = i64::from(cycle.interval.max(1));
    let seconds = match cycle.unit {
        CycleUnit::Hour => 3600,
        CycleUnit::Day => DAY_S,
        CycleUnit::Week => 7 * DAY_S,
        CycleUnit::Month => return of_months(cycle, count, at),
        CycleUnit::Year => return of_months(cycle, count * 12, at),
    };
    let length = seconds.saturating_mul(count);
    let begun = at.since(cycle.start).div_euclid(length).saturating_mul(length);
    (cycle.start.plus(begun), cycle.start.plus(begun.saturating_add(length)))
}

fn of_months(cycle: Cycle, months: i64, at: UnixSeconds) -> (UnixSeconds, UnixSeconds) {
    let offset_s = i64::from(cycle.offset_s);
    let local = |at: UnixSeconds| at.0.saturating_add(offset_s);
    let first = local(cycle.start);
    let (day, second) = (Day::of_number(first.div_euclid(DAY_S)), first.rem_euclid(DAY_S));
    let begin = |number: i64| UnixSeconds(day.plus_months(number * months).number() * DAY_S + second - offset_s);
    let today = Day::of_number(local(at).div_euclid(DAY_S));
    let mut number = today.months_since(day).div_euclid(months);
    if begin(number) > at {
        number -= 1;
    }
    (begin(number), begin(number + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::calendar::parse_rfc3339;
    use proptest::prelude::*;

    fn at(start: &str, interval: u32, unit: CycleUnit, at: &str) -> [String; 2] {
        let (start, offset_s) = parse_rfc3339(start).unwrap();
        let (from, to) = bounds(Cycle { start, offset_s, interval, unit }, parse_rfc3339(at).unwrap().0);
        [from, to].map(UnixSeconds::rfc3339)
    }

    #[test]
    fn a_cycle_begins_on_its_day_of_the_month_or_on_the_last_one() {
        let last = "2026-01-31T00:00:00Z";
        let month = |now| at(last, 1, CycleUnit::Month, now);
        assert_eq!(month("2026-02-27T23:59:59Z"), ["2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"]);
        assert_eq!(month("2026-02-28T00:00:00Z"), ["2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"]);
        assert_eq!(month("2026-03-30T12:00:00Z"), ["2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"]);
        let yearly = at("2024-02-29T12:00:00Z", 1, CycleUnit::Year, "2026-02-28T12:00:00Z");
        assert_eq!(yearly, ["2026-02-28T12:00:00Z", "2027-02-28T12:00:00Z"]);
    }

    #[test]
    fn the_calendar_is_that_of_the_cycles_offset() {
        // Midnight of the first, two hours ahead of UTC.
        let found = at("2026-01-01T00:00:00+02:00", 1, CycleUnit::Month, "2026-04-30T22:00:00Z");
        assert_eq!(found, ["2026-04-30T22:00:00Z", "2026-05-31T22:00:00Z"]);
        let before = at("2026-01-01T00:00:00+02:00", 1, CycleUnit::Month, "2026-04-30T21:59:59Z");
        assert_eq!(before, ["2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"]);
    }

    #[test]
    fn short_units_are_counted_in_seconds() {
        let week = at("2026-11-02T08:00:00Z", 1, CycleUnit::Week, "2026-11-22T15:00:00Z");
        assert_eq!(week, ["2026-11-16T08:00:00Z", "2026-11-23T08:00:00Z"]);
        let hours = at("2026-11-22T00:00:00Z", 6, CycleUnit::Hour, "2026-11-22T15:00:00Z");
        assert_eq!(hours, ["2026-11-22T12:00:00Z", "2026-11-22T18:00:00Z"]);
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_one_cycle(
            start in 0..2_000_000_000_i64,
            at in 0..2_500_000_000_i64,
            offset_s in -50_000..50_000_i32,
            interval in 1..40_u32,
            unit in prop::sample::select(vec![
                CycleUnit::Hour, CycleUnit::Day, CycleUnit::Week, CycleUnit::Month, CycleUnit::Year,
            ]),
        ) {
            let cycle = Cycle { start: UnixSeconds(start), offset_s, interval, unit };
            let (from, to) = bounds(cycle, UnixSeconds(at));
            prop_assert!(from.0 <= at && at < to.0, "{from} {at} {to}");
            prop_assert_eq!(bounds(cycle, from), (from, to));
            prop_assert_eq!(bounds(cycle, to.plus(-1)), (from, to));
            prop_assert_eq!(bounds(cycle, to).0, to);
            prop_assert_eq!(bounds(cycle, cycle.start).0, cycle.start);
        }
    }
}
