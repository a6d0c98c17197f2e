//! Interim.
use crate::model::HostId;
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier { pub number: u8, pub step_s: u32, pub block_s: u32, pub ring_blocks: u64 }
pub const SAMPLES: Tier = Tier { number: 0, step_s: 10, block_s: 1_800, ring_blocks: 48 };
pub const MINUTES: Tier = Tier { number: 1, step_s: 60, block_s: 21_600, ring_blocks: 32 };
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rings;
impl Rings { pub fn length(&self, tier: Tier) -> u64 { tier.ring_blocks } }
impl Tier { pub fn block_no(self, host: HostId, at_ms: i64) -> u64 { ((at_ms / 1000 + host.0 * 7919 % i64::from(self.block_s)) / i64::from(self.block_s)).unsigned_abs() } }
