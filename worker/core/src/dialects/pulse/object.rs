//! JSON objects that are read key by key: keys match in any case, as the product reads them, and what is left over is kept.

use serde_json::{Map, Value};

use super::read::{bad, invalid};
use crate::failure::Failure;

/// An object of which keys are taken one after another.
#[derive(Debug, Clone, Default)]
pub struct Object(Map<String, Value>);

impl Object {
    /// An object of these keys.
    pub const fn new(map: Map<String, Value>) -> Self {
        Self(map)
    }

    /// The object that a value is; `field` is what it is called where it is none.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for anything else.
    pub fn of(value: Value, field: &str) -> Result<Self, Failure> {
        match value {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(invalid(field, "must be an object")),
        }
    }

    /// Takes a key's value; `None` for none and for null.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        let value = self.0.remove(key).or_else(|| {
            let same = self.0.keys().find(|one| one.eq_ignore_ascii_case(key))?.clone();
            self.0.remove(&same)
        });
        value.filter(|value| !value.is_null())
    }

    /// Takes a finite number.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for another type; and so the next ones.
    pub fn number(&mut self, key: &str) -> Result<Option<f64>, Failure> {
        let Some(value) = self.take(key) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| invalid(key, "must be a number"))
    }

    /// Takes a count: a number from 0 on, its fraction left out.
    ///
    /// # Errors
    /// As [`Object::number`].
    pub fn count(&mut self, key: &str) -> Result<Option<u32>, Failure> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 2^32 - 1")]
        let whole = |number: f64| number.clamp(0.0, f64::from(u32::MAX)) as u32;
        Ok(self.number(key)?.map(whole))
    }

    /// Takes a boolean.
    ///
    /// # Errors
    /// As [`Object::number`].
    pub fn bool(&mut self, key: &str) -> Result<Option<bool>, Failure> {
        let Some(value) = self.take(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| invalid(key, "must be true or false"))
    }

    /// Takes a text.
    ///
    /// # Errors
    /// As [`Object::number`].
    pub fn text(&mut self, key: &str) -> Result<Option<String>, Failure> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(key, "must be a text")),
        }
    }

    /// Takes an object.
    ///
    /// # Errors
    /// As [`Object::number`].
    pub fn object(&mut self, key: &str) -> Result<Option<Self>, Failure> {
        self.take(key).map(|value| Self::of(value, key)).transpose()
    }

    /// Takes a list.
    ///
    /// # Errors
    /// As [`Object::number`].
    pub fn list(&mut self, key: &str) -> Result<Option<Vec<Value>>, Failure> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(_) => Err(invalid(key, "must be a list")),
        }
    }

    /// All keys that are left.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// What is left, as text; empty for nothing.
    pub fn rest(mut self) -> String {
        self.0.retain(|_, value| !value.is_null());
        if self.0.is_empty() { String::new() } else { Value::Object(self.0).to_string() }
    }
}

/// What [`Object::rest`] left.
pub fn rest(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// The object that a body holds.
///
/// # Errors
/// [`Failure::Malformed`] for anything else.
pub fn parse(body: &[u8]) -> Result<Object, Failure> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(Object(map)),
        _ => Err(bad(super::read::INVALID_BODY)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_in_any_case_and_the_rest_is_kept() {
        let mut object =
            parse(br#"{"Number":1.5,"n":null,"flag":true,"Text":"a","list":[1],"object":{"x":1},"other":7,"no":null}"#)
                .unwrap();
        assert_eq!(
            (object.number("number"), object.number("n"), object.bool("flag")),
            (Ok(Some(1.5)), Ok(None), Ok(Some(true)))
        );
        assert_eq!((object.text("text"), object.list("list").unwrap().unwrap().len()), (Ok(Some("a".to_owned())), 1));
        assert_eq!(object.object("object").unwrap().unwrap().count("x"), Ok(Some(1)));
        let left = object.rest();
        assert_eq!((left.as_str(), rest(&left).len(), rest("").len()), (r#"{"other":7}"#, 1, 0));
        assert_eq!(Object::default().rest(), "");
    }

    #[test]
    fn other_types_are_refused_by_name() {
        let taken = |body: &str| parse(body.as_bytes()).unwrap();
        assert!(matches!(taken(r#"{"a":"1"}"#).number("a"), Err(Failure::Invalid { field, .. }) if field == "a"));
        assert!(taken(r#"{"a":1}"#).bool("a").is_err() && taken(r#"{"a":1}"#).text("a").is_err());
        assert!(taken(r#"{"a":1}"#).object("a").is_err() && taken(r#"{"a":{}}"#).list("a").is_err());
        assert_eq!((taken(r#"{"a":-3}"#).count("a"), taken(r#"{"a":2.9}"#).count("a")), (Ok(Some(0)), Ok(Some(2))));
        for body in ["", "[]", "null", "{"] {
            assert_eq!(parse(body.as_bytes()).err(), Some(bad("Invalid request body")));
        }
    }
}
