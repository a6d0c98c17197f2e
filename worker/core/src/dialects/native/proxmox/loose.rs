//! Reading what others write loosely: numbers that may be texts, truths that may be numbers, keys that may be missing or null.
//!
//! For `#[serde(default, deserialize_with = "…")]`. Nothing here ever refuses a value: one that makes no sense is the default, so that
//! one bad value costs itself and not the list it stands in. Source: pulse specification, 17.2.

#![expect(clippy::missing_errors_doc, reason = "all fail alike: where the text is no JSON at all")]

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Whether a key says no more than its absence does.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A number in any spelling; `None` for what is none (null, an empty or another text, a list, infinity).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Number(pub Option<f64>);

/// A whole number in any spelling; a fraction loses what is behind the point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Whole(pub Option<i64>);

/// A truth in any spelling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Truth(pub Option<bool>);

/// A text; a number or a truth is written out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(pub Option<String>);

/// A list of what can be read; an element that cannot is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

#[expect(clippy::cast_possible_truncation, reason = "a cast from double saturates")]
fn truncated(number: f64) -> Option<i64> {
    number.is_finite().then_some(number as i64)
}

#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 a double is near enough for a share or a rate")]
fn as_double(number: i64) -> f64 {
    number as f64
}

/// What a JSON value is, without keeping lists and objects.
enum Scalar<'a> {
    Null,
    Truth(bool),
    Whole(i64),
    Double(f64),
    Text(&'a str),
    Other,
}

trait FromScalar: Sized {
    fn of(scalar: Scalar<'_>) -> Self;
}

impl FromScalar for Number {
    fn of(scalar: Scalar<'_>) -> Self {
        Self(match scalar {
            Scalar::Truth(truth) => Some(f64::from(u8::from(truth))),
            Scalar::Whole(whole) => Some(as_double(whole)),
            Scalar::Double(double) => Some(double).filter(|double| double.is_finite()),
            Scalar::Text(text) => text.trim().parse().ok().filter(|double: &f64| double.is_finite()),
            Scalar::Null | Scalar::Other => None,
        })
    }
}

impl FromScalar for Whole {
    fn of(scalar: Scalar<'_>) -> Self {
        Self(match scalar {
            Scalar::Truth(truth) => Some(truth.into()),
            Scalar::Whole(whole) => Some(whole),
            Scalar::Double(double) => truncated(double),
            Scalar::Text(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| text.parse().ok().and_then(truncated))
            }
            Scalar::Null | Scalar::Other => None,
        })
    }
}

impl FromScalar for Truth {
    fn of(scalar: Scalar<'_>) -> Self {
        Self(match scalar {
            Scalar::Truth(truth) => Some(truth),
            Scalar::Whole(whole) => Some(whole != 0),
            Scalar::Double(double) => Some(double != 0.0),
            Scalar::Text(text) => match text.trim() {
                "1" | "true" | "yes" | "on" => Some(true),
                "0" | "false" | "no" | "off" => Some(false),
                _ => None,
            },
            Scalar::Null | Scalar::Other => None,
        })
    }
}

impl FromScalar for Text {
    fn of(scalar: Scalar<'_>) -> Self {
        Self(match scalar {
            Scalar::Truth(truth) => Some(truth.to_string()),
            Scalar::Whole(whole) => Some(whole.to_string()),
            Scalar::Double(double) => Some(double.to_string()),
            Scalar::Text(text) => Some(text.to_owned()),
            Scalar::Null | Scalar::Other => None,
        })
    }
}

struct Reading<T>(PhantomData<T>);

impl<'de, T: FromScalar> Visitor<'de> for Reading<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::of(Scalar::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<T, E> {
        Ok(T::of(Scalar::Truth(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<T, E> {
        Ok(T::of(Scalar::Whole(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<T, E> {
        Ok(T::of(Scalar::Whole(i64::try_from(value).unwrap_or(i64::MAX))))
    }

    fn visit_f64<E>(self, value: f64) -> Result<T, E> {
        Ok(T::of(Scalar::Double(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<T, E> {
        Ok(T::of(Scalar::Text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<T, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::of(Scalar::Other))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<T, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(T::of(Scalar::Other))
    }
}

macro_rules! reads_loosely {
    ($($kind:ty),*) => {$(
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Reading(PhantomData))
            }
        }
    )*};
}
reads_loosely!(Number, Whole, Truth, Text);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut list = Vec::new();
        each_text(deserializer, &mut |text| list.extend(serde_json::from_str(text.get()).ok()))?;
        Ok(Self(list))
    }
}

/// Reads a list piece by piece: `take` gets the text of each element. What is no list has none.
///
/// # Errors
/// Where the text is no JSON at all.
pub fn each_text<'de, D: Deserializer<'de>>(
    deserializer: D,
    take: &mut dyn FnMut(Box<RawValue>),
) -> Result<(), D::Error> {
    struct Elements<'a>(&'a mut dyn FnMut(Box<RawValue>));

    impl<'de> Visitor<'de> for Elements<'_> {
        type Value = ();

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("anything")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
            // Cut out first: what fails half way would leave the reader in the middle of the element.
            while let Some(element) = elements.next_element()? {
                (self.0)(element);
            }
            Ok(())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(())
        }

        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }

        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }

        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }

        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }

        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            Ok(())
        }

        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            Ok(())
        }
    }

    deserializer.deserialize_any(Elements(take))
}

/// A number, 0 for what is none.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Number::deserialize(deserializer).map(|number| number.0.unwrap_or_default())
}

/// A number that may be missing.
pub fn optional_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Number::deserialize(deserializer).map(|number| number.0)
}

/// A whole number, 0 for what is none.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Whole::deserialize(deserializer).map(|whole| whole.0.unwrap_or_default())
}

/// A whole number that may be missing.
pub fn optional_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Whole::deserialize(deserializer).map(|whole| whole.0)
}

/// A count or a number of an object: not negative.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Whole::deserialize(deserializer).map(|whole| whole.0.and_then(|whole| whole.try_into().ok()).unwrap_or_default())
}

/// A truth, false for what is none.
pub fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Truth::deserialize(deserializer).map(|truth| truth.0.unwrap_or_default())
}

/// A truth that holds unless it is denied.
pub fn truth_unless_denied<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Truth::deserialize(deserializer).map(|truth| truth.0.unwrap_or(true))
}

/// A truth that may be missing.
pub fn optional_truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Truth::deserialize(deserializer).map(|truth| truth.0)
}

/// A text, empty for what is none.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Text::deserialize(deserializer).map(|text| text.0.unwrap_or_default())
}

/// A text that may be missing; an empty one is.
pub fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Text::deserialize(deserializer).map(|text| text.0.filter(|text| !text.is_empty()))
}

/// A list without the elements that cannot be read; what is no list is an empty one.
pub fn list<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    List::deserialize(deserializer).map(|list| list.0)
}

/// A part that may be missing; one that cannot be read is.
pub fn optional<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(value.get()).ok())
}

/// A part with its default where it is missing or cannot be read.
pub fn or_default<'de, T: DeserializeOwned + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    optional(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Guest {
        #[serde(deserialize_with = "count")]
        vmid: u64,
        #[serde(deserialize_with = "number")]
        cpus: f64,
        #[serde(deserialize_with = "optional_whole")]
        disk: Option<i64>,
        #[serde(deserialize_with = "truth")]
        template: bool,
        #[serde(deserialize_with = "text")]
        name: String,
        #[serde(deserialize_with = "list")]
        loads: Vec<Number>,
    }

    fn guest(json: &str) -> Guest {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_number_is_read_in_every_spelling() {
        for (json, vmid) in [("113", 113), ("\"113\"", 113), ("113.9", 113), ("\"113.9\"", 113), ("true", 1)] {
            assert_eq!(guest(&format!(r#"{{"vmid":{json}}}"#)).vmid, vmid, "{json}");
        }
        assert_eq!(guest(r#"{"cpus":"1.5","disk":"744189952"}"#).cpus.to_bits(), 1.5_f64.to_bits());
        assert_eq!(guest(r#"{"disk":"744189952"}"#).disk, Some(744_189_952));
        assert_eq!(guest(r#"{"disk":9007199254740993}"#).disk, Some(9_007_199_254_740_993));
        assert_eq!(guest(r#"{"disk":18446744073709551615}"#).disk, Some(i64::MAX));
    }

    #[test]
    fn what_makes_no_sense_is_the_default_and_costs_nothing_else() {
        for nonsense in ["null", "\"\"", "\"many\"", "[1,{}]", "{\"a\":[2]}", "-4"] {
            let read = guest(&format!(r#"{{"vmid":{nonsense},"name":"web"}}"#));
            assert_eq!((read.vmid, read.name.as_str()), (0, "web"), "{nonsense}");
        }
        assert_eq!(guest("{}"), Guest::default());
    }

    #[test]
    fn truths_are_read_in_every_spelling() {
        for (json, truth) in
            [("1", true), ("\"1\"", true), ("true", true), ("0", false), ("\"0\"", false), ("null", false)]
        {
            assert_eq!(guest(&format!(r#"{{"template":{json}}}"#)).template, truth, "{json}");
        }
    }

    #[test]
    fn a_list_loses_the_elements_that_cannot_be_read() {
        let list: List<Guest> = serde_json::from_str(r#"[{"vmid":"7"},5,null,{"vmid":8,"of":"a newer one"}]"#).unwrap();
        let numbers: Vec<u64> = list.0.iter().map(|guest| guest.vmid).collect();
        assert_eq!(numbers, [7, 8]);
        for none in ["null", "{}", "3", "\"x\"", "true"] {
            assert_eq!(serde_json::from_str::<List<Guest>>(none).unwrap(), List(Vec::new()), "{none}");
        }
        assert_eq!(guest(r#"{"loads":["0.42",0.39]}"#).loads, [Number(Some(0.42)), Number(Some(0.39))]);
    }

    #[test]
    fn a_text_may_be_a_number() {
        assert_eq!(guest(r#"{"name":101}"#).name, "101");
        assert_eq!(guest(r#"{"name":null}"#).name, "");
    }
}
