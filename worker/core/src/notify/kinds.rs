//! The kinds of channels and their settings: one table, which is also what people are shown.

use crate::model::{ChannelInput, ChannelKind, ChannelSetting};

/// A kind of channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Our own JSON to an address.
    Webhook,
    /// Pulse's own JSON to an address.
    PulseWebhook,
    /// A request with placeholders, as Nezha v0 has it.
    Nezha,
    /// A bot of Telegram.
    Telegram,
    /// A webhook of Discord.
    Discord,
    /// An incoming webhook of Slack, or what understands one.
    Slack,
    /// A topic of ntfy.
    Ntfy,
    /// An application of Gotify.
    Gotify,
    /// A device with Bark.
    Bark,
    /// Mail by SMTP.
    Smtp,
    /// Mail by Resend.
    Resend,
    /// Mail by Mailgun.
    Mailgun,
    /// Mail by `SendGrid`.
    SendGrid,
    /// Mail by Postmark.
    Postmark,
}

/// What a setting may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// An address.
    Url,
    /// An address that paths are added to.
    Server,
    /// An address with placeholders behind its host.
    UrlTemplate,
    /// Text with placeholders.
    Template,
    /// A JSON object of header names and values.
    Headers,
    /// A JSON object of texts.
    Texts,
    /// One line.
    Line,
    /// Letters, digits and a few marks: what goes into a path or a header as it is.
    Word,
    /// A whole number in these bounds.
    Number(i64, i64),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// The name or address of a server.
    Host,
    /// A mail address, with a name before it where wanted: `Edgewatch <watch@example.com>`.
    From,
    /// Mail addresses, with commas between them.
    To,
}

impl Holds {
    /// What a form offers for it.
    const fn input(self) -> ChannelInput {
        match self {
            Self::Headers | Self::Texts => ChannelInput::Json,
            Self::Template => ChannelInput::Text,
            Self::Number(least, most) => ChannelInput::Number(least, most),
            Self::OneOf(words) => ChannelInput::OneOf(words),
            Self::Url
            | Self::Server
            | Self::UrlTemplate
            | Self::Line
            | Self::Word
            | Self::Host
            | Self::From
            | Self::To => ChannelInput::Line,
        }
    }
}

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What it may hold.
    pub holds: Holds,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it is never shown again.
    pub secret: bool,
    /// What it is when not said.
    pub default: &'static str,
    /// What it is, for people.
    pub about: &'static str,
}

const fn needed(name: &'static str, holds: Holds, about: &'static str) -> Setting {
    Setting { name, holds, required: true, secret: false, default: "", about }
}

const fn wanted(name: &'static str, holds: Holds, default: &'static str, about: &'static str) -> Setting {
    Setting { name, holds, required: false, secret: false, default, about }
}

const fn hidden(setting: Setting) -> Setting {
    Setting { secret: true, ..setting }
}

const FROM: Setting = needed("from", Holds::From, "the sender, such as Edgewatch <watch@example.com>");
const TO: Setting = needed("to", Holds::To, "who gets it, with commas between addresses; at most 50");
const TOKEN: Setting = hidden(needed("token", Holds::Word, "the provider's API key or token"));

const WEBHOOK: &[Setting] = &[hidden(needed("url", Holds::Url, "where one JSON object per event is posted to"))];
const PULSE_WEBHOOK: &[Setting] = &[
    hidden(needed("url", Holds::Url, "where Pulse's JSON is sent to, several alerts in one")),
    wanted("method", Holds::OneOf(&["POST", "PUT"]), "POST", "the request's method"),
    hidden(wanted("headers", Holds::Headers, "", "a JSON object of further headers")),
    wanted("service", Holds::Word, "generic", "what receives it, such as discord or teams: messages have its form"),
    hidden(wanted("template", Holds::Template, "", "what bodies are made of, in the language of Go's templates")),
    hidden(wanted("fields", Holds::Texts, "", "a JSON object of what a template names as CustomFields")),
];
const NEZHA: &[Setting] = &[
    hidden(needed("url", Holds::UrlTemplate, "with placeholders such as #NEZHA# behind the host")),
    wanted("method", Holds::OneOf(&["GET", "POST"]), "GET", "the request's method"),
    wanted("body_type", Holds::OneOf(&["json", "form"]), "json", "how the body of a POST is escaped and sent"),
    hidden(wanted("headers", Holds::Headers, "", "a JSON object of further headers")),
    hidden(wanted("body", Holds::Template, "", "with placeholders; for form a JSON object of texts")),
];
const TELEGRAM: &[Setting] = &[
    hidden(needed("token", Holds::Word, "the bot's token")),
    needed("chat_id", Holds::Word, "the chat's number, or @channel"),
    wanted("topic_id", Holds::Number(1, i64::MAX), "", "the topic within a group that has topics"),
    wanted("silent", Holds::OneOf(&["true", "false"]), "false", "whether it comes without a sound"),
    wanted("server", Holds::Server, "https://api.telegram.org", "the Bot API's server"),
];
const DISCORD: &[Setting] = &[
    hidden(needed("url", Holds::Url, "the webhook's address; ?thread_id= posts into a thread")),
    wanted("username", Holds::Line, "", "the name it is posted under"),
];
const SLACK: &[Setting] = &[
    hidden(needed("url", Holds::Url, "the incoming webhook's address")),
    wanted("mention_ok", Holds::Line, "", "whom a message calls when something is right again, such as <!here>"),
    wanted("mention_warning", Holds::Line, "", "likewise for a warning"),
    wanted("mention_critical", Holds::Line, "", "likewise for any other trouble"),
];
const NTFY: &[Setting] = &[
    hidden(needed("topic", Holds::Word, "the topic: who knows it can read it")),
    wanted("server", Holds::Server, "https://ntfy.sh", "the server"),
    hidden(wanted("token", Holds::Word, "", "an access token")),
    wanted("username", Holds::Line, "", "for a server with passwords instead of tokens"),
    hidden(wanted("password", Holds::Line, "", "its password")),
    wanted("priority", Holds::Number(1, 5), "", "of all messages; else 4 for trouble and 3 for the rest"),
    wanted("tags", Holds::Line, "", "further tags, with commas between them"),
];
const GOTIFY: &[Setting] = &[
    needed("server", Holds::Server, "the server"),
    hidden(needed("token", Holds::Word, "the application's token")),
    wanted("priority", Holds::Number(0, 10), "", "of all messages; else 8 for trouble and 4 for the rest"),
];
const BARK: &[Setting] = &[
    hidden(needed("device_key", Holds::Word, "the device's key")),
    wanted("server", Holds::Server, "https://api.day.app", "the server"),
    wanted("sound", Holds::Word, "", "the sound"),
    wanted(
        "level",
        Holds::OneOf(&["active", "timeSensitive", "passive", "critical"]),
        "",
        "of all messages; else timeSensitive for trouble and active for the rest",
    ),
];
const SMTP: &[Setting] = &[
    needed("host", Holds::Host, "the mail server's name"),
    wanted(
        "port",
        Holds::Number(1, 65_535),
        "",
        "465 or 587 by the security unless said; not 25, which the platform does not open",
    ),
    wanted("security", Holds::OneOf(&["tls", "starttls", "none"]), "tls", "tls from the first byte, starttls, or none"),
    wanted("username", Holds::Line, "", "for a server that asks for one"),
    hidden(wanted("password", Holds::Line, "", "its password")),
    wanted("style", Holds::OneOf(&["edgewatch", "pulse"]), "edgewatch", "pulse for mails like those of Pulse"),
    FROM,
    TO,
];
const RESEND: &[Setting] =
    &[TOKEN, FROM, TO, wanted("server", Holds::Server, "https://api.resend.com", "the API's server")];
const MAILGUN: &[Setting] = &[
    TOKEN,
    needed("domain", Holds::Word, "the sending domain"),
    FROM,
    TO,
    wanted("server", Holds::Server, "https://api.mailgun.net", "https://api.eu.mailgun.net in Europe"),
];
const SENDGRID: &[Setting] = &[
    TOKEN,
    FROM,
    TO,
    wanted("server", Holds::Server, "https://api.sendgrid.com", "https://api.eu.sendgrid.com in Europe"),
];
const POSTMARK: &[Setting] =
    &[TOKEN, FROM, TO, wanted("server", Holds::Server, "https://api.postmarkapp.com", "the API's server")];

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Webhook,
        Self::PulseWebhook,
        Self::Nezha,
        Self::Telegram,
        Self::Discord,
        Self::Slack,
        Self::Ntfy,
        Self::Gotify,
        Self::Bark,
        Self::Smtp,
        Self::Resend,
        Self::Mailgun,
        Self::SendGrid,
        Self::Postmark,
    ];

    /// The kind as it is stored and spoken of.
    pub const fn word(self) -> &'static str {
        self.described().0
    }

    /// The kind that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether it is mail.
    pub const fn is_mail(self) -> bool {
        matches!(self, Self::Smtp | Self::Resend | Self::Mailgun | Self::SendGrid | Self::Postmark)
    }

    /// Its settings.
    pub const fn settings(self) -> &'static [Setting] {
        self.described().1
    }

    const fn described(self) -> (&'static str, &'static [Setting]) {
        match self {
            Self::Webhook => ("webhook", WEBHOOK),
            Self::PulseWebhook => ("pulse_webhook", PULSE_WEBHOOK),
            Self::Nezha => ("nezha", NEZHA),
            Self::Telegram => ("telegram", TELEGRAM),
            Self::Discord => ("discord", DISCORD),
            Self::Slack => ("slack", SLACK),
            Self::Ntfy => ("ntfy", NTFY),
            Self::Gotify => ("gotify", GOTIFY),
            Self::Bark => ("bark", BARK),
            Self::Smtp => ("smtp", SMTP),
            Self::Resend => ("resend", RESEND),
            Self::Mailgun => ("mailgun", MAILGUN),
            Self::SendGrid => ("sendgrid", SENDGRID),
            Self::Postmark => ("postmark", POSTMARK),
        }
    }
}

/// Every kind as people are shown it.
pub fn describe() -> Vec<ChannelKind> {
    let setting = |one: &Setting| ChannelSetting {
        name: one.name,
        about: one.about,
        is_required: one.required,
        is_secret: one.secret,
        default: one.default,
        input: one.holds.input(),
    };
    let kind = |one: Kind| ChannelKind { word: one.word(), settings: one.settings().iter().map(setting).collect() };
    Kind::ALL.into_iter().map(kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_word(kind.word()), Some(kind));
            assert!(kind.settings().iter().any(|one| one.secret || one.name == "host"), "{kind:?}");
        }
        assert_eq!(Kind::from_word("pigeon"), None);
        assert_eq!(describe().len(), Kind::ALL.len());
        let settings = describe().into_iter().flat_map(|kind| kind.settings);
        for (name, input) in settings.map(|one| (one.name, one.input)) {
            let is_meant = match name {
                "headers" | "fields" => input == ChannelInput::Json,
                "body" | "template" => input == ChannelInput::Text,
                "port" | "priority" | "topic_id" => matches!(input, ChannelInput::Number(..)),
                "method" | "security" | "silent" => matches!(input, ChannelInput::OneOf(words) if words.len() > 1),
                "url" | "token" | "to" => input == ChannelInput::Line,
                _ => true,
            };
            assert!(is_meant, "{name}: {input:?}");
        }
    }
}
