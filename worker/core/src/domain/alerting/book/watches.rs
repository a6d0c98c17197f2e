//! What monitors and checks find, in the book.

use std::collections::BTreeSet;

use super::{Book, HostState};
use crate::domain::alerting::alert::{self, Moment, Policy, Transition, Verdict};
use crate::domain::alerting::check::{self, CheckState, MOST_CHECKS};
use crate::domain::alerting::points::Attempts;
use crate::model::{Cause, CheckId, CheckReport, HostId, MonitorId, Source, Standing, Trigger};
use crate::units::UnixMillis;

impl Book {
    /// Notes how bad a cause is, `None` for not at all.
    pub fn stand(
        &mut self,
        cause: Cause,
        policy: Policy<'_>,
        (standing, detail): (Option<Standing>, &str),
        moment: Moment,
    ) -> Vec<Transition> {
        let id = cause.host.unwrap_or(HostId(0));
        if standing.is_none() && !self.is_open(cause) {
            return Vec::new();
        }
        let state = self.hosts.entry(id).or_default();
        let mut open = state.open.remove(&cause);
        let before = open.clone();
        let steps = alert::stand(&mut open, cause, policy, (standing, detail), moment);
        if open != before {
            self.changed.insert(id);
        }
        state.open.extend(open.map(|open| (cause, open)));
        self.settle(id);
        steps
    }

    /// Counts what a monitor found at a host, or of a service, in a minute since 1970; what that comes to.
    pub fn attempt(&mut self, cause: Cause, is_bad: bool, minute: i64, needed: u32) -> Verdict {
        let (Some(id), Some(monitor)) = (cause.host, cause.monitor_id()) else { return Verdict::Steady };
        let is_open = self.is_open(cause);
        if needed <= 1 || !is_bad && self.hosts.get(&id).is_none_or(|state| !state.attempts.contains_key(&monitor)) {
            return Attempts::default().note(is_bad, minute, needed, is_open);
        }
        let state = self.hosts.entry(id).or_default();
        let before = state.attempts.remove(&monitor);
        let mut attempts = before.unwrap_or_default();
        let verdict = attempts.note(is_bad, minute, needed, is_open);
        let after = (attempts != Attempts::default() && verdict == Verdict::Steady).then_some(attempts);
        state.attempts.extend(after.map(|attempts| (monitor, attempts)));
        if before != after {
            self.changed.insert(id);
        }
        self.settle(id);
        verdict
    }

    /// The check of this name at a host.
    pub fn check_of(&self, host: HostId, name: &str) -> Option<CheckId> {
        let checks = &self.hosts.get(&host)?.checks;
        checks.iter().find(|(_, check)| check.name == name).map(|(id, _)| *id)
    }

    /// What is known of a check.
    pub fn check(&self, host: HostId, id: CheckId) -> Option<&CheckState> {
        self.hosts.get(&host)?.checks.get(&id)
    }

    /// Whether one check more of a host would be judged.
    pub fn has_room_for_check(&self, host: HostId) -> bool {
        self.hosts.get(&host).is_none_or(|state| state.checks.len() < MOST_CHECKS)
    }

    /// A host has this check; not beyond those that are judged. With each the others' messages have less room.
    pub fn know_check(&mut self, host: HostId, id: CheckId, name: &str) {
        let state = self.hosts.entry(host).or_default();
        state.checks.retain(|known, check| *known == id || check.name != name);
        if state.checks.contains_key(&id) || state.checks.len() >= MOST_CHECKS {
            return;
        }
        state.checks.insert(id, CheckState::new(name.to_owned()));
        let count = state.checks.len();
        let shorten = |text: &mut String| text.truncate(check::fitting(text, count).len());
        state.checks.values_mut().for_each(|check| shorten(&mut check.message));
        let of_checks = state.open.iter_mut().filter(|(cause, _)| cause.source == Source::Check);
        of_checks.for_each(|(_, open)| shorten(&mut open.detail));
        self.changed.insert(host);
    }

    /// What is kept of what a check of a host says.
    pub fn message_of_check<'a>(&self, host: HostId, message: &'a str) -> &'a str {
        check::fitting(message, self.hosts.get(&host).map_or(0, |state| state.checks.len()))
    }

    /// Checks that were good when they were heard last, and have an alert that goes on: they said so while nobody judged them, and do
    /// not say it again.
    pub fn good_with_alert(&self) -> Vec<(HostId, CheckId)> {
        let of_host = |(host, state): (&HostId, &HostState)| {
            let is_good = |cause: &&Cause| {
                let check = state.checks.get(&CheckId(cause.id));
                cause.source == Source::Check && check.is_some_and(|check| check.severity.is_none())
            };
            let good: Vec<_> = state.open.keys().filter(is_good).map(|cause| (*host, CheckId(cause.id))).collect();
            good
        };
        self.hosts.iter().flat_map(of_host).collect()
    }

    /// A check reports; what that means, and `None` for what is no news.
    pub fn take_report(&mut self, host: HostId, id: CheckId, report: &CheckReport, now: UnixMillis) -> Option<Verdict> {
        let is_open = self.is_open(Cause::check(id, host));
        let check = self.hosts.get_mut(&host)?.checks.get_mut(&id)?;
        let stood = |check: &CheckState| (check.severity, check.is_steady, check.known.is_empty());
        let before = stood(check);
        let verdict = check.take(report, is_open, now.seconds())?;
        // What is said again with the next result need not outlast sleep.
        if !report.is_steady || stood(check) != before {
            self.changed.insert(host);
        }
        Some(verdict)
    }

    /// A result of a host came with the checks of these names; gives those that were in results before and are no more.
    pub fn miss_checks(&mut self, host: HostId, names: &BTreeSet<&str>, now: UnixMillis) -> Vec<CheckId> {
        let Some(state) = self.hosts.get_mut(&host) else { return Vec::new() };
        let mut gone = Vec::new();
        for (id, check) in &mut state.checks {
            let before = check.missed;
            if check.miss(names.contains(check.name.as_str()), now.seconds()) {
                gone.push(*id);
            }
            if check.missed != before {
                self.changed.insert(host);
            }
        }
        gone
    }

    /// Those of these checks of a host that have no alert.
    pub fn without_alert(&self, host: HostId, ids: &[CheckId]) -> Vec<CheckId> {
        ids.iter().copied().filter(|id| !self.is_open(Cause::check(*id, host))).collect()
    }

    /// Forgets checks of a host that have no alert.
    pub fn forget_checks(&mut self, host: HostId, ids: &[CheckId]) {
        let Some(state) = self.hosts.get_mut(&host) else { return };
        for id in ids {
            if !state.open.contains_key(&Cause::check(*id, host)) && state.checks.remove(id).is_some() {
                self.changed.insert(host);
            }
        }
        self.settle(host);
    }

    /// Forgets the checks of a host but those of these names, and those with an alert; gives the latter.
    pub fn keep_checks(&mut self, host: HostId, names: &[String]) -> Vec<CheckId> {
        let Some(state) = self.hosts.get_mut(&host) else { return Vec::new() };
        let HostState { checks, open, .. } = state;
        let known = checks.len();
        checks.retain(|id, check| names.contains(&check.name) || open.contains_key(&Cause::check(*id, host)));
        if checks.len() != known {
            self.changed.insert(host);
        }
        let with_alerts = open.keys().filter(|cause| cause.source == Source::Check);
        let kept = with_alerts.map(|cause| CheckId(cause.id)).collect();
        self.settle(host);
        kept
    }

    /// Monitors are others than they were: alerts of those that look no more at a place end, and what was counted goes.
    pub fn keep_monitors(&mut self, at: UnixMillis, looks: impl Fn(MonitorId, HostId) -> bool) -> Vec<Transition> {
        let is_gone = |cause: Cause| {
            let monitor = cause.monitor_id().zip(cause.host);
            monitor.is_some_and(|(monitor, of)| !looks(monitor, of))
        };
        for (id, state) in &mut self.hosts {
            let known = state.attempts.len();
            state.attempts.retain(|monitor, _| looks(*monitor, *id));
            if state.attempts.len() != known {
                self.changed.insert(*id);
            }
        }
        self.withdraw(at, is_gone).into_iter().map(|step| step.by(Trigger::MonitorDelete)).collect()
    }

    /// Somebody ends an alert; nothing when there is none of this key.
    pub fn close(&mut self, key: &str, at: UnixMillis) -> Vec<Transition> {
        let all = self.hosts.values().flat_map(|state| &state.open);
        let found = all.filter(|(_, open)| open.key == key).map(|(cause, _)| *cause).next();
        let Some(cause) = found else { return Vec::new() };
        let of_check = cause.host.filter(|_| cause.source == Source::Check);
        if let Some(check) = of_check.and_then(|id| self.hosts.get_mut(&id)) {
            // It takes as many bad reports again.
            check.checks.entry(CheckId(cause.id)).and_modify(|check| check.count = 0);
        }
        self.withdraw(at, |one| one == cause).into_iter().map(|step| step.by(Trigger::Manual)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::alerting::Step;
    use crate::model::{Repeat, Severity};
    use crate::units::UnixSeconds;

    const HOST: HostId = HostId(7);
    const POLICY: Policy<'static> =
        Policy { group: "", repeat: Repeat::Never, escalations: &[], ignores_quiet_hours: false, is_mute: false };

    fn moment(seconds: i64) -> Moment {
        Moment { at: UnixSeconds(1_795_361_190 + seconds).millis(), is_quiet: false }
    }

    const CRITICAL: Option<Standing> = Some(Standing { severity: Severity::Critical, value: None });

    #[test]
    fn a_monitor_at_rest_is_not_in_the_book_and_one_that_counts_is() {
        let (mut book, cause) = (Book::new(vec![], BTreeMap::new()), Cause::monitor(MonitorId(3), HOST));
        assert_eq!(
            (book.attempt(cause, false, 1, 3), book.attempt(cause, true, 1, 1)),
            (Verdict::Clear, Verdict::Failing)
        );
        assert_eq!((book.state(HOST), book.changed().count()), (None, 0));
        let found = [1, 1, 2, 3].map(|minute| book.attempt(cause, true, minute, 3));
        assert_eq!(found, [Verdict::Steady, Verdict::Steady, Verdict::Steady, Verdict::Failing]);
        assert_eq!(book.take_changed(), [HOST].into());
        assert_eq!(book.stand(cause, POLICY, (CRITICAL, "d"), moment(0)).len(), 1);
        assert_eq!(book.attempt(cause, true, 4, 3), Verdict::Failing, "it is open");
        let steps = book.keep_monitors(moment(9).at, |monitor, of| monitor == MonitorId(3) && of == HOST);
        assert_eq!(steps, []);
        let steps = book.keep_monitors(moment(9).at, |_, _| false);
        assert_eq!(
            (steps[0].step, steps[0].trigger, book.state(HOST)),
            (Step::Withdrawn, Trigger::MonitorDelete, None)
        );
    }

    #[test]
    fn a_host_has_so_many_checks_and_what_all_of_them_say_fits_a_row() {
        let mut book = Book::new(vec![], BTreeMap::new());
        let name = |id: i64| format!("c{id:0>254}");
        let most = i64::try_from(MOST_CHECKS).unwrap();
        for id in 1..=most {
            assert!(book.has_room_for_check(HOST), "{id}");
            book.know_check(HOST, CheckId(id), &name(id));
            // What was said when there were few of them, and there was much room.
            let said = book.message_of_check(HOST, &"\u{1}".repeat(2_000)).to_owned();
            let report = CheckReport {
                name: name(id),
                severity: Some(Severity::Critical),
                message: said.clone(),
                at: moment(0).at.seconds(),
                every_min: None,
                attempts: 1,
                is_steady: false,
            };
            assert_eq!(book.take_report(HOST, CheckId(id), &report, moment(0).at), Some(Verdict::Failing));
            book.stand(Cause::check(CheckId(id), HOST), POLICY, (CRITICAL, &said), moment(id));
        }
        assert!(!book.has_room_for_check(HOST) && book.has_room_for_check(HostId(8)));
        book.know_check(HOST, CheckId(most + 1), "one more");
        assert_eq!((book.check_of(HOST, "one more"), book.check_of(HOST, &name(most))), (None, Some(CheckId(most))));
        let state = book.state(HOST).unwrap();
        let texts =
            state.checks.values().map(|check| &check.message).chain(state.open.values().map(|open| &open.detail));
        let bytes: usize = texts.map(|text| serde_json::to_string(text).unwrap().len()).sum();
        assert!(bytes <= 2 * (600_000 + 2 * MOST_CHECKS), "{bytes}");
    }

    #[test]
    fn checks_stay_while_they_have_an_alert() {
        let mut book = Book::new(vec![], BTreeMap::new());
        let report = |name: &str, at_s: i64| CheckReport {
            name: name.to_owned(),
            severity: Some(Severity::Warning),
            message: "m".to_owned(),
            at: moment(at_s).at.seconds(),
            every_min: None,
            attempts: 1,
            is_steady: false,
        };
        for (id, name) in [(1, "a"), (2, "b")] {
            book.know_check(HOST, CheckId(id), name);
        }
        assert_eq!((book.check_of(HOST, "b"), book.check_of(HostId(8), "b")), (Some(CheckId(2)), None));
        assert_eq!(book.take_report(HOST, CheckId(2), &report("b", 0), moment(0).at), Some(Verdict::Failing));
        assert_eq!(book.take_report(HOST, CheckId(9), &report("x", 0), moment(0).at), None);
        book.stand(Cause::check(CheckId(2), HOST), POLICY, (CRITICAL, "m"), moment(0));
        assert_eq!(book.keep_checks(HOST, &[]), [CheckId(2)]);
        assert_eq!((book.check_of(HOST, "a"), book.check_of(HOST, "b")), (None, Some(CheckId(2))));
        let key = book.state(HOST).unwrap().open.values().next().unwrap().key.clone();
        assert_eq!(book.close("other", moment(5).at), []);
        let steps = book.close(&key, moment(5).at);
        assert_eq!((steps.len(), steps[0].trigger), (1, Trigger::Manual));
        assert_eq!(book.keep_checks(HOST, &[]), []);
        assert_eq!(book.state(HOST), None);
    }
}
