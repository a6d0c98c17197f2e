//! What is slow on purpose and what must be counted exactly: one Durable Object that tries passwords. `core::domain::attempts`
//! decides how often, `tries` asks it, `object` keeps the tallies.

pub mod client;
mod failure;
#[cfg(target_arch = "wasm32")]
mod object;
pub mod tries;

pub use failure::GateError;
