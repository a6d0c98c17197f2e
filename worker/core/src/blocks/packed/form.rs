//! Doubles as whole numbers and back, exactly.

use crate::units::MAX_EXACT_INTEGER;

/// How a series' doubles are written as whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Each is the double nearest to a whole number of these parts: 0 for ones, 1 for tenths, 2 for hundredths …
    Decimal(u8),
    /// Their bits, in an order in which neighbours are close.
    Bits,
}

/// Ones, tenths and so on: how many are one.
const PARTS: [f64; 13] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

impl Form {
    /// The coarsest form that holds each of `values`, all finite, exactly.
    pub fn of(values: &[f64]) -> Self {
        let mut digits = 0;
        // Only a value that needs finer parts makes the ones before it be looked at again.
        let fits = |digits, values: &[f64]| values.iter().all(|value| Self::decimal(digits, *value).is_some());
        for (at, value) in values.iter().enumerate() {
            while Self::decimal(digits, *value).is_none() {
                digits += 1;
                if usize::from(digits) >= PARTS.len() || !fits(digits, values.get(..at).unwrap_or_default()) {
                    return Self::Bits;
                }
            }
        }
        Self::Decimal(digits)
    }

    /// How many parts `value` is, when it is the double nearest to so many.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "bounded by 2^53, and compared to be exact"
    )]
    fn decimal(digits: u8, value: f64) -> Option<i64> {
        let parts = PARTS.get(usize::from(digits))?;
        let count = (value * parts).round();
        (count.abs() <= MAX_EXACT_INTEGER as f64 && count / parts == value).then_some(count as i64)
    }

    /// The whole number that stands for `value`.
    pub fn whole(self, value: f64) -> i64 {
        match self {
            Self::Decimal(digits) => Self::decimal(digits, value).unwrap_or(0),
            Self::Bits => ordered(value.to_bits().cast_signed()),
        }
    }

    /// What `whole` stands for, when that is a finite number.
    #[expect(clippy::cast_precision_loss, reason = "what was written is bounded by 2^53")]
    pub fn double(self, whole: i64) -> Option<f64> {
        let value = match self {
            Self::Decimal(digits) => whole as f64 / PARTS.get(usize::from(digits))?,
            Self::Bits => f64::from_bits(ordered(whole).cast_unsigned()),
        };
        value.is_finite().then_some(value)
    }

    /// Another series' value, or what follows from it, in these parts; none when they are bits.
    #[expect(clippy::cast_possible_truncation, reason = "saturates; a prediction may be anything")]
    pub fn near(self, value: f64) -> Option<i64> {
        match self {
            Self::Decimal(digits) => Some((value * PARTS.get(usize::from(digits))?).round() as i64),
            Self::Bits => None,
        }
    }

    /// The number that names the form.
    pub fn number(self) -> u64 {
        match self {
            Self::Decimal(digits) => u64::from(digits),
            Self::Bits => PARTS.len() as u64,
        }
    }

    /// The form of that number.
    pub fn numbered(number: u64) -> Option<Self> {
        match usize::try_from(number).ok()? {
            bits if bits == PARTS.len() => Some(Self::Bits),
            digits if digits < PARTS.len() => u8::try_from(digits).ok().map(Self::Decimal),
            _ => None,
        }
    }
}

/// Negative doubles have falling bits; turned over, all are in the doubles' order. Its own inverse.
const fn ordered(bits: i64) -> i64 {
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarsest_form_is_found() {
        for (values, form) in [
            (&[][..], Form::Decimal(0)),
            (&[1.0, -5.0, 9_007_199_254_740_991.0], Form::Decimal(0)),
            (&[1.0, 17.33, -273.15], Form::Decimal(2)),
            (&[0.1 + 0.2], Form::Bits),
            (&[0.5, f64::MAX], Form::Bits),
            (&[9_007_199_254_740_991.0, 0.5], Form::Bits),
            (&[5e-324], Form::Bits),
            (&[-1e-12], Form::Decimal(12)),
        ] {
            assert_eq!(Form::of(values), form, "{values:?}");
            let back: Vec<f64> = values.iter().map(|value| form.double(form.whole(*value)).unwrap()).collect();
            assert_eq!(back, values);
            assert_eq!(Form::numbered(form.number()), Some(form));
        }
        assert_eq!(Form::numbered(14), None);
        assert_eq!(Form::Bits.double(ordered(f64::NAN.to_bits().cast_signed())), None);
    }

    #[test]
    fn neighbouring_doubles_have_neighbouring_bits() {
        let ends = [f64::MIN, -1.0, -5e-324, 0.0, 5e-324, 1.0, f64::MAX].map(|value| Form::Bits.whole(value));
        assert!(ends.is_sorted());
        assert_eq!(ends[4] - ends[3], 1);
    }
}
