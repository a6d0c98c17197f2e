//! A failure in Mackerel's words.

use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::mackerel;
use edgewatch_core::failure::Failure;

use crate::http::answer;

/// A refusal by any route.
pub struct Refusal(pub Failure);

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        answer::note(&self.0, "mackerel");
        let (status, body) = mackerel::render(&self.0);
        answer::json(status, answer::JSON, &body)
    }
}
