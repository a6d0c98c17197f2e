//! Downtimes: when alerts are not raised.

use super::{CycleUnit, RoleName};
use crate::units::UnixSeconds;

/// When, and for what, no alerts are raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downtime {
    /// What people call it.
    pub name: String,
    /// A note.
    pub memo: String,
    /// When it begins for the first time.
    pub start: UnixSeconds,
    /// Seconds that its calendar was ahead of UTC at `start`.
    pub start_offset_s: i32,
    /// How long it lasts each time, minutes.
    pub duration_min: u32,
    /// How it comes again; `None` for never.
    pub recurrence: Option<Recurrence>,
    /// For what.
    pub scope: DowntimeScope,
}

/// How a downtime comes again, by its own calendar: at the same minute of the hour, or at the same time of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurrence {
    /// Of what `interval` counts.
    pub unit: CycleUnit,
    /// After how many units, from 1 on.
    pub interval: u32,
    /// On which days of the week, from Monday on; none of them for that of the start. Weeks alone have such.
    pub weekdays: [bool; 7],
    /// It does not begin again after this.
    pub until: Option<UnixSeconds>,
}

/// What a downtime is for. Where neither services nor roles are named it is for all of them; so it is with monitors.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DowntimeScope {
    /// Names of services.
    pub services: Vec<String>,
    /// Those it is not for.
    pub excluded_services: Vec<String>,
    /// Roles.
    pub roles: Vec<RoleName>,
    /// Those it is not for.
    pub excluded_roles: Vec<RoleName>,
    /// Ids of monitors.
    pub monitors: Vec<String>,
    /// Those it is not for.
    pub excluded_monitors: Vec<String>,
}
