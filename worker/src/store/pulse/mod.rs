//! What programs for Pulse set.

pub mod agents;
pub mod outlets;
pub mod registrations;
pub mod system;
pub mod update;
