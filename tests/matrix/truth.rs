//! The machine that every writer reports: what is true of it at a moment, and the same machine some minutes before, when nothing that
//! changes was the same. A reader that shows any of that is late.

use std::collections::BTreeMap;

/// What is true of the machine.
#[derive(Debug, Clone)]
pub struct Truth {
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Use of the processors by kind, 100 for each core: their sum is 100 for each of [`CORES`].
    pub cpu: Cpu,
    /// Bytes; and so the next ones.
    pub mem_used: f64,
    pub swap_used: f64,
    pub disks: [Disk; 2],
    /// The way out, and one that never leaves the host.
    pub interfaces: [Interface; 2],
    /// Load averages of 1, 5 and 15 minutes.
    pub load: [f64; 3],
    pub uptime_s: f64,
    pub tcp: f64,
    pub udp: f64,
    pub processes: f64,
    /// Percent.
    pub gpu: f64,
    /// Degrees Celsius by sensor.
    pub sensors: [(&'static str, f64); 2],
    /// Reads and writes of the first disk, completed per second.
    pub disk_io: (f64, f64),
}

/// Use of the processors, 100 for each core.
#[derive(Debug, Clone, Copy)]
pub struct Cpu {
    pub user: f64,
    pub system: f64,
    pub idle: f64,
    pub iowait: f64,
    pub irq: f64,
    pub steal: f64,
}

/// A file system.
#[derive(Debug, Clone, Copy)]
pub struct Disk {
    /// Its name below `/dev`.
    pub device: &'static str,
    pub mount: &'static str,
    pub kind: &'static str,
    /// Bytes; what is neither used nor free is kept for the administrator.
    pub total: f64,
    pub used: f64,
    pub free: f64,
}

/// An interface of the network.
#[derive(Debug, Clone, Copy)]
pub struct Interface {
    pub name: &'static str,
    /// Bytes since the start.
    pub received: f64,
    pub sent: f64,
    /// Bytes per second.
    pub received_per_s: f64,
    pub sent_per_s: f64,
}

pub const CORES: usize = 4;
pub const MEM_TOTAL: f64 = 16_777_216_000.0;
pub const SWAP_TOTAL: f64 = 4_294_967_296.0;
pub const PLATFORM: &str = "debian";
pub const PLATFORM_VERSION: &str = "12.11";
pub const KERNEL: &str = "6.1.0-37-amd64";
pub const ARCH: &str = "x86_64";
pub const VIRTUALIZATION: &str = "kvm";
pub const CPU_MODEL: &str = "Example Processor 9000";
pub const GPU_MODEL: &str = "Example Graphics 70";
pub const MAC: &str = "02:00:00:00:00:01";
pub const V4: &str = "192.0.2.30";
pub const V6: &str = "2001:db8::30";

const GIB: f64 = 1_073_741_824.0;

impl Truth {
    /// The machine at this moment, if it was started at that one, both milliseconds since 1970. What it counts grows by the second.
    pub fn now(booted_ms: i64, at_ms: i64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "weeks")]
        let uptime_s = ((at_ms - booted_ms) / 1000) as f64;
        let interface = |name, received_per_s: f64, sent_per_s: f64| Interface {
            name,
            received: received_per_s * uptime_s,
            sent: sent_per_s * uptime_s,
            received_per_s,
            sent_per_s,
        };
        Self {
            at_ms,
            cpu: Cpu { user: 102.0, system: 36.0, idle: 240.0, iowait: 10.0, irq: 8.0, steal: 4.0 },
            mem_used: 5.0 * GIB,
            swap_used: 1_178_599_424.0,
            disks: [
                disk("vda1", "/", "ext4", 100.0 * GIB, 40.0 * GIB, 55.0 * GIB),
                disk("vdb1", "/srv", "xfs", 500.0 * GIB, 150.0 * GIB, 350.0 * GIB),
            ],
            interfaces: [interface("eth0", 1_250_000.0, 375_000.0), interface("docker0", 99_000.0, 88_000.0)],
            load: [1.25, 0.75, 0.5],
            uptime_s,
            tcp: 87.0,
            udp: 12.0,
            processes: 213.0,
            gpu: 42.5,
            sensors: [("cpu_package", 61.5), ("nvme", 44.0)],
            disk_io: (125.0, 64.0),
        }
    }

    /// The machine while it did little: nothing that is not counted is as it is now.
    pub fn before(booted_ms: i64, at_ms: i64) -> Self {
        let now = Self::now(booted_ms, at_ms);
        let slow = |one: Interface| Interface {
            received_per_s: one.received_per_s / 5.0,
            sent_per_s: one.sent_per_s / 5.0,
            ..one
        };
        Self {
            cpu: Cpu { user: 20.0, system: 12.0, idle: 360.0, iowait: 4.0, irq: 3.0, steal: 1.0 },
            mem_used: 3.0 * GIB,
            swap_used: GIB,
            disks: now.disks.map(|one| Disk { used: one.used - 8.0 * GIB, free: one.free + 8.0 * GIB, ..one }),
            interfaces: now.interfaces.map(slow),
            load: [0.11, 0.22, 0.33],
            tcp: 31.0,
            udp: 5.0,
            processes: 150.0,
            gpu: 3.5,
            sensors: [("cpu_package", 40.5), ("nvme", 31.0)],
            disk_io: (9.0, 7.0),
            ..now
        }
    }

    /// Use of all processors together, 0 to 100: neither idle nor waiting.
    pub fn cpu_percent(&self) -> f64 {
        (400.0 - self.cpu.idle - self.cpu.iowait) / 4.0
    }

    /// Bytes of the file systems, all of them.
    pub fn disk_total(&self) -> f64 {
        self.disks.iter().map(|one| one.total).sum()
    }

    /// Without what is kept for the administrator.
    pub fn disk_size(&self) -> f64 {
        self.disks.iter().map(|one| one.used + one.free).sum()
    }

    pub fn disk_used(&self) -> f64 {
        self.disks.iter().map(|one| one.used).sum()
    }

    /// The one way out.
    pub const fn way_out(&self) -> &Interface {
        let [out, _] = &self.interfaces;
        out
    }

    pub fn booted_at_s(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a few centuries")]
        let at_s = (self.at_ms / 1000) as f64;
        at_s - self.uptime_s
    }

    /// The line that tells of its processors in the words of our agent and of Nezha's.
    pub fn cpu_line() -> String {
        format!("{CPU_MODEL} {CORES} Virtual Core")
    }

    /// The parts of the processors' use by Mackerel's names, percent of one core.
    pub fn cpu_parts(&self) -> BTreeMap<String, f64> {
        let Cpu { user, system, idle, iowait, irq, steal } = self.cpu;
        let parts =
            [("user", user), ("system", system), ("idle", idle), ("iowait", iowait), ("irq", irq), ("steal", steal)];
        parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Sizes and use of the file systems by Mackerel's names of their devices, bytes.
    pub fn file_systems(&self) -> BTreeMap<String, f64> {
        let both = |one: &Disk| {
            [(format!("{}.size", one.device), one.used + one.free), (format!("{}.used", one.device), one.used)]
        };
        self.disks.iter().flat_map(both).collect()
    }

    /// Bytes per second of the way out, by Mackerel's names.
    pub fn interface_rates(&self) -> BTreeMap<String, f64> {
        let out = self.way_out();
        BTreeMap::from([
            (format!("{}.rxBytes", out.name), out.received_per_s),
            (format!("{}.txBytes", out.name), out.sent_per_s),
        ])
    }

    pub fn sensors(&self) -> BTreeMap<String, f64> {
        self.sensors.iter().map(|(name, celsius)| ((*name).to_owned(), *celsius)).collect()
    }
}

const fn disk(device: &'static str, mount: &'static str, kind: &'static str, total: f64, used: f64, free: f64) -> Disk {
    Disk { device, mount, kind, total, used, free }
}
