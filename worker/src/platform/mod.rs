//! The world outside: clock, randomness, secrets, bindings, outgoing requests, the log. The one room for the SDK's own.

pub mod assets;
pub mod clock;
pub mod config;
pub mod digest;
#[cfg(target_arch = "wasm32")]
mod ffi;
pub mod log;
pub mod objects;
pub mod outbound;
pub mod random;
pub mod reach;
pub mod seal;
#[cfg(target_arch = "wasm32")]
pub mod sockets;
#[cfg(target_arch = "wasm32")]
pub mod transactions;
