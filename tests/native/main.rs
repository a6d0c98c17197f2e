//! Our own API: what agents and operators speak.

mod channels;
mod probes;
mod reports;
mod series;
mod session;
mod setup;
mod storm;
mod usage;
