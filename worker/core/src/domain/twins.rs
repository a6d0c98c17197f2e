//! Two machines that report as one: a disk was copied with the identity on it.
//!
//! A machine goes on from one start to a later one, and never back to the one before; and it reports once in its period. Source:
//! openitcockpit specification, 1.6 and 4.

use crate::units::{UnixMillis, UnixSeconds};

/// Starts that differ by less are one, seconds: a report may be some seconds on its way.
const SAME_START_S: u64 = 60;
/// So many reports are looked back on: three machines take turns in them.
pub const MARKS: usize = 4;

/// What a report tells of the machine that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// When it was started, by our clock and how long it runs; where it says.
    pub started: Option<UnixSeconds>,
    /// Where it reports from; empty where that is not known.
    pub address: String,
    /// When it reported.
    pub at: UnixMillis,
}

/// Whether this report, after those of `marks`, the oldest first, shows that two machines take turns. Each reports every `period_s`.
pub fn take_turns(marks: &[Mark], mark: &Mark, period_s: u32) -> bool {
    marks.iter().enumerate().any(|(order, before)| {
        let mut between = marks.iter().skip(order.saturating_add(1));
        // Of machines that were started together one reports from elsewhere within the other's period.
        let is_soon = mark.at.0.saturating_sub(before.at.0) <= i64::from(period_s) * 1_500;
        let is_there = is_soon && !mark.address.is_empty() && before.address == mark.address;
        between.any(|other| {
            let is_elsewhere = !other.address.is_empty() && other.address != mark.address;
            are_one_start(before, mark) == Some(true) && are_one_start(other, mark) == Some(false)
                || is_there && is_elsewhere
        })
    })
}

fn are_one_start(one: &Mark, other: &Mark) -> Option<bool> {
    let (one, other) = one.started.zip(other.started)?;
    Some(one.0.abs_diff(other.0) <= SAME_START_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the last of these shows two machines: seconds, start, address.
    fn shows(all: &[(i64, i64, &str)]) -> bool {
        let mark = |(at_s, start_s, address): &(i64, i64, &str)| Mark {
            started: (*start_s > 0).then_some(UnixSeconds(*start_s)),
            address: (*address).to_owned(),
            at: UnixSeconds(1_795_361_190 + at_s).millis(),
        };
        let marks: Vec<Mark> = all.iter().map(mark).collect();
        let (last, before) = marks.split_last().unwrap();
        take_turns(before, last, 60)
    }

    #[test]
    fn a_machine_that_was_started_again_does_not_go_back() {
        assert!(!shows(&[(0, 5_000, "a")]) && !shows(&[(0, 5_000, "a"), (60, 5_003, "a"), (120, 4_998, "b")]));
        assert!(!shows(&[(0, 5_000, "a"), (60, 9_000, "a"), (120, 9_001, "a"), (180, 9_400, "a")]));
        assert!(shows(&[(0, 5_000, "a"), (20, 9_000, "a"), (60, 5_001, "a")]));
        assert!(shows(&[(0, 5_000, ""), (20, 9_000, ""), (30, 7_000, ""), (60, 5_001, "")]));
        assert!(!shows(&[(0, 0, "a"), (20, 9_000, "a"), (60, 0, "a")]), "it does not say");
    }

    #[test]
    fn machines_that_were_started_together_are_told_apart_by_their_places() {
        assert!(shows(&[(0, 5_000, "a"), (20, 5_000, "b"), (60, 5_000, "a")]));
        assert!(!shows(&[(0, 5_000, "a"), (60, 5_000, "b"), (120, 5_000, "a")]), "one with two ways out");
        assert!(!shows(&[(0, 5_000, "a"), (20, 5_000, ""), (60, 5_000, "a")]));
        assert!(!shows(&[(0, 5_000, ""), (20, 5_000, "b"), (60, 5_000, "")]));
    }
}
