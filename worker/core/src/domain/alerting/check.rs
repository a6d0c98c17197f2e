//! What checks of a host said: which report is news, and what it means. Source: mackerel specification, 7.

use super::alert::Verdict;
use crate::model::{CheckReport, Severity};
use crate::units::UnixSeconds;

/// A report of so long ago is none any more, seconds.
pub const OLD_S: i64 = 6 * 3_600;
/// So many reports are known again when they come once more.
const KNOWN: usize = 16;
/// So many checks of one host are judged.
pub const MOST_CHECKS: usize = 1_000;
/// A check that is in no result for so long is no more, seconds: an agent that was just started has not run all of its checks yet.
const MISSED_S: i64 = 300;
/// The longest message, in characters.
const MAX_MESSAGE_CHARS: usize = 1_024;
/// So many bytes the messages of all checks of one host have together: they are kept in one row, twice where there is an alert, and
/// a row has at most 2 MB.
const MOST_TEXT_BYTES: usize = 600_000;

/// What is known of a check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckState {
    /// Its name.
    pub name: String,
    /// How bad it was last; `None` when it was not.
    pub severity: Option<Severity>,
    /// What it said.
    pub message: String,
    /// How often in succession it was bad.
    pub count: u32,
    /// When it last reported, by its host's clock, and not after now by ours.
    pub last: UnixSeconds,
    /// The times of its last reports as they were told, oldest first.
    pub known: Vec<i64>,
    /// People are told again after so many minutes.
    pub every_min: Option<u32>,
    /// Whether it is in every result of its host as long as there is the check.
    pub is_steady: bool,
    /// Since when it is in none.
    pub missed: Option<UnixSeconds>,
}

impl CheckState {
    /// A check that said nothing yet.
    pub fn new(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    /// Takes a report; gives what it means, and `None` for one that is old or known. `is_open`: there is an alert.
    pub fn take(&mut self, report: &CheckReport, is_open: bool, now: UnixSeconds) -> Option<Verdict> {
        let is_late = report.at < self.last;
        if is_old(report.at, now) || is_late || self.known.contains(&report.at.0) {
            return None;
        }
        self.known.push(report.at.0);
        let surplus = self.known.len().saturating_sub(KNOWN);
        self.known.drain(..surplus);
        // A clock that was ahead is set right one day, and what comes then is no less true.
        self.last = report.at.min(now);
        (self.severity, self.every_min, self.is_steady) = (report.severity, report.every_min, report.is_steady);
        self.message.clone_from(&report.message);
        if report.severity.is_none() {
            self.count = 0;
            return Some(Verdict::Clear);
        }
        self.count = self.count.saturating_add(1);
        Some(if is_open || self.count >= report.attempts { Verdict::Failing } else { Verdict::Steady })
    }

    /// A result of its host came, with it or without; whether there is the check no more.
    pub fn miss(&mut self, is_there: bool, now: UnixSeconds) -> bool {
        if is_there || !self.is_steady {
            self.missed = None;
            return false;
        }
        // A clock that steps back begins anew.
        let since = self.missed.filter(|since| *since <= now).unwrap_or(now);
        self.missed = Some(since);
        now.since(since) >= MISSED_S
    }
}

/// What is kept of a message where the host has so many checks: all of it up to 97 of them, and up to 585 where it is plain text.
pub fn fitting(message: &str, checks: usize) -> &str {
    let room = MOST_TEXT_BYTES.checked_div(checks).unwrap_or(MOST_TEXT_BYTES);
    // No character takes more bytes than six.
    if message.len() <= MAX_MESSAGE_CHARS && message.len().saturating_mul(6) <= room {
        return message;
    }
    let mut bytes = 0_usize;
    let beyond = message.char_indices().enumerate().find(|(count, (_, one))| {
        bytes = bytes.saturating_add(json_bytes(*one));
        *count >= MAX_MESSAGE_CHARS || bytes > room
    });
    beyond.and_then(|(_, (at, _))| message.get(..at)).unwrap_or(message)
}

/// So many bytes a character has in a JSON text.
const fn json_bytes(one: char) -> usize {
    match one {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => one.len_utf8(),
    }
}

/// Whether a report of this time is one no more.
pub fn is_old(at: UnixSeconds, now: UnixSeconds) -> bool {
    now.since(at) >= OLD_S
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Clear, Failing, Steady};

    const NOW: UnixSeconds = UnixSeconds(1_795_361_190);

    fn report(at_s: i64, severity: Option<Severity>, attempts: u32) -> CheckReport {
        CheckReport {
            name: "c".to_owned(),
            severity,
            message: format!("at {at_s}"),
            at: NOW.plus(at_s),
            every_min: None,
            attempts,
            is_steady: false,
        }
    }

    const BAD: Option<Severity> = Some(Severity::Critical);

    #[test]
    fn an_alert_takes_so_many_bad_reports_in_succession() {
        let mut check = CheckState::new("c".to_owned());
        let mut at = |at_s, severity, is_open| check.take(&report(at_s, severity, 2), is_open, NOW.plus(at_s));
        assert_eq!(
            [at(0, BAD, false), at(60, None, false), at(120, BAD, false)],
            [Some(Steady), Some(Clear), Some(Steady)]
        );
        assert_eq!([at(180, BAD, false), at(240, Some(Severity::Warning), true)], [Some(Failing); 2]);
        assert_eq!(at(300, None, true), Some(Clear));
    }

    #[test]
    fn what_came_already_and_what_is_old_is_no_news() {
        let mut check = CheckState::new("c".to_owned());
        assert_eq!(check.take(&report(-OLD_S, BAD, 1), false, NOW), None);
        assert_eq!(check.take(&report(1 - OLD_S, BAD, 1), false, NOW), Some(Failing));
        assert_eq!(check.take(&report(-60, None, 1), true, NOW), Some(Clear));
        let before = check.clone();
        assert_eq!(check.take(&report(-60, BAD, 1), false, NOW), None, "the same second");
        assert_eq!(check.take(&report(-90, BAD, 1), false, NOW), None, "overtaken");
        assert_eq!(check, before);
    }

    #[test]
    fn a_check_that_no_result_has_for_minutes_is_no_more() {
        let mut check = CheckState::new("c".to_owned());
        check.take(&report(0, BAD, 1), false, NOW);
        assert!(!check.miss(false, NOW) && !check.miss(false, NOW.plus(900)), "it came alone");
        check.take(&CheckReport { is_steady: true, ..report(60, BAD, 1) }, true, NOW.plus(60));
        let mut at = |is_there, at_s| check.miss(is_there, NOW.plus(at_s));
        assert!(!at(false, 90) && !at(false, 389) && !at(true, 391), "it is back in time");
        assert!(!at(false, 400) && !at(false, 350) && !at(false, 649) && at(false, 650) && at(false, 680));
    }

    #[test]
    fn the_messages_of_all_checks_of_a_host_have_room_for_each() {
        for message in ["", "ok", &"a".repeat(1_024), &"\u{1}".repeat(1_024)] {
            assert_eq!(fitting(message, 97), message);
        }
        let plain = "a".repeat(1_025);
        assert_eq!([0, 1, 585, 1_000].map(|checks| fitting(&plain, checks).len()), [1_024, 1_024, 1_024, 600]);
        for hostile in ["\u{1}", "\"", "\u{1f600}", "ä", "a\n"] {
            let message = hostile.repeat(1_024);
            let kept = fitting(&message, MOST_CHECKS);
            let bytes = serde_json::to_string(kept).unwrap().len() - 2;
            assert!((594..=600).contains(&bytes) && message.starts_with(kept), "{hostile:?}: {bytes}");
        }
    }

    #[test]
    fn a_clock_that_was_ahead_hides_nothing_once_it_is_right() {
        let mut check = CheckState::new("c".to_owned());
        assert_eq!(check.take(&report(3_600, None, 1), false, NOW), Some(Clear));
        assert_eq!(check.take(&report(3_600, None, 1), false, NOW), None);
        assert_eq!(check.take(&report(60, BAD, 1), false, NOW.plus(60)), Some(Failing));
    }
}
