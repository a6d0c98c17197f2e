//! What is pure in the bench: reading `/proc`, percentiles, tables.

use std::fmt::Write as _;

/// The number behind `key` in a text of lines `key: number …`, such as `VmRSS` in `/proc/PID/status`.
pub fn line_number(text: &str, key: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The parent and the CPU ticks, user and system together, in `/proc/PID/stat`.
pub fn stat(text: &str) -> Option<(u32, u64)> {
    // The name may hold blanks and brackets; what follows its last bracket does not.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((fields.get(1)?.parse().ok()?, ticks(11)? + ticks(12)?))
}

/// The ticks in which some core was at work, in `/proc/stat`.
pub fn busy(text: &str) -> Option<u64> {
    let numbers = text.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    // user nice system idle iowait irq softirq steal; what guests use is in the first two already.
    let numbers: Vec<u64> = numbers.take(8).filter_map(|number| number.parse().ok()).collect();
    let idle = numbers.get(3)? + numbers.get(4)?;
    Some(numbers.iter().sum::<u64>() - idle)
}

/// The value that `percent` of the values do not pass; `values` in rising order, 0 when there are none.
pub fn percentile(values: &[u64], percent: usize) -> u64 {
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().unwrap_or_default()
}

/// `part` of `whole` as a share of 1; 0 of nothing.
pub fn share(part: u64, whole: u64) -> f64 {
    let number = |value: u64| f64::from(u32::try_from(value).unwrap_or(u32::MAX));
    if whole == 0 { 0.0 } else { number(part) / number(whole) }
}

/// A table for people: the first column to the left, the others to the right.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|&word| word.to_owned()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(String::len).max().unwrap_or(0);
    let mut text = String::new();
    for line in &lines {
        for (column, cell) in line.iter().enumerate() {
            let width = width(column);
            let _ = if column == 0 { write!(text, "{cell:<width$}") } else { write!(text, "  {cell:>width$}") };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_hides_no_ticks() {
        let text = "4242 (a) b) S 17 4242 4242 0 -1 4194560 500 0 3 0 25 8 0 0 20 0 1 0 9000 6000000 700";
        assert_eq!(stat(text), Some((17, 33)));
        assert_eq!(stat("4242 (a"), None);
    }

    #[test]
    fn a_core_that_waits_is_not_busy() {
        assert_eq!(busy("cpu  10 1 5 900 80 0 2 3 7 0\ncpu0 5 0 0 0 0 0 0 0 0 0\n"), Some(21));
        assert_eq!(busy("intr 1"), None);
    }

    #[test]
    fn a_key_is_found_by_its_whole_name() {
        let text = "VmHWM:\t    3100 kB\nVmRSS:\t    2900 kB\nThreads:\t1\n";
        assert_eq!((line_number(text, "VmRSS"), line_number(text, "Threads")), (Some(2900), Some(1)));
        assert_eq!(line_number(text, "Vm"), None);
    }

    #[test]
    fn half_of_the_values_are_not_above_the_median() {
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!((percentile(&values, 50), percentile(&values, 99)), (50, 99));
        assert_eq!((percentile(&[7], 99), percentile(&[], 50)), (7, 0));
    }

    #[test]
    fn nothing_is_no_share() {
        assert!((share(1, 4) - 0.25).abs() < f64::EPSILON && share(1, 0).abs() < f64::EPSILON);
    }

    #[test]
    fn columns_stand_under_their_heads() {
        let rows = [vec!["a".to_owned(), "10".to_owned()], vec!["bcd".to_owned(), "7".to_owned()]];
        assert_eq!(table(&["op", "rows"], &rows), "op   rows\na      10\nbcd     7\n");
    }
}
