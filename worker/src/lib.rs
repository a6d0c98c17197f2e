//! The Worker's entry points.

pub mod platform;
pub mod store;
