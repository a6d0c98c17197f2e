//! The hot layer: one object per shard of the hosts. It holds the newest state of each, the samples that are not in a block yet,
//! the fine history, and the verdict on who is up.

mod addresses;
#[cfg(target_arch = "wasm32")]
mod agents;
pub mod client;
pub mod coarse;
mod days;
#[cfg(target_arch = "wasm32")]
mod digest;
pub mod directory;
pub mod dump;
mod enrolment;
pub mod failure;
pub mod fitting;
#[cfg(target_arch = "wasm32")]
mod flush;
pub mod governor;
pub mod handover;
pub mod held;
pub mod journal;
pub mod lengths;
pub mod listing;
#[cfg(test)]
mod measure;
pub mod measured;
pub mod merging;
#[cfg(target_arch = "wasm32")]
mod metrics;
pub mod monitors;
#[cfg(target_arch = "wasm32")]
mod moving;
#[cfg(target_arch = "wasm32")]
mod news;
pub mod noted;
#[cfg(target_arch = "wasm32")]
mod object;
#[cfg(target_arch = "wasm32")]
mod operations;
pub mod own;
pub mod pieces;
pub mod polled;
pub mod posted;
pub mod presence;
pub mod probe_counts;
pub mod probe_days;
pub mod probe_history;
pub mod probes;
pub mod reckoning;
pub mod relayed;
pub mod results;
pub mod rings;
pub mod rollup;
pub mod rows;
pub mod rules;
pub mod series;
pub mod shard;
#[cfg(target_arch = "wasm32")]
mod spending;
pub mod sql;
#[cfg(target_arch = "wasm32")]
mod states;
pub mod storage;
#[cfg(test)]
mod testing;
pub mod thresholds;
pub mod tracked;
pub mod watches;
pub mod watching;
pub mod wire;

pub use failure::HubError;
