//! What a server answers. Source: openitcockpit specification, 1.7 and 3: `error` is always a text, for the stock agent reads nothing
//! else there.

use serde::Serialize;

use crate::failure::Failure;

/// 201 of a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RegisteredReply {
    /// The UUID that was sent.
    pub agentuuid: String,
    /// 128 lower-case hexadecimal digits, told this once.
    pub password: String,
}

/// 200 of a registration with a good password: what the server's page documents, and what the server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KnownReply {
    /// The UUID that was sent.
    pub agentuuid: String,
    /// The password that was sent.
    pub password: String,
    /// Always true.
    pub success: bool,
}

/// 200 of an inventory, and of what administrators change; not true with 400 for what is not deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SuccessReply {
    /// Whether it was done.
    pub success: bool,
}

/// 200 of check results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReceivedReply {
    /// Always true.
    pub success: bool,
    /// How many checks were judged by them.
    pub received_checks: u32,
}

/// Any other answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProblemReply {
    /// What is wrong, for the agent's log.
    pub error: String,
}

/// 405.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotAllowedReply<'a> {
    /// `Method Not Allowed`.
    pub message: &'static str,
    /// The path that was asked for.
    pub url: &'a str,
    /// 405.
    pub code: u16,
}

impl<'a> NotAllowedReply<'a> {
    /// The answer at a path.
    pub const fn at(url: &'a str) -> Self {
        Self { message: "Method Not Allowed", url, code: 405 }
    }
}

/// The words for agents that are not known, or not by this password.
const NO_CREDENTIALS: &str = "Invalid credentials or host not found";

/// 400 for check results of an agent that is not known, not by this password, or waits for an administrator.
pub fn bad_request() -> (u16, ProblemReply) {
    (400, ProblemReply { error: NO_CREDENTIALS.to_owned() })
}

/// The status and body for a failure.
pub fn render(failure: &Failure) -> (u16, ProblemReply) {
    let reply = |status: u16, error: &str| (status, ProblemReply { error: error.to_owned() });
    match failure {
        // 403 would tell an agent that somebody else has its UUID.
        Failure::Unauthenticated => reply(401, "The API key is missing or not known."),
        Failure::Forbidden { needs } => reply(401, &format!("The API key lacks {needs}.")),
        Failure::NotFound { .. } => reply(404, "No Agent found for given UUID and password"),
        // Quirk: sic.
        Failure::Conflict { .. } => reply(403, "The given UUID is already registed with a password!"),
        Failure::Invalid { field, .. } if field == "uuid or password" => {
            reply(400, "Field uuid or password is missing in POST data")
        }
        Failure::Invalid { field, reason } => reply(400, &format!("{field}: {reason}")),
        Failure::Malformed { detail } => reply(400, &format!("Bad Request: {detail}")),
        Failure::MethodNotAllowed => reply(405, "Method Not Allowed"),
        Failure::TooLarge { limit_bytes } => reply(413, &format!("The request is over {limit_bytes} bytes.")),
        Failure::TooManyAttempts { retry_after_s } => reply(429, &format!("Try again in {retry_after_s} s.")),
        Failure::Unavailable { .. } => reply(503, "The database is not available. Please try again."),
        Failure::Internal(_) => reply(500, "Internal error."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_spelled_as_the_server_spells_them() {
        let json = |failure: &Failure| {
            let (status, body) = render(failure);
            (status, serde_json::to_string(&body).unwrap())
        };
        let missing = Failure::Invalid { field: "uuid or password".to_owned(), reason: String::new() };
        let missing_text = r#"{"error":"Field uuid or password is missing in POST data"}"#;
        assert_eq!(json(&missing), (400, missing_text.to_owned()));
        let known = r#"{"error":"The given UUID is already registed with a password!"}"#;
        assert_eq!(json(&Failure::Conflict { detail: String::new() }), (403, known.to_owned()));
        let unknown = r#"{"error":"No Agent found for given UUID and password"}"#;
        assert_eq!(json(&Failure::NotFound { what: "agent" }), (404, unknown.to_owned()));
        let not_allowed = serde_json::to_string(&NotAllowedReply::at("/agentconnector/register_agent.json")).unwrap();
        assert_eq!(
            not_allowed,
            r#"{"message":"Method Not Allowed","url":"/agentconnector/register_agent.json","code":405}"#
        );
        let (status, body) = bad_request();
        assert_eq!((status, body.error.as_str()), (400, "Invalid credentials or host not found"));
        let received = ReceivedReply { success: true, received_checks: 7 };
        assert_eq!(serde_json::to_string(&received).unwrap(), r#"{"success":true,"received_checks":7}"#);
    }

    #[test]
    fn no_failure_of_the_key_looks_like_a_taken_uuid() {
        assert_eq!(render(&Failure::Unauthenticated).0, 401);
        assert_eq!(render(&Failure::Forbidden { needs: "the scope register" }).0, 401);
    }
}
