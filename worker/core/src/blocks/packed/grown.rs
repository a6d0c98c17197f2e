//! Counters by their rates: how much one has grown since the row before, and in what parts it is counted.
//!
//! A counter that history keeps no finer than its rate asks for (`metrics::counted`) is cut to multiples of a power of two:
//! the rate's, so many halvings below. What the rate says of the growth is then right to about one such part.

use super::plan::{self, Place};
use super::{Block, Form, Series};

/// The most halvings that make it worth to look at a counter by its rate.
const MOST_HALVINGS: u32 = 12;
/// How many series behind a counter are looked at for its rate.
const NEAR: usize = 8;

/// What a rate says of a counter in one row: its growth since the row before, and in what parts it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    by: i64,
    shift: u32,
}

/// A counter so far: what it is about, as far as its parts leave that open.
#[derive(Debug)]
pub struct Counter(i64);

impl Counter {
    /// One that begins with this.
    pub fn new(first: i64) -> Self {
        Self(first)
    }

    /// How many parts it is expected to be.
    pub fn expected(&self, growth: Growth) -> i64 {
        self.0.wrapping_add(growth.by) >> growth.shift
    }

    /// It is so many parts: gives what that is.
    pub fn take(&mut self, parts: i64, growth: Growth) -> i64 {
        let value = parts.wrapping_shl(growth.shift);
        let most = value.saturating_add((1 << growth.shift) - 1);
        self.0 = self.0.wrapping_add(growth.by).clamp(value, most);
        value
    }
}

/// How many parts `value` is.
pub fn parts(value: i64, growth: Growth) -> i64 {
    value >> growth.shift
}

/// What the rate says, row by row of those in which the counter has values. Where there is no rate, none is assumed.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "saturates; an expectation may be anything"
)]
pub fn growths(place: &Place<'_>, rate: &Series, halvings: u32) -> Vec<Growth> {
    let times = &place.block.times_ms;
    let time = |row: &usize| times.get(*row).copied().unwrap_or(0);
    let mut before = place.there.first().map_or(0, time);
    let growth = |row: &usize| {
        let now = time(row);
        let passed_ms = now.wrapping_sub(std::mem::replace(&mut before, now));
        let rate = rate.get(*row).unwrap_or(0.0).max(0.0);
        let by = (rate * passed_ms as f64 / 1000.0) as i64;
        let shift = (rate as u64).checked_ilog2().unwrap_or(0).saturating_sub(halvings).min(53);
        Growth { by, shift }
    };
    place.there.iter().map(growth).collect()
}

/// The series behind `counter` that is best for its rate, and the fewest halvings that it takes; none, if none will do.
pub fn rate_of(block: &Block, counter: usize) -> Option<(usize, u32)> {
    let values = block.series.get(counter).filter(|series| plan::is_counter(series))?;
    let times_ms = &block.times_ms;
    let candidates = block.series.iter().enumerate().skip(counter + 1).take(NEAR);
    let found = candidates.filter_map(|(at, rate)| {
        let (off, halvings) = offness(values, rate, times_ms)?;
        Some((off, at, halvings))
    });
    found.min_by(|(a, ..), (b, ..)| a.total_cmp(b)).map(|(_, at, halvings)| (at, halvings))
}

/// How far off growth by `rate` is, as a part of all growth, when that is little.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "estimates; saturates"
)]
fn offness(counter: &Series, rate: &Series, times_ms: &[i64]) -> Option<(f64, u32)> {
    let (mut off, mut all, mut halvings) = (0.0, 0.0, 0);
    let mut before: Option<(f64, i64)> = None;
    for ((value, rate), at_ms) in counter.values().zip(rate.values()).zip(times_ms) {
        let Some(value) = value else { continue };
        let rate = rate.unwrap_or(0.0).max(0.0);
        let zeros = Form::Decimal(0).whole(value).trailing_zeros();
        halvings = halvings.max((rate as u64).checked_ilog2().unwrap_or(0).saturating_sub(zeros));
        if halvings > MOST_HALVINGS {
            return None;
        }
        if let Some((last, last_ms)) = before {
            let grown = value - last;
            off += (grown - rate * at_ms.wrapping_sub(last_ms) as f64 / 1000.0).abs();
            all += grown.abs();
        }
        before = Some((value, *at_ms));
    }
    (off * 4.0 < all).then_some((off, halvings))
}
