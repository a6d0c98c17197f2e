//! What the Worker and the object say to each other of results.

use serde::{Deserialize, Serialize};

/// What became of a result.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ResultReply {
    /// How often credentials were taken away.
    pub epoch: u64,
    /// Nothing was taken: credentials were taken away since who pushes was remembered.
    pub stale: bool,
    /// Nothing was taken: the host has no such agent.
    pub unknown: bool,
    /// How many checks were judged by it.
    pub received: u32,
    /// Checks that there is no room for.
    pub beyond: Vec<String>,
}

/// The last result of a host is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultRequest {
    /// The host's number.
    pub host: i64,
    /// It is wanted as a text for people, in a JSON text, and not judged.
    #[serde(default)]
    pub is_text: bool,
}
