//! Numbers and times as Pulse writes them. Source: pulse specification, 2.2.

use serde::{Serialize, Serializer};

use crate::units::{UnixMillis, UnixSeconds};

/// How "never" is written.
pub const NEVER: &str = "0001-01-01T00:00:00Z";

/// A number: whole ones without a fraction, what is none as 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// Below this every whole number is a double of its own.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let value = if self.0.is_finite() { self.0 } else { 0.0 };
        if value.trunc().to_bits() == value.to_bits() && value.abs() < EXACT {
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
            return serializer.serialize_i64(value as i64);
        }
        serializer.serialize_f64(value)
    }
}

/// The time, or "never".
pub fn time(at: Option<UnixSeconds>) -> String {
    at.filter(|at| at.0 > 0).map_or_else(|| NEVER.to_owned(), UnixSeconds::rfc3339)
}

/// The time with its fraction of a second, where it has one; or "never".
pub fn time_ms(at: Option<UnixMillis>) -> String {
    let Some(at) = at.filter(|at| at.0 > 0) else { return NEVER.to_owned() };
    let mut text = at.seconds().rfc3339();
    let fraction = at.0.rem_euclid(1000);
    if fraction > 0 {
        let digits = format!("{fraction:03}");
        text.truncate(text.len().saturating_sub(1));
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
        text.push('Z');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_no_fraction_and_what_is_none_is_0() {
        let text = |value: f64| serde_json::to_string(&Number(value)).unwrap();
        for (value, written) in [
            (25.0, "25"),
            (0.0731, "0.0731"),
            (-1.0, "-1"),
            (-0.0, "0"),
            (f64::NAN, "0"),
            (f64::INFINITY, "0"),
            (1e300, "1e+300"),
            (100_861_726_720.0, "100861726720"),
        ] {
            assert_eq!(text(value), written);
        }
    }

    #[test]
    fn times_have_the_fraction_they_have_and_never_has_a_word() {
        let at = |ms: i64| time_ms(Some(UnixMillis(ms)));
        assert_eq!(at(1_754_992_800_000), "2025-08-12T10:00:00Z");
        assert_eq!(at(1_754_992_800_123), "2025-08-12T10:00:00.123Z");
        assert_eq!(at(1_754_992_800_100), "2025-08-12T10:00:00.1Z");
        assert_eq!((time_ms(None), at(0), time(None)), (NEVER.to_owned(), NEVER.to_owned(), NEVER.to_owned()));
        assert_eq!(time(Some(UnixSeconds(1_754_992_800))), "2025-08-12T10:00:00Z");
    }
}
