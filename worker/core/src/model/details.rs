//! What Mackerel's API says of hosts, and what it groups them by.

use super::{Facts, Host};
use crate::units::UnixSeconds;

/// What a host is there for at the moment, as people set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostStatus {
    /// It does its work.
    #[default]
    Working,
    /// It is ready to.
    Standby,
    /// Somebody works on it.
    Maintenance,
    /// It is switched off.
    Poweroff,
}

impl HostStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Working, Self::Standby, Self::Maintenance, Self::Poweroff];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Standby => "standby",
            Self::Maintenance => "maintenance",
            Self::Poweroff => "poweroff",
        }
    }

    /// The status of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// Who reports for a host, as its meta says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostKind {
    /// Mackerel's agent.
    Agent,
    /// Mackerel's agent for containers.
    ContainerAgent,
    /// A provider, for a host without an agent.
    Cloud,
    /// It does not say.
    #[default]
    Unknown,
}

impl HostKind {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::ContainerAgent => "container-agent",
            Self::Cloud => "cloud",
            Self::Unknown => "unknown",
        }
    }

    /// The kind of this word; unknown for any other word.
    pub fn of_word(word: &str) -> Self {
        let all = [Self::Agent, Self::ContainerAgent, Self::Cloud];
        all.into_iter().find(|kind| kind.word() == word).unwrap_or_default()
    }
}

/// A role of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleName {
    /// The service's name.
    pub service: String,
    /// The role's name within it.
    pub role: String,
}

impl RoleName {
    /// The two with a colon between them.
    pub fn full(&self) -> String {
        format!("{}:{}", self.service, self.role)
    }
}

/// A role with what is noted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMemo {
    /// Its name.
    pub name: String,
    /// A note.
    pub memo: String,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its number: never given twice.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// A note.
    pub memo: String,
    /// The names of its roles, sorted.
    pub roles: Vec<String>,
}

/// What was said of a host beyond what every host has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostDetails {
    /// What it is there for at the moment.
    pub status: HostStatus,
    /// What people see in the place of its name.
    pub display_name: Option<String>,
    /// By which other systems know it.
    pub custom_identifier: Option<String>,
    /// A note.
    pub memo: String,
    /// Who reports for it.
    pub kind: HostKind,
    /// A JSON object, as it was given; `None` for what is made of its facts.
    pub meta_json: Option<String>,
    /// A JSON list, normal; `None` for what is made of its addresses.
    pub interfaces_json: Option<String>,
}

/// A host with all that was said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DetailedHost {
    /// The host; without its newest measurements.
    pub host: Host,
    /// When it was retired.
    pub retired_at: Option<UnixSeconds>,
    /// What was said of it.
    pub details: HostDetails,
    /// The roles it plays, sorted.
    pub roles: Vec<RoleName>,
}

/// What a request says of a key that may be there, be null, or be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Said<T> {
    /// Nothing: what is there stays.
    #[default]
    Nothing,
    /// That there is none.
    Null,
    /// This.
    Value(T),
}

impl<T> Said<T> {
    /// The value, where there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Nothing | Self::Null => None,
        }
    }

    /// The same with another value.
    ///
    /// # Errors
    /// What `change` returns.
    pub fn try_map<U, E>(self, change: impl FnOnce(T) -> Result<U, E>) -> Result<Said<U>, E> {
        Ok(match self {
            Self::Nothing => Said::Nothing,
            Self::Null => Said::Null,
            Self::Value(value) => Said::Value(change(value)?),
        })
    }
}

/// What a machine says that it is.
#[derive(Debug, Clone, PartialEq)]
pub struct HostMeta {
    /// A JSON object with keys of the right types.
    pub json: String,
    /// Who reports.
    pub kind: HostKind,
    /// The version of the agent that reports, or empty.
    pub agent_version: String,
    /// The same in our words, as far as they go.
    pub facts: Facts,
}

/// What a request to make or change a host says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct HostDraft {
    /// What people call it; not empty.
    pub name: String,
    /// What it says that it is; `None` where that is what is known already.
    pub meta: Option<HostMeta>,
    /// What people see in the place of its name.
    pub display_name: Said<String>,
    /// By which other systems know it; an empty one is none.
    pub custom_identifier: Said<String>,
    /// A note.
    pub memo: Said<String>,
    /// A JSON list of its interfaces, normal.
    pub interfaces_json: Said<String>,
    /// The roles it plays beside those it has.
    pub roles: Said<Vec<RoleName>>,
    /// The checks that it runs, with a note for each.
    pub checks: Said<Vec<(String, String)>>,
}

/// Which hosts a list has. Everything has to fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostFilter {
    /// Those with any role of this service.
    pub service: Option<String>,
    /// Of its roles one of these; empty for any.
    pub roles: Vec<String>,
    /// Those of this name.
    pub name: Option<String>,
    /// Those with this identifier.
    pub custom_identifier: Option<String>,
    /// Those with one of these statuses.
    pub statuses: Vec<HostStatus>,
}

/// Whose documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataOwner {
    /// A host's, by its public id.
    Host(String),
    /// A service's, by its name.
    Service(String),
    /// A role's.
    Role(RoleName),
}

/// A document that programs keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// JSON of any kind.
    pub json: String,
    /// When it was put there.
    pub updated_at: UnixSeconds,
}

/// How metrics are drawn together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphDef {
    /// The part that the metrics' names have in common.
    pub name: String,
    /// What people see.
    pub display_name: String,
    /// A word of the dialect's.
    pub unit: String,
    /// The metrics.
    pub metrics: Vec<GraphMetric>,
}

/// One metric of a [`GraphDef`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphMetric {
    /// Its name; a part may be `*` or `#` for any.
    pub name: String,
    /// What people see.
    pub display_name: String,
    /// Whether it lies on top of the others.
    pub is_stacked: bool,
}
