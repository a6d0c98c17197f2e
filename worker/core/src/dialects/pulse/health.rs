//! `GET /api/health`. Source: pulse specification, 5.1.

use serde::Serialize;

use crate::failure::Failure;

/// The answer, with status 200 and for everybody.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HealthReply {
    /// `healthy`.
    pub status: String,
    /// Unix seconds.
    pub timestamp: i64,
    /// Seconds since the first deployment; never decreases between calls.
    pub uptime: f64,
}

/// The body of a refusal: the superset of the two forms that clients know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorReply {
    /// A sentence.
    pub error: String,
    /// A word for programs.
    pub code: String,
    /// The HTTP status again.
    pub status_code: u16,
    /// Unix seconds.
    pub timestamp: i64,
}

/// The status and body for a failure at `now_s`.
pub fn render(failure: &Failure, now_s: i64) -> (u16, ErrorReply) {
    let (status, code, error) = match failure {
        Failure::Unauthenticated => (401, "unauthorized", "Authentication required".to_owned()),
        Failure::Forbidden { needs } => (403, "forbidden", format!("Missing: {needs}")),
        Failure::NotFound { .. } => (404, "not_found", "Not found".to_owned()),
        Failure::MethodNotAllowed => (405, "method_not_allowed", "Method not allowed".to_owned()),
        Failure::TooLarge { .. } => (413, "too_large", "Request body too large".to_owned()),
        Failure::Malformed { detail } => (400, "invalid_request", detail.clone()),
        Failure::Invalid { field, reason } => (400, "validation_failed", format!("{field}: {reason}")),
        Failure::Conflict { detail } => (409, "conflict", detail.clone()),
        Failure::TooManyAttempts { .. } => {
            (429, "rate_limited", "Rate limit exceeded. Please try again later.".to_owned())
        }
        Failure::Unavailable { .. } => (503, "service_unavailable", "Service unavailable".to_owned()),
        Failure::Internal(_) => (500, "internal_error", "Internal server error".to_owned()),
    };
    (status, ErrorReply { error, code: code.to_owned(), status_code: status, timestamp: now_s })
}
