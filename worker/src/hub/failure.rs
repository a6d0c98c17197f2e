//! What can go wrong in the hub, and on the way to it.

use edgewatch_core::blocks::BlockError;
use edgewatch_core::dialects::native::stream::{EncodeError, MAX_MESSAGE_BYTES};
use edgewatch_core::failure::Failure;
use thiserror::Error;

use crate::store::StoreError;

/// Why the hub has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HubError {
    /// The platform refuses: a quota is used up, the object is overloaded, a statement failed. Its words.
    #[error("hub: {0}")]
    Refused(String),
    /// What is stored, or came over the inner wire, cannot be read.
    #[error("hub: unreadable: {0}")]
    Corrupt(String),
    /// More than one message to the object may weigh.
    #[error("hub: more than {limit_bytes} bytes at once")]
    TooLarge {
        /// What it may weigh.
        limit_bytes: usize,
    },
    /// The object was not reached. It may have done what it was asked all the same.
    #[error("hub: not reached: {0}")]
    Unreachable(String),
}

impl HubError {
    /// Whether the platform refused, which the governor's ledger takes note of.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// Whether the object's database lacks a table or a column. Source: `SQLite`'s own words, which the platform hands on.
    pub fn is_missing(&self) -> bool {
        const WORDS: [&str; 3] = ["no such table", "no such column", "has no column named"];
        matches!(self, Self::Refused(words) if WORDS.iter().any(|part| words.contains(part)))
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        match error {
            HubError::Refused(_) | HubError::Unreachable(_) => Self::Unavailable { detail: error.to_string() },
            HubError::TooLarge { limit_bytes } => Self::TooLarge { limit_bytes },
            HubError::Corrupt(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<StoreError> for HubError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Backend { detail, .. } => Self::Refused(detail),
            StoreError::Corrupt(_) | StoreError::Inexact(_) => Self::Corrupt(error.to_string()),
        }
    }
}

impl From<EncodeError> for HubError {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::TooLarge { .. } => Self::TooLarge { limit_bytes: MAX_MESSAGE_BYTES },
            EncodeError::TooManySamples(_) | EncodeError::NotInOrder(_) => Self::Corrupt(error.to_string()),
        }
    }
}

impl From<BlockError> for HubError {
    fn from(error: BlockError) -> Self {
        Self::Corrupt(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_unavailable_and_what_is_damaged_is_ours() {
        for error in [HubError::Refused("quota".to_owned()), HubError::Unreachable("lost".to_owned())] {
            assert!(matches!(Failure::from(error), Failure::Unavailable { .. }));
        }
        assert!(matches!(Failure::from(HubError::from(BlockError::Damaged)), Failure::Internal(_)));
        assert_eq!(Failure::from(HubError::TooLarge { limit_bytes: 9 }), Failure::TooLarge { limit_bytes: 9 });
    }
}
