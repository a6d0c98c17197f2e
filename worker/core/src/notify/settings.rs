//! The settings of one channel: checked when they are made, kept as JSON under a seal, never shown where they are secret.

use std::collections::{BTreeMap, BTreeSet};

use super::address::{check_host, check_url};
use super::kinds::{Holds, Kind, Setting};
use super::mail;
use crate::failure::Failure;

/// What stands for a secret.
pub const MASK: &str = "********";
/// The longest setting that is no template, in bytes.
const MAX_LINE_BYTES: usize = 1024;
/// The longest template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 16_384;
/// The port that Cloudflare opens to nobody. Source: platform specification, 1.5.
const CLOSED_PORT: &str = "25";

/// The settings of a channel of some kind, all of them as they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    kind: Kind,
    values: BTreeMap<String, String>,
}

impl Settings {
    /// Checks settings. Empty ones are as if they were not there.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a setting that the kind does not have, lacks, or that cannot be as it is.
    pub fn check(kind: Kind, mut values: BTreeMap<String, String>) -> Result<Self, Failure> {
        values.retain(|_, value| !value.is_empty());
        if let Some(unknown) = values.keys().find(|name| kind.settings().iter().all(|one| one.name != name.as_str())) {
            return Err(invalid(unknown, &format!("a channel of the kind {} has no such setting", kind.word())));
        }
        for setting in kind.settings() {
            match values.get(setting.name) {
                None if setting.required => return Err(invalid(setting.name, "is missing")),
                None => {}
                Some(value) => check(setting, value)?,
            }
        }
        let settings = Self { kind, values };
        settings.check_together()?;
        Ok(settings)
    }

    /// Reads what [`Settings::to_text`] wrote. A webhook's text may be its bare address, as it was once kept.
    ///
    /// # Errors
    /// [`Failure::Internal`] when it is neither.
    pub fn from_text(kind: Kind, text: &str) -> Result<Self, Failure> {
        if kind == Kind::Webhook && !text.starts_with('{') {
            return Ok(Self { kind, values: BTreeMap::from([("url".to_owned(), text.to_owned())]) });
        }
        let values = serde_json::from_str(text).map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(Self { kind, values })
    }

    /// The settings as they are sealed.
    ///
    /// # Errors
    /// [`Failure::Internal`] when they cannot be written as JSON, which no text leads to.
    pub fn to_text(&self) -> Result<String, Failure> {
        serde_json::to_string(&self.values).map_err(|error| Failure::Internal(error.to_string()))
    }

    /// The same with some of them changed: `None` takes one away, and the mask leaves one as it is. Where they lead to another server,
    /// no secret stays as it is: else whoever may change a channel could have it sent to themselves.
    ///
    /// # Errors
    /// As [`Settings::check`]; [`Failure::Invalid`] for a secret that has to be said again.
    pub fn changed(self, changes: BTreeMap<String, Option<String>>) -> Result<Self, Failure> {
        let (mut values, mut said) = (self.values.clone(), BTreeSet::new());
        for (name, value) in changes.into_iter().filter(|(_, value)| value.as_deref() != Some(MASK)) {
            said.insert(name.clone());
            match value {
                Some(value) => drop(values.insert(name, value)),
                None => drop(values.remove(&name)),
            }
        }
        let after = Self::check(self.kind, values)?;
        let is_elsewhere =
            self.targets().iter().zip(after.targets()).any(|(one, other)| place(one.1) != place(other.1));
        let is_kept = |one: &&Setting| one.secret && !said.contains(one.name) && after.values.contains_key(one.name);
        match self.kind.settings().iter().find(is_kept) {
            Some(kept) if is_elsewhere => {
                Err(invalid(kept.name, "has to be said again when it goes to another server"))
            }
            _ => Ok(after),
        }
    }

    /// The kind.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What was said of it, secrets and all: for another channel by the same server.
    pub const fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// A setting, or what it is when not said.
    pub fn get(&self, name: &str) -> &str {
        let default = || self.kind.settings().iter().find(|one| one.name == name).map_or("", |one| one.default);
        self.values.get(name).map_or_else(default, String::as_str)
    }

    /// Its settings as people may see them.
    pub fn masked(&self) -> BTreeMap<String, String> {
        let shown = |setting: &Setting| {
            let value = self.values.get(setting.name)?;
            Some((setting.name.to_owned(), if setting.secret { MASK.to_owned() } else { value.clone() }))
        };
        self.kind.settings().iter().filter_map(shown).collect()
    }

    /// What must appear in no answer that is shown.
    pub fn secrets(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for setting in self.kind.settings().iter().filter(|one| one.secret) {
            let Some(value) = self.values.get(setting.name) else { continue };
            match setting.holds {
                Holds::Url | Holds::UrlTemplate => {
                    let path = value.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path);
                    let path = path.unwrap_or_default();
                    found.extend([value.clone(), path.to_owned()]);
                    found.extend(path.split(['/', '?', '&', '=']).filter(|part| is_random(part)).map(str::to_owned));
                }
                Holds::Headers | Holds::Texts => {
                    let values: BTreeMap<String, String> = serde_json::from_str(value).unwrap_or_default();
                    // `Bearer abc`: the receiver may speak of what is behind the word.
                    let behind = values.values().filter_map(|value| value.split_once(' ')).map(|(_, rest)| rest.trim());
                    found.extend(behind.map(str::to_owned).collect::<Vec<_>>());
                    found.extend(values.into_values());
                }
                Holds::Template => found.extend(of_template(value)),
                _ => found.push(value.clone()),
            }
        }
        // What is shorter is no secret, and its absence would make words unreadable.
        found.retain(|one| one.len() >= 6);
        found
    }

    /// The addresses that requests will go to: the setting's name, and a URL or a host.
    pub fn targets(&self) -> Vec<(&'static str, &str)> {
        let is_target =
            |one: &&Setting| matches!(one.holds, Holds::Url | Holds::Server | Holds::UrlTemplate | Holds::Host);
        self.kind.settings().iter().filter(is_target).map(|one| (one.name, self.get(one.name))).collect()
    }

    /// What no setting can tell alone.
    fn check_together(&self) -> Result<(), Failure> {
        let has = |name: &str| self.values.contains_key(name);
        let asks = self.kind.settings().iter().any(|one| one.name == "password");
        if asks && has("password") != has("username") {
            let missing = if has("password") { "username" } else { "password" };
            return Err(invalid(missing, "a user name and its password go together"));
        }
        match self.kind {
            Kind::Smtp if self.get("security") == "none" && has("password") => {
                Err(invalid("security", "a password is sent over tls or starttls alone"))
            }
            Kind::Ntfy if has("token") && has("password") => Err(invalid("token", "a token or a password, not both")),
            Kind::Nezha if self.get("method") == "POST" && self.get("body_type") == "form" => {
                let form = serde_json::from_str::<BTreeMap<String, String>>(self.get("body"));
                form.map(drop).map_err(|error| invalid("body", &fault(&error)))
            }
            _ => Ok(()),
        }
    }
}

fn check(setting: &Setting, value: &str) -> Result<(), Failure> {
    let refuse = |reason: &str| Err(invalid(setting.name, reason));
    let named = |failure: Failure| match failure {
        Failure::Invalid { reason, .. } => invalid(setting.name, &reason),
        other => other,
    };
    if let Holds::Template = setting.holds {
        return if value.len() > MAX_TEMPLATE_BYTES { refuse("longer than 16,384 bytes") } else { Ok(()) };
    }
    let most = if let Holds::Url | Holds::UrlTemplate | Holds::Headers | Holds::Texts | Holds::To = setting.holds {
        4096
    } else {
        MAX_LINE_BYTES
    };
    if value.len() > most {
        return refuse("is too long");
    }
    if value == MASK {
        return refuse("is the mask that stands for a secret");
    }
    if !matches!(setting.holds, Holds::Headers | Holds::Texts) && value.chars().any(char::is_control) {
        return refuse("holds control characters");
    }
    match setting.holds {
        Holds::Url => check_url(value).map_err(named),
        Holds::Server => {
            check_url(value).map_err(named)?;
            if value.contains(['?', '#']) { refuse("is a server's address, without a query") } else { Ok(()) }
        }
        Holds::UrlTemplate => {
            check_url(value).map_err(named)?;
            let authority = value.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '\\']).next());
            if authority.is_none_or(|authority| authority.contains('#')) {
                return refuse("has a placeholder in its host; where it leads must not depend on a message");
            }
            Ok(())
        }
        Holds::Headers => match serde_json::from_str::<BTreeMap<String, String>>(value) {
            Err(error) => refuse(&fault(&error)),
            Ok(headers) if headers.iter().all(|(name, value)| is_header(name, value)) => Ok(()),
            Ok(_) => refuse("holds a name or value that no header can have"),
        },
        Holds::Texts => {
            let texts = serde_json::from_str::<BTreeMap<String, String>>(value);
            texts.map(drop).or_else(|error| refuse(&fault(&error)))
        }
        Holds::Word if !value.bytes().all(is_word_byte) => refuse("letters, digits and . _ : @ = + ~ - alone"),
        Holds::Number(least, most) => match value.parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) && !(setting.name == "port" && value == CLOSED_PORT) => {
                Ok(())
            }
            Ok(_) if setting.name == "port" => {
                refuse("1 to 65535, but not 25: Cloudflare opens no connections to it; use 465 or 587")
            }
            _ => refuse(&format!("a whole number from {least} to {most}")),
        },
        Holds::OneOf(words) if !words.contains(&value) => refuse(&format!("one of {}", words.join(", "))),
        Holds::Host => {
            let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
            if !plain {
                return refuse("is no host's name or address");
            }
            check_host(value).map_err(named)
        }
        Holds::From => mail::parse_from(value).map(drop).map_err(|reason| invalid(setting.name, &reason)),
        Holds::To => mail::parse_to(value).map(drop).map_err(|reason| invalid(setting.name, &reason)),
        Holds::Template | Holds::Line | Holds::Word | Holds::OneOf(_) => Ok(()),
    }
}

/// The scheme and host of an address, and its port where one is said; a bare host as it is.
fn place(target: &str) -> String {
    let scheme = target.find("://").map_or(0, |at| at + 3);
    let end =
        target.get(scheme..).and_then(|rest| rest.find(['/', '?', '#', '\\'])).map_or(target.len(), |at| scheme + at);
    target.get(..end).unwrap_or(target).to_ascii_lowercase()
}

/// What of a request's body may be secret: texts of JSON that are one word and hold no placeholder, and of everything else what looks
/// made.
fn of_template(text: &str) -> Vec<String> {
    let is_end = |one: char| one.is_whitespace() || "\"'{}[](),;&<>".contains(one);
    let mut found: Vec<String> = Vec::new();
    let parts = text.split(is_end).flat_map(|part| part.split_once('=').map_or([part, ""], |(_, value)| [part, value]));
    found.extend(parts.filter(|part| !part.contains('#') && is_random(part)).map(str::to_owned));
    if let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(text) {
        let mut waiting: Vec<serde_json::Value> = fields.into_iter().map(|(_, value)| value).collect();
        while let Some(value) = waiting.pop() {
            match value {
                serde_json::Value::String(text) if !text.contains(['#', ' ']) => found.push(text),
                serde_json::Value::Array(list) => waiting.extend(list),
                serde_json::Value::Object(fields) => waiting.extend(fields.into_iter().map(|(_, value)| value)),
                _ => {}
            }
        }
    }
    found
}

/// What is wrong with JSON, without its words: they may be secret.
fn fault(error: &serde_json::Error) -> String {
    format!("is no JSON object of texts (line {}, column {})", error.line(), error.column())
}

/// Whether a part of an address looks made rather than named: a receiver's words may well hold `message` or `webhooks`.
fn is_random(part: &str) -> bool {
    part.len() >= 16 || part.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// Whether these can be a header's name and value.
fn is_header(name: &str, value: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token) && value.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._:@=+~-".contains(&byte)
}

fn invalid(name: &str, reason: &str) -> Failure {
    Failure::Invalid { field: name.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::notify::shown;

    /// Settings of a kind from pairs.
    pub fn settings(kind: Kind, pairs: &[(&str, &str)]) -> Result<Settings, Failure> {
        let values = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::check(kind, values)
    }

    fn field(result: Result<Settings, Failure>) -> String {
        match result {
            Err(Failure::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_kind_lacks_or_does_not_know_is_named() {
        assert_eq!(field(settings(Kind::Webhook, &[])), "url");
        assert_eq!(field(settings(Kind::Webhook, &[("url", "")])), "url");
        assert_eq!(field(settings(Kind::Webhook, &[("url", "https://x/"), ("wings", "2")])), "wings");
        assert_eq!(field(settings(Kind::Telegram, &[("token", "1:a/../b"), ("chat_id", "7")])), "token");
        assert_eq!(
            field(settings(Kind::Telegram, &[("token", "1:a"), ("chat_id", "7"), ("topic_id", "x")])),
            "topic_id"
        );
        assert_eq!(field(settings(Kind::Gotify, &[("server", "https://x/?a"), ("token", "t")])), "server");
        assert_eq!(
            field(settings(Kind::Ntfy, &[("topic", "t"), ("token", "a"), ("username", "u"), ("password", "p")])),
            "token"
        );
    }

    #[test]
    fn where_a_request_leads_does_not_depend_on_a_message() {
        for url in ["https://#SERVER.NAME#/x", "https://a#NEZHA#.example/x", "https://a#NEZHA#?x"] {
            assert_eq!(field(settings(Kind::Nezha, &[("url", url)])), "url", "{url}");
        }
        for url in ["https://a/#NEZHA#", "https://a?x=#NEZHA#"] {
            assert!(settings(Kind::Nezha, &[("url", url)]).is_ok(), "{url}");
        }
    }

    #[test]
    fn mail_goes_to_no_closed_port_and_no_password_goes_in_the_clear() {
        let base = [("host", "mail.example.com"), ("from", "a@example.com"), ("to", "b@example.com")];
        let with = |more: &[(&str, &str)]| settings(Kind::Smtp, &[&base, more].concat());
        assert!(with(&[]).is_ok() && with(&[("security", "none"), ("port", "2525")]).is_ok());
        assert_eq!(field(with(&[("port", "25")])), "port");
        assert_eq!(field(with(&[("port", "0")])), "port");
        assert_eq!(field(with(&[("security", "none"), ("username", "u"), ("password", "p")])), "security");
        assert_eq!(field(with(&[("username", "u")])), "password");
        assert_eq!(field(with(&[("security", "ssl")])), "security");
        assert_eq!(field(settings(Kind::Smtp, &[("host", "169.254.169.254"), base[1], base[2]])), "host");
        assert_eq!(field(settings(Kind::Smtp, &[("host", "a b"), base[1], base[2]])), "host");
    }

    #[test]
    fn secrets_are_masked_and_the_mask_changes_nothing() {
        let made = settings(Kind::Ntfy, &[("topic", "my-secret-topic"), ("priority", "5")]).unwrap();
        assert_eq!(made.masked()["topic"], MASK);
        assert_eq!((made.masked()["priority"].as_str(), made.get("server")), ("5", "https://ntfy.sh"));
        let change = BTreeMap::from([("topic".to_owned(), Some(MASK.to_owned())), ("priority".to_owned(), None)]);
        let changed = made.changed(change).unwrap();
        assert_eq!((changed.get("topic"), changed.get("priority")), ("my-secret-topic", ""));
        assert_eq!(field(settings(Kind::Slack, &[("url", MASK)])), "url");
    }

    #[test]
    fn a_secret_does_not_follow_its_channel_to_another_server() {
        let change = |made: &Settings, pairs: &[(&str, &str)]| {
            let changes = pairs.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect();
            made.clone().changed(changes)
        };
        let made = settings(Kind::Gotify, &[("server", "https://push.example.com"), ("token", "abcdef")]).unwrap();
        for server in ["https://evil.example.com", "http://push.example.com", "https://push.example.com:444/"] {
            assert_eq!(field(change(&made, &[("server", server)])), "token", "{server}");
            assert_eq!(field(change(&made, &[("server", server), ("token", MASK)])), "token", "{server}");
            assert!(change(&made, &[("server", server), ("token", "another")]).is_ok(), "{server}");
        }
        assert_eq!(change(&made, &[("server", "https://PUSH.example.com/base/")]).unwrap().get("token"), "abcdef");
        let telegram = settings(Kind::Telegram, &[("token", "1:a"), ("chat_id", "7")]).unwrap();
        assert_eq!(field(change(&telegram, &[("server", "https://evil.example.com")])), "token");
        assert!(change(&telegram, &[("chat_id", "8")]).is_ok());
        let mail = [("host", "a.example.com"), ("from", "a@example.com"), ("to", "b@example.com")];
        let open = settings(Kind::Smtp, &mail).unwrap();
        assert!(change(&open, &[("host", "b.example.com")]).is_ok(), "there is no secret");
        let closed = settings(Kind::Smtp, &[&mail[..], &[("username", "u"), ("password", "p")]].concat()).unwrap();
        assert_eq!(field(change(&closed, &[("host", "b.example.com")])), "password");
        let nezha = [("url", "https://a.example.com/x?y"), ("headers", r#"{"X-Key":"k"}"#)];
        let nezha = settings(Kind::Nezha, &nezha).unwrap();
        assert_eq!(field(change(&nezha, &[("url", "https://b.example.com/x?y")])), "headers");
        assert!(change(&nezha, &[("url", "https://a.example.com?z")]).is_ok());
        let gone = BTreeMap::from([
            ("url".to_owned(), Some("https://b.example.com/".to_owned())),
            ("headers".to_owned(), None),
        ]);
        assert!(nezha.changed(gone).is_ok());
    }

    #[test]
    fn the_parts_of_an_address_are_secrets_too() {
        let made = settings(Kind::Slack, &[("url", "https://hooks.slack.com/services/T000000/B000000/AbCdEf123456")]);
        let secrets = made.unwrap().secrets();
        assert!(!secrets.iter().any(|one| one == "services"), "a word is none: {secrets:?}");
        assert!(secrets.iter().any(|one| one == "AbCdEf123456"), "{secrets:?}");
    }

    #[test]
    fn what_a_body_or_a_header_holds_is_secret_too() {
        let body = r##"{"token":"tokentoken","to":["+491511234567"],"text":"#NEZHA#","deep":{"key":"Ab12Cd34"},"say":"so it is"}"##;
        let headers = r#"{"Authorization":"Bearer abcdefgh"}"#;
        let url = ("url", "https://x/");
        let made = settings(Kind::Nezha, &[url, ("method", "POST"), ("headers", headers), ("body", body)]).unwrap();
        let secrets = made.secrets();
        let said = "tokentoken +491511234567 Ab12Cd34 abcdefgh so it is";
        assert_eq!(shown(said, &secrets), "******** ******** ******** ******** so it is", "{secrets:?}");
        let form = r##"{"chat_id":"-100200300","text":"#NEZHA#"}"##;
        let made = settings(Kind::Nezha, &[url, ("method", "POST"), ("body_type", "form"), ("body", form)]).unwrap();
        assert_eq!(shown("no chat -100200300", &made.secrets()), "no chat ********");
        let bare = r"key=s3cr3ts3cr3t&text=#NEZHA#&load=#SERVER.LOAD1#";
        let made = settings(Kind::Nezha, &[url, ("method", "POST"), ("body", bare)]).unwrap();
        assert_eq!(shown("bad s3cr3ts3cr3t", &made.secrets()), "bad ********");
        assert!(made.masked().iter().all(|(name, value)| value == MASK || name == "method"), "{:?}", made.masked());
    }

    #[test]
    fn what_is_wrong_with_a_secret_is_said_without_its_words() {
        for more in [
            [("headers", r#""abcdefgh""#), ("method", "GET")],
            [("headers", r#"{"A":"abcdefgh","B":["abcdefgh"]}"#), ("method", "GET")],
        ] {
            let refused = settings(Kind::Nezha, &[&[("url", "https://x/")], &more[..]].concat());
            assert!(!format!("{refused:?}").contains("abcdefgh") && refused.is_err(), "{refused:?}");
        }
        let form = [("url", "https://x/"), ("method", "POST"), ("body_type", "form"), ("body", r#""abcdefgh""#)];
        let refused = settings(Kind::Nezha, &form);
        assert!(!format!("{refused:?}").contains("abcdefgh") && refused.is_err(), "{refused:?}");
    }

    #[test]
    fn settings_come_back_as_they_were_kept() {
        let made = settings(Kind::Ntfy, &[("topic", "t")]).unwrap();
        assert_eq!(Settings::from_text(Kind::Ntfy, &made.to_text().unwrap()), Ok(made));
        assert_eq!(Settings::from_text(Kind::Webhook, "https://x/").unwrap().get("url"), "https://x/");
        assert!(Settings::from_text(Kind::Ntfy, "t").is_err());
    }

    #[test]
    fn headers_are_an_object_of_texts() {
        let with = |headers| settings(Kind::Nezha, &[("url", "https://x/"), ("headers", headers)]);
        assert!(with(r#"{"X-A":"b"}"#).is_ok());
        for headers in ["[]", "x", r#"{"a b":"c"}"#, r#"{"a":"b\r\nc: d"}"#, r#"{"":"b"}"#, r#"{"a":1}"#] {
            assert_eq!(field(with(headers)), "headers", "{headers}");
        }
    }
}
