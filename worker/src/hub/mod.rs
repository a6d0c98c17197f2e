//! The hot layer: the objects that hold the newest state of hosts, their open blocks and their fine history.

pub mod coarse;
pub mod failure;
pub mod journal;
pub mod rings;
pub mod rollup;
pub mod rows;
pub mod series;
pub mod sql;
#[cfg(test)]
mod testing;

pub use failure::HubError;
