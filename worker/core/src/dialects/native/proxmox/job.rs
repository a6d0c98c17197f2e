//! Jobs: what the edge may ask an agent to do. There are these and no others.

use serde::{Deserialize, Deserializer, Serialize};

use super::census::EndpointPart;
use super::frame::PollError;
use super::loose;
use super::welcome::{Instance, InstanceKind};

/// A thing to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    /// Its number: the result bears it.
    pub job: u64,
    /// What it is, and what it needs.
    #[serde(flatten)]
    pub kind: JobKind,
}

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobKind {
    /// Connects once to an instance that may not be configured.
    Test {
        /// With its credentials; or its `id` alone, for one that the agent polls.
        instance: Box<Instance>,
    },
    /// Looks for servers in the networks that the agent's own file names, and in no other.
    Discover {
        /// One of those networks; empty for all.
        subnet: String,
    },
    /// Polls in another rhythm from now on, until the next welcome.
    PollSettings {
        /// Seconds between two polls.
        poll_s: u64,
        /// Seconds between two sweeps; 0 leaves it.
        sweep_s: u64,
    },
    /// Of a newer edge.
    #[serde(skip)]
    Unknown(String),
}

#[derive(Deserialize)]
struct AnyJob {
    job: u64,
    #[serde(default, deserialize_with = "loose::text")]
    kind: String,
    #[serde(default, deserialize_with = "loose::optional")]
    instance: Option<Box<Instance>>,
    #[serde(default, deserialize_with = "loose::text")]
    subnet: String,
    #[serde(default, deserialize_with = "loose::count")]
    poll_s: u64,
    #[serde(default, deserialize_with = "loose::count")]
    sweep_s: u64,
}

impl<'de> Deserialize<'de> for Job {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let AnyJob { job, kind, instance, subnet, poll_s, sweep_s } = AnyJob::deserialize(deserializer)?;
        let kind = match (kind.as_str(), instance) {
            ("test", Some(instance)) => JobKind::Test { instance },
            ("discover", _) => JobKind::Discover { subnet },
            ("poll_settings", _) => JobKind::PollSettings { poll_s, sweep_s },
            _ => JobKind::Unknown(kind),
        };
        Ok(Self { job, kind })
    }
}

/// The result of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The job's number.
    pub job: u64,
    /// What came of it.
    pub result: JobResult,
}

/// What came of a job: an object with one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobResult {
    /// The instance answers.
    Tested(Tested),
    /// What was found.
    Found(Found),
    /// The rhythm holds: seconds between two polls.
    PollS(u64),
    /// It failed. A job that the agent does not know fails so, too.
    Error(PollError),
}

/// What a test saw.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tested {
    /// How long it took.
    #[serde(deserialize_with = "loose::count")]
    pub took_ms: u64,
    /// Its version; empty where it may not be seen.
    #[serde(deserialize_with = "loose::text")]
    pub version: String,
    /// The name of the node that answered, where it is known.
    #[serde(deserialize_with = "loose::text")]
    pub node: String,
    /// How many nodes it lists.
    #[serde(deserialize_with = "loose::count")]
    pub nodes: u64,
    /// Whether it is a cluster.
    #[serde(deserialize_with = "loose::truth")]
    pub is_cluster: bool,
    /// The cluster's name.
    #[serde(deserialize_with = "loose::text")]
    pub cluster_name: String,
    /// The cluster's nodes.
    #[serde(deserialize_with = "loose::list", skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<EndpointPart>,
    /// How many datastores it lists.
    #[serde(deserialize_with = "loose::count")]
    pub datastores: u64,
    /// SHA-256 of the certificate that it showed, hex without colons; empty without TLS.
    #[serde(deserialize_with = "loose::text")]
    pub fingerprint: String,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Found {
    /// The servers.
    #[serde(deserialize_with = "loose::list")]
    pub servers: Vec<FoundServer>,
    /// What went wrong, in words.
    #[serde(deserialize_with = "loose::list")]
    pub errors: Vec<String>,
}

/// A server that was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FoundServer {
    /// Its address.
    #[serde(deserialize_with = "loose::text")]
    pub ip: String,
    /// Its port.
    #[serde(deserialize_with = "loose::count")]
    pub port: u64,
    /// What it is.
    pub kind: InstanceKind,
    /// Its version; empty where it wants to know who asks.
    #[serde(deserialize_with = "loose::text")]
    pub version: String,
    /// The version's release.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub release: String,
    /// Its name, from its certificate.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub hostname: String,
}
