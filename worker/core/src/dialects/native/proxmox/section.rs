//! Sections: what changes rarely, sent in parts when it has changed.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::loose;

/// One part of a section. Its body is a list; the lists of all parts behind each other are the section.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Section {
    /// The instance's id.
    pub instance: String,
    /// What it is of.
    pub name: SectionName,
    /// Of the whole section: the same hash is the same content.
    pub hash: String,
    /// From 1 on.
    pub part: u32,
    /// How many there are. Empty sections have one, of an empty list.
    pub parts: u32,
    /// A list of what the name says: [`super::CensusRow`], [`super::Task`], [`super::Backup`], [`super::Snapshot`], [`super::PbsBackup`].
    pub body: Box<RawValue>,
}

impl PartialEq for Section {
    fn eq(&self, other: &Self) -> bool {
        let of = |section: &Self| (section.instance.clone(), section.name.clone(), section.hash.clone());
        of(self) == of(other)
            && (self.part, self.parts) == (other.part, other.parts)
            && self.body.get() == other.body.get()
    }
}

impl Section {
    /// The rows of this part that can be read.
    ///
    /// # Errors
    /// When the body is no JSON.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, serde_json::Error> {
        serde_json::from_str(self.body.get()).map(|list: loose::List<T>| list.0)
    }
}

/// The names of all sections that an instance has, after a look at everything: the edge forgets the others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sections {
    /// The instance's id.
    pub instance: String,
    /// In no order.
    pub names: Vec<SectionName>,
}

/// What a section is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum SectionName {
    /// `census`: what there is. Rows of [`super::CensusRow`].
    #[default]
    Census,
    /// `tasks/<node>`: backup tasks of a node. Rows of [`super::Task`].
    Tasks {
        /// The node's name.
        node: String,
    },
    /// `backups/<storage>` of a shared storage, `backups/<storage>/<node>` of a node's own. Rows of [`super::Backup`].
    Backups {
        /// The storage's name.
        storage: String,
        /// The node's name.
        node: Option<String>,
    },
    /// `snapshots/<bucket>`: snapshots of the guests whose number leaves that rest. Rows of [`super::Snapshot`].
    Snapshots {
        /// Below [`SectionName::BUCKETS`].
        bucket: u32,
    },
    /// `pbs/<datastore>/<namespace>/<bucket>`: backups on a backup server. Rows of [`super::PbsBackup`]. A namespace may have slashes, and
    /// the root's is empty.
    Pbs {
        /// The datastore's name.
        datastore: String,
        /// The namespace.
        namespace: String,
        /// Below [`SectionName::BUCKETS`].
        bucket: u32,
    },
    /// Of a newer agent.
    Other(String),
}

impl SectionName {
    /// Snapshots and the backups of a namespace lie in so many sections, so that one new of them sends a few others along and not all.
    pub const BUCKETS: u32 = 16;

    /// The name that is written so.
    pub fn parse(text: &str) -> Self {
        Self::known(text).unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    fn known(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once('/').unwrap_or((text, ""));
        Some(match kind {
            "census" if rest.is_empty() => Self::Census,
            "tasks" if !rest.is_empty() => Self::Tasks { node: rest.to_owned() },
            "backups" if !rest.is_empty() => match rest.split_once('/') {
                None => Self::Backups { storage: rest.to_owned(), node: None },
                Some((storage, node)) => Self::Backups { storage: storage.to_owned(), node: Some(node.to_owned()) },
            },
            "snapshots" => Self::Snapshots { bucket: rest.parse().ok()? },
            "pbs" => {
                let (datastore, rest) = rest.split_once('/')?;
                let (namespace, bucket) = rest.rsplit_once('/')?;
                let (datastore, namespace) = (datastore.to_owned(), namespace.to_owned());
                Self::Pbs { datastore, namespace, bucket: bucket.parse().ok()? }
            }
            _ => return None,
        })
    }
}

impl fmt::Display for SectionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Census => formatter.write_str("census"),
            Self::Tasks { node } => write!(formatter, "tasks/{node}"),
            Self::Backups { storage, node: None } => write!(formatter, "backups/{storage}"),
            Self::Backups { storage, node: Some(node) } => write!(formatter, "backups/{storage}/{node}"),
            Self::Snapshots { bucket } => write!(formatter, "snapshots/{bucket}"),
            Self::Pbs { datastore, namespace, bucket } => write!(formatter, "pbs/{datastore}/{namespace}/{bucket}"),
            Self::Other(text) => formatter.write_str(text),
        }
    }
}

impl Serialize for SectionName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SectionName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        loose::text(deserializer).map(|text| Self::parse(&text))
    }
}
