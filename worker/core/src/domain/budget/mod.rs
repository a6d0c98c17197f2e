//! The arithmetic of the bill: what was used, what share of each free meter that is, what a month costs, where the day is
//! heading, and how far reporting is slowed down so that no meter runs out.
//!
//! A month has 30 days. Sources of every price and limit: platform specification, sections 1 and 2.

pub mod forecast;
pub mod governor;
pub mod ledger;
pub mod levers;
pub mod prices;
pub mod refusal;
pub mod rings;
pub mod usage;

#[cfg(test)]
mod tables;
