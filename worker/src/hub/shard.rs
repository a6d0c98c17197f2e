//! All hosts of one object, and what its events do to them. Nothing here waits, and nothing here knows a socket: `object` does.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use edgewatch_core::dialects::native::stream::{
    Ack, Facts, Frame, FromHub, Goodbye, Hello, Reason, Resend, Settings, Versions, Welcome,
};
use edgewatch_core::dialects::native::{DroppedValue, ReportSettings};
use edgewatch_core::domain::budget::levers::Levers;
use edgewatch_core::domain::intake;
use edgewatch_core::domain::presence::Watch;
use edgewatch_core::domain::stream::gap::Verdict;
use edgewatch_core::model::{self, Dropped, Facts as HostFacts, HostId, Link, Report};
use edgewatch_core::units::UnixMillis;

use super::directory::{self, Entry};
use super::governor::Governor;
use super::handover::Place;
use super::held::Held;
use super::lengths::Lengths;
use super::monitors::Monitors;
use super::probe_counts::Counts;
use super::results::kept::Results;
use super::rules::Rules;
use super::sql::Sql;
use super::storage::Storage;
use super::thresholds::Thresholds;
use super::tracked::Tracked;
use super::watches::Watches;
use super::wire::AgentWire;
use super::{HubError, journal, rings};

/// How long an agent keeps its samples when they could not be taken here, seconds.
pub(super) const HOLD_S: u32 = 300;
/// More messages of one agent in a minute are a fault of its, or somebody else's doing. A day of samples is replayed in 72.
const MOST_MESSAGES_A_MINUTE: u32 = 600;
/// Between two writes of what a host says it is, ms.
const FACTS_EVERY_MS: i64 = 60_000;
/// How long an agent is told to send live frames, seconds; it is told again while somebody watches.
pub(super) const LIVE_FOR_S: u32 = 90;
/// So many hosts lie between a second of the time over which agents spread their return.
const HOSTS_PER_SPREAD_S: usize = 20;

/// The hosts of one object.
pub struct Shard {
    /// Where their rows go.
    pub storage: Storage,
    /// Which of the hosts are its own.
    pub place: Place,
    /// How reports are paced.
    pub levers: Levers,
    /// What the verdict on presence left for the next one.
    pub watch: Watch,
    /// Until when the object's database refuses, as far as is known, ms.
    pub refused_until_ms: i64,
    /// Until when agents keep their samples, by the governor, ms.
    pub hold_until_ms: i64,
    /// Before this no silence of hosts that post counts, ms: they were asked to be silent.
    pub posts_excused_ms: i64,
    /// What was spent, and what is decided because of it.
    pub governor: Governor,
    /// Rules, and what is not as they want it.
    pub rules: Rules,
    /// What probes found that people want to be told of.
    pub monitors: Monitors,
    /// What monitors and checks of Mackerel's need to know.
    pub watches: Watches,
    /// What thresholds of Pulse's need to know.
    pub thresholds: Thresholds,
    /// Whole results of agents that push.
    pub results: Results,
    pub(super) hosts: BTreeMap<HostId, Tracked>,
    /// What is to be asked, once it was read.
    pub(super) probes: Option<Vec<model::Probe>>,
    /// Whether that is a list which D1 had once.
    pub(super) knows_probes: bool,
    /// What came of it.
    pub(super) counts: Counts,
    /// What the Worker found out itself, once it was read.
    pub(super) edge: Option<Tracked>,
    pub(super) is_complete: bool,
    /// What others than our agent post, once it was read.
    pub(super) posted: Option<BTreeMap<HostId, Tracked>>,
    /// Hosts of whose alerts the shard that had them spoke ahead.
    pub(super) spoken_for: BTreeSet<HostId>,
    /// Until when somebody watches a host, and until when its agent was told to send live frames, ms.
    pub(super) watched: BTreeMap<HostId, (i64, i64)>,
}

impl Shard {
    /// The shard over the object's database, its tables made.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn new(sql: Sql) -> Result<Self, HubError> {
        let created = rings::create(&sql).and_then(|()| journal::create(&sql)).and_then(|()| directory::create(&sql));
        if let Err(error) = created {
            // A database that takes no more rows is good to read, when its tables are there: the last one made is the proof.
            directory::meta(&sql, "").map_err(|_| error)?;
        }
        Ok(Self {
            storage: Storage { sql, lengths: Lengths::default(), means: Rc::default() },
            place: Place::default(),
            levers: Levers::default(),
            watch: Watch::default(),
            refused_until_ms: 0,
            hold_until_ms: 0,
            posts_excused_ms: 0,
            governor: Governor::default(),
            rules: Rules::default(),
            monitors: Monitors::default(),
            watches: Watches::default(),
            thresholds: Thresholds::default(),
            results: Results::default(),
            hosts: BTreeMap::new(),
            probes: None,
            knows_probes: false,
            counts: Counts::default(),
            edge: None,
            posted: None,
            is_complete: false,
            spoken_for: BTreeSet::new(),
            watched: BTreeMap::new(),
        })
    }

    /// Forgets everything in memory: another incarnation of the object took over.
    pub fn clear(&mut self) {
        self.hosts = BTreeMap::new();
        self.rules = Rules::default();
        self.monitors = Monitors::default();
        self.watches = Watches::default();
        self.results = Results::default();
        self.thresholds = Thresholds::default();
        (self.watched, self.spoken_for) = (BTreeMap::new(), BTreeSet::new());
        (self.probes, self.edge, self.posted) = (None, None, None);
        self.counts = Counts::default();
        self.is_complete = false;
    }

    /// Whether every host of the directory is in memory.
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Brings every host of its own into memory; `attached` is what their sockets held. Reads a row of the directory and one of the journal per
    /// host.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn complete(&mut self, attached: Vec<(HostId, Held)>) -> Result<Vec<HubError>, HubError> {
        if self.is_complete {
            return Ok(vec![]);
        }
        let (entries, damaged) = directory::list(&self.storage.sql)?;
        let mut attached: BTreeMap<HostId, Held> = attached.into_iter().collect();
        let mut kept: BTreeMap<HostId, journal::Kept> = journal::list(&self.storage.sql)?.into_iter().collect();
        let of_hosts = kept.split_off(&HostId(0));
        self.load_posted(Some(std::mem::replace(&mut kept, of_hosts)))?;
        for entry in entries.into_iter().filter(|entry| self.place.is_ours(entry.host.id)) {
            let id = entry.host.id;
            let (attached, kept) = (attached.remove(&id), kept.remove(&id));
            self.hosts.entry(id).or_insert_with(|| Tracked::of(entry, attached, kept));
        }
        self.is_complete = true;
        let all: Vec<HostId> = self.hosts.keys().copied().collect();
        for id in all {
            self.show_posted(id);
        }
        Ok(damaged)
    }

    /// Brings one host into memory. False when the shard does not know it.
    ///
    /// # Errors
    /// As [`Shard::complete`].
    pub fn load(&mut self, id: HostId, attached: impl FnOnce() -> Option<Held>) -> Result<bool, HubError> {
        if id.is_posted() {
            self.load_posted(None)?;
        }
        if self.get(id).is_some() {
            return Ok(true);
        }
        if self.is_complete || id.is_posted() || !self.place.is_ours(id) {
            return Ok(false);
        }
        let Some(entry) = directory::find(&self.storage.sql, id)? else { return Ok(false) };
        self.hosts.insert(id, Tracked::load(&self.storage.sql, entry, attached())?);
        self.load_posted(None)?;
        self.show_posted(id);
        Ok(true)
    }

    /// A host in memory, or what is posted of one.
    pub fn get(&self, id: HostId) -> Option<&Tracked> {
        let all = if id.is_posted() { self.posted.as_ref()? } else { &self.hosts };
        all.get(&id)
    }

    /// A host in memory, to change.
    pub fn get_mut(&mut self, id: HostId) -> Option<&mut Tracked> {
        let all = if id.is_posted() { self.posted.as_mut()? } else { &mut self.hosts };
        all.get_mut(&id)
    }

    /// Every host in memory, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Tracked> {
        self.hosts.values()
    }

    /// Every host in memory, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Tracked> {
        self.hosts.values_mut()
    }

    /// Whether this is the agent of a host in memory. The comparison takes the same time for every secret.
    pub fn is_agent(&self, agent: &AgentWire, is_same: impl Fn(&str, &str) -> bool) -> bool {
        let known = self.hosts.get(&HostId(agent.host_id));
        known.is_some_and(|tracked| is_same(&tracked.entry.secret_hash, &agent.secret_hash))
    }

    /// Notes where a host reports from, and its agent's version where it is known; writes the host's row when that is news. People
    /// are told of another address.
    ///
    /// # Errors
    /// As [`Shard::complete`].
    pub fn note_origin(&mut self, agent: &AgentWire, now: UnixMillis) -> Result<(), HubError> {
        let id = HostId(agent.host_id);
        let Some(tracked) = self.hosts.get_mut(&id) else { return Ok(()) };
        let before = Entry::clone(&tracked.entry);
        let Entry { host, addresses_fixed, .. } = &mut *tracked.entry;
        if !*addresses_fixed {
            for (known, seen) in [(&mut host.addresses.v4, &agent.ipv4), (&mut host.addresses.v6, &agent.ipv6)] {
                if !seen.is_empty() {
                    known.clone_from(seen);
                }
            }
        }
        if let Some(country_code) = &agent.country_code {
            host.country_code.clone_from(country_code);
        }
        if !agent.agent_version.is_empty() {
            host.agent_version.clone_from(&agent.agent_version);
        }
        self.put_host(id, &before, false, now)
    }

    /// Takes in what a host says it is; writes its row when that is news, at most once a minute. What is not written is in memory,
    /// and comes again with the next connection. What changes all the time ([`HostFacts::steady`]) is no news.
    ///
    /// # Errors
    /// As [`Shard::complete`].
    pub fn note_facts(&mut self, id: HostId, mut facts: HostFacts, now: UnixMillis) -> Result<(), HubError> {
        let Some(tracked) = self.hosts.get_mut(&id) else { return Ok(()) };
        let before = Entry::clone(&tracked.entry);
        match facts.addresses.take() {
            Some(addresses) => (tracked.entry.host.addresses, tracked.entry.addresses_fixed) = (addresses, true),
            None if tracked.entry.addresses_fixed => {
                (tracked.entry.host.addresses, tracked.entry.addresses_fixed) = (model::Addresses::default(), false);
            }
            None => {}
        }
        // What changes all the time costs no row: it is in memory, and goes with the row that is written next.
        let is_steady = tracked.entry.addresses_fixed == before.addresses_fixed
            && tracked.entry.host.addresses == before.host.addresses
            && before.host.facts.as_ref().is_some_and(|known| known.steady() == facts.steady());
        tracked.entry.host.facts = Some(facts);
        if tracked.entry == before {
            return Ok(());
        }
        tracked.is_changed |= !is_steady;
        let is_held = is_steady || (0..FACTS_EVERY_MS).contains(&now.0.saturating_sub(tracked.facts_ms));
        if !is_held {
            tracked.facts_ms = now.0;
        }
        self.put_host(id, &before, is_held, now)
    }

    /// An agent begins: everything of its host that is with the hub becomes durable first, for an agent that lost its counter gives
    /// the same numbers anew.
    pub fn hello(&mut self, id: HostId, hello: &Hello, now: UnixMillis) -> FromHub {
        if hello.versions.common(Versions::OURS).is_none() {
            if let Some(tracked) = self.hosts.get_mut(&id) {
                // It will post, and its silence until then is that of one who posts.
                tracked.link = Link::Post { period_s: model::PERIOD_S, frame_s: self.levers.post_frame_s() };
            }
            return goodbye(Reason::Version, 0, "no version in common", Some(Versions::OURS));
        }
        let sql = self.storage.sql.clone();
        let Some(tracked) = self.hosts.get_mut(&id) else { return unknown() };
        let kept = tracked.ensure_loaded(&sql).and_then(|()| tracked.keep(&sql, now));
        if kept.is_err() {
            self.counts.forget();
            tracked.forget_pending();
            if tracked.ensure_loaded(&sql).is_err() {
                self.note_refused(now);
                return goodbye(Reason::Busy, HOLD_S, "the object's storage does not answer", None);
            }
        }
        (tracked.link, tracked.capabilities) = (Link::Socket, hello.capabilities);
        tracked.prober.is_back = true;
        tracked.hear(now);
        let durable_up_to = tracked.progress().1;
        let agent = AgentWire {
            host_id: id.0,
            secret_hash: String::new(),
            ipv4: String::new(),
            ipv6: String::new(),
            country_code: None,
            agent_version: hello.agent_version.chars().take(64).collect(),
            probes_version: None,
        };
        // Its version is for people; what cannot be stored now comes with the next hello.
        let _ = self.note_origin(&agent, now);
        FromHub::Welcome(Welcome { durable_up_to, time_ms: now.0, settings: self.settings(id, now) })
    }

    /// Counts a message of an agent; false when it sent more in a minute than any agent does, and is to be sent away.
    pub fn bears(&mut self, id: HostId, now: UnixMillis) -> bool {
        let Some(tracked) = self.hosts.get_mut(&id) else { return true };
        let (since_ms, count) = &mut tracked.heard;
        if !(0..60_000).contains(&now.0.saturating_sub(*since_ms)) {
            (*since_ms, *count) = (now.0, 0);
        }
        *count = count.saturating_add(1);
        *count <= MOST_MESSAGES_A_MINUTE
    }

    /// An agent sends samples.
    pub fn frame(&mut self, id: HostId, frame: Frame, now: UnixMillis) -> Vec<FromHub> {
        let number = frame.frame;
        let Some(tracked) = self.hosts.get(&id) else { return vec![unknown()] };
        let version = tracked.entry.host.agent_version.clone();
        let (mut report, impossible) = match frame.into_report(version) {
            Ok(intake) => intake,
            Err(failure) => return vec![goodbye(Reason::Malformed, 60, &failure.to_string(), None)],
        };
        let times = intake::mend_times(&mut report, now);
        self.drop_uncovered(id, &mut report.samples);
        self.expect_results(&report.samples);
        let Some(tracked) = self.hosts.get_mut(&id) else { return vec![unknown()] };
        tracked.link = Link::Socket;
        tracked.hear(now);
        let (write_s, frame_s) = (self.levers.write_s, report.frame_s);
        let before = tracked.newest.clone();
        let taken = tracked.take(&self.storage, &report);
        // What is taken is taken, whether or not it could be made durable now.
        let kept = tracked.keep_if_due(&self.storage.sql, now, write_s, frame_s);
        let (taken_up_to, durable_up_to) = tracked.progress();
        if [taken.as_ref().err(), kept.as_ref().err()].into_iter().flatten().any(HubError::is_refusal) {
            self.note_refused(now);
        }
        self.count_results(id, &taken, &report.samples, now);
        if let Ok(Verdict::Take { skip }) = taken {
            let samples = report.samples.get(skip..).unwrap_or_default();
            self.weigh(id, before.as_ref(), samples, report.period_s, now);
            self.weigh_metrics(id, samples, now);
            self.weigh_probes(id, samples, frame_s, now);
        }
        match taken {
            Ok(Verdict::Take { .. } | Verdict::Repeat) => {
                let dropped = impossible.into_iter().chain(times).map(DroppedValue::from).collect();
                let mut answers =
                    vec![FromHub::Ack(Ack { answers: Some(number), taken_up_to, durable_up_to, dropped })];
                if kept.is_err() {
                    answers.push(FromHub::Settings(self.settings(id, now)));
                }
                answers
            }
            Ok(Verdict::Resend { from }) => vec![FromHub::Resend(Resend { answers: number, from })],
            // Not taken, so it stays with the agent, which is asked to keep it for a while.
            Ok(Verdict::NotLoaded) | Err(_) => vec![
                FromHub::Settings(self.settings(id, now)),
                FromHub::Resend(Resend { answers: number, from: taken_up_to.saturating_add(1) }),
            ],
        }
    }

    /// An agent says what its host is.
    ///
    /// # Errors
    /// As [`Shard::note_facts`].
    pub fn facts(&mut self, id: HostId, facts: Facts, now: UnixMillis) -> Result<(), HubError> {
        self.note_facts(id, facts.into_facts().0, now)
    }

    /// An agent posts: what it is told to be durable is in the journal or in a ring row. Gives the first missing number when nothing
    /// was taken, and the samples whose times could not be.
    ///
    /// # Errors
    /// [`HubError::Refused`] when that could not be written; the agent tries again.
    pub fn post(
        &mut self,
        id: HostId,
        mut report: Report,
        now: UnixMillis,
    ) -> Result<(Option<u64>, Vec<Dropped>), HubError> {
        let times = intake::mend_times(&mut report, now);
        self.drop_uncovered(id, &mut report.samples);
        self.expect_results(&report.samples);
        let sql = self.storage.sql.clone();
        let Some(tracked) = self.hosts.get_mut(&id) else {
            return Err(HubError::Corrupt("a report of a host that is not here".to_owned()));
        };
        tracked.ensure_loaded(&sql)?;
        let before = tracked.newest.clone();
        let is_old = report.samples.last().is_some_and(|last| last.number < tracked.progress().1);
        let taken = tracked.take(&self.storage, &report);
        let mut kept = Ok(());
        if matches!(taken, Ok(Verdict::Take { .. } | Verdict::Repeat)) && !report.samples.is_empty() && !is_old {
            tracked.link = Link::Post { period_s: report.period_s, frame_s: report.frame_s };
            tracked.hear(now);
        }
        match &taken {
            // A question, or what is here already. An agent that asks numbers on from what it is told.
            Ok(Verdict::Repeat) => kept = tracked.keep(&sql, now),
            Ok(Verdict::Take { .. }) => kept = tracked.put_journal(&sql, now),
            _ => {}
        }
        if [taken.as_ref().err(), kept.as_ref().err()].into_iter().flatten().any(HubError::is_refusal) {
            self.note_refused(now);
        }
        self.count_results(id, &taken, &report.samples, now);
        // What the host says it is goes for the samples beside it: whose percentages they are, and what its address is.
        let facts = report.facts.take().filter(|_| !is_old && taken.is_ok() && kept.is_ok());
        let noted = facts.map_or(Ok(()), |facts| self.note_facts(id, facts, now));
        if let Ok(Verdict::Take { skip }) = taken {
            // Also when they could not be made durable: they are with the hub, and a repeat of them is no news.
            let samples = report.samples.get(skip..).unwrap_or_default();
            self.weigh(id, before.as_ref(), samples, report.period_s, now);
            self.weigh_metrics(id, samples, now);
            self.weigh_probes(id, samples, report.frame_s, now);
        }
        kept?;
        let resend_from = match taken? {
            Verdict::Resend { from } => Some(from),
            Verdict::Take { .. } | Verdict::Repeat | Verdict::NotLoaded => None,
        };
        noted?;
        Ok((resend_from, times))
    }

    /// How an agent with a socket is to report.
    pub fn settings(&self, id: HostId, now: UnixMillis) -> Settings {
        let default = Settings::default();
        let hold_until_ms = self.refused_until_ms.max(self.hold_until_ms);
        let (watched_until, _) = self.watched.get(&id).copied().unwrap_or_default();
        Settings {
            report: ReportSettings { period_s: default.report.period_s, frame_s: self.levers.frame_s },
            live_for_s: if watched_until > now.0 { LIVE_FOR_S } else { 0 },
            hold_for_s: u32::try_from((hold_until_ms - now.0).max(0) / 1000).unwrap_or(0).min(86_400),
            spread_s: u32::try_from(self.hosts.len() / HOSTS_PER_SPREAD_S).unwrap_or(90).clamp(5, 90),
            ..default
        }
    }

    /// How an agent that posts is to report.
    pub fn report_settings(&self) -> ReportSettings {
        ReportSettings { period_s: model::PERIOD_S, frame_s: self.levers.post_frame_s() }
    }
}

/// A goodbye.
pub fn goodbye(reason: Reason, spread_s: u32, text: &str, versions: Option<Versions>) -> FromHub {
    FromHub::Goodbye(Goodbye { reason, spread_s, text: text.to_owned(), versions })
}

fn unknown() -> FromHub {
    goodbye(Reason::Unauthorized, 0, "no such host", None)
}
