//! Doubles as whole numbers and back, exactly.

use crate::units::MAX_EXACT_INTEGER;

/// How a series' doubles are written as whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Each is the double nearest to a whole number of these parts: 0 for ones, 1 for tenths, 2 for hundredths …
    Decimal(u8),
    /// The same, of numbers of which only so many leading binary digits are not 0, by their places among all such numbers: so
    /// what is rounded to a part of itself lies as close together when it is large as when it is small.
    Leading(u8, u8),
    /// Their bits, in an order in which neighbours are close.
    Bits,
}

/// Ones, tenths and so on: how many are one.
const PARTS: [f64; 13] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

/// The fewest and the most leading digits by which numbers are placed.
const LEAST_LEADING: u32 = 2;
const MOST_LEADING: u8 = 24;

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

    /// The same numbers by their leading digits, where those are fewer than the numbers have as multiples of what all are
    /// multiples of.
    pub fn leading(self, values: &[f64]) -> Self {
        let Self::Decimal(digits) = self else { return self };
        let (mut least, mut most, mut kept) = (u32::MAX, 0, LEAST_LEADING);
        for whole in values.iter().map(|value| self.whole(*value).unsigned_abs()).filter(|whole| *whole > 0) {
            let (zeros, size) = (whole.trailing_zeros(), whole.ilog2() + 1);
            (least, most, kept) = (least.min(zeros), most.max(size), kept.max(size - zeros));
        }
        match u8::try_from(kept) {
            Ok(kept) if kept <= MOST_LEADING && most.saturating_sub(least) > kept.into() => Self::Leading(digits, kept),
            _ => self,
        }
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
            Self::Leading(digits, kept) => place(Self::decimal(digits, value).unwrap_or(0), kept),
            Self::Bits => ordered(value.to_bits().cast_signed()),
        }
    }

    /// What `whole` stands for, when that is a finite number.
    #[expect(clippy::cast_precision_loss, reason = "what was written is bounded by 2^53")]
    pub fn double(self, whole: i64) -> Option<f64> {
        let value = match self {
            Self::Decimal(digits) => whole as f64 / PARTS.get(usize::from(digits))?,
            Self::Leading(digits, kept) => placed(whole, kept)? as f64 / PARTS.get(usize::from(digits))?,
            Self::Bits => f64::from_bits(ordered(whole).cast_unsigned()),
        };
        value.is_finite().then_some(value)
    }

    /// Another series' value, or what follows from it, in these parts; none when they are bits.
    #[expect(clippy::cast_possible_truncation, reason = "saturates; a prediction may be anything")]
    pub fn near(self, value: f64) -> Option<i64> {
        match self {
            Self::Decimal(digits) => Some((value * PARTS.get(usize::from(digits))?).round() as i64),
            Self::Leading(digits, kept) => Some(place((value * PARTS.get(usize::from(digits))?).round() as i64, kept)),
            Self::Bits => None,
        }
    }

    /// The number that names the form.
    pub fn number(self) -> u64 {
        match self {
            Self::Decimal(digits) | Self::Leading(digits, _) => u64::from(digits),
            Self::Bits => PARTS.len() as u64,
        }
    }

    /// How many leading digits count, 0 for all.
    pub fn kept(self) -> u64 {
        if let Self::Leading(_, kept) = self { u64::from(kept) } else { 0 }
    }

    /// The form of so many leading digits.
    pub fn keeping(self, kept: u64) -> Option<Self> {
        match (self, u8::try_from(kept).ok()?) {
            (form, 0) => Some(form),
            (Self::Decimal(digits), kept) if (LEAST_LEADING..=MOST_LEADING.into()).contains(&kept.into()) => {
                Some(Self::Leading(digits, kept))
            }
            _ => None,
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

/// The place of a number of `kept` leading digits among those that there are, as far from 0 as that of its negative. What is
/// of more digits is cut.
fn place(whole: i64, kept: u8) -> i64 {
    let magnitude = whole.unsigned_abs();
    let dropped = (u64::BITS - magnitude.leading_zeros()).saturating_sub(u32::from(kept));
    let place = (u64::from(dropped) << (kept - 1)) + (magnitude >> dropped);
    if whole < 0 { 0_i64.wrapping_sub_unsigned(place) } else { 0_i64.wrapping_add_unsigned(place) }
}

/// The number at that place, when it is one that doubles hold exactly.
fn placed(place: i64, kept: u8) -> Option<i64> {
    let magnitude = place.unsigned_abs();
    let dropped = (magnitude >> (kept - 1)).saturating_sub(1);
    let leading = magnitude - (dropped << (kept - 1));
    if dropped + u64::from(kept) > 53 {
        return None;
    }
    let whole = (leading << dropped).cast_signed();
    Some(if place < 0 { -whole } else { whole })
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
    fn numbers_of_few_leading_digits_lie_side_by_side() {
        for kept in [2, 8, 11, MOST_LEADING] {
            let form = Form::Decimal(0).keeping(kept.into()).unwrap();
            // The largest doubles that are whole numbers lie last.
            let last = ((55 - i64::from(kept)) << (kept - 1)) - 1;
            let most = last.min(5_000);
            for place in (-most..most).chain(last - most..last) {
                let value = form.double(place).unwrap();
                assert_eq!((form.whole(value), form.near(value)), (place, Some(place)), "{kept} {value}");
                assert!(value < form.double(place + 1).unwrap());
            }
            assert!(form.double(last).unwrap() < 9_007_199_254_740_992.0);
            assert_eq!((form.double(last + 1), form.double(-last - 1)), (None, None));
            assert_eq!((form.double(i64::MIN), form.double(i64::MAX)), (None, None));
        }
        assert_eq!([1, 25].map(|kept| Form::Decimal(0).keeping(kept)), [None; 2]);
        assert_eq!((Form::Bits.keeping(8), Form::Bits.keeping(0)), (None, Some(Form::Bits)));
    }

    #[test]
    fn leading_digits_count_where_sizes_differ() {
        for (values, form) in [
            (&[3.0 * 1024.0, 5.0 * 1_048_576.0][..], Form::Leading(0, 3)),
            (&[0.0, -6_400.0, 0.25], Form::Leading(2, 10)),
            // Multiples of 4,096 below 16 of them: as such they have no more digits.
            (&[4096.0, 3.0 * 4096.0, 15.0 * 4096.0], Form::Decimal(0)),
            (&[1.0, 33_554_433.0], Form::Decimal(0)),
            (&[0.1 + 0.2], Form::Bits),
        ] {
            let found = Form::of(values).leading(values);
            let back: Vec<f64> = values.iter().map(|value| found.double(found.whole(*value)).unwrap()).collect();
            assert_eq!(back, values);
            assert_eq!(found, form, "{values:?}");
        }
    }

    #[test]
    fn neighbouring_doubles_have_neighbouring_bits() {
        let ends = [f64::MIN, -1.0, -5e-324, 0.0, 5e-324, 1.0, f64::MAX].map(|value| Form::Bits.whole(value));
        assert!(ends.is_sorted());
        assert_eq!(ends[4] - ends[3], 1);
    }
}
