//! From the hub's fine rings to the coarse ones in D1: a day of a host at a time, when it is over.
//!
//! A coarse block covers several days and grows by one a day: what D1 has is loaded, the day's rows are laid into it, and
//! the whole is written, guarded by of how many samples it is made. So a repeat, a lost reply and a late write of a dead
//! instance change nothing. The owner keeps per host the last day that is done:
//! ```text
//! for day_no in due(…) { build(…) -> Option<Day> }; write(db, …, days) -> which are done
//! ```
//! A day without samples gives no `Day` and is done too. Samples that come late lie in a day that is done: after
//! [`super::rollup::rewrite`] of their block of minutes, set the mark back to the day before theirs ([`tiers::day_no`]), and
//! their day is built and written again. That works as long as the hub still has the minutes of that day; what it has no
//! more stays as it is in D1.
//!
//! Averages and largest values of metrics that hosts name themselves are kept in D1 to 14 binary digits, but for what stands still;
//! in the hub they are what was measured.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::rollup::{self, TEN_MINUTES};
use edgewatch_core::blocks::tiers::{self, MINUTES, Rings, SAMPLES, TENS, TWO_HOURS};
use edgewatch_core::blocks::{Block, Row, SeriesId};
use edgewatch_core::metrics::mackerel;
use edgewatch_core::model::{HostId, Named, Sample};
use edgewatch_core::units::Step;

use super::HubError;
use super::posted;
use super::probe_days::{self, Part};
use super::rings;
use super::rollup::{coarser, fuller};
use super::sql::Sql;
use super::tracked::Tracked;
use super::{probes, rows};
use crate::store::Db;
use crate::store::history::{self, CoarseBlock, Wanted};

/// After this a day of a host that says nothing more is over, ms behind its end (or that of the block it ended in).
const PATIENCE_MS: i64 = 3_600_000;
/// Of how many hosts blocks are loaded at a time: some 100 kB of text each.
const HOSTS_AT_ONCE: usize = 20;

/// The coarse rows of one day of a host.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    /// Whose.
    pub host: HostId,
    /// Which day, by [`tiers::day_no`].
    pub day_no: u64,
    tens: Vec<Row>,
    two_hours: Vec<Row>,
    /// The host's dictionary, when it has any names.
    names: Option<Vec<u8>>,
    /// What came of probes.
    pub probes: Vec<Part>,
    /// Of what is posted, the number of the last sample that came: a value that takes another's place adds none to the samples that
    /// a block is made of, by which late writes are told.
    last_number: Option<u64>,
}

/// What became of days that were to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// These are in D1.
    pub done: Vec<(HostId, u64)>,
    /// Blocks in D1 that could not be read and were begun anew. They stay as they are while they claim more samples.
    pub damaged: usize,
    /// Why others are not: they are to be tried again.
    pub failed: Option<HubError>,
}

/// The days of a host that are over and not done, oldest first. `done` is the last one that is; `newest_ms` the time of its
/// newest sample. A day is over when a later sample has ended the block of samples that the day's end lies in, so that all of
/// the day is in rings, or when nothing came for an hour behind its end (the open block of a silent host is to be stored by
/// then).
pub fn due(host: HostId, rings: &Rings, done: Option<u64>, newest_ms: i64, now_ms: i64) -> Vec<u64> {
    let newest_day = tiers::day_no(host, newest_ms);
    let is_over = |day: u64| {
        let end_ms = tiers::day_start_ms(host, day.saturating_add(1));
        let block_no = SAMPLES.block_no(host, end_ms.saturating_sub(1));
        // A host that speaks again behind the day's end ends the block in time; if not, it is silent once more.
        let silent_from_ms = if newest_ms < end_ms { end_ms } else { SAMPLES.end_ms(host, block_no) };
        SAMPLES.block_no(host, newest_ms) > block_no || now_ms >= silent_from_ms.saturating_add(PATIENCE_MS)
    };
    // Nothing is known of the time before the oldest minutes.
    let oldest_block = rings.oldest(MINUTES, MINUTES.block_no(host, newest_ms));
    let oldest = tiers::day_no(host, MINUTES.start_ms(host, oldest_block));
    let first = done.map_or(oldest, |done| done.saturating_add(1).max(oldest));
    (first..=newest_day).take_while(|day| is_over(*day)).collect()
}

impl Tracked {
    /// What of these samples, which are about to be taken, lies in days that are done makes them be done again: 1 row written then.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn reopen_days(&mut self, sql: &Sql, samples: &[Sample]) -> Result<(), HubError> {
        let id = self.id();
        let Some(day) = samples.iter().map(|sample| tiers::day_no(id, sample.at.0)).min() else { return Ok(()) };
        let Some(done) = self.days.reopen(self.entry.coarse_done, day, self.seen_ms) else { return Ok(()) };
        self.entry.coarse_done = Some(done);
        probes::put_done(sql, &self.entry)
    }
}

/// The coarse rows of a day, from its minutes, and where they are missing from samples. Reads at most five rows of minutes
/// when these are complete. `None` when there is nothing of that day.
///
/// # Errors
/// [`HubError::Refused`] in the platform's words; [`HubError::Corrupt`] when a stored block cannot be read.
pub fn build(sql: &Sql, host: HostId, rings: &Rings, day_no: u64) -> Result<Option<Day>, HubError> {
    let (from_ms, to_ms) = (tiers::day_start_ms(host, day_no), tiers::day_start_ms(host, day_no.saturating_add(1)));
    let of_day = |row: &Row| (from_ms..to_ms).contains(&row.at_ms);
    let mut last_number = None;
    let mut fine: Vec<Row> = Vec::new();
    let mut missing: BTreeSet<u64> =
        (MINUTES.block_no(host, from_ms)..=MINUTES.block_no(host, to_ms.saturating_sub(1))).collect();
    for stored in rings::in_time(sql, host, MINUTES, rings.of(MINUTES), from_ms, to_ms)? {
        missing.remove(&stored.block_no);
        fine.extend(stored.block()?.rows().filter(of_day));
    }
    if host.is_posted() {
        fine = posted::rows_of_time(sql, host, rings, from_ms, to_ms, &[])?;
        last_number = rings::newest(sql, host, SAMPLES.number)?.map(|head| head.last_number);
        missing.clear();
    }
    for block_no in missing {
        let from_ms = from_ms.max(MINUTES.start_ms(host, block_no));
        let to_ms = to_ms.min(MINUTES.end_ms(host, block_no));
        for stored in rings::in_time(sql, host, SAMPLES, rings.of(SAMPLES), from_ms, to_ms)? {
            fine.extend(stored.block()?.rows().filter(|row| (from_ms..to_ms).contains(&row.at_ms)));
        }
    }
    if fine.is_empty() {
        return Ok(None);
    }
    let dictionary = rings::dictionary(sql, host)?;
    if !host.is_posted() {
        fine = without_details(fine, &dictionary);
    }
    let short = |rows: &[Row]| with_short_numbers(rows, &dictionary);
    let is_named = dictionary.iter().any(|(_, name, _)| host.is_posted() || !mackerel::is_stock(name));
    let two_hours = coarser(&fine, rollup::TWO_HOURS, &dictionary);
    Ok(Some(Day {
        host,
        day_no,
        tens: short(&coarser(&fine, TEN_MINUTES, &dictionary)),
        two_hours: short(&two_hours).iter().map(rollup::averages).collect(),
        names: is_named.then(|| dictionary.encode()),
        probes: probe_days::parts(&two_hours, &dictionary),
        last_number,
    }))
}

/// A day's rows as D1 keeps them: metrics that hosts name themselves with short numbers, for doubles of many digits take three times as
/// much. What probes found counts, and stays as it is.
pub(super) fn with_short_numbers(day: &[Row], dictionary: &Dictionary) -> Vec<Row> {
    let named = dictionary.iter().filter(|(_, name, step)| *step == Step::Exact && Named::check_name(name).is_ok());
    let named: BTreeSet<u16> = named.map(|(series, ..)| series.metric()).collect();
    if named.is_empty() {
        return day.to_vec();
    }
    rollup::shortened(day, |series| named.contains(&series.metric()))
}

/// The rows without what our agent tells once a minute for readers of Mackerel: thirty and more series, which would triple what a host
/// takes in D1. They are in the hub for as long as its minutes are; beyond that the host's own metrics answer.
fn without_details(rows: Vec<Row>, dictionary: &Dictionary) -> Vec<Row> {
    let stock = dictionary.iter().filter(|(_, name, _)| mackerel::is_stock(name));
    let stock: BTreeSet<u16> = stock.map(|(series, ..)| series.metric()).collect();
    if stock.is_empty() {
        return rows;
    }
    let kept = |row: Row| {
        let mut kept = Row::new(row.number, row.at_ms);
        for (series, value) in row.values().iter().filter(|(series, _)| !stock.contains(&series.metric())) {
            kept.set(*series, *value, Step::Exact);
        }
        kept
    };
    rows.into_iter().map(kept).collect()
}

/// Lays the days into their blocks in D1: per host and day 2 rows written and 6 read (a statement takes as many hosts as fit into
/// 1.5 MB), and 1 more written when the host has new names. Days of one host may be several; their order does not matter.
pub async fn write(db: &Db, rings: &Rings, days: &[Day]) -> Written {
    let mut written = Written::default();
    let mut by_host: BTreeMap<HostId, Vec<&Day>> = BTreeMap::new();
    for day in days {
        by_host.entry(day.host).or_default().push(day);
    }
    let hosts: Vec<(HostId, Vec<&Day>)> = by_host.into_iter().collect();
    for hosts in hosts.chunks(HOSTS_AT_ONCE) {
        if let Err(error) = write_some(db, rings, hosts, &mut written).await {
            written.failed = Some(error);
            // What failed for these will most likely fail for the others too.
            break;
        }
    }
    written
}

async fn write_some(
    db: &Db,
    rings: &Rings,
    hosts: &[(HostId, Vec<&Day>)],
    written: &mut Written,
) -> Result<(), HubError> {
    let mut fresh: BTreeMap<(HostId, u8, u64), Vec<Row>> = BTreeMap::new();
    for day in hosts.iter().flat_map(|(_, days)| days) {
        for (tier, rows) in [(TENS, &day.tens), (TWO_HOURS, &day.two_hours)] {
            let block_no = tier.block_no(day.host, tiers::day_start_ms(day.host, day.day_no));
            let all = fresh.entry((day.host, tier.number, block_no)).or_default();
            *all = fuller(std::mem::take(all), rows.clone());
        }
    }
    let names: Vec<(HostId, Vec<u8>)> = hosts
        .iter()
        .filter_map(|(host, days)| Some((*host, days.iter().rev().find_map(|day| day.names.clone())?)))
        .collect();
    if !names.is_empty() {
        db.run(history::put_dictionaries(&names)).await?;
    }

    let wanted: Vec<Wanted> = fresh
        .keys()
        .map(|(host, tier, block_no)| Wanted { host: *host, tier: *tier, from_no: *block_no, to_no: *block_no })
        .collect();
    let mut held: BTreeMap<(HostId, u8, u64), Vec<Row>> = BTreeMap::new();
    for stored in history::list(db, &wanted).await? {
        match Block::unpack(&stored.data) {
            Ok(block) => {
                let all = held.entry((stored.host, stored.tier, stored.block_no)).or_default();
                *all = fuller(std::mem::take(all), block.rows().collect());
            }
            Err(_) => written.damaged += 1,
        }
    }
    let blocks: Vec<CoarseBlock> = fresh
        .into_iter()
        .filter_map(|(key, rows)| {
            let last_number = hosts.iter().filter(|(host, _)| *host == key.0).flat_map(|(_, days)| days);
            let last_number = last_number.filter_map(|day| day.last_number).max();
            coarse_block(key, &fuller(held.remove(&key).unwrap_or_default(), rows), last_number)
        })
        .collect();

    let mut rest = &blocks[..];
    while !rest.is_empty() {
        let (statements, taken) = history::put(rest, |tier| rings.of_number(tier));
        db.batch(statements).await?;
        rest = rest.get(taken..).unwrap_or_default();
        // A host is done with its last block; they lie by host.
        let unwritten = rest.first().map(|block| block.host);
        for (host, days) in hosts {
            let is_done = unwritten.is_none_or(|next| *host < next);
            for day in days.iter().filter(|_| is_done) {
                if !written.done.contains(&(*host, day.day_no)) {
                    written.done.push((*host, day.day_no));
                }
            }
        }
    }
    Ok(())
}

fn coarse_block(
    (host, tier, block_no): (HostId, u8, u64),
    rows: &[Row],
    last_number: Option<u64>,
) -> Option<CoarseBlock> {
    let step_ms = tiers::ALL.get(usize::from(tier))?.step_ms();
    let (first, last) = (rows.first()?, rows.last()?);
    let weight: f64 = rows.iter().filter_map(|row| row.get(SeriesId::WEIGHT)).sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of counts")]
    let samples = last_number.unwrap_or(weight as u64);
    let (_, data) = rows::fitting(rows);
    let end_ms = last.at_ms.saturating_add(step_ms - 1);
    Some(CoarseBlock { host, tier, block_no, samples, start_ms: first.at_ms, end_ms, data })
}

#[cfg(test)]
mod tests;
