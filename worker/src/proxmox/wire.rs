//! What the Worker and the object say to each other.

use edgewatch_core::dialects::native::proxmox::{JobKind, JobResult};
use serde::{Deserialize, Serialize};

/// The header with the agent that opens a socket, which never comes from outside.
pub const COLLECTOR_HEADER: &str = "x-edgewatch-collector";

/// Which agent opens its socket: the host that its secret proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectorWire {
    /// The host's number.
    pub host: i64,
    /// SHA-256 of its secret.
    pub secret_hash: String,
}

/// A thing for an agent to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobRequest {
    /// What.
    pub kind: JobKind,
    /// For the agent that polls this instance; else for any.
    pub instance: Option<i64>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobReply {
    /// The agent's answer.
    Done(JobResult),
    /// No agent offers to.
    Nobody,
    /// It did not answer in time.
    Late,
    /// Too many are waited for already.
    Busy,
}

/// Something to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowRequest {
    /// What.
    pub what: What,
    /// Without what guests are told nothing of.
    pub for_guests: bool,
}

/// What may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Everything there is now.
    State {
        /// A JSON list: hosts of other kinds.
        hosts: String,
        /// How many sockets are open.
        viewers: u32,
        /// When the deployment began, Unix seconds.
        started_at_s: i64,
    },
    /// What is polled, and how polling fares, without the lists that are long.
    Overview,
    /// Alerts that go on.
    Alerts,
    /// Backups of all kinds.
    Backups,
    /// Those on storages.
    BackupsOfPve,
    /// Backup Servers.
    BackupsOfPbs,
    /// Snapshots.
    Snapshots,
    /// All storages.
    Storages,
    /// A storage, or those of a node.
    Storage {
        /// An id, or a node's name.
        id: String,
    },
    /// Series.
    Charts {
        /// How long, in words.
        range: String,
    },
    /// Series of storages.
    StorageCharts {
        /// How long.
        minutes: u32,
    },
}
