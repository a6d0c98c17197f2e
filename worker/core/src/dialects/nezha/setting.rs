//! `POST /api/setting` and `POST /view-password`: bodies that are a form or JSON. Source: nezha specification, 2.3, 7.3 and 17.

use serde_json::{Map, Value};

use super::Form;
use crate::failure::Failure;

/// What this fleet takes of the settings. The rest (titles, themes, code, addresses of servers) is accepted and ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRequest {
    /// What guests are asked for, an empty one for nothing. Missing, it stays: unlike the original's form, nobody can fill in the
    /// one there is.
    pub view_password: Option<String>,
    /// Whether notifications name addresses in full.
    pub plain_ip_in_notifications: bool,
}

impl SettingRequest {
    /// Reads a body: `pairs` are those of a form, `None` for JSON.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for a body that cannot be read or a value of another type.
    pub fn parse(body: &[u8], pairs: Option<&[(String, String)]>) -> Result<Self, Failure> {
        let form = form(body, pairs)?;
        let view_password =
            form.has("ViewPassword").then(|| form.text("ViewPassword").map(str::to_owned)).transpose()?;
        Ok(Self { view_password, plain_ip_in_notifications: form.on("EnablePlainIPInNotification")? })
    }
}

/// The password in the body of `POST /view-password`, `""` where there is none.
///
/// # Errors
/// As [`SettingRequest::parse`].
pub fn read_view_password(body: &[u8], pairs: Option<&[(String, String)]>) -> Result<String, Failure> {
    form(body, pairs)?.text("Password").map(str::to_owned)
}

fn form(body: &[u8], pairs: Option<&[(String, String)]>) -> Result<Form, Failure> {
    match pairs {
        None => Form::parse(body),
        Some(pairs) => {
            let values = pairs.iter().map(|(key, value)| (key.clone(), Value::String(value.clone())));
            Ok(Form::from_object(values.collect::<Map<_, _>>()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &[(&str, &str)]) -> Vec<(String, String)> {
        text.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_body_is_a_form_or_json() {
        let json =
            br#"{"Title":"x","CustomCode":"<script>","viewpassword":"p","Cover":1,"EnablePlainIPInNotification":"on"}"#;
        let expected = SettingRequest { view_password: Some("p".to_owned()), plain_ip_in_notifications: true };
        assert_eq!(SettingRequest::parse(json, None), Ok(expected.clone()));
        let form = pairs(&[("Title", "x"), ("ViewPassword", "p"), ("EnablePlainIPInNotification", "on")]);
        assert_eq!(SettingRequest::parse(b"", Some(&form)), Ok(expected));
        assert_eq!(read_view_password(b"", Some(&pairs(&[("Password", "a b")]))), Ok("a b".to_owned()));
        assert_eq!(read_view_password(br#"{"Password":"a b"}"#, None), Ok("a b".to_owned()));
        assert_eq!(read_view_password(b"{}", None), Ok(String::new()));
    }

    #[test]
    fn a_view_password_that_is_not_named_stays_and_an_empty_one_goes() {
        let view_password = |json: &[u8]| SettingRequest::parse(json, None).map(|request| request.view_password);
        assert_eq!(view_password(b"{}"), Ok(None));
        assert_eq!(view_password(br#"{"ViewPassword":""}"#), Ok(Some(String::new())));
        assert!(view_password(br#"{"ViewPassword":1}"#).is_err() && view_password(b"").is_err());
    }
}
