//! Notifications as finished requests and mails: what goes out is rendered here, purely, and sent elsewhere as it stands.

mod address;
mod chat;
mod kinds;
mod mail;
mod mail_api;
mod nezha;
mod notice;
mod parts;
mod pulse;
mod push;
mod retry;
mod settings;
pub mod smtp;
mod webhook;
mod words;

use serde::{Deserialize, Serialize};

pub use address::{check_host, check_url};
pub use kinds::{Kind, describe};
pub use notice::{Notice, render};
pub use parts::{Part, render_parts, render_sample};
pub use retry::{asked_wait, next_attempt};
pub use settings::{MASK, Settings};
pub use webhook::WebhookBody;

/// The most characters of a receiver's words that are kept.
const MAX_WORDS: usize = 500;

/// What is sent, and sent again unchanged.
// A mail has keys that a request lacks, so the text tells which it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outgoing {
    /// By SMTP.
    Mail(OutgoingMail),
    /// By HTTP.
    Request(OutgoingRequest),
}

/// A request ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingRequest {
    /// `POST` or `GET`.
    pub method: String,
    /// Where it goes.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; a GET has none.
    pub body: String,
    /// What no answer that is shown may contain.
    #[serde(default)]
    pub secrets: Vec<String>,
}

/// A mail ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingMail {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept private.
    pub security: Security,
    /// User name and password, where the server wants them.
    pub login: Option<(String, String)>,
    /// The sender's address.
    pub from: String,
    /// Who is still to get it: addresses.
    pub to: Vec<String>,
    /// Head and body, lines ended by CR LF, as RFC 5322 has it; ASCII alone.
    pub message: String,
    /// What no answer that is shown may contain.
    #[serde(default)]
    pub secrets: Vec<String>,
}

/// How a connection to a mail server is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS after the server was asked for it.
    StartTls,
    /// Not at all.
    None,
}

/// A receiver's words as they may be shown and kept: one line, bounded, each of `secrets` as a mask.
pub fn shown(text: &str, secrets: &[String]) -> String {
    let mut secrets: Vec<&String> = secrets.iter().filter(|one| !one.is_empty()).collect();
    // What holds another one goes first.
    secrets.sort_by_key(|one| std::cmp::Reverse(one.len()));
    let clean = secrets.into_iter().fold(text.to_owned(), |text, one| text.replace(one.as_str(), MASK));
    let line = words::fitted(&clean, clean.len(), words::bytes, words::one_line);
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    words::fitted(&line, MAX_WORDS, words::utf16, words::plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_queued_before_there_was_mail_is_a_request() {
        let text = r#"{"method":"POST","url":"https://x/","headers":[["a","b"]],"body":"c"}"#;
        let Ok(Outgoing::Request(request)) = serde_json::from_str(text) else { panic!("{text}") };
        assert_eq!((request.url.as_str(), request.secrets.len()), ("https://x/", 0));
    }

    #[test]
    fn words_are_shown_without_secrets_and_not_without_end() {
        let secrets = ["s3cr3t-s3cr3t".to_owned(), String::new()];
        assert_eq!(shown("bad\r\n token s3cr3t-s3cr3t!", &secrets), "bad token ********!");
        assert_eq!(shown(&"x".repeat(2000), &[]).chars().count(), 500);
    }
}
