//! Notification channels: where people are told of events.

use std::collections::BTreeMap;

use crate::units::UnixSeconds;

/// The group of channels that is told where nothing else is said.
pub const DEFAULT_GROUP: &str = "default";

/// The name of a group of channels that may be left empty for the default one.
pub const fn group_name(said: &str) -> &str {
    if said.is_empty() { DEFAULT_GROUP } else { said }
}

/// Where notifications go, without what is secret of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// `webhook`, `telegram` and so on.
    pub kind: String,
    /// The group that rules name to be told here.
    pub group: String,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// What Mackerel's API said of it; `None` for one that was made otherwise.
    pub said: Option<ChannelSaid>,
}

impl Channel {
    /// Whether it is told of alerts: all that we tell is called so.
    pub fn hears_alerts(&self) -> bool {
        self.said.as_ref().is_none_or(ChannelSaid::hears_alerts)
    }
}

/// What Mackerel's API says of a channel beside its settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelSaid {
    /// Of what it is told: `alert` and others.
    pub events: Vec<String>,
    /// Whether a picture of the graph is to come along.
    pub has_graph_image: bool,
    /// Addresses of mail, as they were given.
    pub emails: Vec<String>,
    /// Ids of people whose addresses are among those that mail goes to.
    pub user_ids: Vec<String>,
}

impl ChannelSaid {
    /// The word for alerts.
    pub const ALERT: &'static str = "alert";

    /// Whether it is told of alerts: all that we tell is called so.
    pub fn hears_alerts(&self) -> bool {
        self.events.iter().any(|event| event == Self::ALERT)
    }
}

/// A channel as Mackerel's API asks for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelWish {
    /// What people will call it.
    pub name: String,
    /// Of what kind.
    pub kind: WishedKind,
    /// Settings by name; those of mail are another channel's.
    pub settings: BTreeMap<String, String>,
    /// The rest.
    pub said: ChannelSaid,
}

/// The kinds of channels that Mackerel's API has, of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WishedKind {
    /// Any kind of mail.
    Mail,
    /// Slack.
    Slack,
    /// Our webhook.
    Webhook,
}

impl WishedKind {
    /// What a kind of ours is, by its word; `None` for what it has not.
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "smtp" | "resend" | "mailgun" | "sendgrid" | "postmark" => Some(Self::Mail),
            "slack" => Some(Self::Slack),
            "webhook" => Some(Self::Webhook),
            _ => None,
        }
    }
}

/// A channel with its settings, the secret ones as a mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedChannel {
    /// The channel.
    pub channel: Channel,
    /// Its settings by name; `None` when they cannot be opened with the deployment's key.
    pub settings: Option<BTreeMap<String, String>>,
    /// What is on its way.
    pub backlog: Backlog,
}

/// The notifications of a channel that it does not have yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backlog {
    /// How many are still to be delivered.
    pub waiting: u32,
    /// How many were given up lately.
    pub given_up: u32,
    /// What went wrong with one of them.
    pub last_error: Option<String>,
    /// Until when the receiver asked to be left alone.
    pub paused_until: Option<UnixSeconds>,
}

/// A channel about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelDraft {
    /// What people will call it.
    pub name: String,
    /// Its kind's word.
    pub kind: String,
    /// Its group; empty for the default one.
    pub group: String,
    /// Settings by name.
    pub settings: BTreeMap<String, String>,
}

/// What is to change about a channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelChange {
    /// Another name.
    pub name: Option<String>,
    /// Another group; empty for the default one.
    pub group: Option<String>,
    /// Settings that change, by name; `None` takes one away. A mask stands for what is there.
    pub settings: BTreeMap<String, Option<String>>,
}

/// What came of a notification that was sent at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Whether the receiver took it.
    pub is_delivered: bool,
    /// The receiver's status or reply code, where it gave one.
    pub status: Option<u16>,
    /// The receiver's words, or what went wrong before it had any; without secrets, of bounded length.
    pub words: String,
}

/// A kind of channel, for people who make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelKind {
    /// The kind's word.
    pub word: &'static str,
    /// Its settings.
    pub settings: Vec<ChannelSetting>,
}

/// A setting of a kind of channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelSetting {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Whether there is no channel without it.
    pub is_required: bool,
    /// Whether it is never shown again.
    pub is_secret: bool,
    /// What it is when not said; may be empty.
    pub default: &'static str,
    /// What a form offers for it.
    pub input: ChannelInput,
}

/// What a form offers for a setting of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelInput {
    /// A line of text.
    Line,
    /// Text of several lines.
    Text,
    /// A JSON object of texts.
    Json,
    /// A whole number in these bounds.
    Number(i64, i64),
    /// One of these.
    OneOf(&'static [&'static str]),
}
