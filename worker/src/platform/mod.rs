//! The world outside: clock, randomness, secrets, bindings, outgoing requests, the log. The one room for the SDK's own.

pub mod access_keys;
pub mod assets;
pub mod clock;
pub mod config;
pub mod digest;
#[cfg(target_arch = "wasm32")]
mod ffi;
pub mod gzip;
pub mod jwt;
pub mod local_time;
pub mod log;
pub mod objects;
pub mod outbound;
pub mod page;
pub mod passphrase;
pub mod password;
pub mod payload;
pub mod pulse_variables;
pub mod random;
pub mod reach;
pub mod seal;
#[cfg(target_arch = "wasm32")]
pub mod sockets;
pub mod tcp;
#[cfg(target_arch = "wasm32")]
pub mod transactions;
pub mod webcrypto;
