//! Outgoing HTTP.

use futures_util::StreamExt;
use worker::{AbortController, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Response};

/// How long a receiver may take.
const TIMEOUT_MS: u64 = 10_000;
/// How long it may take over the body of its answer.
const BODY_TIMEOUT_MS: u64 = 2_000;
/// How much of an answer's body is read.
const MAX_BODY_BYTES: usize = 4096;

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// The beginning of its body, at most 4 KiB.
    pub body: String,
    /// Its header `Retry-After`.
    pub retry_after: Option<String>,
}

/// Sends a request and gives the receiver's answer, whatever it is. Redirects are not followed: they would carry the body
/// elsewhere.
///
/// # Errors
/// What went wrong before there was an answer, in words without the address: it may hold a secret.
pub async fn send(method: &str, url: &str, headers: &[(String, String)], body: &str) -> Result<Answer, String> {
    let words = |error: worker::Error| error.to_string().replace(url, "the address");
    let set = Headers::new();
    for (name, value) in headers {
        set.set(name, value).map_err(words)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::from(method.to_owned())).with_headers(set).with_redirect(RequestRedirect::Manual);
    if method != "GET" {
        init.with_body(Some(body.into()));
    }
    let request = Request::new_with_init(url, &init).map_err(words)?;

    let controller = AbortController::default();
    let signal = controller.signal();
    let outcome = within(TIMEOUT_MS, Fetch::Request(request).send_with_signal(&signal)).await;
    let answer = match outcome {
        None => Err(format!("no answer within {} s", TIMEOUT_MS / 1000)),
        Some(Err(error)) => Err(words(error)),
        Some(Ok(response)) => {
            let (status, mut bytes) = (response.status_code(), Vec::new());
            let retry_after = response.headers().get("retry-after").ok().flatten();
            // The status is the answer; what the body says to it is for people, and not waited for long.
            within(BODY_TIMEOUT_MS, read_beginning(response, &mut bytes)).await;
            Ok(Answer { status, body: String::from_utf8_lossy(&bytes).into_owned(), retry_after })
        }
    };
    // A late receiver is not waited for, and the rest of a body is of no interest: unread it would hold one of the six
    // connections.
    controller.abort();
    answer
}

/// What a server answers to a GET, all of it. Redirects are followed.
///
/// # Errors
/// What went wrong, in words; for another status than 200 and for more than `most_bytes` too.
pub async fn get(url: &str, most_bytes: usize) -> Result<Vec<u8>, String> {
    let words = |error: worker::Error| error.to_string();
    let set = Headers::new();
    // GitHub answers nobody who does not say who they are.
    set.set("User-Agent", "edgewatch").map_err(words)?;
    set.set("Accept", "application/json").map_err(words)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(set);
    let request = Request::new_with_init(url, &init).map_err(words)?;
    let controller = AbortController::default();
    let signal = controller.signal();
    let asking = async {
        let mut response = Fetch::Request(request).send_with_signal(&signal).await.map_err(words)?;
        if response.status_code() != 200 {
            return Err(format!("the server answered with status {}", response.status_code()));
        }
        let mut stream = response.stream().map_err(words)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk.map_err(words)?);
            if bytes.len() > most_bytes {
                return Err(format!("more than {most_bytes} bytes"));
            }
        }
        Ok(bytes)
    };
    let answer = within(TIMEOUT_MS, asking).await;
    controller.abort();
    answer.unwrap_or_else(|| Err(format!("no answer within {} s", TIMEOUT_MS / 1000)))
}

/// Reads the beginning of an answer's body; what cannot be read of it is left out.
async fn read_beginning(mut response: Response, bytes: &mut Vec<u8>) {
    let Ok(mut stream) = response.stream() else { return };
    while let Some(Ok(chunk)) = stream.next().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= MAX_BODY_BYTES {
            bytes.truncate(MAX_BODY_BYTES);
            return;
        }
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

/// What `work` gives, or `None` when it takes longer than so many milliseconds.
pub async fn within<T>(limit_ms: u64, work: impl Future<Output = T>) -> Option<T> {
    first_of(work, Delay::from(std::time::Duration::from_millis(limit_ms))).await
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
