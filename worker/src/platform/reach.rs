//! Asking a target whether it is there: what comes back is only how long it took, or why it did not.

use std::time::Duration;

use edgewatch_core::units::UnixMillis;
use worker::{AbortController, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect};

use super::clock;
use super::outbound::first_of;

/// How long a target may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How much of what went wrong is kept.
const MAX_ERROR_CHARS: usize = 120;

/// What came of asking a target.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// How long the right answer took, ms.
    pub delay_ms: Option<f64>,
    /// Why there was none.
    pub error: Option<String>,
}

impl Asked {
    /// There was no right answer.
    pub fn failed(words: &str) -> Self {
        Self { delay_ms: None, error: Some(words.chars().take(MAX_ERROR_CHARS).collect()) }
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a few seconds")]
    fn of(outcome: Option<Result<(), String>>, begun: UnixMillis) -> Self {
        match outcome {
            Some(Ok(())) => Self { delay_ms: Some((clock::now().0 - begun.0).max(0) as f64), error: None },
            Some(Err(words)) => Self::failed(&words),
            None => Self::failed("no answer in time"),
        }
    }
}

/// Fetches a page: a status from 200 to 399 is the right answer. Redirects are not followed, and the body is not read.
pub async fn get(url: &str) -> Asked {
    let begun = clock::now();
    let words = |error: worker::Error| error.to_string();
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_redirect(RequestRedirect::Manual);
    let headers = Headers::new();
    let _ = headers.set("user-agent", concat!("edgewatch/", env!("CARGO_PKG_VERSION")));
    // An answer that lies near says nothing about the target.
    let _ = headers.set("cache-control", "no-cache");
    init.with_headers(headers);
    let request = match Request::new_with_init(url, &init) {
        Ok(request) => request,
        Err(error) => return Asked::failed(&words(error)),
    };
    let controller = AbortController::default();
    let signal = controller.signal();
    let asking = async {
        match Fetch::Request(request).send_with_signal(&signal).await.map_err(words)?.status_code() {
            200..=399 => Ok(()),
            status => Err(format!("status {status}")),
        }
    };
    let outcome = first_of(asking, Delay::from(LIMIT)).await;
    let asked = Asked::of(outcome, begun);
    controller.abort();
    asked
}

/// Connects by TCP, and closes the connection as soon as it is there.
pub async fn connect(host: &str, port: u16) -> Asked {
    let begun = clock::now();
    let words = |error: worker::Error| error.to_string();
    let mut socket = match worker::Socket::builder().connect(host, port) {
        Ok(socket) => socket,
        Err(error) => return Asked::failed(&words(error)),
    };
    let opening = async { socket.opened().await.map(drop).map_err(words) };
    let outcome = first_of(opening, Delay::from(LIMIT)).await;
    let asked = Asked::of(outcome, begun);
    let _ = socket.close().await;
    asked
}
