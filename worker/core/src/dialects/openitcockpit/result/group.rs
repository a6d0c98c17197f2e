//! One group of the document: its value, or why there is none.

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A group's value, or `{"error":"…"}` in its place, whatever the value's type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged, inline))]
pub enum Group<T> {
    /// What was found.
    Value(T),
    /// Why nothing was, in words for people.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    Failed(String),
}

impl<T> Group<T> {
    /// What was found, unless it failed.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Failed(_) => None,
        }
    }

    /// Why it failed, if it did.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Value(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl<'de, T: Deserialize<'de>> Group<T> {
    /// The group that a document has there: none where it has nothing or `null`. One of the wrong shape has failed.
    pub(super) fn read(raw: Option<&'de RawValue>) -> Option<Self> {
        let text = raw?.get();
        if text == "null" {
            return None;
        }
        // One look at the first key: values of groups have no `error`, and what is called so in those by name is no text.
        if let Ok(Failure(error)) = serde_json::from_str(text) {
            return Some(Self::Failed(error));
        }
        Some(match serde_json::from_str(text) {
            Ok(value) => Self::Value(value),
            Err(error) => Self::Failed(format!("does not read as expected: {error}")),
        })
    }
}

impl<T: Serialize> Serialize for Group<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Failed(error) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("error", error)?;
                map.end()
            }
        }
    }
}

/// The text of an object that begins with `error`; reading stops at the first key of another one.
struct Failure(String);

impl<'de> Deserialize<'de> for Failure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Only;

        impl<'de> Visitor<'de> for Only {
            type Value = Failure;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object that begins with an error")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                if map.next_key::<String>()?.as_deref() != Some("error") {
                    return Err(A::Error::custom("no error"));
                }
                let error = map.next_value()?;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Failure(error))
            }
        }

        deserializer.deserialize_map(Only)
    }
}

/// What `null` stands for in a Go program's list: an empty one. Texts alike.
pub(super) fn nullable<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Option<Group<T>> {
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        Group::read(Some(raw))
    }

    #[test]
    fn an_error_stands_in_for_any_type() {
        let failed = || "no such file".to_owned();
        let text = r#"{"error":"no such file"}"#;
        assert_eq!(read::<Vec<u64>>(text), Some(Group::Failed(failed())));
        assert_eq!(read::<BTreeMap<String, Vec<u64>>>(text), Some(Group::Failed(failed())));
        assert_eq!(read::<Vec<u64>>(r#"{"error":"no such file","code":2}"#), Some(Group::Failed(failed())));
        assert_eq!(serde_json::to_string(&Group::<u64>::Failed(failed())).unwrap(), text);
    }

    #[test]
    fn a_thing_that_is_called_error_is_none() {
        let found: Option<Group<BTreeMap<String, Vec<u64>>>> = read(r#"{"error":[1]}"#);
        assert_eq!(found, Some(Group::Value(BTreeMap::from([("error".to_owned(), vec![1])]))));
    }

    #[test]
    fn a_group_of_another_shape_has_failed_and_null_is_none() {
        let found: Option<Group<Vec<u64>>> = read("5");
        assert!(found.unwrap().error().unwrap().starts_with("does not read as expected: "));
        assert_eq!(read::<Vec<u64>>("null"), None);
        assert_eq!(Group::<u64>::read(None), None);
    }
}
