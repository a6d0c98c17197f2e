//! A monitored machine.

use std::sync::Arc;

use super::{HostStatus, Machine, RoleName, Sample};
use crate::units::UnixSeconds;

/// A host's number: 1, 2, 3 …, never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub i64);

impl HostId {
    /// Below this lie the numbers of what is posted of hosts; between it and 0 those of what is posted of services.
    const POSTED_BELOW: i64 = -(1 << 40);

    /// The number under which is kept what others than our agent post of this host, minute by minute. It is no host's own: nobody's
    /// samples are numbered twice. What is no host is kept under its own number.
    #[must_use]
    pub const fn posted(self) -> Self {
        if self.0 > 0 { Self(Self::POSTED_BELOW - self.0) } else { self }
    }

    /// Whether what lies under this number was posted: of each minute and name the value that came last counts.
    pub const fn is_posted(self) -> bool {
        self.0 < 0
    }

    /// The host of which it was posted; any other number is its own.
    #[must_use]
    pub const fn owner(self) -> Self {
        if self.0 < Self::POSTED_BELOW { Self(Self::POSTED_BELOW - self.0) } else { self }
    }
}

/// What a host is to a hypervisor. All but machines are polled: an agent asks the hypervisor how they are, and nobody judges their own
/// silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostClass {
    /// Nothing: it reports itself.
    #[default]
    Machine,
    /// A node of Proxmox VE.
    Node,
    /// A virtual machine on one.
    Qemu,
    /// A container on one.
    Lxc,
    /// A Proxmox Backup Server.
    BackupServer,
}

impl HostClass {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Machine, Self::Node, Self::Qemu, Self::Lxc, Self::BackupServer];

    /// Its word, as it is stored and sent.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Node => "node",
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
            Self::BackupServer => "pbs",
        }
    }

    /// The class of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }

    /// Whether an agent asks a hypervisor how it is.
    pub const fn is_polled(self) -> bool {
        !matches!(self, Self::Machine)
    }

    /// Whether it runs on a node, whose blocks hold its series.
    pub const fn is_guest(self) -> bool {
        matches!(self, Self::Qemu | Self::Lxc)
    }
}

/// Whether a host is thought to be up, as last decided by the presence rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Presence {
    /// It has not reported since it was registered.
    #[default]
    Never,
    /// It reports.
    Online,
    /// It fell silent.
    Offline,
}

/// A host with the newest it said of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// The number that Nezha's words use.
    pub id: HostId,
    /// Eleven characters of base58, growing with time: the id in Mackerel's words.
    pub public_id: String,
    /// The id in openITCOCKPIT's words.
    pub uuid: String,
    /// What it is to a hypervisor.
    pub class: HostClass,
    /// The node that it is a guest of.
    pub parent: Option<HostId>,
    /// What people call it.
    pub name: String,
    /// Its group; may be empty.
    pub tag: String,
    /// Labels beside the group, as they were given.
    pub tags: Vec<String>,
    /// A note for administrators.
    pub note: String,
    /// A note for everybody who may see it.
    pub public_note: String,
    /// Higher is listed first.
    pub display_index: i64,
    /// In no answer to a guest.
    pub hidden_for_guest: bool,
    /// When it was registered.
    pub registered_at: UnixSeconds,
    /// Up, down, or never heard from.
    pub presence: Presence,
    /// When it last reported, by our clock.
    pub last_seen: Option<UnixSeconds>,
    /// Where it reports from.
    pub addresses: Addresses,
    /// Two lower-case letters, or empty when not known.
    pub country_code: String,
    /// The version of the agent that reports, or empty.
    pub agent_version: String,
    /// What it is, where it said so.
    pub facts: Option<Facts>,
    /// Its newest measurements.
    pub newest: Option<Sample>,
    /// The hosts that were merged into it, the latest first: their history is read where it has none.
    pub absorbed: Vec<HostId>,
}

/// What a host has in all, bytes, as far as somebody said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Memory.
    pub mem_bytes: Option<u64>,
    /// Swap; 0 where it has none.
    pub swap_bytes: Option<u64>,
    /// Disk space.
    pub disk_bytes: Option<u64>,
}

impl Host {
    /// What it has in all. Without memory or disks there is no host: then nobody said it. Without swap there are many, which say what
    /// they use of it.
    pub fn totals(&self) -> Totals {
        let Some(facts) = &self.facts else { return Totals::default() };
        let some = |bytes: u64| (bytes > 0).then_some(bytes);
        let used = self.newest.as_ref().and_then(|sample| sample.swap_used_bytes);
        Totals {
            mem_bytes: some(facts.mem_total_bytes),
            swap_bytes: some(facts.swap_total_bytes).or_else(|| used.map(|_| 0)),
            disk_bytes: some(facts.disk_total_bytes),
        }
    }
}

/// What an administrator says of a host: all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostEdit {
    /// What people call it.
    pub name: String,
    /// Its group; may be empty.
    pub tag: String,
    /// A note for administrators.
    pub note: String,
    /// A note for everybody who may see it: JSON, as front ends of Nezha read it, or a text.
    pub public_note: String,
    /// Higher is listed first.
    pub display_index: i64,
    /// In no answer to a guest.
    pub hidden_for_guest: bool,
    /// A new secret for its agent; `None` leaves the one it has.
    pub secret: Option<String>,
}

/// What is to be changed of a host; `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostChange {
    /// What people call it.
    pub name: Option<String>,
    /// Its group; may be empty.
    pub group: Option<String>,
    /// Labels beside the group: all of them.
    pub tags: Option<Vec<String>>,
    /// A note for administrators.
    pub note: Option<String>,
    /// A note for everybody who may see it.
    pub public_note: Option<String>,
    /// Higher is listed first.
    pub display_index: Option<i64>,
    /// In no answer to a guest.
    pub hidden_for_guest: Option<bool>,
    /// What it is there for at the moment.
    pub status: Option<HostStatus>,
    /// A note of Mackerel's programs.
    pub memo: Option<String>,
    /// The roles it plays, sorted: all of them.
    pub roles: Option<Vec<RoleName>>,
}

/// Something that hosts have in common, and how many do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// A group, or a label.
    pub name: String,
    /// How many hosts are in it, or bear it.
    pub hosts: u64,
}

/// What the presence rules need to know of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    /// Which host.
    pub id: HostId,
    /// What was decided last.
    pub presence: Presence,
    /// When it last gave a sign of life, by our clock.
    pub last_seen: Option<UnixSeconds>,
    /// How it reports.
    pub link: Link,
}

/// How a host reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// By a socket, over which it pings.
    Socket,
    /// By requests, which are its only sign of life.
    Post {
        /// Seconds between its samples, as it said.
        period_s: u32,
        /// Seconds between its reports, as it was told.
        frame_s: u32,
    },
}

/// The addresses of a host, each empty when not known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addresses {
    /// IPv4, in dotted form.
    pub v4: String,
    /// IPv6.
    pub v6: String,
}

/// What a host is: changes rarely.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// Distribution id.
    pub platform: String,
    /// Distribution version.
    pub platform_version: String,
    /// Kernel release.
    pub kernel: String,
    /// Kernel architecture.
    pub arch: String,
    /// Hypervisor or container name, empty on bare metal.
    pub virtualization: String,
    /// One line per processor model.
    pub cpu: Vec<String>,
    /// GPU model names.
    pub gpu: Vec<String>,
    /// Memory in all.
    pub mem_total_bytes: u64,
    /// Swap in all.
    pub swap_total_bytes: u64,
    /// Space of the counted file systems.
    pub disk_total_bytes: u64,
    /// When the host was started; 0 when not known.
    pub booted_at: UnixSeconds,
    /// Addresses its administrator wants shown.
    pub addresses: Option<Addresses>,
    /// What it is made of, where its agent says so. Shared: hosts are copied often.
    pub machine: Option<Arc<Machine>>,
}

impl Facts {
    /// These facts without what changes all the time: what is left is news when it changes.
    #[must_use]
    pub fn steady(&self) -> Self {
        Self { machine: self.machine.as_ref().map(|machine| Arc::new(machine.steady())), ..self.clone() }
    }

    /// These facts, with what `said` has in its place.
    #[must_use]
    pub fn with(self, said: Self) -> Self {
        let text = |known: String, said: String| if said.is_empty() { known } else { said };
        let list = |known: Vec<String>, said: Vec<String>| if said.is_empty() { known } else { said };
        let bytes = |known: u64, said: u64| if said == 0 { known } else { said };
        Self {
            platform: text(self.platform, said.platform),
            platform_version: text(self.platform_version, said.platform_version),
            kernel: text(self.kernel, said.kernel),
            arch: text(self.arch, said.arch),
            virtualization: text(self.virtualization, said.virtualization),
            cpu: list(self.cpu, said.cpu),
            gpu: list(self.gpu, said.gpu),
            mem_total_bytes: bytes(self.mem_total_bytes, said.mem_total_bytes),
            swap_total_bytes: bytes(self.swap_total_bytes, said.swap_total_bytes),
            disk_total_bytes: bytes(self.disk_total_bytes, said.disk_total_bytes),
            booted_at: if said.booted_at.0 == 0 { self.booted_at } else { said.booted_at },
            addresses: said.addresses.or(self.addresses),
            machine: said.machine.or(self.machine),
        }
    }
}

/// A host about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// What people will call it.
    pub name: String,
    /// Its group.
    pub tag: String,
    /// A note for administrators.
    pub note: String,
    /// Whether guests may see it.
    pub hidden_for_guest: bool,
    /// A hash that tells one machine from another, where the machine has one.
    pub machine_id: Option<String>,
    /// The secret the machine holds from an earlier registration.
    pub known_secret: Option<String>,
}

impl Addresses {
    /// The parts of what an agent reported: nothing, one address, or `v4/v6`. Nothing is checked or normalised.
    /// Source: nezha specification, 3.1.
    pub fn from_reported(text: &str) -> Self {
        match text.split_once('/') {
            Some((v4, v6)) => Self { v4: v4.to_owned(), v6: v6.to_owned() },
            None if text.contains(':') => Self { v4: String::new(), v6: text.to_owned() },
            None => Self { v4: text.to_owned(), v6: String::new() },
        }
    }

    /// The addresses as [`Addresses::from_reported`] reads them.
    pub fn reported(&self) -> String {
        match (self.v4.is_empty(), self.v6.is_empty()) {
            (_, true) => self.v4.clone(),
            (true, false) => format!("/{}", self.v6),
            (false, false) => format!("{}/{}", self.v4, self.v6),
        }
    }

    /// The one address to show: IPv4 when there is one.
    pub fn preferred(&self) -> &str {
        if self.v4.is_empty() { &self.v6 } else { &self.v4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_posted_of_a_host_has_a_number_of_its_own() {
        for host in [1, 7, 1 << 39].map(HostId) {
            let posted = host.posted();
            assert!(posted.is_posted() && !host.is_posted() && posted.0 > -(1 << 53));
            assert_eq!((posted.owner(), posted.posted()), (host, posted));
        }
        let (service, edge) = (HostId(-3), HostId(0));
        assert_eq!((service.posted(), service.owner(), service.is_posted()), (service, service, true));
        assert_eq!((edge.posted(), edge.owner(), edge.is_posted()), (edge, edge, false));
    }
}
