//! The role of an openITCOCKPIT agent: its files, its cycle, its push client, and the wiring of the server that is pulled from.
//!
//! Imitates agent 3.6.1. Source: openitcockpit specification; nothing of this runs unless it is configured.

mod cycle;
mod definitions;
mod ini;
mod judge;
mod listen;
mod look;
mod packages;
mod push;
mod role;
mod scrape;
mod settings;
mod target;
mod values;
mod witness;

use std::collections::BTreeMap;

pub use role::start;

/// The keys of our own configuration in a text that is a stock agent's main file; `None` when it is another.
pub fn own_keys(text: &str) -> Option<BTreeMap<String, String>> {
    let ini = ini::Ini::parse(text);
    ini.is_main().then(|| settings::own(&ini))
}
