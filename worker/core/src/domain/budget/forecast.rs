//! Where the day is heading: what was used since 00:00 UTC, and what will have been used when it ends.

use super::prices::{LIST, Meter, Plan, Ratio, amount, free_share, quotient};
use super::usage::Usage;
use crate::units::UnixSeconds;

/// Seconds of a day. The free plan's counters start anew at 00:00 UTC. Source: platform specification, 1.1.
pub const DAY_S: u32 = 86_400;
/// Days of a month: what the paid plan includes is shown by the day.
const MONTH_DAYS: u64 = 30;
/// A pace over less than this is chance.
pub const MIN_PACE_S: u32 = 600;
/// A meter that refuses with less than this used, by our count, is not counted as we count it.
const REFUSED_TOO_EARLY: f64 = 0.9;

/// Under which terms the meters are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The plan.
    pub plan: Plan,
    /// Our share of the account's allowances, 1 to 100 percent: others may run on the same account.
    pub account_percent: u8,
    /// How messages are counted.
    pub ratio: Ratio,
    /// How many objects hold the fleet.
    pub shards: u16,
}

impl Default for Terms {
    fn default() -> Self {
        Self { plan: Plan::Free, account_percent: 100, ratio: Ratio::Twenty, shards: 1 }
    }
}

impl Terms {
    /// How much of `meter` we may use before something is refused: on the free plan in a day, of bytes at any time. `None`
    /// where nothing is refused.
    pub fn wall(&self, meter: Meter) -> Option<u64> {
        let price = meter.price();
        let whole = match (self.plan, meter) {
            (Plan::Free, _) => price.free,
            // Ten gigabytes for each object.
            (Plan::Paid, Meter::ObjectBytes) => {
                price.paid_wall.map(|wall| wall.saturating_mul(self.shards.max(1).into()))
            }
            (Plan::Paid, _) => price.paid_wall,
            (Plan::Own, _) => None,
        };
        whole.map(|whole| self.our_part(whole))
    }

    /// How much of `meter` is ours for nothing more: the wall, or on the paid plan a thirtieth of what a month includes.
    pub fn allowance(&self, meter: Meter) -> Option<u64> {
        match self.plan {
            Plan::Paid if meter.is_level() => Some(self.our_part(meter.price().included)),
            Plan::Paid => Some(self.our_part(meter.price().included / MONTH_DAYS)),
            Plan::Free | Plan::Own => self.wall(meter),
        }
    }

    fn our_part(self, whole: u64) -> u64 {
        let percent = u128::from(self.account_percent.clamp(1, 100));
        u64::try_from(u128::from(whole) * percent / 100).unwrap_or(whole)
    }
}

/// What was used lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// What was counted.
    pub used: Usage,
    /// In so many seconds, up to now. It may reach into yesterday.
    pub over_s: u32,
}

/// One meter's day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// Which meter.
    pub meter: Meter,
    /// The share used so far; 1 is all we may use.
    pub used: f64,
    /// The share at the end of the day if the pace stays.
    pub day_end: f64,
    /// Whether the platform refuses beyond it; else it costs money.
    pub is_wall: bool,
}

impl Outlook {
    /// For people: "at this pace 34 % of the D1 rows written will be used by the end of the day".
    pub fn sentence(&self) -> String {
        let words = self.meter.price().words;
        if self.meter.is_level() {
            format!("{:.0} % of the {words} is used", self.used * 100.0)
        } else {
            format!("at this pace {:.0} % of the {words} will be used by the end of the day", self.day_end * 100.0)
        }
    }
}

/// How far the day is at `now`, 0 to 86,399 s.
pub fn second_of_day(now: UnixSeconds) -> u32 {
    u32::try_from(now.0.rem_euclid(i64::from(DAY_S))).unwrap_or(0)
}

/// What the rest of the day after `now` adds when a whole day adds `daily`.
pub fn rest_of_day(daily: u64, now: UnixSeconds) -> u64 {
    scaled(daily, DAY_S - second_of_day(now), DAY_S)
}

/// How much of `meter` will have been used at the end of the day: what was spent, and the rest of the day at `pace`. Bytes
/// stay as they are.
pub fn day_end(meter: Meter, spent: &Usage, pace: &Pace, now: UnixSeconds, ratio: Ratio) -> u64 {
    let so_far = amount(meter, spent, ratio);
    if meter.is_level() {
        return so_far;
    }
    so_far.saturating_add(scaled(amount(meter, &pace.used, ratio), DAY_S - second_of_day(now), pace.over_s.max(1)))
}

fn scaled(amount: u64, times: u32, over: u32) -> u64 {
    u64::try_from(u128::from(amount) * u128::from(times) / u128::from(over)).unwrap_or(u64::MAX)
}

/// Every meter that has an allowance, in the order of the list.
pub fn outlooks(spent: &Usage, pace: &Pace, now: UnixSeconds, terms: &Terms) -> Vec<Outlook> {
    let of = |meter: Meter| {
        terms.allowance(meter).map(|allowance| Outlook {
            meter,
            used: quotient(amount(meter, spent, terms.ratio), allowance),
            day_end: quotient(day_end(meter, spent, pace, now, terms.ratio), allowance),
            is_wall: terms.wall(meter).is_some(),
        })
    };
    LIST.iter().filter_map(|price| of(price.meter)).collect()
}

/// How messages are counted, now that the platform refused `refused` for today: when that came long before our count with
/// the ratio was full and the count without it explains the refusal, the ratio does not hold.
pub fn ratio_after_refusal(ratio: Ratio, refused: Meter, day: &Usage) -> Ratio {
    let share = |ratio| free_share(Meter::ObjectRequests, day, ratio).unwrap_or(0.0);
    let too_early = refused == Meter::ObjectRequests && share(Ratio::Twenty) < REFUSED_TOO_EARLY;
    if too_early && share(Ratio::One) >= REFUSED_TOO_EARLY { Ratio::One } else { ratio }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 00:00 UTC of some day.
    const MIDNIGHT: UnixSeconds = UnixSeconds(20_780 * 86_400);

    fn rows(count: u64) -> Usage {
        Usage { d1_rows_written: count, ..Usage::default() }
    }

    fn of(meter: Meter, outlooks: &[Outlook]) -> Outlook {
        *outlooks.iter().find(|outlook| outlook.meter == meter).unwrap()
    }

    #[test]
    fn the_rest_of_the_day_goes_on_at_the_latest_pace() {
        let noon = MIDNIGHT.plus(43_200);
        let pace = Pace { used: rows(1_000), over_s: 3_600 };
        let outlook = of(Meter::D1RowsWritten, &outlooks(&rows(22_000), &pace, noon, &Terms::default()));
        assert!((outlook.used - 0.22).abs() < 1e-9);
        assert!((outlook.day_end - 0.34).abs() < 1e-9, "22,000 and twelve hours of 1,000");
        assert_eq!(outlook.sentence(), "at this pace 34 % of the D1 rows written will be used by the end of the day");
    }

    #[test]
    fn the_day_begins_at_midnight_utc() {
        assert_eq!(second_of_day(MIDNIGHT), 0);
        assert_eq!(second_of_day(MIDNIGHT.plus(-1)), 86_399);
        assert_eq!(second_of_day(UnixSeconds(-1)), 86_399);
        assert_eq!(rest_of_day(86_400, MIDNIGHT.plus(-10)), 10);
    }

    #[test]
    fn our_share_of_the_account_is_what_we_may_use() {
        let terms = Terms { account_percent: 40, ..Terms::default() };
        assert_eq!(terms.wall(Meter::WorkerRequests), Some(40_000));
        assert_eq!(Terms { account_percent: 0, ..terms }.wall(Meter::WorkerRequests), Some(1_000));
        assert_eq!(Terms { account_percent: 200, ..terms }.wall(Meter::WorkerRequests), Some(100_000));
    }

    #[test]
    fn the_paid_plan_refuses_bytes_alone_and_one_s_own_machine_nothing() {
        let paid = Terms { plan: Plan::Paid, shards: 2, ..Terms::default() };
        assert_eq!(paid.wall(Meter::D1RowsWritten), None);
        assert_eq!(paid.allowance(Meter::D1RowsWritten), Some(1_666_666));
        assert_eq!(paid.wall(Meter::ObjectBytes), Some(20_000_000_000));
        assert_eq!(paid.allowance(Meter::ObjectBytes), Some(5_000_000_000));
        let own = Terms { plan: Plan::Own, ..paid };
        assert_eq!(outlooks(&rows(u64::MAX), &Pace { used: rows(1), over_s: 1 }, MIDNIGHT, &own), []);
    }

    #[test]
    fn bytes_are_not_used_up_by_the_hour() {
        let held = Usage { d1_bytes: 250_000_000, ..Usage::default() };
        let outlook =
            of(Meter::D1Bytes, &outlooks(&held, &Pace { used: held, over_s: 60 }, MIDNIGHT, &Terms::default()));
        assert!((outlook.day_end - 0.5).abs() < 1e-9);
        assert_eq!(outlook.sentence(), "50 % of the D1 storage is used");
    }

    #[test]
    fn a_refusal_far_too_early_means_that_messages_count_whole() {
        let day = |messages, calls| Usage { messages, object_calls: calls, ..Usage::default() };
        let after = |meter, day: Usage| ratio_after_refusal(Ratio::Twenty, meter, &day);
        assert_eq!(after(Meter::ObjectRequests, day(95_000, 3_000)), Ratio::One);
        assert_eq!(after(Meter::ObjectRequests, day(40_000, 3_000)), Ratio::Twenty, "someone else used the account up");
        assert_eq!(after(Meter::ObjectRequests, day(95_000, 90_000)), Ratio::Twenty, "we are at the wall by any count");
        assert_eq!(after(Meter::D1RowsWritten, day(95_000, 3_000)), Ratio::Twenty);
    }

    #[test]
    fn absurd_counts_overflow_nothing() {
        let most = Usage { messages: u64::MAX, object_calls: u64::MAX, d1_bytes: u64::MAX, ..Usage::default() };
        for over_s in [0, 1, u32::MAX] {
            outlooks(&most, &Pace { used: most, over_s }, UnixSeconds(i64::MIN), &Terms::default());
        }
    }
}
