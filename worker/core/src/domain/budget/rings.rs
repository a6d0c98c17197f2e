//! How long the rings of history may be: shortened finest first before storage is full, lengthened again when there is room.
//!
//! A ring has a fixed size once it is full, so what is decided goes by full rings and not by a trend. What the databases hold
//! now decides only *when*: a young fleet keeps its long rings until they begin to matter. Shortening frees pages within the
//! database and does not make its file smaller, so the file's size is never taken as a reason to shorten again.

/// Nothing is shortened before the store is this full, percent.
const SHORTEN_FROM: u128 = 70;
/// Full rings may fill this much of the store, percent; the rest is for everything else.
const SHORTEN_TO: u128 = 90;
/// A ring is lengthened when all of them, full, then take at most this much, percent.
const LENGTHEN_TO: u128 = 80;

/// One tier's ring, of every host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ring {
    /// Seconds between two points.
    pub step_s: u32,
    /// The length the operator wants, in blocks.
    pub wanted_blocks: u64,
    /// The length it has now, in blocks.
    pub blocks: u64,
    /// The length below which it is of no use, in blocks.
    pub least_blocks: u64,
    /// What one block takes in the database as measured, page waste included.
    pub block_bytes: u64,
}

/// One database with its rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Store {
    /// How many hosts have rings in it.
    pub hosts: u32,
    /// What it holds now, bytes.
    pub held_bytes: u64,
    /// What it holds besides rings, bytes.
    pub other_bytes: u64,
    /// Our part of what it may hold, bytes; `None` where nothing is refused.
    pub wall_bytes: Option<u64>,
}

/// What the rings take when every one is full, and everything else.
pub fn full_bytes(store: &Store, rings: &[Ring]) -> u128 {
    let host: u128 = rings.iter().map(|ring| u128::from(ring.blocks) * u128::from(ring.block_bytes)).sum();
    u128::from(store.hosts) * host + u128::from(store.other_bytes)
}

/// The rings with the lengths they should have, in the order given. Each step takes a quarter of a ring away or adds a third:
/// lengthening and shortening cost writes, so they are not done for a block or two.
pub fn fitted(store: &Store, rings: &[Ring]) -> Vec<Ring> {
    let mut rings = rings.to_vec();
    for ring in &mut rings {
        ring.blocks = ring.blocks.min(ring.wanted_blocks);
    }
    let Some(wall) = store.wall_bytes else {
        for ring in &mut rings {
            ring.blocks = ring.wanted_blocks;
        }
        return rings;
    };
    let exceeds = |bytes: u128, percent: u128| bytes * 100 > u128::from(wall) * percent;
    let mut finest_first: Vec<usize> = (0..rings.len()).collect();
    finest_first.sort_by_key(|&index| rings.get(index).map(|ring| ring.step_s));

    if exceeds(store.held_bytes.into(), SHORTEN_FROM) {
        for &index in &finest_first {
            while exceeds(full_bytes(store, &rings), SHORTEN_TO)
                && let Some(ring) = rings.get_mut(index).filter(|ring| ring.blocks > ring.least_blocks)
            {
                ring.blocks = (ring.blocks - (ring.blocks / 4).max(1)).max(ring.least_blocks).max(1);
                if ring.blocks == 1 {
                    break;
                }
            }
        }
    }
    // Given back in the opposite order: what was shortened last comes back first.
    for &index in finest_first.iter().rev() {
        loop {
            let before = rings.clone();
            let Some(ring) = rings.get_mut(index).filter(|ring| ring.blocks < ring.wanted_blocks) else { break };
            ring.blocks = ring.blocks.saturating_add((ring.blocks / 3).max(1)).min(ring.wanted_blocks);
            if exceeds(full_bytes(store, &rings), LENGTHEN_TO) {
                rings = before;
                break;
            }
        }
    }
    rings
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    /// The hub's tiers: 10 s for 24 h and 1 min for 8 days, in blocks of 20 minutes and 3 hours.
    const FINE: Ring = Ring { step_s: 10, wanted_blocks: 72, blocks: 72, least_blocks: 9, block_bytes: 4_096 };
    const MINUTES: Ring = Ring { step_s: 60, wanted_blocks: 64, blocks: 64, least_blocks: 16, block_bytes: 8_192 };

    fn store(hosts: u32, held_mb: u64, wall_mb: u64) -> Store {
        Store { hosts, held_bytes: held_mb * MB, other_bytes: 10 * MB, wall_bytes: Some(wall_mb * MB) }
    }

    fn lengths(rings: &[Ring]) -> Vec<u64> {
        rings.iter().map(|ring| ring.blocks).collect()
    }

    #[test]
    fn the_finest_is_shortened_first_and_no_more_than_it_must() {
        // 1,000 hosts: 295 + 524 MB when full.
        assert_eq!(lengths(&fitted(&store(1_000, 700, 1_000), &[MINUTES, FINE])), [64, 72]);
        assert_eq!(lengths(&fitted(&store(1_000, 700, 850), &[MINUTES, FINE])), [64, 54]);
        assert_eq!(lengths(&fitted(&store(1_000, 600, 660), &[MINUTES, FINE])), [64, 14]);
        assert_eq!(lengths(&fitted(&store(1_000, 500, 400), &[MINUTES, FINE])), [36, 9]);
    }

    #[test]
    fn a_ring_keeps_its_least_length_whatever_happens() {
        assert_eq!(lengths(&fitted(&store(100_000, 500, 100), &[FINE, MINUTES])), [9, 16]);
        let none = Ring { least_blocks: 0, ..FINE };
        assert_eq!(lengths(&fitted(&store(100_000, 500, 100), &[none])), [1]);
    }

    #[test]
    fn a_young_fleet_keeps_its_long_rings() {
        assert_eq!(lengths(&fitted(&store(1_000, 100, 400), &[FINE, MINUTES])), [72, 64]);
    }

    #[test]
    fn a_file_that_stays_large_is_no_reason_to_shorten_again() {
        let full = store(1_000, 850, 850);
        let once = fitted(&full, &[FINE, MINUTES]);
        assert_eq!(lengths(&once), [54, 64]);
        assert_eq!(fitted(&full, &once), once);
    }

    #[test]
    fn rings_grow_again_when_hosts_go_and_do_not_flap() {
        let short = fitted(&store(1_000, 500, 400), &[FINE, MINUTES]);
        assert_eq!(lengths(&short), [9, 36]);
        assert_eq!(lengths(&fitted(&store(300, 500, 400), &short)), [72, 64]);
        for hosts in (100..2_000).step_by(7) {
            let crowded = store(hosts, 800, 800);
            let once = fitted(&crowded, &[FINE, MINUTES]);
            assert_eq!(fitted(&crowded, &once), once, "{hosts} hosts");
        }
    }

    #[test]
    fn a_ring_longer_than_wanted_is_shortened_whatever_room_there_is() {
        let ring = Ring { wanted_blocks: 20, ..FINE };
        assert_eq!(lengths(&fitted(&store(1, 1, 1_000), &[ring])), [20]);
        assert_eq!(lengths(&fitted(&Store { wall_bytes: None, ..store(1, 1, 1) }, &[ring])), [20]);
    }

    #[test]
    fn where_nothing_is_refused_rings_are_as_wanted() {
        let own = Store { wall_bytes: None, ..store(10_000, 900, 0) };
        assert_eq!(lengths(&fitted(&own, &[Ring { blocks: 9, ..FINE }])), [72]);
    }
}
