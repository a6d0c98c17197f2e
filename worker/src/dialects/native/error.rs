//! A failure in our own words.

use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::native::{self, ErrorReply};
use edgewatch_core::failure::Failure;
use http::{HeaderValue, header};

use crate::http::answer;

/// Seconds after which an agent may try again when the database did not answer.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// A refusal by any route.
pub struct Refusal(pub Failure);

/// What a path says that is spoken to over a WebSocket alone.
pub fn upgrade_required() -> Response {
    let body = ErrorReply::new("upgrade_required", "this path is spoken to over a WebSocket");
    answer::json(426, answer::JSON, &body)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        answer::note(&self.0, "native");
        let (status, body) = native::render(&self.0);
        let mut response = answer::json(status, answer::JSON, &body);
        match self.0 {
            Failure::Unavailable { .. } => drop(response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER)),
            Failure::TooManyAttempts { retry_after_s } => {
                drop(response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s)));
            }
            Failure::Unauthenticated => {
                let scheme = HeaderValue::from_static("Bearer");
                drop(response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme));
            }
            _ => {}
        }
        response
    }
}
