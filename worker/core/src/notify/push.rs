//! Push services for phones: ntfy, Gotify, Bark.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::OutgoingRequest;
use super::notice::{Letter, Urgency, at, post_json};
use super::settings::Settings;
use super::words::{bytes, fitted, json_bytes, one_line, plain, utf16};
use crate::failure::Failure;

/// ntfy makes an attachment of what is longer than 4,096 bytes. Source: docs.ntfy.sh/publish, limitations.
const NTFY_TEXT: usize = 3_800;
/// Gotify sets no limit; this is what a phone shows.
const GOTIFY_TEXT: usize = 4_096;
/// Apple takes 4,096 bytes of a notification in all, the server's own keys among them. Source: Apple, generating a remote notification.
const BARK_TEXT: usize = 2_200;
/// Of a title, in the units of the text beside it.
const MAX_TITLE: usize = 200;

#[derive(Serialize)]
struct NtfyBody<'a> {
    topic: &'a str,
    title: String,
    message: String,
    priority: i64,
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    click: &'a str,
}

/// A message to a topic.
///
/// # Errors
/// As [`post_json`].
pub fn ntfy(settings: &Settings, letter: &Letter<'_>) -> Result<OutgoingRequest, Failure> {
    let (priority, tag) = match letter.urgency() {
        Urgency::Trouble => (4, "rotating_light"),
        Urgency::Relief => (3, "white_check_mark"),
        Urgency::News => (3, "information_source"),
    };
    let own = settings.get("tags").split(',').map(str::trim).filter(|tag| !tag.is_empty());
    let body = NtfyBody {
        topic: settings.get("topic"),
        title: fitted(&letter.title(), MAX_TITLE, bytes, one_line),
        message: format!("{}\n{}", fitted(&letter.notice.event.text, NTFY_TEXT, bytes, plain), letter.when()),
        priority: settings.get("priority").parse().unwrap_or(priority),
        tags: std::iter::once(tag).chain(own).collect(),
        click: letter.edgewatch_url,
    };
    let mut request = post_json(at(settings.get("server"), "/"), letter.key, &body)?;
    let (token, password) = (settings.get("token"), settings.get("password"));
    let authorization = match (token.is_empty(), password.is_empty()) {
        (false, _) => format!("Bearer {token}"),
        (true, false) => basic(settings.get("username"), password),
        (true, true) => return Ok(request),
    };
    request.headers.push(("authorization".to_owned(), authorization.clone()));
    request.secrets.push(authorization);
    Ok(request)
}

#[derive(Serialize)]
struct GotifyBody<'a> {
    title: String,
    message: String,
    priority: i64,
    extras: GotifyExtras<'a>,
}

#[derive(Serialize)]
struct GotifyExtras<'a> {
    /// Nothing in it is markup.
    #[serde(rename = "client::display")]
    display: GotifyDisplay,
    #[serde(rename = "edgewatch::event")]
    event: GotifyEvent<'a>,
}

#[derive(Serialize)]
struct GotifyDisplay {
    #[serde(rename = "contentType")]
    content_type: &'static str,
}

#[derive(Serialize)]
struct GotifyEvent<'a> {
    key: &'a str,
}

/// A message of an application.
///
/// # Errors
/// As [`post_json`].
pub fn gotify(settings: &Settings, letter: &Letter<'_>) -> Result<OutgoingRequest, Failure> {
    let priority = if letter.urgency() == Urgency::Trouble { 8 } else { 4 };
    let body = GotifyBody {
        title: fitted(&letter.title(), MAX_TITLE, utf16, one_line),
        message: format!("{}\n{}", fitted(&letter.notice.event.text, GOTIFY_TEXT, utf16, plain), letter.when()),
        priority: settings.get("priority").parse().unwrap_or(priority),
        extras: GotifyExtras {
            display: GotifyDisplay { content_type: "text/plain" },
            event: GotifyEvent { key: &letter.notice.event.key },
        },
    };
    let mut request = post_json(at(settings.get("server"), "/message"), letter.key, &body)?;
    request.headers.push(("x-gotify-key".to_owned(), settings.get("token").to_owned()));
    Ok(request)
}

#[derive(Serialize)]
struct BarkBody<'a> {
    device_key: &'a str,
    title: String,
    body: String,
    group: &'static str,
    level: &'a str,
    /// A repeat takes the place of what it repeats.
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    sound: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    url: &'a str,
}

/// A message to a device.
///
/// # Errors
/// As [`post_json`].
pub fn bark(settings: &Settings, letter: &Letter<'_>) -> Result<OutgoingRequest, Failure> {
    let level = match (settings.get("level"), letter.urgency()) {
        ("", Urgency::Trouble) => "timeSensitive",
        ("", Urgency::Relief | Urgency::News) => "active",
        (level, _) => level,
    };
    let body = BarkBody {
        device_key: settings.get("device_key"),
        title: fitted(&letter.title(), MAX_TITLE, json_bytes, one_line),
        body: format!("{}\n{}", fitted(&letter.notice.event.text, BARK_TEXT, json_bytes, plain), letter.when()),
        group: "Edgewatch",
        level,
        id: letter.key,
        sound: settings.get("sound"),
        url: letter.edgewatch_url,
    };
    post_json(at(settings.get("server"), "/push"), letter.key, &body)
}

/// What `Authorization` says for a name and a password.
pub fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::model::EventKind;
    use crate::notify::OutgoingRequest;
    use crate::notify::kinds::Kind;
    use crate::notify::notice::tests::{event, host, sent};

    fn posted(kind: Kind, pairs: &[(&str, &str)]) -> (OutgoingRequest, Value) {
        let request = sent(kind, pairs, &event("it is \"down\""), Some(&host("fra-1")));
        let body = serde_json::from_str(&request.body).unwrap();
        (request, body)
    }

    #[test]
    fn ntfy_gets_a_priority_and_tags() {
        let (request, body) = posted(Kind::Ntfy, &[("topic", "ops"), ("tags", "a, b,")]);
        assert_eq!(request.url, "https://ntfy.sh/");
        assert_eq!((&body["priority"], &body["tags"]), (&json!(4), &json!(["rotating_light", "a", "b"])));
        assert_eq!((&body["title"], &body["topic"]), (&json!("Host offline: fra-1"), &json!("ops")));
        assert_eq!(body["message"], "it is \"down\"\n2026-11-23 00:01:52 UTC");
        let (_, body) = posted(Kind::Ntfy, &[("topic", "ops"), ("priority", "5")]);
        assert_eq!(body["priority"], 5);
        let back = crate::model::Event { kind: EventKind::HostOnline, ..event("up") };
        let request = sent(Kind::Ntfy, &[("topic", "ops")], &back, None);
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!((&body["priority"], &body["tags"]), (&json!(3), &json!(["white_check_mark"])));
    }

    #[test]
    fn ntfy_is_told_who_posts() {
        let authorization = |pairs: &[(&str, &str)]| {
            let (request, _) = posted(Kind::Ntfy, pairs);
            request.headers.into_iter().find(|(name, _)| name == "authorization").map(|(_, value)| value)
        };
        assert_eq!(authorization(&[("topic", "t")]), None);
        assert_eq!(authorization(&[("topic", "t"), ("token", "tk_1")]).as_deref(), Some("Bearer tk_1"));
        let basic = authorization(&[("topic", "t"), ("username", "u"), ("password", "p")]);
        assert_eq!(basic.as_deref(), Some("Basic dTpw"));
    }

    #[test]
    fn gotify_gets_a_priority_and_the_token_in_a_header() {
        let (request, body) = posted(Kind::Gotify, &[("server", "https://push.example.com/gotify/"), ("token", "abc")]);
        assert_eq!(request.url, "https://push.example.com/gotify/message");
        assert!(request.headers.contains(&("x-gotify-key".to_owned(), "abc".to_owned())));
        assert_eq!((&body["priority"], &body["extras"]["edgewatch::event"]["key"]), (&json!(8), &json!("0001")));
        let (_, body) = posted(Kind::Gotify, &[("server", "https://x"), ("token", "abc"), ("priority", "0")]);
        assert_eq!(body["priority"], 0);
    }

    #[test]
    fn bark_replaces_what_it_repeats() {
        let (request, body) = posted(Kind::Bark, &[("device_key", "abc"), ("sound", "minuet")]);
        assert_eq!(request.url, "https://api.day.app/push");
        assert_eq!(
            (&body["id"], &body["level"], &body["sound"]),
            (&json!("0001:7"), &json!("timeSensitive"), &json!("minuet"))
        );
        let (_, body) = posted(Kind::Bark, &[("device_key", "abc"), ("level", "critical")]);
        assert_eq!((&body["level"], body.get("sound")), (&json!("critical"), None));
    }
}
