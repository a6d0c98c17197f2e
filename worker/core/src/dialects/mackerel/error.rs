//! How Mackerel says that a request cannot be served. Source: mackerel specification, 1.2.

use serde::Serialize;

use crate::failure::Failure;

/// What a refused request gets. The Go client shows the text of this form alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorReply {
    /// What is wrong.
    pub error: ErrorPart,
}

/// The inner part of [`ErrorReply`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorPart {
    /// For people; a single line.
    pub message: String,
}

/// The status and body for a failure. The stock agent gives up for good at any 4xx when it starts: what may pass is a 5xx.
pub fn render(failure: &Failure) -> (u16, ErrorReply) {
    let reply = |status: u16, message: &str| (status, ErrorReply { error: ErrorPart { message: message.to_owned() } });
    match failure {
        Failure::Unauthenticated => reply(401, "Authentication failed. Please try with valid Api Key."),
        Failure::Forbidden { needs } => reply(403, &format!("Permission denied: the Api Key lacks {needs}.")),
        Failure::NotFound { what: "route" } | Failure::MethodNotAllowed => reply(404, "Not found."),
        Failure::NotFound { what } => reply(404, &format!("{} Not Found.", capitalized(what))),
        Failure::Malformed { detail } => reply(400, &format!("Malformed request: {detail}")),
        Failure::Invalid { field, reason } => reply(400, &format!("{field}: {reason}")),
        Failure::Conflict { detail } => reply(409, detail),
        Failure::TooLarge { limit_bytes } => reply(413, &format!("The request is over {limit_bytes} bytes.")),
        Failure::TooManyAttempts { retry_after_s } => reply(429, &format!("Try again in {retry_after_s} s.")),
        Failure::Unavailable { .. } => reply(503, "The database is not available. Please try again."),
        Failure::Internal(_) => reply(500, "Internal error."),
    }
}

fn capitalized(what: &str) -> String {
    let mut letters = what.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_the_status_and_text_that_clients_know() {
        let json = |failure: &Failure| {
            let (status, body) = render(failure);
            (status, serde_json::to_string(&body).unwrap())
        };
        let unauthenticated = r#"{"error":{"message":"Authentication failed. Please try with valid Api Key."}}"#;
        assert_eq!(json(&Failure::Unauthenticated), (401, unauthenticated.to_owned()));
        let unknown = (404, r#"{"error":{"message":"Not found."}}"#.to_owned());
        assert_eq!(json(&Failure::NotFound { what: "route" }), unknown);
        assert_eq!(json(&Failure::MethodNotAllowed), unknown);
        let host = (404, r#"{"error":{"message":"Host Not Found."}}"#.to_owned());
        assert_eq!(json(&Failure::NotFound { what: "host" }), host);
        let status = |failure: Failure| render(&failure).0;
        assert_eq!(status(Failure::Forbidden { needs: "the scope write" }), 403);
        assert_eq!(status(Failure::TooLarge { limit_bytes: 1 }), 413);
        assert_eq!(status(Failure::Unavailable { detail: String::new() }), 503);
        assert_eq!(status(Failure::Malformed { detail: String::new() }), 400);
        assert_eq!(status(Failure::Invalid { field: String::new(), reason: String::new() }), 400);
    }
}
