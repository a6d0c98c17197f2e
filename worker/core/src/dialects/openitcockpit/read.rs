//! Reading bodies as the server does that agents were made for: a key that is null is as good as missing.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A text that may be missing or null, and of which another type is as good as missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct Text(pub Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_as_good_as_missing() {
        let text = |json: &str| serde_json::from_str::<Text>(json).unwrap().0;
        assert_eq!(text(r#""a\u003cb""#), Some("a<b".to_owned()));
        for other in ["null", "7", "{}", "[\"a\"]", "true"] {
            assert_eq!(text(other), None, "{other}");
        }
    }
}
