//! Units as types, so that a number never travels without saying what it counts.

pub mod calendar;

use std::fmt;

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
}

impl Step {
    /// The value at this step: the double nearest to a whole number of steps. What is too large to have such fractions is
    /// left as it is.
    #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is a double exactly")]
    pub fn round(self, value: f64) -> f64 {
        let per_one = match self {
            Self::Exact => return value,
            Self::Whole => 1.0,
            Self::Tenths => 10.0,
            Self::Hundredths => 100.0,
            // A power of two: dividing by it is exact.
            Self::Kibi => 1.0 / 1024.0,
        };
        let steps = (value * per_one).round();
        if steps.abs() <= MAX_EXACT_INTEGER as f64 { steps / per_one } else { value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_rounds_to_the_nearest_and_leaves_what_is_beyond_it() {
        for (step, value, rounded) in [
            (Step::Hundredths, 17.336, 17.34),
            (Step::Tenths, -3.25, -3.3),
            (Step::Whole, 9_007_199_254_740_991.0, 9_007_199_254_740_991.0),
            (Step::Kibi, 1_935_474_689.0, 1_935_474_688.0),
            (Step::Kibi, 511.9, 0.0),
            (Step::Exact, 0.1 + 0.2, 0.1 + 0.2),
            (Step::Hundredths, 1e300, 1e300),
        ] {
            assert_eq!(step.round(value).to_bits(), f64::to_bits(rounded), "{value}");
        }
        assert!(Step::Whole.round(f64::NAN).is_nan());
    }
}
