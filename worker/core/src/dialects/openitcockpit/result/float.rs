//! Numbers with a fraction, as Go writes them.

use serde::{Deserialize, Serialize, Serializer};

/// A number. Quirk: a whole one is written without a fraction (`0`, `100`), as Go does, since readers tell the two kinds apart. What
/// is no number is written as 0: the stock agent loses its whole document to one.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(transparent)]
pub struct Float(pub f64);

/// Whole numbers are exact up to here, 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = if self.0.is_finite() { self.0 } else { 0.0 };
        if number.fract() == 0.0 && number.abs() <= EXACT {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and small enough")]
            return serializer.serialize_i64(number as i64);
        }
        serializer.serialize_f64(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(number: f64) -> String {
        serde_json::to_string(&Float(number)).unwrap()
    }

    #[test]
    fn whole_numbers_have_no_fraction() {
        assert_eq!(written(0.0), "0");
        assert_eq!(written(-0.0), "0");
        assert_eq!(written(100.0), "100");
        assert_eq!(written(12.5), "12.5");
        assert_eq!(written(0.000_042), "0.000042");
    }

    #[test]
    fn what_is_no_number_is_0() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(written(number), "0");
        }
    }

    #[test]
    fn both_kinds_are_read() {
        assert_eq!(serde_json::from_str::<[Float; 2]>("[7,7.5]").unwrap(), [Float(7.0), Float(7.5)]);
    }
}
