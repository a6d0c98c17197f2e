//! Hosts that move to another shard, because the number of shards is another one than before: what the old shard has of them goes
//! to the new one, and nothing of it is lost or there twice.
//!
//! The new shard goes on with a host at once, from what D1 knows of it; the old one judges it no more, takes nothing more of it and
//! hands it over when the schedule runs. What it hands over is laid to what the new shard has: blocks row by row where both have
//! the same one, names where their dictionaries differ. A *parcel* is what one call carries; a host of many bytes needs several.
//! Each may be repeated. The old shard forgets the host only when the last one was taken.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::rollup::latest;
use edgewatch_core::blocks::tiers::{self, MINUTES, SAMPLES, Tier};
use edgewatch_core::blocks::{Block, Row, SeriesId};
use edgewatch_core::domain::address_change::Told;
use edgewatch_core::domain::presence::HOLD_S;
use edgewatch_core::model::{Host, HostId, Link, Presence};
use edgewatch_core::units::{Step, UnixMillis};

use super::directory::{self, Entry};
use super::held::Held;
use super::results::kept;
use super::rings::{self, StoredBlock};
use super::shard::Shard;
use super::tracked::Tracked;
use super::{HubError, journal, posted, probe_days, rollup, rows, wire};

#[cfg(target_arch = "wasm32")]
pub mod calls;
pub mod parcel;
pub mod tidings;

pub use parcel::Parcel;

/// The key of [`Place::noted`].
pub const NOTE_KEY: &str = "hosts_version";
/// A host that comes into a hold has this much of it at least, seconds; else it begins anew.
const LEAST_HOLD_S: i64 = HOLD_S - 30;

/// Which shard this is, and of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its number, from 0 on; one that is not below `shards` has no hosts any more.
    pub index: u32,
    /// How many there are.
    pub shards: u32,
}

impl Default for Place {
    fn default() -> Self {
        Self { index: 0, shards: 1 }
    }
}

impl Place {
    /// Whether a host belongs here.
    pub fn is_ours(&self, id: HostId) -> bool {
        wire::shard_of(id, self.shards) == self.index
    }

    /// Whether no host belongs here any more.
    pub const fn is_retired(&self) -> bool {
        self.index >= self.shards
    }

    /// The version of the list of hosts as the shard notes it: with another number of shards it says nothing.
    pub fn noted(&self, version: u64) -> String {
        format!("{version} of {}", self.shards)
    }

    /// Whether a note was made by as many shards.
    pub fn is_current(&self, note: &str) -> bool {
        note.split_once(" of ").is_some_and(|(_, shards)| shards == self.shards.to_string())
    }
}

/// Hosts that are here and belong elsewhere, by number: as many rows read as there are hosts.
///
/// # Errors
/// [`HubError::Refused`] when the object's database does not answer; so for all that follow.
pub fn foreign(shard: &Shard) -> Result<Vec<HostId>, HubError> {
    let all = directory::list_ids(&shard.storage.sql)?;
    Ok(all.into_iter().filter(|id| !shard.place.is_ours(*id)).collect())
}

/// Events of a shard without hosts that D1 does not have yet.
///
/// # Errors
/// As [`foreign`].
pub fn untold(shard: &Shard) -> Result<usize, HubError> {
    if shard.place.is_retired() { Ok(directory::owed(&shard.storage.sql, 50)?.len()) } else { Ok(0) }
}

/// Whether the list of hosts that this shard noted is of another number of shards.
///
/// # Errors
/// As [`foreign`].
pub fn is_other(shard: &Shard) -> Result<bool, HubError> {
    let note = directory::meta(&shard.storage.sql, NOTE_KEY)?;
    Ok(note.is_some_and(|note| !shard.place.is_current(&note)))
}

/// Those of `entries` that this shard does not know yet.
///
/// # Errors
/// As [`foreign`].
pub fn strangers(shard: &Shard, entries: &[Entry]) -> Result<Vec<HostId>, HubError> {
    let mut strangers = Vec::new();
    for id in entries.iter().map(|entry| entry.host.id).filter(|id| shard.get(*id).is_none()) {
        if directory::find(&shard.storage.sql, id)?.is_none() {
            strangers.push(id);
        }
    }
    Ok(strangers)
}

/// Takes in what D1 has of hosts' names, where nothing is known here, so that they keep their ids. It goes before the hosts.
///
/// # Errors
/// As [`foreign`].
pub fn take_names(shard: &Shard, dictionaries: &[(HostId, Vec<u8>)]) -> Result<(), HubError> {
    let sql = &shard.storage.sql;
    for (id, data) in dictionaries {
        // Names that cannot be read are begun anew.
        if let (Ok(names), true) = (Dictionary::decode(data), rings::dictionary(sql, *id)?.is_empty()) {
            rings::put_dictionary(sql, *id, &names)?;
        }
    }
    Ok(())
}

/// When hosts come here that were online elsewhere a moment ago, nobody has heard them here yet: clocks start anew.
///
/// # Errors
/// As [`foreign`].
pub fn bear_with(shard: &mut Shard, entries: &[Entry], strangers: &[HostId], now: UnixMillis) -> Result<(), HubError> {
    let mut online = entries.iter().filter(|entry| entry.host.presence == Presence::Online);
    let is_moved = online.any(|entry| strangers.contains(&entry.host.id));
    if is_moved && shard.watch.hold_until.since(now.seconds()) < LEAST_HOLD_S {
        shard.start_anew(now);
        shard.keep_watch()?;
    }
    Ok(())
}

/// Whether one of the strangers was heard before, and so somewhere else.
pub fn are_heard(entries: &[Entry], strangers: &[HostId]) -> bool {
    let mut heard = entries.iter().filter(|entry| entry.host.presence != Presence::Never);
    heard.any(|entry| strangers.contains(&entry.host.id))
}

/// People may have been told more than D1 knows of hosts that come here, and their alerts go on: the shard they were in will say so.
pub fn doubt(entries: &mut [Entry], strangers: &[HostId], now: UnixMillis) {
    for entry in entries.iter_mut().filter(|entry| strangers.contains(&entry.host.id)) {
        if entry.host.presence != Presence::Never {
            entry.told = Some(Told::in_doubt(&entry.host.addresses, now.seconds()));
        }
    }
}

/// Everything of a host that belongs elsewhere, in parcels; `attached` is what its socket held. What waited for its block is in a
/// row afterwards. Nothing when there is no such host.
///
/// # Errors
/// As [`foreign`]; [`HubError::Corrupt`] when something of it cannot be read.
pub fn pack(
    shard: &Shard,
    id: HostId,
    attached: Option<Held>,
    now: UnixMillis,
) -> Result<Option<Vec<Parcel>>, HubError> {
    let sql = &shard.storage.sql;
    let Some(entry) = directory::find(sql, id)? else { return Ok(None) };
    let mut tracked = Tracked::load(sql, entry, attached)?;
    tracked.settle(&shard.storage, now)?;
    let mut blocks: Vec<StoredBlock> = rings::list(sql, id)?
        .into_iter()
        .filter(|stored| [SAMPLES, MINUTES].map(|one| one.number).contains(&stored.tier))
        .collect();
    // Minutes first: those that both shards have a part of are put together from samples afterwards.
    blocks.sort_by_key(|stored| (std::cmp::Reverse(stored.tier), stored.block_no));
    let whole = Parcel {
        host: tracked.host(),
        durable: tracked.progress().1,
        seen_ms: tracked.seen_ms,
        post_pace: match tracked.link {
            Link::Post { period_s, frame_s } => Some((period_s, frame_s)),
            Link::Socket => None,
        },
        coarse_done: tracked.entry.coarse_done,
        from_ms: blocks.iter().map(|stored| stored.start_ms).min(),
        told: tracked.entry.told.clone(),
        alerts: shard.alerts_text(id)?,
        result: journal::result(sql, id)?.unwrap_or_default(),
        is_last: true,
        dictionary: rings::dictionary(sql, id)?,
        blocks,
    };
    Ok(Some(whole.split()))
}

/// Forgets a host that another shard has now.
///
/// # Errors
/// As [`foreign`].
pub fn forget(shard: &mut Shard, id: HostId) -> Result<(), HubError> {
    let sql = shard.storage.sql.clone();
    if is_other(shard)? && directory::meta(&sql, NOTE_KEY)?.is_some_and(|note| !note.is_empty()) {
        // Else it would be thought to be here when there are as many shards again.
        directory::put_meta(&sql, NOTE_KEY, "")?;
    }
    shard.forget_alerts(id)?;
    // Its results were counted here; the one that judges goes by the delays of those that are here.
    shard.leave_delays(id);
    purge(shard, id)
}

/// Forgets a host that is no more, and all that is stored of it: as many rows written as there are.
///
/// # Errors
/// As [`foreign`].
pub fn purge(shard: &mut Shard, id: HostId) -> Result<(), HubError> {
    rings::delete(&shard.storage.sql, id)?;
    journal::delete(&shard.storage.sql, id)?;
    shard.dismiss(id)
}

/// Lays what another shard had of a host to what is here. The host should be enrolled; of one that is no more the history alone
/// is taken.
///
/// # Errors
/// As [`pack`]; what was taken until then is harmless, and the parcel may come again.
pub fn adopt(
    shard: &mut Shard,
    parcel: &Parcel,
    attached: impl FnOnce() -> Option<Held>,
    now: UnixMillis,
) -> Result<(), HubError> {
    let id = parcel.host.id;
    let storage = shard.storage.clone();
    shard.load(id, attached)?;
    if let Some(tracked) = shard.get_mut(id) {
        tracked.settle(&storage, now)?;
    }
    let names = Names::of(shard, parcel)?;
    shard.counts.forget();
    let mut merge = Merge::begin(shard, id)?;
    for stored in &parcel.blocks {
        if stored.tier == MINUTES.number {
            merge.minutes(stored, &names)?;
        } else if stored.tier == SAMPLES.number {
            merge.samples(stored, &names)?;
        }
    }
    merge.roll_up(shard.get(id).and_then(Tracked::newest_ms))?;
    // Else they came ahead of it, and what became of them since is known here.
    if parcel.is_last && shard.get(id).is_some() && !shard.spoken_for.contains(&id) {
        shard.adopt_alerts(id, &parcel.alerts, now);
    }
    let Some(tracked) = shard.get_mut(id) else { return Ok(()) };
    if parcel.is_last {
        take_state(tracked, parcel);
        if probe_days::has_probes(&parcel.dictionary) {
            // Of the days that are done, here or there, D1 knows best.
            directory::put_with_probe_days(&storage.sql, &tracked.entry, None)?;
        } else {
            directory::put(&storage.sql, &tracked.entry)?;
        }
    }
    tracked.reload(&storage.sql)?;
    // One that came here since is the newer one.
    if kept::is_newer(&parcel.result, journal::result(&storage.sql, id)?.as_deref()) {
        tracked.result = Some(parcel.result.clone());
        tracked.put_journal(&storage.sql, now)?;
        shard.results.forget(id);
    }
    shard.show_posted(id.owner());
    Ok(())
}

/// What is known of the host itself, of which the one that heard it last knows best.
fn take_state(tracked: &mut Tracked, parcel: &Parcel) {
    let entry = &mut tracked.entry;
    entry.floor = entry.floor.max(parcel.durable);
    // Days that were done here in between were done without the samples from there: they are done again.
    if let Some(done) = entry.coarse_done {
        let before = |from_ms: i64| tiers::day_no(parcel.host.id, from_ms).saturating_sub(1).min(done);
        entry.coarse_done = parcel.coarse_done.or_else(|| parcel.from_ms.map(before)).or(Some(done));
    } else {
        entry.coarse_done = parcel.coarse_done;
    }
    if entry.told.as_ref().is_some_and(|told| told.is_in_doubt)
        && parcel.told.as_ref().is_none_or(|one| !one.is_in_doubt)
    {
        entry.told = parcel.told.clone().or_else(|| Some(Told::exactly(&parcel.host.addresses)));
    }
    if parcel.seen_ms <= tracked.seen_ms {
        return;
    }
    tracked.seen_ms = parcel.seen_ms;
    if let Some((period_s, frame_s)) = parcel.post_pace {
        tracked.link = Link::Post { period_s, frame_s };
    }
    entry.host = Host {
        presence: parcel.host.presence,
        last_seen: parcel.host.last_seen,
        addresses: parcel.host.addresses.clone(),
        country_code: parcel.host.country_code.clone(),
        agent_version: parcel.host.agent_version.clone(),
        facts: parcel.host.facts.clone().or_else(|| entry.host.facts.clone()),
        ..entry.host.clone()
    };
    if let Some(newest) = &parcel.host.newest
        && tracked.newest.as_ref().is_none_or(|known| known.number < newest.number)
    {
        *tracked.newest = Some(newest.clone());
    }
    (tracked.is_changed, tracked.is_news) = (true, true);
}

/// The ids of named series there, where they are others here; `None` where there is no room for the name.
struct Names(BTreeMap<u16, Option<SeriesId>>);

impl Names {
    /// Takes in the names of a parcel, and stores those that are new.
    fn of(shard: &Shard, parcel: &Parcel) -> Result<Self, HubError> {
        let (sql, id) = (&shard.storage.sql, parcel.host.id);
        let mut ours = rings::dictionary(sql, id)?;
        let known = ours.len();
        let mut others = BTreeMap::new();
        for (theirs, name, step) in parcel.dictionary.iter() {
            let here = ours.assign(name, step).ok();
            if here != Some(theirs) {
                others.insert(theirs.metric(), here);
            }
        }
        if ours.len() > known {
            rings::put_dictionary(sql, id, &ours)?;
        }
        Ok(Self(others))
    }

    /// The rows of a block, by our ids.
    fn rows(&self, stored: &StoredBlock) -> Result<Vec<Row>, HubError> {
        let block = stored.block()?;
        if self.0.is_empty() {
            Ok(block.rows().collect())
        } else {
            Ok(block.rows().map(|row| self.row(&row)).collect())
        }
    }

    fn row(&self, row: &Row) -> Row {
        let mut renamed = Row::new(row.number, row.at_ms);
        for (series, value) in row.values() {
            let here = match self.0.get(&series.metric()) {
                Some(other) => other.map(|other| other.with(series.facet())),
                None => Some(*series),
            };
            if let Some(series) = here {
                renamed.set(series, *value, Step::Exact);
            }
        }
        renamed
    }
}

/// What is here of a host while blocks from elsewhere are laid to it.
struct Merge {
    storage: super::storage::Storage,
    id: HostId,
    /// The blocks of samples that were here before.
    ours: Vec<StoredBlock>,
    /// Blocks of minutes in whose time samples came.
    touched: BTreeSet<u64>,
    /// The time of the newest sample in rows.
    newest_ms: Option<i64>,
}

impl Merge {
    fn begin(shard: &Shard, id: HostId) -> Result<Self, HubError> {
        let storage = shard.storage.clone();
        let ours = rings::whole(&storage.sql, id, SAMPLES, storage.rings(id).of(SAMPLES))?;
        let newest_ms = ours.iter().map(|stored| stored.end_ms).max();
        Ok(Self { storage, id, ours, touched: BTreeSet::new(), newest_ms })
    }

    fn ring(&self, tier: Tier) -> u64 {
        self.storage.rings(self.id).of(tier)
    }

    /// A block of samples: those that are not here yet go into it, or into the same one.
    fn samples(&mut self, stored: &StoredBlock, names: &Names) -> Result<(), HubError> {
        let ring = self.ring(SAMPLES);
        let is_there =
            |other: &&StoredBlock| other.first_number <= stored.last_number && stored.first_number <= other.last_number;
        let mut here: BTreeMap<u64, Vec<Row>> = BTreeMap::new();
        for other in self.ours.iter().filter(is_there) {
            for row in other.block()?.rows() {
                here.entry(row.number).or_default().push(row);
            }
        }
        // The same sample has the same number and the same values; its time may have been mended otherwise. An agent that lost
        // its counter gave a number anew: those are two.
        let is_known = |row: &Row| {
            here.get(&row.number).is_some_and(|rows| rows.iter().any(|other| other.values() == row.values()))
        };
        let fresh: Vec<Row> = names.rows(stored)?.into_iter().filter(|row| !is_known(row)).collect();
        let same = self.ours.iter().find(|other| other.block_no == stored.block_no);
        let mut all = match same {
            Some(same) => same.block()?.rows().collect(),
            None => Vec::new(),
        };
        all.extend(fresh.iter().cloned());
        all.sort_by_key(|row| (row.number, row.at_ms));
        let Some(merged) = of_rows(stored.block_no, &all)? else { return Ok(()) };
        if fresh.is_empty() {
            return Ok(());
        }
        let is_put = match same {
            Some(_) => rings::replace(&self.storage.sql, self.id, ring, &merged)?,
            None => rings::put(&self.storage.sql, self.id, ring, &merged)?,
        };
        if is_put {
            self.newest_ms = self.newest_ms.max(Some(merged.end_ms));
            self.touched.extend(fresh.iter().map(|row| MINUTES.block_no(self.id, row.at_ms)));
        }
        Ok(())
    }

    /// A block of minutes: of each minute the one that is made of more samples.
    fn minutes(&self, stored: &StoredBlock, names: &Names) -> Result<(), HubError> {
        let (sql, ring) = (&self.storage.sql, self.ring(MINUTES));
        let theirs = names.rows(stored)?;
        let same = rings::find(sql, self.id, MINUTES.number, ring, stored.block_no)?;
        let ours: Vec<Row> = match &same {
            Some(same) => same.block()?.rows().collect(),
            None => Vec::new(),
        };
        // Of what is posted the value that came later counts: that is ours, for it is taken here since.
        let all = if self.id.is_posted() { latest(&theirs, &ours) } else { rollup::fuller(theirs, ours.clone()) };
        if all == ours {
            return Ok(());
        }
        let (_, data) = rows::fitting(&all);
        let bounds = same.as_ref().unwrap_or(stored);
        let merged = StoredBlock {
            tier: MINUTES.number,
            block_no: stored.block_no,
            first_number: stored.first_number.min(bounds.first_number),
            last_number: stored.last_number.max(bounds.last_number),
            start_ms: stored.start_ms.min(bounds.start_ms),
            end_ms: stored.end_ms.max(bounds.end_ms),
            data,
        };
        match same {
            Some(_) => rings::replace(sql, self.id, ring, &merged).map(drop),
            None => rings::put(sql, self.id, ring, &merged).map(drop),
        }
    }

    /// The minutes of every window that is over, or that was rolled up, and has samples of both.
    fn roll_up(&self, newest_ms: Option<i64>) -> Result<(), HubError> {
        let sql = &self.storage.sql;
        let open = self.newest_ms.max(newest_ms).map_or(0, |newest_ms| MINUTES.block_no(self.id, newest_ms));
        let from_ms = self.ours.iter().map(|stored| stored.start_ms).min();
        for block_no in &self.touched {
            let is_both = from_ms.is_some_and(|from_ms| from_ms < MINUTES.end_ms(self.id, *block_no));
            let is_there = rings::find(sql, self.id, MINUTES.number, self.ring(MINUTES), *block_no)?.is_some();
            if self.id.is_posted() {
                posted::write_if_whole(sql, self.id, &self.storage.rings(self.id), *block_no)?;
            } else if is_there && is_both {
                rollup::refill(sql, self.id, &self.storage.rings(self.id), *block_no)?;
            } else if !is_there && *block_no < open {
                rollup::rewrite(sql, self.id, &self.storage.rings(self.id), *block_no)?;
            }
        }
        Ok(())
    }
}

fn of_rows(block_no: u64, rows: &[Row]) -> Result<Option<StoredBlock>, HubError> {
    let mut block = Block::default();
    for row in rows {
        block.push(row).map_err(|error| HubError::Corrupt(error.to_string()))?;
    }
    Ok(StoredBlock::of_samples(block_no, &block))
}

#[cfg(test)]
mod tests;
