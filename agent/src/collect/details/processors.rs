//! What the processors did, by kind, from `/proc/stat`.

use crate::collect::{CollectError, cpu, exact};

/// What of it is read at most: the lines of some 700 processors, which come first.
pub const MOST_BYTES: usize = 64 * 1024;
/// Kinds of time, in the order of the file and as [`cpu::ticks`] has it; guests of nice processes, who are part of nice, nobody asks for.
pub const KINDS: usize = 9;
const USER: usize = 0;
const GUEST: usize = 8;
/// Idle and iowait may step back by a little without a reset. Source: proc(5) of iowait; the kernel's own notes on both.
const WAVERING: [usize; 2] = [3, 4];

/// Ticks by kind since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    ticks: [u64; KINDS],
    /// How many kinds the kernel tells.
    kinds: usize,
    /// Processors that are on.
    processors: u32,
}

/// The ticks of all processors together in `/proc/stat`, and how many there are.
///
/// # Errors
/// As [`cpu::ticks`].
pub fn parse(text: &str) -> Result<Times, CollectError> {
    let (ticks, kinds) = cpu::ticks(text)?;
    let processors = text.lines().skip(1).take_while(|line| line.starts_with("cpu")).count();
    Ok(Times { ticks, kinds, processors: u32::try_from(processors).unwrap_or(u32::MAX).max(1) })
}

/// How much of the time each kind took, percent of one processor, so all together 100 for each; to the hundredth, which is what a
/// tick is of a minute. `None` when a counter fell or stood still, and for kinds that the kernel does not tell.
pub fn percentages(before: &Times, after: &Times) -> Option<[Option<f64>; KINDS]> {
    let mut grown = [0_u64; KINDS];
    for (kind, (grown, (before, after))) in grown.iter_mut().zip(before.ticks.iter().zip(after.ticks)).enumerate() {
        *grown = match after.checked_sub(*before) {
            Some(grown) => grown,
            None if WAVERING.contains(&kind) => 0,
            None => return None,
        };
    }
    // Guests are part of user in the file; the kinds here have nothing in common.
    grown[USER] = grown[USER].saturating_sub(grown[GUEST]);
    let total: u64 = grown.iter().sum();
    let kinds = before.kinds.min(after.kinds);
    let percent = |grown: u64| {
        let percent = exact(grown) * 100.0 * f64::from(after.processors) / exact(total);
        (percent * 100.0).round() / 100.0
    };
    let mut percentages = [None; KINDS];
    for (percentage, grown) in percentages.iter_mut().zip(grown).take(kinds) {
        *percentage = Some(percent(grown));
    }
    (total > 0).then_some(percentages)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn times(line: &str, processors: usize) -> Times {
        let mut text = format!("cpu  {line}\n");
        for processor in 0..processors {
            let _ = writeln!(text, "cpu{processor} 1 2 3 4 5 6 7 8 9 10");
        }
        text.push_str("intr 1 2 3\nctxt 5\n");
        parse(&text).unwrap()
    }

    fn percent(before: &str, after: &str, processors: usize) -> Option<Vec<f64>> {
        percentages(&times(before, processors), &times(after, processors))
            .map(|found| found.into_iter().flatten().collect())
    }

    #[test]
    fn a_minute_of_32_processors_is_3200_percent() {
        // 192,000 ticks in a minute: half a processor of user, a quarter of system, one that waits.
        let before = "100000 0 5000 9000000 700 0 300 0 0 0";
        let after = "103000 0 6500 9181500 6700 0 300 0 0 0";
        let found = percent(before, after, 32).unwrap();
        assert_eq!(found, [50.0, 0.0, 25.0, 3_025.0, 100.0, 0.0, 0.0, 0.0, 0.0]);
        assert!((found.iter().sum::<f64>() - 3_200.0).abs() < 1e-9);
    }

    #[test]
    fn guests_are_taken_off_user() {
        // A KVM host: of 8,000 ticks of user 6,000 were guests'; 12,000 in all.
        let found = percent("1000 0 0 1000 0 0 0 0 500 50", "9000 0 1000 4000 0 0 0 0 6500 60", 2).unwrap();
        assert_eq!(found, [33.33, 0.0, 16.67, 50.0, 0.0, 0.0, 0.0, 0.0, 100.0]);
    }

    #[test]
    fn guests_counted_ahead_of_user_make_no_time_below_nothing() {
        let found = percent("1000 0 0 0 0 0 0 0 900", "1005 0 0 85 0 0 0 0 915", 1).unwrap();
        assert_eq!((found[0], found[3], found[8]), (0.0, 85.0, 15.0));
    }

    #[test]
    fn waiting_that_steps_back_is_no_waiting_and_the_rest_is_still_right() {
        let found = percent("100 0 100 5000 900 0 0 0 0 0", "700 0 100 10400 850 0 0 0 0 0", 1).unwrap();
        assert_eq!(found, [10.0, 0.0, 0.0, 90.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn counters_that_fell_or_stood_still_say_nothing() {
        assert_eq!(percent("100 0 100 5000 0 0 0 0 0", "90 0 100 6000 0 0 0 0 0", 4), None, "another container host");
        assert_eq!(percent("100 0 100 5000", "100 0 100 5000", 4), None);
    }

    #[test]
    fn an_old_kernel_tells_of_fewer_kinds() {
        assert_eq!(percent("10 0 5 85", "20 0 5 175", 1).unwrap(), [10.0, 0.0, 0.0, 90.0]);
        assert_eq!(
            percent("10 0 5 85 1 1 1 1", "20 0 5 175 1 1 1 1", 1).map(|found| found.len()),
            Some(8),
            "no guests"
        );
    }

    #[test]
    fn a_processor_that_was_put_in_counts_at_once() {
        let (before, after) = (times("0 0 0 0", 2), times("100 0 0 300", 4));
        assert_eq!(percentages(&before, &after).unwrap()[0], Some(100.0));
    }

    #[test]
    fn a_file_without_the_line_is_malformed() {
        for text in ["", "cpu0 1 2 3 4\n", "cpu  1 2 3\n", "cpu  1 2 3 x\n"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("cpu  1 2 3 4\n").unwrap().processors, 1);
    }
}
