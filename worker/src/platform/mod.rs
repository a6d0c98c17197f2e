//! The world outside: clock, randomness, secrets, bindings, outgoing requests, the log. The one room for the SDK's own.

pub mod assets;
pub mod clock;
pub mod config;
pub mod digest;
pub mod log;
pub mod outbound;
pub mod random;
pub mod seal;
