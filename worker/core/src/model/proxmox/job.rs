//! What comes of the jobs that an agent does for people: trying an instance, looking for some.

use super::InstanceKind;

/// What an instance said when it was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tested {
    /// A Proxmox VE.
    Pve {
        /// How many nodes it lists.
        nodes: u32,
        /// How many nodes its cluster has; `None` for one that is alone.
        cluster_nodes: Option<u32>,
        /// How long it took.
        took_ms: u32,
    },
    /// A Backup Server.
    Pbs {
        /// How many datastores may be seen.
        datastores: u32,
        /// How long it took.
        took_ms: u32,
    },
}

/// Why an instance could not be tried, or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestFailure {
    /// What was said of it makes no sense, such as a user without a realm.
    Senseless(String),
    /// It cannot be reached, or does not let us in.
    Failed(String),
}

/// A server that was found in a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// Its address.
    pub ip: String,
    /// Where its API listens.
    pub port: u16,
    /// What it is.
    pub kind: InstanceKind,
    /// Its version; empty where it does not say.
    pub version: String,
    /// Its name; likewise.
    pub hostname: String,
    /// Its release; likewise.
    pub release: String,
}
