//! Why the object could not be asked.

use edgewatch_core::failure::Failure;
use thiserror::Error;

/// A call of the object that did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GateError {
    /// It did not answer, in the platform's words.
    #[error("the gate did not answer: {0}")]
    Unreachable(String),
    /// It answered with another status than the call has.
    #[error("the gate answered with status {0}")]
    Refused(u16),
}

impl From<worker::Error> for GateError {
    fn from(error: worker::Error) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl From<GateError> for Failure {
    fn from(error: GateError) -> Self {
        Self::Unavailable { detail: error.to_string() }
    }
}
