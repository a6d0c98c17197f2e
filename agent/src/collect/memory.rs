//! Memory and swap, from `/proc/meminfo`.

use super::CollectError;
use super::kernel_file::KernelFile;

/// The file.
pub const MEMINFO: &str = "/proc/meminfo";

/// Memory and swap, in bytes.
#[expect(clippy::struct_field_names, reason = "a bare number carries its unit")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// Memory in all.
    pub total_bytes: u64,
    /// Total less available.
    pub used_bytes: u64,
    /// Swap in all.
    pub swap_total_bytes: u64,
    /// Swap in use.
    pub swap_used_bytes: u64,
    /// What programs may have, where the kernel says it.
    pub available_bytes: Option<u64>,
    /// Not in use at all.
    pub free_bytes: u64,
    /// Of devices.
    pub buffers_bytes: u64,
    /// Of files.
    pub cached_bytes: u64,
    /// In swap and in memory as well.
    pub swap_cached_bytes: u64,
}

impl Memory {
    /// What is in use in Mackerel's words: on kernels before 3.14 it is counted another way than ours.
    pub fn used_as_mackerel(&self) -> u64 {
        let left = self.available_bytes.unwrap_or(self.free_bytes + self.buffers_bytes + self.cached_bytes);
        self.total_bytes.saturating_sub(left)
    }
}

/// The file, kept open.
#[derive(Debug)]
pub struct MemoryFile(KernelFile);

impl Default for MemoryFile {
    fn default() -> Self {
        Self(KernelFile::new(MEMINFO))
    }
}

impl MemoryFile {
    /// Memory and swap now.
    ///
    /// # Errors
    /// [`CollectError::Unavailable`] and [`CollectError::Malformed`] of `/proc/meminfo`.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> Result<Memory, CollectError> {
        parse(self.0.read(buffer)?)
    }
}

/// Memory and swap in the text of `/proc/meminfo`.
///
/// # Errors
/// [`CollectError::Malformed`] when a line we need is missing or not a number.
pub fn parse(text: &str) -> Result<Memory, CollectError> {
    let malformed = || CollectError::Malformed { what: MEMINFO };
    let (mut total, mut available, mut free) = (None, None, None);
    let (mut buffers, mut cached, mut slabs, mut shared) = (0, 0, 0, 0);
    let (mut swap_total, mut swap_free, mut swap_cached) = (0, 0, 0);
    for line in text.lines() {
        let Some((key, rest)) = line.split_once(':') else { continue };
        let kibibytes = || rest.split_ascii_whitespace().next().and_then(|number| number.parse::<u64>().ok());
        let bytes = || kibibytes().map(|number| number.saturating_mul(1024)).ok_or_else(malformed);
        match key {
            "MemTotal" => total = Some(bytes()?),
            "MemFree" => free = Some(bytes()?),
            "MemAvailable" => available = Some(bytes()?),
            "Buffers" => buffers = bytes()?,
            "Cached" => cached = bytes()?,
            "SReclaimable" => slabs = bytes()?,
            "Shmem" => shared = bytes()?,
            "SwapTotal" => swap_total = bytes()?,
            "SwapFree" => swap_free = bytes()?,
            "SwapCached" => swap_cached = bytes()?,
            _ => {}
        }
    }
    let total = total.ok_or_else(malformed)?;
    // Kernels before 3.14 do not estimate what is available; `free` of that time did it this way.
    let estimate = || free.map(|free| (free + buffers + cached + slabs).saturating_sub(shared));
    let left = available.or_else(estimate).ok_or_else(malformed)?;
    Ok(Memory {
        total_bytes: total,
        // In LXC what is available may exceed the total.
        used_bytes: total.saturating_sub(left),
        swap_total_bytes: swap_total,
        swap_used_bytes: swap_total.saturating_sub(swap_free),
        available_bytes: available,
        free_bytes: free.unwrap_or(0),
        buffers_bytes: buffers,
        cached_bytes: cached,
        swap_cached_bytes: swap_cached,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of a real file, Debian 12 with 6.1.
    const DEBIAN: &str = "MemTotal:       24684084 kB\nMemFree:        24087720 kB\nMemAvailable:   24283004 kB\n\
        Buffers:            2384 kB\nCached:           355832 kB\nSwapCached:            0 kB\nActive:           112204 kB\n\
        SwapTotal:       2097148 kB\nSwapFree:        2000000 kB\nShmem:               412 kB\nSReclaimable:      20000 kB\n\
        HugePages_Total:       0\nHugepagesize:       2048 kB\n";

    #[test]
    fn used_is_total_less_available() {
        let memory = parse(DEBIAN).unwrap();
        assert_eq!(memory.total_bytes, 24_684_084 * 1024);
        assert_eq!(memory.used_bytes, (24_684_084 - 24_283_004) * 1024);
        assert_eq!(memory.swap_total_bytes, 2_097_148 * 1024);
        assert_eq!(memory.swap_used_bytes, 97_148 * 1024);
    }

    #[test]
    fn more_available_than_there_is_means_none_used() {
        let memory = parse("MemTotal: 100 kB\nMemAvailable: 200 kB\n").unwrap();
        assert_eq!(memory.used_bytes, 0);
    }

    #[test]
    fn an_old_kernel_gets_the_estimate_of_its_time() {
        let memory =
            parse("MemTotal: 1000 kB\nMemFree: 200 kB\nBuffers: 50 kB\nCached: 300 kB\nShmem: 20 kB\n").unwrap();
        assert_eq!(memory.used_bytes, (1000 - 530) * 1024);
    }

    #[test]
    fn a_file_without_a_total_is_malformed() {
        assert!(parse("MemFree: 1 kB\n").is_err());
        assert!(parse("MemTotal: many kB\n").is_err());
    }
}
