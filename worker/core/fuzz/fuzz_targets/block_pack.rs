//! Any rows come back as they were packed. The input tells the rows: per value a series and what becomes of its last one.
#![no_main]

use edgewatch_core::blocks::{Block, Row, SeriesId};
use edgewatch_core::units::Step;
use libfuzzer_sys::fuzz_target;

const STEPS: [Step; 4] = [Step::Exact, Step::Whole, Step::Tenths, Step::Hundredths];

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
    let mut lasts = [0.0_f64; 64];
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
        for _ in 0..count & 15 {
            let [series, change] = input.take()?;
            let last = &mut lasts[usize::from(series & 63)];
            match change {
                0 => *last = f64::from_bits(u64::from_le_bytes(input.take()?)),
                1 => *last = f64::from(i32::from_le_bytes(input.take()?)),
                2 => *last *= 1e3,
                change => *last += f64::from(change) - 128.0,
            }
            let id = match series & 63 {
                named @ 32.. => SeriesId(u16::from(named) * 977),
                column => SeriesId::column(column),
            };
            row.set(id, *last, STEPS[usize::from(series >> 6)]);
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
