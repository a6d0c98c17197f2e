//! Chat services: Telegram, Discord, Slack.

use serde::Serialize;

use super::OutgoingRequest;
use super::notice::{Letter, Urgency, at, post_json};
use super::settings::Settings;
use super::words::{discord as discord_escaped, fitted, html, one_line, plain, utf16};
use crate::failure::Failure;

/// Of a title, everywhere.
const MAX_TITLE: usize = 250;
/// Telegram takes 4,096 characters of text, counted as UTF-16 without markup; title, time and address take their part.
/// Source: core.telegram.org/bots/api, sendMessage.
const TELEGRAM_TEXT: usize = 3_400;
/// Discord takes 256 characters of an embed's title, 4,096 of its description, and 6,000 of all together.
/// Source: Discord developer documentation, message resource, embed limits.
const DISCORD_TEXT: usize = 4_096;
/// Slack takes 150 characters of a header and 3,000 of a section. Source: Slack block kit reference.
const SLACK_TITLE: usize = 150;
const SLACK_TEXT: usize = 3_000;

#[derive(Serialize)]
struct TelegramBody<'a> {
    chat_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_thread_id: Option<i64>,
    text: String,
    parse_mode: &'static str,
    disable_notification: bool,
    link_preview_options: LinkPreview,
}

#[derive(Serialize)]
struct LinkPreview {
    is_disabled: bool,
}

/// A message by a bot.
///
/// # Errors
/// As [`post_json`].
pub fn telegram(settings: &Settings, letter: &Letter<'_>) -> Result<OutgoingRequest, Failure> {
    // The limit counts what is shown, so it is cut first and escaped then.
    let shown = |text: &str, most: usize| fitted(&fitted(text, most, utf16, plain), usize::MAX, utf16, html);
    let title = fitted(&letter.title(), MAX_TITLE, utf16, one_line);
    let mut text = format!(
        "{} <b>{}</b>\n{}\n<i>{}</i>",
        sign(letter.urgency()),
        shown(&title, MAX_TITLE),
        shown(&letter.notice.event.text, TELEGRAM_TEXT),
        letter.when()
    );
    if !letter.edgewatch_url.is_empty() {
        text.push('\n');
        text.push_str(&shown(letter.edgewatch_url, MAX_TITLE));
    }
    let body = TelegramBody {
        chat_id: settings.get("chat_id"),
        message_thread_id: settings.get("topic_id").parse().ok(),
        text,
        parse_mode: "HTML",
        disable_notification: settings.get("silent") == "true",
        link_preview_options: LinkPreview { is_disabled: true },
    };
    let path = format!("/bot{}/sendMessage", settings.get("token"));
    post_json(at(settings.get("server"), &path), letter.key, &body)
}

#[derive(Serialize)]
struct DiscordBody<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    username: &'a str,
    /// Nobody is called by a name that holds `@everyone`.
    allowed_mentions: Mentions,
    embeds: [Embed<'a>; 1],
}

#[derive(Serialize)]
struct Mentions {
    parse: [&'static str; 0],
}

#[derive(Serialize)]
struct Embed<'a> {
    title: String,
    description: String,
    color: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    url: &'a str,
    footer: Footer,
}

#[derive(Serialize)]
struct Footer {
    text: String,
}

/// A message by a webhook.
///
/// # Errors
/// As [`post_json`].
pub fn discord(settings: &Settings, letter: &Letter<'_>) -> Result<OutgoingRequest, Failure> {
    let line = fitted(&letter.title(), MAX_TITLE, utf16, one_line);
    let embed = Embed {
        title: fitted(&line, MAX_TITLE, utf16, discord_escaped),
        description: fitted(&letter.notice.event.text, DISCORD_TEXT, utf16, discord_escaped),
        color: match letter.urgency() {
            Urgency::Trouble => 0x00d0_3030,
            Urgency::Relief => 0x0030_a050,
            Urgency::News => 0x0050_70c0,
        },
        url: letter.edgewatch_url,
        footer: Footer { text: format!("{} · {}", letter.when(), letter.key) },
    };
    let body =
        DiscordBody { username: settings.get("username"), allowed_mentions: Mentions { parse: [] }, embeds: [embed] };
    post_json(settings.get("url").to_owned(), letter.key, &body)
}

#[derive(Serialize)]
struct SlackBody {
    /// What a phone shows, and what receivers show that know no blocks.
    text: String,
    blocks: Vec<Block>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Block {
    Header {
        text: Words,
    },
    Section {
        text: Words,
    },
    /// Whom the message calls, as the operator wrote it.
    #[serde(rename = "section")]
    Call {
        text: Markup,
    },
    Context {
        elements: [Words; 1],
    },
}

/// Text in which nothing is markup.
#[derive(Serialize)]
#[serde(tag = "type", rename = "plain_text")]
struct Words {
    text: String,
    emoji: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "mrkdwn")]
struct Markup {
    text: String,
}

/// A message by an incoming webhook.
///
/// # Errors
/// As [`post_json`].
pub fn slack(settings: &Settings, letter: &Letter<'_>) -> Result<OutgoingRequest, Failure> {
    let words = |text: String| Words { text, emoji: false };
    let event_text = &letter.notice.event.text;
    let section = fitted(event_text, SLACK_TEXT, utf16, plain);
    let title = letter.title();
    let footer = format!("{} {}", letter.when(), letter.edgewatch_url);
    let call = settings.get(match letter.urgency() {
        Urgency::Relief => "mention_ok",
        Urgency::Trouble if letter.is_warning() => "mention_warning",
        Urgency::Trouble => "mention_critical",
        Urgency::News => "",
    });
    let body = SlackBody {
        text: format!(
            "{} {}\n{}\n{}",
            sign(letter.urgency()),
            fitted(&fitted(&title, MAX_TITLE, utf16, one_line), usize::MAX, utf16, html),
            fitted(event_text, SLACK_TEXT, utf16, html),
            letter.when()
        ),
        blocks: [
            Some(Block::Header { text: words(fitted(&title, SLACK_TITLE, utf16, one_line)) }),
            // Slack refuses an empty text.
            Some(Block::Section { text: words(if section.trim().is_empty() { "-".to_owned() } else { section }) }),
            (!call.is_empty()).then(|| Block::Call { text: Markup { text: call.to_owned() } }),
            Some(Block::Context { elements: [words(footer.trim_end().to_owned())] }),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    post_json(settings.get("url").to_owned(), letter.key, &body)
}

/// A sign that is seen before a word is read.
const fn sign(urgency: Urgency) -> char {
    match urgency {
        Urgency::Trouble => '\u{1f534}',
        Urgency::Relief => '\u{1f7e2}',
        Urgency::News => '\u{1f535}',
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::model::{Event, EventKind};
    use crate::notify::kinds::Kind;
    use crate::notify::notice::tests::{HOSTILE, event, host, sent};
    use crate::notify::settings::tests::settings;
    use crate::notify::{Notice, Outgoing, render};

    fn body(kind: Kind, pairs: &[(&str, &str)], text: &str, name: &str) -> (String, Value) {
        let request = sent(kind, pairs, &event(text), Some(&host(name)));
        (request.url, serde_json::from_str(&request.body).unwrap())
    }

    #[test]
    fn telegram_gets_html_that_no_name_can_break() {
        let pairs = [("token", "1:abc"), ("chat_id", "-100"), ("topic_id", "42"), ("silent", "true")];
        let (url, body) = body(Kind::Telegram, &pairs, "down <now>", HOSTILE);
        assert_eq!(url, "https://api.telegram.org/bot1:abc/sendMessage");
        assert_eq!((&body["chat_id"], &body["message_thread_id"]), (&json!("-100"), &json!(42)));
        assert_eq!((&body["disable_notification"], &body["parse_mode"]), (&json!(true), &json!("HTML")));
        let text = body["text"].as_str().unwrap();
        assert!(text.contains("down &lt;now&gt;") && text.contains("&lt;b&gt;@everyone"), "{text}");
        assert_eq!((text.matches("<b>").count(), text.matches('\n').count()), (1, 3), "{text}");
        assert!(text.contains("<i>2026-11-23 00:01:52 UTC</i>"));
    }

    #[test]
    fn telegram_without_a_topic_names_none() {
        let (_, body) = body(Kind::Telegram, &[("token", "1:abc"), ("chat_id", "@ops")], "x", "n");
        assert!(body.get("message_thread_id").is_none() && body["disable_notification"] == false);
    }

    #[test]
    fn telegram_takes_what_is_left_of_a_long_text() {
        let long = "<\u{1f600}".repeat(9_000);
        let (_, body) = body(Kind::Telegram, &[("token", "1:abc"), ("chat_id", "1")], &long, &long);
        let text = body["text"].as_str().unwrap().replace("&lt;", "<");
        assert!(text.encode_utf16().count() <= 4_096, "{}", text.encode_utf16().count());
    }

    #[test]
    fn discord_calls_nobody_and_formats_nothing() {
        let (_, body) = body(Kind::Discord, &[("url", "https://x/y"), ("username", "ew")], HOSTILE, HOSTILE);
        assert_eq!((&body["allowed_mentions"], &body["username"]), (&json!({"parse": []}), &json!("ew")));
        let description = body["embeds"][0]["description"].as_str().unwrap();
        assert!(description.starts_with("\\<b\\>\\@everyone \\*x\\* \\[y\\]\\(http\\:"), "{description}");
        assert_eq!(body["embeds"][0]["footer"]["text"], "2026-11-23 00:01:52 UTC · 0001:7");
    }

    #[test]
    fn discord_counts_what_it_is_sent() {
        let long = "*".repeat(9_000);
        let (_, body) = body(Kind::Discord, &[("url", "https://x/y")], &long, &long);
        let length = |key: &str| body["embeds"][0][key].as_str().unwrap().encode_utf16().count();
        assert!(length("title") <= 256 && length("description") <= 4_096);
        assert!(length("title") + length("description") <= 5_900);
    }

    #[test]
    fn slack_gets_plain_text_in_blocks_and_escaped_text_beside() {
        let (_, body) = body(Kind::Slack, &[("url", "https://x/y")], "<!channel> down", "n");
        assert!(body["text"].as_str().unwrap().contains("&lt;!channel&gt; down"));
        assert_eq!(body["blocks"][1]["text"], json!({"type": "plain_text", "text": "<!channel> down", "emoji": false}));
        assert_eq!(body["blocks"][0]["type"], "header");
        assert_eq!(body["blocks"][2]["type"], "context");
    }

    #[test]
    fn slack_calls_whom_the_operator_named_for_the_state_of_the_alert() {
        let pairs = [
            ("url", "https://x/y"),
            ("mention_ok", "<@U1>"),
            ("mention_warning", "<@U2>"),
            ("mention_critical", "<!here>"),
        ];
        let called = |kind: EventKind, group: &str| {
            let event = Event { kind, ..event("<!channel> down") };
            let settings = settings(Kind::Slack, &pairs).unwrap();
            let notice = Notice { event: &event, host: None, host_name: None, group };
            let Outgoing::Request(request) = render(&settings, notice, "0001:7", "").unwrap() else { panic!() };
            let body: Value = serde_json::from_str(&request.body).unwrap();
            (body["blocks"].as_array().unwrap().len() == 4).then(|| body["blocks"][2]["text"].clone())
        };
        let call = |text: &str| Some(json!({ "type": "mrkdwn", "text": text }));
        assert_eq!(called(EventKind::AlertFired, ""), call("<!here>"));
        assert_eq!(called(EventKind::AlertFired, "monitor:11111111112:other:"), call("<@U2>"));
        assert_eq!(called(EventKind::AlertRecovered, "monitor:11111111112:other:"), call("<@U1>"));
        assert_eq!(called(EventKind::Test, ""), None);
    }
}
