//! Thresholds as programs for Pulse set them: from which value on there is an alert, of what, and who is told how often.
//!
//! What was said is here as it was said: what a limit that makes no sense means is the rules' business. Where a `rest` is, it holds
//! what nothing here has a place for: a JSON object as text, empty for none, so that whoever said it reads it again.

use std::collections::BTreeMap;

use super::{AlertSchedule, ResourceKind, Severity, ThresholdMetric};

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
