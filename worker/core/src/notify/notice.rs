//! What a channel is told, and the way from there to what is sent.

use super::kinds::Kind;
use super::parts::Part;
use super::settings::Settings;
use super::{Outgoing, OutgoingRequest, chat, mail, mail_api, nezha, pulse, push, webhook, words};
use crate::failure::Failure;
use crate::model::{Audience, Event, EventKind, Host};

/// An event that people are to be told of.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// What happened.
    pub event: &'a Event,
    /// The host it happened to, with its newest values, where it is known here.
    pub host: Option<&'a Host>,
    /// The host's name, where nothing else is known of it.
    pub host_name: Option<&'a str>,
    /// The group of channels that is told; empty for the default one.
    pub group: &'a str,
}

/// A notice on its way through one channel.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// What happened.
    pub notice: Notice<'a>,
    /// Tells this notice through this channel from every other: the event's key and the channel's number.
    pub key: &'a str,
    /// Where the fleet can be looked at; empty when no public address is configured.
    pub edgewatch_url: &'a str,
}

/// How much people should mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Something is wrong.
    Trouble,
    /// Something is right again.
    Relief,
    /// Something is worth knowing.
    News,
}

impl Letter<'_> {
    /// The host's name.
    pub fn host_name(&self) -> Option<&str> {
        self.notice.host.map(|host| host.name.as_str()).or(self.notice.host_name)
    }

    /// A few words on what it is about: `Host offline: fra-1`. One line of text that is nobody's markup yet.
    pub fn title(&self) -> String {
        let what = match self.notice.event.kind {
            EventKind::HostOffline => "Host offline",
            EventKind::HostOnline => "Host online",
            EventKind::MonitoringImpaired => "Monitoring impaired",
            EventKind::DuplicateMachine => "Machine registered twice",
            EventKind::BudgetTight => "Budget tight",
            EventKind::AddressChanged => "Address changed",
            EventKind::AlertFired => "Alert",
            EventKind::AlertChanged => "Alert changed",
            EventKind::AlertReminder => "Alert goes on",
            EventKind::AlertEscalated => "Alert nobody acknowledged",
            EventKind::AlertRecovered => "Recovered",
            EventKind::AlertWithdrawn => "Alert withdrawn",
            EventKind::CertificateChanged => "Certificate changed",
            EventKind::NobodyTold => "Nobody told",
            EventKind::Test => "Test",
            EventKind::News => "News",
        };
        self.host_name().map_or_else(|| what.to_owned(), |name| format!("{what}: {name}"))
    }

    /// How much people should mind.
    pub const fn urgency(&self) -> Urgency {
        match self.notice.event.kind {
            EventKind::HostOffline
            | EventKind::MonitoringImpaired
            | EventKind::AlertFired
            | EventKind::AlertChanged
            | EventKind::AlertReminder
            | EventKind::AlertEscalated => Urgency::Trouble,
            EventKind::HostOnline | EventKind::AlertRecovered => Urgency::Relief,
            EventKind::DuplicateMachine
            | EventKind::BudgetTight
            | EventKind::AddressChanged
            | EventKind::AlertWithdrawn
            | EventKind::CertificateChanged
            | EventKind::NobodyTold
            | EventKind::Test
            | EventKind::News => Urgency::News,
        }
    }

    /// Whether what is wrong is said to be less than critical.
    pub fn is_warning(&self) -> bool {
        Audience::parse(self.notice.group).is_some_and(|audience| !audience.is_critical)
    }

    /// When it happened, for people. The same in every repeat, so that one is known for what it is.
    pub fn when(&self) -> String {
        format!("{} UTC", words::date_time(self.notice.event.at))
    }
}

/// What tells `settings`' receiver of `notice`. `key` is the same for every repeat and differs from channel to channel.
///
/// # Errors
/// [`Failure::Internal`] for settings that were never checked.
pub fn render(settings: &Settings, notice: Notice<'_>, key: &str, edgewatch_url: &str) -> Result<Outgoing, Failure> {
    let letter = Letter { notice, key, edgewatch_url };
    let mut request = match settings.kind() {
        Kind::Webhook => webhook::render(settings, &letter)?,
        Kind::PulseWebhook => pulse::webhook(settings, &letter, &[Part::of(&letter.notice)])?,
        Kind::Nezha => nezha::render(settings, &letter)?,
        Kind::Telegram => chat::telegram(settings, &letter)?,
        Kind::Discord => chat::discord(settings, &letter)?,
        Kind::Slack => chat::slack(settings, &letter)?,
        Kind::Ntfy => push::ntfy(settings, &letter)?,
        Kind::Gotify => push::gotify(settings, &letter)?,
        Kind::Bark => push::bark(settings, &letter)?,
        Kind::Smtp => return mail::render(settings, &letter).map(Outgoing::Mail),
        Kind::Resend => mail_api::resend(settings, &letter)?,
        Kind::Mailgun => mail_api::mailgun(settings, &letter)?,
        Kind::SendGrid => mail_api::sendgrid(settings, &letter)?,
        Kind::Postmark => mail_api::postmark(settings, &letter)?,
    };
    let secrets = settings.secrets();
    request.secrets.extend(secrets);
    Ok(Outgoing::Request(request))
}

/// A POST of JSON. The key goes along in a header whose name payment services made common for "the same request again".
///
/// # Errors
/// [`Failure::Internal`] when the body cannot be written as JSON, which no text leads to.
pub fn post_json(url: String, key: &str, body: &impl serde::Serialize) -> Result<OutgoingRequest, Failure> {
    let body = serde_json::to_string(body).map_err(|error| Failure::Internal(error.to_string()))?;
    Ok(request("POST", url, key, "application/json", body))
}

/// A request with the headers that all of ours have.
pub fn request(method: &str, url: String, key: &str, content_type: &str, body: String) -> OutgoingRequest {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut headers = vec![header("user-agent", "edgewatch"), header("idempotency-key", key)];
    if method != "GET" {
        headers.insert(0, header("content-type", content_type));
    }
    OutgoingRequest { method: method.to_owned(), url, headers, body, secrets: Vec::new() }
}

/// A server's address with a path behind it.
pub fn at(server: &str, path: &str) -> String {
    format!("{}{path}", server.trim_end_matches('/'))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{Addresses, Facts, HostClass, HostId, Presence, Sample};
    use crate::notify::settings::tests::settings;
    use crate::units::{UnixMillis, UnixSeconds};

    /// A host whose name is as hostile as its text.
    pub const HOSTILE: &str = "<b>@everyone *x* [y](http://z) \"q\" #SERVER.ID#\r\nBcc: a@b";

    /// An offline event of host 3.
    pub fn event(text: &str) -> Event {
        Event::new(
            "0001".to_owned(),
            EventKind::HostOffline,
            Some(HostId(3)),
            UnixSeconds(1_795_392_112),
            text.to_owned(),
        )
    }

    /// Host 3 with values.
    pub fn host(name: &str) -> Host {
        Host {
            id: HostId(3),
            public_id: String::new(),
            uuid: String::new(),
            class: HostClass::Machine,
            parent: None,
            name: name.to_owned(),
            tag: String::new(),
            tags: Vec::new(),
            absorbed: Vec::new(),
            note: String::new(),
            public_note: String::new(),
            display_index: 0,
            hidden_for_guest: true,
            registered_at: UnixSeconds(1),
            presence: Presence::Offline,
            last_seen: None,
            addresses: Addresses { v4: "198.51.100.7".to_owned(), v6: "2001:db8::7".to_owned() },
            country_code: String::new(),
            agent_version: String::new(),
            facts: Some(Facts {
                mem_total_bytes: 100,
                swap_total_bytes: 10,
                disk_total_bytes: 1000,
                ..Facts::default()
            }),
            newest: Some(Sample {
                at: UnixMillis(5),
                cpu_percent: Some(17.5),
                mem_used_bytes: Some(50),
                swap_used_bytes: Some(5),
                disk_used_bytes: Some(500),
                net_in_bytes: Some(9_000_000_000),
                net_out_bytes: Some(8),
                net_in_bytes_per_s: Some(7),
                net_out_bytes_per_s: Some(6),
                load1: Some(1.25),
                tcp_connections: Some(4),
                udp_connections: Some(3),
                ..Sample::default()
            }),
        }
    }

    /// The request that a channel of these settings sends.
    pub fn sent(kind: Kind, pairs: &[(&str, &str)], event: &Event, host: Option<&Host>) -> OutgoingRequest {
        let settings = settings(kind, pairs).unwrap();
        let notice = Notice { event, host, host_name: None, group: "" };
        match render(&settings, notice, "0001:7", "https://watch.example.com").unwrap() {
            Outgoing::Request(request) => request,
            Outgoing::Mail(mail) => panic!("{mail:?}"),
        }
    }

    #[test]
    fn every_request_carries_its_key_and_the_secrets_it_must_not_give_away() {
        for (kind, pairs) in [
            (Kind::Webhook, &[("url", "https://x/abcdefgh")][..]),
            (Kind::PulseWebhook, &[("url", "https://x/abcdefgh")]),
            (Kind::Nezha, &[("url", "https://x/abcdefgh"), ("method", "POST")]),
            (Kind::Telegram, &[("token", "1:abcdefgh"), ("chat_id", "-100")]),
            (Kind::Discord, &[("url", "https://x/abcdefgh")]),
            (Kind::Slack, &[("url", "https://x/abcdefgh")]),
            (Kind::Ntfy, &[("topic", "abcdefgh")]),
            (Kind::Gotify, &[("server", "https://x"), ("token", "abcdefgh")]),
            (Kind::Bark, &[("device_key", "abcdefgh")]),
            (Kind::Resend, &[("token", "abcdefgh"), ("from", "a@b.c"), ("to", "d@e.f")]),
            (Kind::Mailgun, &[("token", "abcdefgh"), ("domain", "b.c"), ("from", "a@b.c"), ("to", "d@e.f")]),
            (Kind::SendGrid, &[("token", "abcdefgh"), ("from", "a@b.c"), ("to", "d@e.f")]),
            (Kind::Postmark, &[("token", "abcdefgh"), ("from", "a@b.c"), ("to", "d@e.f")]),
        ] {
            let request = sent(kind, pairs, &event(HOSTILE), Some(&host(HOSTILE)));
            let key = request.headers.iter().find(|(name, _)| name == "idempotency-key");
            assert!(key.is_some_and(|(_, key)| key.starts_with("0001")), "{kind:?}: {:?}", request.headers);
            assert!(!request.secrets.is_empty(), "{kind:?}");
            assert_eq!(request, sent(kind, pairs, &event(HOSTILE), Some(&host(HOSTILE))), "a repeat is the same");
        }
    }

    #[test]
    fn a_text_without_end_is_cut_for_everybody() {
        let (long, named) = (event(&"é\u{1f600}<*\"".repeat(20_000)), host(&"é*".repeat(9_000)));
        for (kind, pairs, most) in [
            (Kind::Telegram, &[("token", "1:abcdefgh"), ("chat_id", "-100")][..], 40_000),
            (Kind::Discord, &[("url", "https://x/abcdefgh")], 20_000),
            (Kind::Slack, &[("url", "https://x/abcdefgh")], 30_000),
            (Kind::Ntfy, &[("topic", "abcdefgh")], 8_000),
            (Kind::Gotify, &[("server", "https://x"), ("token", "abcdefgh")], 20_000),
            (Kind::Bark, &[("device_key", "abcdefgh")], 3_400),
            (Kind::SendGrid, &[("token", "abcdefgh"), ("from", "a@b.c"), ("to", "d@e.f")], 80_000),
        ] {
            let request = sent(kind, pairs, &long, Some(&named));
            assert!(request.body.len() < most && request.body.contains('…'), "{kind:?}: {}", request.body.len());
        }
    }
}
