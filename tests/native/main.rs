//! Our own API: what agents and operators speak.

mod accounts;
mod channels;
mod reports;
mod rules;
mod series;
mod session;
mod setup;
mod socket;
mod storm;
mod usage;
