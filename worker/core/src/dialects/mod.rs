//! Wire types, a folder per API. Each converts to and from `model`; none knows another.

pub mod native;
pub mod nezha;
pub mod pulse;
