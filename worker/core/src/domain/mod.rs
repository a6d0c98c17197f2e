//! The rules, as functions. Clock and randomness come in as arguments.

pub mod access;
pub mod address_change;
pub mod alerting;
pub mod attempts;
pub mod budget;
pub mod downtime;
pub mod ids;
pub mod intake;
pub mod passwords;
pub mod posted;
pub mod presence;
pub mod probing;
pub mod routing;
pub mod sliding;
pub mod stream;
pub mod twins;
