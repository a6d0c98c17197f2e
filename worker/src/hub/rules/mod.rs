//! Rules at the hub: judged with what it has anyway, at every report and at every verdict on presence.
//!
//! Rules come from D1 when their version there is another one, and are kept in one row. What is not at rest is kept in table
//! `alert_states`, a row per host, which is written when something changes and not while nothing does. What people are told goes
//! the way of all events.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::domain::alerting::book::Sign;
use edgewatch_core::domain::alerting::quiet::is_quiet;
use edgewatch_core::domain::alerting::reading::Totals;
use edgewatch_core::domain::alerting::text::{self, Named};
use edgewatch_core::domain::alerting::{Book, HostState, Moment, Policy, Subject, Transition};
use edgewatch_core::domain::downtime::{self, Concern};
use edgewatch_core::model::{
    AddressNotices, AlertConfig, Cause, Downtime, Escalation, Event, HostId, Link, LocalTime, Monitor, Presence,
    QuietHours, Repeat, RuleId, Sample, Source, Trigger,
};
use edgewatch_core::units::UnixMillis;

use super::directory::Entry;
use super::probes::EDGE;
use super::shard::Shard;
use super::sql::Sql;
use super::tracked::Tracked;
use super::{HubError, directory, thresholds};
use crate::platform::local_time::local_time;
use crate::platform::log;
use crate::store::rules::{self, RuleSet};

#[cfg(target_arch = "wasm32")]
pub mod calls;
pub mod kept;
pub mod usage;

/// The key of the rules: their version, a mark while alerts of earlier ones are left over, a line's end, and what [`rules::encode`]
/// wrote.
const RULES_KEY: &str = "rules";
const BEHIND: char = '!';
/// The zone that every runtime knows.
const UTC: &str = "UTC";
/// A clock that is so far behind the last verdict stepped back, seconds; the schedule may be a little behind the alarm.
const STEP_BACK_S: i64 = 60;

/// Rules, and all that is not at rest because of them.
#[derive(Default)]
pub struct Rules {
    /// The machines.
    pub book: Book,
    /// When people are told that a host has another address.
    pub address_notices: AddressNotices,
    /// What programs for Mackerel have watched.
    pub monitors: Vec<Monitor>,
    /// What programs for Pulse judge by.
    pub thresholds: AlertConfig,
    /// Who else is told of what that finds.
    pub escalations: Vec<Escalation>,
    /// When alerts of those are not raised.
    downtimes: Vec<Downtime>,
    /// The version of the rules in D1; `None` before any was told.
    version: Option<u64>,
    quiet_hours: Option<QuietHours>,
    is_plain: bool,
    /// Whether quiet hours are on in this minute since 1970.
    quiet_now: Option<(i64, bool)>,
    /// How far people's clocks are ahead of UTC in this minute, seconds.
    ahead_now: Cell<Option<(i64, i32)>>,
    /// What rules were called before, while alerts of theirs are left over.
    names_before: BTreeMap<RuleId, String>,
    /// Events that could not be kept for D1 yet.
    untold: Vec<(Event, Option<String>)>,
    /// Whether an alert took a step since [`Rules::take_news`].
    has_news: bool,
}

impl Rules {
    /// The version of the rules that this shard has.
    pub const fn version(&self) -> Option<u64> {
        self.version
    }

    /// Whether an alert took a step since this was asked last: D1 should hear of it soon.
    pub const fn take_news(&mut self) -> bool {
        std::mem::replace(&mut self.has_news, false)
    }

    /// Whether people are shown addresses whole.
    pub const fn is_plain(&self) -> bool {
        self.is_plain
    }

    pub(super) fn moment(&mut self, at: UnixMillis) -> Moment {
        let Some(hours) = &self.quiet_hours else { return Moment { at, is_quiet: false } };
        let minute = at.0.div_euclid(60_000);
        if let Some((_, is_quiet)) = self.quiet_now.filter(|(known, _)| *known == minute) {
            return Moment { at, is_quiet };
        }
        // A zone that the runtime does not know is taken for UTC. Source: pulse specification, 12.2.
        let local = local_time(&hours.zone, at)
            .or_else(|| local_time(UTC, at))
            .map(|(weekday, minute)| LocalTime { weekday, minute });
        let is_quiet = local.is_some_and(|local| is_quiet(hours, local));
        self.quiet_now = Some((minute, is_quiet));
        Moment { at, is_quiet }
    }

    fn set(&mut self, set: &mut RuleSet, version: Option<u64>) {
        self.version = version;
        self.quiet_hours = set.quiet_hours.take();
        self.is_plain = set.plain_addresses;
        self.address_notices = std::mem::take(&mut set.address_notices);
        self.monitors = std::mem::take(&mut set.monitors);
        self.downtimes = std::mem::take(&mut set.downtimes).into_iter().map(|(_, downtime)| downtime).collect();
        self.thresholds = std::mem::take(&mut set.thresholds);
        self.escalations = thresholds::escalations(&self.thresholds.schedule);
        self.quiet_now = None;
        self.ahead_now.set(None);
    }

    /// Whether people agreed that there are no alerts about this now.
    pub(super) fn is_down(&self, concern: Concern<'_>, now: UnixMillis) -> bool {
        if self.downtimes.is_empty() {
            return false;
        }
        let minute = now.0.div_euclid(60_000);
        let known = self.ahead_now.get().filter(|(known, _)| *known == minute).map(|(_, ahead_s)| ahead_s);
        let ahead_s = known.unwrap_or_else(|| {
            let zone = self.quiet_hours.as_ref().map(|hours| hours.zone.as_str());
            let local =
                zone.and_then(|zone| local_time(zone, now)).map(|(weekday, minute)| LocalTime { weekday, minute });
            local.map_or(0, |local| downtime::offset_of(local, now.seconds()))
        });
        self.ahead_now.set(Some((minute, ahead_s)));
        downtime::is_down(&self.downtimes, concern, now.seconds(), ahead_s)
    }
}

impl Shard {
    /// Reads rules and states, after the object woke: a row, and one for each host that is not at rest.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn read_rules(&mut self) -> Result<(), HubError> {
        let text = directory::meta(&self.storage.sql, RULES_KEY)?.unwrap_or_default();
        let (version, json) = text.split_once('\n').unwrap_or_default();
        let is_behind = version.ends_with(BEHIND);
        let version = version.trim_end_matches(BEHIND);
        // Rules that cannot be read are asked for anew.
        let read = rules::decode(json).ok().zip(version.parse().ok());
        let mut states = BTreeMap::new();
        for (id, text) in directory::list_alert_states(&self.storage.sql)? {
            match kept::decode(&text) {
                Ok(state) => drop(states.insert(id, state)),
                Err(error) => log::error("hub.rules", &error.to_string()),
            }
        }
        let first = || RuleSet { monitors: vec![Monitor::first()], ..RuleSet::default() };
        let (mut set, version) = read.map_or_else(|| (first(), None), |(set, version)| (set, Some(version)));
        self.rules.book = Book::new(std::mem::take(&mut set.rules), states);
        if is_behind {
            self.rules.book.be_behind();
        }
        self.rules.set(&mut set, version);
        Ok(())
    }

    /// Takes in the rules of D1. Every host is in memory. Writes a row, and one per host whose alerts end because of it; where there are
    /// many, the rest end with the next verdicts.
    ///
    /// # Errors
    /// As [`Shard::read_rules`].
    pub fn set_rules(&mut self, mut set: RuleSet, version: u64, now: UnixMillis) -> Result<(), HubError> {
        let text = rules::encode(&set).map_err(|error| HubError::Corrupt(error.to_string()))?;
        let names = self.rule_names();
        let mut book = self.rules.book.clone();
        let mut steps = book.set_rules(std::mem::take(&mut set.rules), now, |id| self.tag_of(id));
        for step in &mut steps {
            step.trigger = Trigger::MonitorDelete;
        }
        let config = &set.thresholds;
        steps.extend(book.keep_thresholds(now, |one| config.is_enabled && !config.off.has(one.kind)));
        let mark = if book.is_behind() { BEHIND.to_string() } else { String::new() };
        directory::put_meta(&self.storage.sql, RULES_KEY, &format!("{version}{mark}\n{text}"))?;
        self.rules.names_before = if book.is_behind() { names.clone() } else { BTreeMap::new() };
        self.rules.book = book;
        self.tell_steps(&steps, &names)?;
        // Told of by the names of those that go.
        let ended = self.end_unwatched(&set.monitors, now);
        self.tell_steps(&ended, &BTreeMap::new())?;
        self.forget_pages(&set.monitors)?;
        self.rules.set(&mut set, Some(version));
        self.watches.forget();
        Ok(())
    }

    /// Ends alerts that [`Shard::set_rules`] left over. Writes a row per host, and one with the last of them.
    fn catch_up(&mut self, now: UnixMillis) -> Result<(), HubError> {
        let mut book = std::mem::take(&mut self.rules.book);
        let mut steps = book.catch_up(now, |id| self.tag_of(id));
        for step in &mut steps {
            step.trigger = Trigger::MonitorDelete;
        }
        self.rules.book = book;
        let names = self.rule_names();
        self.tell_steps(&steps, &names)?;
        if !self.rules.book.is_behind() {
            let text = directory::meta(&self.storage.sql, RULES_KEY)?.unwrap_or_default();
            let (version, json) = text.split_once('\n').unwrap_or_default();
            let version = version.trim_end_matches(BEHIND);
            directory::put_meta(&self.storage.sql, RULES_KEY, &format!("{version}\n{json}"))?;
            self.rules.names_before.clear();
        }
        Ok(())
    }

    fn tag_of(&self, id: HostId) -> Option<&str> {
        self.hosts.get(&id).map(|tracked| tracked.entry.host.tag.as_str())
    }

    /// Looks at new samples of a host; `before` is the one before them.
    pub(super) fn weigh(
        &mut self,
        id: HostId,
        before: Option<&Sample>,
        samples: &[Sample],
        period_s: u32,
        now: UnixMillis,
    ) {
        self.weigh_thresholds(id, before, samples, now);
        if self.rules.book.rules().is_empty() || samples.is_empty() {
            return;
        }
        let moment = self.rules.moment(now);
        // What another shard found goes on, and does not begin anew.
        let Some(tracked) = self.hosts.get(&id).filter(|tracked| !tracked.is_doubted(now.seconds())) else { return };
        let steps = self.rules.book.samples(subject(tracked), before, samples, period_s, moment);
        self.told(&steps, now);
    }

    /// Looks at presence, and tells again who is to be told again. Every host is in memory. `ahead_ms`: how far `now` is ahead of
    /// the clock by which sockets were heard.
    pub(super) fn look_at_rules(&mut self, now: UnixMillis, ahead_ms: i64) {
        self.keep_monitors(now);
        self.look_for_the_gone(now);
        self.look_for_silent_hosts(now);
        self.end_alerts_of_good_checks(now);
        if self.rules.book.is_idle() {
            return;
        }
        if self.rules.book.is_behind()
            && let Err(error) = self.catch_up(now)
        {
            log::error("hub.rules", &error.to_string());
        }
        if self.rules.book.has_others()
            && let Err(error) = self.read_monitors()
        {
            log::error("hub.rules", &error.to_string());
        }
        let dropped = self.rules.book.drop_acknowledged(now);
        self.told(&dropped, now);
        let moment = self.rules.moment(now);
        let of_thresholds = self.policies_of_thresholds();
        let (is_holding, from) = (self.watch.is_holding(now.seconds()), self.watch.clocks_from.millis());
        let mut book = std::mem::take(&mut self.rules.book);
        let known = self.hosts.values().filter(|tracked| !tracked.is_doubted(now.seconds()));
        let hosts = known.map(|tracked| {
            let ahead_ms = if tracked.link == Link::Socket { ahead_ms } else { 0 };
            // Who is polled is as was said last.
            let is_up = tracked.entry.host.class.is_polled() && tracked.entry.host.presence == Presence::Online;
            let seen_ms = if is_up { now.0 } else { tracked.seen_ms.saturating_add(ahead_ms) };
            let seen = UnixMillis(seen_ms).max(from);
            let last_seen = (tracked.seen_ms > 0).then_some(seen);
            let sign = Sign { presence: tracked.entry.host.presence, last_seen, newest: tracked.newest.as_ref() };
            (subject(tracked), sign)
        });
        let mut steps = book.presence(hosts, is_holding, moment);
        // A host that is offline has nothing new to say; of what probes find people are told again when it is found again.
        let is_silent = |cause: Cause| {
            let host = cause.host.and_then(|id| self.hosts.get(&id));
            let is_of_finder = cause.rule_id().is_none() && cause.source != Source::Threshold;
            is_of_finder || host.is_some_and(|host| host.entry.host.presence == Presence::Offline)
        };
        let policy_of = |cause: Cause| {
            let of_threshold = thresholds::policy_of(&self.rules.escalations, of_thresholds.get(&cause));
            of_threshold.or_else(|| self.policy_of(cause))
        };
        steps.extend(book.tick(moment, is_silent, policy_of));
        self.rules.book = book;
        self.told(&steps, now);
    }

    /// The hub's clock jumped, or nobody looked for a while.
    pub(super) fn skip_time(&mut self, away_s: Option<i64>, last_run_s: Option<i64>, now_s: i64) {
        let back_s = last_run_s.map(|last_run_s| now_s.saturating_sub(last_run_s)).filter(|step| *step < -STEP_BACK_S);
        if let Some(gap_s) = away_s.or(back_s) {
            self.rules.book.skip(gap_s.saturating_mul(1000));
        }
    }

    /// Somebody knows of an alert. False when there is none of this key.
    ///
    /// # Errors
    /// As [`Shard::read_rules`].
    pub fn acknowledge(&mut self, key: &str) -> Result<bool, HubError> {
        let is_found = self.rules.book.acknowledge(key);
        self.keep_states()?;
        Ok(is_found)
    }

    /// A host is no more, or a service by the number of its metrics: its alerts end.
    pub(super) fn end_alerts(&mut self, id: HostId, now: UnixMillis) {
        let trigger = if id.is_posted() { Trigger::ServiceDelete } else { Trigger::HostRetire };
        let steps: Vec<Transition> =
            self.rules.book.dismiss(id, now).into_iter().map(|step| step.by(trigger)).collect();
        self.told(&steps, now);
    }

    /// The alerts of a host that is handed over; empty where all is at rest.
    ///
    /// # Errors
    /// [`HubError::Corrupt`] when they cannot be written.
    pub fn alerts_text(&self, id: HostId) -> Result<String, HubError> {
        self.rules.book.state(id).map_or_else(|| Ok(String::new()), kept::encode)
    }

    /// Takes over what [`Shard::alerts_text`] wrote.
    pub fn adopt_alerts(&mut self, id: HostId, text: &str, now: UnixMillis) {
        if let Ok(state) = kept::decode(text) {
            let steps = self.rules.book.adopt(id, state, now);
            self.told(&steps, now);
        }
    }

    /// Hosts are about to be what `entries` says, perhaps in other groups: alerts of rules that do not look at them there are over, and
    /// people are told.
    pub fn rescope(&mut self, entries: &[Entry], now: UnixMillis) {
        let moment = self.rules.moment(now);
        let book = &mut self.rules.book;
        let steps = entries.iter().flat_map(|one| book.rescope(one.host.id, &one.host.tag, moment));
        let mut steps: Vec<Transition> = steps.collect();
        steps.extend(self.rescope_watches(entries, now));
        self.told(&steps, now);
    }

    /// A host's alerts are another shard's now.
    ///
    /// # Errors
    /// As [`Shard::read_rules`].
    pub fn forget_alerts(&mut self, id: HostId) -> Result<(), HubError> {
        self.rules.book.forget(id);
        self.keep_states()
    }

    /// Who is told of what a probe, a monitor or a check found.
    fn policy_of(&self, cause: Cause) -> Option<Policy<'_>> {
        if matches!(cause.source, Source::Monitor | Source::Check) {
            return self.policy_of_watch(cause);
        }
        let probe = self.probes.as_deref().unwrap_or_default().iter().find(|probe| probe.id.0 == cause.id)?;
        let group = probe.spec.notices.group.as_str();
        cause.rule_id().is_none().then_some(Policy {
            group,
            repeat: Repeat::Never,
            escalations: &[],
            ignores_quiet_hours: false,
            is_mute: false,
        })
    }

    /// An event that is no step of an alert.
    pub(super) fn tell_event(&mut self, event: Event) {
        let tracked = event.host_id.and_then(|id| self.hosts.get_mut(&id));
        let name = tracked.map(|tracked| {
            tracked.is_news = true;
            tracked.entry.host.name.clone()
        });
        self.rules.untold.push((event, name));
        if let Err(error) = self.owe_untold() {
            log::error("hub.rules", &error.to_string());
        }
    }

    fn owe_untold(&mut self) -> Result<(), HubError> {
        for (event, name) in &self.rules.untold {
            directory::owe(&self.storage.sql, event, name.as_deref())?;
        }
        self.rules.untold.clear();
        Ok(())
    }

    pub(super) fn told(&mut self, steps: &[Transition], now: UnixMillis) {
        let names = if steps.is_empty() { BTreeMap::new() } else { self.rule_names() };
        let hosts: BTreeSet<HostId> = self.rules.book.changed().collect();
        if let Err(error) = self.tell_steps(steps, &names) {
            // It is in memory, and tried again with the next report or verdict.
            log::error("hub.rules", &error.to_string());
            return;
        }
        // Samples that changed something are not looked at twice: they become durable with it.
        let sql = self.storage.sql.clone();
        for id in hosts {
            let kept = self.hosts.get_mut(&id).map(|tracked| tracked.keep(&sql, now));
            if let Some(Err(error)) = kept {
                log::error("hub.rules", &error.to_string());
            }
        }
    }

    pub(super) fn rule_names(&self) -> BTreeMap<RuleId, String> {
        let now = self.rules.book.rules().iter().map(|rule| (rule.id, rule.name.clone()));
        self.rules.names_before.clone().into_iter().chain(now).collect()
    }

    pub(super) fn tell_steps(
        &mut self,
        steps: &[Transition],
        names: &BTreeMap<RuleId, String>,
    ) -> Result<(), HubError> {
        self.rules.has_news |= !steps.is_empty();
        for (order, step) in steps.iter().enumerate() {
            // A rule has none.
            let words = self.monitors.words(step.cause).cloned();
            let host_id = step.cause.host.or_else(|| words.as_ref()?.host).filter(|id| *id != EDGE && !id.is_posted());
            let watched = self.watch_name(step);
            let (kind, audience) = (self.kind_of(step.cause), self.audience_of(step));
            let resource = self.resource_of_alert(step.cause);
            let tracked = host_id.and_then(|id| self.hosts.get_mut(&id));
            let host = tracked.map(|tracked| {
                tracked.is_news = true;
                let host = &tracked.entry.host;
                Named { name: &host.name, addresses: &host.addresses, is_plain: self.rules.is_plain }
            });
            let name = host.map(|host| host.name.to_owned());
            let mut event = if let Some(words) = words.filter(|_| step.cause.rule_id().is_none()) {
                text::event_of(step, words.text, host_id, order)
            } else {
                let subject = watched.unwrap_or_else(|| subject_of(step.cause, names));
                Event { host_id, ..text::event(step, &subject, host, order) }
            };
            if let Some(note) = &mut event.alert {
                (note.kind, note.resource) = (kind, resource);
            }
            if let Some(audience) = audience {
                event.group = audience.text();
            }
            self.rules.untold.push((event, name));
        }
        self.owe_untold()?;
        self.keep_states()
    }

    /// Keeps what changed: a row written for each host.
    fn keep_states(&mut self) -> Result<(), HubError> {
        let changed = self.rules.book.take_changed();
        let kept = changed.iter().try_for_each(|id| put(&self.storage.sql, *id, self.rules.book.state(*id)));
        if kept.is_err() {
            self.rules.book.give_back(changed);
        }
        kept
    }
}

fn put(sql: &Sql, id: HostId, state: Option<&HostState>) -> Result<(), HubError> {
    let text = state.map(kept::encode).transpose()?;
    directory::put_alert_state(sql, id, text.as_deref())
}

fn subject(tracked: &Tracked) -> Subject<'_> {
    let host = &tracked.entry.host;
    Subject { id: host.id, tag: &host.tag, totals: Totals::of(host.facts.as_ref()) }
}

/// What fails, in the words of who made it.
fn subject_of(cause: Cause, names: &BTreeMap<RuleId, String>) -> String {
    let name = cause.rule_id().and_then(|rule| names.get(&rule).cloned());
    name.unwrap_or_else(|| cause.text())
}

#[cfg(test)]
pub(super) mod tests;
