//! A frame: the polls of a minute.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::loose;
use super::now::{GuestNow, NodeNow, PbsNow, StorageNow};

/// The polls of a minute of one instance, or those up to the moment something happened.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Frame {
    /// The instance's id.
    pub instance: String,
    /// Its number: one more than the frame before of that instance in this run. Starts at 1.
    pub n: u64,
    /// When it was sent first.
    #[serde(default, deserialize_with = "loose::whole")]
    pub sent_at_ms: i64,
    /// How many frames of this run were given up unsent so far.
    #[serde(default, deserialize_with = "loose::count", skip_serializing_if = "loose::is_default")]
    pub dropped: u64,
    /// Oldest first.
    #[serde(default, deserialize_with = "loose::list")]
    pub polls: Vec<Poll>,
}

/// One look at an instance.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Poll {
    /// When it was over.
    #[serde(deserialize_with = "loose::whole")]
    pub at_ms: i64,
    /// How long it took.
    #[serde(deserialize_with = "loose::count")]
    pub took_ms: u64,
    /// How many requests it needed.
    #[serde(deserialize_with = "loose::count", skip_serializing_if = "loose::is_default")]
    pub calls: u64,
    /// How many of them failed.
    #[serde(deserialize_with = "loose::count", skip_serializing_if = "loose::is_default")]
    pub failed: u64,
    /// Why there is nothing more in it.
    #[serde(deserialize_with = "loose::optional", skip_serializing_if = "Option::is_none")]
    pub error: Option<PollError>,
    /// Every node.
    #[serde(deserialize_with = "loose::list", skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeNow>,
    /// Every guest in a frame's first poll that has no error; in the others those that changed since the poll before, time aside. Guests
    /// whose node did not tell of them are not in it, and stay in the census.
    #[serde(deserialize_with = "loose::list", skip_serializing_if = "Vec::is_empty")]
    pub guests: Vec<GuestNow>,
    /// Guests that were in the frame so far and are no more, or whose node does not tell of them any more: `[vmid, …]`.
    #[serde(deserialize_with = "numbers", skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<u64>,
    /// Every storage on every node that can be asked.
    #[serde(deserialize_with = "loose::list", skip_serializing_if = "Vec::is_empty")]
    pub storages: Vec<StorageNow>,
    /// The backup server, where the instance is one.
    #[serde(deserialize_with = "loose::optional", skip_serializing_if = "Option::is_none")]
    pub pbs: Option<PbsNow>,
}

/// Why a poll, or a job, failed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PollError {
    /// What to make of it.
    pub kind: PollErrorKind,
    /// In words, without secrets.
    #[serde(deserialize_with = "loose::text")]
    pub text: String,
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PollErrorKind {
    /// `auth`: the credentials are not accepted, or may not do this.
    Auth,
    /// `tls`: the certificate is not the one that was expected.
    Tls,
    /// `unreachable`: no connection, or no answer in time.
    Unreachable,
    /// `api`: an answer that is of no use.
    #[default]
    Api,
}

impl PollErrorKind {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Tls => "tls",
            Self::Unreachable => "unreachable",
            Self::Api => "api",
        }
    }
}

impl Serialize for PollErrorKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for PollErrorKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = loose::text(deserializer)?;
        let all = [Self::Auth, Self::Tls, Self::Unreachable];
        Ok(all.into_iter().find(|kind| kind.as_str() == word).unwrap_or(Self::Api))
    }
}

fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    let list: Vec<loose::Whole> = loose::list(deserializer)?;
    Ok(list.into_iter().filter_map(|whole| whole.0?.try_into().ok()).collect())
}
