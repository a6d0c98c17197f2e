//! Proxmox Backup Server: what is asked at every poll, and what rarely. Source: pulse specification, 18.

mod look;
mod shapes;
mod sweep;

pub use look::{Memory, learn, look, test};
pub use sweep::{Sweep, sweep};
