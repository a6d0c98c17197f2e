//! The generic webhook: one JSON object per event, by POST.

use std::net::IpAddr;

use serde::Serialize;

use super::OutgoingRequest;
use crate::failure::Failure;
use crate::model::Event;

/// The longest address of a webhook, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// The body of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookBody<'a> {
    /// A receiver that has seen this key has seen the event: deliveries may repeat.
    pub key: &'a str,
    /// `host_offline`, `host_online`, `monitoring_impaired`, `duplicate_machine`, `test`.
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

/// The request that tells `url` of `event`.
///
/// # Errors
/// [`Failure::Internal`] when the body cannot be written as JSON, which no event leads to.
pub fn render_webhook(
    event: &Event,
    host_name: Option<&str>,
    url: &str,
    edgewatch_url: &str,
) -> Result<OutgoingRequest, Failure> {
    let body = WebhookBody {
        key: &event.key,
        kind: event.kind.word(),
        at_s: event.at.0,
        host_id: event.host_id.map(|id| id.0),
        host_name,
        text: &event.text,
        edgewatch_url,
    };
    let body = serde_json::to_string(&body).map_err(|error| Failure::Internal(error.to_string()))?;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Ok(OutgoingRequest {
        method: "POST".to_owned(),
        url: url.to_owned(),
        headers: vec![
            header("content-type", "application/json"),
            header("user-agent", "edgewatch"),
            // The name that payment services made common for "the same request again".
            header("idempotency-key", &event.key),
        ],
        body,
    })
}

/// Whether `url` may be a webhook's address.
///
/// # Errors
/// [`Failure::Invalid`] with what is wrong: no http or https, no host, user information, white space, or too long.
pub fn check_url(url: &str) -> Result<(), Failure> {
    let invalid = |reason: &str| Err(Failure::Invalid { field: "url".to_owned(), reason: reason.to_owned() });
    if url.len() > MAX_URL_BYTES {
        return invalid("longer than 2,048 bytes");
    }
    if url.chars().any(|one| one.is_whitespace() || one.is_control()) {
        return invalid("holds white space or control characters");
    }
    let lower = url.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")) else {
        return invalid("begins with neither https:// nor http://");
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if authority.is_empty() {
        return invalid("names no host");
    }
    if authority.contains('@') {
        return invalid("carries user information; put a secret into the path or a header instead");
    }
    Ok(())
}

/// Whether a webhook may lead to `host`, as a URL parser has it: an IPv4 address in its usual form, IPv6 in brackets.
///
/// # Errors
/// [`Failure::Invalid`] for link-local addresses (a cloud's metadata service), and for addresses of nobody or of many. Private
/// addresses are allowed: a deployment at home may well tell a neighbour, and Cloudflare's network reaches none of them.
pub fn check_host(host: &str) -> Result<(), Failure> {
    let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() else { return Ok(()) };
    let refused = match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(),
    };
    if refused {
        let reason = "leads to a link-local address, or to nobody's or many's".to_owned();
        return Err(Failure::Invalid { field: "url".to_owned(), reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EventKind, HostId};
    use crate::units::UnixSeconds;

    #[test]
    fn a_webhook_carries_the_key_in_body_and_header() {
        let event = Event::new(
            "0001".to_owned(),
            EventKind::HostOffline,
            Some(HostId(3)),
            UnixSeconds(7),
            "\"fra-1\"\nfell silent".to_owned(),
        );
        let request = render_webhook(&event, Some("fra-1"), "https://example.com/hook", "").unwrap();
        assert!(request.headers.contains(&("idempotency-key".to_owned(), "0001".to_owned())));
        assert_eq!(
            request.body,
            concat!(
                r#"{"key":"0001","kind":"host_offline","at_s":7,"host_id":3,"host_name":"fra-1","#,
                r#""text":"\"fra-1\"\nfell silent","edgewatch_url":""}"#
            )
        );
    }

    #[test]
    fn addresses_that_lead_astray_are_refused() {
        for url in ["", "ftp://x", "https://", "https:///x", "https://a@b/", "https://a b/", "//x"] {
            assert!(check_url(url).is_err(), "{url}");
        }
        for url in ["https://example.com/hook?x=1", "HTTP://127.0.0.1:8080/"] {
            assert!(check_url(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn hosts_that_nobody_should_be_told_at_are_refused() {
        for host in
            ["169.254.169.254", "[fe80::1]", "[::ffff:a9fe:a9fe]", "0.0.0.0", "[::]", "224.0.0.1", "255.255.255.255"]
        {
            assert!(check_host(host).is_err(), "{host}");
        }
        for host in ["example.com", "127.0.0.1", "10.0.0.1", "[2001:db8::7]", ""] {
            assert!(check_host(host).is_ok(), "{host}");
        }
    }
}
