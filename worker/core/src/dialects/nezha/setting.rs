//! `POST /api/setting` and `POST /view-password`: bodies that are a form or JSON. Source: nezha specification, 2.3, 7.3 and 17.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Form;
use crate::failure::Failure;
use crate::model::{AddressNotices, HostId, Hosts};

/// Some thousands of hosts.
const MAX_LIST_BYTES: usize = 65_536;

/// What this fleet takes of the settings. The rest (titles, themes, code, addresses of servers) is accepted and ignored. As in the
/// original a request is the whole form: a checkbox, group or list that is not in it is off or empty. The view password alone stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRequest {
    /// What guests are asked for, an empty one for nothing. Missing, it stays: unlike the original's form, nobody can fill in the
    /// one there is.
    pub view_password: Option<String>,
    /// Whether notifications name addresses in full.
    pub plain_ip_in_notifications: bool,
    /// When people are told that a host has another address.
    pub address_notices: AddressNotices,
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
        let address_notices = AddressNotices {
            is_on: form.on("EnableIPChangeNotification")?,
            group: form.text("IPChangeNotificationTag")?.to_owned(),
            hosts: covered(&form)?,
        };
        Ok(Self { view_password, plain_ip_in_notifications: form.on("EnablePlainIPInNotification")?, address_notices })
    }
}

/// The hosts whose addresses matter: with `Cover` 0 all but those of the list, with 1 those alone. The original takes what is no
/// number in the list for nothing; here it is an error, so that nobody hears of other hosts than meant.
fn covered(form: &Form) -> Result<Hosts, Failure> {
    let list = form.long_text("IgnoredIPNotification", MAX_LIST_BYTES)?;
    let ids = list.split(',').map(str::trim).filter(|id| !id.is_empty()).map(|id| id.parse().map(HostId));
    let ids: Result<BTreeSet<HostId>, _> = ids.collect();
    let ids =
        ids.map_err(|_| Failure::Malformed { detail: "IgnoredIPNotification is not a list of ids".to_owned() })?;
    match form.int_or_text("Cover")? {
        0 => Ok(Hosts::AllBut(ids)),
        1 => Ok(Hosts::Only(ids)),
        _ => Err(Failure::Malformed { detail: "Cover is not 0 or 1".to_owned() }),
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
        let expected = SettingRequest {
            view_password: Some("p".to_owned()),
            plain_ip_in_notifications: true,
            address_notices: AddressNotices { hosts: Hosts::Only(BTreeSet::new()), ..AddressNotices::default() },
        };
        assert_eq!(SettingRequest::parse(json, None), Ok(expected.clone()));
        let form =
            pairs(&[("Title", "x"), ("ViewPassword", "p"), ("Cover", "1"), ("EnablePlainIPInNotification", "on")]);
        assert_eq!(SettingRequest::parse(b"", Some(&form)), Ok(expected));
        assert_eq!(read_view_password(b"", Some(&pairs(&[("Password", "a b")]))), Ok("a b".to_owned()));
        assert_eq!(read_view_password(br#"{"Password":"a b"}"#, None), Ok("a b".to_owned()));
        assert_eq!(read_view_password(b"{}", None), Ok(String::new()));
    }

    #[test]
    fn notices_of_addresses_are_what_the_form_says_and_off_without() {
        let notices = |json: &str| SettingRequest::parse(json.as_bytes(), None).map(|request| request.address_notices);
        assert_eq!(notices("{}"), Ok(AddressNotices::default()));
        let all = r#"{"EnableIPChangeNotification":"on","IPChangeNotificationTag":"ops","IgnoredIPNotification":"3, 7,,","Cover":1}"#;
        let ids = BTreeSet::from([HostId(3), HostId(7)]);
        let expected = AddressNotices { is_on: true, group: "ops".to_owned(), hosts: Hosts::Only(ids.clone()) };
        assert_eq!(notices(all), Ok(expected));
        assert_eq!(notices(r#"{"IgnoredIPNotification":"7,3"}"#).map(|notices| notices.hosts), Ok(Hosts::AllBut(ids)));
        for wrong in [
            r#"{"Cover":2}"#,
            r#"{"Cover":-1}"#,
            r#"{"Cover":true}"#,
            r#"{"IgnoredIPNotification":"3;7"}"#,
            r#"{"IgnoredIPNotification":[3]}"#,
            r#"{"EnableIPChangeNotification":true}"#,
        ] {
            assert!(notices(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_view_password_that_is_not_named_stays_and_an_empty_one_goes() {
        let view_password = |json: &[u8]| SettingRequest::parse(json, None).map(|request| request.view_password);
        assert_eq!(view_password(b"{}"), Ok(None));
        assert_eq!(view_password(br#"{"ViewPassword":""}"#), Ok(Some(String::new())));
        assert!(view_password(br#"{"ViewPassword":1}"#).is_err() && view_password(b"").is_err());
    }
}
