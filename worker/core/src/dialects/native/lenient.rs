//! Reading numbers that may not be numbers: a wrongly typed value becomes NaN and is dropped later with a reason.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Named;

/// The time that stands for "no time at all".
pub const NO_TIME: i64 = i64::MIN;

fn as_number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// An optional number.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Value::deserialize(deserializer).map(|value| Some(as_number(&value)))
}

/// A number that must be there.
pub fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Value::deserialize(deserializer).map(|value| as_number(&value))
}

/// A list; `null` is an empty one.
pub fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Numbers by name; `null` is none.
pub fn by_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Named>, D::Error> {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = Vec<Named>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object of numbers by name")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut named = Vec::new();
            while let Some((name, value)) = map.next_entry::<String, Value>()? {
                named.push(Named { name: name.into(), value: as_number(&value) });
            }
            Ok(named)
        }
    }

    deserializer.deserialize_any(Names)
}

/// Whole milliseconds, [`NO_TIME`] for what is no number.
pub fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Value::deserialize(deserializer).map(|value| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a cast from double saturates, and an absurd time is dropped later"
        )]
        let whole = |number: f64| number as i64;
        value.as_i64().or_else(|| value.as_f64().map(whole)).unwrap_or(NO_TIME)
    })
}

/// The body with every bare `NaN`, `Infinity` and `-Infinity`, and every number beyond a double, replaced by `null`:
/// what some languages' JSON writers send. `None` when there was nothing to replace.
///
/// Texts are left alone. What is not JSON for another reason stays so.
pub fn mend_numbers(body: &[u8]) -> Option<Vec<u8>> {
    let mut mended: Option<Vec<u8>> = None;
    let mut copied = 0;
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => at = end_of_text(body, at),
            b'-' | b'0'..=b'9' | b'N' | b'I' => {
                let end = end_of_token(body, at);
                let token = body.get(at..end).unwrap_or_default();
                if is_no_number(token) {
                    let out = mended.get_or_insert_with(|| Vec::with_capacity(body.len()));
                    out.extend_from_slice(body.get(copied..at).unwrap_or_default());
                    out.extend_from_slice(b"null");
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    mended.map(|mut out| {
        out.extend_from_slice(body.get(copied..).unwrap_or_default());
        out
    })
}

fn end_of_text(body: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    body.len()
}

fn end_of_token(body: &[u8], start: usize) -> usize {
    let rest = body.get(start..).unwrap_or_default();
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    start + rest.iter().position(|byte| !part(byte)).unwrap_or(rest.len()).max(1)
}

fn is_no_number(token: &[u8]) -> bool {
    match token {
        b"NaN" | b"Infinity" | b"-Infinity" | b"-NaN" => true,
        [b'-' | b'0'..=b'9', ..] => {
            std::str::from_utf8(token).ok().and_then(|text| text.parse::<f64>().ok()).is_some_and(f64::is_infinite)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(body: &str) -> Option<String> {
        mend_numbers(body.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn bare_non_numbers_become_null() {
        assert_eq!(mended(r#"{"a":NaN,"b":[-Infinity, 1e999,2]}"#).unwrap(), r#"{"a":null,"b":[null, null,2]}"#);
    }

    #[test]
    fn texts_and_true_numbers_stay() {
        assert_eq!(mended(r#"{"NaN":"NaN \" Infinity","b":-1.5e3,"c":true,"d":null}"#), None);
    }

    #[test]
    fn a_text_that_never_ends_is_no_loop() {
        assert_eq!(mended(r#"{"a":NaN,"b":"x\"#).unwrap(), r#"{"a":null,"b":"x\"#);
    }
}
