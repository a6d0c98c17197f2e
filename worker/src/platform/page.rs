//! Asking a web address in the way that somebody wants it asked.

use std::time::Duration;

use futures_util::StreamExt;
use worker::{AbortController, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Response, Url};

use super::outbound::first_of;

/// How the runtime says that a run has asked enough.
const ENOUGH: &str = "subrequests";

/// Why there is no answer, or not all of one; in words without the address or what was sent, for both may hold secrets.
#[derive(Debug)]
pub enum Silence {
    /// It took too long.
    Late,
    /// The target refuses, or breaks off.
    Theirs(String),
    /// The runtime did not ask, which is no fault of the target's.
    Ours(String),
}

/// A question.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// Where to.
    pub url: &'a str,
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'a str,
    /// Names and values; they take the place of those that are sent anyway.
    pub headers: &'a [(String, String)],
    /// Not with GET.
    pub body: Option<&'a str>,
}

/// An answer, whose body is still to come. What is not read of it by the end is not waited for.
pub struct Page {
    response: Response,
    controller: AbortController,
}

/// Asks, and gives the answer as soon as it begins. Redirections are answers.
///
/// # Errors
/// Why there was none.
pub async fn ask(asking: Asking<'_>, limit: Duration) -> Result<Page, Silence> {
    let Asking { url, method, headers, body } = asking;
    let silence = |error: worker::Error| {
        let words = error.to_string().replace(url, "the address");
        if words.contains(ENOUGH) { Silence::Ours(words) } else { Silence::Theirs(words) }
    };
    let set = Headers::new();
    // An answer that lies near says nothing about the target.
    let usual = [("user-agent", concat!("edgewatch/", env!("CARGO_PKG_VERSION"))), ("cache-control", "no-cache")];
    let is_said = |name: &str| headers.iter().any(|(said, _)| said.eq_ignore_ascii_case(name));
    let usual = usual.into_iter().filter(|(name, _)| !is_said(name));
    for (name, value) in usual.chain(headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))) {
        set.append(name, value).map_err(|_| Silence::Theirs("a header that cannot be sent".to_owned()))?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::from(method.to_owned())).with_headers(set).with_redirect(RequestRedirect::Manual);
    if let Some(body) = body {
        init.with_body(Some(body.into()));
    }
    let request = Request::new_with_init(url, &init).map_err(silence)?;
    let controller = AbortController::default();
    let signal = controller.signal();
    match first_of(Fetch::Request(request).send_with_signal(&signal), Delay::from(limit)).await {
        Some(Ok(response)) => Ok(Page { response, controller }),
        Some(Err(error)) => Err(silence(error)),
        None => {
            controller.abort();
            Err(Silence::Late)
        }
    }
}

impl Page {
    /// Its status.
    pub fn status(&self) -> u16 {
        self.response.status_code()
    }

    /// Where a redirection leads that came from `url`; `None` where it says nowhere.
    pub fn leads_to(&self, url: &str) -> Option<String> {
        let location = self.response.headers().get("location").ok().flatten()?;
        Some(Url::parse(url).ok()?.join(&location).ok()?.to_string())
    }

    /// Gives the pieces of the body to `feed` until it wants no more.
    ///
    /// # Errors
    /// Why the rest could not be had.
    pub async fn read(&mut self, limit: Duration, mut feed: impl FnMut(&[u8]) -> bool) -> Result<(), Silence> {
        let Ok(mut stream) = self.response.stream() else {
            // An answer without a body.
            return Ok(());
        };
        let reading = async {
            while let Some(piece) = stream.next().await {
                let piece = piece.map_err(|_| Silence::Theirs("the body breaks off".to_owned()))?;
                if !feed(&piece) {
                    break;
                }
            }
            Ok(())
        };
        first_of(reading, Delay::from(limit)).await.unwrap_or(Err(Silence::Late))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Unread it would hold one of the six connections.
        std::mem::take(&mut self.controller).abort();
    }
}
