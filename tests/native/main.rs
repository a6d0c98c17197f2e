//! Our own API: what agents and operators speak.

mod access_proxy;
mod accounts;
mod alert_ways;
mod channels;
mod guests;
mod hosts;
mod merges;
mod probe_alert;
mod probe_summary;
mod probes;
mod reports;
mod rules;
mod series;
mod session;
mod setup;
mod socket;
mod storm;
mod usage;
