//! Processor use since the look before, from `/proc/stat`.

use super::kernel_file::KernelFile;
use super::{CollectError, rate};

/// The file.
pub const STAT: &str = "/proc/stat";

/// The first line is all we need of a file that grows with processors and interrupts.
const FIRST_LINE_BYTES: usize = 512;

/// Ticks of all processors together since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuTimes {
    /// All ticks.
    pub total: u64,
    /// Ticks with nothing to run; waiting for a disk counts as idle, as in `top`.
    pub idle: u64,
}

/// Remembers the look before.
#[derive(Debug)]
pub struct Cpu {
    file: KernelFile,
    before: Option<CpuTimes>,
}

impl Default for Cpu {
    fn default() -> Self {
        Self { file: KernelFile::new(STAT), before: None }
    }
}

impl Cpu {
    /// Use of all processors together since the look before, 0 to 100; `None` for the first look.
    ///
    /// # Errors
    /// [`CollectError::Unavailable`] and [`CollectError::Malformed`] of `/proc/stat`.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> Result<Option<f64>, CollectError> {
        let after = parse(self.file.read_up_to(buffer, FIRST_LINE_BYTES)?)?;
        let before = self.before.replace(after);
        Ok(before.and_then(|before| rate::busy_percent((before.total, after.total), (before.idle, after.idle))))
    }
}

/// The first kinds of ticks in the first line of `/proc/stat`, and how many of them the kernel tells; the others are 0. Their order is
/// user, nice, system, idle, iowait, irq, softirq, steal, guest, `guest_nice`; the last two are part of user and nice.
///
/// # Errors
/// [`CollectError::Malformed`] when the line is not there or has fewer than four numbers.
pub fn ticks<const KINDS: usize>(text: &str) -> Result<([u64; KINDS], usize), CollectError> {
    let malformed = || CollectError::Malformed { what: STAT };
    let line = text.lines().next().and_then(|line| line.strip_prefix("cpu ")).ok_or_else(malformed)?;
    let (mut ticks, mut found) = ([0; KINDS], 0);
    for (tick, field) in ticks.iter_mut().zip(line.split_ascii_whitespace()) {
        *tick = field.parse().map_err(|_| malformed())?;
        found += 1;
    }
    if found < 4 { Err(malformed()) } else { Ok((ticks, found)) }
}

/// The ticks in the first line of `/proc/stat`.
///
/// # Errors
/// As [`ticks`].
pub fn parse(text: &str) -> Result<CpuTimes, CollectError> {
    let (ticks, _) = ticks::<8>(text)?;
    Ok(CpuTimes { total: ticks.iter().sum(), idle: ticks[3] + ticks[4] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_not_counted_twice() {
        // A KVM host: the last two columns lie in the first two.
        let times = parse("cpu  49202 10 5755 137999 483 0 73 45 30000 5\ncpu0 1 2 3\n").unwrap();
        assert_eq!(times, CpuTimes { total: 193_567, idle: 138_482 });
    }

    #[test]
    fn an_old_kernel_with_four_columns_is_read() {
        assert_eq!(parse("cpu  10 0 5 85\n").unwrap(), CpuTimes { total: 100, idle: 85 });
    }

    #[test]
    fn a_file_without_the_line_is_malformed() {
        assert!(parse("").is_err());
        assert!(parse("cpu0 1 2 3 4\n").is_err());
        assert!(parse("cpu  1 2 3\n").is_err());
        assert!(parse("cpu  1 2 3 x\n").is_err());
    }
}
