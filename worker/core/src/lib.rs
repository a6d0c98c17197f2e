//! What the Worker and the agent share: units, model, rules, metrics, packed blocks and every wire type.
//!
//! Nothing here does I/O, reads a clock or knows Cloudflare, so all of it is tested natively in seconds.

// A panic in wasm costs every open request: outside tests nothing here may be able to.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

pub mod blocks;
pub mod dialects;
pub mod domain;
pub mod failure;
pub mod hooks;
pub mod metrics;
pub mod model;
pub mod notify;
pub mod units;
