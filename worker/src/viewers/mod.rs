//! Fan-out to browsers: one Durable Object holds the sockets of all viewers, takes digests from the hub shards and passes
//! their pieces on, each to those who may see the host. `fanout` and `watch` decide, `object` wires.

pub mod client;
mod failure;
pub mod fanout;
#[cfg(target_arch = "wasm32")]
mod feed;
pub mod news;
#[cfg(target_arch = "wasm32")]
mod object;
#[cfg(target_arch = "wasm32")]
mod pulse;
pub mod viewer;
pub mod watch;

pub use failure::ViewersError;
