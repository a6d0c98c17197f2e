//! Thresholds as programs for Pulse set them: from which value on there is an alert, of what, and who is told how often.
//!
//! What was said is here as it was said: what a limit that makes no sense means is the rules' business. Where a `rest` is, it holds
//! what nothing here has a place for: a JSON object as text, empty for none, so that whoever said it reads it again.

use std::collections::BTreeMap;

use super::{Measured, QuietHours, Severity};

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

/// From which value on there is an alert, and down to which it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limit {
    /// From here on there is an alert; at or below 0 there never is.
    pub trigger: f64,
    /// Down to here, and at it, it is over; at or below 0 when it was not said.
    pub clear: f64,
}

impl Limit {
    /// These two.
    pub const fn new(trigger: f64, clear: f64) -> Self {
        Self { trigger, clear }
    }
}

/// Thresholds of a resource, or of all resources of a kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Thresholds {
    /// By metric. One that is not among those of one resource is that of all of them.
    pub limits: BTreeMap<ThresholdMetric, Limit>,
    /// Whether the resource is not judged at all.
    pub is_off: bool,
    /// Whether nobody minds that it is gone; `None` where that was not said.
    pub ignores_silence: Option<bool>,
    /// How bad it is that a guest is powered off; `None` where that was not said.
    pub powered_off: Option<Severity>,
    /// What else was said.
    pub rest: String,
}

/// Thresholds for the guests that a filter matches.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CustomRule {
    /// Its id, as whoever made it chose.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Which guests: all of them when it is empty.
    pub filters: Vec<GuestFilter>,
    /// Whether one of the filters is enough.
    pub is_any: bool,
    /// Their thresholds.
    pub thresholds: Thresholds,
    /// Of several rules that match, the one with the highest counts.
    pub priority: i64,
    /// Whether it counts at all.
    pub is_enabled: bool,
    /// What else was said: a description, who is told, when it was made.
    pub rest: String,
}

/// A filter of a [`CustomRule`].
#[derive(Debug, Clone, PartialEq)]
pub enum GuestFilter {
    /// By a value that it has now.
    Metric {
        /// Which one; percent or MiB/s.
        metric: ThresholdMetric,
        /// How it is compared.
        comparison: Comparison,
        /// With what.
        value: f64,
    },
    /// By part of a text, in whatever case.
    Text {
        /// Which text.
        field: GuestText,
        /// The part.
        part: String,
    },
    /// By part of its name, id, node or status, in whatever case.
    Raw(String),
    /// One that is not known, which matches nothing: as it was said.
    Other(String),
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Above,
    /// `<`
    Below,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `=` or `==`: hardly another.
    Equal,
}

/// A text of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestText {
    /// What people call it.
    Name,
    /// Its node's name.
    Node,
    /// Its number.
    Vmid,
}

/// Who is told how often.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertSchedule {
    /// Whether there are quiet hours. They are the deployment's one setting, of which this is a view.
    pub has_quiet_hours: bool,
    /// When they are, or would be.
    pub quiet_hours: QuietHours,
    /// An alert is not told again within so many minutes.
    pub cooldown_min: u32,
    /// What comes within so many seconds is told as one.
    pub grouping_s: u32,
    /// Of an alert people are told at most so often an hour; 0 for as often as it comes.
    pub most_an_hour: u32,
    /// Whether people are told of an end.
    pub tells_of_end: bool,
    /// Whether others are told of what nobody acknowledges.
    pub escalates: bool,
    /// After how long, and who.
    pub levels: Vec<EscalationLevel>,
    /// How what is told as one is put together.
    pub grouping: Grouping,
    /// What else was said.
    pub rest: String,
}

/// Who is told of an alert that nobody acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EscalationLevel {
    /// After so many minutes.
    pub after_min: u32,
    /// Who.
    pub audience: EscalationAudience,
}

/// Which channels are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EscalationAudience {
    /// Those of mail.
    Email,
    /// All but those of mail.
    Webhook,
    /// All of them.
    All,
}

impl EscalationAudience {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Email, Self::Webhook, Self::All];

    /// Its word: Pulse's.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::All => "all",
        }
    }

    /// The audience of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|audience| audience.word() == word)
    }

    /// As it stands in an event in the place of a group of channels; of all of them the default group.
    pub const fn group(self) -> &'static str {
        match self {
            Self::Email => "escalation:email",
            Self::Webhook => "escalation:webhook",
            Self::All => "",
        }
    }

    /// What [`EscalationAudience::group`] gave; `None` for a group of channels.
    pub fn of_group(text: &str) -> Option<Self> {
        [Self::Email, Self::Webhook].into_iter().find(|audience| audience.group() == text)
    }

    /// Whether a text could be taken for an audience: no group of channels may be called so.
    pub fn is_like(text: &str) -> bool {
        text.starts_with("escalation:")
    }
}

/// How alerts are told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grouping {
    /// Whether they are.
    pub is_on: bool,
    /// Within so many seconds.
    pub window_s: u32,
    /// Those of a node.
    pub by_node: bool,
    /// Those of a guest.
    pub by_guest: bool,
}

/// Kinds of resources that are not judged, or not for their silence.
#[expect(clippy::struct_excessive_bools, reason = "a switch for each kind of resource")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Switches {
    /// Nodes.
    pub nodes: bool,
    /// Guests.
    pub guests: bool,
    /// Hosts of other kinds.
    pub hosts: bool,
    /// Storages.
    pub storages: bool,
    /// Backup servers.
    pub pbs: bool,
}

impl Switches {
    /// Whether it is on for a kind.
    pub const fn has(self, kind: ResourceKind) -> bool {
        match kind {
            ResourceKind::Node => self.nodes,
            ResourceKind::Vm | ResourceKind::Container => self.guests,
            ResourceKind::Host => self.hosts,
            ResourceKind::Storage => self.storages,
            ResourceKind::Pbs => self.pbs,
        }
    }
}

/// For how long a value has to be bad, seconds; `None` where a kind of resource has no time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HoldTimes {
    /// Guests.
    pub guest_s: Option<u32>,
    /// Nodes, and hosts of other kinds.
    pub node_s: Option<u32>,
    /// Storages.
    pub storage_s: Option<u32>,
    /// Backup servers.
    pub pbs_s: Option<u32>,
}

/// All thresholds.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertConfig {
    /// Whether anything is judged.
    pub is_enabled: bool,
    /// Those of guests.
    pub guest: Thresholds,
    /// Those of nodes.
    pub node: Thresholds,
    /// Those of hosts of other kinds.
    pub host: Thresholds,
    /// Those of backup servers: they have none but what was said.
    pub pbs: Thresholds,
    /// That of storages.
    pub storage: Limit,
    /// Those of single resources, by Pulse's id of it.
    pub overrides: BTreeMap<String, Thresholds>,
    /// Those of guests that a filter matches.
    pub rules: Vec<CustomRule>,
    /// Who is told how often.
    pub schedule: AlertSchedule,
    /// A value that differs by less is the same one.
    pub minimum_delta: f64,
    /// The same alert with the same value does not begin again within so many minutes.
    pub suppression_min: u32,
    /// How far below its trigger a limit of one number is over.
    pub hysteresis_margin: f64,
    /// For how long a value has to be bad, seconds.
    pub hold_s: u32,
    /// The same by kind of resource.
    pub holds: HoldTimes,
    /// What is not judged.
    pub off: Switches,
    /// Of what nobody minds that it is gone.
    pub silence_off: Switches,
    /// What else was said.
    pub rest: String,
}

/// Source: pulse specification, 12.1. What Pulse has no word for there is as its later releases have it, but for hosts of other kinds:
/// their rules are others until somebody wants these.
impl Default for AlertConfig {
    fn default() -> Self {
        Self {
            is_enabled: true,
            guest: Thresholds::percentages(),
            node: Thresholds::percentages(),
            host: Thresholds::percentages(),
            pbs: Thresholds::default(),
            storage: Limit::new(85.0, 80.0),
            overrides: BTreeMap::new(),
            rules: Vec::new(),
            schedule: AlertSchedule::default(),
            minimum_delta: 2.0,
            suppression_min: 5,
            hysteresis_margin: 5.0,
            hold_s: 0,
            holds: HoldTimes::default(),
            off: Switches { hosts: true, ..Switches::default() },
            silence_off: Switches::default(),
            rest: String::new(),
        }
    }
}

impl Thresholds {
    /// Those that guests and nodes have when nobody said others. Source: pulse specification, 12.1.
    pub fn percentages() -> Self {
        let limits = [
            (ThresholdMetric::Cpu, Limit::new(80.0, 75.0)),
            (ThresholdMetric::Memory, Limit::new(85.0, 80.0)),
            (ThresholdMetric::Disk, Limit::new(90.0, 85.0)),
        ];
        Self { limits: limits.into(), ..Self::default() }
    }
}

/// Source: pulse specification, 12.1.
impl Default for AlertSchedule {
    fn default() -> Self {
        let level = |after_min, audience| EscalationLevel { after_min, audience };
        Self {
            has_quiet_hours: false,
            quiet_hours: QuietHours {
                zone: "America/New_York".to_owned(),
                from_min: 22 * 60,
                to_min: 8 * 60,
                days: [true, true, true, true, true, false, false],
            },
            cooldown_min: 5,
            grouping_s: 30,
            most_an_hour: 10,
            tells_of_end: false,
            escalates: false,
            levels: vec![
                level(15, EscalationAudience::Email),
                level(30, EscalationAudience::Webhook),
                level(60, EscalationAudience::All),
            ],
            grouping: Grouping { is_on: true, window_s: 30, by_node: true, by_guest: false },
            rest: String::new(),
        }
    }
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
    fn metrics_kinds_and_audiences_are_known_by_their_words_alone() {
        for metric in ThresholdMetric::ALL {
            assert_eq!(ThresholdMetric::parse(metric.word()), Some(metric));
        }
        for kind in ResourceKind::ALL {
            assert_eq!(ResourceKind::parse(kind.word()), Some(kind));
        }
        for audience in EscalationAudience::ALL {
            assert_eq!(EscalationAudience::parse(audience.word()), Some(audience));
        }
        assert_eq!(
            (ThresholdMetric::parse("CPU"), ResourceKind::parse(""), EscalationAudience::parse("x")),
            (None, None, None)
        );
    }
}
