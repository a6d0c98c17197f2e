//! What can go wrong between us and the database.

use edgewatch_core::failure::Failure;
use thiserror::Error;

/// Why a statement has no result.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The engine refused or was not reached. Whether it wrote is known only when `written` says so.
    #[error("database: {detail}")]
    Backend {
        /// The engine's words.
        detail: String,
        /// Trying again may help. The statement may have been carried out all the same.
        transient: bool,
    },
    /// A column holds what the model cannot.
    #[error("a stored row cannot be read: {0}")]
    Corrupt(String),
    /// A whole number that a double does not hold exactly.
    #[error("{0} is beyond the exact integers")]
    Inexact(i64),
}

impl StoreError {
    /// Whether a row was refused because another one has the same of what there may be once.
    pub fn is_not_unique(&self) -> bool {
        matches!(self, Self::Backend { detail, .. } if detail.contains("UNIQUE constraint failed"))
    }

    /// Sorts an engine's error by its words. Source: platform specification, 1.2 (which errors pass by themselves).
    pub fn from_words(detail: String) -> Self {
        const TRANSIENT: [&str; 6] = [
            "Network connection lost",
            "storage caused object to be reset",
            "reset because its code was updated",
            "transient issue on remote node",
            "overloaded",
            "Cannot resolve D1 DB due to transient issue",
        ];
        let transient = TRANSIENT.iter().any(|words| detail.contains(words));
        Self::Backend { detail, transient }
    }

    /// Whether trying the same again may help.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Backend { transient: true, .. })
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Backend { .. } => Self::Unavailable { detail: error.to_string() },
            StoreError::Corrupt(_) => Self::Internal(error.to_string()),
            // What we store ourselves is bounded when it comes in: it is a number that somebody asks for.
            StoreError::Inexact(_) => Self::Invalid { field: "number".to_owned(), reason: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_nothing_has_is_the_callers_mistake() {
        assert!(matches!(Failure::from(StoreError::Inexact(i64::MAX)), Failure::Invalid { .. }));
        assert!(matches!(Failure::from(StoreError::Corrupt(String::new())), Failure::Internal(_)));
    }
}
