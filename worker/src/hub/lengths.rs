//! How long the rings of this object's hosts are, and how they come to other lengths.
//!
//! The rings in the object's own database lie in slots, which a change moves: some hosts at a time, in order, and as many a day
//! as a tenth of the allowance pays for. [`Lengths::of`] says which lengths a host's rows have meanwhile. In D1 a length only says
//! what is deleted: a change holds at once, and the rows beyond it are deleted some hosts at a time too.

use edgewatch_core::blocks::tiers::{MINUTES, Rings, SAMPLES, TENS, TWO_HOURS, Tier, Wishes};
use edgewatch_core::domain::budget::ledger::day_of;
use edgewatch_core::domain::budget::prices::Meter;
use edgewatch_core::model::HostId;
use edgewatch_core::units::UnixMillis;
use serde::{Deserialize, Serialize};

use super::probes::EDGE;
use super::shard::Shard;
use super::sql::Sql;
use super::{HubError, directory, rings};

/// The key of the object's own small state that this lies under.
const KEY: &str = "rings";
/// So many hosts are moved or trimmed at a time.
const HOSTS_AT_ONCE: usize = 20;
/// Moving ends for now when it wrote so many rows: some ten milliseconds of work.
const ROWS_AT_ONCE: u64 = 2_000;
/// Which part of a day's rows moving may take.
const PART_OF_DAY: u64 = 10;
/// Beyond every host.
const ALL_HOSTS: i64 = i64::MAX;

/// The lengths of the rings of an object's hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// What the deployment wants.
    pub wishes: Wishes,
    kept: Kept,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// In force for hosts up to `moved_to`.
    now: Wire,
    /// In force for the others.
    before: Wire,
    moved_to: i64,
    /// Of hosts up to this D1 has nothing that is beyond its rings.
    trimmed_to: i64,
    /// On which day how many rows were written by moving here, and by trimming in D1.
    day: i64,
    moved_rows: u64,
    trimmed_rows: u64,
}

/// [`Rings`]: their lengths, and before when nothing is held.
type Wire = ([u64; 4], [i64; 4]);

impl Default for Lengths {
    fn default() -> Self {
        Self::settled(Rings::default())
    }
}

impl Lengths {
    /// Rings of every host with these lengths.
    pub fn settled(rings: Rings) -> Self {
        let now = wire(&rings);
        let (moved_to, trimmed_to) = (ALL_HOSTS, ALL_HOSTS);
        let kept = Kept { now, before: now, moved_to, trimmed_to, day: 0, moved_rows: 0, trimmed_rows: 0 };
        Self { wishes: Wishes::default(), kept }
    }

    /// As they were kept; those that every object began with where nothing is. 1 row read.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer; [`HubError::Corrupt`] when it cannot be read: better
    /// nothing than slots by a wrong length.
    pub fn read(sql: &Sql, wishes: Wishes) -> Result<Self, HubError> {
        let Some(text) = directory::meta(sql, KEY)? else { return Ok(Self { wishes, ..Self::default() }) };
        let kept = serde_json::from_str(&text).map_err(|error| HubError::Corrupt(error.to_string()))?;
        Ok(Self { wishes, kept })
    }

    fn keep(&self, sql: &Sql) -> Result<(), HubError> {
        let text = serde_json::to_string(&self.kept).map_err(|error| HubError::Corrupt(error.to_string()))?;
        directory::put_meta(sql, KEY, &text)
    }

    /// The lengths that a host's rows have.
    pub const fn of(&self, host: HostId) -> Rings {
        let (blocks, none_before_ms) = if host.0 <= self.kept.moved_to { self.kept.now } else { self.kept.before };
        Rings { blocks, none_before_ms }
    }

    /// The lengths that all have, or will have.
    pub const fn target(&self) -> Rings {
        self.of(HostId(i64::MIN))
    }

    /// Whether hosts are still to be moved.
    pub const fn is_moving(&self) -> bool {
        self.kept.moved_to < ALL_HOSTS
    }

    /// Whether D1 may hold rows beyond its rings.
    pub const fn is_trimming(&self) -> bool {
        self.kept.trimmed_to < ALL_HOSTS
    }

    /// Whether D1 has not begun to be trimmed.
    pub const fn is_untouched(&self) -> bool {
        self.kept.trimmed_to == i64::MIN
    }

    /// The lengths in D1 as a text, for who has no hub to ask.
    pub fn coarse_text(&self) -> String {
        serde_json::to_string(&self.kept.now).unwrap_or_default()
    }

    /// Other lengths for everything, from now on. `None` while hosts are moved: one change after the other; D1's alone are
    /// changed at any time.
    fn changed(&self, blocks: [u64; 4], now_ms: i64) -> Option<Self> {
        let target = self.target();
        let [samples, minutes, tens, two_hours] = blocks;
        let moves = [samples, minutes] != [target.of(SAMPLES), target.of(MINUTES)];
        let trims = [tens, two_hours] != [target.of(TENS), target.of(TWO_HOURS)];
        let mut kept = self.kept;
        if moves && !self.is_moving() {
            (kept.before, kept.moved_to) = (kept.now, i64::MIN);
            kept.now = wire(&target.resized([samples, minutes, target.of(TENS), target.of(TWO_HOURS)], now_ms));
        }
        if trims {
            for of in [&mut kept.now, &mut kept.before] {
                let rings = Rings { blocks: of.0, none_before_ms: of.1 };
                *of = wire(&rings.resized([rings.of(SAMPLES), rings.of(MINUTES), tens, two_hours], now_ms));
            }
            kept.trimmed_to = i64::MIN;
        }
        (kept != self.kept).then_some(Self { kept, ..*self })
    }

    /// Counts rows of today.
    fn count(&mut self, now: UnixMillis, moved_rows: u64, trimmed_rows: u64) {
        let day = day_of(now.seconds());
        if self.kept.day != day {
            (self.kept.day, self.kept.moved_rows, self.kept.trimmed_rows) = (day, 0, 0);
        }
        self.kept.moved_rows = self.kept.moved_rows.saturating_add(moved_rows);
        self.kept.trimmed_rows = self.kept.trimmed_rows.saturating_add(trimmed_rows);
    }
}

/// The lengths in D1 as [`Lengths::coarse_text`] wrote them; as they always were where nothing is or nothing can be read.
pub fn of_coarse_text(text: Option<&str>) -> Rings {
    let kept = text.and_then(|text| serde_json::from_str::<Wire>(text).ok());
    kept.map_or_else(Rings::default, |(blocks, none_before_ms)| Rings { blocks, none_before_ms })
}

const fn wire(rings: &Rings) -> Wire {
    (rings.blocks, rings.none_before_ms)
}

impl Shard {
    /// Puts other lengths into force; whether that changes anything. 1 row written when it does.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer; nothing is changed then.
    pub fn change_lengths(&mut self, blocks: [u64; 4], now: UnixMillis) -> Result<bool, HubError> {
        let Some(changed) = self.storage.lengths.changed(blocks, now.0) else { return Ok(false) };
        changed.keep(&self.storage.sql)?;
        self.storage.lengths = changed;
        Ok(true)
    }

    /// What rows of `meter` changing lengths may still write today: `None` where nothing is refused.
    fn left_for_changes(&self, meter: Meter, spent: u64, now: UnixMillis) -> u64 {
        let shards = u64::from(self.governor.terms.shards.max(1));
        let today = if self.storage.lengths.kept.day == day_of(now.seconds()) { spent } else { 0 };
        self.governor.terms.wall(meter).map_or(u64::MAX, |wall| (wall / shards / PART_OF_DAY).saturating_sub(today))
    }

    /// Moves the rings of the next hosts; gives the lengths as they are then, which are to be put into `storage` once all that was
    /// written is committed: it has to be one transaction. `None` when nothing is to do, or no more of it today.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer: nothing of it may be committed.
    pub fn move_some(&self, now: UnixMillis) -> Result<Option<Lengths>, HubError> {
        let (sql, mut lengths) = (&self.storage.sql, self.storage.lengths);
        let left = self.left_for_changes(Meter::ObjectRowsWritten, lengths.kept.moved_rows, now);
        if !lengths.is_moving() || left == 0 {
            return Ok(None);
        }
        let ids = directory::list_ids_after(sql, HostId(lengths.kept.moved_to), HOSTS_AT_ONCE)?;
        let before = sql.rows_written();
        let is_last = ids.len() < HOSTS_AT_ONCE;
        // What the Worker finds is in no directory: its turn is between what is posted and the hosts.
        let edge = (lengths.kept.moved_to < EDGE.0 && (is_last || ids.iter().any(|id| *id > EDGE))).then_some(EDGE);
        let mut ids: Vec<HostId> = ids.into_iter().chain(edge).collect();
        ids.sort_unstable();
        lengths.kept.moved_to = if is_last { ALL_HOSTS } else { lengths.kept.moved_to };
        for id in ids {
            if sql.rows_written() - before > left.min(ROWS_AT_ONCE) {
                lengths.kept.moved_to = id.0 - 1;
                break;
            }
            self.move_host(id)?;
            lengths.kept.moved_to = lengths.kept.moved_to.max(id.0);
        }
        lengths.count(now, sql.rows_written() - before, 0);
        lengths.keep(sql)?;
        Ok(Some(lengths))
    }

    fn move_host(&self, id: HostId) -> Result<(), HubError> {
        let (before, target) = (self.storage.lengths.of(id), self.storage.lengths.target());
        for tier in [SAMPLES, MINUTES].into_iter().filter(|tier| before.of(*tier) != target.of(*tier)) {
            rings::resize(&self.storage.sql, id, tier.number, target.of(tier))?;
        }
        Ok(())
    }

    /// The next hosts whose rows in D1 may be beyond their rings: each tier's newest block. `None` when there are none, or no
    /// more are to be asked for today.
    pub fn to_trim(&self, now: UnixMillis) -> Option<Vec<(HostId, Tier, u64)>> {
        let kept = self.storage.lengths.kept;
        let left = self.left_for_changes(Meter::D1RowsWritten, kept.trimmed_rows, now);
        if kept.trimmed_to == ALL_HOSTS || left == 0 {
            return None;
        }
        let next = self.iter().filter(|host| host.id().0 > kept.trimmed_to).take(HOSTS_AT_ONCE);
        let newest = next.flat_map(|host| {
            // Of a host that never reported there is nothing: its entry only says how far this went.
            let newest_ms = host.newest_ms().unwrap_or(0);
            [TENS, TWO_HOURS].map(|tier| (host.id(), tier, tier.block_no(host.id(), newest_ms)))
        });
        Some(newest.collect())
    }

    /// Notes that these were trimmed, and how many rows that wrote; none of them: all are. A row is written when all are.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer: they are trimmed again.
    pub fn note_trimmed(
        &mut self,
        trimmed: &[(HostId, Tier, u64)],
        rows: u64,
        now: UnixMillis,
    ) -> Result<(), HubError> {
        let mut lengths = self.storage.lengths;
        lengths.kept.trimmed_to = trimmed.iter().map(|(host, ..)| host.0).max().unwrap_or(ALL_HOSTS);
        lengths.count(now, 0, rows);
        if !lengths.is_trimming() {
            lengths.keep(&self.storage.sql)?;
        }
        self.storage.lengths = lengths;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
