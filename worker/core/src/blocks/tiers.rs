//! The tiers of history as data: how fine, how long a block, how many blocks, and which block a moment lies in.
//!
//! A block's number is how many blocks of its tier have begun since 1970, by the time of its samples on our clock. Hosts are
//! out of step with each other by their *phase*, so that their blocks do not all end at once. Phases are multiples of the
//! tiers' steps, so no window of a roll-up is cut by the end of a block; they nest, so that a block of minutes ends where a
//! block of samples ends, and coarse blocks where a *day* of the host ends.
//!
//! How long the rings are is a value, [`Rings`]: a deployment may want others, and they are shortened before storage is full.

use crate::model::HostId;

/// A tier of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// Its number in the tables; never changes.
    pub number: u8,
    /// Its name in our own API.
    pub name: &'static str,
    /// Seconds between two rows; for samples what agents do unless told otherwise.
    pub step_s: u32,
    /// Seconds that a block covers.
    pub block_s: u32,
    /// How many blocks of a host there are, unless a deployment wants otherwise.
    pub ring_blocks: u64,
}

/// As sampled, 24 hours, in the hub. A block is written as it fills, see [`SAMPLES_WRITE_S`]; one of half an hour would waste
/// half of the database's pages.
pub const SAMPLES: Tier = Tier { number: 0, name: "samples", step_s: 10, block_s: 10_800, ring_blocks: 9 };
/// Minutes, 8 days, in the hub.
pub const MINUTES: Tier = Tier { number: 1, name: "minutes", step_s: 60, block_s: 21_600, ring_blocks: 32 };
/// Ten minutes, 90 days, in D1. A block of five days grows by one of them at a time: so a month is 7 rows, not 31.
pub const TENS: Tier = Tier { number: 2, name: "ten_minutes", step_s: 600, block_s: 432_000, ring_blocks: 19 };
/// Two hours, 5 years, in D1, averages alone. A block of sixty days grows by a day at a time.
pub const TWO_HOURS: Tier = Tier { number: 3, name: "two_hours", step_s: 7_200, block_s: 5_184_000, ring_blocks: 32 };

/// The longest time that samples wait for their block's row, seconds: it is written as often as it fills by so much.
pub const SAMPLES_WRITE_S: u32 = 1_800;

/// Every tier, by number.
pub const ALL: [Tier; 4] = [SAMPLES, MINUTES, TENS, TWO_HOURS];

/// The longest ring, in blocks: what reading a whole one may cost is bounded.
const MOST_BLOCKS: u64 = 1_000;
/// What the coarse blocks grow by.
const DAY_MS: i64 = 86_400_000;

/// How many blocks of a host the rings hold now, by the tier's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rings {
    /// In blocks, each at least 1.
    pub blocks: [u64; 4],
    /// Nothing is held of the time before, ms since 1970: a ring that was lengthened is longer than what it has kept.
    pub none_before_ms: [i64; 4],
}

/// How long a deployment wants history kept, hours, by the tier's number; `None` is as the tier says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wishes {
    /// In hours.
    pub hours: [Option<u32>; 4],
}

impl Default for Rings {
    fn default() -> Self {
        Self::of_lengths(ALL.map(|tier| tier.ring_blocks))
    }
}

impl Rings {
    /// Rings of these lengths that were never shorter.
    pub const fn of_lengths(blocks: [u64; 4]) -> Self {
        Self { blocks, none_before_ms: [i64::MIN; 4] }
    }

    /// The length of a tier's ring, in blocks.
    pub fn of(&self, tier: Tier) -> u64 {
        self.blocks.get(usize::from(tier.number)).map_or(1, |blocks| (*blocks).max(1))
    }

    /// As [`Rings::of`], by the tier's number; 1 for a number that no tier has.
    pub fn of_number(&self, tier: u8) -> u64 {
        ALL.get(usize::from(tier)).map_or(1, |tier| self.of(*tier))
    }

    /// The least number of a block that the ring may still hold when `newest_no` is the newest.
    pub fn oldest(&self, tier: Tier, newest_no: u64) -> u64 {
        newest_no.saturating_add(1).saturating_sub(self.of(tier))
    }

    /// The first moment of a host that the ring holds all samples since, when `newest_no` is the newest block; ms since 1970.
    pub fn held_from_ms(&self, tier: Tier, host: HostId, newest_no: u64) -> i64 {
        let none_before_ms = self.none_before_ms.get(usize::from(tier.number)).copied().unwrap_or(i64::MIN);
        tier.start_ms(host, self.oldest(tier, newest_no)).max(none_before_ms)
    }

    /// The rings with other lengths from `now_ms` on. What a longer one could hold and a shorter one has let go stays gone.
    #[must_use]
    pub fn resized(&self, blocks: [u64; 4], now_ms: i64) -> Self {
        let mut rings = Self { blocks, ..*self };
        for tier in ALL {
            let held_ms = tier.block_ms().saturating_mul(i64::try_from(self.of(tier) - 1).unwrap_or(i64::MAX));
            if let Some(none_before_ms) = rings.none_before_ms.get_mut(usize::from(tier.number))
                && rings.blocks.get(usize::from(tier.number)).is_some_and(|blocks| *blocks > self.of(tier))
            {
                *none_before_ms = (*none_before_ms).max(now_ms.saturating_sub(held_ms));
            }
        }
        rings
    }
}

impl Wishes {
    /// The lengths that keep history so long, in blocks: the block that is filling is one more. At least what the next tier is
    /// made from, at most a thousand blocks.
    pub fn blocks(&self) -> [u64; 4] {
        let blocks = |tier: Tier| match self.hours.get(usize::from(tier.number)).copied().flatten() {
            Some(hours) => {
                let blocks = (u64::from(hours) * 3600).div_ceil(tier.block_s.into()).saturating_add(1);
                blocks.clamp(tier.least_blocks(), MOST_BLOCKS)
            }
            None => tier.ring_blocks,
        };
        ALL.map(blocks)
    }
}

impl Tier {
    /// The block that a moment of a host lies in.
    pub fn block_no(self, host: HostId, at_ms: i64) -> u64 {
        let at_ms = at_ms.saturating_add(self.phase_ms(host));
        if at_ms < 0 { 0 } else { at_ms.div_euclid(self.block_ms()).unsigned_abs() }
    }

    /// When a block's time begins, ms since 1970. Block 0's may lie before that.
    pub fn start_ms(self, host: HostId, block_no: u64) -> i64 {
        i64::try_from(block_no).unwrap_or(i64::MAX).saturating_mul(self.block_ms()).saturating_sub(self.phase_ms(host))
    }

    /// When a block's time is over: the next one's beginning.
    pub fn end_ms(self, host: HostId, block_no: u64) -> i64 {
        self.start_ms(host, block_no.saturating_add(1))
    }

    /// Milliseconds between two rows.
    pub const fn step_ms(self) -> i64 {
        self.step_s as i64 * 1000
    }

    /// The length below which a ring is of no use, in blocks: a day of minutes has to be there until D1 has it, and its samples
    /// until they are minutes.
    pub const fn least_blocks(self) -> u64 {
        match self.number {
            0 => 3,
            2 => 4,
            _ => 8,
        }
    }

    const fn block_ms(self) -> i64 {
        self.block_s as i64 * 1000
    }

    /// By how much a host's blocks end earlier than those of a host without a phase.
    fn phase_ms(self, host: HostId) -> i64 {
        let phase_s = match self.number {
            0 => minutes_phase_s(host) % SAMPLES.block_s,
            1 => minutes_phase_s(host),
            2 => day_phase_s(host) + 86_400 * spread(host, 3, 5),
            _ => day_phase_s(host) + 86_400 * spread(host, 4, 60),
        };
        i64::from(phase_s) * 1000
    }
}

/// The day of a host that a moment lies in: what coarse blocks grow by, its end spread over the day like theirs.
pub fn day_no(host: HostId, at_ms: i64) -> u64 {
    let at_ms = at_ms.saturating_add(i64::from(day_phase_s(host)) * 1000);
    if at_ms < 0 { 0 } else { at_ms.div_euclid(DAY_MS).unsigned_abs() }
}

/// When a day of a host begins, ms since 1970; it ends where the next begins.
pub fn day_start_ms(host: HostId, day_no: u64) -> i64 {
    let phase_ms = i64::from(day_phase_s(host)) * 1000;
    i64::try_from(day_no).unwrap_or(i64::MAX).saturating_mul(DAY_MS).saturating_sub(phase_ms)
}

/// Whole minutes below the length of a block of minutes.
fn minutes_phase_s(host: HostId) -> u32 {
    60 * spread(host, 1, MINUTES.block_s / 60)
}

/// Whole windows of the coarsest tier below a day.
fn day_phase_s(host: HostId) -> u32 {
    TWO_HOURS.step_s * spread(host, 2, 86_400 / TWO_HOURS.step_s)
}

/// A number below `below` that is the same for a host for ever. Changing it would scatter every ring.
fn spread(host: HostId, salt: u64, below: u32) -> u32 {
    // SplitMix64.
    let mut mixed = (host.0.unsigned_abs() ^ (salt << 56)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    u32::try_from(mixed % u64::from(below.max(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A Sunday, 15:26:30 UTC.
    const NOW_MS: i64 = 1_795_361_190_000;

    fn hosts() -> impl Iterator<Item = HostId> {
        (1..=1_000).map(HostId)
    }

    #[test]
    fn a_moment_lies_in_the_block_whose_time_it_is() {
        for host in hosts().take(50) {
            for tier in ALL {
                let block_no = tier.block_no(host, NOW_MS);
                let (start_ms, end_ms) = (tier.start_ms(host, block_no), tier.end_ms(host, block_no));
                assert!((start_ms..end_ms).contains(&NOW_MS));
                assert_eq!(end_ms - start_ms, i64::from(tier.block_s) * 1000);
                assert_eq!(tier.block_no(host, end_ms), block_no + 1);
                assert_eq!(tier.block_no(host, start_ms - 1), block_no - 1);
                assert_eq!(tier.block_no(host, i64::MIN), 0);
                assert!(tier.start_ms(host, u64::MAX) > NOW_MS);
            }
        }
    }

    #[test]
    fn no_window_is_cut_and_blocks_nest() {
        for host in hosts() {
            for (tier, coarser) in [(SAMPLES, MINUTES), (MINUTES, MINUTES), (TENS, TWO_HOURS), (TWO_HOURS, TWO_HOURS)] {
                let start_ms = tier.start_ms(host, tier.block_no(host, NOW_MS));
                // Its rows, and those that are made of them.
                let step_ms = if tier == SAMPLES { MINUTES.step_ms() } else { coarser.step_ms() };
                assert_eq!(start_ms % step_ms, 0, "{tier:?} of {host:?}");
            }
            let minutes_end = MINUTES.end_ms(host, MINUTES.block_no(host, NOW_MS));
            assert_eq!(SAMPLES.start_ms(host, SAMPLES.block_no(host, minutes_end)), minutes_end);
            for tier in [TENS, TWO_HOURS] {
                let end_ms = tier.end_ms(host, tier.block_no(host, NOW_MS));
                assert_eq!(day_start_ms(host, day_no(host, end_ms)), end_ms);
            }
        }
    }

    #[test]
    fn the_ends_of_blocks_are_spread_over_the_hosts() {
        let ends = |tier: Tier| {
            let ends: BTreeSet<i64> =
                hosts().map(|host| tier.end_ms(host, tier.block_no(host, NOW_MS)) - NOW_MS).collect();
            ends.len()
        };
        assert_eq!((ends(SAMPLES), ends(TENS), ends(TWO_HOURS)), (178, 60, 544));
        assert!(ends(MINUTES) > 300);
    }

    #[test]
    fn phases_stay_what_they_are() {
        let phases = |host| ALL.map(|tier| tier.phase_ms(HostId(host)) / 1000);
        assert_eq!((phases(1), phases(1_000)), PINNED);
    }

    #[test]
    fn a_ring_holds_so_many_blocks_up_to_the_newest() {
        let rings = Rings::of_lengths([4, 0, 1, 2]);
        assert_eq!((rings.oldest(SAMPLES, 9), rings.oldest(SAMPLES, 2), rings.oldest(MINUTES, 9)), (6, 0, 9));
        assert_eq!(Rings::default().of(MINUTES), 32);
    }

    #[test]
    fn a_lengthened_ring_holds_no_more_than_it_held() {
        let short = Rings::of_lengths([9, 8, 3, 32]);
        let host = HostId(1);
        let held = |rings: &Rings, tier: Tier, at_ms| rings.held_from_ms(tier, host, tier.block_no(host, at_ms));
        let long = short.resized([9, 32, 19, 16], NOW_MS);
        let before = held(&short, MINUTES, NOW_MS);
        assert!((before..before + MINUTES.block_ms()).contains(&held(&long, MINUTES, NOW_MS)));
        assert_eq!(held(&long, SAMPLES, NOW_MS), held(&short, SAMPLES, NOW_MS), "as long as it was");
        assert_eq!(held(&long, TWO_HOURS, NOW_MS), held(&Rings::of_lengths([1, 1, 1, 16]), TWO_HOURS, NOW_MS));
        let later_ms = NOW_MS + 8 * DAY_MS;
        assert_eq!(held(&long, MINUTES, later_ms), held(&Rings::default(), MINUTES, later_ms), "filled again");
        let again = long.resized([9, 8, 19, 16], NOW_MS).resized([9, 32, 19, 16], NOW_MS);
        assert_eq!(again.none_before_ms, long.none_before_ms);
    }

    #[test]
    fn wishes_are_kept_in_whole_blocks_within_bounds() {
        assert_eq!(Wishes::default().blocks(), Rings::default().blocks);
        let days = |days: u32| Some(days * 24);
        assert_eq!(Wishes { hours: [Some(24), None, days(90), days(1_826)] }.blocks(), Rings::default().blocks);
        assert_eq!(Wishes { hours: [Some(1), days(0), days(1), days(1)] }.blocks(), [3, 8, 4, 8]);
        assert_eq!(Wishes { hours: [Some(u32::MAX); 4] }.blocks(), [1_000; 4]);
        assert_eq!(Wishes { hours: [None, days(30), days(365), None] }.blocks(), [9, 121, 74, 32]);
    }

    #[test]
    fn rings_are_as_long_as_is_promised() {
        let days = |tier: Tier| u64::from(tier.block_s) * (tier.ring_blocks - 1) / 86_400;
        assert!(days(MINUTES) >= 7 && days(TENS) >= 90 && days(TWO_HOURS) >= 1_826);
        assert_eq!(u64::from(SAMPLES.block_s) * (SAMPLES.ring_blocks - 1), 86_400);
    }

    /// Of hosts 1 and 1,000.
    const PINNED: ([i64; 4], [i64; 4]) = ([9_000, 19_800, 108_000, 4_428_000], [5_580, 16_380, 252_000, 1_980_000]);
}
