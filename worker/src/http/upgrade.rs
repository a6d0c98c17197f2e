//! A request that wants to become a WebSocket, and the answer that makes it one.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::failure::Failure;
use http::{HeaderMap, StatusCode, header};
use worker::{Headers, WebSocket};

/// What a WebSocket is negotiated by; nothing else of a peer's request goes on to an object.
const NEGOTIATION: &str = "sec-websocket-";

/// The headers of a peer's upgrade request that may go on: cookies, tokens and `x-edgewatch-*` of its own never do.
pub struct Upgrade(HeaderMap);

impl Upgrade {
    /// The upgrade that the headers ask for; `None` when they ask for none.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let wanted = headers.get(header::UPGRADE)?.to_str().ok()?;
        if !wanted.eq_ignore_ascii_case("websocket") {
            return None;
        }
        let kept =
            headers.iter().filter(|(name, _)| **name == header::UPGRADE || name.as_str().starts_with(NEGOTIATION));
        Some(Self(kept.map(|(name, value)| (name.clone(), value.clone())).collect()))
    }

    /// The headers for the object that will hold the socket.
    ///
    /// # Errors
    /// [`Failure::Internal`] when the runtime refuses one of them.
    pub fn into_headers(self) -> Result<Headers, Failure> {
        let headers = Headers::new();
        for (name, value) in &self.0 {
            let Ok(value) = value.to_str() else { continue };
            headers
                .append(name.as_str(), value)
                .map_err(|error| Failure::Internal(format!("header {name}: {error}")))?;
        }
        Ok(headers)
    }
}

/// The object's answer, handed on: its socket, or else its status and body.
///
/// # Errors
/// [`Failure::Unavailable`] when its body breaks off.
pub async fn answer(mut from_object: worker::Response) -> Result<Response, Failure> {
    let status = StatusCode::from_u16(from_object.status_code()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if status == StatusCode::SWITCHING_PROTOCOLS {
        let socket = from_object.websocket();
        let socket = socket.ok_or_else(|| Failure::Internal("an object upgraded without a socket".to_owned()))?;
        response.extensions_mut().insert(socket);
    } else {
        let failed = |error: worker::Error| Failure::Unavailable { detail: format!("an object's answer: {error}") };
        *response.body_mut() = Body::from(from_object.bytes().await.map_err(failed)?);
    }
    Ok(response)
}

/// The socket that an answer carries to the peer.
pub fn take_socket(response: &mut Response) -> Option<WebSocket> {
    response.extensions_mut().remove::<WebSocket>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_the_negotiation_goes_on() {
        let sent = headers(&[
            ("upgrade", "WebSocket"),
            ("sec-websocket-key", "x"),
            ("cookie", "edgewatch_session=s"),
            ("authorization", "Bearer t"),
            ("x-edgewatch-viewer", "{\"sees_hidden\":true}"),
        ]);
        let kept = Upgrade::of(&sent).unwrap().0;
        let names: Vec<&str> = kept.keys().map(HeaderName::as_str).collect();
        assert_eq!(
            (names.len(), kept.contains_key("upgrade"), kept.contains_key("sec-websocket-key")),
            (2, true, true)
        );
    }

    #[test]
    fn what_asks_for_no_websocket_is_no_upgrade() {
        assert!(Upgrade::of(&headers(&[])).is_none());
        assert!(Upgrade::of(&headers(&[("upgrade", "h2c")])).is_none());
    }
}
