//! What came of running a check once, in the stock agent's numbers and words. Pure.
//!
//! Source: openitcockpit specification, 10.2.

use std::io;
use std::time::Duration;

/// More of what a check prints is left out, bytes.
pub const MOST_BYTES: usize = 64 * 1024;

const TIMED_OUT: i32 = 124;
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;
const UNKNOWN: i32 = 3;
const KILLED: i32 = -1;

/// What came of running a check once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What it printed, standard error among it.
    pub stdout: String,
    /// Its exit code, or what stands for one.
    pub rc: i32,
    /// When it began, seconds since 1970.
    pub begun_s: i64,
}

impl Outcome {
    /// It ended by itself (`code`) or by a signal (no code).
    pub fn ended(code: Option<i32>, printed: &[u8], begun_s: i64) -> Self {
        Self { stdout: text(printed), rc: code.unwrap_or(KILLED), begun_s }
    }

    /// It was killed after `timeout`.
    pub fn timed_out(words: &str, timeout: Duration, begun_s: i64) -> Self {
        let seconds = timeout.as_secs();
        // Quirk: the unit stands twice.
        Self { stdout: format!("Custom check {words} timed out after {seconds}s seconds"), rc: TIMED_OUT, begun_s }
    }

    /// It could not be started.
    pub fn not_started(error: &io::Error, words: &str, begun_s: i64) -> Self {
        let (rc, stdout) = match error.kind() {
            io::ErrorKind::NotFound => (NOT_FOUND, format!("No such file or directory: '{words}'")),
            io::ErrorKind::PermissionDenied => (NOT_EXECUTABLE, format!("File not executable: '{words}'")),
            _ => (UNKNOWN, format!("Unknown error: {error} Command: '{words}'")),
        };
        Self { stdout, rc, begun_s }
    }

    /// Its command line has no words.
    pub fn unreadable(why: &str, begun_s: i64) -> Self {
        Self { stdout: why.to_owned(), rc: UNKNOWN, begun_s }
    }
}

/// What was printed, as text of at most [`MOST_BYTES`].
fn text(printed: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(printed).into_owned();
    // What stands for bytes that are no text is longer than they are.
    let end = (0..=MOST_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_start_is_told_by_its_reason() {
        let told = |kind: io::ErrorKind| {
            let Outcome { stdout, rc, .. } = Outcome::not_started(&kind.into(), "check -a", 7);
            (rc, stdout)
        };
        assert_eq!(told(io::ErrorKind::NotFound), (127, "No such file or directory: 'check -a'".to_owned()));
        assert_eq!(told(io::ErrorKind::PermissionDenied), (126, "File not executable: 'check -a'".to_owned()));
        let (rc, words) = told(io::ErrorKind::OutOfMemory);
        assert!(rc == 3 && words.starts_with("Unknown error: ") && words.ends_with(" Command: 'check -a'"), "{words}");
        let timed_out = Outcome::timed_out("sleep 9", Duration::from_secs(2), 7);
        assert_eq!((timed_out.rc, timed_out.begun_s), (124, 7));
        assert_eq!(timed_out.stdout, "Custom check sleep 9 timed out after 2s seconds");
    }

    #[test]
    fn output_is_text_of_a_bounded_length() {
        assert_eq!(Outcome::ended(Some(1), b"a\xffb\n", 7).stdout, "a\u{fffd}b\n");
        assert_eq!(Outcome::ended(None, b"", 7).rc, -1);
        for piece in ["ä", "\u{fffd}", "x"] {
            let long = Outcome::ended(Some(0), piece.repeat(MOST_BYTES).as_bytes(), 7).stdout;
            assert!(long.len() <= MOST_BYTES && long.len() > MOST_BYTES - 3 && long.starts_with(piece), "{piece}");
        }
        assert!(Outcome::ended(Some(0), &vec![0xff; MOST_BYTES], 7).stdout.len() <= MOST_BYTES);
    }
}
