//! D1. `db` alone knows the engine; then a file per table, its SQL as constants at the top.

pub mod access;
pub mod address_notices;
pub mod alerts;
pub mod channels;
pub mod check_results;
pub mod db;
pub mod dump;
pub mod events;
mod failure;
pub mod hex;
pub mod history;
pub mod host_edits;
pub mod host_merges;
pub mod hosts;
pub mod machine;
pub mod mackerel;
pub mod newest;
pub mod outbox;
pub mod probes;
pub mod proxmox;
pub mod pulse;
pub mod push_agents;
pub mod rules;
pub mod sessions;
pub mod settings;
pub mod thresholds;
pub mod users;

pub use db::{Bind, Db, Outcome, Statement};
pub use failure::StoreError;
