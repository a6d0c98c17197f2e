//! What is to be asked: the list that D1 has, kept in the object; what of it each agent was told; and what the Worker asks itself.
//!
//! The Worker reports as a host of number [`EDGE`], which is in no list: its samples lie in rings like everybody's, in the shard that
//! would have a host of that number.

use std::rc::Rc;

use edgewatch_core::blocks::Row;
use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::dialects::native::ProbeList;
use edgewatch_core::dialects::native::stream::{CAN_PROBE, FromHub, Probes};
use edgewatch_core::domain::probing::{self, means};
use edgewatch_core::model::{
    Coverage, HostId, Probe, ProbeId, ProbeKind, ProbeNotices, ProbeResult, ProbeSpec, Report, Sample,
};
use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde::{Deserialize, Serialize};

use super::directory::{self, Entry};
use super::probe_days::{self, Days};
use super::series::Known;
use super::shard::Shard;
use super::sql::Sql;
use super::tracked::Tracked;
use super::{HubError, wire};

/// The number under which the Worker's own results are kept: no host has it.
pub const EDGE: HostId = HostId(0);
/// The key of the list in the object's small state.
const LIST_KEY: &str = "probes";
/// The key of the last day of the Worker's results that D1 has, and in the next line, hexadecimal, what came of its probes until then.
const EDGE_DONE_KEY: &str = "edge_coarse_done";
/// So many of the notes on a probe are told.
const MAX_NOTES: usize = 5;
/// It is asked to ask once in this time, seconds.
const EDGE_S: u32 = 60;

/// A probe as the object keeps it, and as it is told the Worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own")]
pub struct ProbeWire {
    id: i64,
    name: String,
    kind: u8,
    target: String,
    interval_s: u32,
    only: bool,
    hosts: Vec<i64>,
    from_edge: bool,
    is_public: bool,
    #[serde(default)]
    delays_public: bool,
    notify: (bool, bool, f64, f64, String),
    #[serde(default)]
    certificate_days: Option<u32>,
    created_at_s: i64,
}

impl From<&Probe> for ProbeWire {
    fn from(probe: &Probe) -> Self {
        let ProbeSpec { name, kind, target, interval_s, coverage, from_edge, is_public, delays_public, notices } =
            probe.spec.clone();
        let ProbeNotices { of_state, of_delay, min_delay_ms, max_delay_ms, certificate_days, group } = notices;
        Self {
            id: probe.id.0,
            name,
            kind: kind.number(),
            target,
            interval_s,
            only: matches!(coverage, Coverage::Only(_)),
            hosts: coverage.named().iter().map(|host| host.0).collect(),
            from_edge,
            is_public,
            delays_public,
            notify: (of_state, of_delay, min_delay_ms, max_delay_ms, group),
            certificate_days: Some(certificate_days),
            created_at_s: probe.created_at.0,
        }
    }
}

impl TryFrom<ProbeWire> for Probe {
    type Error = HubError;

    fn try_from(wire: ProbeWire) -> Result<Self, HubError> {
        let kind = ProbeKind::of_number(wire.kind.into());
        let hosts = wire.hosts.into_iter().map(HostId).collect();
        let (of_state, of_delay, min_delay_ms, max_delay_ms, group) = wire.notify;
        let spec = ProbeSpec {
            name: wire.name,
            kind: kind.ok_or_else(|| HubError::Corrupt("a probe of no kind".to_owned()))?,
            target: wire.target,
            interval_s: wire.interval_s,
            coverage: if wire.only { Coverage::Only(hosts) } else { Coverage::AllBut(hosts) },
            from_edge: wire.from_edge,
            is_public: wire.is_public,
            delays_public: wire.delays_public,
            notices: ProbeNotices {
                of_state,
                of_delay,
                min_delay_ms,
                max_delay_ms,
                // A list of before is told anew with the next change.
                certificate_days: ProbeNotices::certificate_days(wire.certificate_days, of_state),
                group,
            },
        };
        Ok(Self { id: ProbeId(wire.id), spec, created_at: UnixSeconds(wire.created_at_s) })
    }
}

impl Shard {
    /// Every probe, by number. Reads a row of the object's small state the first time.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn probes(&mut self) -> Result<&[Probe], HubError> {
        if self.probes.is_none() {
            let text = directory::meta(&self.storage.sql, LIST_KEY)?;
            self.knows_probes = text.is_some();
            // What cannot be read is no list: D1 has it, and tells it with the next change.
            let wires: Vec<ProbeWire> = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            self.know_probes(wires.into_iter().filter_map(|wire| Probe::try_from(wire).ok()).collect());
        }
        Ok(self.probes.as_deref().unwrap_or_default())
    }

    /// Takes in the list that D1 has: 1 row written when it is another one, and 1 more when somebody asked lately how probes fared.
    ///
    /// # Errors
    /// As [`Shard::probes`].
    pub fn set_probes(&mut self, probes: Vec<Probe>) -> Result<(), HubError> {
        if self.probes()? == probes.as_slice() && self.knows_probes {
            return Ok(());
        }
        let wires: Vec<ProbeWire> = probes.iter().map(ProbeWire::from).collect();
        let text = serde_json::to_string(&wires).map_err(|error| HubError::Corrupt(error.to_string()))?;
        directory::put_meta(&self.storage.sql, LIST_KEY, &text)?;
        self.know_probes(probes);
        self.knows_probes = true;
        self.forget_answer()
    }

    /// Drops what samples of a host hold of probes that do not cover it: an agent may say what it likes, or not know yet.
    pub fn drop_uncovered(&mut self, id: HostId, samples: &mut [Sample]) {
        if samples.iter().all(|sample| sample.probes.is_empty()) || self.probes().is_err() || !self.knows_probes {
            // Who was never told a list cannot say; it counts by the list all the same.
            return;
        }
        let list = self.probes.as_deref().unwrap_or_default();
        let covers = |result: &ProbeResult| {
            let at = list.binary_search_by_key(&result.probe, |probe| probe.id).ok();
            at.and_then(|at| list.get(at)).is_some_and(|probe| probe.spec.coverage.has(id))
        };
        for sample in samples {
            sample.probes.retain(covers);
        }
    }

    fn know_probes(&mut self, probes: Vec<Probe>) {
        self.storage.means = Rc::new(means::wanted(&probes));
        self.probes = Some(probes);
    }

    /// What a host is to ask.
    ///
    /// # Errors
    /// As [`Shard::probes`].
    pub fn probe_list(&mut self, id: HostId) -> Result<ProbeList, HubError> {
        let tasks = probing::tasks(self.probes()?, id);
        Ok(ProbeList::of(probing::version(&tasks), &tasks))
    }

    /// What an agent that has just said hello is to ask; `None` for one that cannot.
    ///
    /// # Errors
    /// As [`Shard::probes`].
    pub fn greet_with_probes(&mut self, id: HostId) -> Result<Option<FromHub>, HubError> {
        if let Some(tracked) = self.get_mut(id) {
            tracked.probes_told = 0;
        }
        self.untold_probes(id)
    }

    /// The list of a host whose agent can ask and was told another one, for its socket; it counts as told.
    ///
    /// # Errors
    /// As [`Shard::probes`].
    pub fn untold_probes(&mut self, id: HostId) -> Result<Option<FromHub>, HubError> {
        if self.get(id).is_none_or(|tracked| tracked.capabilities & CAN_PROBE == 0) {
            return Ok(None);
        }
        let list = self.probe_list(id)?;
        let Some(tracked) = self.get_mut(id).filter(|tracked| tracked.probes_told != list.version) else {
            return Ok(None);
        };
        tracked.probes_told = list.version;
        Ok(Some(FromHub::Probes(Probes(list))))
    }

    /// The list of a host that posts, when that is not the one it goes by.
    ///
    /// # Errors
    /// As [`Shard::probes`].
    pub fn posted_probes(&mut self, id: HostId, known: Option<u64>) -> Result<Option<ProbeList>, HubError> {
        let Some(known) = known else { return Ok(None) };
        let list = self.probe_list(id)?;
        // Who has no list yet needs none that is empty.
        let is_news = list.version != known && !(known == 0 && list.probes.is_empty());
        Ok(is_news.then_some(list))
    }

    /// The rows of a host's samples that lie in no ring yet.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn pending_rows(&mut self, id: HostId) -> Result<Vec<Row>, HubError> {
        self.pending_with_names(id).map(|(rows, _)| rows)
    }

    /// The same, and the host's names: those that no ring has yet, too.
    ///
    /// # Errors
    /// As [`Shard::pending_rows`].
    pub fn pending_with_names(&mut self, id: HostId) -> Result<(Vec<Row>, Dictionary), HubError> {
        let sql = self.storage.sql.clone();
        let tracked = if id == EDGE { Some(self.edge()?) } else { self.get_mut(id) };
        tracked.map_or_else(|| Ok((vec![], Dictionary::default())), |tracked| tracked.pending_rows(&sql))
    }

    /// The same for one whose stored names are at hand: it gets the others.
    ///
    /// # Errors
    /// As [`Shard::pending_rows`].
    pub(super) fn pending_named(&mut self, id: HostId, names: &mut Dictionary) -> Result<Vec<Row>, HubError> {
        let sql = self.storage.sql.clone();
        let tracked = if id == EDGE { Some(self.edge()?) } else { self.get_mut(id) };
        tracked.map_or_else(|| Ok(vec![]), |tracked| tracked.pending_named(&sql, names))
    }

    /// Some of what hosts and the Worker said of these probes: the probe's number, the host's, and the words. At most five of each.
    pub fn notes(&self, probes: &[Probe]) -> Vec<(i64, i64, String)> {
        let of = |probe: &Probe| {
            let id = probe.id;
            let all = self.iter().filter(|tracked| probe.spec.coverage.has(tracked.id())).chain(self.edge.as_ref());
            let said = all.filter_map(move |tracked| Some((id.0, tracked.id().0, tracked.notes.get(&id)?.1.clone())));
            said.take(MAX_NOTES).collect::<Vec<_>>()
        };
        probes.iter().flat_map(of).collect()
    }

    /// What questions about a host's history need to know.
    pub fn known(&self, id: HostId) -> Known {
        self.get(id).map(Tracked::known).unwrap_or_default()
    }

    /// The Worker's own results, as a host's: with the probes that the Worker asks alone.
    ///
    /// # Errors
    /// As [`Shard::probes`].
    pub fn edge(&mut self) -> Result<&mut Tracked, HubError> {
        if self.edge.is_none() {
            let text = directory::meta(&self.storage.sql, EDGE_DONE_KEY)?;
            let done = text.and_then(|text| text.lines().next()?.parse().ok());
            self.edge = Some(Tracked::load(&self.storage.sql, edge_entry(done), None)?);
        }
        self.edge.as_mut().ok_or_else(|| HubError::Corrupt("no edge".to_owned()))
    }

    /// Takes what came of a run of the Worker: 1 row written, and what a host's report of this time would. Whether people are to be told
    /// of it.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer: these results are lost, the next run brings others.
    pub fn take_edge(&mut self, results: Vec<ProbeResult>, at: UnixMillis) -> Result<bool, HubError> {
        self.read_monitors()?;
        let storage = self.storage.clone();
        let edge = self.edge()?;
        edge.ensure_loaded(&storage.sql)?;
        if results.is_empty() || edge.newest_ms().is_some_and(|newest_ms| newest_ms >= at.0) {
            // Told twice.
            return Ok(false);
        }
        let number = edge.progress().0.saturating_add(1);
        let report = Report {
            agent_version: String::new(),
            sent_at: at,
            oldest: number,
            period_s: EDGE_S,
            frame_s: EDGE_S,
            probes_version: None,
            facts: None,
            samples: vec![Sample { number, at, probes: results, ..Sample::default() }],
        };
        let taken = edge.take(&storage, &report);
        let kept = if taken.is_ok() { edge.put_journal(&storage.sql, at) } else { Ok(()) };
        self.count_results(EDGE, &taken, &report.samples, at);
        taken.and(kept)?;
        Ok(self.weigh_probes(EDGE, &report.samples, EDGE_S, at))
    }
}

/// Stores the row of a host or of the Worker after a day of it was done: 1 row written.
///
/// # Errors
/// [`HubError::Refused`] when the object's database does not answer; so for all that follow.
pub(super) fn put_done(sql: &Sql, entry: &Entry) -> Result<(), HubError> {
    if entry.host.id != EDGE {
        return directory::put(sql, entry);
    }
    match edge_days(sql)? {
        Some(days) => put_edge(sql, entry.coarse_done, &days),
        None => directory::put_meta(sql, EDGE_DONE_KEY, &edge_done(entry.coarse_done)),
    }
}

/// Stores the last day of the Worker's results that D1 has, and what came of its probes on all of them: 1 row written.
///
/// # Errors
/// As [`put_done`].
pub(super) fn put_edge(sql: &Sql, coarse_done: Option<u64>, days: &[u8]) -> Result<(), HubError> {
    let mut text = edge_done(coarse_done);
    text.push('\n');
    for byte in days {
        text.extend([byte >> 4, byte & 0xf].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
    }
    directory::put_meta(sql, EDGE_DONE_KEY, &text)
}

/// What came of the Worker's probes on the days that are done; `None` where D1 is to be asked. 1 row read.
///
/// # Errors
/// As [`put_done`].
pub(super) fn edge_days(sql: &Sql) -> Result<Option<Vec<u8>>, HubError> {
    let Some(text) = directory::meta(sql, EDGE_DONE_KEY)? else { return Ok(Some(probe_days::encode(&Days::new()))) };
    let digits = text.split_once('\n').map_or(&[][..], |(_, digits)| digits.as_bytes());
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    Ok(digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>().filter(|bytes| !bytes.is_empty()))
}

fn edge_done(coarse_done: Option<u64>) -> String {
    coarse_done.map(|day| day.to_string()).unwrap_or_default()
}

fn edge_entry(coarse_done: Option<u64>) -> Entry {
    let mut entry = directory::unlisted(EDGE, coarse_done, 0);
    "edge".clone_into(&mut entry.host.name);
    entry
}

/// The index of the shard that keeps the Worker's results.
pub fn edge_shard(shards: u32) -> u32 {
    wire::shard_of(EDGE, shards)
}

#[cfg(test)]
pub(super) mod tests;
