//! What programs for Pulse ask for.

pub mod door;
pub mod limits;
pub mod nodes;
pub mod registration;
pub mod shown;
pub mod system;
