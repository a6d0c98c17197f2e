//! The published list: what each meter allows for nothing, what the paid plan includes, and what it costs beyond.
//!
//! ## Rounding
//! Everything is counted in whole picodollars (10^-12 USD), which every listed price is a multiple of, so nothing is lost on the
//! way; the sum is rounded to the cent once, half a cent up. [`Rounding::Millions`] rounds each meter's overage up to the next
//! million first, as the provider's own examples do. A gigabyte is 10^9 bytes: the list does not say, and the smaller one is the
//! careful guess.

use super::usage::Usage;

/// What is counted. The order is that of [`LIST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meter {
    /// Requests of the Worker.
    WorkerRequests,
    /// Its CPU time.
    WorkerCpu,
    /// Rows read in D1.
    D1RowsRead,
    /// Rows written in D1.
    D1RowsWritten,
    /// Bytes held in D1.
    D1Bytes,
    /// Requests of objects, messages and alarms among them.
    ObjectRequests,
    /// Rows read in objects.
    ObjectRowsRead,
    /// Rows written in objects, set alarms among them.
    ObjectRowsWritten,
    /// Bytes held in objects.
    ObjectBytes,
    /// Time that objects are active.
    Active,
}

/// What Edgewatch runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Plan {
    /// The provider's free plan: a meter that is used up refuses until 00:00 UTC.
    #[default]
    Free,
    /// The provider's paid plan: what is beyond the included costs money and is not refused.
    Paid,
    /// One's own machine: nothing is metered.
    Own,
}

/// How many incoming messages count as one request of an object.
///
/// The twentieth is documented for billing; whether the free plan's daily counter applies it too is not. Source: platform
/// specification, sections 1.3 and 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ratio {
    /// Twenty, as documented.
    #[default]
    Twenty,
    /// One: the ratio does not hold.
    One,
}

/// One meter's line in the list. Amounts are in the meter's own unit, see [`amount`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Which meter.
    pub meter: Meter,
    /// What it is called, for people.
    pub words: &'static str,
    /// What the free plan gives: a day of it, or for bytes at any time. `None` where nothing is counted by the day.
    pub free: Option<u64>,
    /// What the paid plan includes a month.
    pub included: u64,
    /// What the paid plan refuses beyond, whatever one pays.
    pub paid_wall: Option<u64>,
    /// Picodollars for one unit beyond the included.
    pub picodollars: u64,
    /// Units in what the list calls a million, for [`Rounding::Millions`].
    pub million: u64,
}

/// Twentieths of a request: the unit that object requests are counted in, so that messages stay whole numbers.
const TWENTIETHS: u64 = 20;
const MILLION: u64 = 1_000_000;
const GB: u64 = 1_000_000_000;
/// Active milliseconds in a million GB-seconds: an object always counts as 128 MB. Source: platform specification, 1.3.
const MS_PER_MILLION_GB_S: u64 = 7_812_500_000;
/// The paid plan's price for nothing at all. Source: platform specification, 1.1.
const BASE_PICODOLLARS: u128 = 5_000_000_000_000;
const PICODOLLARS_PER_CENT: u128 = 10_000_000_000;

/// The list. Sources: platform specification, 1.1 (Worker), 1.2 (D1), 1.3 (objects).
pub const LIST: [Price; 10] = [
    // 100,000 a day; 10 M a month, then $0.30 per million.
    line(Meter::WorkerRequests, "Worker requests", Some(100_000), 10 * MILLION, 300_000),
    // 10 ms per request and no sum; 30 M ms a month, then $0.02 per million.
    line(Meter::WorkerCpu, "Worker CPU", None, 30 * MILLION, 20_000),
    // 5 M a day; 25 G a month, then $0.001 per million.
    line(Meter::D1RowsRead, "D1 rows read", Some(5 * MILLION), 25_000 * MILLION, 1_000),
    // 100,000 a day; 50 M a month, then $1.00 per million.
    line(Meter::D1RowsWritten, "D1 rows written", Some(100_000), 50 * MILLION, 1_000_000),
    // 500 MB a database; 5 GB, then $0.75 per GB; 10 GB a database at most.
    Price {
        paid_wall: Some(10 * GB),
        million: GB,
        ..line(Meter::D1Bytes, "D1 storage", Some(500 * MILLION), 5 * GB, 750)
    },
    // 100,000 a day; 1 M a month, then $0.15 per million. In twentieths.
    Price {
        million: TWENTIETHS * MILLION,
        ..line(Meter::ObjectRequests, "object requests", Some(TWENTIETHS * 100_000), TWENTIETHS * MILLION, 7_500)
    },
    line(Meter::ObjectRowsRead, "object rows read", Some(5 * MILLION), 25_000 * MILLION, 1_000),
    line(Meter::ObjectRowsWritten, "object rows written", Some(100_000), 50 * MILLION, 1_000_000),
    // 5 GB together; 5 GB, then $0.20 per GB; 10 GB an object at most.
    Price {
        paid_wall: Some(10 * GB),
        million: GB,
        ..line(Meter::ObjectBytes, "object storage", Some(5 * GB), 5 * GB, 200)
    },
    // 13,000 GB-s a day; 400,000 a month, then $12.50 per million. In milliseconds of 128 MB.
    Price {
        million: MS_PER_MILLION_GB_S,
        ..line(Meter::Active, "object active time", Some(101_562_500), 3_125_000_000, 1_600)
    },
];

const fn line(meter: Meter, words: &'static str, free: Option<u64>, included: u64, picodollars: u64) -> Price {
    Price { meter, words, free, included, paid_wall: None, picodollars, million: MILLION }
}

impl Meter {
    /// Its line in the list.
    #[expect(clippy::indexing_slicing, reason = "the list has a line per meter, in their order; a test holds it")]
    pub const fn price(self) -> &'static Price {
        &LIST[self as usize]
    }

    /// The meter in one word, for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::WorkerRequests => "worker_requests",
            Self::WorkerCpu => "worker_cpu",
            Self::D1RowsRead => "d1_rows_read",
            Self::D1RowsWritten => "d1_rows_written",
            Self::D1Bytes => "d1_bytes",
            Self::ObjectRequests => "object_requests",
            Self::ObjectRowsRead => "object_rows_read",
            Self::ObjectRowsWritten => "object_rows_written",
            Self::ObjectBytes => "object_bytes",
            Self::Active => "object_active",
        }
    }

    /// What `amount` of it counts, for people: object requests whole, a part of one as one.
    pub const fn shown(self, amount: u64) -> (u64, &'static str) {
        match self {
            Self::WorkerRequests => (amount, "requests"),
            Self::ObjectRequests => (amount.div_ceil(TWENTIETHS), "requests"),
            Self::WorkerCpu | Self::Active => (amount, "ms"),
            Self::D1Bytes | Self::ObjectBytes => (amount, "bytes"),
            Self::D1RowsRead | Self::D1RowsWritten | Self::ObjectRowsRead | Self::ObjectRowsWritten => (amount, "rows"),
        }
    }

    /// Whether it is held rather than used up: it does not start anew at midnight.
    pub const fn is_level(self) -> bool {
        matches!(self, Self::D1Bytes | Self::ObjectBytes)
    }
}

/// How much of `meter` this use is, in the meter's unit: requests, rows, bytes, milliseconds of CPU, twentieths of an object
/// request, milliseconds of an active object.
pub const fn amount(meter: Meter, usage: &Usage, ratio: Ratio) -> u64 {
    match meter {
        Meter::WorkerRequests => usage.worker_requests,
        Meter::WorkerCpu => usage.worker_cpu_ms,
        Meter::D1RowsRead => usage.d1_rows_read,
        Meter::D1RowsWritten => usage.d1_rows_written,
        Meter::D1Bytes => usage.d1_bytes,
        Meter::ObjectRequests => {
            let whole = usage.object_calls.saturating_add(usage.alarms).saturating_mul(TWENTIETHS);
            let messages = match ratio {
                Ratio::Twenty => usage.messages,
                Ratio::One => usage.messages.saturating_mul(TWENTIETHS),
            };
            whole.saturating_add(messages)
        }
        Meter::ObjectRowsRead => usage.object_rows_read,
        Meter::ObjectRowsWritten => usage.object_rows_written.saturating_add(usage.alarms_set),
        Meter::ObjectBytes => usage.object_bytes,
        Meter::Active => usage.active_ms,
    }
}

/// `usage` with as much of `meter` as `whole`, in the meter's unit, where it is less: the platform says that it is used up.
#[must_use]
pub fn filled(meter: Meter, usage: Usage, whole: u64, ratio: Ratio) -> Usage {
    let missing = whole.saturating_sub(amount(meter, &usage, ratio));
    let mut more = Usage { d1_bytes: usage.d1_bytes, object_bytes: usage.object_bytes, ..Usage::default() };
    match meter {
        Meter::WorkerRequests => more.worker_requests = missing,
        Meter::WorkerCpu => more.worker_cpu_ms = missing,
        Meter::D1RowsRead => more.d1_rows_read = missing,
        Meter::D1RowsWritten => more.d1_rows_written = missing,
        Meter::D1Bytes => more.d1_bytes = usage.d1_bytes.saturating_add(missing),
        Meter::ObjectRequests => more.object_calls = missing.div_ceil(TWENTIETHS),
        Meter::ObjectRowsRead => more.object_rows_read = missing,
        Meter::ObjectRowsWritten => more.object_rows_written = missing,
        Meter::ObjectBytes => more.object_bytes = usage.object_bytes.saturating_add(missing),
        Meter::Active => more.active_ms = missing,
    }
    usage.plus(more)
}

/// Which share of the free plan's meter a day's use is; 1 is all of it. `None` for what it does not count.
pub fn free_share(meter: Meter, day: &Usage, ratio: Ratio) -> Option<f64> {
    meter.price().free.map(|free| quotient(amount(meter, day, ratio), free))
}

/// The share of the fullest free meter.
pub fn free_share_max(day: &Usage, ratio: Ratio) -> f64 {
    LIST.iter().filter_map(|price| free_share(price.meter, day, ratio)).fold(0.0, f64::max)
}

/// `amount` over `whole` as a number; an allowance of nothing is always used up.
#[expect(clippy::cast_precision_loss, reason = "shares are for comparing and for people")]
pub(super) fn quotient(amount: u64, whole: u64) -> f64 {
    if whole == 0 { f64::INFINITY } else { amount as f64 / whole as f64 }
}

/// What the overage is rounded to before it is priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// Nothing: every unit at its price.
    #[default]
    Exact,
    /// Up to the next million (for storage: the next GB), as in the provider's examples.
    Millions,
}

/// A month on the paid plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    /// Picodollars per meter beyond the included, in the order of [`LIST`].
    pub picodollars: [u128; LIST.len()],
}

impl Bill {
    /// What `month` costs. The levels are the month's average.
    pub fn of(month: &Usage, ratio: Ratio, rounding: Rounding) -> Self {
        Self {
            picodollars: LIST.map(|price| {
                let over = amount(price.meter, month, ratio).saturating_sub(price.included);
                let over = match rounding {
                    Rounding::Exact => u128::from(over),
                    Rounding::Millions => u128::from(over.div_ceil(price.million)) * u128::from(price.million),
                };
                over * u128::from(price.picodollars)
            }),
        }
    }

    /// US cents for the month, the plan's base of $5 included.
    pub fn total_cents(&self) -> u64 {
        cents(self.picodollars.iter().sum::<u128>() + BASE_PICODOLLARS)
    }

    /// US cents for one meter.
    pub fn cents(&self, meter: Meter) -> u64 {
        let found = LIST.iter().zip(self.picodollars).find(|(price, _)| price.meter == meter);
        cents(found.map_or(0, |(_, picodollars)| picodollars))
    }

    /// The meter that costs most, where any costs anything.
    pub fn dearest(&self) -> Option<Meter> {
        let dear = LIST.iter().zip(self.picodollars).filter(|(_, picodollars)| *picodollars > 0);
        dear.max_by_key(|(_, picodollars)| *picodollars).map(|(price, _)| price.meter)
    }
}

fn cents(picodollars: u128) -> u64 {
    u64::try_from((picodollars + PICODOLLARS_PER_CENT / 2) / PICODOLLARS_PER_CENT).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_meter_stands_at_its_line() {
        for (index, price) in LIST.iter().enumerate() {
            assert_eq!(price.meter as usize, index, "{}", price.words);
        }
    }

    #[test]
    fn a_million_of_each_beyond_the_included_costs_its_listed_price() {
        // The list's prices in units of a hundredth of a cent.
        let listed = [3_000, 200, 10, 10_000, 7_500, 1_500, 10, 10_000, 2_000, 125_000];
        for (price, listed) in LIST.iter().zip(listed) {
            let of_million = u128::from(price.million) * u128::from(price.picodollars);
            assert_eq!(of_million, listed * 100_000_000, "{}", price.words);
        }
    }

    #[test]
    fn messages_are_a_twentieth_and_alarms_a_whole_request() {
        let day = Usage { messages: 10, object_calls: 2, alarms: 3, ..Usage::default() };
        assert_eq!(amount(Meter::ObjectRequests, &day, Ratio::Twenty), 110);
        assert_eq!(amount(Meter::ObjectRequests, &day, Ratio::One), 300);
    }

    #[test]
    fn a_set_alarm_is_a_row_written() {
        let day = Usage { object_rows_written: 10, alarms_set: 5, ..Usage::default() };
        assert_eq!(amount(Meter::ObjectRowsWritten, &day, Ratio::Twenty), 15);
    }

    #[test]
    fn a_meter_that_is_called_used_up_is() {
        let day = Usage { messages: 7, d1_bytes: 3, object_bytes: 5, ..Usage::default() };
        for price in LIST {
            for ratio in [Ratio::Twenty, Ratio::One] {
                let full = filled(price.meter, day, 10_001, ratio);
                assert!((10_001..10_021).contains(&amount(price.meter, &full, ratio)), "{}", price.words);
                assert_eq!(filled(price.meter, full, 10_001, ratio), full);
            }
        }
        assert_eq!((Meter::ObjectRequests.shown(21), Meter::D1Bytes.shown(21)), ((2, "requests"), (21, "bytes")));
    }

    #[test]
    fn an_object_that_is_always_active_leaves_a_little_of_the_free_plan() {
        let day = Usage { active_ms: 86_400_000, ..Usage::default() };
        let share = free_share(Meter::Active, &day, Ratio::Twenty).unwrap();
        assert!((share - 11_059.2 / 13_000.0).abs() < 1e-12);
        let month = day.times(30);
        assert_eq!(Bill::of(&month, Ratio::Twenty, Rounding::Exact).total_cents(), 500, "331,776 of 400,000 GB-s");
    }

    #[test]
    fn the_fullest_meter_is_the_share_of_all() {
        let day = Usage { d1_rows_written: 50_000, messages: 100_000, worker_cpu_ms: u64::MAX, ..Usage::default() };
        assert!((free_share_max(&day, Ratio::Twenty) - 0.5).abs() < 1e-12);
        assert!((free_share_max(&day, Ratio::One) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn half_a_cent_is_rounded_up_once_and_at_the_end() {
        assert_eq!(cents(PICODOLLARS_PER_CENT / 2), 1);
        assert_eq!(cents(PICODOLLARS_PER_CENT / 2 - 1), 0);
        // Two meters of 0.3 cents each are 0.6 together: one cent, not none.
        let month =
            Usage { d1_rows_written: 50 * MILLION + 3_000, worker_requests: 10 * MILLION + 10_000, ..Usage::default() };
        let bill = Bill::of(&month, Ratio::Twenty, Rounding::Exact);
        assert_eq!((bill.cents(Meter::D1RowsWritten), bill.cents(Meter::WorkerRequests)), (0, 0));
        assert_eq!(bill.total_cents(), 501);
    }

    #[test]
    fn a_million_begun_counts_whole_where_it_is_asked_for() {
        let month =
            Usage { object_calls: MILLION + 1, d1_bytes: 5 * GB + 1, active_ms: 3_125_000_001, ..Usage::default() };
        assert_eq!(Bill::of(&month, Ratio::Twenty, Rounding::Exact).total_cents(), 500);
        let rounded = Bill::of(&month, Ratio::Twenty, Rounding::Millions);
        assert_eq!(rounded.total_cents(), 500 + 15 + 75 + 1_250);
        assert_eq!(rounded.dearest(), Some(Meter::Active));
    }

    #[test]
    fn an_absurd_month_is_a_large_bill_and_no_overflow() {
        let month = Usage { messages: u64::MAX, active_ms: u64::MAX, d1_rows_written: u64::MAX, ..Usage::default() };
        assert!(Bill::of(&month, Ratio::One, Rounding::Millions).total_cents() > 1_000_000);
    }
}
