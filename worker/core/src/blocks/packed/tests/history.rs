//! What history keeps of samples (`metrics::kept`): it is rounded once, when it becomes a row, and never again.

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::{collection, option};

use super::{CODEC, CODEC_BEFORE, START_MS, cut, returned, seal, series};
use crate::blocks::{Block, Row, SeriesId};
use crate::metrics;
use crate::model::Sample;
use crate::units::{MAX_EXACT_INTEGER, Step};

fn row(sample: &Sample) -> Row {
    let mut row = Row::new(sample.number, metrics::kept_ms(sample.at.0));
    for (column, value) in (0_u8..).zip(metrics::kept(sample)) {
        if let Some(value) = value {
            row.set(SeriesId::column(column), value, metrics::step(column));
        }
    }
    row
}

#[test]
fn what_is_rounded_costs_what_its_digits_do_at_any_size() {
    // 2 to 33 bits, the first 8 of which count: about 9 bits for each row's value, and 5 for its size.
    let wild = |digits: Step| {
        series(move |at| {
            let noise = at.wrapping_mul(2_654_435_761).rotate_left(at % 31);
            Some(digits.round(f64::from(noise) * 2.0))
        })
    };
    let (rounded, whole) = (wild(Step::Binary8).len(), wild(Step::Whole).len());
    assert!(rounded * 3 < whole * 2, "{rounded} {whole}");
}

#[test]
fn a_counter_beside_the_rate_it_was_cut_by_costs_next_to_nothing() {
    let block = |is_with_counter: bool| {
        let (mut block, mut noise, mut counter) = (Block::default(), 1_u32, 1e12);
        for number in 0..180_u32 {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grown = f64::from(noise >> 8) * 10.0;
            counter += grown;
            let rate = Step::Binary8.round(grown / 10.0);
            let mut row = Row::new(u64::from(number), START_MS + i64::from(number) * 10_000);
            if is_with_counter {
                row.set(SeriesId(4), cut(counter, rate), Step::Whole);
            }
            row.set(SeriesId(6), rate, Step::Whole);
            block.push(&row).unwrap();
        }
        returned(&block).len()
    };
    // 2 bits a row, and its first value.
    assert!(block(true) < block(false) + 60, "{} {}", block(true), block(false));
}

#[test]
fn counters_with_gaps_and_resets_and_rates_that_lie_come_back() {
    let mut block = Block::default();
    #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is a double exactly")]
    let most = MAX_EXACT_INTEGER as f64;
    for (number, counter, rate) in [
        (1, Some(0.0), Some(0.0)),
        (2, Some(4096.0), Some(409.0)),
        (3, None, Some(512.0)),
        (4, Some(16384.0), None),
        (5, Some(65536.0), Some(4096.0)),
        (6, Some(65536.0), Some(most)),
        (9, Some(most), Some(0.5)),
        (10, Some(most), Some(1e300)),
    ] {
        let mut row = Row::new(number, START_MS + number.cast_signed() * 10_000);
        for (id, value) in [(4, counter), (6, rate)] {
            if let Some(value) = value {
                row.set(SeriesId(id), value, Step::Exact);
            }
        }
        block.push(&row).unwrap();
        returned(&block);
    }
}

/// Found by the fuzzer: a rate that waits for its own rate is not yet there when a counter asks for it.
#[test]
fn a_rate_that_is_a_counter_by_a_rate_itself_comes_back() {
    let body = include_bytes!("../../../../fuzz/corpus/block_unpack/0107532ddc8e123b82aa44430553891584887483");
    let mut blocks = 0;
    for block in [CODEC, CODEC_BEFORE].into_iter().filter_map(|codec| Block::unpack(&seal(codec, body)).ok()) {
        returned(&block);
        blocks += 1;
    }
    assert!(blocks > 0);
}

/// What an agent may measure in its periods: bursts of traffic and rest, restarts, values that are not there.
fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let bytes = || option::weighted(0.9, (any::<u64>(), 11_u32..64).prop_map(|(bits, fewer)| bits >> fewer));
    let one = (
        bytes(),
        bytes(),
        bytes(),
        option::weighted(0.9, 0.0..=100.0_f64),
        prop_oneof![9 => Just(false), 1 => Just(true)],
        9_000_i64..11_000,
    );
    collection::vec(one, 0..40).prop_map(|periods| {
        let (mut samples, mut at_ms, mut counter) = (Vec::<Sample>::new(), START_MS, 0_u64);
        for (number, (rate, sent, memory, cpu, is_restart, passed_ms)) in (1..).zip(periods) {
            at_ms += passed_ms;
            let grown = rate.unwrap_or(0).saturating_mul(passed_ms.unsigned_abs()) / 1000;
            counter = if is_restart { 0 } else { counter.saturating_add(grown).min(MAX_EXACT_INTEGER) };
            samples.push(Sample {
                number,
                at: crate::units::UnixMillis(at_ms),
                cpu_percent: cpu,
                mem_used_bytes: memory,
                disk_used_bytes: memory,
                net_in_bytes: Some(counter),
                net_out_bytes: sent,
                net_in_bytes_per_s: rate,
                net_out_bytes_per_s: sent.map(|sent| sent / 3),
                ..Sample::default()
            });
        }
        samples
    })
}

proptest! {
    #[test]
    fn what_history_keeps_is_off_by_what_is_said_at_most(samples in samples()) {
        for sample in &samples {
            let (given, kept) = (metrics::columns(sample), metrics::kept(sample));
            for ((definition, given), kept) in metrics::ALL.iter().zip(given).zip(kept) {
                prop_assert_eq!(given.is_some(), kept.is_some());
                let (Some(given), Some(kept)) = (given, kept) else { continue };
                let part = match definition.step {
                    Step::Binary8 => given / 256.0,
                    Step::Binary11 => given / 2_048.0,
                    Step::Binary14 => given / 16_384.0,
                    // And half a hundredth for the decimal itself.
                    Step::Hundredths10 => given / 1_024.0 + 0.01,
                    Step::Hundredths => 0.005,
                    // Counters have a test of their own.
                    _ => given,
                };
                prop_assert!((given - kept).abs() <= part * (1.0 + 1e-12), "{definition:?} {given} {kept}");
                prop_assert!(kept <= definition.max);
            }
        }
    }

    #[test]
    fn an_open_block_is_packed_again_and_again_without_a_change(samples in samples()) {
        let mut at_once = Block::default();
        let mut stored = Block::default().pack();
        for (at, sample) in samples.iter().enumerate() {
            at_once.push(&row(sample)).unwrap();
            let mut open = Block::unpack(&stored).unwrap();
            // Rows that are taken out and put in again, as when blocks are put together, are what they were.
            if at % 16 == 7 {
                let mut again = Block::default();
                for row in open.rows() {
                    let mut set = Row::new(row.number, metrics::kept_ms(row.at_ms));
                    for (id, value) in row.values() {
                        set.set(*id, *value, metrics::step(u8::try_from(id.0).unwrap()));
                    }
                    again.push(&set).unwrap();
                }
                prop_assert_eq!(&again, &open);
                open = again;
            }
            open.push(&row(sample)).unwrap();
            stored = open.pack();
        }
        prop_assert_eq!(&stored, &at_once.pack());
        prop_assert!(at_once.rows().eq(samples.iter().map(row)));
        prop_assert_eq!(Block::unpack(&stored), Ok(at_once));
    }
}
