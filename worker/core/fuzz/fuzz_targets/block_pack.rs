//! Any rows come back as they were packed. The input tells the rows: per value a series and what becomes of its last one. The
//! first series are counters, by the rates behind them as a host's are, kept as history does.
#![no_main]

use edgewatch_core::blocks::{Block, Row, SeriesId};
use edgewatch_core::metrics;
use edgewatch_core::model::Sample;
use edgewatch_core::units::Step;
use libfuzzer_sys::fuzz_target;

const STEPS: [Step; 4] = [Step::Exact, Step::Whole, Step::Tenths, Step::Hundredths];
/// For the series from here on, which are rounded to digits.
const ROUNDED: u8 = 24;
const DIGITS: [Step; 4] = [Step::Binary8, Step::Binary11, Step::Binary14, Step::Hundredths10];

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
}

fn rows(input: &mut Input) -> Option<Vec<Row>> {
    let (mut number, mut at_ms) = (0_u64, 0_i64);
    let (mut lasts, mut counter) = ([0.0_f64; 64], 0_u64);
    let mut rows = Vec::new();
    while let Some([moment, count]) = input.take() {
        match moment {
            255 => (number, at_ms) = (u64::from_le_bytes(input.take()?), i64::from_le_bytes(input.take()?)),
            moment => {
                number = number.wrapping_add(1 + u64::from(moment >> 6));
                at_ms = at_ms.wrapping_add(10_000 + i64::from(moment & 63));
            }
        }
        let mut row = Row::new(number, at_ms);
        let mut measured = None;
        for _ in 0..count & 15 {
            let [series, change] = input.take()?;
            let last = &mut lasts[usize::from(series & 63)];
            match change {
                0 => *last = f64::from_bits(u64::from_le_bytes(input.take()?)),
                1 => *last = f64::from(i32::from_le_bytes(input.take()?)),
                2 => *last *= 1e3,
                // What an agent measured: a counter that has grown by its rate, which a byte tells, and history's way with them.
                3 => {
                    let [size] = input.take()?;
                    let rate = (u64::from(size) * 0x0101_0101_0101 + 1) >> (size % 47);
                    counter = counter.saturating_add(rate.saturating_mul(10)).min(1 << 53);
                    measured = Some(rate);
                    continue;
                }
                change => *last += f64::from(change) - 128.0,
            }
            let id = match series & 63 {
                named @ 32.. => SeriesId(u16::from(named) * 977),
                column => SeriesId::column(column),
            };
            let steps = if series & 63 < ROUNDED { STEPS } else { DIGITS };
            row.set(id, *last, steps[usize::from(series >> 6)]);
        }
        if let Some(rate) = measured {
            let sample = Sample {
                net_in_bytes: Some(counter),
                net_in_bytes_per_s: Some(rate),
                mem_used_bytes: Some(counter),
                ..Sample::default()
            };
            for (column, value) in (0_u8..).zip(metrics::kept(&sample)) {
                if let Some(value) = value {
                    row.set(SeriesId::column(column), value, metrics::step(column));
                }
            }
        }
        rows.push(row);
    }
    Some(rows)
}

fuzz_target!(|bytes: &[u8]| {
    let Some(rows) = rows(&mut Input(bytes)) else { return };
    let mut block = Block::default();
    for row in &rows {
        block.push(row).expect("so few rows");
    }
    let packed = block.pack();
    let back = Block::unpack(&packed).expect("a block");
    assert_eq!(back, block);
    assert_eq!(back.pack(), packed);
    assert!(back.rows().eq(rows));
});
