//! Group `processes`, from `/proc` itself: the stock agent starts `ps` and reads what that prints.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use edgewatch_core::dialects::openitcockpit::result::{Float, Process, ProcessMemory};

use super::accounts::Accounts;
use super::fault::{self, Fault};
use super::rates::percent;

const PROC: &str = "/proc";
/// Longest command line, characters. Source: openITCOCKPIT specification, 8.8.
const MOST_COMMAND: usize = 10_000;
/// Source: 8 KiB hold `stat` and the first lines of `status`; a command line of so many characters may have four times as many bytes.
const MOST_BYTES: usize = 4 * MOST_COMMAND;

/// What processes are compared with.
#[derive(Debug, Clone, Copy)]
struct Machine {
    ticks_per_second: u64,
    page_bytes: u64,
    memory_bytes: u64,
    /// Hundredths of a second since the machine was started.
    uptime_cs: u64,
    /// When it was started, Unix seconds.
    booted_at_s: i64,
}

/// One look at all processes. What it keeps is memory to read into.
#[derive(Debug, Default)]
pub struct Processes {
    accounts: Accounts,
    buffer: Vec<u8>,
    booted_at_s: Option<i64>,
}

/// What `/proc/<pid>/stat` says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stat {
    name: String,
    state: u8,
    ppid: i64,
    major_faults: u64,
    cpu_ticks: u64,
    nice: i64,
    started_ticks: u64,
    mapped_bytes: u64,
    resident_pages: u64,
}

impl Processes {
    /// The group, by number. What ends while it is looked at is left out.
    ///
    /// # Errors
    /// [`Fault::Refused`] and [`Fault::Malformed`] of `/proc`; [`Fault::Skipped`] when there are more than can be looked at until `until`.
    pub fn read(&mut self, until: Instant) -> Result<Vec<Process>, Fault> {
        let mut machine = Machine::read()?;
        machine.booted_at_s = steady(self.booted_at_s, machine.booted_at_s);
        self.booted_at_s = Some(machine.booted_at_s);
        self.accounts.refresh();
        let listing = fs::read_dir(PROC).map_err(Fault::refused(PROC))?;
        let mut pids: Vec<u32> =
            listing.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        pids.sort_unstable();
        let mut found = Vec::with_capacity(pids.len());
        for pid in pids {
            if Instant::now() >= until {
                return Err(Fault::Skipped);
            }
            found.extend(self.one(pid, &machine));
        }
        Ok(found)
    }

    fn one(&mut self, pid: u32, machine: &Machine) -> Option<Process> {
        let directory = Path::new(PROC).join(pid.to_string());
        let stat = parse_stat(self.text(&directory.join("stat"))?)?;
        // Not the directory's owner: that is root for what changed its account.
        let uid = parse_uid(self.text(&directory.join("status"))?)?;
        let command = command(self.bytes(&directory.join("cmdline"))?, &stat);
        let exec = command.split(' ').next().unwrap_or_default().to_owned();
        Some(Process {
            pid: i64::from(pid),
            ppid: stat.ppid,
            username: self.accounts.name(uid),
            name: short(&exec).to_owned(),
            cpu_percent: tenths(machine.cpu_percent(&stat)),
            memory_percent: tenths(percent(
                stat.resident_pages.saturating_mul(machine.page_bytes),
                machine.memory_bytes,
            )),
            cmdline: command,
            status: Some(vec![word(stat.state).to_owned()]),
            exec,
            nice_level: stat.nice,
            num_fds: open_files(&directory.join("fd")),
            memory: ProcessMemory {
                rss: stat.resident_pages.saturating_mul(machine.page_bytes),
                vms: stat.mapped_bytes,
                swap: stat.major_faults.saturating_mul(1024),
                ..ProcessMemory::default()
            },
            create_time: machine.started_at_s(&stat),
        })
    }

    fn bytes(&mut self, path: &Path) -> Option<&[u8]> {
        self.buffer.resize(MOST_BYTES, 0);
        let mut file = File::open(path).ok()?;
        let mut length = 0;
        loop {
            match file.read(self.buffer.get_mut(length..)?).ok()? {
                0 => return self.buffer.get(..length),
                read => length += read,
            }
        }
    }

    fn text(&mut self, path: &Path) -> Option<&str> {
        // A process's own name may be no UTF-8; only what lies behind it counts then.
        let bytes = self.bytes(path)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok(),
        }
    }
}

impl Machine {
    fn read() -> Result<Self, Fault> {
        let uptime = fault::text(Path::new("/proc/uptime"), 256)?;
        let first = uptime.split_ascii_whitespace().next().unwrap_or_default();
        let uptime_cs = first.replacen('.', "", 1).parse().map_err(|_| Fault::malformed("/proc/uptime"))?;
        Ok(Self {
            ticks_per_second: rustix::param::clock_ticks_per_second().max(1),
            page_bytes: u64::try_from(rustix::param::page_size()).unwrap_or(4096),
            memory_bytes: super::memory::memory()?.total,
            uptime_cs,
            booted_at_s: crate::clock::now_s() - i64::try_from(uptime_cs / 100).unwrap_or(0),
        })
    }

    /// Of its whole life, as `ps` has it: more than 100 where it has more than one processor.
    fn cpu_percent(&self, stat: &Stat) -> f64 {
        let hundredths = |ticks: u64| ticks.saturating_mul(100) / self.ticks_per_second;
        let life = self.uptime_cs.saturating_sub(hundredths(stat.started_ticks));
        super::rates::mean(hundredths(stat.cpu_ticks).saturating_mul(100), life)
    }

    fn started_at_s(&self, stat: &Stat) -> i64 {
        self.booted_at_s + i64::try_from(stat.started_ticks / self.ticks_per_second).unwrap_or(0)
    }
}

/// What was known before, unless the clock was set: two clocks that are read one after the other differ by a second now and then.
fn steady(known: Option<i64>, seen: i64) -> i64 {
    known.filter(|known| known.abs_diff(seen) <= 1).unwrap_or(seen)
}

/// As finely as `ps` prints them.
fn tenths(number: f64) -> Float {
    Float((number * 10.0).round() / 10.0)
}

/// The name is in brackets and may hold any character, brackets too.
fn parse_stat(text: &str) -> Option<Stat> {
    let (start, end) = (text.find('(')?, text.rfind(')')?);
    let mut fields = text.get(end + 1..)?.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let ppid = fields.next()?.parse().ok()?;
    let mut next = |skipped: usize| fields.nth(skipped)?.parse::<i64>().ok();
    let whole = |number: i64| u64::try_from(number).unwrap_or(0);
    let major_faults = whole(next(7)?);
    let cpu_ticks = whole(next(1)?).saturating_add(whole(next(0)?));
    let nice = next(3)?;
    let started_ticks = whole(next(2)?);
    // Source: 64-bit kernels write addresses' lengths without a sign; no process has half of all.
    let (mapped_bytes, resident_pages) = (whole(next(0)?), whole(next(0)?));
    let name = text.get(start + 1..end)?.to_owned();
    Some(Stat { name, state, ppid, major_faults, cpu_ticks, nice, started_ticks, mapped_bytes, resident_pages })
}

/// The account whose rights it has: the second number.
fn parse_uid(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// With its arguments. What has none (a thread of the kernel, a process that ended) is its name in brackets.
fn command(bytes: &[u8], stat: &Stat) -> String {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let line = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default());
    let ended = if stat.state == b'Z' { " <defunct>" } else { "" };
    if line.trim().is_empty() {
        return format!("[{}]{ended}", stat.name);
    }
    line.chars().take(MOST_COMMAND).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// The last element of a path. A thread of the kernel may have a slash in its name, and is no path.
fn short(exec: &str) -> &str {
    if exec.starts_with('[') { exec } else { exec.rsplit('/').next().unwrap_or(exec) }
}

/// The stock agent's words; for one that waits for a device it has none, and ours is the kernel's.
fn word(state: u8) -> &'static str {
    match state {
        b'R' => "Running",
        b'S' => "Sleep",
        b'D' => "Disk sleep",
        b'T' | b't' => "Stop",
        b'I' => "Idle",
        b'Z' => "Zombie",
        b'W' => "Wait",
        b'L' => "Lock",
        _ => "",
    }
}

/// How many; 0 where they cannot be counted. Kernels since 6.2 say it without a listing.
fn open_files(directory: &Path) -> i64 {
    let told = fs::metadata(directory).map_or(0, |directory| directory.len());
    let count = if told > 0 { told } else { fs::read_dir(directory).map_or(0, |listing| listing.count() as u64) };
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const STAT: &str = "912 (a) b (c) S 1 900 900 0 -1 4194560 100 200 3 4 150 50 7 8 20 5 1 0 1000 56049664 5718 18446744073709551615 1 1 0\n";
    const MACHINE: Machine = Machine {
        ticks_per_second: 100,
        page_bytes: 4096,
        memory_bytes: 23_420_928_000,
        uptime_cs: 2000,
        booted_at_s: 1_000,
    };

    fn stat() -> Stat {
        parse_stat(STAT).unwrap()
    }

    #[test]
    fn a_name_with_brackets_does_not_shift_the_numbers() {
        let expected = Stat {
            name: "a) b (c".to_owned(),
            state: b'S',
            ppid: 1,
            major_faults: 3,
            cpu_ticks: 200,
            nice: 5,
            started_ticks: 1000,
            mapped_bytes: 56_049_664,
            resident_pages: 5718,
        };
        assert_eq!(stat(), expected);
        assert_eq!(parse_stat("1 (x) S 1"), None);
    }

    #[test]
    fn use_is_of_the_whole_life() {
        // Two seconds of processor in a life of ten.
        assert_eq!(tenths(MACHINE.cpu_percent(&stat())), Float(20.0));
        assert_eq!(MACHINE.started_at_s(&stat()), 1_010);
        let newborn = Stat { started_ticks: 2000, ..stat() };
        assert_eq!(tenths(MACHINE.cpu_percent(&newborn)), Float(0.0));
    }

    #[test]
    fn a_process_is_not_started_anew_by_rounding() {
        assert_eq!([steady(None, 5), steady(Some(5), 6), steady(Some(5), 4), steady(Some(5), 7)], [5, 5, 5, 7]);
    }

    #[test]
    fn the_account_is_the_one_whose_rights_it_has() {
        assert_eq!(parse_uid("Name:\tx\nUid:\t1000\t33\t0\t0\nGid:\t0\t0\t0\t0\n"), Some(33));
        assert_eq!(parse_uid("Name:\tx\n"), None);
    }

    #[test]
    fn arguments_are_parted_by_blanks_and_what_has_none_is_in_brackets() {
        assert_eq!(command(b"/usr/bin/x\0-a\nb\0\0", &stat()), "/usr/bin/x -a b");
        assert_eq!(command(b"nginx: worker process\0\0\0", &stat()), "nginx: worker process");
        assert_eq!(command(b"", &stat()), "[a) b (c]");
        assert_eq!(command(b"", &Stat { state: b'Z', ..stat() }), "[a) b (c] <defunct>");
        assert_eq!(command(&vec![b'x'; MOST_BYTES], &stat()).len(), MOST_COMMAND);
        assert_eq!(
            (short("/usr/sbin/sshd"), short("nginx:"), short("[kworker/0:1]")),
            ("sshd", "nginx:", "[kworker/0:1]")
        );
    }

    #[test]
    fn states_have_the_stock_words_and_one_of_ours() {
        let words = ["Running", "Sleep", "Stop", "Stop", "Idle", "Zombie", "Wait", "Lock", "Disk sleep", ""];
        assert_eq!([b'R', b'S', b'T', b't', b'I', b'Z', b'W', b'L', b'D', b'X'].map(word), words);
    }

    #[test]
    fn this_process_is_among_those_of_this_machine() {
        let found = Processes::default().read(Instant::now() + Duration::from_secs(30)).unwrap();
        let own = found.iter().find(|one| one.pid == i64::from(std::process::id())).unwrap();
        assert!(own.memory.rss > 100_000 && own.memory.vms > own.memory.rss, "{own:?}");
        assert!(own.num_fds >= 3, "{own:?}");
        assert!((crate::clock::now_s() - own.create_time).abs() < 3_600, "{own:?}");
        assert!(own.exec.contains("edgewatch"), "{own:?}");
        assert!(found.is_sorted_by_key(|one| one.pid));
    }

    #[test]
    fn no_more_is_looked_at_when_the_time_is_over() {
        assert!(matches!(Processes::default().read(Instant::now()), Err(Fault::Skipped)));
    }
}
