//! The declared table: which metric which writer can say, and which reader can show it. What both can is checked in their cell; what a
//! writer cannot say must not be shown.

use Kind::{Container, Machine, Node, Virtual};

/// Who reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writer {
    Socket,
    Post,
    Mackerel,
    OpenItCockpit,
    Pulse,
    Proxmox,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reader {
    Nezha,
    Mackerel,
    Pulse,
    NezhaFeed,
    PulseFeed,
    Live,
    Prometheus,
    Series,
}

/// What a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Machine,
    /// A hypervisor, polled.
    Node,
    /// A virtual machine of it.
    Virtual,
    Container,
}

impl Writer {
    pub const ALL: [Self; 6] =
        [Self::Socket, Self::Post, Self::Mackerel, Self::OpenItCockpit, Self::Pulse, Self::Proxmox];

    pub const fn words(self) -> &'static str {
        match self {
            Self::Socket => "native socket",
            Self::Post => "native POST",
            Self::Mackerel => "Mackerel agent",
            Self::OpenItCockpit => "openITCOCKPIT push",
            Self::Pulse => "Pulse host agent",
            Self::Proxmox => "Proxmox collector",
        }
    }

    /// The letters of the table that are its hosts'.
    pub const fn kinds(self) -> &'static [(char, Kind)] {
        match self {
            Self::Socket => &[('s', Machine)],
            Self::Post => &[('p', Machine)],
            Self::Mackerel => &[('m', Machine)],
            Self::OpenItCockpit => &[('o', Machine)],
            Self::Pulse => &[('h', Machine)],
            Self::Proxmox => &[('n', Node), ('v', Virtual), ('c', Container)],
        }
    }
}

impl Reader {
    pub const ALL: [Self; 8] = [
        Self::Nezha,
        Self::Mackerel,
        Self::Pulse,
        Self::NezhaFeed,
        Self::PulseFeed,
        Self::Live,
        Self::Prometheus,
        Self::Series,
    ];

    pub const fn words(self) -> &'static str {
        match self {
            Self::Nezha => "Nezha list, details",
            Self::Mackerel => "Mackerel hosts, metrics, latest",
            Self::Pulse => "Pulse state, charts",
            Self::NezhaFeed => "Nezha `/ws`",
            Self::PulseFeed => "Pulse `/ws`",
            Self::Live => "dashboard `/live`",
            Self::Prometheus => "Prometheus `/metrics`",
            Self::Series => "series API",
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::Nezha => 'N',
            Self::Mackerel => 'M',
            Self::Pulse => 'P',
            Self::NezhaFeed => 'F',
            Self::PulseFeed => 'W',
            Self::Live => 'L',
            Self::Prometheus => 'R',
            Self::Series => 'S',
        }
    }

    /// Whether a number that nobody said stands there as 0 or as an empty text, because its clients insist on every key. Source: nezha
    /// specification, 4 ("all keys always present … Never reported: zeros"); pulse specification, 16.1 ("zero values are omitted": a
    /// missing number is 0 to its clients), 6.2 (numbers of an object are always there).
    pub const fn has_every_key(self) -> bool {
        matches!(self, Self::Nezha | Self::NezhaFeed | Self::Pulse | Self::PulseFeed)
    }
}

/// What can be said of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    Name,
    Group,
    Address,
    AgentVersion,
    Platform,
    PlatformVersion,
    Kernel,
    Arch,
    Virtualization,
    CpuModel,
    CpuCount,
    GpuModel,
    Interfaces,
    BootTime,
    MemTotal,
    SwapTotal,
    DiskTotal,
    CpuPercent,
    MemUsed,
    MemPercent,
    SwapUsed,
    DiskUsed,
    DiskPercent,
    NetIn,
    NetOut,
    NetInSpeed,
    NetOutSpeed,
    Uptime,
    Load1,
    Load5,
    Load15,
    Tcp,
    Udp,
    Processes,
    GpuPercent,
    Temperatures,
    CpuParts,
    FileSystems,
    InterfaceRates,
    DiskIo,
    DiskReadSpeed,
    DiskWriteSpeed,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub metric: Metric,
    pub unit: &'static str,
    /// The letters of the hosts of which it can be said: `s`ocket, `p`ost, `m`ackerel, `o`penITCOCKPIT, `h`ost agent of Pulse; of Proxmox
    /// `n`ode, `v`irtual machine, `c`ontainer.
    said: &'static str,
    /// The letters of who shows it of a machine: `N`ezha, `M`ackerel, `P`ulse, `F`eed of Nezha, feed of Pulse (`W`), `L`ive, p`R`ometheus,
    /// `S`eries.
    of_machine: &'static str,
    of_node: &'static str,
    of_guest: &'static str,
}

const fn row(
    metric: Metric,
    unit: &'static str,
    said: &'static str,
    of_machine: &'static str,
    of_node: &'static str,
    of_guest: &'static str,
) -> Row {
    Row { metric, unit, said, of_machine, of_node, of_guest }
}

use Metric as M;

/// The table. A host's own words first, then what is measured, then single things by Mackerel's names.
pub const ROWS: &[Row] = &[
    row(M::Name, "text", "spmohnvc", "NFMPWLR", "NFMPWLR", "NFMPWLR"),
    // The one of registrations, a Pulse agent's own tag; of what is polled the name of its instance.
    row(M::Group, "text", "sphnvc", "NFPWLR", "NFPWLR", "NFPWLR"),
    row(M::Address, "IPv4", "sp", "N", "", ""),
    row(M::AgentVersion, "text", "spmoh", "NFMPWLR", "NFLR", "NFLR"),
    row(M::Platform, "text", "spmohnvc", "NFMPWLR", "NFMLR", "NFMLR"),
    row(M::PlatformVersion, "text", "spmohn", "NFMPWLR", "NFMPWLR", "NFMLR"),
    row(M::Kernel, "text", "spmohn", "MPW", "MPW", "M"),
    row(M::Arch, "text", "spmoh", "NFMPWLR", "NFMLR", "NFMLR"),
    row(M::Virtualization, "text", "spvc", "NFLR", "NFLR", "NFLPWR"),
    row(M::CpuModel, "text", "spmhn", "NFM", "NFMPW", "NFM"),
    row(M::CpuCount, "count", "spmohnvc", "NFMPW", "NFMPW", "NFMPW"),
    row(M::GpuModel, "text", "sp", "NF", "NF", "NF"),
    row(M::Interfaces, "name, MAC, addresses", "spmh", "MPW", "M", "M"),
    row(M::BootTime, "Unix s", "spohnvc", "NF", "NF", "NF"),
    row(M::MemTotal, "bytes", "spmohnvc", "NFMPWLR", "NFMPWLR", "NFMPWLR"),
    row(M::SwapTotal, "bytes", "spmohn", "NFMPWLR", "NFMLR", "NFMLR"),
    row(M::DiskTotal, "bytes", "spmohnvc", "NFPWLR", "NFPWLR", "NFPWLR"),
    row(M::CpuPercent, "0 to 100 of all", "spmohnvc", "NFMPWLRS", "NFMPWLRS", "NFMPWLRS"),
    row(M::MemUsed, "bytes", "spmohnvc", "NFMPWLRS", "NFMPWLRS", "NFMPWLRS"),
    row(M::MemPercent, "0 to 100", "spmohnvc", "PW", "PW", "PW"),
    row(M::SwapUsed, "bytes", "spmohn", "NFMPWLRS", "NFMLRS", "NFMLRS"),
    row(M::DiskUsed, "bytes", "spmohnc", "NFPWLRS", "NFPWLRS", "NFPWLRS"),
    row(M::DiskPercent, "0 to 100", "spmohnc", "PW", "PW", "PW"),
    row(M::NetIn, "bytes since start", "spoh", "NFLRS", "NFLRS", "NFLRS"),
    row(M::NetOut, "bytes since start", "spoh", "NFLRS", "NFLRS", "NFLRS"),
    row(M::NetInSpeed, "bytes/s", "spmohvc", "NFLRS", "NFLRS", "NFPWLRS"),
    row(M::NetOutSpeed, "bytes/s", "spmohvc", "NFLRS", "NFLRS", "NFPWLRS"),
    row(M::Uptime, "s", "spohnvc", "NFPWLRS", "NFPWLRS", "NFPWLR"),
    row(M::Load1, "load", "spmohn", "NFMPWLRS", "NFMPWLRS", "NFMLRS"),
    row(M::Load5, "load", "spmohn", "NFMPWLRS", "NFMPWLRS", "NFMLRS"),
    row(M::Load15, "load", "spmohn", "NFMPWLRS", "NFMPWLRS", "NFMLRS"),
    row(M::Tcp, "count", "sp", "NFLRS", "NFLRS", "NFLRS"),
    row(M::Udp, "count", "sp", "NFLRS", "NFLRS", "NFLRS"),
    row(M::Processes, "count", "spo", "NFLRS", "NFLRS", "NFLRS"),
    row(M::GpuPercent, "0 to 100", "sp", "NFLRS", "NFLRS", "NFLRS"),
    row(M::Temperatures, "°C by sensor", "spoh", "NFPWLRS", "NFLR", "NFLR"),
    row(M::CpuParts, "100 for each core", "spmo", "MS", "", ""),
    row(M::FileSystems, "bytes by device", "spmoh", "MS", "", ""),
    row(M::InterfaceRates, "bytes/s by interface", "spmoh", "MS", "", ""),
    row(M::DiskIo, "1/s by device", "spmo", "MS", "", ""),
    row(M::DiskReadSpeed, "bytes/s", "vc", "", "", "PWS"),
    row(M::DiskWriteSpeed, "bytes/s", "vc", "", "", "PWS"),
];

impl Row {
    /// Whether it can be said of such a host.
    pub fn is_said(&self, letter: char) -> bool {
        self.said.contains(letter)
    }

    /// Whether a reader shows it of such a host.
    pub fn is_shown(&self, reader: Reader, kind: Kind) -> bool {
        let readers = match kind {
            Machine => self.of_machine,
            Node => self.of_node,
            Virtual | Container => self.of_guest,
        };
        readers.contains(reader.letter())
    }
}
