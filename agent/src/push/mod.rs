//! Hands reports to the server and says what became of them.

pub mod backoff;
pub mod dial;
pub mod https;
mod resolver;
mod roots;
pub mod tls;
pub mod websocket;

use std::time::Duration;

use edgewatch_core::dialects::native::{ErrorReply, ReportReply, ReportRequest};

use self::https::{Answer, Client, ClientError};

/// Source: the contract, `POST /agent/v1/reports`.
const PATH: &str = "/agent/v1/reports";

/// Why a report was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The server cannot be reached, or is busy or broken.
    #[error("{reason}")]
    Away {
        /// What happened.
        reason: String,
        /// How long the server wants us to wait.
        retry_after: Option<Duration>,
        /// The server said nothing or broke: the report may have been more than it can bear.
        may_be_too_much: bool,
    },
    /// The server does not know the secret.
    #[error("the server does not accept this host's secret (status 401)")]
    Unauthorized,
    /// The server will never take this report as it is.
    #[error("the server refuses the report (status {status}): {reason}")]
    Refused {
        /// 400 or 413.
        status: u16,
        /// What the server said.
        reason: String,
    },
}

/// The way to one server for one host.
#[derive(Debug)]
pub struct Pusher {
    client: Client,
    url: String,
    authorization: String,
    body: Vec<u8>,
}

impl Pusher {
    /// Reports to the server at `base_url` with this host's secret.
    pub fn new(client: Client, base_url: &str, secret: &str) -> Self {
        Self { client, url: format!("{base_url}{PATH}"), authorization: format!("Bearer {secret}"), body: Vec::new() }
    }

    /// Sends a report.
    ///
    /// # Errors
    /// [`PushError`], which tells whether trying again can help.
    pub fn push(&mut self, report: &ReportRequest, now_s: i64) -> Result<ReportReply, PushError> {
        self.body.clear();
        serde_json::to_writer(&mut self.body, report)
            .map_err(|error| PushError::Refused { status: 400, reason: error.to_string() })?;
        let mut result = self.post(now_s);
        if result.as_ref().is_err_and(ClientError::is_disconnect) {
            // A kept connection was closed under us. The server skips what it has, so a second time does no harm.
            result = self.post(now_s);
        }
        let result = match result {
            Ok(understood) => understood,
            Err(error) => Err(PushError::Away { reason: error.to_string(), retry_after: None, may_be_too_much: true }),
        };
        // A backlog's report is large and rare; its room is given back.
        self.body.shrink_to(8 * 1024);
        result
    }

    fn post(&mut self, now_s: i64) -> Result<Result<ReportReply, PushError>, ClientError> {
        let answer = self.client.post(&self.url, &self.authorization, &self.body)?;
        Ok(understand(&answer, now_s))
    }
}

fn understand(answer: &Answer, now_s: i64) -> Result<ReportReply, PushError> {
    let away = |reason: String| {
        let retry_after = answer.retry_after.as_deref().and_then(|value| backoff::parse_retry_after(value, now_s));
        // A server that says when to come back is busy, and not with this report. One that ran out of processor time
        // cannot say anything: its platform answers with 503 and no header.
        let is_busy = answer.status == 503 && retry_after.is_some();
        let may_be_too_much = (500..=599).contains(&answer.status) && !is_busy;
        PushError::Away { reason, retry_after, may_be_too_much }
    };
    match answer.status {
        200 => serde_json::from_slice(answer.body)
            .map_err(|error| away(format!("the server's answer is none to a report ({error}); is the URL right?"))),
        401 => Err(PushError::Unauthorized),
        status @ (400 | 413) => Err(PushError::Refused { status, reason: reason(answer.body) }),
        status @ 300..=399 => {
            Err(away(format!("the server redirects (status {status}); set `url` to its final address")))
        }
        status => Err(away(format!("the server answered with status {status}: {}", reason(answer.body)))),
    }
}

/// The words in an error's body, shortened and on one line.
fn reason(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<ErrorReply>(body) {
        Ok(reply) => reply.error.message,
        Err(_) => String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned(),
    };
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(status: u16, retry_after: Option<&str>, body: &str) -> Result<ReportReply, PushError> {
        let retry_after = retry_after.map(str::to_owned);
        let answer = Answer {
            status,
            retry_after,
            #[cfg(feature = "itcockpit")]
            location: None,
            body: body.as_bytes(),
        };
        understand(&answer, 0)
    }

    #[test]
    fn a_reply_is_read() {
        let body = r#"{"durable_up_to":7,"time_ms":5,"settings":{"period_s":10,"frame_s":60},"of_a_newer_server":1}"#;
        assert_eq!(understood(200, None, body).unwrap().durable_up_to, 7);
    }

    #[test]
    fn a_page_of_a_captive_portal_is_no_reply() {
        assert!(matches!(understood(200, None, "<html>"), Err(PushError::Away { .. })));
    }

    #[test]
    fn trying_again_helps_with_busy_servers_only() {
        let away = understood(429, Some("30"), "slow down").unwrap_err();
        assert!(matches!(away, PushError::Away { retry_after: Some(wait), .. } if wait == Duration::from_secs(30)));
        assert!(matches!(understood(503, None, ""), Err(PushError::Away { retry_after: None, .. })));
        assert!(matches!(understood(308, None, ""), Err(PushError::Away { .. })));
        assert!(matches!(understood(404, None, ""), Err(PushError::Away { .. })));
        assert_eq!(understood(401, None, ""), Err(PushError::Unauthorized));
        assert!(matches!(understood(413, None, ""), Err(PushError::Refused { status: 413, .. })));
    }

    #[test]
    fn a_reason_is_one_short_line() {
        let long = format!("a\nb{}", "x".repeat(5_000));
        assert_eq!(reason(long.as_bytes()).len(), 199);
        assert_eq!(reason(br#"{"error":{"code":"bad_request","message":"no"}}"#), "no");
    }
}
