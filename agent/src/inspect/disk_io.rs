//! Group `disk_io`, from `/proc/diskstats`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use edgewatch_core::dialects::openitcockpit::result::{DiskIo, Float};

use super::fault::{self, Fault};
use super::rates::{Before, grown, mean, per_second, percent};

const DISKSTATS: &str = "/proc/diskstats";
/// Source: room for forty thousand devices.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
/// Source: the kernel's `Documentation/admin-guide/iostats.rst`: sectors are of this length whatever the device's are.
const SECTOR_BYTES: u64 = 512;

/// What a device did since the machine was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    reads: u64,
    read_sectors: u64,
    read_ms: u64,
    writes: u64,
    written_sectors: u64,
    write_ms: u64,
    busy_ms: u64,
}

/// Remembers the cycle before.
#[derive(Debug, Default)]
pub struct BlockDevices(Before<Counters>);

impl BlockDevices {
    /// The group. A device that is new has no rates.
    ///
    /// # Errors
    /// [`Fault::Refused`] and [`Fault::Malformed`] of `/proc/diskstats`.
    pub fn read(&mut self, now_s: i64) -> Result<BTreeMap<String, DiskIo>, Fault> {
        let seen = parse(&fault::text(Path::new(DISKSTATS), MOST_BYTES)?)?;
        let (before, elapsed) = self.0.replace(seen.clone(), Instant::now());
        Ok(seen
            .into_iter()
            .map(|(name, now)| {
                let told = told(&name, before.get(&name).unwrap_or(&now), &now, elapsed, now_s);
                (name, told)
            })
            .collect())
    }
}

/// Every device but those that stand for files.
fn parse(text: &str) -> Result<BTreeMap<String, Counters>, Fault> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split_ascii_whitespace();
        let Some(name) = fields.nth(2).filter(|name| !name.starts_with("loop")) else { continue };
        let mut next = |skipped: usize| {
            let number = fields.nth(skipped).and_then(|number| number.parse::<u64>().ok());
            number.ok_or_else(|| Fault::malformed(DISKSTATS))
        };
        let counters = Counters {
            reads: next(0)?,
            read_sectors: next(1)?,
            read_ms: next(0)?,
            writes: next(0)?,
            written_sectors: next(1)?,
            write_ms: next(0)?,
            busy_ms: next(1)?,
        };
        found.insert(name.to_owned(), counters);
    }
    Ok(found)
}

fn told(name: &str, before: &Counters, now: &Counters, elapsed: Duration, now_s: i64) -> DiskIo {
    let part = |of: fn(&Counters) -> u64| grown(of(before), of(now));
    let (reads, writes) = (part(|counters| counters.reads), part(|counters| counters.writes));
    let (read_ms, write_ms) = (part(|counters| counters.read_ms), part(|counters| counters.write_ms));
    let read_bytes = part(|counters| counters.read_sectors).saturating_mul(SECTOR_BYTES);
    let written_bytes = part(|counters| counters.written_sectors).saturating_mul(SECTOR_BYTES);
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    DiskIo {
        timestamp: now_s,
        device: name.to_owned(),
        read_bytes: now.read_sectors,
        write_bytes: now.written_sectors,
        read_count: now.reads,
        write_count: now.writes,
        read_time: now.read_ms,
        write_time: now.write_ms,
        io_time: now.busy_ms,
        read_iops_per_second: per_second(reads, elapsed),
        write_iops_per_second: per_second(writes, elapsed),
        total_iops_per_second: per_second(reads.saturating_add(writes), elapsed),
        read_bytes_per_second: per_second(read_bytes, elapsed),
        write_bytes_per_second: per_second(written_bytes, elapsed),
        total_avg_wait: Float(mean(read_ms.saturating_add(write_ms), reads.saturating_add(writes))),
        read_avg_wait: Float(mean(read_ms, reads)),
        write_avg_wait: Float(mean(write_ms, writes)),
        read_avg_size: Float(mean(read_bytes, reads)),
        write_avg_size: Float(mean(written_bytes, writes)),
        load_percent: Float(percent(part(|counters| counters.busy_ms), elapsed_ms)),
        ..DiskIo::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATS: &str = " 254       0 vda 1000 7 80000 3000 500 7 4000 9000 0 2000 12000 1 2 3 4\n   7       0 loop0 1 1 1 1 1 1 1 1 1 1 1\n \
        259       0 nvme0n1p1 7 0 0 0 8 0 0 0 0 0 0\n";

    #[test]
    fn devices_that_stand_for_files_are_left_out() {
        let found = parse(STATS).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["nvme0n1p1", "vda"]);
        let vda = Counters {
            reads: 1000,
            read_sectors: 80_000,
            read_ms: 3000,
            writes: 500,
            written_sectors: 4000,
            write_ms: 9000,
            busy_ms: 2000,
        };
        assert_eq!(found["vda"], vda);
        assert!(parse("8 0 sda 1 2\n").is_err());
    }

    #[test]
    fn rates_waits_and_sizes_are_of_the_time_since_the_cycle_before() {
        let before = parse(STATS).unwrap()["vda"];
        let now = Counters {
            reads: 1200,
            read_sectors: 81_600,
            read_ms: 3400,
            writes: 550,
            written_sectors: 4100,
            write_ms: 9500,
            busy_ms: 4500,
        };
        let told = told("vda", &before, &now, Duration::from_secs(10), 5);
        assert_eq!((told.read_bytes, told.write_bytes), (81_600, 4100), "sectors");
        let rates = (told.read_iops_per_second, told.write_iops_per_second, told.total_iops_per_second);
        assert_eq!(rates, (20, 5, 25));
        assert_eq!((told.read_bytes_per_second, told.write_bytes_per_second), (81_920, 5120));
        let waits = (told.read_avg_wait, told.write_avg_wait, told.total_avg_wait);
        assert_eq!(waits, (Float(2.0), Float(10.0), Float(3.6)));
        assert_eq!((told.read_avg_size, told.write_avg_size), (Float(4096.0), Float(1024.0)));
        assert_eq!(told.load_percent, Float(25.0));
    }

    #[test]
    fn a_reset_or_idle_device_has_rates_of_0() {
        let before = parse(STATS).unwrap()["vda"];
        let told = told("vda", &before, &Counters::default(), Duration::from_secs(10), 5);
        assert_eq!((told.read_bytes_per_second, told.total_avg_wait, told.load_percent), (0, Float(0.0), Float(0.0)));
    }

    #[test]
    fn a_first_cycle_has_counters_and_no_rates() {
        let found = BlockDevices::default().read(7).unwrap();
        assert!(found.values().all(|one| one.total_iops_per_second == 0 && one.timestamp == 7), "{found:?}");
        assert_eq!(found.len(), parse(&fault::text(Path::new(DISKSTATS), MOST_BYTES).unwrap()).unwrap().len());
    }
}
