//! What the stock Mackerel agent tells of a Linux host, under its names: looked at once a minute, beside the samples. Source: mackerel
//! specification, 5.5.
//!
//! Names are made once and shared by all samples that carry them; the list and the buffers are those of the minute before.

mod devices;
mod minutes;
mod processors;

use std::sync::Arc;
use std::time::Duration;

use super::cpu::STAT;
use super::disk::Disk;
use super::kernel_file::KernelFile;
use super::load::Load;
use super::memory::Memory;
use super::network::{self, NET_DEV};
use super::{CollectError, Failures, exact};

pub use minutes::Minutes;

/// One value of a minute.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// What Mackerel calls it, such as `cpu.user.percentage`.
    pub name: Arc<str>,
    /// What it was.
    pub value: f64,
}

const PROCESSORS: [&str; processors::KINDS] = [
    "cpu.user.percentage",
    "cpu.nice.percentage",
    "cpu.system.percentage",
    "cpu.idle.percentage",
    "cpu.iowait.percentage",
    "cpu.irq.percentage",
    "cpu.softirq.percentage",
    "cpu.steal.percentage",
    "cpu.guest.percentage",
];
const LOAD: [&str; 3] = ["loadavg1", "loadavg5", "loadavg15"];
const MEMORY: [&str; 9] = [
    "memory.total",
    "memory.used",
    "memory.mem_available",
    "memory.free",
    "memory.buffers",
    "memory.cached",
    "memory.swap_total",
    "memory.swap_free",
    "memory.swap_cached",
];
/// What counters of disks are told in: a read a minute is a sixtieth.
const HUNDREDTHS: f64 = 100.0;
/// Bytes a second are told whole.
const WHOLE: f64 = 1.0;

/// Remembers the minute before.
#[derive(Debug)]
pub struct Details {
    stat: KernelFile,
    net_dev: KernelFile,
    diskstats: KernelFile,
    allowed: Vec<String>,
    before: Option<processors::Times>,
    interfaces: devices::Devices,
    disks: devices::Devices,
    file_systems: devices::Devices,
    processors: [Arc<str>; PROCESSORS.len()],
    load: [Arc<str>; LOAD.len()],
    memory: [Arc<str>; MEMORY.len()],
    found: Vec<Detail>,
}

impl Details {
    /// Those of the interfaces in `allowed`, or of all that are worth it when it is empty.
    pub fn new(allowed: Vec<String>) -> Self {
        Self {
            stat: KernelFile::new(STAT),
            net_dev: KernelFile::new(NET_DEV),
            diskstats: KernelFile::new(devices::DISKSTATS),
            allowed,
            before: None,
            interfaces: devices::Devices::new("interface", ["rxBytes.delta", "txBytes.delta"]),
            disks: devices::Devices::new("disk", ["reads.delta", "writes.delta"]),
            file_systems: devices::Devices::new("filesystem", ["size", "used"]),
            processors: PROCESSORS.map(Arc::from),
            load: LOAD.map(Arc::from),
            memory: MEMORY.map(Arc::from),
            found: Vec::new(),
        }
    }

    /// The values of the time since the look before, `elapsed`; where that is `None`, only those that need no time.
    pub fn read(
        &mut self,
        buffer: &mut Vec<u8>,
        failures: &mut Failures,
        (load, memory, disk): (Option<Load>, Option<Memory>, &mut Disk),
        elapsed: Option<Duration>,
    ) -> &[Detail] {
        self.found.clear();
        failures.note(9, self.read_processors(buffer, elapsed));
        if let Some(load) = load {
            self.tell_load(&load);
        }
        if let Some(memory) = memory {
            self.tell_memory(&memory);
        }
        self.file_systems.begin();
        for (device, volume) in disk.by_device() {
            let values = [volume.used_bytes.saturating_add(volume.available_bytes), volume.used_bytes].map(exact);
            self.file_systems.tell(device, values, &mut self.found);
        }
        failures.note(10, self.read_disks(buffer, elapsed));
        failures.note(11, self.read_interfaces(buffer, elapsed));
        &self.found
    }

    fn read_processors(&mut self, buffer: &mut Vec<u8>, elapsed: Option<Duration>) -> Result<(), CollectError> {
        let after = processors::parse(self.stat.read_up_to(buffer, processors::MOST_BYTES)?)?;
        let before = self.before.replace(after).filter(|_| elapsed.is_some());
        let percentages = before.and_then(|before| processors::percentages(&before, &after));
        for (name, value) in self.processors.iter().zip(percentages.into_iter().flatten()) {
            put(&mut self.found, name, value);
        }
        Ok(())
    }

    fn read_disks(&mut self, buffer: &mut Vec<u8>, elapsed: Option<Duration>) -> Result<(), CollectError> {
        self.disks.begin();
        for disk in devices::disks(self.diskstats.read(buffer)?) {
            let (name, counters) = disk?;
            self.disks.count(name, counters, elapsed, HUNDREDTHS, &mut self.found);
        }
        Ok(())
    }

    fn read_interfaces(&mut self, buffer: &mut Vec<u8>, elapsed: Option<Duration>) -> Result<(), CollectError> {
        self.interfaces.begin();
        for counter in network::counters(self.net_dev.read(buffer)?) {
            let counter = counter?;
            if is_worth_it(counter.name, &self.allowed) {
                let counters = [counter.traffic.in_bytes, counter.traffic.out_bytes];
                self.interfaces.count(counter.name, counters, elapsed, WHOLE, &mut self.found);
            }
        }
        Ok(())
    }

    fn tell_load(&mut self, load: &Load) {
        for (name, value) in self.load.iter().zip([load.one, load.five, load.fifteen]) {
            put(&mut self.found, name, Some(value));
        }
    }

    /// What stands in for what is available is told only where that is not.
    fn tell_memory(&mut self, memory: &Memory) {
        let old = |bytes: u64| memory.available_bytes.is_none().then_some(bytes);
        let values = [
            Some(memory.total_bytes),
            Some(memory.used_as_mackerel()),
            memory.available_bytes,
            old(memory.free_bytes),
            old(memory.buffers_bytes),
            old(memory.cached_bytes),
            Some(memory.swap_total_bytes),
            Some(memory.swap_total_bytes.saturating_sub(memory.swap_used_bytes)),
            Some(memory.swap_cached_bytes),
        ];
        for (name, value) in self.memory.iter().zip(values) {
            put(&mut self.found, name, value.map(exact));
        }
    }
}

fn put(into: &mut Vec<Detail>, name: &Arc<str>, value: Option<f64>) {
    into.extend(value.map(|value| Detail { name: Arc::clone(name), value }));
}

/// Whether an interface is told of: neither the loopback nor one end of a container's pair, unless it was chosen.
fn is_worth_it(name: &str, allowed: &[String]) -> bool {
    if allowed.is_empty() { name != "lo" && !name.starts_with("veth") } else { allowed.iter().any(|one| one == name) }
}

#[cfg(test)]
mod tests;
