//! The result document: `checkdata` of a push, and the answer to `GET /` of the agent's own server. A file per group.
//!
//! Our agent writes it, the Worker reads it from every agent there is, on every platform. A group may always be an error in place of
//! its value; what is unknown is passed over, and a group that does not read is an error of its own, so that no document is lost for
//! one of its parts. Source: openITCOCKPIT specification, 8.

mod agent;
mod checks;
mod cpu;
mod disk_io;
mod disks;
mod docker;
mod float;
mod group;
mod libvirt;
mod memory;
mod network;
mod ntp;
mod packages;
mod pretty;
mod processes;
mod sensors;
mod services;
mod users;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

pub use agent::Agent;
pub use checks::CustomCheck;
pub use cpu::{Cpu, CpuTimes};
pub use disk_io::DiskIo;
pub use disks::{Disk, DiskUsage, Mount};
pub use docker::Container;
pub use float::Float;
pub use group::Group;
pub use libvirt::{Domain, DomainCpu, DomainDisk, DomainInterface, DomainMemory};
pub use memory::{Memory, Swap, SystemLoad};
pub use network::{NetIo, NetStats};
pub use ntp::Ntp;
pub use packages::{
    Inventory, MacosUpdate, Package, PackageManager, PackageStats, PackageSummary, PackageUpdate, WindowsApp,
    WindowsUpdate,
};
pub use pretty::pretty;
pub use processes::{Process, ProcessMemory};
pub use sensors::{Battery, Sensors, Temperature};
pub use services::{EventLogEntry, LaunchdService, SystemdUnit, WindowsService};
pub use users::User;

/// The document. A group is there when its check is switched on and its platform has it; `None` is "not looked at", never "nothing
/// found". Written in the order of the names, as the stock agent does.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Document {
    /// The machine and its agent. A server takes a document without it for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Group<Agent>>,
    /// Use of the processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Group<Cpu>>,
    /// What the local administrator's checks said last, by name in lower case. The stock agent always has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customchecks: Option<Group<BTreeMap<String, CustomCheck>>>,
    /// Counters and rates of block devices, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_io: Option<Group<BTreeMap<String, DiskIo>>>,
    /// Mounted file systems.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disks: Option<Group<Vec<Disk>>>,
    /// Containers that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker: Option<Group<Vec<Container>>>,
    /// In place of all groups: why there is no document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Services of macOS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launchd_services: Option<Group<Vec<LaunchdService>>>,
    /// Virtual machines, by UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub libvirt: Option<Group<BTreeMap<String, Domain>>>,
    /// Memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Group<Memory>>,
    /// Counters and rates of interfaces, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_io: Option<Group<BTreeMap<String, NetIo>>>,
    /// State of interfaces, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_stats: Option<Group<BTreeMap<String, NetStats>>>,
    /// The clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ntp: Option<Group<Ntp>>,
    /// Packages in numbers. The stock agent always has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packagemanager: Option<Group<PackageManager>>,
    /// Processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<Group<Vec<Process>>>,
    /// Names of the exporters that were scraped at least once. The stock agent always has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus_exporters: Option<Group<Vec<String>>>,
    /// Temperatures and batteries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensors: Option<Group<Sensors>>,
    /// Swap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swap: Option<Group<Swap>>,
    /// Load averages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_load: Option<Group<SystemLoad>>,
    /// All loaded units of systemd, not its services alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub systemd_services: Option<Group<Vec<SystemdUnit>>>,
    /// Who is logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Group<Vec<User>>>,
    /// Newest entries of Windows' logs, by log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows_eventlog: Option<Group<BTreeMap<String, Vec<EventLogEntry>>>>,
    /// Services of Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows_services: Option<Group<Vec<WindowsService>>>,
}

impl Document {
    /// Reads any agent's document. Of a group that is there twice the last one counts; one that is `null` is not there.
    ///
    /// # Errors
    /// When the text is no JSON object. Whatever the groups hold, they make none.
    pub fn read(text: &str) -> serde_json::Result<Self> {
        let groups: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
        let raw = |name: &str| groups.get(name).copied();
        Ok(Self {
            agent: Group::read(raw("agent")),
            cpu: Group::read(raw("cpu")),
            customchecks: Group::read(raw("customchecks")),
            disk_io: Group::read(raw("disk_io")),
            disks: Group::read(raw("disks")),
            docker: Group::read(raw("docker")),
            error: raw("error").and_then(|error| serde_json::from_str(error.get()).ok()),
            launchd_services: Group::read(raw("launchd_services")),
            libvirt: Group::read(raw("libvirt")),
            memory: Group::read(raw("memory")),
            net_io: Group::read(raw("net_io")),
            net_stats: Group::read(raw("net_stats")),
            ntp: Group::read(raw("ntp")),
            packagemanager: Group::read(raw("packagemanager")),
            processes: Group::read(raw("processes")),
            prometheus_exporters: Group::read(raw("prometheus_exporters")),
            sensors: Group::read(raw("sensors")),
            swap: Group::read(raw("swap")),
            system_load: Group::read(raw("system_load")),
            systemd_services: Group::read(raw("systemd_services")),
            users: Group::read(raw("users")),
            windows_eventlog: Group::read(raw("windows_eventlog")),
            windows_services: Group::read(raw("windows_services")),
        })
    }
}

#[cfg(test)]
mod tests;
