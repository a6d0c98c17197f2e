//! What processes use, as `/proc` tells it.

use std::fs;
use std::path::Path;

use crate::figures;

/// Ticks a second in `/proc/PID/stat`. Source: Linux's interface to programs, where it is 100 on x86-64 and aarch64.
pub const TICKS_PER_S: u32 = 100;

/// What a process uses at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Resident memory.
    pub rss_kib: u64,
    /// Resident memory, what is shared counted in part; 0 where we may not see it.
    pub pss_kib: u64,
    /// CPU time since its start, user and system.
    pub ticks: u64,
    /// Its threads.
    pub threads: u64,
}

/// What a process uses now; `None` when it is gone.
pub fn usage(pid: u32) -> Option<Usage> {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).ok();
    let status = read("status")?;
    Some(Usage {
        rss_kib: figures::line_number(&status, "VmRSS")?,
        pss_kib: read("smaps_rollup").and_then(|text| figures::line_number(&text, "Pss")).unwrap_or_default(),
        ticks: figures::stat(&read("stat")?)?.1,
        threads: figures::line_number(&status, "Threads")?,
    })
}

/// The name of the program that a process runs; its number where we may not see it.
pub fn program(pid: u32) -> String {
    let exe = fs::read_link(format!("/proc/{pid}/exe")).ok();
    let name = exe.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| pid.to_string())
}

/// The size of the program that a process runs; 0 where we may not see it.
pub fn program_bytes(pid: u32) -> u64 {
    fs::metadata(format!("/proc/{pid}/exe")).map_or(0, |data| data.len())
}

/// The ticks in which some core of this machine was at work, since it was started.
pub fn busy_ticks() -> u64 {
    fs::read_to_string("/proc/stat").ok().and_then(|text| figures::busy(&text)).unwrap_or_default()
}

/// The CPU ticks so far of this process, and of all that it started and that run `name`.
pub fn ticks_of(name: &str) -> u64 {
    let own = std::process::id();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let found: Vec<(u32, u32, u64)> = entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let (parent, ticks) = figures::stat(&fs::read_to_string(entry.path().join("stat")).ok()?)?;
            Some((pid, parent, ticks))
        })
        .collect();
    let is_ours = |mut pid: u32| {
        while pid != own {
            match found.iter().find(|(known, _, _)| *known == pid) {
                Some((_, parent, _)) => pid = *parent,
                None => return false,
            }
        }
        true
    };
    found.iter().filter(|(pid, _, _)| is_ours(*pid) && program(*pid) == name).map(|(_, _, ticks)| ticks).sum()
}
