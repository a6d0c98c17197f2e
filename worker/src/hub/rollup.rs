//! Minutes out of samples: a block of a host's minutes is written once, when its time is over.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::rollup::{self, MINUTE};
use edgewatch_core::blocks::tiers::{MINUTES, Rings, SAMPLES};
use edgewatch_core::blocks::{Facet, Row, SeriesId};
use edgewatch_core::metrics;
use edgewatch_core::model::HostId;
use edgewatch_core::units::Step;

use super::HubError;
use super::rings::{self, StoredBlock};
use super::rows;
use super::sql::Sql;

/// Writes the minutes of the block `block_no` from the samples that lie in its time; gives whether a row was written. 1 row
/// written, none when it was all written before. What is not in a row of samples yet is not seen: store the open block
/// first (the ends of blocks nest, so the sample that ends a block of minutes ends one of samples too).
///
/// It may be called again at any time. What the block holds already stays where the ring of samples does not hold more of
/// it, so nothing is lost when that ring is shorter than the block.
///
/// # Errors
/// [`HubError::Refused`] in the platform's words; [`HubError::Corrupt`] when a stored block cannot be read.
pub fn minutes(sql: &Sql, host: HostId, rings: &Rings, block_no: u64) -> Result<bool, HubError> {
    let (from_ms, to_ms) = (MINUTES.start_ms(host, block_no), MINUTES.end_ms(host, block_no));
    let samples = rings::in_time(sql, host, SAMPLES, rings.of(SAMPLES), from_ms, to_ms)?;
    write(sql, host, rings, block_no, &samples, rings::put)
}

/// The same although the block may be of as many samples as before: earlier ones were put among those that it knew.
///
/// # Errors
/// As [`minutes`].
pub fn refill(sql: &Sql, host: HostId, rings: &Rings, block_no: u64) -> Result<bool, HubError> {
    let samples = rings::whole(sql, host, SAMPLES, rings.of(SAMPLES))?;
    write(sql, host, rings, block_no, &samples, rings::replace)
}

/// The same for samples that came late, which lie in blocks of later numbers than their time has: looks through all blocks
/// from the one of that time on. The day of a coarse block that they lie in is to be built and written anew afterwards.
///
/// # Errors
/// As [`minutes`].
pub fn rewrite(sql: &Sql, host: HostId, rings: &Rings, block_no: u64) -> Result<bool, HubError> {
    let first = SAMPLES.block_no(host, MINUTES.start_ms(host, block_no));
    let newest = rings::newest(sql, host, SAMPLES.number)?.map_or(first, |head| head.block_no);
    let samples = rings::range(sql, host, SAMPLES.number, rings.of(SAMPLES), first..=newest)?;
    write(sql, host, rings, block_no, &samples, rings::put)
}

fn write(
    sql: &Sql,
    host: HostId,
    rings: &Rings,
    block_no: u64,
    samples: &[StoredBlock],
    put: impl Fn(&Sql, HostId, u64, &StoredBlock) -> Result<bool, HubError>,
) -> Result<bool, HubError> {
    let dictionary = rings::dictionary(sql, host)?;
    let (from_ms, to_ms) = (MINUTES.start_ms(host, block_no), MINUTES.end_ms(host, block_no));
    let mut found: Vec<Row> = Vec::new();
    for stored in samples {
        found.extend(stored.block()?.rows().filter(|row| (from_ms..to_ms).contains(&row.at_ms)));
    }
    let numbers = found.iter().map(|row| row.number);
    let Some((first_number, last_number)) = numbers.clone().min().zip(numbers.max()) else { return Ok(false) };
    let before = rings::find(sql, host, MINUTES.number, rings.of(MINUTES), block_no)?;
    let (rows, first_number, last_number) = match before {
        Some(before) => (
            mended(&before, found, &dictionary)?,
            first_number.min(before.first_number),
            last_number.max(before.last_number),
        ),
        None => (coarser(&found, MINUTE, &dictionary), first_number, last_number),
    };
    let (block, data) = rows::fitting(&rows);
    let (Some(start_ms), Some(end_ms)) = (block.times_ms().first(), block.times_ms().last()) else { return Ok(false) };
    let stored = StoredBlock {
        tier: MINUTES.number,
        block_no,
        first_number,
        last_number,
        start_ms: *start_ms,
        end_ms: end_ms.saturating_add(MINUTES.step_ms() - 1),
        data,
    };
    put(sql, host, rings.of(MINUTES), &stored)
}

/// The minutes of a block anew. Where the samples behind a minute are no longer all there, it stays, and those are laid to it
/// that it cannot know yet: their numbers are beyond the block's.
fn mended(before: &StoredBlock, mut samples: Vec<Row>, dictionary: &Dictionary) -> Result<Vec<Row>, HubError> {
    let mut known: BTreeMap<u64, f64> = BTreeMap::new();
    for row in samples.iter().filter(|row| row.number <= before.last_number) {
        *known.entry(MINUTE.window(row.at_ms)).or_default() += 1.0;
    }
    let is_short = |held: &Row| weight(held) > known.get(&held.number).copied().unwrap_or_default();
    let mut held: Vec<Row> = before.block()?.rows().filter(is_short).collect();
    let stays: BTreeSet<u64> = held.iter().map(|row| row.number).collect();
    samples.retain(|row| row.number > before.last_number || !stays.contains(&MINUTE.window(row.at_ms)));
    held.append(&mut samples);
    Ok(coarser(&held, MINUTE, dictionary))
}

fn weight(row: &Row) -> f64 {
    row.get(SeriesId::WEIGHT).unwrap_or(1.0)
}

/// Coarser rows, each series at its coarse step. Of what counts up from the host's start no largest values are kept: they
/// would be a tenth of the block.
pub(super) fn coarser(rows: &[Row], width: rollup::Width, dictionary: &Dictionary) -> Vec<Row> {
    let rows = rollup::roll_up(rows, width, |series| rows::coarse_step(series, dictionary));
    rows.iter().map(without_counters_maxima).collect()
}

fn without_counters_maxima(row: &Row) -> Row {
    let mut kept = Row::new(row.number, row.at_ms);
    let is_counter = |series: SeriesId| u8::try_from(series.metric()).is_ok_and(metrics::is_counter);
    for (series, value) in row.values() {
        if series.facet() != Facet::Maximum || !is_counter(*series) {
            kept.set(*series, *value, Step::Exact);
        }
    }
    kept
}

/// The rows of both, by time; of a window that is in both the one that is made of more samples, the fresh one if of as many.
pub(super) fn fuller(held: Vec<Row>, fresh: Vec<Row>) -> Vec<Row> {
    let better = fresh.into_iter().filter(|row| {
        let at = held.binary_search_by_key(&row.number, |row| row.number);
        at.ok().and_then(|at| held.get(at)).is_none_or(|held| weight(row) >= weight(held))
    });
    let better: Vec<Row> = better.collect();
    rollup::replace(held, better)
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewatch_core::blocks::Block;

    const HOST: HostId = HostId(3);
    const CPU: SeriesId = SeriesId::column(0);
    const BLOCK: u64 = 83_118;

    fn sql() -> Sql {
        let sql = Sql::in_memory().unwrap();
        rings::create(&sql).unwrap();
        sql
    }

    fn sample(number: u64, at_ms: i64, cpu: f64) -> Row {
        let mut row = Row::new(number, at_ms);
        row.set(CPU, cpu, Step::Hundredths);
        row
    }

    /// Stores samples in blocks as they come.
    fn store(sql: &Sql, rings: &Rings, samples: &[Row]) {
        for of_block in samples.chunk_by(|a, b| SAMPLES.block_no(HOST, a.at_ms) == SAMPLES.block_no(HOST, b.at_ms)) {
            let mut block = Block::default();
            for row in of_block {
                block.push(row).unwrap();
            }
            let block_no = SAMPLES.block_no(HOST, of_block[0].at_ms);
            let stored = StoredBlock::of_samples(block_no, &block).unwrap();
            assert!(rings::put(sql, HOST, rings.of(SAMPLES), &stored).unwrap());
        }
    }

    /// Every ten seconds, from an hour before the block to an hour after it; the number in use is the one of the time.
    fn samples() -> Vec<Row> {
        let from_ms = MINUTES.start_ms(HOST, BLOCK) - 3_600_000;
        let at = |number: u32| from_ms + i64::from(number) * 10_000 + 7;
        (0..8 * 360).map(|number| sample(number.into(), at(number), f64::from(number % 60))).collect()
    }

    fn written(sql: &Sql, rings: &Rings) -> (StoredBlock, Vec<Row>) {
        let stored = rings::find(sql, HOST, 1, rings.of(MINUTES), BLOCK).unwrap().unwrap();
        let rows = stored.block().unwrap().rows().collect();
        (stored, rows)
    }

    #[test]
    fn the_minutes_of_a_block_are_those_of_its_time_and_are_written_once() {
        let (sql, rings) = (sql(), Rings::default());
        store(&sql, &rings, &samples());
        let before = sql.rows_written();
        assert_eq!(minutes(&sql, HOST, &rings, BLOCK), Ok(true));
        assert_eq!(minutes(&sql, HOST, &rings, BLOCK), Ok(false));
        assert_eq!(rewrite(&sql, HOST, &rings, BLOCK), Ok(false));
        assert_eq!(sql.rows_written() - before, 1);
        let (stored, rows) = written(&sql, &rings);
        assert_eq!((stored.first_number, stored.last_number), (360, 360 + 2_159));
        assert_eq!((stored.start_ms, stored.end_ms + 1), (MINUTES.start_ms(HOST, BLOCK), MINUTES.end_ms(HOST, BLOCK)));
        assert_eq!(rows.len(), 360);
        let figures = |row: &Row| [row.get(CPU), row.get(CPU.with(Facet::Maximum)), row.get(SeriesId::WEIGHT)];
        assert_eq!(figures(&rows[0]), [Some(2.5), Some(5.0), Some(6.0)]);
        assert_eq!(figures(&rows[359]), [Some(56.5), Some(59.0), Some(6.0)]);
    }

    #[test]
    fn a_ring_shorter_than_the_block_gives_what_it_has() {
        let (sql, all) = (sql(), samples());
        let short = Rings::of_lengths([2, 32, 19, 32]);
        store(&sql, &short, &all);
        assert_eq!(minutes(&sql, HOST, &short, BLOCK), Ok(true));
        let (_, rows) = written(&sql, &short);
        // Two blocks of three hours, of which the last one lies behind the block's end.
        assert_eq!(rows.len(), 180);
    }

    #[test]
    fn a_second_time_takes_nothing_away_that_the_samples_no_longer_tell() {
        let (sql, all) = (sql(), samples());
        let (whole, short) = (Rings::default(), Rings::of_lengths([2, 32, 19, 32]));
        store(&sql, &whole, &all);
        minutes(&sql, HOST, &whole, BLOCK).unwrap();
        let (before, rows) = written(&sql, &whole);
        rings::resize(&sql, HOST, 0, 2).unwrap();
        // Of the time whose samples are gone.
        let late = sample(9_999, MINUTES.start_ms(HOST, BLOCK) + 5_000, 50.0);
        let newest = SAMPLES.block_no(HOST, all.last().unwrap().at_ms) + 1;
        let mut block = Block::default();
        block.push(&late).unwrap();
        let open = StoredBlock::of_samples(newest, &block).unwrap();
        rings::put(&sql, HOST, 2, &open).unwrap();
        assert_eq!(rewrite(&sql, HOST, &short, BLOCK), Ok(true));
        let (after, again) = written(&sql, &short);
        assert_eq!(after.last_number, 9_999);
        let changed: Vec<usize> = (0..360).filter(|at| again[*at] != rows[*at]).collect();
        assert_eq!(changed, [0], "one sample does not displace six");
        assert_eq!((again[0].get(SeriesId::WEIGHT), again[0].get(CPU)), (Some(7.0), Some(9.29)));
        assert_eq!(again[0].get(CPU.with(Facet::Maximum)), Some(50.0));
        assert_eq!(before.first_number, after.first_number);
    }

    #[test]
    fn late_samples_change_the_minutes_they_touch() {
        let (sql, rings) = (sql(), Rings::default());
        let all = samples();
        store(&sql, &rings, &all);
        minutes(&sql, HOST, &rings, BLOCK).unwrap();
        let (_, before) = written(&sql, &rings);
        let late = sample(9_999, MINUTES.start_ms(HOST, BLOCK) + 60_500, 59.0);
        let mut block = Block::default();
        block.push(&late).unwrap();
        let newest = SAMPLES.block_no(HOST, all.last().unwrap().at_ms) + 1;
        rings::put(&sql, HOST, rings.of(SAMPLES), &StoredBlock::of_samples(newest, &block).unwrap()).unwrap();
        assert_eq!(rewrite(&sql, HOST, &rings, BLOCK), Ok(true));
        let (_, after) = written(&sql, &rings);
        let changed: Vec<usize> = (0..360).filter(|at| before[*at] != after[*at]).collect();
        assert_eq!(changed, [1]);
        assert_eq!(after[1].get(SeriesId::WEIGHT), Some(7.0));
    }

    #[test]
    fn a_time_without_samples_leaves_no_row() {
        let (sql, rings) = (sql(), Rings::default());
        assert_eq!(minutes(&sql, HOST, &rings, BLOCK), Ok(false));
        assert_eq!(rewrite(&sql, HOST, &rings, BLOCK), Ok(false));
        assert_eq!(sql.rows_written(), 0);
    }
}
