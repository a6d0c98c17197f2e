//! Answers: a status and a JSON body.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use edgewatch_core::failure::Failure;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::platform::log;
use crate::platform::payload::Payload;

/// JSON as our own API and most dialects name it.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// JSON as Nezha names it.
pub const JSON_UTF8: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// An answer with a JSON body. What cannot be written as JSON becomes a logged 500 without a body.
pub fn json<T: Serialize>(status: u16, content_type: HeaderValue, body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => with_body(status, content_type, bytes),
        Err(error) => {
            log::error("answer", &error.to_string());
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// An answer with a body of any kind. Nothing of ours is for caches that it does not say so for.
pub fn with_body(status: u16, content_type: HeaderValue, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// As [`with_body`], with a body that is handed on as it is.
pub fn with_payload(status: u16, content_type: HeaderValue, payload: Payload) -> Response {
    let mut response = with_body(status, content_type, Vec::new());
    response.extensions_mut().insert(payload);
    response
}

/// The body that an answer carries beside the ordinary one.
pub fn take_payload(response: &mut Response) -> Option<Payload> {
    response.extensions_mut().remove()
}

/// Logs a failure that is ours; a caller's mistakes are not news.
pub fn note(failure: &Failure, context: &str) {
    match failure {
        Failure::Unavailable { .. } | Failure::Internal(_) => log::error(context, &failure.to_string()),
        Failure::Unauthenticated
        | Failure::Forbidden { .. }
        | Failure::NotFound { .. }
        | Failure::MethodNotAllowed
        | Failure::TooLarge { .. }
        | Failure::Malformed { .. }
        | Failure::Invalid { .. }
        | Failure::Conflict { .. }
        | Failure::TooManyAttempts { .. } => {}
    }
}
