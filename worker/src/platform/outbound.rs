//! Outgoing HTTP.

use worker::{AbortController, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect};

/// How long a receiver may take.
const TIMEOUT_MS: u64 = 10_000;
/// How much of a receiver's refusal is kept.
const MAX_ERROR_CHARS: usize = 200;

/// Sends a request and says whether the receiver took it: a status from 200 to 299. Redirects are not followed: they
/// would carry the body elsewhere.
///
/// # Errors
/// What went wrong, in words without the address: it may hold a secret.
pub async fn send(method: &str, url: &str, headers: &[(String, String)], body: &str) -> Result<(), String> {
    let words = |error: worker::Error| shorten(&error.to_string().replace(url, "the address"));
    let set = Headers::new();
    for (name, value) in headers {
        set.set(name, value).map_err(words)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::from(method.to_owned())).with_headers(set).with_redirect(RequestRedirect::Manual);
    init.with_body(Some(body.into()));
    let request = Request::new_with_init(url, &init).map_err(words)?;

    let controller = AbortController::default();
    let signal = controller.signal();
    let sending = async { Fetch::Request(request).send_with_signal(&signal).await.map_err(words) };
    let outcome = first_of(sending, Delay::from(std::time::Duration::from_millis(TIMEOUT_MS))).await;
    let status = outcome.map(|response| response.map(|response| response.status_code()));
    // A late receiver is not waited for, and an answer's body is of no interest: unread it would hold one of the six
    // connections.
    controller.abort();
    match status.unwrap_or_else(|| Err(format!("no answer within {} s", TIMEOUT_MS / 1000)))? {
        200..=299 => Ok(()),
        status => Err(format!("the receiver answered with status {status}")),
    }
}

/// The host of an address as the runtime will understand it: `0251.0376.0251.0376` is 169.254.169.254. `None` for what is no
/// address.
#[cfg(target_arch = "wasm32")]
pub fn host(url: &str) -> Option<String> {
    super::ffi::Url::new(url).ok().map(|url| url.hostname())
}

/// The same outside wasm, where nothing is sent: as it stands.
#[cfg(not(target_arch = "wasm32"))]
pub fn host(url: &str) -> Option<String> {
    url.split("://").nth(1)?.split(['/', ':']).next().map(str::to_owned)
}

fn shorten(text: &str) -> String {
    text.chars().take(MAX_ERROR_CHARS).collect()
}

/// What `work` gives, or `None` when `limit` ends first.
pub(super) async fn first_of<T>(work: impl Future<Output = T>, limit: impl Future<Output = ()>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let mut limit = std::pin::pin!(limit);
    std::future::poll_fn(move |context| {
        if let std::task::Poll::Ready(value) = work.as_mut().poll(context) {
            return std::task::Poll::Ready(Some(value));
        }
        limit.as_mut().poll(context).map(|()| None)
    })
    .await
}
