//! Questions about history, answered from the rings: the fine ones here, the coarse ones in D1, and what is only in memory.

use std::collections::BTreeSet;

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::query::{self, Part, Plan, Point, Points, Question};
use edgewatch_core::blocks::tiers::{self, MINUTES, Rings, SAMPLES, TENS, Tier};
use edgewatch_core::blocks::{Block, Facet, Row, SeriesId};
use edgewatch_core::dialects::native::SeriesPart;
use edgewatch_core::metrics;
use edgewatch_core::model::{HostId, SeriesQuery};
use edgewatch_core::units::{Step, UnixMillis};
use serde::{Deserialize, Serialize};

use super::HubError;
use super::posted;
use super::rings;
use super::sql::Sql;
use crate::store::Db;
use crate::store::history::{self, CoarseBlock, Wanted};

/// Of how many hosts coarse blocks are asked for at a time: five years of a host are 2 MB of text.
const HOSTS_AT_ONCE: usize = 4;
/// The most names that are listed to somebody who asked for one that is not there.
const MAX_NAMES: usize = 50;

/// Where history lies.
pub struct Sources<'a> {
    /// The object's database.
    pub sql: &'a Sql,
    /// D1.
    pub db: &'a Db,
    /// How long a host's rings are now: it may change while D1 is asked.
    pub rings: &'a dyn Fn(HostId) -> Rings,
}

/// What the hub knows of a host without asking a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// The time of its newest sample, where there is one: nothing is looked for behind it.
    pub newest_ms: Option<i64>,
    /// The last day that is done, by [`super::coarse`]: D1 is asked up to its end, the fine rings from there on. Without it the
    /// end is guessed.
    pub day_done: Option<u64>,
}

/// The answer, as it travels from the hub to the Worker too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Per host and metric, in the order asked, the host and a [`SeriesPart`] as JSON.
    pub series: Vec<(i64, String)>,
    /// Metrics that none of the hosts has.
    pub unknown: Vec<String>,
    /// When there are such: names that the hosts have beside the built-in ones, some of them.
    pub names: Vec<String>,
    /// Whether every part of the history answered.
    pub complete: bool,
}

impl Answer {
    /// The answers of several shards as one, in the order of `hosts`.
    #[must_use]
    pub fn join(answers: Vec<Self>, hosts: &[HostId]) -> Self {
        let mut joined = Self { complete: true, ..Self::default() };
        let mut unknown: Option<Vec<String>> = None;
        for answer in answers {
            joined.series.extend(answer.series);
            joined.names.extend(answer.names);
            joined.complete &= answer.complete;
            unknown = Some(match unknown {
                Some(before) => before.into_iter().filter(|name| answer.unknown.contains(name)).collect(),
                None => answer.unknown,
            });
        }
        joined.unknown = unknown.unwrap_or_default();
        joined.names.sort();
        joined.names.dedup();
        joined.names.truncate(MAX_NAMES);
        joined.series.sort_by_key(|(host, _)| hosts.iter().position(|wanted| wanted.0 == *host));
        joined
    }
}

/// What of hosts is in memory.
pub trait Memory {
    /// Under which number a metric of a host is kept: its own, or that of what is posted of it.
    fn kept_under(&self, host: HostId, metric: &str) -> HostId;
    /// What is known of what is kept under a number; asked before D1 is.
    fn known(&self, id: HostId) -> Known;
    /// The rows of samples that are in no ring, and the names; asked afterwards.
    fn pending(&self, id: HostId) -> (Vec<Row>, Dictionary);
}

/// Answers from all tiers. When D1 does not answer, what it has is missing and the answer says that it is not complete; so it is
/// when a block cannot be read.
///
/// # Errors
/// [`HubError::Refused`] when the object's own database refuses.
pub async fn answer(
    sources: Sources<'_>,
    query: &SeriesQuery,
    now: UnixMillis,
    memory: &impl Memory,
) -> Result<Answer, HubError> {
    let Sources { sql, db, rings } = sources;
    let mut reader = Reader::new(query);
    for hosts in query.hosts.chunks(HOSTS_AT_ONCE) {
        let plan = |id: HostId| {
            let known = memory.known(id);
            clipped(query::plan(&question(query, id, now, known), &rings(id)), known)
        };
        let wanted: Vec<Wants> = hosts.iter().flat_map(|host| wants(query, *host, memory)).collect();
        let plans: Vec<(HostId, Plan)> = wanted.iter().map(|wants| (wants.id, plan(wants.id))).collect();
        let coarse = coarse_blocks(db, &plans).await;
        reader.is_complete &= coarse.is_ok();
        let coarse = coarse.unwrap_or_default();
        for (wants, (id, plan)) in wanted.into_iter().zip(&plans) {
            let (pending, dictionary) = memory.pending(*id);
            let mut gathered = reader.gather(wants, plan, &dictionary);
            gathered.add_coarse(&coarse);
            if id.is_posted() {
                gathered.add_posted(sql, &rings(*id), &pending)?;
            } else {
                gathered.add_fine(sql, &rings(*id))?;
                for part in plan.parts.iter().filter(|part| part.tier == SAMPLES) {
                    gathered.add(part, pending.iter());
                }
            }
            gathered.finish()?;
        }
    }
    Ok(reader.finish(true))
}

/// Answers from the coarse tiers alone: what is left when the hub does not answer. Never complete.
///
/// # Errors
/// [`HubError::Refused`] when D1 refuses.
pub async fn answer_coarse(db: &Db, rings: &Rings, query: &SeriesQuery, now: UnixMillis) -> Result<Answer, HubError> {
    let mut reader = Reader::new(query);
    let all: Vec<HostId> = query.hosts.iter().flat_map(|host| [*host, host.posted()]).collect();
    let names = if reader.needs_names() { history::list_dictionaries(db, &all).await? } else { Vec::new() };
    for hosts in query.hosts.chunks(HOSTS_AT_ONCE) {
        let plan = |id| query::plan_coarse(&question(query, id, now, Known::default()), rings);
        let ids = hosts.iter().flat_map(|host| [*host, host.posted()]);
        let plans: Vec<(HostId, Plan)> = ids.map(|id| (id, plan(id))).collect();
        let coarse = coarse_blocks(db, &plans).await?;
        let has_blocks = |id: HostId| coarse.iter().any(|block| block.host == id);
        // Who is not there to ask would say which of the two counts; of most hosts there is but one.
        let own_counts = |host: HostId| has_blocks(host) || !has_blocks(host.posted());
        let counts = |id: HostId| own_counts(id.owner()) != id.is_posted();
        for (id, plan) in plans.iter().filter(|(id, _)| counts(*id)) {
            let stored = names.iter().find(|(of, _)| of == id).map(|(_, bytes)| Dictionary::decode(bytes));
            let dictionary = stored.transpose().unwrap_or_default().unwrap_or_default();
            let metrics = (0..query.metrics.len()).collect();
            let mut gathered = reader.gather(Wants { id: *id, metrics }, plan, &dictionary);
            gathered.add_coarse(&coarse);
            gathered.finish()?;
        }
    }
    Ok(reader.finish(false))
}

fn question(query: &SeriesQuery, host: HostId, now: UnixMillis, known: Known) -> Question {
    Question {
        host,
        from_ms: query.from.millis().0,
        to_ms: query.to.millis().0,
        points: query.points,
        newest_ms: known.newest_ms.unwrap_or(now.0),
        coarse_to_ms: known.day_done.map(|day| tiers::day_start_ms(host, day.saturating_add(1))),
    }
}

/// The plan without looking for what is newer than the newest.
fn clipped(mut plan: Plan, known: Known) -> Plan {
    if let Some(newest_ms) = known.newest_ms {
        for part in &mut plan.parts {
            part.to_ms = part.to_ms.min(newest_ms.saturating_add(1));
        }
        plan.parts.retain(|part| part.from_ms < part.to_ms);
    }
    plan
}

async fn coarse_blocks(db: &Db, plans: &[(HostId, Plan)]) -> Result<Vec<CoarseBlock>, HubError> {
    let mut wanted = Vec::new();
    for (host, plan) in plans {
        for part in plan.parts.iter().filter(|part| part.tier.number >= TENS.number) {
            let (from_no, to_no) = part.block_nos(*host).into_inner();
            wanted.push(Wanted { host: *host, tier: part.tier.number, from_no, to_no });
        }
    }
    Ok(history::list(db, &wanted).await?)
}

/// Metrics of a host that are kept under one number.
struct Wants {
    id: HostId,
    /// Places in the question's list.
    metrics: Vec<usize>,
}

fn wants(query: &SeriesQuery, host: HostId, memory: &impl Memory) -> Vec<Wants> {
    let (posted, own): (Vec<usize>, Vec<usize>) =
        query.metrics.iter().enumerate().map(|(place, metric)| (place, memory.kept_under(host, metric))).fold(
            Default::default(),
            |(mut posted, mut own), (place, id)| {
                if id.is_posted() {
                    posted.push(place);
                } else {
                    own.push(place);
                }
                (posted, own)
            },
        );
    let all = [Wants { id: host, metrics: own }, Wants { id: host.posted(), metrics: posted }];
    all.into_iter().filter(|wants| !wants.metrics.is_empty()).collect()
}

/// What is gathered of an answer.
struct Reader<'a> {
    query: &'a SeriesQuery,
    /// With the place of the metric in the question's list.
    series: Vec<(i64, usize, String)>,
    found: BTreeSet<String>,
    names: BTreeSet<String>,
    is_complete: bool,
}

/// What is gathered of one host.
struct Gathered<'a, 'b> {
    reader: &'b mut Reader<'a>,
    wants: Wants,
    plan: &'b Plan,
    /// Per metric that is wanted.
    series: Vec<Option<SeriesId>>,
    points: Points,
    tiers: BTreeSet<u8>,
}

impl<'a> Reader<'a> {
    fn new(query: &'a SeriesQuery) -> Self {
        let found = BTreeSet::new();
        Self { query, series: Vec::new(), found, names: BTreeSet::new(), is_complete: true }
    }

    fn needs_names(&self) -> bool {
        self.query.metrics.iter().any(|key| built_in(key).is_none())
    }

    fn gather<'b>(&'b mut self, wants: Wants, plan: &'b Plan, dictionary: &Dictionary) -> Gathered<'a, 'b> {
        let find = |place: &usize| {
            let key = self.query.metrics.get(*place)?;
            let id = built_in(key).or_else(|| dictionary.find(key))?;
            self.found.insert(key.clone());
            Some(id)
        };
        let series: Vec<Option<SeriesId>> = wants.metrics.iter().map(find).collect();
        self.names.extend(dictionary.iter().take(MAX_NAMES).map(|(_, name, _)| name.to_owned()));
        let points = Points::new(plan, series.iter().flatten().copied());
        Gathered { reader: self, wants, plan, series, points, tiers: BTreeSet::new() }
    }

    fn finish(self, may_be_complete: bool) -> Answer {
        let unknown: Vec<String> =
            self.query.metrics.iter().filter(|key| !self.found.contains(*key)).cloned().collect();
        let names = if unknown.is_empty() { Vec::new() } else { self.names.into_iter().take(MAX_NAMES).collect() };
        let mut series = self.series;
        let place = |host: i64| self.query.hosts.iter().position(|wanted| wanted.0 == host);
        series.sort_by_key(|(host, metric, _)| (place(*host), *metric));
        let series = series.into_iter().map(|(host, _, json)| (host, json)).collect();
        Answer { series, unknown, names, complete: may_be_complete && self.is_complete }
    }
}

impl Gathered<'_, '_> {
    fn add<'r>(&mut self, part: &Part, rows: impl Iterator<Item = &'r Row>) {
        for row in rows.filter(|row| (part.from_ms..part.to_ms).contains(&row.at_ms)) {
            self.tiers.insert(part.tier.number);
            self.points.add(part.tier, row);
        }
    }

    /// A block that cannot be read is left out, and the answer is not complete.
    fn add_block(&mut self, part: &Part, data: &[u8]) {
        match Block::unpack(data) {
            Ok(block) => {
                let rows: Vec<Row> = block.rows().collect();
                self.add(part, rows.iter());
            }
            Err(_) => self.reader.is_complete = false,
        }
    }

    fn add_coarse(&mut self, blocks: &[CoarseBlock]) {
        let (host, plan) = (self.wants.id, self.plan);
        for part in &plan.parts {
            let numbers = part.block_nos(host);
            for block in blocks.iter().filter(|block| block.host == host && block.tier == part.tier.number) {
                if numbers.contains(&block.block_no) {
                    self.add_block(part, &block.data);
                }
            }
        }
    }

    /// The fine part of what is posted: minutes as they count, each of one value.
    fn add_posted(&mut self, sql: &Sql, rings: &Rings, pending: &[Row]) -> Result<(), HubError> {
        let (id, plan) = (self.wants.id, self.plan);
        let fine = || plan.parts.iter().filter(|part| part.tier.number < TENS.number);
        let (Some(from), Some(to)) = (fine().next(), fine().next_back()) else { return Ok(()) };
        let mut rows = match posted::rows_of_time(sql, id, rings, from.from_ms, to.to_ms, pending) {
            Err(HubError::Corrupt(_)) => {
                self.reader.is_complete = false;
                return Ok(());
            }
            rows => rows?,
        };
        for row in &mut rows {
            for (series, value) in row.values().to_vec() {
                row.set(series.with(Facet::Maximum), value, Step::Exact);
            }
        }
        for part in fine() {
            self.add(part, rows.iter());
        }
        Ok(())
    }

    fn add_fine(&mut self, sql: &Sql, rings: &Rings) -> Result<(), HubError> {
        let plan = self.plan;
        let mut samples_from_ms = None;
        if let Some(part) = plan.parts.iter().find(|part| part.tier == MINUTES) {
            let blocks = rings::in_time(sql, self.wants.id, MINUTES, rings.of(MINUTES), part.from_ms, part.to_ms)?;
            for block in &blocks {
                self.add_block(part, &block.data);
            }
            // Minutes that should be there by now and are not are in the samples still.
            let had_to_ms = blocks.last().map_or(part.from_ms, |last| MINUTES.end_ms(self.wants.id, last.block_no));
            if had_to_ms < part.to_ms {
                samples_from_ms = Some((had_to_ms.max(part.from_ms), part.to_ms));
            }
        }
        let missing = samples_from_ms.map(|(from_ms, to_ms)| Part { tier: SAMPLES, from_ms, to_ms });
        for part in missing.iter().chain(plan.parts.iter().filter(|part| part.tier == SAMPLES)) {
            let oldest_ms = self.oldest_samples_ms(rings, part.to_ms);
            let from_ms = part.from_ms.max(oldest_ms);
            for block in rings::in_time(sql, self.wants.id, SAMPLES, rings.of(SAMPLES), from_ms, part.to_ms)? {
                self.add_block(part, &block.data);
            }
        }
        Ok(())
    }

    /// Before this no sample can be in the ring when there are some of `to_ms`.
    fn oldest_samples_ms(&self, rings: &Rings, to_ms: i64) -> i64 {
        let oldest = rings.oldest(SAMPLES, SAMPLES.block_no(self.wants.id, to_ms.saturating_sub(1)));
        SAMPLES.start_ms(self.wants.id, oldest)
    }

    fn finish(self) -> Result<(), HubError> {
        let name = |number: &u8| tiers::ALL.get(usize::from(*number)).map(|tier: &Tier| tier.name);
        let tiers: Vec<&'static str> = self.tiers.iter().rev().filter_map(name).collect();
        let mut lines = self.points.finish().into_iter().map(|(_, points)| points);
        let host = self.wants.id.owner();
        for (place, id) in self.wants.metrics.iter().zip(&self.series) {
            let Some(metric) = self.reader.query.metrics.get(*place) else { continue };
            let points = id.and_then(|_| lines.next()).unwrap_or_default();
            let part = part(host, metric, &tiers, self.plan.step_ms, &points);
            let json = serde_json::to_string(&part).map_err(|error| HubError::Corrupt(error.to_string()))?;
            self.reader.series.push((host.0, *place, json));
        }
        Ok(())
    }
}

pub(in crate::hub) fn built_in(key: &str) -> Option<SeriesId> {
    let definition = metrics::ALL.iter().find(|definition| definition.key == key)?;
    Some(SeriesId::column(definition.metric as u8))
}

fn part(host: HostId, metric: &str, tiers: &[&'static str], step_ms: i64, points: &[Point]) -> SeriesPart {
    SeriesPart {
        host: host.0,
        metric: metric.to_owned(),
        tiers: tiers.to_vec(),
        step_s: step_ms / 1000,
        at_s: points.iter().map(|point| point.at_ms.div_euclid(1000)).collect(),
        average: points.iter().map(|point| point.average.map(|value| tidy(value, point.samples))).collect(),
        maximum: points.iter().map(|point| point.maximum).collect(),
        samples: points.iter().map(|point| point.samples).collect(),
    }
}

/// An average to twelve digits: more are noise of the division, and longer in JSON. A single sample is what it is.
fn tidy(value: f64, samples: u64) -> f64 {
    if samples <= 1 {
        return value;
    }
    format!("{value:.11e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests;
