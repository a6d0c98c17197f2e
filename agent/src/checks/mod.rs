//! The local administrator's own checks, as the stock openITCOCKPIT agent runs them: what a file on this machine names, and nothing else.
//!
//! Source: openitcockpit specification, 10 and 11.

mod command;
mod exporters;
mod outcome;
mod runner;
mod running;

use std::time::Duration;

pub use exporters::{Exporter, Exporters, Fetch, Post};
pub use outcome::Outcome;
pub use runner::{Results, Runner};

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name in the results, in lower case.
    pub name: String,
    /// What is run: words, or what `shell` reads.
    pub command: String,
    /// From one beginning to the next.
    pub interval: Duration,
    /// After this it is killed.
    pub timeout: Duration,
    /// A program that reads the command from its standard input.
    pub shell: Option<String>,
}
