//! Reading bodies leniently: a key that is null is as good as missing, unless a missing one means something else.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::failure::Failure;
use crate::model::Said;

/// The object or list that a body holds.
///
/// # Errors
/// [`Failure::Malformed`] for what is no JSON, or of other types than `T` has.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::Malformed { detail: error.to_string() })
}

/// As [`parse`], for a body that has to be an object: a list would be taken for its values in order.
///
/// # Errors
/// As [`parse`].
pub fn parse_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    if body.trim_ascii_start().starts_with(b"{") {
        return parse(body);
    }
    Err(Failure::Malformed { detail: "the body is no JSON object".to_owned() })
}

/// For a body that says nothing: an empty one, or any JSON.
///
/// # Errors
/// As [`parse`].
pub fn parse_nothing(body: &[u8]) -> Result<(), Failure> {
    if body.trim_ascii().is_empty() { Ok(()) } else { parse::<serde::de::IgnoredAny>(body).map(drop) }
}

/// A key that may be there, be null, or be missing.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct Key<T>(#[cfg_attr(feature = "schema", schemars(with = "Option<T>"))] pub Said<T>);

impl<T> Default for Key<T> {
    fn default() -> Self {
        Self(Said::Nothing)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Key<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<T>::deserialize(deserializer)?;
        Ok(Self(value.map_or(Said::Null, Said::Value)))
    }
}

/// A value of a readable body that means nothing.
pub fn invalid(field: &str, reason: impl Into<String>) -> Failure {
    Failure::Invalid { field: field.to_owned(), reason: reason.into() }
}

/// A name: not empty, and of at most so many characters.
///
/// # Errors
/// [`Failure::Invalid`] for any other.
pub fn named(name: String, max_chars: usize) -> Result<String, Failure> {
    if name.is_empty() { Err(invalid("name", "is empty")) } else { bounded("name", name, max_chars) }
}

/// A text of at most so many characters.
///
/// # Errors
/// [`Failure::Invalid`] for a longer one.
pub fn bounded(field: &str, text: String, max_chars: usize) -> Result<String, Failure> {
    if text.chars().count() > max_chars {
        return Err(invalid(field, format!("more than {max_chars} characters")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        key: Key<String>,
    }

    #[test]
    fn missing_null_and_a_value_are_three_things() {
        let said = |body: &str| parse_object::<Body>(body.as_bytes()).map(|body| body.key.0);
        assert_eq!(said("{}"), Ok(Said::Nothing));
        assert_eq!(said(r#"{"key":null,"other":1}"#), Ok(Said::Null));
        assert_eq!(said("{\"key\":\"\\u003ca\"}\n"), Ok(Said::Value("<a".to_owned())));
        for body in [r#"{"key":1}"#, r#"["a"]"#, "", "null", "{"] {
            assert!(matches!(said(body), Err(Failure::Malformed { .. })), "{body}");
        }
    }

    #[test]
    fn a_body_that_says_nothing_may_be_empty_null_or_an_object() {
        for body in ["", "null\n", "{}", " \n"] {
            assert_eq!(parse_nothing(body.as_bytes()), Ok(()), "{body:?}");
        }
        assert!(parse_nothing(b"{").is_err());
    }
}
