//! Notification channels: those that are mail, Slack or a webhook. Strict clients know a list of types, and ours has others.
//! Source: mackerel specification, 10.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::read::{invalid, named, parse_object};
use super::scope;
use crate::failure::Failure;
use crate::model::{ChannelSaid, ChannelWish, ListedChannel, WishedKind};

/// The longest name, in characters, as everywhere.
const MAX_NAME_CHARS: usize = 64;
/// The most addresses.
const MOST_EMAILS: usize = 50;
/// Of what a channel may be told.
const EVENTS: [&str; 6] = [ChannelSaid::ALERT, "alertGroup", "hostStatus", "hostRegister", "hostRetire", "monitor"];
/// Whom a message calls, by the state of the alert; and the setting that holds it.
const MENTIONS: [(&str, &str); 3] =
    [("ok", "mention_ok"), ("warning", "mention_warning"), ("critical", "mention_critical")];

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChannelPart {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `email`, `slack` or `webhook`, and what that has.
    #[serde(flatten)]
    pub form: ChannelForm,
    /// Of what it is told.
    pub events: Vec<String>,
    /// Quirk: null, and never left out.
    pub suspended_at: Option<i64>,
}

/// What a type of channel has that the others do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum ChannelForm {
    /// Mail.
    Email {
        /// Addresses.
        emails: Vec<String>,
        /// Ids of people.
        user_ids: Vec<String>,
    },
    /// Slack, or what understands its messages.
    Slack {
        /// A mask: who knows the address can post there.
        url: String,
        /// Whom a message calls.
        mentions: BTreeMap<&'static str, String>,
        /// Kept; there are no pictures.
        enabled_graph_image: bool,
    },
    /// A webhook.
    Webhook {
        /// A mask.
        url: String,
        /// Kept; there are no pictures.
        enabled_graph_image: bool,
    },
}

/// `GET /channels`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelListReply {
    /// In the order in which they were made.
    pub channels: Vec<ChannelPart>,
}

/// `POST /channels`, `PUT /channels/<id>`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChannelRequest {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    emails: scope::Names,
    user_ids: scope::Names,
    url: Option<String>,
    mentions: Option<BTreeMap<String, Option<String>>>,
    enabled_graph_image: Option<bool>,
    events: scope::Names,
}

impl ChannelRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what cannot be read.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        parse_object(body)
    }

    /// What it means; whether an address can be is for the channel's kind to say.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what cannot be.
    pub fn checked(self) -> Result<ChannelWish, Failure> {
        let events = self.events.unwrap_or_else(|| vec![ChannelSaid::ALERT.to_owned()]);
        if events.len() > EVENTS.len() || !events.iter().all(|event| EVENTS.contains(&event.as_str())) {
            return Err(invalid("events", format!("are some of {}", EVENTS.join(", "))));
        }
        let mut said = ChannelSaid {
            events,
            has_graph_image: self.enabled_graph_image.unwrap_or(false),
            ..ChannelSaid::default()
        };
        let url = |url: Option<String>| url.ok_or_else(|| invalid("url", "is missing"));
        let (kind, settings) = match self.kind.as_str() {
            "email" => {
                said.emails = self.emails.unwrap_or_default();
                said.user_ids = scope::ids("userIds", self.user_ids)?;
                if said.emails.len() > MOST_EMAILS {
                    return Err(invalid("emails", "more than 50"));
                }
                if said.emails.is_empty() && said.user_ids.is_empty() {
                    return Err(invalid("emails", "neither addresses nor people"));
                }
                // One address each: a list of them goes by commas.
                if said.emails.iter().any(|email| email.contains(',')) {
                    return Err(invalid("emails", "is no address"));
                }
                (WishedKind::Mail, BTreeMap::new())
            }
            "slack" => {
                let mut settings = mentions(self.mentions.unwrap_or_default())?;
                settings.insert("url".to_owned(), url(self.url)?);
                (WishedKind::Slack, settings)
            }
            "webhook" => (WishedKind::Webhook, BTreeMap::from([("url".to_owned(), url(self.url)?)])),
            _ => return Err(invalid("type", "is not email, slack or webhook")),
        };
        Ok(ChannelWish { name: named(self.name, MAX_NAME_CHARS)?, kind, settings, said })
    }
}

/// The settings of these mentions. Quirk: an empty one is none.
fn mentions(given: BTreeMap<String, Option<String>>) -> Result<BTreeMap<String, String>, Failure> {
    let mut settings = BTreeMap::new();
    for (state, text) in given {
        let setting = MENTIONS.iter().find(|(word, _)| *word == state).map(|(_, setting)| *setting);
        let setting = setting.ok_or_else(|| invalid("mentions", "are for ok, warning and critical"))?;
        settings.insert(setting.to_owned(), text.unwrap_or_default());
    }
    Ok(settings)
}

impl ChannelPart {
    /// A channel with its id; `None` for one of a type that strict clients do not know.
    pub fn of(id: String, listed: &ListedChannel) -> Option<Self> {
        let said = listed.channel.said.clone();
        let setting = |name: &str| {
            let settings = listed.settings.as_ref();
            settings.and_then(|settings| settings.get(name).cloned()).unwrap_or_default()
        };
        let enabled_graph_image = said.as_ref().is_some_and(|said| said.has_graph_image);
        let form = match WishedKind::of_word(&listed.channel.kind)? {
            WishedKind::Mail => {
                let to = || setting("to").split(',').map(|one| one.trim().to_owned()).collect();
                let (emails, user_ids) =
                    said.as_ref().map_or_else(|| (to(), vec![]), |said| (said.emails.clone(), said.user_ids.clone()));
                ChannelForm::Email { emails, user_ids }
            }
            WishedKind::Slack => {
                let mention = |(word, name): (&'static str, &str)| (word, setting(name));
                let mentions = MENTIONS.into_iter().map(mention).filter(|(_, text)| !text.is_empty()).collect();
                ChannelForm::Slack { url: setting("url"), mentions, enabled_graph_image }
            }
            WishedKind::Webhook => ChannelForm::Webhook { url: setting("url"), enabled_graph_image },
        };
        let events = said.map_or_else(|| vec![ChannelSaid::ALERT.to_owned()], |said| said.events);
        Some(Self { id, name: listed.channel.name.clone(), form, events, suspended_at: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Backlog, Channel};
    use crate::units::UnixSeconds;

    fn read(body: &str) -> Result<ChannelWish, Failure> {
        ChannelRequest::parse(body.as_bytes())?.checked()
    }

    fn listed(kind: &str, settings: &[(&str, &str)], said: Option<ChannelSaid>) -> ListedChannel {
        let (id, name, kind) = (1, "n".to_owned(), kind.to_owned());
        let channel = Channel { id, name, kind, group: String::new(), created_at: UnixSeconds(1), said };
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        ListedChannel { channel, settings: Some(settings.iter().map(pair).collect()), backlog: Backlog::default() }
    }

    fn shown(channel: &ListedChannel) -> Option<String> {
        ChannelPart::of("11111111112".to_owned(), channel).map(|part| serde_json::to_string(&part).unwrap())
    }

    #[test]
    fn channels_of_three_types_are_shown_and_others_are_not() {
        let mail = listed("smtp", &[("to", "a@b.c, d@e.f")], None);
        assert_eq!(
            shown(&mail).unwrap(),
            r#"{"id":"11111111112","name":"n","type":"email","emails":["a@b.c","d@e.f"],"userIds":[],"events":["alert"],"suspendedAt":null}"#
        );
        let slack = listed("slack", &[("url", "********"), ("mention_critical", "<!here>")], None);
        assert_eq!(
            shown(&slack).unwrap(),
            concat!(
                r#"{"id":"11111111112","name":"n","type":"slack","url":"********","mentions":{"critical":"<!here>"},"#,
                r#""enabledGraphImage":false,"events":["alert"],"suspendedAt":null}"#
            )
        );
        let said = ChannelSaid { events: vec![], has_graph_image: true, ..ChannelSaid::default() };
        assert_eq!(
            shown(&listed("webhook", &[("url", "********")], Some(said))).unwrap(),
            r#"{"id":"11111111112","name":"n","type":"webhook","url":"********","enabledGraphImage":true,"events":[],"suspendedAt":null}"#
        );
        assert_eq!(shown(&listed("telegram", &[], None)), None);
    }

    #[test]
    fn what_is_wished_is_read() {
        let slack = read(
            r#"{"type":"slack","name":"s","url":"https://x/","mentions":{"ok":"","warning":null,"critical":"@all"},"enabledGraphImage":true,"events":["alert","monitor"]}"#,
        );
        let slack = slack.unwrap();
        assert_eq!(
            (slack.kind, slack.settings.get("mention_critical").map(String::as_str)),
            (WishedKind::Slack, Some("@all"))
        );
        assert!(slack.said.hears_alerts() && slack.said.has_graph_image);
        let mail = read(r#"{"type":"email","name":"m","emails":["a@b.c"],"userIds":null,"events":null}"#).unwrap();
        assert_eq!(
            (mail.kind, mail.said.emails, mail.said.events),
            (WishedKind::Mail, vec!["a@b.c".to_owned()], vec!["alert".to_owned()])
        );
        let quiet = read(r#"{"type":"webhook","name":"w","url":"https://x/","events":[]}"#).unwrap();
        assert!(!quiet.said.hears_alerts());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"type":"webhook","name":"w"}"#,
            r#"{"type":"webhook","name":"","url":"https://x/"}"#,
            r#"{"type":"webhook","name":"w","url":1}"#,
            r#"{"type":"telegram","name":"w","url":"https://x/"}"#,
            r#"{"type":"webhook","name":"w","url":"https://x/","events":["all"]}"#,
            r#"{"type":"webhook","name":"w","url":"https://x/","events":"alert"}"#,
            r#"{"type":"slack","name":"w","url":"https://x/","mentions":{"loud":"x"}}"#,
            r#"{"type":"slack","name":"w","url":"https://x/","mentions":[]}"#,
            r#"{"type":"email","name":"w"}"#,
            r#"{"type":"email","name":"w","emails":[],"userIds":[]}"#,
            r#"{"type":"email","name":"w","emails":["a@b.c,d@e.f"]}"#,
            r#"{"type":"email","name":"w","emails":[],"userIds":["-"]}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
