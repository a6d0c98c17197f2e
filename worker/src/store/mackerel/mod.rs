//! What Mackerel's API says of hosts and groups them by: a file per table, or two that belong together.

pub mod graph_defs;
pub mod hosts;
pub mod invitations;
pub mod listing;
pub mod metadata;
pub mod services;
