//! Reading bodies: unknown keys are ignored, no content type is asked for. Source: pulse specification, 2.1.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// What clients are told of a body that cannot be read.
pub const INVALID_BODY: &str = "Invalid request body";

/// A refusal with status 400 in these words.
pub fn bad(text: impl Into<String>) -> Failure {
    Failure::Malformed { detail: text.into() }
}

/// A value of a readable body that means nothing.
pub fn invalid(field: &str, reason: impl Into<String>) -> Failure {
    Failure::Invalid { field: field.to_owned(), reason: reason.into() }
}

/// What a body holds, which has to be an object.
///
/// # Errors
/// [`Failure::Malformed`] for anything else.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    // A list would be taken for an object's values in order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(bad(INVALID_BODY));
    }
    serde_json::from_slice(body).map_err(|_| bad(INVALID_BODY))
}

/// The object that a body holds.
///
/// # Errors
/// [`Failure::Malformed`] for anything else.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, Failure> {
    parse(body)
}

/// As [`object`], for a body that may say nothing at all.
///
/// # Errors
/// [`Failure::Malformed`] for what is neither empty nor `null` nor an object.
pub fn object_or_nothing(body: &[u8]) -> Result<Map<String, Value>, Failure> {
    if matches!(body.trim_ascii(), b"" | b"null") { Ok(Map::new()) } else { object(body) }
}

/// A text; `null` is an empty one.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A list; `null` is an empty one.
pub fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "text")]
        name: String,
        #[serde(default, deserialize_with = "list")]
        list: Vec<i64>,
    }

    #[test]
    fn a_body_is_an_object_and_null_is_as_good_as_missing() {
        let body = Body { name: String::new(), list: vec![] };
        for text in ["{}", r#" {"name":null,"list":null,"other":{}}"#] {
            assert_eq!(parse::<Body>(text.as_bytes()), Ok(Body { name: String::new(), list: vec![] }));
        }
        assert_eq!(body.list.len(), 0);
        for text in ["", "null", "[]", r#"["a",[1]]"#, "{", r#"{"name":1}"#, "{} x"] {
            assert_eq!(parse::<Body>(text.as_bytes()), Err(bad("Invalid request body")), "{text}");
        }
        assert_eq!(object_or_nothing(b" "), Ok(Map::new()));
        assert!(object_or_nothing(b"7").is_err());
    }
}
