//! Groups `memory` and `swap`, from `/proc/meminfo` and `/proc/vmstat`; and `system_load`.

use std::path::Path;

use edgewatch_core::dialects::openitcockpit::result::{Float, Memory, Swap, SystemLoad};

use super::fault::{self, Fault};
use super::rates::percent;
use crate::collect::load;

const MEMINFO: &str = "/proc/meminfo";
const VMSTAT: &str = "/proc/vmstat";
const LOADAVG: &str = "/proc/loadavg";
/// Source: both are below 8 KiB on Linux 6.18.
const MOST_BYTES: u64 = 64 * 1024;

/// The group `memory`.
///
/// # Errors
/// [`Fault::Refused`] and [`Fault::Malformed`] of `/proc/meminfo`.
pub fn memory() -> Result<Memory, Fault> {
    parse_memory(&fault::text(Path::new(MEMINFO), MOST_BYTES)?)
}

/// The group `swap`. What was swapped is 0 where the kernel does not count it.
///
/// # Errors
/// [`Fault::Refused`] and [`Fault::Malformed`] of `/proc/meminfo`.
pub fn swap() -> Result<Swap, Fault> {
    let page_bytes = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    let vmstat = fault::text(Path::new(VMSTAT), MOST_BYTES).unwrap_or_default();
    parse_swap(&fault::text(Path::new(MEMINFO), MOST_BYTES)?, &vmstat, page_bytes)
}

/// The group `system_load`.
///
/// # Errors
/// [`Fault::Refused`] and [`Fault::Collect`] of `/proc/loadavg`.
pub fn system_load() -> Result<SystemLoad, Fault> {
    let load = load::parse(&fault::text(Path::new(LOADAVG), MOST_BYTES)?)?;
    Ok(SystemLoad { one: Float(load.one), five: Float(load.five), fifteen: Float(load.fifteen) })
}

/// The number behind a name: `name: 5 kB` or `name 5`.
fn number(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix([':', ' ']))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn bytes(meminfo: &str, name: &str) -> Option<u64> {
    number(meminfo, name)?.checked_mul(1024)
}

fn parse_memory(meminfo: &str) -> Result<Memory, Fault> {
    let total = bytes(meminfo, "MemTotal").filter(|total| *total > 0).ok_or_else(|| Fault::malformed(MEMINFO))?;
    let part = |name| bytes(meminfo, name).unwrap_or(0);
    // Kernels before 3.14 do not say what is available.
    let available =
        bytes(meminfo, "MemAvailable").unwrap_or_else(|| part("MemFree") + part("Buffers") + part("Cached"));
    let available = available.min(total);
    let used = total - available;
    Ok(Memory {
        total,
        available,
        percent: Float(percent(used, total)),
        used,
        free: part("MemFree"),
        active: 0,
        inactive: part("Inactive"),
        wired: 0,
    })
}

fn parse_swap(meminfo: &str, vmstat: &str, page_bytes: u64) -> Result<Swap, Fault> {
    let total = bytes(meminfo, "SwapTotal").ok_or_else(|| Fault::malformed(MEMINFO))?;
    let free = bytes(meminfo, "SwapFree").unwrap_or(0).min(total);
    let used = total - free;
    let swapped = |name| number(vmstat, name).unwrap_or(0).saturating_mul(page_bytes);
    Ok(Swap {
        total,
        percent: Float(percent(used, total)),
        used,
        free,
        sin: swapped("pswpin"),
        sout: swapped("pswpout"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "MemTotal:       24684096 kB\nMemFree:        10900500 kB\nMemAvailable:   23510136 kB\nBuffers:          500000 kB\n\
        Cached:         12000000 kB\nInactive:        3926988 kB\nInactive(anon):  5 kB\nSwapTotal:       7999484 kB\nSwapFree:        5999613 kB\n";

    #[test]
    fn used_memory_is_all_less_available() {
        let memory = parse_memory(TEXT).unwrap();
        assert_eq!(memory.total, 25_276_514_304);
        assert_eq!(memory.used, memory.total - 24_074_379_264);
        assert_eq!(memory.inactive, 4_021_235_712);
        assert!((memory.percent.0 - 4.756).abs() < 0.001, "{memory:?}");
    }

    #[test]
    fn an_old_kernel_has_available_added_up() {
        let memory = parse_memory(&TEXT.replace("MemAvailable", "Other")).unwrap();
        assert_eq!(memory.available, (10_900_500 + 500_000 + 12_000_000) * 1024);
    }

    #[test]
    fn swap_is_told_in_bytes() {
        let swap = parse_swap(TEXT, "nr_free 1\npswpin 3\npswpout 5\n", 4096).unwrap();
        assert_eq!((swap.total, swap.used, swap.free), (8_191_471_616, 2_047_867_904, 6_143_603_712));
        assert_eq!((swap.sin, swap.sout), (12_288, 20_480));
        assert!((swap.percent.0 - 25.0).abs() < 0.001);
    }

    #[test]
    fn a_machine_without_swap_has_none_of_it() {
        let swap = parse_swap("SwapTotal: 0 kB\nSwapFree: 0 kB\n", "", 4096).unwrap();
        assert_eq!(swap, Swap::default());
        assert!(parse_swap("", "", 4096).is_err());
        assert!(parse_memory("").is_err());
    }
}
