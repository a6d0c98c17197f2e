//! The envelope of `submit_checkdata.json` and `submit_package_info.json`. Source: openitcockpit specification, 1.5.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::read::Text;
use crate::failure::Failure;

/// What an agent sends; what it measured is not read.
#[derive(Debug)]
pub struct Submission<'a> {
    /// Which agent; empty where nothing is said.
    pub uuid: String,
    /// Its password; likewise.
    pub password: String,
    /// A JSON object as it was sent: `{}` where there is none.
    pub checkdata: &'a str,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Envelope<'a> {
    /// Quirk: stands first, so that the whole body is read before it is known who sends it.
    #[serde(default, borrow)]
    checkdata: Option<&'a RawValue>,
    #[serde(default)]
    agentuuid: Text,
    #[serde(default)]
    password: Text,
}

impl<'a> Submission<'a> {
    /// The envelope in a body. What is missing, or of another type, is empty.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is no JSON object.
    pub fn parse(body: &'a [u8]) -> Result<Self, Failure> {
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(Failure::Malformed { detail: "the body is no JSON object".to_owned() });
        }
        let envelope: Envelope<'a> =
            serde_json::from_slice(body).map_err(|error| Failure::Malformed { detail: error.to_string() })?;
        let checkdata = envelope.checkdata.map(RawValue::get).filter(|text| text.starts_with('{'));
        Ok(Self {
            uuid: envelope.agentuuid.0.unwrap_or_default(),
            password: envelope.password.0.unwrap_or_default(),
            checkdata: checkdata.unwrap_or("{}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> (String, String, String) {
        let read = Submission::parse(body.as_bytes()).unwrap();
        (read.uuid, read.password, read.checkdata.to_owned())
    }

    #[test]
    fn what_was_measured_is_handed_on_as_it_was_sent() {
        let body = "{\"checkdata\":{\"a\": [1,\"\\u003c}\"]},\"agentuuid\":\"u\",\"password\":\"p\"}";
        assert_eq!(read(body), ("u".to_owned(), "p".to_owned(), r#"{"a": [1,"\u003c}"]}"#.to_owned()));
        let other_order = r#"{"agentuuid":"u","password":"p","checkdata":{},"more":1}"#;
        assert_eq!(read(other_order), ("u".to_owned(), "p".to_owned(), "{}".to_owned()));
    }

    #[test]
    fn what_is_missing_is_empty() {
        for body in ["{}", r#"{"checkdata":null,"agentuuid":null}"#, r#"{"checkdata":[1],"password":1}"#] {
            assert_eq!(read(body), (String::new(), String::new(), "{}".to_owned()), "{body}");
        }
        for body in ["", "[]", "{\"checkdata\":{", "null"] {
            assert!(Submission::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
