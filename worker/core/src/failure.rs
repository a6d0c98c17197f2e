//! Why a request cannot be served. It says what went wrong, never how to say it: each dialect has its own words.

use thiserror::Error;

/// The one failure that use cases return and dialects render.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// No credential, or one that is unknown, expired or revoked.
    #[error("no valid credential")]
    Unauthenticated,
    /// A known credential without the right that the request needs.
    #[error("the credential lacks {needs}")]
    Forbidden {
        /// The scope, role or condition that is missing.
        needs: &'static str,
    },
    /// What the request names does not exist, or the caller may not know that it does.
    #[error("no such {what}")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
    },
    /// The path exists, its method does not.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// The body is over the route's cap.
    #[error("body over {limit_bytes} bytes")]
    TooLarge {
        /// The cap.
        limit_bytes: usize,
    },
    /// The request cannot be read at all.
    #[error("malformed: {detail}")]
    Malformed {
        /// What the reader stumbled over.
        detail: String,
    },
    /// One value of a readable request means nothing.
    #[error("{field}: {reason}")]
    Invalid {
        /// The key at fault, as the client spelled it.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The request contradicts what is stored.
    #[error("conflict: {detail}")]
    Conflict {
        /// What contradicts what.
        detail: String,
    },
    /// Passwords were tried too often; the next try has to wait.
    #[error("too many attempts; the next one in {retry_after_s} s")]
    TooManyAttempts {
        /// How long, seconds.
        retry_after_s: u32,
    },
    /// The database or an object did not answer; nothing is known to be stored, and the client should try again.
    #[error("unavailable: {detail}")]
    Unavailable {
        /// For the log alone.
        detail: String,
    },
    /// A fault of ours.
    #[error("internal: {0}")]
    Internal(String),
}
