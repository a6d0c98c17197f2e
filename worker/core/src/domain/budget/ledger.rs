//! What was counted today, and at which pace of late.
//!
//! Counts come in small parts, each with the moment it is noted. The day is that of UTC: at its end the sums start anew, the
//! levels stay. The pace covers the last one to two hours, or the time since it was last restarted: it is kept in two parts,
//! and when the younger one is an hour old it becomes the older one.

use super::forecast::{DAY_S, Pace};
use super::prices::{LIST, Meter};
use super::usage::Usage;
use crate::units::UnixSeconds;

/// The younger part of the pace becomes the older one after this, seconds.
const PART_S: i64 = 3_600;
/// A pace from longer ago says nothing of now, seconds: nobody counted in between.
const MOST_S: i64 = 4 * PART_S;

/// What was used from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// From when on.
    pub from: UnixSeconds,
    /// What.
    pub used: Usage,
}

/// The counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ledger {
    /// Which day, counted from 1970.
    pub day: i64,
    /// What was used on it.
    pub spent: Usage,
    /// The older part of the pace.
    pub older: Part,
    /// The younger one.
    pub younger: Part,
    /// Meters that the platform calls used up, a bit each in the order of the list.
    pub refused: u16,
    /// Meters that people were told of today: the lower half that they will be used up, the upper half that they are.
    pub told: u32,
}

/// The day of a moment, counted from 1970.
pub const fn day_of(now: UnixSeconds) -> i64 {
    now.0.div_euclid(DAY_S as i64)
}

/// A meter's bit.
const fn bit(meter: Meter) -> u16 {
    1 << (meter as u16)
}

impl Ledger {
    /// Nothing counted yet.
    pub fn new(now: UnixSeconds) -> Self {
        let part = Part { from: now, used: Usage::default() };
        Self { day: day_of(now), spent: Usage::default(), older: part, younger: part, refused: 0, told: 0 }
    }

    /// Notes what was used up to `now`.
    pub fn count(&mut self, now: UnixSeconds, more: Usage) {
        self.turn_day(now);
        self.spent = self.spent.plus(more);
        // It was used before now, so it belongs to the part that ends now.
        self.younger.used = self.younger.used.plus(more);
        self.turn_pace(now);
    }

    /// Begins the day of `now` when it is a later one. A clock that steps back leaves the day as it is.
    pub fn turn_day(&mut self, now: UnixSeconds) {
        if day_of(now) > self.day {
            let Usage { d1_bytes, object_bytes, .. } = self.spent;
            self.day = day_of(now);
            self.spent = Usage { d1_bytes, object_bytes, ..Usage::default() };
            // A full database is as full tomorrow.
            let levels = bit(Meter::D1Bytes) | bit(Meter::ObjectBytes);
            (self.refused, self.told) = (self.refused & levels, 0);
        }
    }

    fn turn_pace(&mut self, now: UnixSeconds) {
        let age_s = now.since(self.younger.from);
        if now.since(self.older.from) > MOST_S || age_s < 0 {
            self.restart_pace(now);
        } else if age_s >= PART_S {
            self.older = self.younger;
            self.younger = Part { from: now, used: Usage::default() };
        }
    }

    /// The pace begins anew: what was before says nothing of what comes.
    pub fn restart_pace(&mut self, now: UnixSeconds) {
        let part = Part { from: now, used: Usage::default() };
        (self.older, self.younger) = (part, part);
    }

    /// What was used of late; `None` before a second has passed.
    pub fn pace(&self, now: UnixSeconds) -> Option<Pace> {
        let over_s = u32::try_from(now.since(self.older.from)).ok().filter(|over_s| *over_s > 0)?;
        Some(Pace { used: self.older.used.plus(self.younger.used), over_s })
    }

    /// The platform calls a meter used up; whether that is news.
    pub const fn refuse(&mut self, meter: Meter) -> bool {
        let is_news = self.refused & bit(meter) == 0;
        self.refused |= bit(meter);
        is_news
    }

    /// The meter was seen to allow something again; whether that is news.
    pub const fn allow(&mut self, meter: Meter) -> bool {
        let is_news = self.refused & bit(meter) != 0;
        self.refused &= !bit(meter);
        is_news
    }

    /// Whether the platform calls a meter used up.
    pub const fn is_refused(&self, meter: Meter) -> bool {
        self.refused & bit(meter) != 0
    }

    /// The meters that the platform calls used up.
    pub fn refused(&self) -> impl Iterator<Item = Meter> {
        LIST.iter().map(|price| price.meter).filter(|meter| self.is_refused(*meter))
    }

    /// Whether people were told today that a meter is used up (`is_refused`) or will be.
    pub fn is_told(&self, meter: Meter, is_refused: bool) -> bool {
        self.told & told_bit(meter, is_refused) != 0
    }

    /// People were told.
    pub fn tell(&mut self, meter: Meter, is_refused: bool) {
        self.told |= told_bit(meter, is_refused);
    }
}

fn told_bit(meter: Meter, is_refused: bool) -> u32 {
    u32::from(bit(meter)) << if is_refused { 16 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 00:00 UTC of some day.
    const MIDNIGHT: UnixSeconds = UnixSeconds(20_780 * 86_400);

    fn rows(count: u64) -> Usage {
        Usage { d1_rows_written: count, d1_bytes: 9, ..Usage::default() }
    }

    #[test]
    fn a_day_ends_at_midnight_and_what_is_held_stays() {
        let mut ledger = Ledger::new(MIDNIGHT.plus(-20));
        ledger.count(MIDNIGHT.plus(-1), rows(5));
        ledger.count(MIDNIGHT.plus(-1), rows(5));
        assert_eq!(ledger.spent, rows(10));
        ledger.count(MIDNIGHT, rows(1));
        assert_eq!((ledger.day, ledger.spent), (20_780, rows(1)));
        ledger.turn_day(MIDNIGHT.plus(86_400));
        assert_eq!(ledger.spent, rows(0));
    }

    #[test]
    fn a_clock_that_steps_back_counts_on() {
        let mut ledger = Ledger::new(MIDNIGHT.plus(10));
        ledger.count(MIDNIGHT.plus(10), rows(5));
        ledger.count(MIDNIGHT.plus(-3_600), rows(5));
        assert_eq!((ledger.day, ledger.spent), (20_780, rows(10)));
        assert_eq!(ledger.pace(MIDNIGHT.plus(-3_600)), None);
    }

    #[test]
    fn the_pace_is_of_the_last_hour_or_two() {
        let mut ledger = Ledger::new(MIDNIGHT);
        for minute in 1..=600 {
            ledger.count(MIDNIGHT.plus(minute * 60), rows(if minute <= 300 { 100 } else { 1 }));
            let pace = ledger.pace(MIDNIGHT.plus(minute * 60)).unwrap();
            assert!(i64::from(pace.over_s) <= 2 * PART_S && i64::from(pace.over_s) >= (minute * 60).min(PART_S));
            // A count and as many minutes.
            if minute > 420 {
                assert_eq!(pace.used.d1_rows_written, u64::from(pace.over_s) / 60);
            }
        }
    }

    #[test]
    fn a_pace_of_long_ago_is_none() {
        let mut ledger = Ledger::new(MIDNIGHT);
        ledger.count(MIDNIGHT.plus(60), rows(1_000));
        ledger.count(MIDNIGHT.plus(20_000), rows(1));
        ledger.count(MIDNIGHT.plus(20_030), rows(1));
        assert_eq!(ledger.pace(MIDNIGHT.plus(20_060)), Some(Pace { used: rows(1), over_s: 60 }));
    }

    #[test]
    fn a_restarted_pace_counts_from_then() {
        let mut ledger = Ledger::new(MIDNIGHT);
        ledger.count(MIDNIGHT.plus(60), rows(7));
        ledger.restart_pace(MIDNIGHT.plus(100));
        ledger.count(MIDNIGHT.plus(130), rows(2));
        assert_eq!(ledger.pace(MIDNIGHT.plus(160)), Some(Pace { used: rows(2), over_s: 60 }));
        assert_eq!(ledger.spent, rows(9));
    }

    #[test]
    fn a_refusal_ends_with_the_day_or_when_it_is_seen_to_end() {
        let mut ledger = Ledger::new(MIDNIGHT);
        assert!(ledger.refuse(Meter::D1RowsRead) && !ledger.refuse(Meter::D1RowsRead));
        assert!(ledger.refuse(Meter::ObjectBytes));
        ledger.tell(Meter::Active, true);
        assert!(ledger.is_told(Meter::Active, true) && !ledger.is_told(Meter::Active, false));
        assert_eq!(ledger.refused().collect::<Vec<_>>(), [Meter::D1RowsRead, Meter::ObjectBytes]);
        ledger.turn_day(MIDNIGHT.plus(86_400));
        assert_eq!(ledger.refused().collect::<Vec<_>>(), [Meter::ObjectBytes]);
        assert!(!ledger.is_told(Meter::Active, true));
        assert!(ledger.allow(Meter::ObjectBytes) && !ledger.allow(Meter::ObjectBytes));
    }
}
