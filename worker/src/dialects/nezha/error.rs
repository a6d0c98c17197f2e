//! A failure in Nezha's words.

use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::nezha;
use edgewatch_core::failure::Failure;

use crate::http::answer;

/// A refusal by any route.
pub struct Refusal(pub Failure);

/// A refusal by an admin route.
pub struct AdminRefusal(pub Failure);

/// A refusal by a route for guests too.
pub struct GuestRefusal(pub Failure);

/// A refusal by `register` once the caller is known.
pub struct RegisterRefusal {
    /// Why.
    pub failure: Failure,
    /// Whether the short answer was asked for.
    pub simple: bool,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        answer::note(&self.0, "nezha");
        let (status, body) = nezha::render(&self.0);
        answer::json(status, answer::JSON_UTF8, &body)
    }
}

impl IntoResponse for AdminRefusal {
    fn into_response(self) -> Response {
        answer::note(&self.0, "nezha.admin");
        let (status, body) = nezha::render_admin(&self.0);
        answer::json(status, answer::JSON_UTF8, &body)
    }
}

/// A refusal by `GET /api/v1/monitor/{id}` to somebody who was let in.
pub struct MonitorRefusal(pub Failure);

impl IntoResponse for MonitorRefusal {
    fn into_response(self) -> Response {
        answer::note(&self.0, "nezha.monitor");
        let (status, body) = nezha::render_monitor(&self.0);
        answer::json(status, answer::JSON_UTF8, &body)
    }
}

impl IntoResponse for GuestRefusal {
    fn into_response(self) -> Response {
        answer::note(&self.0, "nezha.guest");
        let (status, body) = nezha::render_guest(&self.0);
        answer::json(status, answer::JSON_UTF8, &body)
    }
}

impl IntoResponse for RegisterRefusal {
    fn into_response(self) -> Response {
        answer::note(&self.failure, "nezha.register");
        if matches!(self.failure, Failure::Unauthenticated | Failure::Forbidden { .. }) {
            return Refusal(self.failure).into_response();
        }
        let (status, body) = nezha::render_register(&self.failure);
        if self.simple && status == 500 {
            // Quirk: the short answer to a storage error is an empty text. Source: nezha specification, 6.
            return answer::json(status, answer::JSON_UTF8, &"");
        }
        answer::json(status, answer::JSON_UTF8, &body)
    }
}
