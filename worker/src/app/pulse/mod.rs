//! What programs for Pulse ask for.

pub mod agents;
pub mod alerts;
pub mod door;
pub mod limits;
pub mod nodes;
pub mod outlets;
pub mod registration;
pub mod shown;
pub mod system;
pub mod told;
pub mod transfer;
pub mod updates;
