//! How a collector and the edge begin, and the edge's short answers.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::census::EndpointPart;
use super::loose;

/// The first message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Hello {
    /// [`super::VERSION`].
    pub version: u32,
    /// The agent's version.
    #[serde(default, deserialize_with = "loose::text")]
    pub agent_version: String,
    /// Of this run of the agent: frames are numbered within it. Random, hex.
    pub run: String,
    /// When it was sent.
    #[serde(default, deserialize_with = "loose::whole")]
    pub sent_at_ms: i64,
    /// Instances whose credentials stay with the agent.
    #[serde(default, deserialize_with = "loose::list", skip_serializing_if = "Vec::is_empty")]
    pub local: Vec<LocalInstance>,
    /// Hosts (URLs) of instances that it reached last.
    #[serde(default, deserialize_with = "loose::list", skip_serializing_if = "Vec::is_empty")]
    pub reach: Vec<String>,
}

/// An instance that the agent has from a file of its own. The edge gives it an id and says so in an [`Instance`] with its key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LocalInstance {
    /// Its name in the file: stays the same.
    #[serde(deserialize_with = "loose::text")]
    pub key: String,
    /// What it is.
    pub kind: InstanceKind,
    /// What it is called.
    #[serde(deserialize_with = "loose::text")]
    pub name: String,
    /// Its URL.
    #[serde(deserialize_with = "loose::text")]
    pub host: String,
}

/// What an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceKind {
    /// Proxmox VE.
    #[default]
    Pve,
    /// Proxmox Backup Server.
    Pbs,
}

impl InstanceKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pve => "pve",
            Self::Pbs => "pbs",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pve, Self::Pbs].into_iter().find(|kind| kind.as_str() == word)
    }
}

impl<'de> Deserialize<'de> for InstanceKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // To poll something as what it is not does harm.
        let word = loose::text(deserializer)?;
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom("neither pve nor pbs"))
    }
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Hidden(…)")
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        loose::text(deserializer).map(Self)
    }
}

/// What to poll, and how the edge stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Welcome {
    /// The edge's clock.
    #[serde(default, deserialize_with = "loose::whole")]
    pub now_ms: i64,
    /// Seconds between two polls; 0 for the agent's own default, [`Welcome::POLL_S`].
    #[serde(default, deserialize_with = "loose::count")]
    pub poll_s: u64,
    /// Seconds between two looks at backups and snapshots; 0 for the agent's own default, [`Welcome::SWEEP_S`].
    #[serde(default, deserialize_with = "loose::count")]
    pub sweep_s: u64,
    /// Every instance that this agent polls; others it polls no more.
    #[serde(default, deserialize_with = "loose::list")]
    pub instances: Vec<Instance>,
    /// By instance: the hashes of the sections that are kept, by name.
    #[serde(default, deserialize_with = "loose::or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub have: BTreeMap<String, BTreeMap<String, String>>,
    /// By instance: the frame of this run up to which all are safe. None of this run: none is.
    #[serde(default, deserialize_with = "loose::or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub durable: BTreeMap<String, u64>,
}

impl Welcome {
    /// Seconds between two polls, unless said otherwise. Source: pulse specification, 17.2.
    pub const POLL_S: u64 = 10;
    /// Seconds between two sweeps, unless said otherwise. Source: likewise.
    pub const SWEEP_S: u64 = 600;
}

/// One configured Proxmox VE, host or cluster, or backup server.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Instance {
    /// The edge's name for it.
    pub id: String,
    /// What it is.
    pub kind: InstanceKind,
    /// What people call it.
    #[serde(default, deserialize_with = "loose::text")]
    pub name: String,
    /// Its URL: scheme, host and port.
    #[serde(default, deserialize_with = "loose::text")]
    pub host: String,
    /// Of whom the credentials are; with a realm.
    #[serde(default, deserialize_with = "loose::optional_text", skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A password, where there is no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Hidden>,
    /// `user@realm!id`, or the id alone beside `user`.
    #[serde(default, deserialize_with = "loose::optional_text", skip_serializing_if = "Option::is_none")]
    pub token_name: Option<String>,
    /// The token's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_value: Option<Hidden>,
    /// SHA-256 of the certificate, hex, with or without colons.
    #[serde(default, deserialize_with = "loose::optional_text", skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Whether the certificate must be one that is trusted.
    #[serde(default, deserialize_with = "loose::truth")]
    pub verify_tls: bool,
    /// What is wanted.
    #[serde(default, deserialize_with = "loose::or_default")]
    pub monitor: Monitor,
    /// The cluster's nodes, as an agent found them: the way in when `host` does not answer.
    #[serde(default, deserialize_with = "loose::list", skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<EndpointPart>,
    /// The key of the agent's own file whose instance this is: the credentials stand there.
    #[serde(default, deserialize_with = "loose::optional_text", skip_serializing_if = "Option::is_none")]
    pub local: Option<String>,
}

/// What of an instance is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the product's")]
pub struct Monitor {
    /// Virtual machines.
    #[serde(deserialize_with = "loose::truth_unless_denied")]
    pub vms: bool,
    /// Containers.
    #[serde(deserialize_with = "loose::truth_unless_denied")]
    pub containers: bool,
    /// Storages.
    #[serde(deserialize_with = "loose::truth_unless_denied")]
    pub storage: bool,
    /// Backups, tasks and snapshots.
    #[serde(deserialize_with = "loose::truth_unless_denied")]
    pub backups: bool,
    /// Datastores.
    #[serde(deserialize_with = "loose::truth_unless_denied")]
    pub datastores: bool,
    /// Jobs that fetch from other servers.
    #[serde(deserialize_with = "loose::truth_unless_denied")]
    pub sync_jobs: bool,
    /// Jobs that verify.
    #[serde(deserialize_with = "loose::truth_unless_denied")]
    pub verify_jobs: bool,
    /// Jobs that remove what is old.
    #[serde(deserialize_with = "loose::truth_unless_denied")]
    pub prune_jobs: bool,
    /// The collection of garbage.
    #[serde(deserialize_with = "loose::truth")]
    pub garbage_jobs: bool,
}

impl Default for Monitor {
    fn default() -> Self {
        Self {
            vms: true,
            containers: true,
            storage: true,
            backups: true,
            datastores: true,
            sync_jobs: true,
            verify_jobs: true,
            prune_jobs: true,
            // Source: pulse specification, 9.2.
            garbage_jobs: false,
        }
    }
}

/// A section is kept: it is not sent again until it changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// The instance's id.
    pub instance: String,
    /// The section's name.
    pub name: super::SectionName,
    /// The hash of what is kept.
    pub hash: String,
}

/// Frames are safe: the agent may forget them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Durable {
    /// The instance's id.
    pub instance: String,
    /// All up to this number.
    pub n: u64,
}

/// Somebody looks: each poll is sent at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Watch {
    /// For so many seconds from now; 0 ends it.
    #[serde(default, deserialize_with = "loose::count")]
    pub for_s: u64,
}

/// The edge's last message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bye {
    /// `restart`, `unauthorized`, `version`, `replaced`, `busy`, `off` or another word.
    #[serde(default, deserialize_with = "loose::text")]
    pub why: String,
    /// Seconds after which the agent may come back; 0 for when it likes.
    #[serde(default, deserialize_with = "loose::count")]
    pub retry_s: u64,
}
