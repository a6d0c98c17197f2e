//! What programs for Pulse set.

pub mod registrations;
pub mod system;
