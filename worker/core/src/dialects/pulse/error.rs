//! How Pulse says that a request cannot be served: the superset of the documented form and of what 4.2.1 sends.
//! Source: pulse specification, 2.4.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::failure::Failure;
use crate::units::UnixSeconds;

/// The body of a refusal: the superset of the two forms that clients know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorReply {
    /// A sentence. Stock clients look for words in it; only an answer that says "success" means one.
    pub error: String,
    /// A word for programs.
    pub code: String,
    /// The HTTP status again.
    pub status_code: u16,
    /// Unix seconds.
    pub timestamp: i64,
    /// What more is known, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

/// A refusal in words of its route, where [`render`] has others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// A word for programs.
    pub code: &'static str,
    /// A sentence.
    pub error: String,
    /// What more is known, by name.
    pub details: BTreeMap<String, String>,
}

impl Refused {
    /// A refusal in these words.
    pub fn new(status: u16, code: &'static str, error: impl Into<String>) -> Self {
        Self { status, code, error: error.into(), details: BTreeMap::new() }
    }

    /// No valid credential, where state is asked for. Source: pulse specification, 3.1.
    pub fn no_token() -> Self {
        Self::new(401, "unauthorized", "Invalid or missing API token")
    }

    /// No such storage. Source: pulse specification, 6.3.
    pub fn no_storage(id: &str) -> Self {
        Self::new(404, "storage_not_found", format!("Storage with ID '{id}' not found"))
    }

    /// No such alert. Source: pulse specification, 12.4.
    pub fn no_alert(id: &str) -> Self {
        Self::new(404, "not_found", format!("alert not found: {id}"))
    }

    /// No such webhook. Source: pulse specification, 11.4.
    pub fn no_webhook(id: &str) -> Self {
        Self::new(404, "not_found", format!("webhook not found: {id}"))
    }

    /// Another method than GET, where state and storage are asked for. Source: pulse specification, 2.4.
    pub fn only_get() -> Self {
        Self::new(405, "method_not_allowed", "Only GET method is allowed")
    }

    /// The body that is sent at `now_s`.
    pub fn reply(self, now_s: i64) -> (u16, ErrorReply) {
        let Self { status, code, error, details } = self;
        (status, ErrorReply { error, code: code.to_owned(), status_code: status, timestamp: now_s, details })
    }
}

impl From<&Failure> for Refused {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Unauthenticated => Self::new(401, "unauthorized", "Unauthorized"),
            Failure::Forbidden { needs } => Self::new(403, "forbidden", format!("Forbidden: {needs} is missing")),
            Failure::NotFound { what } => Self::new(404, "not_found", not_found(what)),
            Failure::MethodNotAllowed => Self::new(405, "method_not_allowed", "Method not allowed"),
            Failure::TooLarge { limit_bytes } => {
                Self::new(413, "too_large", format!("Request body too large: more than {limit_bytes} bytes"))
            }
            Failure::Malformed { detail } => Self::new(400, "validation_error", detail.clone()),
            Failure::Invalid { field, reason } => Self::new(400, "validation_error", format!("{field}: {reason}")),
            Failure::Conflict { detail } => Self::new(409, "conflict", detail.clone()),
            Failure::TooManyAttempts { .. } => {
                Self::new(429, "rate_limited", "Rate limit exceeded. Please try again later.")
            }
            Failure::Unavailable { .. } => Self::new(503, "service_unavailable", "Service unavailable"),
            Failure::Internal(_) => Self::new(500, "internal_error", "An unexpected error occurred"),
        }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::from(&failure)
    }
}

fn not_found(what: &str) -> String {
    match what {
        "route" => "404 page not found".to_owned(),
        "node" | "token" | "webhook" | "agent" | "host" => {
            let mut letters = what.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            format!("{} not found", first.into_iter().chain(letters).collect::<String>())
        }
        _ => "Not found".to_owned(),
    }
}

/// The status and body for a failure at `now_s`.
pub fn render(failure: &Failure, now_s: i64) -> (u16, ErrorReply) {
    Refused::from(failure).reply(now_s)
}

/// What Pulse allows so often only. Source: pulse specification, 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// `POST /api/config/export` and `POST /api/config/import` together.
    ExportImport,
    /// Mail for a test.
    TestMail,
    /// `GET /api/updates/check`.
    UpdateCheck,
}

impl Limited {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ExportImport, Self::TestMail, Self::UpdateCheck];

    /// Its word, for whoever counts.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ExportImport => "pulse_export",
            Self::TestMail => "pulse_test_mail",
            Self::UpdateCheck => "pulse_update_check",
        }
    }

    /// So many requests of a client.
    pub const fn most(self) -> u32 {
        match self {
            Self::ExportImport => 5,
            Self::TestMail | Self::UpdateCheck => 10,
        }
    }

    /// Within so many seconds, which slide.
    pub const fn window_s(self) -> u32 {
        match self {
            Self::ExportImport | Self::TestMail => 60,
            Self::UpdateCheck => 3_600,
        }
    }

    /// The headers of a refusal at `now`, when the next request is taken in `retry_after_s`.
    pub fn headers(self, retry_after_s: u32, now: UnixSeconds) -> [(&'static str, String); 4] {
        [
            ("Retry-After", retry_after_s.max(1).to_string()),
            ("X-RateLimit-Limit", self.most().to_string()),
            ("X-RateLimit-Remaining", "0".to_owned()),
            ("X-RateLimit-Reset", now.plus(i64::from(retry_after_s.max(1))).rfc3339()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(refused: Refused) -> String {
        serde_json::to_string(&refused.reply(1_754_995_749).1).unwrap()
    }

    #[test]
    fn a_refusal_has_both_forms_that_clients_know() {
        let storage = r#"{"error":"Storage with ID 'x' not found","code":"storage_not_found","status_code":404,"timestamp":1754995749}"#;
        assert_eq!(json(Refused::no_storage("x")), storage);
        let mut refused = Refused::new(400, "invalid_json", "Failed to decode request body");
        refused.details.insert("error".to_owned(), "EOF".to_owned());
        assert!(json(refused).ends_with(r#","details":{"error":"EOF"}}"#));
        for refused in [Refused::no_token(), Refused::no_alert("a"), Refused::no_webhook("w"), Refused::only_get()] {
            let (status, reply) = refused.clone().reply(0);
            assert_eq!((status, reply.status_code, reply.error), (refused.status, refused.status, refused.error));
        }
    }

    #[test]
    fn each_failure_has_its_status_code_and_words_and_none_says_success() {
        let text = |text: &str| text.to_owned();
        for (failure, status, code, words) in [
            (Failure::Unauthenticated, 401, "unauthorized", "Unauthorized"),
            (
                Failure::Forbidden { needs: "the scope write" },
                403,
                "forbidden",
                "Forbidden: the scope write is missing",
            ),
            (Failure::NotFound { what: "route" }, 404, "not_found", "404 page not found"),
            (Failure::NotFound { what: "node" }, 404, "not_found", "Node not found"),
            (Failure::NotFound { what: "token" }, 404, "not_found", "Token not found"),
            (Failure::NotFound { what: "webhook" }, 404, "not_found", "Webhook not found"),
            (Failure::NotFound { what: "channel" }, 404, "not_found", "Not found"),
            (Failure::MethodNotAllowed, 405, "method_not_allowed", "Method not allowed"),
            (Failure::TooLarge { limit_bytes: 9 }, 413, "too_large", "Request body too large: more than 9 bytes"),
            (Failure::Malformed { detail: text("Host is required") }, 400, "validation_error", "Host is required"),
            (Failure::Invalid { field: text("port"), reason: text("0") }, 400, "validation_error", "port: 0"),
            (Failure::Conflict { detail: text("there is one") }, 409, "conflict", "there is one"),
            (
                Failure::TooManyAttempts { retry_after_s: 3 },
                429,
                "rate_limited",
                "Rate limit exceeded. Please try again later.",
            ),
            (Failure::Unavailable { detail: text("x") }, 503, "service_unavailable", "Service unavailable"),
            (Failure::Internal(text("x")), 500, "internal_error", "An unexpected error occurred"),
        ] {
            let (sent, reply) = render(&failure, 7);
            assert_eq!((sent, reply.code.as_str(), reply.error.as_str(), reply.timestamp), (status, code, words, 7));
            assert!(!reply.error.contains("success"));
        }
    }

    #[test]
    fn a_limit_says_when_it_is_over() {
        let headers = Limited::UpdateCheck.headers(90, UnixSeconds(1_754_995_749));
        assert_eq!(headers[0], ("Retry-After", "90".to_owned()));
        assert_eq!(headers[1], ("X-RateLimit-Limit", "10".to_owned()));
        assert_eq!(headers[3], ("X-RateLimit-Reset", "2025-08-12T10:50:39Z".to_owned()));
        assert_eq!(Limited::ExportImport.headers(0, UnixSeconds(0))[0].1, "1");
        let rules: Vec<_> = Limited::ALL.map(|one| (one.most(), one.window_s())).into();
        assert_eq!(rules, [(5, 60), (10, 60), (10, 3_600)]);
    }
}
