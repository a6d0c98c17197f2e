//! Whether a downtime is on: no alert is raised then. The clock is the caller's, and so is the time zone.

use super::alerting::calendar::bounds;
use crate::model::{Cycle, CycleUnit, Downtime, DowntimeScope, LocalTime, RoleName};
use crate::units::UnixSeconds;
use crate::units::calendar::DAY_S;

/// Minutes of a week.
const WEEK_MIN: i64 = 7 * 24 * 60;
/// No clock of people is further behind UTC, minutes.
const MOST_BEHIND_MIN: i64 = 12 * 60;

/// What an alert would be about.
#[derive(Debug, Clone, Copy)]
pub struct Concern<'a> {
    /// The monitor's id.
    pub monitor: &'a str,
    /// The roles of the host that it looks at; none where it looks at no host.
    pub roles: &'a [RoleName],
    /// The service that it looks at, where it looks at one by itself.
    pub service: Option<&'a str>,
}

/// Whether any of the downtimes is on for this at a moment when people's clocks are `offset_s` seconds ahead of UTC.
pub fn is_down(downtimes: &[Downtime], concern: Concern<'_>, at: UnixSeconds, offset_s: i32) -> bool {
    downtimes.iter().any(|downtime| is_for(&downtime.scope, concern) && is_on(downtime, at, offset_s))
}

/// Whether a downtime is for this.
pub fn is_for(scope: &DowntimeScope, Concern { monitor, roles, service }: Concern<'_>) -> bool {
    let names = |named: &[String], name: &str| named.iter().any(|one| one == name);
    let has_service = |services: &[String]| {
        roles.iter().any(|role| names(services, &role.service)) || service.is_some_and(|name| names(services, name))
    };
    let has_role = |named: &[RoleName]| roles.iter().any(|role| named.contains(role));
    let is_everywhere = scope.services.is_empty() && scope.roles.is_empty();
    (scope.monitors.is_empty() || names(&scope.monitors, monitor))
        && !names(&scope.excluded_monitors, monitor)
        && (is_everywhere || has_service(&scope.services) || has_role(&scope.roles))
        && !has_service(&scope.excluded_services)
        && !has_role(&scope.excluded_roles)
}

/// What is no more.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gone<'a> {
    /// Monitors, by their ids.
    pub monitors: &'a [String],
    /// A service with its roles.
    pub service: Option<&'a str>,
    /// A role.
    pub role: Option<&'a RoleName>,
}

impl Gone<'_> {
    fn has_role(&self, role: &RoleName) -> bool {
        self.service == Some(role.service.as_str()) || self.role == Some(role)
    }
}

/// What a downtime is for without what is no more; `None` when that is nothing. An empty list names everything: the last name of one
/// is not just left out.
pub fn without(scope: &DowntimeScope, gone: &Gone<'_>) -> Option<DowntimeScope> {
    let services = |names: &[String]| {
        names.iter().filter(|name| gone.service != Some(name.as_str())).cloned().collect::<Vec<String>>()
    };
    let roles = |roles: &[RoleName]| roles.iter().filter(|role| !gone.has_role(role)).cloned().collect::<Vec<_>>();
    let monitors = |ids: &[String]| ids.iter().filter(|id| !gone.monitors.contains(id)).cloned().collect::<Vec<_>>();
    let left = DowntimeScope {
        services: services(&scope.services),
        excluded_services: services(&scope.excluded_services),
        roles: roles(&scope.roles),
        excluded_roles: roles(&scope.excluded_roles),
        monitors: monitors(&scope.monitors),
        excluded_monitors: monitors(&scope.excluded_monitors),
    };
    let is_everywhere = |scope: &DowntimeScope| scope.services.is_empty() && scope.roles.is_empty();
    let is_nowhere = is_everywhere(&left) && !is_everywhere(scope);
    let is_of_none = left.monitors.is_empty() && !scope.monitors.is_empty();
    (!is_nowhere && !is_of_none).then_some(left)
}

/// Whether a downtime is on at a moment when its calendar is `offset_s` seconds ahead of UTC. The clocks of a zone that has summer
/// time go on: what begins at two in the night begins at two all year.
pub fn is_on(downtime: &Downtime, at: UnixSeconds, offset_s: i32) -> bool {
    let local = at.plus(i64::from(offset_s));
    begun(downtime, local, offset_s)
        .is_some_and(|begun| local < begun.plus(i64::from(downtime.duration_min).saturating_mul(60)))
}

/// When it began last; all of it as people's clocks show it. They are of one length: the last to begin is the last to end.
fn begun(downtime: &Downtime, local: UnixSeconds, offset_s: i32) -> Option<UnixSeconds> {
    let start = downtime.start.plus(i64::from(downtime.start_offset_s));
    let Some(recurrence) = &downtime.recurrence else { return (start <= local).then_some(start) };
    let until = recurrence.until.map(|until| until.plus(i64::from(offset_s)));
    let latest = until.map_or(local, |until| until.min(local));
    if latest < start {
        return None;
    }
    let interval = recurrence.interval.max(1);
    if recurrence.unit == CycleUnit::Week && recurrence.weekdays.contains(&true) {
        return begun_on(recurrence.weekdays, i64::from(interval), start, latest);
    }
    Some(bounds(Cycle { start, offset_s: 0, interval, unit: recurrence.unit }, latest).0)
}

/// The latest time at which it begins on one of the days, in every `interval`th week from that of the start on.
fn begun_on(weekdays: [bool; 7], interval: i64, start: UnixSeconds, latest: UnixSeconds) -> Option<UnixSeconds> {
    let (start_day, time_of_day_s) = (start.0.div_euclid(DAY_S), start.0.rem_euclid(DAY_S));
    let first_week = week_of(start_day);
    let weeks = week_of(latest.0.div_euclid(DAY_S)).saturating_sub(first_week).div_euclid(interval);
    // In the week that it is in, or the one before that.
    let candidates = [weeks, weeks - 1].into_iter().flat_map(|number| {
        let monday = (first_week + number * interval) * 7 - MONDAY;
        (0_i64..).zip(weekdays).filter(|(_, is_named)| *is_named).map(move |(day, _)| monday + day)
    });
    let begins = candidates.map(|day| UnixSeconds(day * DAY_S + time_of_day_s));
    begins.filter(|begins| (start..=latest).contains(begins)).max()
}

/// 1970 began on a Thursday, which is the fourth day of a week.
const MONDAY: i64 = 3;

/// Which week, counted from the one of 1970-01-01, a day lies in. They begin on Mondays.
fn week_of(day: i64) -> i64 {
    (day + MONDAY).div_euclid(7)
}

/// How far a clock is ahead of UTC, seconds, from what it shows: whole minutes, as those of people are.
pub fn offset_of(shown: LocalTime, at: UnixSeconds) -> i32 {
    let utc_min = at.0.div_euclid(60) + MONDAY * 24 * 60;
    let shown_min = i64::from(shown.weekday) * 24 * 60 + i64::from(shown.minute);
    let ahead_min = (shown_min - utc_min + MOST_BEHIND_MIN).rem_euclid(WEEK_MIN) - MOST_BEHIND_MIN;
    i32::try_from(ahead_min * 60).unwrap_or(0)
}

#[cfg(test)]
mod tests;
