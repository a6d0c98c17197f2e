//! What programs for Pulse set.

pub mod outlets;
pub mod registrations;
pub mod system;
pub mod update;
