//! What agents poll of Proxmox: one object takes it in, keeps it, tells the hub how the parts are as hosts, and shows it.

#[cfg(target_arch = "wasm32")]
mod alerted;
pub mod asked;
#[cfg(target_arch = "wasm32")]
mod charted;
pub mod client;
#[cfg(target_arch = "wasm32")]
mod collectors;
pub mod facts;
#[cfg(target_arch = "wasm32")]
mod hosts;
#[cfg(target_arch = "wasm32")]
mod jobs;
#[cfg(target_arch = "wasm32")]
mod judge;
pub mod judged;
pub mod minutes;
#[cfg(target_arch = "wasm32")]
mod object;
pub mod parts;
#[cfg(target_arch = "wasm32")]
mod shown;
pub mod tables;
pub mod tracks;
pub mod wire;
