//! What thresholds are about: resources, and what is measured of them.

use super::Measured;

/// What thresholds are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// A hypervisor's node.
    Node,
    /// A virtual machine.
    Vm,
    /// A container.
    Container,
    /// A storage of a hypervisor, or a datastore of a backup server.
    Storage,
    /// A backup server.
    Pbs,
    /// A host of another kind.
    Host,
}

impl ResourceKind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Node, Self::Vm, Self::Container, Self::Storage, Self::Pbs, Self::Host];

    /// Its word in what is kept.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Vm => "vm",
            Self::Container => "container",
            Self::Storage => "storage",
            Self::Pbs => "pbs",
            Self::Host => "host",
        }
    }

    /// The kind of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// How Pulse calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Vm => "VM",
            Self::Container => "Container",
            Self::Storage => "Storage",
            Self::Pbs => "PBS",
            Self::Host => "Host",
        }
    }

    /// How Pulse calls an alert of a resource with this id: of a metric, or of its being gone. Source: pulse specification, 2.3 and 12.6.
    pub fn alert_id(self, id: &str, metric: Option<ThresholdMetric>) -> String {
        let prefix = match (self, metric) {
            (_, Some(metric)) => return format!("{id}-{}", metric.word()),
            (Self::Node, None) => "node-offline",
            (Self::Vm | Self::Container, None) => "guest-powered-off",
            (Self::Pbs, None) => "pbs-offline",
            (Self::Storage, None) => "storage-offline",
            (Self::Host, None) => "host-offline",
        };
        format!("{prefix}-{id}")
    }

    /// The type that Pulse gives such an alert. Source: pulse specification, 12.3 and 12.6.
    pub const fn alert_type(self, metric: Option<ThresholdMetric>) -> &'static str {
        match (self, metric) {
            (_, Some(metric)) => metric.word(),
            (Self::Node, None) => "connectivity",
            (Self::Vm | Self::Container, None) => "powered-off",
            (Self::Pbs | Self::Storage, None) => "offline",
            (Self::Host, None) => "host-offline",
        }
    }

    /// Whether it is a guest of a hypervisor.
    pub const fn is_guest(self) -> bool {
        matches!(self, Self::Vm | Self::Container)
    }
}

/// What a threshold looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ThresholdMetric {
    /// Use of the processors, percent.
    Cpu,
    /// Memory in use, percent.
    Memory,
    /// Disk space in use, percent.
    Disk,
    /// Read from disks, MiB/s.
    DiskRead,
    /// Written to disks, MiB/s.
    DiskWrite,
    /// Received, MiB/s.
    NetworkIn,
    /// Sent, MiB/s.
    NetworkOut,
    /// Space in use of a storage, percent.
    Usage,
}

impl ThresholdMetric {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Cpu,
        Self::Memory,
        Self::Disk,
        Self::DiskRead,
        Self::DiskWrite,
        Self::NetworkIn,
        Self::NetworkOut,
        Self::Usage,
    ];

    /// Its word: Pulse's name of it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::DiskRead => "diskRead",
            Self::DiskWrite => "diskWrite",
            Self::NetworkIn => "networkIn",
            Self::NetworkOut => "networkOut",
            Self::Usage => "usage",
        }
    }

    /// The metric of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.word() == word)
    }

    /// Whether it is a percentage; else it is a rate in MiB/s.
    pub const fn is_percentage(self) -> bool {
        matches!(self, Self::Cpu | Self::Memory | Self::Disk | Self::Usage)
    }

    /// Its number in an alert's cause, from 1 on: 0 is the resource itself.
    pub const fn code(self) -> u8 {
        match self {
            Self::Cpu => 1,
            Self::Memory => 2,
            Self::Disk => 3,
            Self::DiskRead => 4,
            Self::DiskWrite => 5,
            Self::NetworkIn => 6,
            Self::NetworkOut => 7,
            Self::Usage => 8,
        }
    }
}

/// What an alert of a threshold is about, at its host: which of the host's resources, and what of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThresholdCode {
    /// Which resource; 0 is the host itself.
    pub resource: u32,
    /// What is measured; `None` for whether it is there at all.
    pub metric: Option<ThresholdMetric>,
}

impl ThresholdCode {
    /// So many codes each resource has.
    const EACH: i64 = 32;

    /// The number that a cause has of it.
    pub fn number(self) -> i64 {
        i64::from(self.resource) * Self::EACH + i64::from(self.metric.map_or(0, ThresholdMetric::code))
    }

    /// The code of a cause's number; `None` for one that is none.
    pub fn of_number(number: i64) -> Option<Self> {
        let resource = u32::try_from(number.div_euclid(Self::EACH)).ok()?;
        let metric = match number.rem_euclid(Self::EACH) {
            0 => None,
            code => Some(ThresholdMetric::ALL.into_iter().find(|metric| i64::from(metric.code()) == code)?),
        };
        Some(Self { resource, metric })
    }
}

/// What an alert of a threshold is about, as programs for Pulse know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertResource {
    /// What it is.
    pub kind: ResourceKind,
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The name of its node; empty where there is none.
    pub node: String,
    /// What people call the cluster or server that it belongs to; empty where there is none.
    pub instance: String,
    /// The limit, and the value down to which the alert goes on; `None` where it is about the resource being gone.
    pub limit: Option<(Measured, Measured)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_comes_back_from_its_number_and_no_two_have_the_same() {
        let mut numbers = std::collections::BTreeSet::new();
        for resource in [0, 1, 2, u32::MAX] {
            for metric in ThresholdMetric::ALL.into_iter().map(Some).chain([None]) {
                let code = ThresholdCode { resource, metric };
                assert_eq!(ThresholdCode::of_number(code.number()), Some(code));
                assert!(numbers.insert(code.number()), "{code:?}");
            }
        }
        for number in [-1, 9, 31, 1 << 40] {
            assert_eq!(ThresholdCode::of_number(number), None, "{number}");
        }
    }

    #[test]
    fn alerts_are_called_as_pulse_calls_them() {
        let called = |kind: ResourceKind, metric| (kind.alert_id("lab-pve1", metric), kind.alert_type(metric));
        let owned = |id: &str, of_type| (id.to_owned(), of_type);
        let cpu = Some(ThresholdMetric::Cpu);
        assert_eq!(called(ResourceKind::Node, cpu), owned("lab-pve1-cpu", "cpu"));
        assert_eq!(called(ResourceKind::Storage, Some(ThresholdMetric::Usage)), owned("lab-pve1-usage", "usage"));
        assert_eq!(called(ResourceKind::Node, None), owned("node-offline-lab-pve1", "connectivity"));
        assert_eq!(called(ResourceKind::Vm, None), owned("guest-powered-off-lab-pve1", "powered-off"));
        assert_eq!(called(ResourceKind::Pbs, None), owned("pbs-offline-lab-pve1", "offline"));
        assert_eq!(called(ResourceKind::Storage, None), owned("storage-offline-lab-pve1", "offline"));
        assert_eq!(called(ResourceKind::Host, None), owned("host-offline-lab-pve1", "host-offline"));
    }

    #[test]
    fn metrics_and_kinds_are_known_by_their_words_alone() {
        for metric in ThresholdMetric::ALL {
            assert_eq!(ThresholdMetric::parse(metric.word()), Some(metric));
        }
        for kind in ResourceKind::ALL {
            assert_eq!(ResourceKind::parse(kind.word()), Some(kind));
        }
        assert_eq!((ThresholdMetric::parse("CPU"), ResourceKind::parse("")), (None, None));
    }
}
