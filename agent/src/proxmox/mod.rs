//! Polls Proxmox VE and Proxmox Backup Server, and leaves what it saw in an [`Outbox`]. Who takes it from there is not its business.
//!
//! Each instance has a thread that polls; a second one sweeps through backups, tasks and snapshots from time to time, one instance after the
//! other. At most eight requests are under way at once. Source: pulse specification, 17 to 20.

mod access;
mod client;
mod connection;
mod error;
mod fleet;
mod jobs;
mod lane;
mod local;
mod networks;
mod outbox;
mod pbs;
mod permits;
mod place;
mod pve;
mod rates;
mod rows;
mod tls;
mod ways;
mod worker;

pub use fleet::Fleet;
pub use lane::Lane;
pub use local::Local;
pub use outbox::{Item, Outbox, Pace};
pub use rows::Packed;
pub use ways::Roots;
