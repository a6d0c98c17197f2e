//! How long the rings in the object's database should be, by how large blocks are there.
//!
//! Once a day the blocks of a few hosts are measured: some fifty rows read for each. What follows is shown with the usage; a
//! ring's length itself is changed elsewhere.

use edgewatch_core::blocks::tiers::{self, MINUTES, SAMPLES, Tier};
use edgewatch_core::dialects::native::RingPart;
use edgewatch_core::domain::budget::ledger::day_of;
use edgewatch_core::domain::budget::prices::Meter;
use edgewatch_core::domain::budget::rings::{Ring, Store, fitted};
use edgewatch_core::model::HostId;
use edgewatch_core::units::UnixMillis;
use serde::{Deserialize, Serialize};

use super::shard::Shard;
use super::{HubError, rings};

/// So many hosts are measured.
const MEASURED_HOSTS: usize = 3;
/// What a host takes besides its rings, at most: a row of the journal and one of the directory, each with its pages.
const HOST_BYTES: u64 = 24_576;
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

/// How large the blocks of a tier are on average, bytes with page waste; 0 where there is none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Measured {
    /// On which day.
    day: i64,
    samples: u64,
    minutes: u64,
}

impl Measured {
    fn of(&self, tier: Tier) -> u64 {
        match tier {
            SAMPLES => self.samples,
            MINUTES => self.minutes,
            _ => 0,
        }
    }
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
    /// Measures the blocks of a few hosts, once a day.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn measure(&mut self, now: UnixMillis) -> Result<(), HubError> {
        let day = day_of(now.seconds());
        if self.governor.measured.day == day {
            return Ok(());
        }
        let some: Vec<HostId> = self.iter().map(super::tracked::Tracked::id).take(MEASURED_HOSTS).collect();
        let mut blocks = Vec::new();
        for id in some {
            blocks.extend(rings::lengths(&self.storage.sql, id)?);
        }
        let average = |tier: Tier| {
            let of_tier = blocks.iter().filter(|(number, _)| *number == tier.number);
            let sizes: Vec<u64> = of_tier.map(|(_, packed)| stored_bytes(*packed)).collect();
            sizes.iter().sum::<u64>().div_ceil((sizes.len() as u64).max(1))
        };
        self.governor.measured = Measured { day, samples: average(SAMPLES), minutes: average(MINUTES) };
        Ok(())
    }

    /// The rings as they are, and as they fit. Those in D1 are not measured here.
    pub fn ring_parts(&self) -> Vec<RingPart> {
        let now = &self.storage.rings;
        let ring = |tier: Tier| Ring {
            step_s: tier.step_s,
            wanted_blocks: tier.ring_blocks,
            blocks: now.of(tier),
            // A day of minutes has to be there until D1 has it, and its samples until they are minutes.
            least_blocks: (tier.ring_blocks / 4).max(2),
            block_bytes: self.governor.measured.of(tier),
        };
        let hosts = u32::try_from(self.iter().count()).unwrap_or(u32::MAX);
        let wall = self.governor.terms.wall(Meter::ObjectBytes);
        let store = Store {
            hosts,
            held_bytes: self.storage.sql.bytes(),
            other_bytes: u64::from(hosts) * HOST_BYTES,
            wall_bytes: wall.map(|wall| wall / u64::from(self.governor.terms.shards.max(1))),
        };
        let fit = fitted(&store, &[ring(SAMPLES), ring(MINUTES)]);
        let part = |tier: &Tier| {
            let fitting = fit.iter().find(|ring| ring.step_s == tier.step_s);
            RingPart {
                tier: tier.name,
                blocks: now.of(*tier),
                fitting_blocks: fitting.map_or_else(|| now.of(*tier), |ring| ring.blocks),
                block_bytes: Some(self.governor.measured.of(*tier)).filter(|bytes| *bytes > 0),
            }
        };
        tiers::ALL.iter().map(part).collect()
    }
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
}
