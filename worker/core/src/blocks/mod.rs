//! The packed blocks that samples are stored in, and the rings that the blocks lie in.
//!
//! A block is one row: many samples of one host. Its first byte names the codec. Rows of a tier lie in a ring: the row of
//! block `n` is slot `n % length`, so a new block takes the place of the oldest and nothing is ever deleted.

pub mod dictionary;
pub mod packed;
pub mod query;
pub mod rollup;
mod row;
pub mod tiers;

pub use packed::Block;
pub use row::{Facet, Row, SeriesId};

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
