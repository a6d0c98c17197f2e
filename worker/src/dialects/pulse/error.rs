//! Refusals. They are written where the time is known: a handler's answer carries them there.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::pulse::{Limited, Refused};
use edgewatch_core::failure::Failure;
use edgewatch_core::units::UnixSeconds;
use http::{HeaderName, HeaderValue};

use crate::http::answer;

/// A refusal by any route.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// In the dialect's usual words.
    Usual(Failure),
    /// In words of its route.
    InWords(Refused),
    /// Asked too often: the next request is taken in so many seconds.
    TooOften(Limited, u32),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Usual(failure)
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::InWords(refused)
    }
}

impl Refusal {
    /// The answer at `now`.
    pub fn answer(self, now: UnixSeconds) -> Response {
        let (refused, headers) = match self {
            Self::Usual(failure) => {
                answer::note(&failure, "pulse");
                (Refused::from(failure), vec![])
            }
            Self::InWords(refused) => (refused, vec![]),
            Self::TooOften(limited, retry_after_s) => {
                let failure = Failure::TooManyAttempts { retry_after_s };
                (Refused::from(failure), Vec::from(limited.headers(retry_after_s, now)))
            }
        };
        let (status, body) = refused.reply(now.0);
        let mut response = answer::json(status, answer::JSON, &body);
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}
