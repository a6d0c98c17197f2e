//! What checks of hosts report, and how it stands with all that watches a host.

use std::collections::BTreeMap;

use edgewatch_core::domain::alerting::check::{CheckState, is_old};
use edgewatch_core::domain::alerting::{Moment, Verdict};
use edgewatch_core::model::{Cause, CheckId, CheckReport, HostId, Severity, Source, Standing, Watch};
use edgewatch_core::units::UnixMillis;

use super::wire::{MonitoredWire, OpenCheckWire};
use super::{covers, is_judged, policy};
use crate::hub::HubError;
use crate::hub::shard::Shard;

/// What ends the alert of a check that was bad and is in no result any more.
pub(super) const GONE: &str = "the host no longer reports this check";

/// Reports that were not taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Untaken {
    /// Names of checks that are not known.
    pub unnamed: Vec<String>,
    /// Names of checks beyond those that a host may have.
    pub beyond: Vec<String>,
}

/// What is said of a check that was bad and is in no result any more.
fn is_gone(check: &CheckState, now: UnixMillis) -> CheckReport {
    CheckReport {
        name: check.name.clone(),
        severity: None,
        message: GONE.to_owned(),
        at: now.seconds(),
        every_min: check.every_min,
        attempts: 1,
        is_steady: true,
    }
}

impl Shard {
    /// Takes what checks of a host in memory report: when this is over it is in the object's database. 1 row written, and those of
    /// events. `known` are numbers of checks by their names. Gives what was not taken, each name once.
    ///
    /// # Errors
    /// [`HubError::Refused`] when it could not be written: it may come again.
    pub fn take_reports(
        &mut self,
        host: HostId,
        reports: &[CheckReport],
        known: &[(String, CheckId)],
        now: UnixMillis,
    ) -> Result<Untaken, HubError> {
        for (name, id) in known {
            self.rules.book.know_check(host, *id, name);
        }
        let status = self.standing(host).map(|standing| standing.status).unwrap_or_default();
        let is_standby = self.is_standby(host);
        let mut in_order: Vec<&CheckReport> = reports.iter().filter(|one| !is_old(one.at, now.seconds())).collect();
        in_order.sort_by_key(|report| report.at);
        let (mut untaken, mut steps) = (Untaken::default(), Vec::new());
        let has_room = self.rules.book.has_room_for_check(host);
        for (order, report) in (0_i64..).zip(in_order) {
            let Some(id) = self.rules.book.check_of(host, &report.name) else {
                let names = if has_room { &mut untaken.unnamed } else { &mut untaken.beyond };
                if !names.contains(&report.name) {
                    names.push(report.name.clone());
                }
                continue;
            };
            let message = self.rules.book.message_of_check(host, &report.message).to_owned();
            let report = CheckReport { message, ..report.clone() };
            let Some(verdict) = self.rules.book.take_report(host, id, &report, now) else { continue };
            let cause = Cause::check(id, host);
            if verdict == Verdict::Failing && !self.rules.book.is_open(cause) && self.is_down(cause, now) {
                continue;
            }
            let standing = match (verdict, report.severity) {
                (Verdict::Failing, Some(severity)) => Some(Standing { severity, value: None }),
                (Verdict::Clear, _) => None,
                _ => continue,
            };
            if !is_judged(status) {
                continue;
            }
            // Each has its own moment, so that what comes and goes among them keeps its order.
            let moment = self.rules.moment(now);
            let moment = Moment { at: UnixMillis(moment.at.0.saturating_add(order)), ..moment };
            let policy = policy(report.every_min, is_standby);
            steps.extend(self.rules.book.stand(cause, policy, (standing, &report.message), moment));
        }
        // What could not be kept before, too.
        self.tell_steps(&steps, &BTreeMap::new())?;
        Ok(untaken)
    }

    /// A result of a host in memory came with these checks: what it says, and what is to be said of those that were in its results
    /// before and are no more; and the numbers of the latter. When the row was written in which that is kept, who looks at the next result
    /// knows it.
    pub fn with_gone(
        &mut self,
        host: HostId,
        mut reports: Vec<CheckReport>,
        now: UnixMillis,
    ) -> (Vec<CheckReport>, Vec<CheckId>) {
        let names = reports.iter().map(|report| report.name.as_str()).collect();
        let gone = self.rules.book.miss_checks(host, &names, now);
        let bad = gone.iter().filter_map(|id| self.rules.book.check(host, *id).filter(|one| one.severity.is_some()));
        let ended: Vec<CheckReport> = bad.map(|check| is_gone(check, now)).collect();
        reports.extend(ended);
        (reports, gone)
    }

    /// Those of these checks that may be forgotten: they have no alert.
    pub fn forgettable_checks(&self, host: HostId, ids: &[CheckId]) -> Vec<CheckId> {
        self.rules.book.without_alert(host, ids)
    }

    /// Forgets checks of a host that have no alert: 1 row written.
    ///
    /// # Errors
    /// As [`Shard::take_reports`].
    pub fn forget_checks(&mut self, host: HostId, ids: &[CheckId]) -> Result<(), HubError> {
        self.rules.book.forget_checks(host, ids);
        self.tell_steps(&[], &BTreeMap::new())
    }

    /// Ends alerts of checks that became good while their hosts were not judged, as under maintenance, and are now: a check that is good
    /// does not say so twice. Every host is in memory.
    pub(in crate::hub) fn end_alerts_of_good_checks(&mut self, now: UnixMillis) {
        let mut steps = Vec::new();
        for (host, id) in self.rules.book.good_with_alert() {
            let cause = Cause::check(id, host);
            let Some(policy) = self.policy_of_watch(cause) else { continue };
            let Some(check) = self.rules.book.check(host, id) else { continue };
            if self.standing(host).is_some_and(|standing| is_judged(standing.status)) {
                let (message, moment) = (check.message.clone(), self.rules.moment(now));
                steps.extend(self.rules.book.stand(cause, policy, (None, &message), moment));
            }
        }
        if !steps.is_empty() {
            self.told(&steps, now);
        }
    }

    /// Forgets the checks of a host but those of these names, and those with an alert; gives the latter.
    ///
    /// # Errors
    /// As [`Shard::take_reports`].
    pub fn keep_checks(&mut self, host: HostId, names: &[String]) -> Result<Vec<CheckId>, HubError> {
        let kept = self.rules.book.keep_checks(host, names);
        self.tell_steps(&[], &BTreeMap::new())?;
        Ok(kept)
    }

    /// Somebody ends an alert. False when there is none of this key.
    ///
    /// # Errors
    /// As [`Shard::take_reports`].
    pub fn close_alert(&mut self, key: &str, now: UnixMillis) -> Result<bool, HubError> {
        let steps = self.rules.book.close(key, now);
        let names = self.rule_names();
        self.tell_steps(&steps, &names)?;
        Ok(!steps.is_empty())
    }

    /// How it stands with the monitors that look at a host in memory, and with its checks that reported.
    ///
    /// # Errors
    /// As [`Shard::take_reports`].
    pub fn monitored(&mut self, host: HostId) -> Result<Vec<MonitoredWire>, HubError> {
        let Some(standing) = self.standing(host).cloned() else { return Ok(Vec::new()) };
        let has_posted = self.get(host.posted()).is_some_and(|posted| posted.seen_ms > 0);
        let mut all = Vec::new();
        let monitors = self.rules.monitors.clone();
        for monitor in monitors.iter().filter(|monitor| covers(monitor, host, Some(&standing))) {
            let is_watched = match &monitor.watch {
                Watch::Connectivity { .. } => has_posted,
                Watch::Host { test, .. } => {
                    let facts = self.hosts.get(&host).and_then(|one| one.entry.host.facts.clone());
                    let posted = self.find_points(host.posted(), test, u64::MAX, None)?;
                    !posted.is_empty() || !self.find_points(host, test, u64::MAX, facts.as_ref())?.is_empty()
                }
                Watch::Service { .. } | Watch::External { .. } | Watch::Nothing => false,
            };
            if is_watched {
                let severity = self.severity_of(Cause::monitor(monitor.id, host));
                all.push(MonitoredWire::of(Source::Monitor, monitor.id.0, severity, String::new()));
            }
        }
        let checks = self.rules.book.state(host).map(|state| state.checks.clone()).unwrap_or_default();
        for (id, check) in checks.into_iter().filter(|(_, check)| !check.known.is_empty()) {
            all.push(MonitoredWire::of(Source::Check, id.0, check.severity, check.message));
        }
        Ok(all)
    }

    /// What checks with an alert say now, by the alert's key.
    pub fn open_checks(&self) -> Vec<OpenCheckWire> {
        let of_host = |host: HostId| {
            let state = self.rules.book.state(host)?;
            let open = state.open.iter().filter(|(cause, _)| cause.source == Source::Check);
            let said = open.filter_map(|(cause, open)| {
                let check = state.checks.get(&CheckId(cause.id))?;
                let severity = open.standing.severity;
                Some(OpenCheckWire {
                    alert: open.key.clone(),
                    severity: Severity::word(severity).to_owned(),
                    message: check.message.clone(),
                })
            });
            Some(said.collect::<Vec<_>>())
        };
        self.hosts.keys().filter_map(|host| of_host(*host)).flatten().collect()
    }
}
