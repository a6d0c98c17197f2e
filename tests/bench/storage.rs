//! What rings take in a database: blocks as the codec packs simulated hosts, pages as `SQLite` fills them.

use edgewatch_core::blocks::rollup::{self, Width};
use edgewatch_core::blocks::{Block, Row, SeriesId};
use edgewatch_core::metrics;
use edgewatch_core::units::Step;
use edgewatch_harness::fleet::walk::Walk;

/// A tier whose blocks are weighed.
#[derive(Debug, Clone, Copy)]
pub struct Ring {
    /// Its number.
    pub tier: u8,
    /// Seconds between two rows.
    pub step_s: u32,
    /// Seconds that a block covers.
    pub block_s: u32,
    /// Blocks of a host.
    pub blocks: u64,
}

/// Bytes of a page. Source: `SQLite`'s default, which D1 and objects have.
const PAGE: u64 = 4096;
/// What of a record stays in its leaf: at least, and at most where there is more. Source: spec/hub-feasibility.md 2.
const LOCAL: [u64; 2] = [489, 1002];
/// What an overflow page holds.
const OVERFLOW: u64 = PAGE - 4;
/// How full leaves are where rows come in the order of hosts and slots, percent. Source: spec/hub-feasibility.md 2: rows of
/// 5,165 bytes took 8.8 kB, two overflow pages and 0.6 kB of leaf.
const LEAF_FILL: u64 = 84;
/// The columns before the bytes, the record's header and the cell's pointer.
const ROW_HEAD: u64 = 40;

/// What a row with that many bytes of data takes in the file.
pub fn row_bytes(data: u64) -> u64 {
    let record = data + ROW_HEAD;
    let [least, most] = LOCAL;
    if record <= most {
        return record * 100 / LEAF_FILL;
    }
    let rest = least + (record - least) % OVERFLOW;
    let local = if rest <= most { rest } else { least };
    (local + 8) * 100 / LEAF_FILL + (record - local).div_ceil(OVERFLOW) * PAGE
}

/// The bytes of a full block of each ring, the average over `hosts` simulated hosts whose samples are `interval_s` apart.
/// `rings` in the order of their steps, the first one the samples themselves.
pub fn block_bytes(rings: &[Ring], interval_s: u32, hosts: u64) -> Vec<u64> {
    let mut sums = vec![0; rings.len()];
    for host in 0..hosts {
        for (sum, bytes) in sums.iter_mut().zip(of_host(rings, interval_s, host * 7 + 1)) {
            *sum += bytes;
        }
    }
    sums.into_iter().map(|sum| sum / hosts.max(1)).collect()
}

fn of_host(rings: &[Ring], interval_s: u32, seed: u64) -> Vec<u64> {
    // Any moment that is a whole number of the longest block.
    let start_ms = 1_296_000_000 * 1_384;
    let longest = rings.iter().map(|ring| ring.block_s).max().unwrap_or_default();
    let samples = samples(seed, interval_s, start_ms, u64::from(longest / interval_s.max(1)));
    let mut finer = samples;
    rings
        .iter()
        .enumerate()
        .map(|(index, ring)| {
            if index > 0 {
                finer = rollup::roll_up(&finer, Width::seconds(ring.step_s), step);
            }
            let rows = usize::try_from(ring.block_s / ring.step_s.max(interval_s)).unwrap_or(usize::MAX);
            // The coarsest tier keeps averages alone.
            let is_last = index + 1 == rings.len() && rings.len() > 1;
            let kept = finer.iter().take(rows).map(|row| if is_last { rollup::averages(row) } else { row.clone() });
            pack(kept)
        })
        .collect()
}

fn step(series: SeriesId) -> Step {
    u8::try_from(series.metric()).map_or(Step::Exact, metrics::coarse_step)
}

fn samples(seed: u64, interval_s: u32, start_ms: i64, count: u64) -> Vec<Row> {
    let mut walk = Walk::new(seed);
    let mut at_ms = start_ms;
    (1..=count)
        .map(|number| {
            let mark = f64::from(u32::try_from(number).unwrap_or(u32::MAX)) * f64::from(interval_s);
            let sample = walk.sample(number, at_ms, f64::from(interval_s), mark);
            let kept = sample.into_sample().map(|sample| metrics::kept(&sample)).unwrap_or_default();
            let mut row = Row::new(number, metrics::kept_ms(at_ms));
            for (column, value) in (0_u8..).zip(kept) {
                if let Some(value) = value {
                    row.set(SeriesId::column(column), value, metrics::step(column));
                }
            }
            at_ms += i64::from(interval_s) * 1000;
            row
        })
        .collect()
}

fn pack(rows: impl Iterator<Item = Row>) -> u64 {
    let mut block = Block::default();
    for row in rows {
        if block.push(&row).is_err() {
            break;
        }
    }
    block.pack().len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_takes_what_was_measured() {
        // Source: spec/hub-feasibility.md 2: 8.80 MB for 1,000 rows of 5,165 bytes, and as much for 6,890 bytes.
        assert!((8_700..=8_900).contains(&row_bytes(5_165)), "{}", row_bytes(5_165));
        assert!(row_bytes(900) < 1_200);
        let just_fits = 4_092 + 1_002 - ROW_HEAD;
        assert!(row_bytes(just_fits + 1) > row_bytes(just_fits) + 3_000, "one byte more costs a page");
    }

    #[test]
    fn coarse_blocks_are_rolled_up_from_the_samples() {
        let rings = [
            Ring { tier: 0, step_s: 10, block_s: 1_800, blocks: 1 },
            Ring { tier: 1, step_s: 60, block_s: 7_200, blocks: 1 },
            Ring { tier: 3, step_s: 600, block_s: 14_400, blocks: 1 },
        ];
        let bytes = block_bytes(&rings, 10, 2);
        let [samples, minutes, averages] = bytes[..] else { panic!("{bytes:?}") };
        assert!((800..6_000).contains(&samples), "180 rows of 15 values: {samples}");
        assert!((800..8_000).contains(&minutes), "120 rows of averages and maxima: {minutes}");
        assert!((100..2_000).contains(&averages), "24 rows of averages: {averages}");
    }
}
