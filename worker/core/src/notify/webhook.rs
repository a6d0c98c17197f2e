//! The generic webhook: one JSON object per event, by POST.

use serde::Serialize;

use super::OutgoingRequest;
use super::notice::{Letter, post_json};
use super::settings::Settings;
use crate::failure::Failure;

/// The body of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookBody<'a> {
    /// A receiver that has seen this key has seen the event: deliveries may repeat.
    pub key: &'a str,
    /// `host_offline`, `host_online`, `monitoring_impaired`, `duplicate_machine`, `budget_tight`, `address_changed`, `alert_fired`,
    /// `alert_changed`, `alert_reminder`, `alert_escalated`, `alert_recovered`, `alert_withdrawn`, `test`.
    pub kind: &'a str,
    /// When it happened, Unix seconds.
    pub at_s: i64,
    /// The host's number; null when it is about no one host.
    pub host_id: Option<i64>,
    /// The host's name.
    pub host_name: Option<&'a str>,
    /// A sentence for people.
    pub text: &'a str,
    /// Where the fleet can be looked at; empty when no public address is configured.
    pub edgewatch_url: &'a str,
}

/// The request to the channel's address.
///
/// # Errors
/// As [`post_json`].
pub fn render(settings: &Settings, letter: &Letter<'_>) -> Result<OutgoingRequest, Failure> {
    let event = letter.notice.event;
    let body = WebhookBody {
        key: &event.key,
        kind: event.kind.word(),
        at_s: event.at.0,
        host_id: event.host_id.map(|id| id.0),
        host_name: letter.host_name(),
        text: &event.text,
        edgewatch_url: letter.edgewatch_url,
    };
    post_json(settings.get("url").to_owned(), &event.key, &body)
}

#[cfg(test)]
mod tests {
    use crate::notify::kinds::Kind;
    use crate::notify::notice::tests::{event, host, sent};

    #[test]
    fn a_webhook_carries_the_key_in_body_and_header() {
        let event = event("\"fra-1\"\nfell silent");
        let request = sent(Kind::Webhook, &[("url", "https://example.com/hook")], &event, Some(&host("fra-1")));
        assert!(request.headers.contains(&("idempotency-key".to_owned(), "0001".to_owned())));
        assert_eq!(
            request.body,
            concat!(
                r#"{"key":"0001","kind":"host_offline","at_s":1795392112,"host_id":3,"host_name":"fra-1","#,
                r#""text":"\"fra-1\"\nfell silent","edgewatch_url":"https://watch.example.com"}"#
            )
        );
    }
}
