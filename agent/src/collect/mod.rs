//! What the host looks like right now: one [`Collector`] asks every subject and leaves out what a subject cannot say.

mod cpu;
mod details;
pub mod disk;
mod gpu;
pub mod host;
mod kernel_file;
pub mod load;
mod machine;
mod memory;
mod network;
mod processes;
mod rate;
mod sockets;
pub mod temperature;
mod virtualization;
pub mod volumes;

use std::io;
use std::time::{Duration, Instant};

use edgewatch_core::model::Machine;

use crate::log;

pub use details::{Detail, Minutes};
pub use host::{Identity, host_name, machine_id};
pub use temperature::Sensor;

/// Why a subject has nothing to say.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// This machine has none, or does not show it to us.
    #[error("{what} is not available: {kind}")]
    Unavailable {
        /// The file or the thing asked for.
        what: &'static str,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// It is there and does not read as it should.
    #[error("{what} does not read as expected")]
    Malformed {
        /// The file.
        what: &'static str,
    },
}

/// Which parts of the host count. Empty lists mean the built-in rules.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Mount points to count, in place of the rule by file system type.
    pub mounts: Vec<String>,
    /// Interfaces to count, in place of the rule by name.
    pub interfaces: Vec<String>,
}

/// What one look at the host gave. `None` is "could not be measured", never 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Use of all processors together since the look before, 0 to 100.
    pub cpu_percent: Option<f64>,
    /// Memory and swap.
    pub memory: Option<memory::Memory>,
    /// The counted file systems together.
    pub disk: Option<disk::Space>,
    /// Bytes since boot on the counted interfaces.
    pub traffic: Option<network::Traffic>,
    /// Bytes per second since the look before: received, sent.
    pub traffic_rate: Option<(f64, f64)>,
    /// Seconds since the host was started.
    pub uptime_s: Option<f64>,
    /// Load averages.
    pub load: Option<load::Load>,
    /// TCP and UDP sockets of both families.
    pub sockets: Option<sockets::Sockets>,
    /// Processes.
    pub processes: Option<u64>,
    /// Use of the busiest GPU, 0 to 100.
    pub gpu_percent: Option<f64>,
    /// Sensors, by name.
    pub temperatures: Vec<Sensor>,
}

/// What the host is; changes rarely.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// What the system says of itself.
    pub host: Identity,
    /// Hypervisor or container.
    pub virtualization: Option<&'static str>,
    /// One line per processor model.
    pub cpu: Vec<String>,
    /// GPU model names.
    pub gpu: Vec<String>,
    /// Bytes of memory.
    pub mem_total_bytes: Option<u64>,
    /// Bytes of swap.
    pub swap_total_bytes: Option<u64>,
    /// Bytes of the counted file systems.
    pub disk_total_bytes: Option<u64>,
    /// What it is made of; without details only which agent says so.
    pub machine: Machine,
}

impl Facts {
    /// These facts, read anew: what wavers is as it was, and true where something is news.
    pub fn settled(mut self, before: &Self) -> (Self, bool) {
        // The kernel's own idea of its start moves with the clock; a host is not started twice under one agent.
        self.host.booted_at_s = before.host.booted_at_s.or(self.host.booted_at_s);
        machine::settle(&mut self.machine, &before.machine);
        let steady = |facts: &Self| Self { machine: facts.machine.steady(), ..facts.clone() };
        let is_news = steady(&self) != steady(before);
        (self, is_news)
    }
}

const SUBJECTS: usize = 12;

/// Counts what failed, and says so once until the subject works again.
#[derive(Debug, Default)]
struct Failures {
    counts: [u64; SUBJECTS],
    failing: [bool; SUBJECTS],
}

impl Failures {
    fn note<T>(&mut self, subject: usize, result: Result<T, CollectError>) -> Option<T> {
        match result {
            Ok(value) => {
                self.failing[subject] = false;
                Some(value)
            }
            Err(error) => {
                self.counts[subject] += 1;
                if !self.failing[subject] {
                    self.failing[subject] = true;
                    match error {
                        CollectError::Unavailable { .. } => log::debug(format_args!("{error}")),
                        CollectError::Malformed { .. } => log::warn(format_args!("{error}; the value is left out")),
                    }
                }
                None
            }
        }
    }
}

/// Looks at the host. Lives as long as the agent: rates need the look before, and files stay open.
#[derive(Debug)]
pub struct Collector {
    buffer: Vec<u8>,
    failures: Failures,
    cpu: cpu::Cpu,
    memory: memory::MemoryFile,
    disk: disk::Disk,
    network: network::Network,
    load: load::LoadFile,
    uptime: host::UptimeFile,
    sockets: sockets::SocketFiles,
    processes: processes::ProcessDirectory,
    gpu: gpu::Gpus,
    temperature: temperature::Sensors,
    details: Option<details::Details>,
    last: Option<Instant>,
}

/// How often lists that hardly change (sensors, cards) are read anew.
const RESCAN: Duration = Duration::from_mins(10);

impl Collector {
    /// A collector that has looked at nothing yet; `has_details` says whether it is ever asked for [`Collector::details`].
    pub fn new(selection: Selection, has_details: bool) -> Self {
        Self {
            details: has_details.then(|| details::Details::new(selection.interfaces.clone())),
            buffer: vec![0; 4096],
            failures: Failures::default(),
            cpu: cpu::Cpu::default(),
            memory: memory::MemoryFile::default(),
            disk: disk::Disk::new(selection.mounts),
            network: network::Network::new(selection.interfaces),
            load: load::LoadFile::default(),
            uptime: host::UptimeFile::default(),
            sockets: sockets::SocketFiles::default(),
            processes: processes::ProcessDirectory::default(),
            gpu: gpu::Gpus::new(RESCAN),
            temperature: temperature::Sensors::new(RESCAN),
            last: None,
        }
    }

    /// Looks at what needs two looks, so that the next [`Collector::read`] has rates.
    pub fn take_baseline(&mut self) {
        let buffer = &mut self.buffer;
        let now = Instant::now();
        self.failures.note(0, self.cpu.read(buffer).map(drop));
        self.failures.note(3, self.network.read(buffer, None).map(drop));
        self.details(&Reading::default(), None);
        self.last = Some(now);
    }

    /// What the stock Mackerel agent would tell now, beside a reading: of the time since this was asked before, `elapsed`; where that
    /// is `None`, only what needs no time.
    pub fn details(&mut self, reading: &Reading, elapsed: Option<Duration>) -> &[Detail] {
        let Some(details) = &mut self.details else { return &[] };
        details.read(&mut self.buffer, &mut self.failures, (reading.load, reading.memory, &mut self.disk), elapsed)
    }

    /// Looks at everything once.
    pub fn read(&mut self) -> Reading {
        let now = Instant::now();
        let elapsed = self.last.map(|last| now.duration_since(last));
        self.last = Some(now);
        let buffer = &mut self.buffer;
        let failures = &mut self.failures;
        let (traffic, traffic_rate) = match failures.note(3, self.network.read(buffer, elapsed)) {
            Some((traffic, rate)) => (Some(traffic), rate),
            None => (None, None),
        };
        Reading {
            cpu_percent: failures.note(0, self.cpu.read(buffer)).flatten(),
            memory: failures.note(1, self.memory.read(buffer)),
            disk: failures.note(2, self.disk.read(buffer, now)),
            traffic,
            traffic_rate,
            uptime_s: failures.note(4, self.uptime.read(buffer)),
            load: failures.note(5, self.load.read(buffer)),
            sockets: failures.note(6, self.sockets.read(buffer)),
            processes: failures.note(7, self.processes.count()),
            gpu_percent: self.gpu.busiest(buffer, now),
            temperatures: self.temperature.read(buffer, now),
        }
    }

    /// What the host is. Costs more than a reading: asked for at the start and every few minutes.
    pub fn facts(&mut self, reading: Option<&Reading>) -> Facts {
        let buffer = &mut self.buffer;
        let memory = match reading {
            Some(reading) => reading.memory,
            None => self.failures.note(1, self.memory.read(buffer)),
        };
        let disk = match reading {
            Some(reading) => reading.disk,
            None => self.failures.note(2, self.disk.read(buffer, Instant::now())),
        };
        let processors = self.failures.note(8, host::processors(buffer)).unwrap_or_default();
        let virtualization = virtualization::detect(&processors);
        Facts {
            host: Identity::read(),
            virtualization,
            cpu: processors.lines(virtualization::is_hypervisor_guest(&processors)),
            gpu: self.gpu.names(),
            mem_total_bytes: memory.map(|memory| memory.total_bytes),
            swap_total_bytes: memory.map(|memory| memory.swap_total_bytes),
            disk_total_bytes: disk.map(|space| space.total_bytes),
            machine: if self.details.is_some() { machine::read(buffer, &mut self.disk) } else { machine::bare() },
        }
    }

    /// How often each subject failed since the start, all together.
    pub fn failed_reads(&self) -> u64 {
        self.failures.counts.iter().sum()
    }
}

/// A count as the wire has it. Source: the contract's numbers are doubles, exact to 2^53.
#[expect(clippy::cast_precision_loss, reason = "the wire's numbers are doubles; counts of bytes are exact to 2^53")]
pub fn exact(count: u64) -> f64 {
    count as f64
}
