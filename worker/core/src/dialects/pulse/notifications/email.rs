//! The setting for mail. Source: pulse specification, 11.1.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::dialects::pulse::object::{self, Object};
use crate::dialects::pulse::read::invalid;
use crate::failure::Failure;
use crate::model::MailSettings;

/// The longest address. Source: RFC 5321, 4.5.3.1.3.
const MAX_ADDRESS_BYTES: usize = 254;
/// So many people are told at most.
const MAX_RECIPIENTS: usize = 50;

/// The setting, as it is answered and exported: all ten keys, always.
#[derive(Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EmailConfig {
    enabled: bool,
    provider: String,
    server: String,
    port: u16,
    username: String,
    /// Empty in every answer; only an export has it.
    password: String,
    from: String,
    to: Vec<String>,
    tls: bool,
    #[serde(rename = "startTLS")]
    start_tls: bool,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl EmailConfig {
    /// The setting without its password.
    pub fn shown(settings: &MailSettings) -> Self {
        Self { password: String::new(), ..Self::exported(settings) }
    }

    /// The setting with its password, for an export.
    pub fn exported(settings: &MailSettings) -> Self {
        Self {
            enabled: settings.is_enabled,
            provider: settings.provider.clone(),
            server: settings.server.clone(),
            port: settings.port,
            username: settings.username.clone(),
            password: settings.password.clone(),
            from: settings.from.clone(),
            to: settings.to.clone(),
            tls: settings.tls,
            start_tls: settings.start_tls,
            rest: object::rest(&settings.rest),
        }
    }
}

/// The setting with what a body says; an empty password, and what is not said, stays.
///
/// # Errors
/// [`Failure::Malformed`] for no object, [`Failure::Invalid`] for what cannot be.
pub fn changed_mail(settings: &MailSettings, body: &[u8]) -> Result<MailSettings, Failure> {
    read_mail(settings, object::parse(body)?)
}

/// As [`changed_mail`], of an object.
///
/// # Errors
/// [`Failure::Invalid`] likewise.
pub fn read_mail(settings: &MailSettings, mut from: Object) -> Result<MailSettings, Failure> {
    let text = |from: &mut Object, key: &str, known: &str| {
        let text = from.text(key)?.unwrap_or_else(|| known.to_owned());
        // They become parts of commands and headers.
        if text.len() > 512 || text.chars().any(char::is_control) {
            Err(invalid(key, "is too long, or no text"))
        } else {
            Ok(text)
        }
    };
    let server_alias = text(&mut from, "smtpHost", &settings.server)?;
    let port = match from.number("smtpPort")? {
        Some(port) => from.number("port")?.or(Some(port)),
        None => from.number("port")?,
    };
    let recipients = from.take("recipients");
    let password = text(&mut from, "password", "")?;
    let new = MailSettings {
        is_enabled: from.bool("enabled")?.unwrap_or(settings.is_enabled),
        provider: text(&mut from, "provider", &settings.provider)?,
        server: text(&mut from, "server", &server_alias)?.trim().to_owned(),
        port: port.map_or(Ok(settings.port), read_port)?,
        username: text(&mut from, "username", &settings.username)?,
        password: if password.is_empty() { settings.password.clone() } else { password },
        from: text(&mut from, "from", &settings.from)?.trim().to_owned(),
        to: from.take("to").or(recipients).map_or_else(|| Ok(settings.to.clone()), read_list)?,
        tls: from.bool("tls")?.unwrap_or(settings.tls),
        start_tls: from.bool("startTLS")?.unwrap_or(settings.start_tls),
        rest: from.rest(),
    };
    if new.is_enabled {
        check_addresses(&new)?;
    }
    Ok(new)
}

fn read_port(number: f64) -> Result<u16, Failure> {
    if number.trunc().to_bits() != number.to_bits() || !(1.0..=65_535.0).contains(&number) {
        return Err(invalid("port", "must be between 1 and 65535"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, from 1 to 65535")]
    let port = number as u16;
    Ok(port)
}

/// Addresses: a list of them, or one text with commas.
fn read_list(value: Value) -> Result<Vec<String>, Failure> {
    let wrong = || invalid("to", "must be a list of addresses");
    let texts = match value {
        Value::String(text) => text.split(',').map(str::to_owned).collect(),
        Value::Array(list) => {
            let text = |value: Value| value.as_str().map(str::to_owned).ok_or_else(wrong);
            list.into_iter().map(text).collect::<Result<Vec<_>, _>>()?
        }
        _ => return Err(wrong()),
    };
    let found: Vec<String> = texts.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect();
    if found.len() > MAX_RECIPIENTS { Err(invalid("to", "names too many addresses")) } else { Ok(found) }
}

fn check_addresses(settings: &MailSettings) -> Result<(), Failure> {
    let from = std::iter::once(&settings.from).filter(|from| !from.is_empty()).map(|one| ("from", one));
    for (field, address) in from.chain(settings.to.iter().map(|one| ("to", one))) {
        if !is_address(address) {
            return Err(invalid(field, format!("{address} is no mail address")));
        }
    }
    Ok(())
}

/// Whether it is an address: with or without a name before it, which then has it in angle brackets.
fn is_address(text: &str) -> bool {
    let address = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) if !name.contains(['<', '>']) => address,
        Some(_) => return false,
        None => text,
    };
    let is_fine = |byte: u8| byte.is_ascii_graphic() && !b"<>()[],;:\\\"".contains(&byte);
    let is_domain = |domain: &str| {
        !domain.is_empty() && !domain.contains('@') && !domain.starts_with('.') && !domain.ends_with('.')
    };
    address.len() <= MAX_ADDRESS_BYTES
        && address.bytes().all(is_fine)
        && address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && is_domain(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(settings: &MailSettings, body: &str) -> Result<MailSettings, Failure> {
        changed_mail(settings, body.as_bytes())
    }

    #[test]
    fn the_setting_has_ten_keys_and_never_its_password() {
        let usual = r#"{"enabled":false,"provider":"","server":"","port":587,"username":"","password":"","from":"","to":[],"tls":true,"startTLS":false}"#;
        let json = |config: EmailConfig| serde_json::to_string(&config).unwrap();
        assert_eq!(json(EmailConfig::shown(&MailSettings::default())), usual);
        let secret = changed(&MailSettings::default(), r#"{"password":"hidden","maxRetries":3}"#).unwrap();
        let shown = json(EmailConfig::shown(&secret));
        assert!(!shown.contains("hidden") && shown.contains(r#""maxRetries":3"#));
        assert!(json(EmailConfig::exported(&secret)).contains("hidden"));
    }

    #[test]
    fn an_empty_password_keeps_the_stored_one_and_other_names_are_known() {
        let body = r#"{"enabled":true,"provider":"Gmail","smtpHost":"smtp.gmail.com","smtpPort":465,"username":"me","password":"p",
            "from":"Me <me@example.com>","recipients":["ops@example.com"," "],"tls":true,"startTLS":false}"#;
        let set = changed(&MailSettings::default(), body).unwrap();
        assert_eq!(
            (set.server.as_str(), set.port, set.to.as_slice()),
            ("smtp.gmail.com", 465, ["ops@example.com".to_owned()].as_slice())
        );
        let again = changed(&set, r#"{"password":"","port":587,"to":"a@example.com, b@example.com"}"#).unwrap();
        assert_eq!((again.password.as_str(), again.port, again.to.len(), again.is_enabled), ("p", 587, 2, true));
        assert_eq!(changed(&set, r#"{"password":null}"#).unwrap(), set);
        assert_eq!(changed(&set, r#"{"server":"a","smtpHost":"b"}"#).unwrap().server, "a");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for body in [
            "",
            "[]",
            r#"{"port":0}"#,
            r#"{"port":65536}"#,
            r#"{"port":1.5}"#,
            r#"{"port":"587"}"#,
            r#"{"enabled":1}"#,
            r#"{"to":7}"#,
            r#"{"to":[7]}"#,
            r#"{"enabled":true,"from":"me"}"#,
            r#"{"enabled":true,"to":["a@b","a b@c"]}"#,
            r#"{"enabled":true,"from":"a@b@c"}"#,
            "{\"server\":\"a\\nb\"}",
        ] {
            let refused = changed(&MailSettings::default(), body);
            assert!(matches!(refused, Err(Failure::Malformed { .. } | Failure::Invalid { .. })), "{body}");
        }
        // Whoever has not switched it on may still be typing.
        assert!(changed(&MailSettings::default(), r#"{"enabled":false,"from":"me"}"#).is_ok());
    }
}
