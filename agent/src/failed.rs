//! Why a command failed: words for people, and the exit code.

use crate::config::ConfigError;

/// The command line or the configuration is wrong.
const WRONG: u8 = 2;
/// What was asked for failed.
const FAILED: u8 = 1;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub struct Failed {
    words: String,
    code: u8,
}

impl Failed {
    /// A failure in these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), code: FAILED }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        self.code
    }
}

impl From<ConfigError> for Failed {
    fn from(error: ConfigError) -> Self {
        Self { words: error.to_string(), code: WRONG }
    }
}
