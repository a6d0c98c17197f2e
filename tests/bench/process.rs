//! What processes use, as `/proc` tells it.

use std::fs;
use std::path::Path;

use crate::figures;

/// Ticks a second in `/proc/PID/stat`. Source: Linux's interface to programs, where it is 100 on x86-64 and aarch64.
pub const TICKS_PER_S: u32 = 100;

/// The name of the program that a process runs; its number where we may not see it.
pub fn program(pid: u32) -> String {
    let exe = fs::read_link(format!("/proc/{pid}/exe")).ok();
    let name = exe.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| pid.to_string())
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
