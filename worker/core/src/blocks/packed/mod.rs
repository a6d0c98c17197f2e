//! Codecs 2 and 1: packed by series. Codec 2 is written; codec 1, which was written before, is read.
//!
//! ```text
//! u8     codec = 2
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
//!   decision  whether its body comes later, behind those of all series that need not wait
//!   body      otherwise
//! body    of each series that comes later, ascending
//! a body:
//!   decision  whether it has a value in every row; if not, a decision per row
//!   small     its form: 0 to 12 for so many decimal digits after the point, 13 for the bits of doubles
//!   small     for decimals: how many leading binary digits say where a number lies (`form`); 0 for its being that number
//!   column    its values in that form
//! a column:
//!   small     how its values are expected, by number of `predict::WAYS`
//!   small     for ways 6 and 7: how many series before it the other one is, in the order of bodies, times 4, plus the number
//!             of `plan::LINKS`; for way 9: how many, and a small for the halvings (`grown`)
//!   small     for the others but 0: of what all distances from the first value are multiples: 0 for 2^n, and n; else the
//!             number
//!   residual  the first value
//!   residual  for all ways but 0, per further value: how far it is from the expected one, in those multiples; for way 9 in
//!             the parts that the rate tells
//! ```
//! Codec 1 has no decision about what comes later, no small for leading digits and no way 9; all else is the same.
//!
//! All series of a block teach the same odds. How odds begin and learn and what each way expects is part of the format: a
//! change there is another codec. Which way a column takes is the writer's to choose.
//!
//! Nothing is rounded here: the numbers that come out are those that went in, however often a block is unpacked and packed
//! again. Rounding is [`Row::set`]'s and, for samples, `metrics::kept`'s; what they leave is decimals of few digits, which is
//! what makes blocks small.

mod coder;
mod form;
mod grown;
mod plan;
mod predict;
mod residual;

use super::{BlockError, Row, SeriesId};
use coder::{Coder, Reader, Writer};
use form::Form;
use grown::{Counter, Growth};
use plan::Plan;
use predict::{Past, Way};
use residual::{Presence, Residuals, Scale, Small};

/// The first byte of such a block.
pub const CODEC: u8 = 2;
/// The first byte of blocks as they were written before: read, and written anew as [`CODEC`].
pub const CODEC_BEFORE: u8 = 1;
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
        let _ = code(&mut writer, CODEC, Some(self), MAX_VALUES);
        let mut body = writer.finish();
        let bytes = (volume(self.len(), self.series.len()).div_ceil(VALUES_PER_BYTE)).saturating_sub(HEAD);
        body.resize(body.len().max(bytes), 0);
        seal(CODEC, &body)
    }

    /// The block that was packed, to read or to go on with.
    ///
    /// # Errors
    /// [`BlockError`] when the bytes are no such block.
    pub fn unpack(bytes: &[u8]) -> Result<Self, BlockError> {
        let (codec, rest) = bytes.split_first().ok_or(BlockError::Damaged)?;
        if ![CODEC_BEFORE, CODEC].contains(codec) {
            return Err(BlockError::UnknownCodec(*codec));
        }
        let (check, body) = rest.split_first_chunk::<2>().ok_or(BlockError::Damaged)?;
        if *check != checked(body) {
            return Err(BlockError::Damaged);
        }
        code(&mut Reader::of(body), *codec, None, bytes.len().saturating_mul(VALUES_PER_BYTE).min(MAX_VALUES))
    }
}

/// A block of this body: its codec and check before it. For those who make blocks to try the reader with.
pub fn seal(codec: u8, body: &[u8]) -> Vec<u8> {
    let mut block = Vec::with_capacity(HEAD + body.len());
    block.push(codec);
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
    /// The codec's number.
    version: u8,
    residuals: Residuals,
    counts: Small,
    ids: Small,
    forms: Small,
    ways: Small,
    others: Small,
    units: Small,
    powers: Small,
    is_full: coder::Odds,
    kept: Small,
    halvings: Small,
    is_later: coder::Odds,
}

/// Writes `given`, or reads: the block, of at most `max_values`.
fn code<C: Coder>(coder: &mut C, version: u8, given: Option<&Block>, max_values: usize) -> Result<Block, BlockError> {
    let mut models = Models {
        version,
        residuals: Residuals::NEW,
        counts: Small::NEW,
        ids: Small::NEW,
        forms: Small::NEW,
        ways: Small::NEW,
        others: Small::NEW,
        units: Small::NEW,
        powers: Small::NEW,
        is_full: coder::Odds::EVEN,
        kept: Small::NEW,
        halvings: Small::NEW,
        is_later: coder::Odds::of(10),
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
    let mut least = Some(0);
    // The writer's: series before this one that are counters, where series lie among those that are coded.
    let (mut counters, mut places) = (Vec::new(), vec![None; given.map_or(0, |given| given.series.len())]);
    let mut later = Vec::new();
    for at in 0..series {
        let given_series = given.and_then(|block| block.series.get(at));
        let rate = given.and_then(|block| grown::rate_of(block, at));
        let (id, is_later) = models.head(coder, least, given_series, rate.is_some())?;
        least = id.0.checked_add(1);
        if is_later {
            later.push((id, at, rate));
            continue;
        }
        let series = models.series(coder, id, given_series, &block, &counters, None)?;
        if given_series.is_some_and(plan::is_counter) {
            counters.push(block.series.len());
        }
        if let Some(place) = places.get_mut(at) {
            *place = Some(block.series.len());
        }
        block.series.push(series);
    }
    for (id, at, rate) in later {
        let given_series = given.and_then(|block| block.series.get(at));
        // A rate that comes later itself is none: it is not there yet, or not where it was looked for.
        let rate = rate.and_then(|(rate, halvings)| Some((block.series.len() - (*places.get(rate)?)?, halvings)));
        let series = models.series(coder, id, given_series, &block, &[], rate)?;
        block.series.push(series);
    }
    block.series.sort_by_key(Series::id);
    Ok(block)
}

impl Models {
    /// Which series is next, and whether it comes after all that need not wait. `least` is the least id it can have.
    fn head<C: Coder>(
        &mut self,
        coder: &mut C,
        least: Option<u16>,
        given: Option<&Series>,
        is_later: bool,
    ) -> Result<(SeriesId, bool), BlockError> {
        let least = least.ok_or(BlockError::Damaged)?;
        let beyond = self.ids.code(coder, given.map_or(0, |given| u64::from(given.id.0.saturating_sub(least))));
        let id = u16::try_from(beyond).ok().and_then(|beyond| least.checked_add(beyond)).ok_or(BlockError::Damaged)?;
        let is_later = self.version != CODEC_BEFORE && coder.decide(&mut self.is_later, is_later);
        Ok((SeriesId(id), is_later))
    }

    /// The values of a series of `block`.
    fn series<C: Coder>(
        &mut self,
        coder: &mut C,
        id: SeriesId,
        given: Option<&Series>,
        block: &Block,
        counters: &[usize],
        rate: Option<(usize, u32)>,
    ) -> Result<Series, BlockError> {
        let is_there = |row| given.is_some_and(|given| given.get(row).is_some());
        let rows = block.len();
        let is_full = coder.decide(&mut self.is_full, (0..rows).all(is_there));
        let mut presence = Presence::NEW;
        let there: Vec<usize> = (0..rows).filter(|row| is_full || presence.code(coder, is_there(*row))).collect();

        let values: Option<Vec<f64>> =
            given.map(|given| given.values.iter().copied().filter(|value| !value.is_nan()).collect());
        let form = self.form(coder, values.as_deref(), rate.is_some())?;
        let wholes: Option<Vec<i64>> = values.map(|values| values.iter().map(|value| form.whole(*value)).collect());
        let place = plan::Place { block, id, there: &there, form, counters, rate };
        let wholes = self.column(coder, there.len(), wholes.as_deref(), Some(&place))?;

        let mut values = vec![f64::NAN; rows];
        for (row, whole) in there.iter().zip(wholes) {
            let value = form.double(whole).ok_or(BlockError::Damaged)?;
            if let Some(slot) = values.get_mut(*row) {
                *slot = value;
            }
        }
        Ok(Series { id, values })
    }

    fn form<C: Coder>(&mut self, coder: &mut C, given: Option<&[f64]>, is_grown: bool) -> Result<Form, BlockError> {
        let found = given.map_or(Form::Decimal(0), |values| {
            let form = Form::of(values);
            if is_grown { form } else { form.leading(values) }
        });
        let form = Form::numbered(self.forms.code(coder, found.number())).ok_or(BlockError::Damaged)?;
        if self.version == CODEC_BEFORE || form == Form::Bits {
            return Ok(form);
        }
        form.keeping(self.kept.code(coder, found.kept())).ok_or(BlockError::Damaged)
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
        if plan.way == Way::Grown {
            return Ok(self.grown(coder, given, &plan.growths(place)?));
        }
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

    /// The whole numbers of a counter by its rate.
    fn grown<C: Coder>(&mut self, coder: &mut C, given: Option<&[i64]>, growths: &[Growth]) -> Vec<i64> {
        let mut given = given.unwrap_or_default().iter().copied();
        let (mut scale_of_first, mut scale) = (Scale::FIRST, Scale::NEW);
        let first = self.residuals.code(coder, &mut scale_of_first, given.next().unwrap_or(0));
        let mut counter = Counter::new(first);
        let mut values = Vec::with_capacity(growths.len());
        values.push(first);
        for growth in growths.iter().skip(1) {
            let expected = counter.expected(*growth);
            let residual = given.next().map_or(0, |value| grown::parts(value, *growth).wrapping_sub(expected));
            let parts = expected.wrapping_add(self.residuals.code(coder, &mut scale, residual));
            values.push(counter.take(parts, *growth));
        }
        values
    }

    fn plan<C: Coder>(&mut self, coder: &mut C, plan: Plan) -> Result<Plan, BlockError> {
        let way = self.ways.code(coder, plan.way as u64);
        let way = usize::try_from(way).ok().and_then(|way| predict::WAYS.get(way)).ok_or(BlockError::Damaged)?;
        let mut plan = Plan { way: *way, ..plan };
        if *way == Way::Grown {
            if self.version == CODEC_BEFORE {
                return Err(BlockError::Damaged);
            }
            plan.back = usize::try_from(self.others.code(coder, plan.back as u64)).map_err(|_| BlockError::Damaged)?;
            let halvings = self.halvings.code(coder, u64::from(plan.halvings));
            plan.halvings = u32::try_from(halvings).map_err(|_| BlockError::Damaged)?;
        } else if way.is_by_other() {
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
