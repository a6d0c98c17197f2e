//! Units as types, so that a number never travels without saying what it counts.

pub mod calendar;

use std::fmt;

use calendar::{DAY_S, Day};

/// Whole seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct UnixSeconds(pub i64);

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// The whole second this instant lies in.
    pub const fn seconds(self) -> UnixSeconds {
        UnixSeconds(self.0.div_euclid(1000))
    }
}

impl UnixSeconds {
    /// The first instant of this second.
    pub const fn millis(self) -> UnixMillis {
        UnixMillis(self.0.saturating_mul(1000))
    }

    /// This instant moved by `seconds`, which may be negative.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The instant as text in UTC, such as `2026-11-22T15:28:09Z`; in the years 0001 to 9999 by RFC 3339.
    pub fn rfc3339(self) -> String {
        let (Day { year, month, day }, [hour, minute, second]) = self.civil();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// The instant in UTC: its day, and hour, minute and second of that.
    pub fn civil(self) -> (Day, [i64; 3]) {
        let (days, second) = (self.0.div_euclid(DAY_S), self.0.rem_euclid(DAY_S));
        (Day::of_number(days), [second / 3_600, second / 60 % 60, second % 60])
    }

    /// Seconds from `earlier` to this instant; negative when `earlier` is the later one.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// The largest whole number that a double holds exactly and alone: from here on two numbers share one. Numbers travel to and
/// from D1 as doubles, so nothing beyond is stored. Source: platform specification, 3.5.
pub const MAX_EXACT_INTEGER: u64 = (1 << 53) - 1;

/// How finely a metric's values are kept in packed blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// As they are.
    #[default]
    Exact,
    /// Whole numbers, exact to 2^53.
    Whole,
    /// Tenths.
    Tenths,
    /// Hundredths.
    Hundredths,
    /// Multiples of 1,024.
    Kibi,
    /// Whole numbers to their first 8 binary digits: exact to 256, beyond that at most 1/256 (0.39 %) off.
    Binary8,
    /// Whole numbers to their first 11 binary digits: exact to 2,048, beyond that at most 1/2,048 (0.049 %) off.
    Binary11,
    /// Whole numbers to their first 14 binary digits: exact to 16,384, beyond that at most 1/16,384 (0.0061 %) off.
    Binary14,
    /// Hundredths to their first 10 binary digits: exact to 10.24, beyond that at most 1/1,024 (0.098 %) off.
    Hundredths10,
}

impl Step {
    /// The value at this step: the double nearest to a whole number of steps, and of the numbers whose first digits alone count
    /// the nearest one. What is too large to have such fractions is left as it is. Rounding again changes nothing.
    #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is a double exactly")]
    pub fn round(self, value: f64) -> f64 {
        let per_one = match self {
            Self::Exact => return value,
            Self::Whole | Self::Binary8 | Self::Binary11 | Self::Binary14 => 1.0,
            Self::Tenths => 10.0,
            Self::Hundredths | Self::Hundredths10 => 100.0,
            // A power of two: dividing by it is exact.
            Self::Kibi => 1.0 / 1024.0,
        };
        let steps = (value * per_one).round();
        if steps.is_nan() || steps.abs() > MAX_EXACT_INTEGER as f64 {
            return value;
        }
        self.digits().map_or(steps, |digits| leading(steps, digits)) / per_one
    }

    /// How many binary digits of the number of steps count; all, if none is said.
    const fn digits(self) -> Option<u32> {
        match self {
            Self::Binary8 => Some(8),
            Self::Hundredths10 => Some(10),
            Self::Binary11 => Some(11),
            Self::Binary14 => Some(14),
            Self::Exact | Self::Whole | Self::Tenths | Self::Hundredths | Self::Kibi => None,
        }
    }
}

/// A whole number from -(2^53 - 1) to 2^53 - 1, rounded to its first `digits` binary ones, the middle away from 0. What would
/// leave that range stays as it is.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole, below 2^53"
)]
fn leading(whole: f64, digits: u32) -> f64 {
    let magnitude = whole.abs() as u64;
    let dropped = (u64::BITS - magnitude.leading_zeros()).saturating_sub(digits);
    let rounded = (magnitude + (1 << dropped >> 1)) >> dropped << dropped;
    if rounded > MAX_EXACT_INTEGER { whole } else { (rounded as f64).copysign(whole) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn instants_are_written_as_everybody_reads_them() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_361_289, "2026-11-22T15:28:09Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (-62_135_596_800, "0001-01-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(UnixSeconds(at).rfc3339(), text);
        }
    }

    #[test]
    fn a_step_rounds_to_the_nearest_and_leaves_what_is_beyond_it() {
        for (step, value, rounded) in [
            (Step::Hundredths, 17.336, 17.34),
            (Step::Tenths, -3.25, -3.3),
            (Step::Whole, 9_007_199_254_740_991.0, 9_007_199_254_740_991.0),
            (Step::Kibi, 1_935_474_689.0, 1_935_474_688.0),
            (Step::Kibi, 511.9, 0.0),
            (Step::Binary8, 256.0, 256.0),
            (Step::Binary8, 257.0, 258.0),
            (Step::Binary8, -1_023.0, -1_024.0),
            (Step::Binary11, 1_935_474_689.0, 1_935_671_296.0),
            (Step::Binary14, 9_007_199_254_740_991.0, 9_007_199_254_740_991.0),
            (Step::Hundredths10, 10.23, 10.23),
            (Step::Hundredths10, 17.336, 17.34),
            (Step::Hundredths10, 99.85, 99.84),
            (Step::Hundredths10, 100.0, 100.0),
            (Step::Exact, 0.1 + 0.2, 0.1 + 0.2),
            (Step::Hundredths, 1e300, 1e300),
        ] {
            assert_eq!(step.round(value).to_bits(), f64::to_bits(rounded), "{value}");
        }
        assert!(Step::Whole.round(f64::NAN).is_nan());
        assert!(Step::Binary8.round(f64::NAN).is_nan());
        assert!(Step::Binary8.round(f64::INFINITY).is_infinite());
    }

    proptest! {
        #[test]
        fn what_is_dropped_is_at_most_what_is_said(whole in 0_u64..=MAX_EXACT_INTEGER, halvings in 0_u32..53, is_below_0: bool) {
            #[expect(clippy::cast_precision_loss, reason = "at most 2^53 - 1")]
            let whole = (whole >> halvings) as f64 * if is_below_0 { -1.0 } else { 1.0 };
            for (step, exact_to, part) in [
                (Step::Binary8, 256.0, 256.0),
                (Step::Binary11, 2_048.0, 2_048.0),
                (Step::Binary14, 16_384.0, 16_384.0),
                (Step::Hundredths10, 10.24, 1_024.0),
            ] {
                let value = if step == Step::Hundredths10 { Step::Hundredths.round(whole / 100.0) } else { whole };
                let rounded = step.round(value);
                prop_assert!((rounded - value).abs() <= value.abs() / part * (1.0 + 1e-12), "{step:?} {value} {rounded}");
                prop_assert!(value.abs() > exact_to || rounded.to_bits() == value.to_bits(), "{step:?} {value}");
                prop_assert_eq!(step.round(rounded).to_bits(), rounded.to_bits());
            }
        }
    }
}
