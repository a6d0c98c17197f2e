//! What the Worker and the agent share: units, model, rules, metrics, packed blocks and every wire type.
//!
//! Nothing here does I/O, reads a clock or knows Cloudflare, so all of it is tested natively in seconds.

pub mod blocks;
pub mod dialects;
pub mod domain;
pub mod failure;
pub mod metrics;
pub mod model;
pub mod notify;
pub mod units;
