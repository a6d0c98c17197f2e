//! Monitors at the hub: what probes find that people want to be told of.
//!
//! A shard keeps what its own hosts found, of probes with notices alone, in one row that is written when something of it changes: a
//! full ring of good results stays as it is. The first shard is the judge. Alone, it judges with each result; of several, it judges
//! when the schedule runs, which carries the others' news to it in calls that are made anyway. What it finds are alerts as rules have
//! them, without a host of their own.

use std::collections::BTreeMap;

use edgewatch_core::domain::alerting::{Moment, Policy, Verdict};
use edgewatch_core::domain::ids;
use edgewatch_core::domain::probing::means::{Means, Wanted};
use edgewatch_core::domain::probing::monitor::{
    Act, Finding, Findings, Heard, Judged, News, Reporter, Seen, is_news, judge, repeat,
};
use edgewatch_core::domain::probing::{Availability, State};
use edgewatch_core::model::{
    Cause, Event, EventKind, HostId, Presence, Probe, ProbeId, ProbeResult, ProbeSpec, Sample, Source, Trigger,
};
use edgewatch_core::units::UnixMillis;

use super::probes::EDGE;
use super::shard::Shard;
use super::storage::Storage;
use super::tracked::Tracked;
use super::{HubError, directory, probe_history};
use crate::platform::log;

mod kept;

pub use kept::NewsWire;

/// The key of what is kept.
const KEY: &str = "monitors";
/// A ring that changes and no more is kept at most once in this time, ms: two results of a probe that count lie further apart.
const LEAST_KEEP_MS: i64 = 25_000;
/// A report that comes so much early finds it due all the same, ms.
const EARLY_MS: i64 = 35_000;
/// When a certificate was last seen is kept when that is so much later, seconds.
const SEEN_S: i64 = 43_200;
/// What finds alerts of probes.
const SOURCES: [Source; 3] = [Source::Probe, Source::ProbeLatency, Source::ProbeCertificate];

/// Every monitor of the shard.
#[derive(Default)]
pub struct Monitors {
    by_probe: BTreeMap<ProbeId, Monitor>,
    is_read: bool,
    /// What of it is kept.
    marks: BTreeMap<ProbeId, Mark>,
    kept_ms: i64,
}

/// A host, as one that asks targets.
#[derive(Debug, Clone, Default)]
pub struct Prober {
    /// Its delays as alerts see them.
    pub means: Means,
    /// Whether its agent has just come back: what it found meanwhile may be of its own trouble.
    pub is_back: bool,
}

/// What is known of a probe.
#[derive(Debug, Clone, PartialEq, Default)]
struct Monitor {
    seen: Seen,
    judged: Judged,
    said: BTreeMap<Source, Words>,
}

/// What people are told of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// A sentence.
    pub text: String,
    /// The host that it came from.
    pub host: Option<HostId>,
}

/// What of a monitor has to be kept at once, and what has time.
#[derive(Debug, Clone, PartialEq, Default)]
struct Mark {
    state: State,
    slow: Vec<(HostId, bool)>,
    certificate: Option<(HostId, String, i64, i64)>,
    known: Option<(String, i64)>,
    ring: Vec<bool>,
}

impl Monitor {
    fn mark(&self) -> Mark {
        let certificate = self.seen.certificate.as_ref();
        Mark {
            state: self.judged.state,
            slow: self.seen.slow.iter().map(|(host, slow)| (*host, slow.is_below)).collect(),
            certificate: certificate
                .map(|one| (one.by.id, one.issuer.clone(), one.expires.0, one.seen.0.div_euclid(SEEN_S))),
            known: self.judged.certificate.as_ref().map(|(issuer, expires)| (issuer.clone(), expires.0)),
            ring: self.seen.availability.ring().iter().map(Option::is_none).collect(),
        }
    }
}

impl Monitors {
    /// What people are told of a cause.
    pub fn words(&self, cause: Cause) -> Option<&Words> {
        SOURCES.contains(&cause.source).then_some(())?;
        self.by_probe.get(&ProbeId(cause.id))?.said.get(&cause.source)
    }

    /// Whether something has to be kept, and whether at once.
    fn to_keep(&self) -> Option<bool> {
        let nothing = Mark::default();
        let mut is_ring = self.marks.keys().any(|id| !self.by_probe.contains_key(id));
        for (id, monitor) in &self.by_probe {
            let (mark, kept) = (monitor.mark(), self.marks.get(id).unwrap_or(&nothing));
            let is_other_ring = mark.ring != kept.ring;
            if mark != (Mark { ring: mark.ring.clone(), ..kept.clone() }) {
                return Some(true);
            }
            is_ring |= is_other_ring;
        }
        is_ring.then_some(false)
    }
}

impl Prober {
    /// Takes the results of samples in the order of time.
    pub fn take(&mut self, wanted: &Wanted, samples: &[Sample]) {
        for sample in samples {
            self.means.add(wanted, sample.at, &sample.probes);
        }
    }
}

impl Tracked {
    /// Finds the results again that came before the object slept, as far as they make a mean with the next ones: in the newest block
    /// and behind it. At most 3 rows read.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub(super) fn know_means(&mut self, storage: &Storage) -> Result<(), HubError> {
        let wanted = &storage.means;
        if wanted.is_empty() || self.prober.means.is_known() {
            return Ok(());
        }
        let stored = probe_history::newest_results(storage, self.id(), &mut wanted.keys().copied())?;
        for (at, results) in &stored {
            self.prober.means.add(wanted, *at, results);
        }
        let pending = self.pending();
        self.prober.take(wanted, &pending);
        self.prober.means.know();
        Ok(())
    }
}

impl Shard {
    /// Reads what is known of monitors, after the object woke: at most two rows.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn read_monitors(&mut self) -> Result<(), HubError> {
        self.probes()?;
        if self.monitors.is_read {
            return Ok(());
        }
        let text = directory::meta(&self.storage.sql, KEY)?;
        // What cannot be read begins anew.
        let known = text.map_or_else(BTreeMap::new, |text| {
            kept::decode(&text).unwrap_or_else(|error| {
                log::error("hub.monitors", &error.to_string());
                BTreeMap::new()
            })
        });
        let marks = known.iter().map(|(id, monitor)| (*id, monitor.mark())).collect();
        self.monitors = Monitors { by_probe: known, is_read: true, marks, kept_ms: 0 };
        Ok(())
    }

    /// Samples are about to be taken: what their results need is in memory.
    pub(super) fn expect_results(&mut self, samples: &[Sample]) {
        if samples.iter().any(|sample| !sample.probes.is_empty())
            && let Err(error) = self.read_monitors()
        {
            // They are taken, and say nothing to people this time.
            log::error("hub.monitors", &error.to_string());
        }
    }

    /// Looks at what came of probes in new samples of a host, or of the Worker. `frame_s`: the time between two reports. Whether people
    /// are told something.
    pub(super) fn weigh_probes(&mut self, id: HostId, samples: &[Sample], frame_s: u32, now: UnixMillis) -> bool {
        let is_judge = self.place.shards <= 1;
        let Some(tracked) = (if id == EDGE { self.edge.as_mut() } else { self.hosts.get_mut(&id) }) else {
            return false;
        };
        let means = tracked.prober.means.take_done();
        // What a host found while it was cut off is of its own trouble.
        let was_cut_off =
            std::mem::take(&mut tracked.prober.is_back) || tracked.entry.host.presence == Presence::Offline;
        if !self.monitors.is_read || samples.iter().all(|sample| sample.probes.is_empty()) {
            return false;
        }
        let by = Reporter { id, name: tracked.entry.host.name.clone() };
        let probes = self.probes.as_deref().unwrap_or_default();
        let mut found: Vec<(ProbeId, State, Findings)> = Vec::new();
        let known = &mut self.monitors.by_probe;
        let mut judge_one = |probe: &Probe, monitor: &mut Monitor| {
            if is_judge {
                let news = monitor.seen.news();
                let ProbeSpec { name, notices, .. } = &probe.spec;
                let findings = judge(&mut monitor.judged, name, notices, news, now.seconds());
                found.push((probe.id, monitor.judged.state, findings));
            }
        };
        let results = samples.iter().flat_map(|sample| sample.probes.iter().map(move |result| (sample.at, result)));
        for (at, result) in results {
            let Some(probe) = asked(probes, result.probe, id) else { continue };
            let monitor = known.entry(probe.id).or_default();
            let is_news = is_news(at, frame_s, now) && (result.is_up() || !was_cut_off);
            let heard = Heard { by: &by, at, result, said: said(tracked, result), is_news };
            monitor.seen.hear(&probe.spec.notices, heard);
            judge_one(probe, monitor);
        }
        for (probe, mean) in means {
            let Some(probe) = asked(probes, probe, id).filter(|_| !was_cut_off) else { continue };
            let monitor = known.entry(probe.id).or_default();
            monitor.seen.hear_mean(&probe.spec.notices, &by, mean);
            judge_one(probe, monitor);
        }
        let is_told = self.tell_findings(found, now);
        self.keep_monitors(now);
        is_told
    }

    /// What this shard found out since the last time, for the one that judges. Nothing where it is alone.
    pub fn monitor_news(&mut self) -> Vec<NewsWire> {
        if self.place.shards <= 1 || self.read_monitors().is_err() {
            return vec![];
        }
        let news = self.monitors.by_probe.iter_mut().map(|(id, monitor)| NewsWire::of(*id, &monitor.seen.news()));
        news.collect()
    }

    /// Judges by what all shards found out: this one, and `others`.
    pub fn judge_monitors(&mut self, others: Vec<NewsWire>, now: UnixMillis) {
        if let Err(error) = self.read_monitors() {
            return log::error("hub.monitors", &error.to_string());
        }
        let mut by_probe: BTreeMap<ProbeId, Vec<News>> = BTreeMap::new();
        for wire in others {
            let (id, news) = wire.into_news();
            by_probe.entry(id).or_default().push(news);
        }
        let mut found = Vec::new();
        for probe in self.probes.as_deref().unwrap_or_default().iter().filter(|probe| probe.spec.notices.is_any()) {
            let monitor = self.monitors.by_probe.entry(probe.id).or_default();
            let mut news = monitor.seen.news();
            by_probe.remove(&probe.id).into_iter().flatten().for_each(|other| news.join(other));
            let ProbeSpec { name, notices, .. } = &probe.spec;
            let findings = judge(&mut monitor.judged, name, notices, news, now.seconds());
            found.push((probe.id, monitor.judged.state, findings));
        }
        self.tell_findings(found, now);
        self.keep_monitors(now);
    }

    /// Takes in the list that D1 has: alerts of probes that are no more, or are others, end, and nobody is told of that.
    ///
    /// # Errors
    /// As [`Shard::set_probes`].
    pub fn change_probes(&mut self, probes: Vec<Probe>, now: UnixMillis) -> Result<(), HubError> {
        self.read_monitors()?;
        let before = self.probes()?.to_vec();
        for old in before {
            let new = probes.iter().find(|probe| probe.id == old.id);
            if new.is_some_and(|new| is_same(&old.spec, &new.spec)) {
                continue;
            }
            self.withdraw(old.id, &old.spec.name, &SOURCES, now);
            let is_same_target = |new: &&Probe| (new.spec.kind, &new.spec.target) == (old.spec.kind, &old.spec.target);
            match new.filter(is_same_target) {
                Some(new) => self.go_on(new),
                None => drop(self.monitors.by_probe.remove(&old.id)),
            }
        }
        self.set_probes(probes)?;
        self.keep_monitors(now);
        Ok(())
    }

    /// A host is no more: what it found does not count any more, and alerts for which nothing else spoke end.
    pub(super) fn forget_reporter(&mut self, id: HostId, now: UnixMillis) {
        let changed = self.let_go(|seen| {
            let before = seen.clone();
            seen.retain(|host| host != id);
            *seen != before
        });
        self.end_alerts_of(&changed, now);
    }

    /// A host is offline: nobody knows how long its targets take there, and alerts for which nothing else spoke end.
    pub(super) fn forget_delays(&mut self, id: HostId, now: UnixMillis) {
        let changed = self.leave_delays(id);
        self.end_alerts_of(&changed, now);
    }

    /// A host is another shard's now, and so are its delays. Gives the probes of which it had some.
    pub(super) fn leave_delays(&mut self, id: HostId) -> Vec<ProbeId> {
        self.let_go(|seen| seen.slow.remove(&id).is_some())
    }

    /// The probes of which there was something to forget.
    fn let_go(&mut self, forget: impl Fn(&mut Seen) -> bool) -> Vec<ProbeId> {
        if let Err(error) = self.read_monitors() {
            log::error("hub.monitors", &error.to_string());
            return vec![];
        }
        let all = self.monitors.by_probe.iter_mut();
        all.filter_map(|(id, monitor)| forget(&mut monitor.seen).then_some(*id)).collect()
    }

    fn end_alerts_of(&mut self, changed: &[ProbeId], now: UnixMillis) {
        // Of several shards, the one that judges finds out.
        if self.place.shards > 1 || changed.is_empty() {
            return;
        }
        let probes = self.probes.clone().unwrap_or_default();
        for probe in probes.iter().filter(|probe| changed.contains(&probe.id)) {
            let Some(monitor) = self.monitors.by_probe.get_mut(&probe.id) else { continue };
            let state = monitor.seen.availability.state();
            let is_over = |source: &Source| match source {
                Source::Probe => monitor.judged.state.is_bad() && !state.is_bad(),
                Source::ProbeLatency => monitor.seen.slow.is_empty(),
                Source::ProbeCertificate => monitor.seen.certificate.is_none(),
                Source::Rule | Source::Monitor | Source::Check | Source::Threshold => false,
            };
            let over: Vec<Source> = SOURCES.into_iter().filter(is_over).collect();
            if over.contains(&Source::Probe) {
                monitor.judged.state = state;
            }
            self.withdraw(probe.id, &probe.spec.name, &over, now);
        }
        self.keep_monitors(now);
    }

    /// Keeps what changed: 1 row written, at once when it is of what people are told, else as often as open blocks are written.
    pub(super) fn keep_monitors(&mut self, now: UnixMillis) {
        let monitors = &self.monitors;
        let Some(is_urgent) = monitors.is_read.then(|| monitors.to_keep()).flatten() else { return };
        let wait_ms = (i64::from(self.levers.write_s) * 1000 - EARLY_MS).max(LEAST_KEEP_MS);
        if !is_urgent && (0..wait_ms).contains(&now.0.saturating_sub(monitors.kept_ms)) {
            return;
        }
        let text = kept::encode(&monitors.by_probe);
        if let Err(error) = text.and_then(|text| directory::put_meta(&self.storage.sql, KEY, &text)) {
            // It is in memory, and tried again with the next report or verdict.
            return log::error("hub.monitors", &error.to_string());
        }
        let marks = self.monitors.by_probe.iter().map(|(id, monitor)| (*id, monitor.mark())).collect();
        (self.monitors.marks, self.monitors.kept_ms) = (marks, now.0);
    }

    fn tell_findings(&mut self, found: Vec<(ProbeId, State, Findings)>, now: UnixMillis) -> bool {
        let moment = self.rules.moment(now);
        let mut is_told = false;
        let findings = found.into_iter().flat_map(|(id, state, findings)| {
            if let Some((text, host)) = findings.other_certificate {
                is_told = true;
                self.tell_certificate(id, text, host, now);
            }
            findings.alerts.into_iter().map(move |finding| (id, state, finding)).collect::<Vec<_>>()
        });
        let findings: Vec<_> = findings.collect();
        for (order, (id, state, finding)) in (0_i64..).zip(findings) {
            // Each has its own moment, so that what comes and goes among them keeps its order.
            let moment = Moment { at: UnixMillis(moment.at.0.saturating_add(order)), ..moment };
            is_told |= self.tell_finding((id, state), finding, moment, now);
        }
        is_told
    }

    fn tell_finding(
        &mut self,
        (id, state): (ProbeId, State),
        finding: Finding,
        moment: Moment,
        now: UnixMillis,
    ) -> bool {
        let Finding { source, act, text, detail, host } = finding;
        let cause = Cause { source, id: id.0, host: None };
        if act != Act::Restate && act != Act::Note(Verdict::Failing) && !self.rules.book.is_open(cause) {
            return false;
        }
        let probe = self.probes.as_deref().unwrap_or_default().iter().find(|probe| probe.id == id);
        let Some(spec) = probe.map(|probe| &probe.spec) else { return false };
        if act == Act::Withdraw {
            let name = spec.name.clone();
            self.withdraw(id, &name, &[source], now);
            return true;
        }
        let group = spec.notices.group.as_str();
        let policy = Policy {
            group,
            repeat: repeat(source, state),
            escalations: &[],
            ignores_quiet_hours: false,
            is_mute: false,
        };
        let book = &mut self.rules.book;
        let steps = match act {
            Act::Note(verdict) => book.note(cause, policy, (verdict, &detail), moment),
            Act::Restate => book.restate(cause, policy, &detail, moment),
            Act::Withdraw => vec![],
        };
        self.say(cause, text, host);
        self.told(&steps, now);
        !steps.is_empty()
    }

    fn withdraw(&mut self, id: ProbeId, name: &str, sources: &[Source], now: UnixMillis) {
        for source in sources {
            let cause = Cause { source: *source, id: id.0, host: None };
            if self.rules.book.is_open(cause) {
                self.say(cause, format!("[Resolved] {name}"), None);
                let steps = self.rules.book.withdraw(now, |one| one == cause);
                let steps: Vec<_> = steps.into_iter().map(|step| step.by(Trigger::MonitorDelete)).collect();
                self.told(&steps, now);
            }
        }
    }

    /// What is known of a probe holds on as far as it is still asked for.
    fn go_on(&mut self, probe: &Probe) {
        let Some(monitor) = self.monitors.by_probe.get_mut(&probe.id) else { return };
        let ProbeSpec { coverage, from_edge, notices, .. } = &probe.spec;
        monitor.seen.retain(|host| if host == EDGE { *from_edge } else { coverage.has(host) });
        // Bounds may be others.
        monitor.seen.slow.clear();
        if !notices.of_state {
            monitor.seen.availability = Availability::default();
            monitor.judged.state = State::NoData;
        }
        if notices.certificate_days == 0 {
            (monitor.seen.certificate, monitor.judged.certificate) = (None, None);
        }
    }

    fn say(&mut self, cause: Cause, text: String, host: Option<HostId>) {
        if let Some(monitor) = self.monitors.by_probe.get_mut(&ProbeId(cause.id)) {
            monitor.said.insert(cause.source, Words { text, host });
        }
    }

    fn tell_certificate(&mut self, id: ProbeId, text: String, host: HostId, now: UnixMillis) {
        let probe = self.probes.as_deref().unwrap_or_default().iter().find(|probe| probe.id == id);
        let group = probe.map(|probe| probe.spec.notices.group.clone()).unwrap_or_default();
        // A probe's certificate changes once at a time.
        let key = ids::time_key(now, id.0.unsigned_abs() << 8 | 0xce);
        let host_id = (host != EDGE).then_some(host);
        let event = Event { group, ..Event::new(key, EventKind::CertificateChanged, host_id, now.seconds(), text) };
        self.tell_event(event);
    }
}

/// The probe of this number that people want to be told of, if this host is to ask it.
fn asked(probes: &[Probe], id: ProbeId, host: HostId) -> Option<&Probe> {
    let probe = probes.iter().find(|probe| probe.id == id).filter(|probe| probe.spec.notices.is_any())?;
    let is_asked = if host == EDGE { probe.spec.from_edge } else { probe.spec.coverage.has(host) };
    is_asked.then_some(probe)
}

/// Why a target failed, when the agent has said so before.
fn said<'a>(tracked: &'a Tracked, result: &ProbeResult) -> Option<&'a str> {
    let (is_failure, words) = tracked.notes.get(&result.probe)?;
    (*is_failure && !result.is_up()).then_some(words.as_str())
}

/// Whether a probe is still the one that people were told of.
fn is_same(old: &ProbeSpec, new: &ProbeSpec) -> bool {
    (old.kind, &old.name, &old.target, &old.coverage, &old.notices)
        == (new.kind, &new.name, &new.target, &new.coverage, &new.notices)
}

#[cfg(test)]
mod tests;
