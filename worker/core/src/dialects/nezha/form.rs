//! The JSON objects that Nezha's routes take, read as the original reads them. Source: nezha specification, H7 and 7.

use serde_json::{Map, Value};

use crate::failure::Failure;

/// The longest text that is taken unless a key may be longer, in bytes.
pub const MAX_TEXT_BYTES: usize = 1024;

/// An object whose keys match in any case. A key that is missing or null has the zero of its type.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Form(Map<String, Value>);

impl Form {
    /// Reads a body: unknown keys are ignored, only the first JSON value counts, `null` is `{}`.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for an empty body (in the original's word, `EOF`), no JSON, or no object.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let malformed = |detail: &str| Failure::Malformed { detail: detail.to_owned() };
        match serde_json::Deserializer::from_slice(body).into_iter::<Value>().next() {
            Some(Ok(Value::Object(object))) => Ok(Self(object)),
            Some(Ok(Value::Null)) => Ok(Self::default()),
            Some(Ok(_)) => Err(malformed("not an object")),
            Some(Err(error)) => Err(malformed(&error.to_string())),
            None => Err(malformed("EOF")),
        }
    }

    /// The form with these values.
    pub fn from_object(object: Map<String, Value>) -> Self {
        Self(object)
    }

    /// The value under a key; of keys that differ by case alone, the last one.
    fn get(&self, key: &str) -> Option<&Value> {
        let mut same = self.0.iter().filter(|(one, _)| one.eq_ignore_ascii_case(key)).map(|(_, value)| value);
        same.next_back().filter(|value| !value.is_null())
    }

    /// Whether there is a value.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// A text of at most [`MAX_TEXT_BYTES`], `""` where there is none.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for a value that is no text, or is longer; so for all that follow.
    pub fn text(&self, key: &str) -> Result<&str, Failure> {
        self.long_text(key, MAX_TEXT_BYTES)
    }

    /// A text of at most so many bytes.
    ///
    /// # Errors
    /// As [`Form::text`].
    pub fn long_text(&self, key: &str, max_bytes: usize) -> Result<&str, Failure> {
        match self.get(key) {
            None => Ok(""),
            Some(Value::String(text)) if text.len() > max_bytes => Err(wrong(key, "a shorter text", max_bytes)),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(wrong(key, "a text", max_bytes)),
        }
    }

    /// Whether a checkbox is set: the text `on` and no other.
    ///
    /// # Errors
    /// As [`Form::text`].
    pub fn on(&self, key: &str) -> Result<bool, Failure> {
        self.text(key).map(|text| text == "on")
    }

    /// A whole number, 0 where there is none.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for anything else.
    pub fn int(&self, key: &str) -> Result<i64, Failure> {
        self.get(key).map_or(Ok(0), |value| value.as_i64().ok_or_else(|| wrong(key, "a whole number", 0)))
    }

    /// A whole number, also as a text, which is how a form that is not JSON has it; 0 where there is none or an empty text.
    ///
    /// # Errors
    /// As [`Form::int`].
    pub fn int_or_text(&self, key: &str) -> Result<i64, Failure> {
        match self.get(key) {
            Some(Value::String(text)) if text.is_empty() => Ok(0),
            Some(Value::String(text)) => text.parse().map_err(|_| wrong(key, "a whole number", 0)),
            _ => self.int(key),
        }
    }

    /// A number, 0 where there is none.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for anything else.
    pub fn float(&self, key: &str) -> Result<f64, Failure> {
        self.get(key).map_or(Ok(0.0), |value| value.as_f64().ok_or_else(|| wrong(key, "a number", 0)))
    }

    /// The numbers in a list, none where there is none.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for anything else.
    pub fn ints(&self, key: &str) -> Result<Vec<i64>, Failure> {
        self.get(key).map_or(Ok(vec![]), |value| ints(value).ok_or_else(|| wrong(key, "a list of whole numbers", 0)))
    }

    /// A text that holds JSON. An empty or missing one is an error, as in the original.
    ///
    /// # Errors
    /// As [`Form::text`]; [`Failure::Malformed`] when it is no JSON.
    pub fn raw(&self, key: &str) -> Result<Value, Failure> {
        let text = self.long_text(key, 65_536)?;
        serde_json::from_str(text).map_err(|error| Failure::Malformed { detail: format!("{key}: {error}") })
    }
}

/// The numbers in a body that is a list.
///
/// # Errors
/// [`Failure::Malformed`] for anything else.
pub fn parse_ids_body(body: &[u8]) -> Result<Vec<i64>, Failure> {
    let malformed = |detail: String| Failure::Malformed { detail };
    let first = serde_json::Deserializer::from_slice(body).into_iter::<Value>().next();
    let value = first.ok_or_else(|| malformed("EOF".to_owned()))?.map_err(|error| malformed(error.to_string()))?;
    if value.is_null() { Ok(vec![]) } else { ints(&value).ok_or_else(|| malformed("not a list of ids".to_owned())) }
}

fn ints(value: &Value) -> Option<Vec<i64>> {
    value.as_array()?.iter().map(Value::as_i64).collect()
}

fn wrong(key: &str, wanted: &str, max_bytes: usize) -> Failure {
    let within = if max_bytes == 0 { String::new() } else { format!(" of at most {max_bytes} bytes") };
    Failure::Malformed { detail: format!("{key} is not {wanted}{within}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Form {
        Form::parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn a_body_is_an_object_whatever_follows_it() {
        for body in ["{}", "null", "{} garbage", " {\"a\":1}{"] {
            assert!(Form::parse(body.as_bytes()).is_ok(), "{body}");
        }
        for body in ["", " ", "[]", "1", "x", "{\"a\":"] {
            assert!(matches!(Form::parse(body.as_bytes()), Err(Failure::Malformed { .. })), "{body}");
        }
        assert_eq!(Form::parse(b""), Err(Failure::Malformed { detail: "EOF".to_owned() }));
    }

    #[test]
    fn keys_match_in_any_case_and_what_is_missing_is_zero() {
        let form = form(r#"{"NAME":"x","id":7,"Min":1.5,"notify":"on","Servers":[1,2],"Raw":"[]","Null":null}"#);
        assert_eq!((form.text("Name"), form.int("ID"), form.float("min")), (Ok("x"), Ok(7), Ok(1.5)));
        assert_eq!((form.on("Notify"), form.on("Other"), form.ints("servers")), (Ok(true), Ok(false), Ok(vec![1, 2])));
        assert_eq!((form.text("null"), form.int("gone"), form.float("gone")), (Ok(""), Ok(0), Ok(0.0)));
        assert_eq!((form.raw("raw"), form.has("null"), form.has("raw")), (Ok(Value::Array(vec![])), false, true));
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        let form = form(r#"{"Name":1,"ID":"7","Half":1.5,"Flag":true,"List":["a"],"Raw":""}"#);
        assert!(form.text("Name").is_err() && form.int("ID").is_err() && form.int("Half").is_err());
        assert!(form.on("Flag").is_err() && form.ints("List").is_err() && form.raw("Raw").is_err());
        assert!(form.raw("gone").is_err() && form.float("ID").is_err());
        let long = Form::parse(format!("{{\"Name\":\"{}\"}}", "x".repeat(1_025)).as_bytes()).unwrap();
        assert!(long.text("Name").is_err() && long.long_text("Name", 1_025).is_ok());
    }

    #[test]
    fn a_list_of_ids_is_a_body_too() {
        assert_eq!(parse_ids_body(b"[3,1]"), Ok(vec![3, 1]));
        assert_eq!(parse_ids_body(b"null"), Ok(vec![]));
        for body in ["", "{}", "[\"1\"]", "["] {
            assert!(parse_ids_body(body.as_bytes()).is_err(), "{body}");
        }
    }
}
