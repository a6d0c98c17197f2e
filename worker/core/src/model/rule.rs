//! When people are to be told of something about hosts.

use std::collections::BTreeSet;

use super::HostId;
use crate::units::UnixSeconds;

/// A rule's number: 1, 2, 3 …, never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub i64);

/// A rule: it fails at a host when all its conditions have, each for its own time.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its number; 0 before it is stored.
    pub id: RuleId,
    /// What people call it.
    pub name: String,
    /// Whether it is looked at.
    pub is_enabled: bool,
    /// Which group of channels is told; empty for the default one.
    pub group: String,
    /// Which hosts it looks at.
    pub scope: Scope,
    /// At least one.
    pub conditions: Vec<Condition>,
    /// Whether people are told again while it goes on.
    pub repeat: Repeat,
    /// Who else is told when nobody acknowledges, by time.
    pub escalations: Vec<Escalation>,
    /// Whether it is told at once in quiet hours too.
    pub ignores_quiet_hours: bool,
}

/// Which hosts a rule looks at: those that both parts allow. Hosts that come later are judged likewise, so a rule for a tag is
/// the default for whoever gets that tag.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// By number.
    pub hosts: Hosts,
    /// By group; any when empty.
    pub tags: Vec<String>,
}

/// Hosts by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// All but these.
    AllBut(BTreeSet<HostId>),
    /// These.
    Only(BTreeSet<HostId>),
}

impl Default for Hosts {
    fn default() -> Self {
        Self::AllBut(BTreeSet::new())
    }
}

impl Hosts {
    /// Whether a host is one of them.
    pub fn has(&self, id: HostId) -> bool {
        match self {
            Self::AllBut(hosts) => !hosts.contains(&id),
            Self::Only(hosts) => hosts.contains(&id),
        }
    }

    /// The hosts that are named.
    pub const fn named(&self) -> &BTreeSet<HostId> {
        match self {
            Self::AllBut(hosts) | Self::Only(hosts) => hosts,
        }
    }
}

/// When people are told that a host has another address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressNotices {
    /// Whether they are at all.
    pub is_on: bool,
    /// Which group of channels is told; empty for the default one.
    pub group: String,
    /// Of which hosts.
    pub hosts: Hosts,
}

/// What has to be so, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What is looked at.
    pub test: Test,
    /// For how many seconds without a break.
    pub for_s: u32,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// A measured value.
    Value {
        /// Which one.
        quantity: Quantity,
        /// Where it should be.
        bounds: Bounds,
    },
    /// The host gives no sign of life, or never gave one.
    Offline,
    /// What was transferred since the cycle began, bytes.
    Transfer {
        /// Which way.
        direction: Direction,
        /// The cycle.
        cycle: Cycle,
        /// Where it should be.
        bounds: Bounds,
    },
}

/// A value of a host that rules look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Use of all processors, percent.
    Cpu,
    /// Use of the busiest GPU, percent.
    Gpu,
    /// Memory in use, percent.
    Memory,
    /// Swap in use, percent.
    Swap,
    /// Disk space in use, percent.
    Disk,
    /// Bytes received per second.
    NetInSpeed,
    /// Bytes sent per second.
    NetOutSpeed,
    /// Both together.
    NetAllSpeed,
    /// Bytes received since boot.
    TransferIn,
    /// Bytes sent since boot.
    TransferOut,
    /// Both together.
    TransferAll,
    /// Load average of 1 minute.
    Load1,
    /// Load average of 5 minutes.
    Load5,
    /// Load average of 15 minutes.
    Load15,
    /// TCP sockets.
    TcpConnections,
    /// UDP sockets.
    UdpConnections,
    /// Processes.
    Processes,
    /// The hottest sensor, degrees Celsius.
    TemperatureMax,
}

/// Where a value should be. At least one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bounds {
    /// It fails above this.
    pub above: Option<Level>,
    /// It fails below this.
    pub below: Option<Level>,
}

/// A bound with a stretch before it in which what failed has not recovered yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Beyond this it fails.
    pub trigger: f64,
    /// From here on it has recovered; on the good side of `trigger`, or the same.
    pub clear: f64,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the host.
    In,
    /// From it.
    Out,
    /// Both.
    All,
}

/// A stretch of time that comes again and again, by the calendar of a fixed offset from UTC. One that begins on a day that a month
/// does not have begins on that month's last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cycle {
    /// When the first one began.
    pub start: UnixSeconds,
    /// Seconds that the calendar is ahead of UTC.
    pub offset_s: i32,
    /// How many units one lasts, from 1 on.
    pub interval: u32,
    /// Of what.
    pub unit: CycleUnit,
}

/// Units of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycleUnit {
    /// 3,600 seconds.
    Hour,
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// A month of the calendar.
    Month,
    /// 12 of them.
    Year,
}

/// Whether people are told again while an alert goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// No.
    Never,
    /// After so many seconds each time.
    Every(u32),
    /// After 15 minutes, then after twice as long each time, up to 24 hours. Source: nezha specification, 11.
    Doubling,
}

/// Who else is told of an alert that nobody acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// After so many seconds.
    pub after_s: u32,
    /// Which group of channels.
    pub group: String,
}

/// When people are not to be disturbed, in their own time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietHours {
    /// The zone's name, such as `Europe/Berlin`.
    pub zone: String,
    /// Minutes after midnight at which they begin.
    pub from_min: u16,
    /// Minutes after midnight at which they end; at or before `from_min`, on the next day.
    pub to_min: u16,
    /// Days on which they begin, Monday first.
    pub days: [bool; 7],
}

/// A moment on somebody's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// 0 for Monday to 6.
    pub weekday: u8,
    /// Minutes after midnight.
    pub minute: u16,
}
