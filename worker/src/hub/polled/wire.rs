//! What the object that takes in polls of hypervisors says to a shard of hosts.

use edgewatch_core::dialects::native;
use edgewatch_core::model::Facts;
use serde::{Deserialize, Serialize};

use crate::hub::wire::FactsWire;

/// How hosts are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PolledRequest {
    /// Each once.
    pub hosts: Vec<PolledHost>,
}

/// How a host is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolledHost {
    /// Its number.
    pub id: i64,
    /// `up`, `down`, or `unknown` where its hypervisor could not be asked: then it stays what it was.
    pub state: State,
    /// Seconds between two polls.
    pub period_s: u32,
    /// What was measured since it was told of last, oldest first; the last one is its newest.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub samples: Vec<native::Sample>,
    /// What it is, where that may be news.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    facts: Option<FactsWire>,
}

/// Whether a host is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It runs.
    Up,
    /// It does not.
    Down,
    /// Nobody could be asked.
    Unknown,
}

impl PolledHost {
    /// How a host is, without what it is.
    pub const fn new(id: i64, state: State, period_s: u32, samples: Vec<native::Sample>) -> Self {
        Self { id, state, period_s, samples, facts: None }
    }

    /// The same with what it is.
    #[must_use]
    pub fn with_facts(self, facts: &Facts) -> Self {
        Self { facts: Some(FactsWire::from(facts)), ..self }
    }

    /// What it is, where that was said.
    pub fn take_facts(&mut self) -> Option<Facts> {
        self.facts.take().map(Facts::from)
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PolledReply {
    /// Hosts that there are none of (any more).
    pub unknown: Vec<i64>,
}
