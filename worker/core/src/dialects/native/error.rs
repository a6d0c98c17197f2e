//! How our own API says that a request cannot be served.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The body of every refusal below `/agent/v1/` and `/api/edgewatch/v1/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorReply {
    /// The one key.
    pub error: ErrorBody,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorBody {
    /// A word for programs, such as `unauthenticated`.
    pub code: String,
    /// A sentence for people: what is wrong and what to do.
    pub message: String,
    /// The key of the request that is at fault, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl ErrorReply {
    /// A refusal without a field.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { error: ErrorBody { code: code.to_owned(), message: message.into(), field: None } }
    }

    /// The same refusal, naming the field at fault.
    #[must_use]
    pub fn with_field(mut self, field: Option<&str>) -> Self {
        self.error.field = field.map(str::to_owned);
        self
    }
}

/// The status and body for a failure.
pub fn render(failure: &Failure) -> (u16, ErrorReply) {
    match failure {
        Failure::Unauthenticated => (401, ErrorReply::new("unauthenticated", "this needs a valid credential")),
        Failure::Forbidden { needs } => {
            (403, ErrorReply::new("forbidden", format!("the credential lacks what this needs: {needs}")))
        }
        Failure::NotFound { what } => (404, ErrorReply::new("not_found", format!("there is no such {what}"))),
        Failure::MethodNotAllowed => (405, ErrorReply::new("method_not_allowed", "this path has no such method")),
        Failure::TooLarge { limit_bytes } => {
            (413, ErrorReply::new("too_large", format!("the body may have at most {limit_bytes} bytes")))
        }
        Failure::Malformed { detail } => (400, ErrorReply::new("malformed", detail.clone())),
        Failure::Invalid { field, reason } => {
            (400, ErrorReply::new("invalid", format!("{field}: {reason}")).with_field(Some(field)))
        }
        Failure::Conflict { detail } => (409, ErrorReply::new("conflict", detail.clone())),
        Failure::TooManyAttempts { retry_after_s } => {
            let message = format!("too many attempts; try again in {retry_after_s} s, or log in with a token");
            (429, ErrorReply::new("too_many_attempts", message))
        }
        Failure::Unavailable { .. } => {
            (503, ErrorReply::new("unavailable", "the database cannot be reached just now; try again"))
        }
        Failure::Internal(_) => (500, ErrorReply::new("internal", "something broke here; the log says what")),
    }
}
