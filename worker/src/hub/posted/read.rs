//! Reading metrics by the names that programs post them under: what was posted, what our agent named itself, and what a host's
//! own metrics answer.

use std::collections::BTreeSet;

use edgewatch_core::blocks::query::{self, Plan, Question};
use edgewatch_core::blocks::rollup::{MINUTE, roll_up};
use edgewatch_core::blocks::tiers::{self, MINUTES, Rings, SAMPLES, TENS};
use edgewatch_core::blocks::{Block, Row, SeriesId};
use edgewatch_core::domain::posted;
use edgewatch_core::metrics::mackerel::{self, Derived};
use edgewatch_core::model::{Facts, HostId, Named};
use edgewatch_core::units::{Step, UnixMillis};

use super::minutes::{rows_of_time, samples_of_time};
use super::wire::PointsQuery;
use crate::hub::series::built_in;
use crate::hub::shard::Shard;
use crate::hub::sql::Sql;
use crate::hub::{HubError, rings};
use crate::store::history::{CoarseBlock, Wanted};

/// Values are newer than the block that they lie in by no more than this, ms, or an earlier block may have newer ones.
const LAG_MS: i64 = 120_000;
/// So fine that every tier answers for what it has: points are not put together here.
const EVERY_POINT: u32 = u32::MAX;

/// What is told once a minute stands for what a host's own metrics answer as long as it is no older than this, ms.
const TOLD_FOR_MS: i64 = 300_000;

/// Where a metric lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The number it is kept under.
    pub id: HostId,
    /// What was told under the name itself.
    named: Option<SeriesId>,
    /// What answers where nothing was told, with what the host said of itself.
    derived: Option<(&'static Derived, Option<Facts>)>,
}

impl Place {
    /// The value that a row has, and whether it was told under the name itself.
    fn value(&self, row: &Row) -> Option<(bool, f64)> {
        let told = self.named.and_then(|series| row.get(series));
        told.map(|value| (true, value)).or_else(|| {
            let (derived, facts) = self.derived.as_ref()?;
            let value = row.get(SeriesId::column(derived.metric as u8))?;
            Some((false, derived.value(value, facts.as_ref())?))
        })
    }
}

/// A point: its time in ms since 1970, whether it was told under the name itself, and its value.
type Point = (i64, bool, f64);

/// The points without those that stand beside told ones: a minute that is not told of yet, or was left out.
fn told_first(points: Vec<Point>) -> impl Iterator<Item = (i64, f64)> {
    let mut told: Vec<i64> = points.iter().filter(|(_, is_told, _)| *is_told).map(|(at_ms, ..)| *at_ms).collect();
    told.sort_unstable();
    let is_beside = move |at_ms: i64| {
        let behind = told.partition_point(|told| *told < at_ms.saturating_sub(TOLD_FOR_MS));
        told.get(behind).is_some_and(|told| *told <= at_ms.saturating_add(TOLD_FOR_MS))
    };
    let kept = points.into_iter().filter(move |(at_ms, is_told, _)| *is_told || !is_beside(*at_ms));
    kept.map(|(at_ms, _, value)| (at_ms, value))
}

impl Shard {
    /// Under which number a metric of a host is kept, by its key in our own API.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer; so for all that follow.
    pub fn kept_under(&mut self, of: HostId, metric: &str) -> Result<HostId, HubError> {
        self.load_posted(None)?;
        let posted = of.posted();
        if self.get(posted).is_none() || self.lives_by_posts(of) {
            return Ok(if self.get(posted).is_some() { posted } else { of });
        }
        if built_in(metric).is_some() || self.pending_with_names(of)?.1.find(metric).is_some() {
            return Ok(of);
        }
        Ok(if self.pending_with_names(posted)?.1.find(metric).is_some() { posted } else { of })
    }

    /// Where a metric of a host or service lies; `None` when it has none of this name. What was posted comes first, then what our agent
    /// named, then what the host's own metrics answer.
    ///
    /// # Errors
    /// As [`Shard::kept_under`].
    pub fn find_metric(&mut self, of: HostId, name: &str) -> Result<Option<Place>, HubError> {
        self.load_posted(None)?;
        // What is said of a part of a hypervisor has no names, and is posted by columns under the node's number.
        let is_polled = self.is_polled(of);
        let host = self.get(of).filter(|_| is_polled || !self.lives_by_posts(of));
        let derived = mackerel::derived(name).zip(host).and_then(|(derived, host)| {
            let facts = host.entry.host.facts.clone();
            derived.newest(host.newest.as_ref()?, facts.as_ref())?;
            Some((derived, facts))
        });
        for id in [of.posted(), of] {
            if self.get(id).is_some()
                && Named::check_name(name).is_ok()
                && let Some(series) = self.pending_with_names(id)?.1.find(name)
            {
                return Ok(Some(Place { id, named: Some(series), derived: derived.filter(|_| id == of) }));
            }
        }
        let id = if is_polled && self.get(of.posted()).is_some() { of.posted() } else { of };
        Ok(derived.map(|derived| Place { id, named: None, derived: Some(derived) }))
    }

    /// Every name by which a metric of a host or service is found, ascending.
    ///
    /// # Errors
    /// As [`Shard::kept_under`].
    pub fn metric_names(&mut self, of: HostId) -> Result<BTreeSet<String>, HubError> {
        self.load_posted(None)?;
        let mut names = BTreeSet::new();
        for id in [of.posted(), of] {
            if self.get(id).is_some() {
                let dictionary = self.pending_with_names(id)?.1;
                let own = dictionary.iter().map(|(_, name, _)| name).filter(|name| Named::check_name(name).is_ok());
                names.extend(own.map(str::to_owned));
            }
        }
        for derived in &mackerel::DERIVED {
            if !names.contains(derived.name) && self.find_metric(of, derived.name)?.is_some() {
                names.insert(derived.name.to_owned());
            }
        }
        Ok(names)
    }

    /// The newest value of some metrics of a host or service: its second, and the value; of the last day, as samples are kept.
    ///
    /// # Errors
    /// As [`Shard::kept_under`].
    pub fn latest_values(&mut self, of: HostId, names: &[String]) -> Result<Vec<Option<(i64, f64)>>, HubError> {
        let mut places = Vec::with_capacity(names.len());
        for name in names {
            places.push(self.find_metric(of, name)?);
        }
        let mut found: Vec<Option<(i64, f64)>> = vec![None; places.len()];
        for id in [of.posted(), of] {
            let wanted: Vec<(usize, SeriesId)> = (0..)
                .zip(&places)
                .filter_map(|(at, place)| Some((at, place.as_ref().filter(|one| one.id == id)?.named?)))
                .collect();
            if !wanted.is_empty() {
                self.look_back(id, &wanted, &mut found)?;
            }
        }
        let newest = self.get(of).and_then(|host| Option::clone(&host.newest));
        for (found, place) in found.iter_mut().zip(&places) {
            let Some((derived, facts)) = place.as_ref().and_then(|place| place.derived.as_ref()) else { continue };
            let Some(newest) = &newest else { continue };
            if found.is_none_or(|(at_ms, _)| at_ms < newest.at.0.saturating_sub(TOLD_FOR_MS)) {
                *found = derived.newest(newest, facts.as_ref()).map(|value| (newest.at.0, value)).or(*found);
            }
        }
        Ok(found.into_iter().map(|found| found.map(|(at_ms, value)| (at_ms.div_euclid(1000), value))).collect())
    }

    /// From the rows in memory back through the ring of samples, until everything is found and nothing newer can lie further back.
    fn look_back(
        &mut self,
        id: HostId,
        wanted: &[(usize, SeriesId)],
        found: &mut [Option<(i64, f64)>],
    ) -> Result<(), HubError> {
        let (pending, _) = self.pending_with_names(id)?;
        let (sql, rings) = (&self.storage.sql, self.storage.rings(id));
        let mut best: Vec<Option<(i64, u64, f64)>> = vec![None; wanted.len()];
        let look = |row: &Row, best: &mut Vec<Option<(i64, u64, f64)>>| {
            for ((_, series), best) in wanted.iter().zip(best) {
                if let Some(value) = row.get(*series)
                    && best.is_none_or(|(at_ms, number, _)| (row.at_ms, row.number) > (at_ms, number))
                {
                    *best = Some((row.at_ms, row.number, value));
                }
            }
        };
        for row in &pending {
            look(row, &mut best);
        }
        let mut since_ms = pending.first().map_or(i64::MAX, |row| began_ms(id, row));
        let mut next = rings::newest(sql, id, SAMPLES.number)?.map(|head| head.block_no);
        for _ in 0..rings.of(SAMPLES) {
            let is_found = |best: &Option<(i64, u64, f64)>| best.is_some_and(|(at_ms, ..)| at_ms >= since_ms - LAG_MS);
            let Some(block_no) = next.filter(|_| !best.iter().all(is_found)) else { break };
            next = block_no.checked_sub(1);
            let Some(stored) = rings::find(sql, id, SAMPLES.number, rings.of(SAMPLES), block_no)? else { continue };
            let Ok(block) = stored.block() else { continue };
            let rows: Vec<Row> = block.rows().collect();
            for row in &rows {
                look(row, &mut best);
            }
            since_ms = rows.first().map_or(since_ms, |row| began_ms(id, row));
        }
        for ((at, _), best) in wanted.iter().zip(best) {
            if let (Some(slot), Some((at_ms, _, value))) = (found.get_mut(*at), best) {
                // What our agent tells is of the minute that its sample ends, and said of its beginning as in points.
                let at_ms = if id.is_posted() { at_ms } else { MINUTE.start_ms(MINUTE.window(at_ms)) };
                *slot = Some((at_ms, value));
            }
        }
        Ok(())
    }

    /// The tiers that answer for a metric's points.
    pub fn points_plan(&self, place: &Place, wanted: &PointsQuery, now: UnixMillis) -> Plan {
        let known = self.known(place.id);
        let question = Question {
            host: place.id,
            from_ms: wanted.from_s.max(0).saturating_mul(1000),
            to_ms: wanted.to_s.saturating_add(1).saturating_mul(1000),
            points: EVERY_POINT,
            newest_ms: known.newest_ms.unwrap_or(now.0),
            coarse_to_ms: known.day_done.map(|day| tiers::day_start_ms(place.id, day.saturating_add(1))),
        };
        query::plan(&question, &self.storage.rings(place.id))
    }

    /// A metric's points of a time, oldest first: the second and the value. `coarse`: what D1 has for the plan.
    ///
    /// # Errors
    /// As [`Shard::kept_under`]; [`HubError::Corrupt`] when a stored block cannot be read.
    pub fn points(
        &mut self,
        place: &Place,
        wanted: &PointsQuery,
        plan: &Plan,
        coarse: &[CoarseBlock],
    ) -> Result<Vec<(i64, f64)>, HubError> {
        let mut points: Vec<Point> = Vec::new();
        let point = |row: &Row| place.value(row).map(|(is_told, value)| (row.at_ms, is_told, value));
        for part in plan.parts.iter().filter(|part| part.tier.number >= TENS.number) {
            for block in coarse.iter().filter(|block| block.host == place.id && block.tier == part.tier.number) {
                let rows: Vec<Row> = Block::unpack(&block.data)?.rows().collect();
                let rows = rows.iter().filter(|row| (part.from_ms..part.to_ms).contains(&row.at_ms));
                points.extend(rows.filter_map(point));
            }
        }
        let mut fine = plan.parts.iter().filter(|part| part.tier.number < TENS.number);
        if let Some(first) = fine.next() {
            let to_ms = fine.next_back().unwrap_or(first).to_ms;
            let (pending, _) = self.pending_with_names(place.id)?;
            let (sql, rings) = (&self.storage.sql, self.storage.rings(place.id));
            let time = (first.from_ms, to_ms);
            if place.id.is_posted() {
                points.extend(posted_points(sql, place, &rings, time, &pending)?);
            } else {
                points.extend(own_minutes(sql, place.id, &rings, time, &pending)?.iter().filter_map(point));
            }
        }
        points.sort_by_key(|(at_ms, ..)| *at_ms);
        let seconds = told_first(points).map(|(at_ms, value)| (at_ms.div_euclid(1000), value));
        Ok(seconds.filter(|(at_s, _)| (wanted.from_s..=wanted.to_s).contains(at_s)).collect())
    }
}

/// The blocks of D1 that a plan needs.
pub fn wanted_blocks(id: HostId, plan: &Plan) -> Vec<Wanted> {
    let coarse = plan.parts.iter().filter(|part| part.tier.number >= TENS.number);
    coarse
        .map(|part| {
            let (from_no, to_no) = part.block_nos(id).into_inner();
            Wanted { host: id, tier: part.tier.number, from_no, to_no }
        })
        .collect()
}

/// Of what is posted each minute's point: at the second it was posted with, as long as the sample is there; then where the minute begins.
fn posted_points(
    sql: &Sql,
    place: &Place,
    rings: &Rings,
    (from_ms, to_ms): (i64, i64),
    pending: &[Row],
) -> Result<Vec<Point>, HubError> {
    let minutes = rows_of_time(sql, place.id, rings, from_ms, to_ms, pending)?;
    let from_ms = MINUTE.start_ms(MINUTE.window(from_ms));
    let samples = samples_of_time(sql, place.id, rings, from_ms, to_ms)?;
    let mut said: Vec<(u64, u64, i64)> = samples
        .iter()
        .chain(pending)
        .filter(|row| place.value(row).is_some())
        .map(|row| (MINUTE.window(row.at_ms), row.number, row.at_ms))
        .collect();
    said.sort_unstable();
    // The last one of a minute is the one whose value counts.
    let second_of = |window: u64| {
        let behind = said.partition_point(|(of, ..)| *of <= window);
        said.get(behind.checked_sub(1)?).filter(|(of, ..)| *of == window).map(|(.., at_ms)| *at_ms)
    };
    let point = |row: &Row| {
        let (is_told, value) = place.value(row)?;
        Some((second_of(row.number).unwrap_or(row.at_ms), is_told, value))
    };
    Ok(minutes.iter().filter_map(point).collect())
}

/// Of what our agent reports a row a minute, as programs expect it: the average.
fn own_minutes(
    sql: &Sql,
    id: HostId,
    rings: &Rings,
    (from_ms, to_ms): (i64, i64),
    pending: &[Row],
) -> Result<Vec<Row>, HubError> {
    let from_ms = MINUTE.start_ms(MINUTE.window(from_ms));
    let in_time = |row: &Row| (from_ms..to_ms).contains(&row.at_ms);
    let mut minutes: Vec<Row> = Vec::new();
    let mut had_to_ms = from_ms;
    for stored in rings::in_time(sql, id, MINUTES, rings.of(MINUTES), from_ms, to_ms)? {
        had_to_ms = had_to_ms.max(MINUTES.end_ms(id, stored.block_no));
        minutes.extend(stored.block()?.rows().filter(in_time));
    }
    let is_new = |row: &Row| in_time(row) && row.at_ms >= had_to_ms;
    let mut samples: Vec<Row> = pending.iter().filter(|row| is_new(row)).cloned().collect();
    for stored in rings::in_time(sql, id, SAMPLES, rings.of(SAMPLES), had_to_ms, to_ms)? {
        samples.extend(stored.block()?.rows().filter(is_new));
    }
    minutes.extend(roll_up(&samples, MINUTE, |_| Step::Exact));
    Ok(minutes)
}

/// When the block that begins with a row began to be filled, ms since 1970.
fn began_ms(id: HostId, row: &Row) -> i64 {
    let came_ms = posted::moment_of(row.number).filter(|_| id.is_posted());
    came_ms.unwrap_or(row.at_ms)
}
