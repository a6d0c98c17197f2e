//! The stock openITCOCKPIT agent's result document of this machine, group by group.
//!
//! Every group fails alone, into its error; a cycle has a time limit, and whatever may hang (file systems, daemons, drivers) one of its
//! own. Other platforms' groups, and `libvirt`, which no stock package has either, are never there.

mod accounts;
mod bus;
mod clock;
mod disk_io;
mod disks;
mod docker;
mod fault;
mod machine;
mod memory;
mod network;
mod patience;
mod processes;
mod processors;
mod rates;
mod render;
mod sensors;
mod units;
mod users;

use std::path::Path;
use std::time::{Duration, Instant};

use edgewatch_core::dialects::openitcockpit::result::{Document, Group};

use crate::log;
use fault::Fault;
use patience::{Patience, Subject};

pub use machine::version;
pub use render::json;

/// How long the first cycle looks at the processors. Source: openITCOCKPIT specification, 8.3.
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// What a cycle leaves of its interval. Source: openITCOCKPIT specification, 9.2.
const REST: Duration = Duration::from_secs(1);

/// Which groups a cycle looks at; `agent` it always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "fourteen switches, each by itself")]
pub struct Groups {
    /// `cpu`.
    pub cpu: bool,
    /// `memory`.
    pub memory: bool,
    /// `swap`.
    pub swap: bool,
    /// `system_load`.
    pub load: bool,
    /// `disks`.
    pub disks: bool,
    /// `disk_io`.
    pub disk_io: bool,
    /// `net_stats`.
    pub net_stats: bool,
    /// `net_io`.
    pub net_io: bool,
    /// `processes`.
    pub processes: bool,
    /// `users`.
    pub users: bool,
    /// `sensors`.
    pub sensors: bool,
    /// `systemd_services`.
    pub systemd: bool,
    /// `docker`.
    pub docker: bool,
    /// `ntp`.
    pub ntp: bool,
}

/// Looks at this machine, cycle after cycle. Lives as long as its configuration: rates need the cycle before.
#[derive(Debug)]
pub struct Inspector {
    wanted: Groups,
    /// From one cycle to the next.
    interval: Duration,
    began: Instant,
    patience: Patience,
    processors: processors::Processors,
    traffic: network::Traffic,
    block_devices: disk_io::BlockDevices,
    disks: disks::Disks,
    interfaces: Subject<()>,
    sensors: Subject<()>,
    processes: Subject<processes::Processes>,
    users: Subject<()>,
    units: Subject<()>,
    containers: Subject<docker::Containers>,
}

impl Inspector {
    /// One that has looked at nothing yet; from one cycle to the next it is `interval`.
    pub fn new(wanted: Groups, interval: Duration) -> Self {
        Self {
            wanted,
            interval,
            began: Instant::now(),
            patience: Patience::new(),
            processors: processors::Processors::default(),
            traffic: network::Traffic::default(),
            block_devices: disk_io::BlockDevices::default(),
            disks: disks::Disks::default(),
            interfaces: Subject::default(),
            sensors: Subject::default(),
            processes: Subject::default(),
            users: Subject::default(),
            units: Subject::default(),
            containers: Subject::default(),
        }
    }

    /// One look at everything that is wanted. Takes at most a second less than the interval; the first one takes a second at least,
    /// for the processors. What is not this room's (custom checks, exporters, packages) is left `None`.
    pub fn cycle(&mut self) -> Document {
        let wanted = self.wanted;
        let begin = Instant::now();
        let limit = self.interval.saturating_sub(REST).max(FIRST_LOOK * 2);
        self.patience.begin(begin + limit);
        let is_first = wanted.cpu && self.processors.is_new();
        let first_look = if is_first { self.processors.begin() } else { Ok(()) };
        let now_s = crate::clock::now_s();
        let mut document = Document {
            memory: told(wanted.memory, "memory", memory::memory),
            swap: told(wanted.swap, "swap", memory::swap),
            system_load: told(wanted.load, "system_load", memory::system_load),
            net_io: told(wanted.net_io, "net_io", || self.traffic.read(now_s)),
            disk_io: told(wanted.disk_io, "disk_io", || self.block_devices.read(now_s)),
            ntp: told(wanted.ntp, "ntp", clock::ntp),
            ..Document::default()
        };
        self.ask(limit, &mut document);
        document.disks = told(wanted.disks, "disks", || self.disks.read(&self.patience));
        if is_first {
            std::thread::sleep(FIRST_LOOK.saturating_sub(begin.elapsed()));
        }
        document.cpu = told(wanted.cpu, "cpu", || first_look.and_then(|()| self.processors.read()));
        document.agent = Some(Group::Value(machine::agent(self.began, self.interval)));
        document
    }

    /// The groups that may hang, each with its part of the time, so that one that always does takes it from no other.
    fn ask(&mut self, limit: Duration, document: &mut Document) {
        let Self { wanted, patience, .. } = self;
        document.net_stats = told(wanted.net_stats, "net_stats", || {
            patience.ask(&self.interfaces, limit / 8, |(), _| network::states(Path::new(network::INTERFACES)))
        });
        document.sensors =
            told(wanted.sensors, "sensors", || patience.ask(&self.sensors, limit / 8, |(), _| Ok(sensors::read())));
        document.processes = told(wanted.processes, "processes", || {
            patience.ask(&self.processes, limit / 4, processes::Processes::read)
        });
        document.users = told(wanted.users, "users", || {
            patience.ask(&self.users, limit / 8, |(), until| users::read(&users::UTMP, Path::new(bus::SOCKET), until))
        });
        document.systemd_services = told(wanted.systemd, "systemd_services", || {
            patience.ask(&self.units, limit / 8, |(), until| {
                units::read(Path::new(units::BOOTED), Path::new(bus::SOCKET), until)
            })
        });
        document.docker = told(wanted.docker, "docker", || {
            patience
                .ask(&self.containers, limit / 8, |containers, until| containers.read(Path::new(docker::SOCKET), until))
        });
    }
}

/// The group, if it is wanted: its value, or its failure.
fn told<T>(is_wanted: bool, name: &str, read: impl FnOnce() -> Result<T, Fault>) -> Option<Group<T>> {
    is_wanted.then(|| match read() {
        Ok(value) => Group::Value(value),
        Err(fault) => {
            log::debug(format_args!("the group {name} is an error: {fault}"));
            Group::Failed(fault.to_string())
        }
    })
}

#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
