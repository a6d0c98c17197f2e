//! The writer's choice: how a column is expected, by what it would take.

use super::grown::{self, Counter, Growth};
use super::predict::{Past, Said, Way};
use super::{Block, Form, Series};
use crate::blocks::{BlockError, Facet, SeriesId};

/// How a column is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    pub way: Way,
    /// Of what the distances from the first value are multiples.
    pub unit: i64,
    /// How many series before this one the other one is.
    pub back: usize,
    /// What of the other series counts.
    pub link: Link,
    /// For `Grown`: how many halvings below the rate the counter's parts are.
    pub halvings: u32,
}

/// How another series says something of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Its value in the same row.
    Value,
    /// Its growth per second since the row before.
    Rate,
    /// It is the kernel's load of 1 minute, this one that of 5 minutes.
    Load5,
    /// It is the kernel's load of 1 minute, this one that of 15 minutes.
    Load15,
}

/// Every link, by number.
pub const LINKS: [Link; 4] = [Link::Value, Link::Rate, Link::Load5, Link::Load15];

/// Where a column lies: what is before it in its block.
pub struct Place<'a> {
    pub block: &'a Block,
    pub id: SeriesId,
    /// The rows in which it has values.
    pub there: &'a [usize],
    pub form: Form,
    /// The series before it that are counters; only the writer looks for them.
    pub counters: &'a [usize],
    /// What its rate is, how many series before it, and in how many halvings; only the writer looks for it.
    pub rate: Option<(usize, u32)>,
}

/// How many of the nearest counters before a series are tried as what it could be the rate of.
const COUNTERS: usize = 8;
/// How many values have to agree before a rate is tried in full.
const SOUNDED: usize = 8;

/// How often the kernel moves its loads, and what each keeps of itself then. Source: Linux, include/linux/sched/loadavg.h.
const TICK_MS: i64 = 5_004;
const KEPT_OF_1: f64 = 1884.0 / 2048.0;
const KEPT_OF_5: f64 = 2014.0 / 2048.0;
const KEPT_OF_15: f64 = 2037.0 / 2048.0;
/// After an hour nothing is left of what was.
const MAX_TICKS: i64 = 720;

impl Default for Plan {
    fn default() -> Self {
        Self { way: Way::Constant, unit: 1, back: 0, link: Link::Value, halvings: 0 }
    }
}

impl Plan {
    /// About the shortest plan for `values`.
    pub fn best(values: &[i64], place: Option<&Place<'_>>) -> Self {
        let Some((first, rest)) = values.split_first() else {
            return Self::default();
        };
        if rest.iter().all(|value| value == first) {
            return Self::default();
        }
        let unit = rest.iter().fold(0, |unit, value| common(unit, value.wrapping_sub(*first).unsigned_abs()));
        let unit = i64::try_from(unit).unwrap_or(1).max(1);
        let mut best = Self { way: Way::Last, unit, ..Self::default() };
        let mut cost = u64::MAX;
        let distances: Vec<i64> = values.iter().map(|value| value.wrapping_sub(*first).wrapping_div(unit)).collect();
        let mut consider = |plan: Self, others: &[Option<Said>]| {
            let price = plan.price(if plan.way.is_by_other() { values } else { &distances }, others);
            if price < cost {
                (best, cost) = (plan, price);
            }
        };
        for way in [Way::Last, Way::Line, Way::Slope, Way::Trend, Way::Level, Way::Mean] {
            consider(Self { way, unit, ..Self::default() }, &[]);
        }
        for (back, link) in place.map(Place::candidates).unwrap_or_default() {
            let plan = Self { way: Way::Other, unit: 1, back, link, ..Self::default() };
            let sounded = plan.others(place, SOUNDED).unwrap_or_default();
            if link != Link::Rate || agree(values, &sounded) {
                let others = plan.others(place, usize::MAX).unwrap_or_default();
                consider(plan, &others);
                consider(Self { way: Way::Beside, ..plan }, &others);
            }
        }
        let counter = place.filter(|place| place.form == Form::Decimal(0));
        if let Some((place, (back, halvings))) = counter.and_then(|place| Some((place, place.rate?))) {
            let plan = Self { way: Way::Grown, unit: 1, back, halvings, ..Self::default() };
            if plan.price_grown(values, place).is_some_and(|price| price < cost) {
                best = plan;
            }
        }
        best
    }

    /// What the rate says of a counter.
    pub fn growths(&self, place: Option<&Place<'_>>) -> Result<Vec<Growth>, BlockError> {
        let place = place.ok_or(BlockError::Damaged)?;
        let rate = place.before(self.back).ok_or(BlockError::Damaged)?;
        Ok(grown::growths(place, rate, self.halvings))
    }

    /// About how many quarters of a bit a counter takes by its rate; none, if it is not whole in the parts that the rate tells.
    fn price_grown(&self, values: &[i64], place: &Place<'_>) -> Option<u64> {
        let growths = self.growths(Some(place)).ok()?;
        let mut counter = Counter::new(*values.first()?);
        let mut price = 24;
        for (value, growth) in values.iter().zip(growths).skip(1) {
            let parts = grown::parts(*value, growth);
            price += quarter_bits(parts.wrapping_sub(counter.expected(growth)).unsigned_abs());
            if counter.take(parts, growth) != *value {
                return None;
            }
        }
        Some(price)
    }

    /// What the other series says of the first `most` values: nothing, where it has none itself.
    pub fn others(&self, place: Option<&Place<'_>>, most: usize) -> Result<Vec<Option<Said>>, BlockError> {
        if !self.way.is_by_other() {
            return Ok(Vec::new());
        }
        let place = place.ok_or(BlockError::Damaged)?;
        let other = place.before(self.back).ok_or(BlockError::Damaged)?;
        let said = |row: &usize| match self.link {
            Link::Value => place.form.near(other.get(*row)?).map(Said::Is),
            Link::Rate => place.form.near(place.rate(other, *row)?).map(Said::Is),
            Link::Load5 => place.load(other, *row, KEPT_OF_5),
            Link::Load15 => place.load(other, *row, KEPT_OF_15),
        };
        Ok(place.there.iter().take(most).map(said).collect())
    }

    /// From where distances are counted: what another series says is no distance.
    pub fn base(&self, first: i64) -> i64 {
        if self.way.is_by_other() { 0 } else { first }
    }

    /// A distance, in units.
    pub fn units(&self, distance: i64) -> i64 {
        distance.wrapping_div(self.unit)
    }

    /// About how many quarters of a bit `values`, in units from the base, would take.
    fn price(&self, values: &[i64], others: &[Option<Said>]) -> u64 {
        let first = values.first().copied().unwrap_or(0);
        let mut past = Past::new(self.way, first);
        let mut price = if self.way.is_by_other() { 24 } else { 0 };
        for (at, value) in values.iter().enumerate().skip(1) {
            let other = others.get(at).copied().flatten();
            price += quarter_bits(value.wrapping_sub(past.expected(other)).unsigned_abs());
            past.take(*value, other);
        }
        price
    }
}

impl Place<'_> {
    /// The series so many before this one.
    fn before(&self, back: usize) -> Option<&Series> {
        self.block.series.len().checked_sub(back).and_then(|at| self.block.series.get(at))
    }

    /// Series that might say something of this one: its average, and the nearest counters.
    fn candidates(&self) -> Vec<(usize, Link)> {
        let before = &self.block.series;
        let back = |at: usize| before.len().saturating_sub(at);
        let average = (self.id.facet() != Facet::Value).then(|| self.id.with(Facet::Value));
        let average = average.and_then(|id| before.binary_search_by_key(&id, Series::id).ok());
        let counters = self.counters.iter().rev().filter(|_| self.id.facet() == Facet::Value).take(COUNTERS);
        let counters = counters.map(|at| (back(*at), Link::Rate));
        // The kernel's three loads lie side by side, with two digits.
        let loads = [(1, Link::Load5), (2, Link::Load15)].into_iter();
        let loads = loads.filter(|_| self.form == Form::Decimal(2)).filter(|(back, _)| *back <= before.len());
        average.into_iter().map(|at| (back(at), Link::Value)).chain(counters).chain(loads).collect()
    }

    /// What a load of 1 minute says of one that keeps `kept` of itself at every tick. The kernel moves all loads at the
    /// same ticks towards the same number of running processes, which the faster one tells.
    #[expect(clippy::cast_precision_loss, reason = "an expectation may be a little off")]
    fn load(&self, load1: &Series, row: usize, kept: f64) -> Option<Said> {
        let before = row.checked_sub(1)?;
        let times = &self.block.times_ms;
        let ticks = times.get(row)?.wrapping_sub(*times.get(before)?).wrapping_add(TICK_MS / 2) / TICK_MS;
        if !(1..=MAX_TICKS).contains(&ticks) {
            return None;
        }
        // By multiplication, not `powi`, whose last bit differs between machines.
        let keep = |kept: f64| (0..ticks).fold(1.0, |all, _| all * kept);
        let (keep, keep1) = (keep(kept), keep(KEPT_OF_1));
        let running = (load1.get(row)? - keep1 * load1.get(before)?) / (1.0 - keep1);
        let running = self.form.near(running)?;
        Some(Said::Drawn { keep, more: (1.0 - keep) * running as f64 })
    }

    /// How fast `counter` has grown since the row before.
    #[expect(clippy::cast_precision_loss, reason = "an expectation may be a little off")]
    fn rate(&self, counter: &Series, row: usize) -> Option<f64> {
        let before = row.checked_sub(1)?;
        let times = &self.block.times_ms;
        let passed_ms = times.get(row)?.wrapping_sub(*times.get(before)?);
        let grown = counter.get(row)? - counter.get(before)?;
        (passed_ms > 0).then(|| grown * 1000.0 / passed_ms as f64)
    }
}

/// Whether a series has only ever grown, and has.
pub fn is_counter(series: &Series) -> bool {
    let mut values = series.values().flatten();
    let Some(first) = values.next() else { return false };
    let mut last = first;
    values.all(|value| value >= std::mem::replace(&mut last, value)) && last > first
}

/// Whether the others are near the first few values, often enough to look further.
fn agree(values: &[i64], others: &[Option<Said>]) -> bool {
    let pairs = values.iter().zip(others).filter_map(|(value, other)| match other {
        Some(Said::Is(other)) => Some((*value, *other)),
        _ => None,
    });
    let (mut near, mut all) = (0, 0);
    for (value, other) in pairs {
        all += 1;
        near += usize::from(value.abs_diff(other) <= value.unsigned_abs() / 16 + 2);
    }
    near * 2 > all
}

/// The largest number that both are multiples of.
fn common(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// About how many quarters of a bit a residual of this size takes.
fn quarter_bits(magnitude: u64) -> u64 {
    let bits = u64::from(u64::BITS - magnitude.leading_zeros());
    let below_lead = if bits >= 3 { magnitude >> (bits - 3) & 3 } else { 0 };
    if magnitude == 0 { 1 } else { bits * 4 + below_lead + 4 }
}
