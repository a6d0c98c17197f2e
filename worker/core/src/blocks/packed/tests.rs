//! A block comes back as it was packed, whatever is in it; nothing else is a block, or it is one that comes back.

use super::*;
use crate::blocks::Facet;
use crate::metrics;
use crate::units::{MAX_EXACT_INTEGER, Step};

/// A Sunday in 2026.
const START_MS: i64 = 1_795_361_190_000;

/// A block of one series at ten seconds; what it packs to, after it was seen to come back.
fn packed(series: SeriesId, values: &[Option<f64>]) -> Vec<u8> {
    let mut block = Block::default();
    for (number, value) in (1_u64..).zip(values) {
        let mut row = Row::new(number, START_MS + number.cast_signed() * 10_000);
        if let Some(value) = value {
            row.set(series, *value, Step::Exact);
        }
        block.push(&row).unwrap();
    }
    returned(&block)
}

fn returned(block: &Block) -> Vec<u8> {
    let bytes = block.pack();
    let back = Block::unpack(&bytes).unwrap();
    assert_eq!(back, *block);
    assert_eq!(back.pack(), bytes, "the same block is the same bytes");
    bytes
}

fn series(value: impl Fn(u32) -> Option<f64>) -> Vec<u8> {
    packed(SeriesId::column(1), &(0..180).map(value).collect::<Vec<_>>())
}

/// What rows without values take.
fn bare() -> usize {
    series(|_| None).len()
}

#[test]
fn times_and_numbers_that_keep_step_cost_next_to_nothing() {
    assert!(bare() < 24, "{}", bare());
}

#[test]
fn a_value_that_stands_still_costs_nothing_per_row() {
    let still = series(|_| Some(16_777_216.0)).len();
    assert!(still < bare() + 8, "{still}");
}

#[test]
fn a_steady_counter_costs_next_to_nothing_and_its_reset_a_few_bytes() {
    let steady = series(|at| Some(1e12 + f64::from(at) * 1_500.0)).len();
    assert!(steady < bare() + 20, "{steady}");
    let reset = series(|at| Some(if at < 90 { 1e12 } else { 0.0 } + f64::from(at) * 1_500.0)).len();
    assert!(reset < steady + 24, "{reset}");
}

#[test]
fn pages_of_memory_cost_what_counts_of_pages_do() {
    let pages = |size: f64| series(move |at| Some(f64::from(at * at % 1_009) * size)).len();
    assert!(pages(4096.0) <= pages(1.0) + 2, "{} {}", pages(4096.0), pages(1.0));
    assert!(pages(1000.0) <= pages(1.0) + 3, "{} {}", pages(1000.0), pages(1.0));
}

#[test]
fn absent_values_stay_absent() {
    assert!(packed(SeriesId(5), &[None, None, Some(1.0), None]).len() < 40);
    let alternating = series(|at| at.is_multiple_of(2).then_some(7.0));
    assert!(alternating.len() < bare() + 20, "{}", alternating.len());
    let gap = series(|at| (!(40..90).contains(&at)).then_some(f64::from(at % 3)));
    assert_eq!(Block::unpack(&gap).unwrap().series()[0].get(40), None);
}

#[test]
fn numbers_to_2_to_the_53_and_any_doubles_are_exact() {
    #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is a double exactly")]
    let largest = MAX_EXACT_INTEGER as f64;
    packed(SeriesId(4), &[Some(largest), Some(0.0), Some(largest - 1.0), None, Some(largest)]);
    packed(SeriesId(4), &[Some(-273.2), Some(21.5), Some(-0.1), Some(1000.0)]);
    packed(SeriesId(300), &[Some(0.1 + 0.2), Some(f64::MAX), Some(f64::MIN), Some(5e-324), Some(0.0)]);
    packed(SeriesId(300), &[Some(std::f64::consts::PI), Some(-1e-300), Some(1e300)]);
}

#[test]
fn what_is_no_number_never_gets_in() {
    let mut row = Row::new(1, START_MS);
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        row.set(SeriesId(1), value, Step::Exact);
    }
    assert_eq!(row.values(), []);
}

#[test]
fn empty_blocks_and_single_rows_come_back() {
    assert!(returned(&Block::default()).len() <= 4);
    let mut block = Block::default();
    block.push(&Row::new(u64::MAX, i64::MIN)).unwrap();
    returned(&block);
    packed(SeriesId::WEIGHT, &[Some(6.0)]);
    packed(SeriesId(u16::MAX), &[Some(6.5)]);
}

#[test]
fn numbers_may_jump_and_clocks_step_back() {
    let mut block = Block::default();
    for (number, at_ms) in
        [(1, START_MS), (2, START_MS + 10_000), (9, START_MS - 3_600_000), (u64::MAX, i64::MAX), (0, i64::MIN)]
    {
        let mut row = Row::new(number, at_ms);
        row.set(SeriesId(4), 17.0, Step::Whole);
        row.set(SeriesId(6), 1.0, Step::Whole);
        block.push(&row).unwrap();
    }
    returned(&block);
}

#[test]
fn a_rate_beside_its_counter_costs_little() {
    let block = |is_with_rate: bool| {
        let mut block = Block::default();
        let mut counter = 1e9;
        for number in 0..180_u32 {
            let grown = f64::from(number * number % 7_919 * 13);
            counter += grown;
            let mut row = Row::new(u64::from(number), START_MS + i64::from(number) * 10_000);
            row.set(SeriesId(4), counter, Step::Whole);
            if is_with_rate {
                row.set(SeriesId(6), grown / 10.0, Step::Whole);
            }
            block.push(&row).unwrap();
        }
        returned(&block).len()
    };
    assert!(block(true) < block(false) + 20, "{} {}", block(true), block(false));
}

#[test]
fn the_kernels_loads_tell_each_other() {
    let mut block = Block::default();
    let mut loads = [0.0_f64; 3];
    for number in 0..180_u32 {
        for _ in 0..2 {
            let running = f64::from(number * number % 11 / 4);
            for (load, kept) in loads.iter_mut().zip([1884.0, 2014.0, 2037.0]) {
                *load = (*load * kept + running * (2048.0 - kept)) / 2048.0;
            }
        }
        let mut row = Row::new(u64::from(number), START_MS + i64::from(number) * 10_000);
        for (column, load) in (9..).zip(loads) {
            row.set(SeriesId::column(column), load, Step::Hundredths);
        }
        block.push(&row).unwrap();
    }
    // Of the 1-minute load about 6 bits each; the others are within a hundredth of what it says.
    assert!(returned(&block).len() < 260, "{}", returned(&block).len());
}

#[test]
fn the_largest_values_lie_beside_the_averages() {
    let mut block = Block::default();
    for number in 0..180_u32 {
        let mut row = Row::new(u64::from(number), START_MS + i64::from(number) * 60_000);
        let average = f64::from(number * number % 7_919);
        row.set(SeriesId(1), average, Step::Whole);
        row.set(SeriesId(1).with(Facet::Maximum), average + 2.0, Step::Whole);
        block.push(&row).unwrap();
    }
    let series: Vec<_> = block.series().iter().map(|series| series.id().facet()).collect();
    assert_eq!(series, [Facet::Value, Facet::Maximum]);
    let bytes = returned(&block);
    assert!(bytes.len() < 340, "{}", bytes.len());
}

#[test]
fn a_block_goes_on_where_it_was_packed() {
    let row = |number: u32| {
        let mut row = Row::new(u64::from(number), START_MS + i64::from(number) * 10_000);
        row.set(SeriesId(0), f64::from(number % 7) / 10.0, Step::Tenths);
        if number > 50 {
            row.set(SeriesId(256), 4.5, Step::Exact);
        }
        row
    };
    let (mut at_once, mut in_parts) = (Block::default(), Vec::new());
    for number in 0..120 {
        at_once.push(&row(number)).unwrap();
        let mut open = if number == 0 { Block::default() } else { Block::unpack(&in_parts).unwrap() };
        open.push(&row(number)).unwrap();
        in_parts = open.pack();
    }
    assert_eq!(in_parts, at_once.pack());
    assert_eq!(at_once.rows().nth(60), Some(row(60)));
    assert_eq!(at_once.find(SeriesId(256)).unwrap().values().flatten().count(), 69);
}

#[test]
fn a_block_is_full_before_it_is_too_large() {
    let mut block = Block::default();
    let mut row = Row::new(0, 0);
    row.set(SeriesId(0), 1.0, Step::Whole);
    for _ in 0..MAX_ROWS {
        block.push(&row).unwrap();
    }
    assert_eq!(block.push(&row), Err(Full));
    assert_eq!(block.len(), MAX_ROWS);
    let bytes = returned(&block);
    assert!(bytes.len() * VALUES_PER_BYTE >= volume(MAX_ROWS, 1), "{}", bytes.len());

    let mut wide = Block::default();
    let mut row = Row::new(0, 0);
    (0..=u16::MAX).for_each(|id| row.set(SeriesId(id), 1.0, Step::Whole));
    let rows = (0..u32::MAX).take_while(|_| wide.push(&row).is_ok()).count();
    assert_eq!(rows, MAX_VALUES / 65_538);
}

#[test]
fn damaged_bytes_are_an_error_at_every_length() {
    let bytes = series(|at| Some(f64::from(at * at % 91) / 4.0));
    for length in 0..bytes.len() {
        assert!(Block::unpack(&bytes[..length]).is_err(), "{length}");
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        assert!(Block::unpack(&flipped).is_err(), "{at}");
    }
    for codec in [0, 3] {
        assert_eq!(Block::unpack(&[codec, 0, 0]), Err(BlockError::UnknownCodec(codec)));
    }
}

/// Rows in which every way of coding a column is taken, without chance and without libraries.
fn variety() -> Block {
    let mut block = Block::default();
    let mut noise = 1_u32;
    let mut below = |most: u32| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from((noise >> 8) % most)
    };
    let (mut counter, mut loads, mut level) = (5e9, [0.5_f64, 0.4, 0.3], 3e5);
    for number in 0..90_u32 {
        let late_ms = i64::from(number.wrapping_mul(2_654_435_761) >> 28);
        let mut row = Row::new(u64::from(number) + 1_000, START_MS + i64::from(number) * 10_000 + late_ms);
        let grown = below(900_000);
        counter += grown;
        level += below(2_000) - 1_000.0;
        let running = below(4);
        for (load, kept) in loads.iter_mut().zip([1884.0, 2014.0, 2037.0]) {
            for _ in 0..2 {
                *load = (*load * kept + running * (2048.0 - kept)) / 2048.0;
            }
        }
        let cpu = 20.0 + below(3_000) / 100.0;
        row.set(SeriesId(0), cpu, Step::Hundredths);
        row.set(SeriesId(0).with(Facet::Maximum), cpu + 5.0 + below(90) / 100.0, Step::Hundredths);
        row.set(SeriesId(1), level * 4096.0, Step::Whole);
        row.set(SeriesId(2), 0.0, Step::Whole);
        row.set(SeriesId(4), counter, Step::Whole);
        row.set(SeriesId(6), grown / 10.0, Step::Whole);
        row.set(SeriesId(8), f64::from(number) * 10.0 + 77.0, Step::Whole);
        for (column, load) in (9..).zip(loads) {
            row.set(SeriesId::column(column), load, Step::Hundredths);
        }
        if number % 9 < 7 {
            row.set(SeriesId(300), f64::from(number / 11) * 0.5 - 3.0, Step::Tenths);
        }
        row.set(SeriesId(301), (below(1_000) - 500.0) / 7.0, Step::Exact);
        row.set(SeriesId(302), f64::from(number * number) * 3.0, Step::Whole);
        row.set(SeriesId(1).with(Facet::Maximum), (level + below(9)) * 4096.0, Step::Whole);
        block.push(&row).unwrap();
    }
    block
}

/// What is beyond that of `variety`: numbers of few leading digits, and a counter cut by its rate.
fn more_variety() -> Block {
    let mut block = Block::default();
    let (mut noise, mut counter) = (7_u32, 1e9);
    for (at, row) in (0_u32..).zip(variety().rows()) {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let rate = Step::Binary8.round(f64::from(noise >> (8 + at % 17)));
        counter += rate * 10.0;
        let mut more = row.clone();
        more.set(SeriesId(5), cut(counter, rate), Step::Whole);
        more.set(SeriesId(7), rate, Step::Whole);
        more.set(SeriesId(15), f64::from(noise >> 12) / 100.0, Step::Hundredths10);
        more.set(SeriesId(303), f64::from(noise >> 4) * if noise & 1 == 0 { -1.0 } else { 1.0 }, Step::Binary11);
        block.push(&more).unwrap();
    }
    block
}

/// A counter cut to multiples of the power of two that is an eighth to a sixteenth of its rate.
fn cut(counter: f64, rate: f64) -> f64 {
    let mut part = 1.0;
    while part * 16.0 <= rate {
        part *= 2.0;
    }
    (counter / part).floor() * part
}

/// Blocks lie in databases for years. When this fails, the format has changed, and the change needs a codec of its own.
#[test]
fn a_block_that_lies_in_a_database_stays_readable() {
    let stored = include_bytes!("../../../samples/blocks/codec_2.bin");
    assert_eq!(Block::unpack(stored), Ok(more_variety()));
    assert!(returned(&more_variety()).len() <= stored.len());
}

/// What was written before this codec is read to the last bit, and goes on as a block of today.
#[test]
fn blocks_of_the_codec_before_stay_readable() {
    assert_eq!(Block::unpack(include_bytes!("../../../samples/blocks/codec_1.bin")), Ok(variety()));
    // Packed by codec 1 from `samples/native`; what they unpacked to then.
    for (stored, rows, values) in [
        (&include_bytes!("../../../samples/blocks/codec_1_check_1s.bin")[..], 300, 0x7302_f4b1_255a_83e8_u64),
        (include_bytes!("../../../samples/blocks/codec_1_check_1s_minutes.bin"), 6, 0x7bba_f536_ace4_0b58),
        (include_bytes!("../../../samples/blocks/codec_1_run_10s.bin"), 200, 0x516f_510c_3c3b_4240),
        (include_bytes!("../../../samples/blocks/codec_1_run_10s_minutes.bin"), 34, 0xb4db_5f95_8b16_ee61),
    ] {
        assert_eq!(stored[0], CODEC_BEFORE);
        let block = Block::unpack(stored).unwrap();
        assert_eq!((block.len(), digest(&block)), (rows, values));
        returned(&block);
        for length in 0..stored.len() {
            assert!(Block::unpack(&stored[..length]).is_err(), "{length}");
        }
    }
}

/// FNV-1a of everything in a block.
fn digest(block: &Block) -> u64 {
    let mut words = Vec::new();
    for row in block.rows() {
        words.extend([row.number, row.at_ms.cast_unsigned()]);
        words.extend(row.values().iter().flat_map(|(id, value)| [u64::from(id.0), value.to_bits()]));
    }
    let bytes = words.into_iter().flat_map(u64::to_le_bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What the fuzz targets go on with for longer.
#[test]
fn any_body_is_an_error_or_a_block_that_comes_back() {
    let mut random = 1_u32;
    let mut blocks = [0; 2];
    for length in 0..800 {
        let mut body = vec![0; length / 16];
        for byte in &mut body {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Small bytes at the beginning make small counts, so that not all is refused there.
            *byte = random.to_be_bytes()[0];
        }
        if let Some(first) = body.first_mut() {
            *first |= 0xc0;
        }
        let codec = if length % 2 == 0 { CODEC } else { CODEC_BEFORE };
        if let Ok(block) = Block::unpack(&seal(codec, &body)) {
            blocks[length % 2] += 1;
            assert!(volume(block.len(), block.series().len()) <= (body.len() + HEAD) * VALUES_PER_BYTE);
            returned(&block);
        }
    }
    assert!(blocks.iter().all(|blocks| *blocks > 20), "{blocks:?}");
}

mod history;

mod properties {
    use proptest::prelude::{Strategy, any, prop_assert_eq, prop_oneof, proptest};
    use proptest::{collection, option};

    use super::*;

    /// A column's or a name's values: some absent, of kinds that are coded differently, and some out of all kinds.
    fn values(rows: usize) -> impl Strategy<Value = Vec<Option<f64>>> {
        let whole = (0_u64..=MAX_EXACT_INTEGER).prop_map(|whole| {
            #[expect(clippy::cast_precision_loss, reason = "at most 2^53 - 1")]
            let whole = whole as f64;
            whole
        });
        let step = prop_oneof![-5_i32..5, -2000_i32..2000].prop_map(f64::from);
        let walk = (any::<i32>(), collection::vec(option::weighted(0.9, step), rows)).prop_map(|(start, steps)| {
            let mut at = f64::from(start);
            let mut next = |step: f64| {
                at += step;
                at
            };
            steps.into_iter().map(|step| step.map(&mut next)).collect::<Vec<_>>()
        });
        let still = whole.clone().prop_map(move |value| vec![Some(value); rows]);
        let each = prop_oneof![whole, -300.0..1000.0, any::<f64>()];
        prop_oneof![still, walk, collection::vec(option::weighted(0.8, each), rows)]
    }

    fn columns() -> impl Strategy<Value = Vec<(SeriesId, Vec<Option<f64>>)>> {
        let ids = prop_oneof![0_u16..16, 256_u16..300, any::<u16>()].prop_map(SeriesId);
        (0_usize..40).prop_flat_map(move |rows| collection::vec((ids.clone(), values(rows)), 0..8))
    }

    proptest! {
        #[test]
        fn what_is_unpacked_is_what_was_packed_rounded(
            columns in columns(),
            moments in collection::vec((any::<u64>(), any::<i64>()), 40),
            is_regular in any::<bool>(),
        ) {
            let mut block = Block::default();
            let mut rounded = Vec::new();
            let rows = columns.first().map_or(7, |(_, values)| values.len());
            for (at, moment) in moments.into_iter().enumerate().take(rows) {
                let at_ms = START_MS + i64::try_from(at).unwrap() * 10_000;
                let (number, at_ms) = if is_regular { (at as u64, at_ms) } else { moment };
                let mut row = Row::new(number, at_ms);
                let mut expected = std::collections::BTreeMap::new();
                for (id, values) in &columns {
                    let Some(value) = values[at] else { continue };
                    let step = u8::try_from(id.0).map_or(Step::Exact, metrics::step);
                    row.set(*id, value, step);
                    if value.is_finite() {
                        expected.insert(*id, step.round(value));
                    }
                }
                block.push(&row).unwrap();
                rounded.push((number, at_ms, expected));
            }
            let back = Block::unpack(&block.pack()).unwrap();
            let back: Vec<_> = back
                .rows()
                .map(|row| (row.number, row.at_ms, row.values().iter().copied().collect()))
                .collect();
            prop_assert_eq!(back, rounded);
        }

        #[test]
        fn any_bytes_are_an_error_or_a_block_that_comes_back(body in collection::vec(any::<u8>(), 0..200)) {
            for codec in [CODEC, CODEC_BEFORE] {
                if let Ok(block) = Block::unpack(&seal(codec, &body)) {
                    prop_assert_eq!(Block::unpack(&block.pack()), Ok(block));
                }
            }
        }
    }
}
