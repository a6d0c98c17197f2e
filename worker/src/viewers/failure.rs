//! Why the viewers' object could not be asked.

use edgewatch_core::failure::Failure;
use thiserror::Error;

/// A call of the object that did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ViewersError {
    /// It did not answer, in the platform's words.
    #[error("the viewers' object did not answer: {0}")]
    Unreachable(String),
    /// It answered with another status than the call has.
    #[error("the viewers' object answered with status {0}")]
    Refused(u16),
}

impl From<worker::Error> for ViewersError {
    fn from(error: worker::Error) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl From<ViewersError> for Failure {
    fn from(error: ViewersError) -> Self {
        Self::Unavailable { detail: error.to_string() }
    }
}
