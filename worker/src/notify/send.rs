//! Sending what is finished, and saying what the receiver said.

use edgewatch_core::notify::{Outgoing, OutgoingMail, OutgoingRequest, check_host, shown};

use super::smtp;
use crate::platform::config::Config;
use crate::platform::outbound;

/// What came of sending something.
pub struct Sent {
    /// Whether the receiver took it.
    pub is_taken: bool,
    /// Its status or reply code.
    pub status: Option<u16>,
    /// Its words, or what went wrong before it had any; to be shown and kept as they are.
    pub words: String,
    /// How long it asked to be left alone: its header `Retry-After`.
    pub retry_after: Option<String>,
    /// The mail for those who do not have it yet, where others do.
    pub rest: Option<OutgoingMail>,
}

/// Sends it now.
pub async fn send(config: &Config, outgoing: &Outgoing) -> Sent {
    match outgoing {
        Outgoing::Request(request) => send_request(request).await,
        Outgoing::Mail(mail) => send_mail(config, mail).await,
    }
}

async fn send_request(request: &OutgoingRequest) -> Sent {
    let failed = |words: &str| Sent {
        is_taken: false,
        status: None,
        words: shown(words, &request.secrets),
        retry_after: None,
        rest: None,
    };
    // It was checked when the channel was made; what was filled in since must not have changed where it leads.
    let Some(Ok(())) = outbound::host(&request.url).map(|host| check_host(&host)) else {
        return failed("the address leads where none may lead");
    };
    let answer = match outbound::send(&request.method, &request.url, &request.headers, &request.body).await {
        Ok(answer) => answer,
        Err(words) => return failed(&words),
    };
    let body = shown(&answer.body, &request.secrets);
    let is_taken = (200..300).contains(&answer.status);
    let redirected = if (300..400).contains(&answer.status) { ", and redirects are not followed" } else { "" };
    let words = match (is_taken, body.is_empty()) {
        (true, _) => body,
        (false, true) => format!("the receiver answered with status {}{redirected}", answer.status),
        (false, false) => format!("the receiver answered with status {}{redirected}: {body}", answer.status),
    };
    Sent { is_taken, status: Some(answer.status), words, retry_after: answer.retry_after, rest: None }
}

async fn send_mail(config: &Config, mail: &OutgoingMail) -> Sent {
    let own = config.public_url.as_deref().and_then(outbound::host).unwrap_or_default();
    let ended = smtp::send(mail, &own).await;
    let words = shown(&ended.words, &mail.secrets);
    let words = match ended.code {
        Some(code) if !ended.is_taken => format!("the mail server answered with {code}: {words}"),
        _ => words,
    };
    let rest = (!ended.refused.is_empty()).then(|| OutgoingMail { to: ended.refused, ..mail.clone() });
    Sent { is_taken: ended.is_taken, status: ended.code, words, retry_after: None, rest }
}
