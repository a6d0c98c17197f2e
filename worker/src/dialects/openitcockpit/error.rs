//! A failure in openITCOCKPIT's words.

use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::openitcockpit;
use edgewatch_core::failure::Failure;
use http::HeaderValue;
use http::header::RETRY_AFTER;

use crate::http::answer;

/// A refusal by any route.
pub struct Refusal(pub Failure);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        answer::note(&self.0, "openitcockpit");
        let (status, body) = openitcockpit::render(&self.0);
        let mut response = answer::json(status, answer::JSON, &body);
        if let Failure::TooManyAttempts { retry_after_s } = self.0 {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response
    }
}
