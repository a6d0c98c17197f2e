//! Rows of the section `census`: what an instance is made of.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::loose;
use super::now::GuestKind;

/// A row of the census: an object with one key that says what it is of.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CensusRow {
    /// The instance itself, a hypervisor; once.
    Cluster(ClusterRow),
    /// A node.
    Node(NodeRow),
    /// A guest; templates are in it too.
    Guest(GuestRow),
    /// A storage on a node.
    Storage(StorageRow),
    /// The instance itself, a backup server; once.
    Pbs(PbsRow),
    /// A datastore.
    Datastore(DatastoreRow),
    /// A job of a backup server.
    Job(JobRow),
}

impl<'de> Deserialize<'de> for CensusRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Row;

        impl<'de> Visitor<'de> for Row {
            type Value = CensusRow;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a row of the census")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<CensusRow, A::Error> {
                let mut row = None;
                while let Some(kind) = entries.next_key::<String>()? {
                    row = Some(match kind.as_str() {
                        "cluster" => CensusRow::Cluster(entries.next_value()?),
                        "node" => CensusRow::Node(entries.next_value()?),
                        "guest" => CensusRow::Guest(entries.next_value()?),
                        "storage" => CensusRow::Storage(entries.next_value()?),
                        "pbs" => CensusRow::Pbs(entries.next_value()?),
                        "datastore" => CensusRow::Datastore(entries.next_value()?),
                        "job" => CensusRow::Job(entries.next_value()?),
                        _ => {
                            entries.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    });
                }
                // A row of a kind that is not known is left out of the list by who reads it.
                row.ok_or_else(|| serde::de::Error::custom("a row of an unknown kind"))
            }
        }

        deserializer.deserialize_map(Row)
    }
}

/// A Proxmox VE, alone or a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterRow {
    /// Whether it is a cluster.
    #[serde(deserialize_with = "loose::truth")]
    pub is_cluster: bool,
    /// The cluster's name; empty without one.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Whether enough nodes see each other.
    #[serde(deserialize_with = "loose::optional_truth", skip_serializing_if = "Option::is_none")]
    pub quorate: Option<bool>,
    /// Where its nodes can be asked; empty for one that stands alone.
    #[serde(deserialize_with = "loose::list", skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<EndpointPart>,
    /// Which of them answers now: the URL.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub polled: String,
}

/// A node of a cluster as others reach it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointPart {
    /// Its id (`node/pve1`).
    #[serde(deserialize_with = "loose::text")]
    pub id: String,
    /// Its name.
    #[serde(deserialize_with = "loose::text")]
    pub node: String,
    /// Its address.
    #[serde(deserialize_with = "loose::text")]
    pub ip: String,
    /// Whether the cluster sees it.
    #[serde(deserialize_with = "loose::truth")]
    pub online: bool,
    /// SHA-256 of its certificate, hex, as the cluster knows it; empty when it does not tell.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeRow {
    /// Its name.
    #[serde(deserialize_with = "loose::text")]
    pub name: String,
    /// `pve-manager/8.4.9/…`; empty for a node that was offline all the time, as all texts are.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub pve_version: String,
    /// The kernel's version.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub kernel: String,
    /// The processor's model.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub cpu_model: String,
    /// Logical processors.
    #[serde(deserialize_with = "loose::count")]
    pub cores: u64,
    /// Sockets.
    #[serde(deserialize_with = "loose::count")]
    pub sockets: u64,
    /// A number as a text.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub mhz: String,
    /// The letter of its subscription; empty without one.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub level: String,
}

/// A guest.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GuestRow {
    /// Its number in the cluster.
    #[serde(deserialize_with = "loose::count")]
    pub vmid: u64,
    /// What it is.
    pub kind: GuestKind,
    /// Where it is.
    #[serde(deserialize_with = "loose::text")]
    pub node: String,
    /// Its name; may be empty.
    #[serde(deserialize_with = "loose::text")]
    pub name: String,
    /// Cores; those of containers may be a fraction.
    #[serde(deserialize_with = "loose::number")]
    pub cpus: f64,
    /// Whether it is a template, of which nothing is polled.
    #[serde(deserialize_with = "loose::truth", skip_serializing_if = "loose::is_default")]
    pub template: bool,
    /// In Proxmox's order.
    #[serde(deserialize_with = "loose::list", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Why nobody knows how full the disk of a running virtual machine is: `agent-disabled`, `no-agent`, `agent-timeout`,
    /// `permission-denied`, `no-filesystems` or `agent-error`; empty when it is known, or was not asked.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub disk_reason: String,
}

/// A storage on a node. A shared one has a row for each node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageRow {
    /// Its name.
    #[serde(deserialize_with = "loose::text")]
    pub name: String,
    /// The node that sees it.
    #[serde(deserialize_with = "loose::text")]
    pub node: String,
    /// `dir`, `nfs`, `pbs`, …
    #[serde(deserialize_with = "loose::text")]
    pub kind: String,
    /// What may lie on it, with commas, sorted.
    #[serde(deserialize_with = "loose::text")]
    pub content: String,
    /// Whether all nodes see the same.
    #[serde(deserialize_with = "loose::truth", skip_serializing_if = "loose::is_default")]
    pub shared: bool,
    /// Whether it is switched on.
    #[serde(deserialize_with = "loose::truth", skip_serializing_if = "loose::is_default")]
    pub enabled: bool,
}

/// A backup server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PbsRow {
    /// Its own name; empty where the token may not see it.
    #[serde(deserialize_with = "loose::text")]
    pub node: String,
    /// `3.4`; `connected` where only datastores can be read.
    #[serde(deserialize_with = "loose::text")]
    pub version: String,
    /// The kernel's version.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub kernel: String,
    /// The processor's model.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub cpu_model: String,
    /// Logical processors.
    #[serde(deserialize_with = "loose::count", skip_serializing_if = "loose::is_default")]
    pub cores: u64,
}

/// A datastore.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DatastoreRow {
    /// Its name.
    #[serde(deserialize_with = "loose::text")]
    pub name: String,
    /// What people wrote.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Why it is in maintenance; empty when it is not.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub maintenance: String,
    /// Their paths; the root's is empty and always the first.
    #[serde(deserialize_with = "loose::list")]
    pub namespaces: Vec<String>,
    /// How many times what lies on it would take without deduplication.
    #[serde(deserialize_with = "loose::optional_number", skip_serializing_if = "Option::is_none")]
    pub deduplication: Option<f64>,
}

/// A job of a backup server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct JobRow {
    /// `sync`, `verify`, `prune` or `garbage`.
    #[serde(deserialize_with = "loose::text")]
    pub kind: String,
    /// Its name.
    #[serde(deserialize_with = "loose::text")]
    pub id: String,
    /// The datastore.
    #[serde(deserialize_with = "loose::text")]
    pub store: String,
    /// Where it takes from.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub remote: String,
    /// When it runs, in the server's words.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub schedule: String,
    /// What the last run came to: `OK` or an error's text; empty before there was one.
    #[serde(deserialize_with = "loose::text", skip_serializing_if = "String::is_empty")]
    pub last_state: String,
    /// When the last run ended.
    #[serde(deserialize_with = "loose::optional_whole", skip_serializing_if = "Option::is_none")]
    pub last_end_s: Option<i64>,
    /// When the next one begins.
    #[serde(deserialize_with = "loose::optional_whole", skip_serializing_if = "Option::is_none")]
    pub next_s: Option<i64>,
    /// What the collection of garbage removed.
    #[serde(deserialize_with = "loose::optional_whole", skip_serializing_if = "Option::is_none")]
    pub removed: Option<i64>,
}
