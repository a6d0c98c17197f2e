//! Who sends what when on an agent's socket, so that no sample is lost and none is stored twice. Both sides are plain states:
//! no clock, no bytes.

pub mod gap;
pub mod window;

#[cfg(test)]
mod simulation;
