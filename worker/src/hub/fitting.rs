//! How long the rings should be, by how large blocks are in the object's database and in D1.
//!
//! Once a day the blocks of a few hosts are measured: some fifty rows read for each, in either database. Each shard fits the
//! rings in its own, the first one those in D1 for all. How a ring comes to another length is told in [`super::lengths`].

use edgewatch_core::blocks::tiers::{self, MINUTES, SAMPLES, TENS, TWO_HOURS, Tier};
use edgewatch_core::dialects::native::RingPart;
use edgewatch_core::domain::budget::ledger::day_of;
use edgewatch_core::domain::budget::prices::Meter;
use edgewatch_core::domain::budget::rings::{Ring, Store, fitted};
use edgewatch_core::domain::ids;
use edgewatch_core::model::{Event, EventKind, HostId};
use edgewatch_core::units::UnixMillis;
use serde::{Deserialize, Serialize};

use super::shard::Shard;
use super::{HubError, directory, rings};

/// Stands for the random part of an event's key: events of meters use smaller numbers.
const RANDOM_OF_LENGTHS: u64 = 1_000;
/// So many hosts are measured.
const MEASURED_HOSTS: usize = 3;
/// What a host takes in the object's database besides its rings, at most: a row of the journal and one of the directory, each with
/// its pages.
const HOST_BYTES: u64 = 24_576;
/// And in D1: its row, its newest state, its names, and its share of events.
const D1_HOST_BYTES: u64 = 12_288;
/// A page of the database, and what of it a record that does not fit uses. Source: `SQLite`'s file format, section 1.6.
const PAGE_BYTES: u64 = 4_096;
const OVERFLOW_BYTES: u64 = 4_092;
/// The most of a record that lies in the tree's own page, and the least of one that does not fit.
const MOST_LOCAL: u64 = 1_002;
const LEAST_LOCAL: u64 = 489;
/// What a block's row holds besides the block: its keys and bounds.
const COLUMN_BYTES: u64 = 40;
/// The tree's pages are so full, percent.
const FILLED_PERCENT: u64 = 75;

/// How large the blocks of each tier are, bytes with page waste; 0 where there is none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// On which day those in the object's database were, and those in D1.
    day: i64,
    coarse_day: i64,
    samples: u64,
    minutes: u64,
    tens: u64,
    two_hours: u64,
}

impl Measured {
    const fn of(&self, tier: Tier) -> u64 {
        match tier.number {
            0 => self.samples,
            1 => self.minutes,
            2 => self.tens,
            _ => self.two_hours,
        }
    }
}

/// What a block of `tier` takes, as the average of the largest few: one that still grows says nothing.
fn typical(blocks: &[(u8, u64)], tier: Tier) -> u64 {
    let of_tier = blocks.iter().filter(|(number, _)| *number == tier.number);
    let mut sizes: Vec<u64> = of_tier.map(|(_, packed)| stored_bytes(*packed)).collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    // The half of them, or all of a few.
    sizes.truncate(MEASURED_HOSTS.max(sizes.len() / 2));
    sizes.iter().sum::<u64>().div_ceil((sizes.len() as u64).max(1))
}

/// What a block of so many packed bytes takes in the database.
fn stored_bytes(packed: u64) -> u64 {
    let record = packed + COLUMN_BYTES;
    let local = if record <= MOST_LOCAL {
        record
    } else {
        let rest = LEAST_LOCAL + (record - LEAST_LOCAL) % OVERFLOW_BYTES;
        if rest <= MOST_LOCAL { rest } else { LEAST_LOCAL }
    };
    local * 100 / FILLED_PERCENT + (record - local).div_ceil(OVERFLOW_BYTES) * PAGE_BYTES
}

impl Shard {
    /// The hosts whose blocks are measured.
    fn measured_hosts(&self) -> Vec<HostId> {
        self.iter().map(super::tracked::Tracked::id).take(MEASURED_HOSTS).collect()
    }

    /// Measures the blocks of a few hosts in the object's database, once a day.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn measure(&mut self, now: UnixMillis) -> Result<(), HubError> {
        let day = day_of(now.seconds());
        if self.governor.measured.day == day {
            return Ok(());
        }
        let mut blocks = Vec::new();
        for id in self.measured_hosts() {
            blocks.extend(rings::lengths(&self.storage.sql, id)?);
        }
        let (samples, minutes) = (typical(&blocks, SAMPLES), typical(&blocks, MINUTES));
        self.governor.measured = Measured { day, samples, minutes, ..self.governor.measured };
        Ok(())
    }

    /// Whose blocks in D1 are to be measured now: once a day, by the first shard, and not on its first day, when there are none.
    pub fn to_measure(&mut self, now: UnixMillis) -> Option<Vec<HostId>> {
        let (day, measured) = (day_of(now.seconds()), &mut self.governor.measured.coarse_day);
        if *measured == 0 {
            *measured = day;
        }
        (self.place.index == 0 && *measured != day).then(|| self.measured_hosts())
    }

    /// Notes the tier and the packed length of those blocks.
    pub fn note_measured(&mut self, blocks: &[(u8, u64)], now: UnixMillis) {
        let (tens, two_hours) = (typical(blocks, TENS), typical(blocks, TWO_HOURS));
        let coarse_day = day_of(now.seconds());
        self.governor.measured = Measured { coarse_day, tens, two_hours, ..self.governor.measured };
    }

    /// The lengths that fit, as wished for where there is room.
    fn fitting(&self) -> [u64; 4] {
        let (target, wished) = (self.storage.lengths.target(), self.storage.lengths.wishes.blocks());
        let ring = |tier: Tier| Ring {
            step_s: tier.step_s,
            wanted_blocks: wished.get(usize::from(tier.number)).copied().unwrap_or(tier.ring_blocks),
            blocks: target.of(tier),
            least_blocks: tier.least_blocks(),
            block_bytes: self.governor.measured.of(tier),
        };
        let hosts = u32::try_from(self.iter().count()).unwrap_or(u32::MAX);
        let terms = &self.governor.terms;
        let own = Store {
            hosts,
            held_bytes: self.storage.sql.bytes(),
            other_bytes: u64::from(hosts) * HOST_BYTES,
            wall_bytes: terms.wall(Meter::ObjectBytes).map(|wall| wall / u64::from(terms.shards.max(1))),
        };
        let d1 = Store {
            hosts: self.all_hosts(),
            held_bytes: self.governor.ledger.spent.d1_bytes,
            other_bytes: u64::from(self.all_hosts()) * D1_HOST_BYTES,
            wall_bytes: terms.wall(Meter::D1Bytes),
        };
        let fine = fitted(&own, &[ring(SAMPLES), ring(MINUTES)]);
        let coarse = fitted(&d1, &[ring(TENS), ring(TWO_HOURS)]);
        let length = |tier: Tier| {
            let ordered = self.governor.coarse.filter(|_| self.place.index > 0);
            match (ordered, tier.number) {
                (Some([tens, _]), 2) => tens,
                (Some([_, two_hours]), 3) => two_hours,
                // Not told yet.
                (None, 2 | 3) if self.place.index > 0 => target.of(tier),
                _ => {
                    let mut all = fine.iter().chain(&coarse);
                    all.find(|ring| ring.step_s == tier.step_s).map_or_else(|| target.of(tier), |ring| ring.blocks)
                }
            }
        };
        tiers::ALL.map(length)
    }

    /// Has the rings take the lengths that fit, and tells people when that is less than they had.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer: it is tried again.
    pub fn fit(&mut self, now: UnixMillis) -> Result<(), HubError> {
        let before = self.storage.lengths.target();
        let fitting = self.fitting();
        if !self.change_lengths(fitting, now)? {
            return Ok(());
        }
        let (after, wished) = (self.storage.lengths.target(), self.storage.lengths.wishes.blocks());
        let told_here = |tier: &&Tier| tier.number < TENS.number || self.place.index == 0;
        let parts: Vec<String> = tiers::ALL
            .iter()
            .filter(told_here)
            .zip(wished)
            .filter(|(tier, wished)| after.of(**tier) < before.of(**tier).min(*wished))
            .map(|(tier, wished)| {
                let name = tier.name.replace('_', " ");
                format!("{name} for {} instead of {}", span(*tier, after.of(*tier)), span(*tier, wished))
            })
            .collect();
        if parts.is_empty() {
            return Ok(());
        }
        let text = format!("storage is filling up, so history is kept shorter from now on: {}", parts.join(", "));
        let key = ids::time_key(now, RANDOM_OF_LENGTHS + u64::from(self.place.index));
        let event = Event::new(key, EventKind::BudgetTight, None, now.seconds(), text);
        directory::owe(&self.storage.sql, &event, None)
    }

    /// The rings as they are, and as they fit.
    pub fn ring_parts(&self) -> Vec<RingPart> {
        let lengths = &self.storage.lengths;
        let (now, wished) = (lengths.target(), lengths.wishes.blocks());
        let part = |((tier, wished), fitting): ((&Tier, u64), u64)| RingPart {
            tier: tier.name,
            blocks: now.of(*tier),
            kept_hours: kept_hours(*tier, now.of(*tier)),
            wanted_blocks: wished,
            fitting_blocks: fitting,
            block_bytes: Some(self.governor.measured.of(*tier)).filter(|bytes| *bytes > 0),
            changing: if tier.number < TENS.number { lengths.is_moving() } else { lengths.is_trimming() },
        };
        tiers::ALL.iter().zip(wished).zip(self.fitting()).map(part).collect()
    }
}

/// How long a ring holds everything, in hours: the block that is filling takes the oldest one's place.
fn kept_hours(tier: Tier, blocks: u64) -> u64 {
    blocks.saturating_sub(1).saturating_mul(tier.block_s.into()) / 3600
}

/// The same for people.
fn span(tier: Tier, blocks: u64) -> String {
    let hours = kept_hours(tier, blocks);
    if hours < 72 { format!("{hours} hours") } else { format!("{} days", hours / 24) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::directory::tests::entry;
    use crate::hub::rings::StoredBlock;
    use crate::hub::sql::Sql;
    use edgewatch_core::domain::budget::forecast::Terms;

    #[test]
    fn a_block_takes_the_pages_it_lies_in() {
        assert_eq!(stored_bytes(710), 1_000, "in the tree's page alone");
        assert_eq!(stored_bytes(4_092 + 489 - 40), 652 + 4_096, "one page, full");
        assert_eq!(stored_bytes(4_092 + 1_002 - 40), 1_336 + 4_096);
        assert_eq!(stored_bytes(4_092 + 1_003 - 40), 652 + 2 * 4_096, "a byte too many costs a page");
    }

    #[test]
    fn rings_are_measured_once_a_day_and_all_fit_a_small_fleet() {
        let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
        shard.governor.terms = Terms::default();
        shard.complete(vec![]).unwrap();
        shard.enrol(vec![entry(1)]).unwrap();
        for (tier, block_no, length) in [(0, 1, 710), (0, 2, 710), (1, 1, 4_541)] {
            let data = vec![0; length];
            let block = StoredBlock { tier, block_no, first_number: 1, last_number: 2, start_ms: 0, end_ms: 1, data };
            rings::put(&shard.storage.sql, HostId(1), 9, &block).unwrap();
        }
        let now = UnixMillis(1_795_361_190_000);
        shard.measure(now).unwrap();
        let read = shard.storage.sql.rows_read();
        shard.measure(UnixMillis(now.0 + 600_000)).unwrap();
        assert_eq!(shard.storage.sql.rows_read(), read);
        let parts = shard.ring_parts();
        let bytes: Vec<Option<u64>> = parts.iter().map(|part| part.block_bytes).collect();
        assert_eq!(bytes, [Some(1_000), Some(4_748), None, None]);
        assert!(parts.iter().all(|part| part.blocks == part.fitting_blocks));
    }

    /// A shard of a fleet on the free plan, whose blocks in D1 are so large.
    fn crowded(index: u32, held_bytes: u64) -> Shard {
        let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
        shard.governor.terms = Terms::default();
        shard.place.index = index;
        shard.complete(vec![]).unwrap();
        shard.enrol((1..=600).map(entry).collect()).unwrap();
        shard.governor.ledger.spent.d1_bytes = held_bytes;
        shard.note_measured(
            &[(2, 30_000), (3, 10_000), (2, 30_000), (2, 30_000), (2, 200)],
            UnixMillis(1_795_361_190_000),
        );
        shard
    }

    #[test]
    fn rings_in_d1_are_shortened_before_it_is_full_and_people_are_told_once() {
        let now = UnixMillis(1_795_361_190_000);
        let mut shard = crowded(0, 300_000_000);
        assert_eq!(shard.to_measure(now), None, "once a day");
        let mut young = Shard::new(Sql::in_memory().unwrap()).unwrap();
        let tomorrow = UnixMillis(now.0 + 86_400_000);
        assert_eq!(
            (young.to_measure(now), young.to_measure(tomorrow)),
            (None, Some(vec![])),
            "nothing on its first day"
        );
        shard.fit(now).unwrap();
        assert!(!shard.storage.lengths.is_trimming(), "there is room yet");
        shard.governor.ledger.spent.d1_bytes = 360_000_000;
        shard.fit(now).unwrap();
        shard.fit(now).unwrap();
        let target = shard.storage.lengths.target();
        assert_eq!(target.blocks, [9, 32, 9, 32]);
        let full = 600 * (9 * stored_bytes(30_000) + 32 * stored_bytes(10_000));
        assert!(full < 450_000_000, "{full} bytes");
        let owed = directory::owed(&shard.storage.sql, 9).unwrap();
        let texts: Vec<&str> = owed.iter().map(|(event, _)| event.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "storage is filling up, so history is kept shorter from now on: ten minutes for 40 days instead of 90 days"
            ]
        );
        let part = &shard.ring_parts()[2];
        assert_eq!((part.blocks, part.wanted_blocks, part.kept_hours, part.changing), (9, 19, 40 * 24, true));
        // Less in each host: they grow again, of themselves.
        shard.note_measured(&[(2, 10_000), (3, 5_000)], now);
        shard.fit(now).unwrap();
        assert_eq!(
            (shard.storage.lengths.target().blocks, directory::owed(&shard.storage.sql, 9).unwrap().len()),
            ([9, 32, 19, 32], 1)
        );
    }

    #[test]
    fn another_shard_does_as_the_first_one_says() {
        let now = UnixMillis(1_795_361_190_000);
        let mut first = crowded(0, 360_000_000);
        first.fit(now).unwrap();
        let mut other = crowded(1, 360_000_000);
        assert_eq!(other.to_measure(UnixMillis(now.0 + 86_400_000)), None);
        other.fit(now).unwrap();
        assert_eq!(other.storage.lengths.target().blocks, [9, 32, 19, 32], "it was not told");
        let orders = first.take_report(other.report_to_first(1, now), now);
        other.take_orders(&orders, now);
        other.fit(now).unwrap();
        assert_eq!(other.storage.lengths.target(), first.storage.lengths.target());
        assert_eq!(directory::owed(&other.storage.sql, 9).unwrap(), [], "the first one tells");
        // And the other's hosts count.
        first.fit(now).unwrap();
        assert!(first.storage.lengths.target().of(TENS) < 9);
    }

    #[test]
    fn what_a_deployment_wants_it_gets_where_there_is_room() {
        let now = UnixMillis(1_795_361_190_000);
        let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
        shard.complete(vec![]).unwrap();
        shard.enrol(vec![entry(1)]).unwrap();
        shard.storage.lengths.wishes.hours = [Some(48), Some(24), Some(365 * 24), None];
        shard.fit(now).unwrap();
        assert_eq!(shard.storage.lengths.target().blocks, [17, 8, 74, 32]);
        assert_eq!(directory::owed(&shard.storage.sql, 9).unwrap(), [], "shorter by wish is no news");
    }
}
