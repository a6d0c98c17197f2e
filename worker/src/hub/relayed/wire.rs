//! What the Worker says to a shard of a report that an agent of another product made.

use edgewatch_core::dialects::native;
use edgewatch_core::model::{Facts, Sample};
use serde::{Deserialize, Serialize};

use crate::hub::wire::{AgentWire, FactsWire};

/// A report of a host, which numbers nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelayedReport {
    /// The epoch that who reports was remembered under; `None` when they were looked up for this report.
    pub epoch: Option<u64>,
    /// The host, where it is, and the version of its agent. It shows no secret of its own.
    pub agent: AgentWire,
    /// Seconds between two reports.
    pub period_s: u32,
    sample: native::Sample,
    facts: FactsWire,
}

impl RelayedReport {
    /// A report of what was measured, by the host's clock, and of what the host is.
    pub fn new(epoch: Option<u64>, agent: AgentWire, period_s: u32, sample: &Sample, facts: &Facts) -> Self {
        // A number that is none makes it no sample.
        let sample = native::Sample { number: 1, ..native::Sample::from(sample) };
        Self { epoch, agent, period_s, sample, facts: FactsWire::from(facts) }
    }

    /// What was measured, `None` when it makes no sense, and what the host is.
    pub fn into_parts(self) -> (Option<Sample>, Facts) {
        (self.sample.into_sample(), Facts::from(self.facts))
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RelayedReply {
    /// How often credentials were taken away.
    pub epoch: u64,
    /// Nothing was taken: credentials were taken away since who reports was remembered.
    pub stale: bool,
    /// Nothing was taken: there is no such host (any more).
    pub unknown: bool,
}
