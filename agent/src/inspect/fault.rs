//! Why a group has no value, in words that stand in its place in the document.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use crate::collect::CollectError;

/// Why.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The system refused.
    #[error("{what}: {error}")]
    Refused {
        /// What was asked for.
        what: String,
        /// What the system said.
        error: io::Error,
    },
    /// It is there and does not read as it should.
    #[error("{0} does not read as expected")]
    Malformed(String),
    /// Who was asked said no.
    #[error("{0}")]
    Said(String),
    /// No answer in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
    /// A question of an earlier cycle still waits for its answer.
    #[error("no answer since an earlier cycle")]
    Hangs,
    /// The cycle's time was over before its turn came.
    #[error("not looked at: the cycle's time was over")]
    Skipped,
    /// One of the collectors could not.
    #[error(transparent)]
    Collect(#[from] CollectError),
}

impl Fault {
    /// The system refused to let us have `what`.
    pub fn refused(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Refused { what, error }
    }

    /// `what` does not read as it should.
    pub fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed(what.into())
    }
}

/// A file's text, at most `most` bytes of it; what is no UTF-8 is replaced.
///
/// # Errors
/// [`Fault::Refused`] when it cannot be read.
pub fn text(path: &Path, most: u64) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(Fault::refused(path.display().to_string()))?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The first line of a small file, without blanks at its ends; `None` where it cannot be read or is empty.
pub fn line(path: &Path) -> Option<String> {
    // Source: a page is the most that the kernel gives for a file of /sys.
    let text = text(path, 4096).ok()?;
    Some(text.lines().next()?.trim().to_owned()).filter(|line| !line.is_empty())
}
