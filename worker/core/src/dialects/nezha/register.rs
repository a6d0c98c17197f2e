//! `POST /api/v1/server/register`.

use serde::Serialize;

use super::Form;
use crate::failure::Failure;
use crate::model::Registration;

/// The long answer, with status 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RegisterReply {
    /// Quirk: 200, not the 0 of the read routes.
    pub code: u16,
    /// `Server created successfully`.
    pub message: String,
    /// 18 characters, shown this once.
    pub secret: String,
}

impl RegisterReply {
    /// The answer that hands out `secret`.
    pub fn of(secret: String) -> Self {
        Self { code: 200, message: "Server created successfully".to_owned(), secret }
    }
}

/// The body, every key optional.
///
/// `Name`, `Tag`, `Note` and `HideForGuest` are the original's; `MachineId` and `Secret` are ours: with both of an
/// earlier registration the same host answers again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegisterRequest {
    /// Empty or missing: the caller's address.
    pub name: String,
    /// Missing: `AutoRegister`.
    pub tag: Option<String>,
    /// For administrators.
    pub note: String,
    /// Hidden only if exactly `on`, which a missing or empty one is.
    pub hide_for_guest: String,
    /// A hash of the machine's id.
    pub machine_id: String,
    /// The secret from an earlier registration.
    pub secret: String,
}

impl RegisterRequest {
    /// Reads a body. Source: nezha specification, H7 and 6.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for an empty body, no JSON, no object, or a value that is no text.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let form = Form::parse(body)?;
        let text = |key: &str| form.text(key).map(str::to_owned);
        Ok(Self {
            name: text("Name")?,
            tag: if form.has("Tag") { Some(text("Tag")?) } else { None },
            note: text("Note")?,
            hide_for_guest: text("HideForGuest")?,
            machine_id: text("MachineId")?,
            secret: text("Secret")?,
        })
    }

    /// The registration in the model's words; `address` is where the caller is.
    pub fn into_registration(self, address: &str) -> Registration {
        let some = |text: String| (!text.is_empty()).then_some(text);
        Registration {
            name: some(self.name).unwrap_or_else(|| address.to_owned()),
            tag: self.tag.and_then(some).unwrap_or_else(|| "AutoRegister".to_owned()),
            note: self.note,
            hidden_for_guest: matches!(self.hide_for_guest.as_str(), "" | "on"),
            machine_id: some(self.machine_id),
            known_secret: some(self.secret),
        }
    }
}

/// Whether `?simple=` asks for the short answer. Quirk: exactly `1` or `true`.
pub fn is_simple(value: &str) -> bool {
    matches!(value, "1" | "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<RegisterRequest, Failure> {
        RegisterRequest::parse(body.as_bytes())
    }

    #[test]
    fn nothing_given_means_the_documented_defaults() {
        for body in ["{}", "null", "{\"Unknown\":[1]}", "{} garbage"] {
            let registration = parse(body).unwrap().into_registration("198.51.100.7");
            assert_eq!(registration.name, "198.51.100.7", "{body}");
            assert_eq!(registration.tag, "AutoRegister");
            assert!(registration.hidden_for_guest);
        }
    }

    #[test]
    fn keys_match_in_any_case_and_values_are_kept_as_given() {
        let registration = parse(r#"{"name":" x ","TAG":"y","hideForGuest":"off"}"#).unwrap().into_registration("");
        assert_eq!((registration.name.as_str(), registration.tag.as_str()), (" x ", "y"));
        assert!(!registration.hidden_for_guest);
    }

    #[test]
    fn what_is_no_object_of_texts_is_refused() {
        for body in ["", " ", "[]", "1", "nonsense", r#"{"HideForGuest":true}"#, r#"{"Name":1}"#, "{\"Name\":"] {
            assert!(matches!(parse(body), Err(Failure::Malformed { .. })), "{body}");
        }
    }
}
