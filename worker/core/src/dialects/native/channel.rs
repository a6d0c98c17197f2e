//! The notification channels: `/api/edgewatch/v1/channels`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::model::{ChannelChange, ChannelDraft, ChannelInput, ChannelKind, ChannelSetting, Delivery, ListedChannel};

/// The body of `POST /api/edgewatch/v1/channels`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelRequest {
    /// What people call it.
    pub name: String,
    /// One of the kinds that `GET /api/edgewatch/v1/channels/kinds` lists.
    pub kind: String,
    /// The group that rules name; `default` when left out or empty.
    #[serde(default)]
    pub group: String,
    /// The same as `config.url`.
    #[serde(default)]
    pub url: Option<String>,
    /// The kind's settings. They are kept encrypted, and the secret ones are never shown again.
    #[serde(default)]
    pub config: BTreeMap<String, Value>,
}

/// The body of `PATCH /api/edgewatch/v1/channels/{id}`: what is left out stays.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelChangeRequest {
    /// Another name.
    #[serde(default)]
    pub name: Option<String>,
    /// Another group.
    #[serde(default)]
    pub group: Option<String>,
    /// Settings that change; null takes one away, the mask leaves it as it is.
    #[serde(default)]
    pub config: BTreeMap<String, Value>,
}

/// The answer of `GET /api/edgewatch/v1/channels`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelListReply {
    /// Oldest first.
    pub channels: Vec<ChannelPart>,
}

/// A channel without what is secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelPart {
    /// The channel's number.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// `webhook`, `telegram` and so on.
    pub kind: String,
    /// The group that rules name.
    pub group: String,
    /// When it was made, Unix seconds.
    pub created_at_s: i64,
    /// Its settings, `********` for secret ones; null when they do not open under the deployment's key.
    pub config: Option<BTreeMap<String, String>>,
    /// How many notifications wait for it.
    pub waiting: u32,
    /// How many were given up lately: nobody took them for three days.
    pub given_up: u32,
    /// What its receiver said to one of those, or what went wrong before it had words.
    pub last_error: Option<String>,
    /// Until when nothing is sent, as the receiver asked, Unix seconds; null when it did not.
    pub paused_until_s: Option<i64>,
}

/// The answer of `GET /api/edgewatch/v1/channels/kinds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelKindsReply {
    /// Every kind.
    pub kinds: Vec<ChannelKindPart>,
}

/// A kind of channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelKindPart {
    /// Its word.
    pub kind: &'static str,
    /// What goes into `config`.
    pub settings: Vec<ChannelSettingPart>,
}

/// A setting of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelSettingPart {
    /// Its key in `config`.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Whether there is no channel without it.
    pub required: bool,
    /// Whether it is never shown again.
    pub secret: bool,
    /// What it is when left out; may be empty.
    pub default: &'static str,
    /// What a form offers for it: `line`, `text` (several lines), `json` (an object of texts), `number` or `choice`.
    pub input: &'static str,
    /// Of a choice: what there is.
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    pub choices: &'static [&'static str],
    /// Of a number: the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least: Option<i64>,
    /// Of a number: the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<i64>,
}

/// The answer of `POST /api/edgewatch/v1/channels/{id}/test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelTestReply {
    /// Whether the receiver took it.
    pub delivered: bool,
    /// The receiver's HTTP status or SMTP code; null where it gave none.
    pub status: Option<u16>,
    /// The receiver's words, or what went wrong before it had any.
    pub detail: String,
}

impl ChannelRequest {
    /// The channel as the model has it.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a setting that is neither text, number, truth nor a list or object of such.
    pub fn into_draft(self) -> Result<ChannelDraft, Failure> {
        let mut settings = BTreeMap::new();
        for (name, value) in self.config {
            if let Some(value) = text(&name, value)? {
                settings.insert(name, value);
            }
        }
        if let Some(url) = self.url {
            settings.insert("url".to_owned(), url);
        }
        Ok(ChannelDraft { name: self.name, kind: self.kind, group: self.group, settings })
    }
}

impl ChannelChangeRequest {
    /// The change as the model has it.
    ///
    /// # Errors
    /// As [`ChannelRequest::into_draft`].
    pub fn into_change(self) -> Result<ChannelChange, Failure> {
        let settings: Result<_, Failure> =
            self.config.into_iter().map(|(name, value)| Ok((name.clone(), text(&name, value)?))).collect();
        Ok(ChannelChange { name: self.name, group: self.group, settings: settings? })
    }
}

/// A setting's value as text: a list of texts with commas, an object as JSON; `None` for null.
fn text(name: &str, value: Value) -> Result<Option<String>, Failure> {
    let joined = |values: Vec<Value>| {
        let texts: Option<Vec<String>> = values.into_iter().map(|one| one.as_str().map(str::to_owned)).collect();
        texts.map(|texts| texts.join(","))
    };
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => Some(text),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => Some(value.to_string()),
        Value::Array(values) => joined(values),
    };
    let invalid = || Failure::Invalid { field: name.to_owned(), reason: "a list holds texts alone".to_owned() };
    text.map(Some).ok_or_else(invalid)
}

impl From<ListedChannel> for ChannelPart {
    fn from(listed: ListedChannel) -> Self {
        Self {
            id: listed.channel.id,
            name: listed.channel.name,
            kind: listed.channel.kind,
            group: listed.channel.group,
            created_at_s: listed.channel.created_at.0,
            config: listed.settings,
            waiting: listed.backlog.waiting,
            given_up: listed.backlog.given_up,
            last_error: listed.backlog.last_error,
            paused_until_s: listed.backlog.paused_until.map(|until| until.0),
        }
    }
}

impl From<ChannelKind> for ChannelKindPart {
    fn from(kind: ChannelKind) -> Self {
        Self { kind: kind.word, settings: kind.settings.into_iter().map(ChannelSettingPart::from).collect() }
    }
}

impl From<ChannelSetting> for ChannelSettingPart {
    fn from(setting: ChannelSetting) -> Self {
        let (input, choices, bounds): (_, &[&str], _) = match setting.input {
            ChannelInput::Line => ("line", &[], None),
            ChannelInput::Text => ("text", &[], None),
            ChannelInput::Json => ("json", &[], None),
            ChannelInput::Number(least, most) => ("number", &[], Some((least, most))),
            ChannelInput::OneOf(words) => ("choice", words, None),
        };
        Self {
            name: setting.name,
            about: setting.about,
            required: setting.is_required,
            secret: setting.is_secret,
            default: setting.default,
            input,
            choices,
            least: bounds.map(|(least, _)| least),
            most: bounds.map(|(_, most)| most),
        }
    }
}

impl From<Delivery> for ChannelTestReply {
    fn from(delivery: Delivery) -> Self {
        Self { delivered: delivery.is_delivered, status: delivery.status, detail: delivery.words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_as_json_has_them() {
        let body = r#"{"name":"n","kind":"smtp","url":"https://x/",
            "config":{"port":465,"to":["a@b.c","d@e.f"],"headers":{"a":"b"},"silent":true,"gone":null}}"#;
        let draft = serde_json::from_str::<ChannelRequest>(body).unwrap().into_draft().unwrap();
        let pairs: Vec<(&str, &str)> =
            draft.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("headers", r#"{"a":"b"}"#),
                ("port", "465"),
                ("silent", "true"),
                ("to", "a@b.c,d@e.f"),
                ("url", "https://x/")
            ]
        );
        let change = serde_json::from_str::<ChannelChangeRequest>(r#"{"config":{"a":null,"b":1}}"#).unwrap();
        let change = change.into_change().unwrap();
        assert_eq!((change.name, &change.settings["a"], &change.settings["b"]), (None, &None, &Some("1".to_owned())));
        let bad = serde_json::from_str::<ChannelChangeRequest>(r#"{"config":{"to":[1]}}"#).unwrap();
        assert!(matches!(bad.into_change(), Err(Failure::Invalid { field, .. }) if field == "to"));
    }
}
