//! What is slow on purpose and what must be counted exactly: one Durable Object that tries passwords and counts requests.
//! `core::domain::attempts` and `sliding` decide how often, `tries` and `limits` ask them, `object` keeps the tallies.

pub mod client;
mod failure;
pub mod limits;
#[cfg(target_arch = "wasm32")]
mod object;
pub mod tries;

pub use failure::GateError;
