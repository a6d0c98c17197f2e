//! The packed blocks that samples are stored in, and the rings that the blocks lie in.
//!
//! A block is one row: many samples of one host. Its first byte names the codec. Rows of a tier lie in a ring: the row of
//! block `n` is slot `n % length`, so a new block takes the place of the oldest and nothing is ever deleted.

pub mod dictionary;
pub mod packed;
mod plain;
pub mod query;
pub mod rollup;
mod row;
pub mod tiers;

pub use packed::Block;
pub use plain::{Column, Entry, decode, encode};
pub use row::{Facet, Row, SeriesId};

/// A tier of history: how fine it is and how many blocks a host has there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// Its number in the tables; never changes.
    pub number: u8,
    /// How many blocks of a host it keeps.
    pub ring_blocks: u64,
}

/// Reports as they came in, a block each: at ten seconds 8,640 are a day.
pub const REPORTS: Tier = Tier { number: 0, ring_blocks: 8_640 };

impl Tier {
    /// The slot that block `block_no` lies in.
    pub const fn slot(self, block_no: u64) -> u64 {
        block_no % self.ring_blocks
    }
}

/// Why a block cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Its first byte names no codec that this version knows.
    #[error("codec {0} is not known")]
    UnknownCodec(u8),
    /// It ends too early or contradicts itself.
    #[error("the block is cut short or damaged")]
    Damaged,
}
