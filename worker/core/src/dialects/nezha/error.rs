//! How Nezha says that a request cannot be served: most refusals are HTTP 200 with a code in the body.

use serde::Serialize;

use crate::failure::Failure;

/// What a refused request gets: no `result`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorReply {
    /// An HTTP-like number. Quirk: not always the status of the response.
    pub code: u16,
    /// For people; a single line.
    pub message: String,
}

/// What a refused registration gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RegisterErrorReply {
    /// An HTTP-like number.
    pub code: u16,
    /// For people.
    pub message: String,
    /// Quirk: always there, and empty.
    pub secret: String,
}

/// The status and body for a failure of any route but registration's own body.
/// Source: nezha specification, 2.4 and H5 (a JSON 404 for the original's page).
pub fn render(failure: &Failure) -> (u16, ErrorReply) {
    let reply = |status: u16, code: u16, message: &str| (status, ErrorReply { code, message: message.to_owned() });
    match failure {
        // Quirk: HTTP 200. Bots test the code, the bootstrap script tests the body.
        Failure::Unauthenticated | Failure::Forbidden { .. } => reply(200, 403, "访问此接口需要认证"),
        Failure::NotFound { .. } | Failure::MethodNotAllowed => reply(404, 404, "not found"),
        Failure::Malformed { .. } => reply(400, 400, "Parse JSON failed"),
        Failure::Invalid { field, reason } => reply(400, 400, &format!("{field}: {reason}")),
        Failure::TooLarge { .. } => reply(413, 413, "request body too large"),
        Failure::Conflict { detail } => reply(409, 409, detail),
        Failure::TooManyAttempts { retry_after_s } => reply(429, 429, &format!("try again in {retry_after_s} s")),
        // Quirk: HTTP 200 again. Source: nezha specification, 5.
        Failure::Unavailable { .. } => reply(200, 500, "database is not available"),
        Failure::Internal(_) => reply(200, 500, "internal error"),
    }
}

/// The status and body for a failure of a route for guests too: who is not let in, and what a guest may not see.
/// Source: nezha specification, 2.4.
pub fn render_guest(failure: &Failure) -> (u16, ErrorReply) {
    match failure {
        Failure::Unauthenticated => (200, ErrorReply { code: 403, message: "访问受限".to_owned() }),
        Failure::Forbidden { .. } => (403, ErrorReply { code: 403, message: "需要认证".to_owned() }),
        Failure::NotFound { .. }
        | Failure::MethodNotAllowed
        | Failure::Malformed { .. }
        | Failure::Invalid { .. }
        | Failure::TooLarge { .. }
        | Failure::Conflict { .. }
        | Failure::TooManyAttempts { .. }
        | Failure::Unavailable { .. }
        | Failure::Internal(_) => render(failure),
    }
}

/// The status and body for a failure of `GET /api/v1/monitor/{id}`. Source: nezha specification, 5.
pub fn render_monitor(failure: &Failure) -> (u16, ErrorReply) {
    match failure {
        Failure::Malformed { .. } => (400, ErrorReply { code: 400, message: "id参数错误".to_owned() }),
        Failure::NotFound { .. } => (404, ErrorReply { code: 404, message: "id不存在".to_owned() }),
        Failure::Unauthenticated
        | Failure::Forbidden { .. }
        | Failure::MethodNotAllowed
        | Failure::Invalid { .. }
        | Failure::TooLarge { .. }
        | Failure::Conflict { .. }
        | Failure::TooManyAttempts { .. }
        | Failure::Unavailable { .. }
        | Failure::Internal(_) => render_guest(failure),
    }
}

/// The status and body for a failed registration by a caller who may register.
/// Source: nezha specification, 6.
pub fn render_register(failure: &Failure) -> (u16, RegisterErrorReply) {
    let reply = |status: u16, message: &str| {
        (status, RegisterErrorReply { code: status, message: message.to_owned(), secret: String::new() })
    };
    match failure {
        Failure::Malformed { .. } | Failure::Invalid { .. } => reply(400, "Parse JSON failed"),
        Failure::TooLarge { .. } => reply(413, "request body too large"),
        Failure::Conflict { detail } => reply(409, detail),
        Failure::TooManyAttempts { .. } => reply(429, "too many attempts"),
        Failure::Unavailable { .. } => reply(500, "database is not available"),
        Failure::Internal(_) => reply(500, "internal error"),
        Failure::NotFound { .. } | Failure::MethodNotAllowed => reply(404, "not found"),
        Failure::Unauthenticated | Failure::Forbidden { .. } => {
            let (status, body) = render(failure);
            (status, RegisterErrorReply { code: body.code, message: body.message, secret: String::new() })
        }
    }
}
