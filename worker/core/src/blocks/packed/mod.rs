//! Codec 1: packed by series.
//!
//! ```text
//! u8     codec = 1
//! u16    check: what FNV-1a of the body is, its halves XORed, little-endian
//! bytes  body: the range code (`coder`) of what follows, as few bytes as tell it; then zeros, until there is a byte for
//!        every 64 values (times and numbers are values too), so that what a block unpacks to is bounded by its length
//! ```
//! The body, each element by its coder; a *residual* is a whole number near 0, a *small* is one that is rarely large
//! (`residual`):
//! ```text
//! small   number of rows, at most 65,535
//! small   number of series; with times and numbers at most 2^20 values
//! column  the rows' numbers, as whole numbers
//! column  the rows' times in ms since 1970, as whole numbers
//! per series, ascending:
//!   small     how far its id is from the one before (the first from -1), less 1
//!   decision  whether it has a value in every row; if not, a decision per row
//!   small     its form: 0 to 12 for so many decimal digits after the point, 13 for the bits of doubles
//!   column    its values in that form
//! a column:
//!   small     how its values are expected, by number of `predict::WAYS`
//!   small     for ways 6 and 7: how many series before it the other one is, times 4, plus the number of `plan::LINKS`
//!   small     for the others but 0: of what all distances from the first value are multiples: 0 for 2^n, and n; else the
//!             number
//!   residual  the first value
//!   residual  for all ways but 0, per further value: how far it is from the expected one, in those multiples
//! ```
//! All series of a block teach the same odds. How odds begin and learn and what each way expects is part of the format: a
//! change there is another codec. Which way a column takes is the writer's to choose.
//!
//! Nothing is rounded here: the numbers that come out are those that went in. Rounding is [`Row::set`]'s, and what it leaves
//! is decimals, which is what makes blocks small.

mod coder;
mod form;
mod plan;
mod predict;
mod residual;

use super::{BlockError, Row, SeriesId};
use coder::{Coder, Reader, Writer};
use form::Form;
use plan::Plan;
use predict::{Past, Way};
use residual::{Presence, Residuals, Scale, Small};

/// The first byte of such a block.
pub const CODEC: u8 = 1;
/// The most rows of a block.
pub const MAX_ROWS: usize = 65_535;
/// The most series: their ids are 16 bits.
const MAX_SERIES: usize = 1 << 16;
/// The most values of a block, absent ones, times and numbers included.
const MAX_VALUES: usize = 1 << 20;
/// The most values there are for every byte.
const VALUES_PER_BYTE: usize = 64;
/// Codec and check.
const HEAD: usize = 3;

/// A block: open, as long as rows are added to it; in packed form at any time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Block {
    numbers: Vec<u64>,
    times_ms: Vec<i64>,
    series: Vec<Series>,
}

/// One series of a block.
#[derive(Debug, Clone)]
pub struct Series {
    id: SeriesId,
    /// One per row; not a number where there is none.
    values: Vec<f64>,
}

/// A block holds no more rows, or not so many series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the block is full")]
pub struct Full;

impl Series {
    /// Which one.
    pub fn id(&self) -> SeriesId {
        self.id
    }

    /// Its value in each of the block's rows.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Option<f64>> {
        self.values.iter().map(|value| (!value.is_nan()).then_some(*value))
    }

    /// Its value in one row.
    pub fn get(&self, row: usize) -> Option<f64> {
        self.values.get(row).copied().filter(|value| !value.is_nan())
    }
}

impl PartialEq for Series {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.values().eq(other.values())
    }
}

impl Block {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The rows' numbers.
    pub fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    /// The rows' times, ms since 1970.
    pub fn times_ms(&self) -> &[i64] {
        &self.times_ms
    }

    /// The series there are, ascending by id.
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// One series.
    pub fn find(&self, id: SeriesId) -> Option<&Series> {
        self.series.get(self.series.binary_search_by_key(&id, Series::id).ok()?)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`Full`] when the block would be too large; it is as it was.
    pub fn push(&mut self, row: &Row) -> Result<(), Full> {
        let rows = self.len();
        let is_new = |id: &SeriesId| self.series.binary_search_by_key(id, Series::id).is_err();
        let new = row.values().iter().filter(|(id, _)| is_new(id)).count();
        if rows >= MAX_ROWS || volume(rows + 1, self.series.len() + new) > MAX_VALUES {
            return Err(Full);
        }
        if new > 0 {
            let absent = |(id, _): &(SeriesId, f64)| Series { id: *id, values: vec![f64::NAN; rows] };
            let added: Vec<Series> = row.values().iter().filter(|(id, _)| is_new(id)).map(absent).collect();
            self.series.extend(added);
            self.series.sort_by_key(Series::id);
        }
        let mut values = row.values().iter().peekable();
        for series in &mut self.series {
            let here = values.next_if(|(id, _)| *id == series.id);
            series.values.push(here.map_or(f64::NAN, |(_, value)| *value));
        }
        self.numbers.push(row.number);
        self.times_ms.push(row.at_ms);
        Ok(())
    }

    /// The rows, in the order they were added.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.numbers.iter().zip(&self.times_ms).enumerate().map(|(at, (number, at_ms))| {
            let values = self.series.iter().filter_map(|series| Some((series.id, series.get(at)?)));
            Row::of_sorted(*number, *at_ms, values.collect())
        })
    }

    /// The packed form. The block may go on.
    pub fn pack(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        // Writing is total; what comes back is this block.
        let _ = code(&mut writer, Some(self), MAX_VALUES);
        let mut body = writer.finish();
        let bytes = (volume(self.len(), self.series.len()).div_ceil(VALUES_PER_BYTE)).saturating_sub(HEAD);
        body.resize(body.len().max(bytes), 0);
        seal(&body)
    }

    /// The block that was packed, to read or to go on with.
    ///
    /// # Errors
    /// [`BlockError`] when the bytes are no such block.
    pub fn unpack(bytes: &[u8]) -> Result<Self, BlockError> {
        let (codec, rest) = bytes.split_first().ok_or(BlockError::Damaged)?;
        if *codec != CODEC {
            return Err(BlockError::UnknownCodec(*codec));
        }
        let (check, body) = rest.split_first_chunk::<2>().ok_or(BlockError::Damaged)?;
        if *check != checked(body) {
            return Err(BlockError::Damaged);
        }
        code(&mut Reader::of(body), None, bytes.len().saturating_mul(VALUES_PER_BYTE).min(MAX_VALUES))
    }
}

/// A block of this body: its codec and check before it. For those who make blocks to try the reader with.
pub fn seal(body: &[u8]) -> Vec<u8> {
    let mut block = Vec::with_capacity(HEAD + body.len());
    block.push(CODEC);
    block.extend(checked(body));
    block.extend(body);
    block
}

fn checked(body: &[u8]) -> [u8; 2] {
    let fnv = body.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    let [a, b, c, d] = fnv.to_le_bytes();
    [a ^ c, b ^ d]
}

/// How many values so many rows of so many series are, with their times and numbers.
fn volume(rows: usize, series: usize) -> usize {
    rows.saturating_mul(series.saturating_add(2))
}

/// All that is learnt while a block is coded.
struct Models {
    residuals: Residuals,
    counts: Small,
    ids: Small,
    forms: Small,
    ways: Small,
    others: Small,
    units: Small,
    powers: Small,
    is_full: coder::Odds,
}

/// Writes `given`, or reads: the block, of at most `max_values`.
fn code<C: Coder>(coder: &mut C, given: Option<&Block>, max_values: usize) -> Result<Block, BlockError> {
    let mut models = Models {
        residuals: Residuals::NEW,
        counts: Small::NEW,
        ids: Small::NEW,
        forms: Small::NEW,
        ways: Small::NEW,
        others: Small::NEW,
        units: Small::NEW,
        powers: Small::NEW,
        is_full: coder::Odds::EVEN,
    };
    let mut count = |coder: &mut C, given: Option<usize>| {
        let count = models.counts.code(coder, given.map_or(0, |count| count as u64));
        usize::try_from(count).map_err(|_| BlockError::Damaged)
    };
    let rows = count(coder, given.map(Block::len))?;
    let series = count(coder, given.map(|block| block.series.len()))?;
    let is_possible = rows <= MAX_ROWS && series <= MAX_SERIES && (rows > 0 || series == 0);
    if !is_possible || volume(rows, series) > max_values {
        return Err(BlockError::Damaged);
    }
    // From here on every reservation is bounded by `max_values`, and that by the bytes there are.
    let numbers = given.map(|block| block.numbers.iter().map(|number| number.cast_signed()).collect::<Vec<_>>());
    let numbers = models.column(coder, rows, numbers.as_deref(), None)?;
    let times_ms = models.column(coder, rows, given.map(|block| &block.times_ms[..]), None)?;
    let mut block = Block {
        numbers: numbers.into_iter().map(i64::cast_unsigned).collect(),
        times_ms,
        series: Vec::with_capacity(series),
    };
    let mut counters = Vec::new();
    for at in 0..series {
        let given = given.and_then(|block| block.series.get(at));
        let series = models.series(coder, given, &block, &counters)?;
        if given.is_some_and(plan::is_counter) {
            counters.push(at);
        }
        block.series.push(series);
    }
    Ok(block)
}

impl Models {
    /// The next series of `block`.
    fn series<C: Coder>(
        &mut self,
        coder: &mut C,
        given: Option<&Series>,
        block: &Block,
        counters: &[usize],
    ) -> Result<Series, BlockError> {
        let least = block.series.last().map_or(Ok(0), |last| last.id.0.checked_add(1).ok_or(BlockError::Damaged))?;
        let beyond = self.ids.code(coder, given.map_or(0, |given| u64::from(given.id.0.saturating_sub(least))));
        let id = u16::try_from(beyond).ok().and_then(|beyond| least.checked_add(beyond)).ok_or(BlockError::Damaged)?;

        let is_there = |row| given.is_some_and(|given| given.get(row).is_some());
        let rows = block.len();
        let is_full = coder.decide(&mut self.is_full, (0..rows).all(is_there));
        let mut presence = Presence::NEW;
        let there: Vec<usize> = (0..rows).filter(|row| is_full || presence.code(coder, is_there(*row))).collect();

        let values: Option<Vec<f64>> =
            given.map(|given| given.values.iter().copied().filter(|value| !value.is_nan()).collect());
        let form = self.forms.code(coder, values.as_deref().map_or(0, |values| Form::of(values).number()));
        let form = Form::numbered(form).ok_or(BlockError::Damaged)?;
        let wholes: Option<Vec<i64>> = values.map(|values| values.iter().map(|value| form.whole(*value)).collect());
        let place = plan::Place { block, id: SeriesId(id), there: &there, form, counters };
        let wholes = self.column(coder, there.len(), wholes.as_deref(), Some(&place))?;

        let mut values = vec![f64::NAN; rows];
        for (row, whole) in there.iter().zip(wholes) {
            let value = form.double(whole).ok_or(BlockError::Damaged)?;
            if let Some(slot) = values.get_mut(*row) {
                *slot = value;
            }
        }
        Ok(Series { id: SeriesId(id), values })
    }

    /// `count` whole numbers; with a place, they may be expected by other series.
    fn column<C: Coder>(
        &mut self,
        coder: &mut C,
        count: usize,
        given: Option<&[i64]>,
        place: Option<&plan::Place<'_>>,
    ) -> Result<Vec<i64>, BlockError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let plan = given.map(|given| Plan::best(given, place)).unwrap_or_default();
        let plan = self.plan(coder, plan)?;
        let others = plan.others(place, count)?;
        let mut given = given.unwrap_or_default().iter().copied();
        let mut scale = Scale::FIRST;
        let first = self.residuals.code(coder, &mut scale, given.next().unwrap_or(0));
        if plan.way == Way::Constant {
            return Ok(vec![first; count]);
        }
        let mut scale = Scale::NEW;
        let base = plan.base(first);
        let mut past = Past::new(plan.way, first.wrapping_sub(base));
        let mut values = Vec::with_capacity(count);
        values.push(first);
        for at in 1..count {
            let other = others.get(at).copied().flatten();
            let expected = past.expected(other);
            let residual = given.next().map_or(0, |value| plan.units(value.wrapping_sub(base)).wrapping_sub(expected));
            let units = expected.wrapping_add(self.residuals.code(coder, &mut scale, residual));
            past.take(units, other);
            values.push(base.wrapping_add(units.wrapping_mul(plan.unit)));
        }
        Ok(values)
    }

    fn plan<C: Coder>(&mut self, coder: &mut C, plan: Plan) -> Result<Plan, BlockError> {
        let way = self.ways.code(coder, plan.way as u64);
        let way = usize::try_from(way).ok().and_then(|way| predict::WAYS.get(way)).ok_or(BlockError::Damaged)?;
        let mut plan = Plan { way: *way, ..plan };
        if way.is_by_other() {
            let other = self.others.code(coder, (plan.back as u64) << 2 | plan.link as u64);
            let link = usize::try_from(other & 3).ok().and_then(|link| plan::LINKS.get(link));
            plan.link = *link.ok_or(BlockError::Damaged)?;
            plan.back = usize::try_from(other >> 2).map_err(|_| BlockError::Damaged)?;
        } else if *way != Way::Constant {
            let is_power = plan.unit.count_ones() == 1;
            let unit = self.units.code(coder, if is_power { 0 } else { plan.unit.unsigned_abs() });
            plan.unit = match unit {
                0 => 1_i64.wrapping_shl(
                    u32::try_from(self.powers.code(coder, u64::from(plan.unit.trailing_zeros()))).unwrap_or(0),
                ),
                unit => unit.cast_signed(),
            };
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests;
