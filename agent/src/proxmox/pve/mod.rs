//! Proxmox VE: what is asked at every poll, and what rarely. Source: pulse specification, 17.

mod disks;
mod look;
mod rules;
mod shapes;
mod sweep;
mod test;

pub use look::{Memory, look};
pub use sweep::{Sweep, sweep};
pub use test::test;
