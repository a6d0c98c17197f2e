//! One metric over the samples of a frame.
//!
//! ```text
//! u8 form: 0 doubles, 1 whole numbers, 2 hundredths; 0x80 added when some samples have no value
//! with 0x80: a bit per sample, low bit first, 1 where there is a value, in as many bytes as it takes
//! per value: form 0 a double; forms 1 and 2 the zigzag varint of the difference to the value before, from 0
//! ```
//!
//! The writer takes the shortest form that gives every value back bit for bit; nothing is rounded on the way.

use super::wire::{DecodeError, Reader, put_varint, unzigzag, zigzag};
use crate::units::MAX_EXACT_INTEGER;

const DOUBLES: u8 = 0;
const WHOLE: u8 = 1;
const HUNDREDTHS: u8 = 2;
const HAS_HOLES: u8 = 0x80;

/// Appends the column of `values`, one per sample.
pub fn put(out: &mut Vec<u8>, values: &[Option<f64>]) {
    let given = || values.iter().flatten().copied();
    let form = if given().all(|value| steps(value, 1.0).is_some()) {
        WHOLE
    } else if given().all(|value| steps(value, 100.0).is_some()) {
        HUNDREDTHS
    } else {
        DOUBLES
    };
    if values.iter().all(Option::is_some) {
        out.push(form);
    } else {
        out.push(form | HAS_HOLES);
        for eight in values.chunks(8) {
            out.push(eight.iter().rev().fold(0, |bits, value| bits << 1 | u8::from(value.is_some())));
        }
    }
    let mut before = 0;
    for value in given() {
        if form == DOUBLES {
            out.extend(value.to_le_bytes());
        } else {
            let now = steps(value, if form == WHOLE { 1.0 } else { 100.0 }).unwrap_or(0);
            put_varint(out, zigzag(now - before));
            before = now;
        }
    }
}

/// The values of a column, one per sample.
///
/// # Errors
/// [`DecodeError::Damaged`] when the bytes are not a column of `samples` samples.
pub fn get(mut reader: Reader<'_>, samples: usize) -> Result<Vec<Option<f64>>, DecodeError> {
    let [form] = reader.array()?;
    let holes = if form & HAS_HOLES == 0 { None } else { Some(reader.take(samples.div_ceil(8))?) };
    let mut values = Vec::with_capacity(samples);
    let mut before: i64 = 0;
    for sample in 0..samples {
        let is_given = |bits: &[u8]| bits.get(sample / 8).is_some_and(|byte| byte >> (sample % 8) & 1 == 1);
        if !holes.is_none_or(is_given) {
            values.push(None);
            continue;
        }
        values.push(Some(match form & !HAS_HOLES {
            DOUBLES => f64::from_le_bytes(reader.array()?),
            form @ (WHOLE | HUNDREDTHS) => {
                before = before.checked_add(unzigzag(reader.varint()?)).ok_or(DecodeError::Damaged)?;
                #[expect(clippy::cast_precision_loss, reason = "what is beyond 2^53 is dropped by the intake")]
                let whole = before as f64;
                if form == WHOLE { whole } else { whole / 100.0 }
            }
            _ => return Err(DecodeError::Damaged),
        }));
    }
    reader.end(values)
}

/// `value` as a whole number of parts of one, when that gives it back exactly.
fn steps(value: f64, parts: f64) -> Option<i64> {
    #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is a double exactly")]
    const MOST: f64 = MAX_EXACT_INTEGER as f64;
    let whole = (value * parts).round();
    let is_exact = whole.abs() <= MOST && (whole / parts).to_bits() == value.to_bits();
    #[expect(clippy::cast_possible_truncation, reason = "checked to be below 2^53")]
    // The minus of -0.0 would be lost.
    (is_exact && !(whole == 0.0 && value.is_sign_negative())).then_some(whole as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(values: &[Option<f64>]) -> Vec<Option<u64>> {
        values.iter().map(|value| value.map(f64::to_bits)).collect()
    }

    fn through(values: &[Option<f64>]) -> usize {
        let mut bytes = Vec::new();
        put(&mut bytes, values);
        let back = get(Reader::of(&bytes), values.len()).unwrap();
        assert_eq!(bits(&back), bits(values), "{bytes:?}");
        bytes.len()
    }

    #[test]
    fn every_double_comes_back_bit_for_bit() {
        for value in
            [0.0, -0.0, 0.1, 17.33, 1e300, f64::NAN, -f64::INFINITY, f64::MIN_POSITIVE, 9_007_199_254_740_993.0]
        {
            through(&[Some(value)]);
            through(&[None, Some(value), Some(1.0), None]);
        }
    }

    #[test]
    fn whole_numbers_and_hundredths_are_short() {
        let slow: Vec<_> = (0..60).map(|step| Some(f64::from(1_000_000 + step * 20))).collect();
        assert_eq!(through(&slow), 1 + 3 + 59);
        let load: Vec<_> = (0..60).map(|step| Some(f64::from(step % 7) / 100.0 + 1.0)).collect();
        assert!(through(&load) <= 1 + 2 + 59);
        assert_eq!(through(&[Some(1.0 / 3.0); 6]), 1 + 48);
    }

    #[test]
    fn holes_of_every_pattern_stay_holes() {
        for pattern in 0_u32..1_024 {
            let values: Vec<_> = (0..10).map(|bit| (pattern >> bit & 1 == 1).then_some(f64::from(bit))).collect();
            through(&values);
        }
        through(&[]);
    }

    #[test]
    fn the_extremes_of_exact_numbers_differ_without_overflow() {
        through(&[Some(9_007_199_254_740_991.0), Some(-9_007_199_254_740_991.0), Some(9_007_199_254_740_991.0)]);
    }

    #[test]
    fn what_is_no_column_is_damaged() {
        let damaged = |bytes: &[u8], samples| get(Reader::of(bytes), samples) == Err(DecodeError::Damaged);
        assert!(damaged(&[], 0), "no form");
        assert!(damaged(&[3, 0], 1), "an unknown form");
        assert!(damaged(&[WHOLE], 1), "no value");
        assert!(damaged(&[WHOLE, 0, 0], 1), "a value too many");
        assert!(damaged(&[WHOLE | HAS_HOLES], 1), "no bits");
        let mut far = vec![WHOLE];
        for _ in 0..2 {
            put_varint(&mut far, zigzag(i64::MAX));
        }
        assert!(damaged(&far, 2), "beyond 64 bits");
    }
}
