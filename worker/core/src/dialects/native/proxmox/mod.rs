//! `GET /agent/v1/proxmox`: what an agent that polls Proxmox VE and Proxmox Backup Server says to the edge, version 1.
//!
//! ## Messages
//! JSON texts of at most [`MAX_MESSAGE_BYTES`], each an object whose `t` says what it is. [`PING`] is one of them; the runtime answers it
//! with [`PONG`] without waking anything, so both are compared as whole texts.
//!
//! | from | `t` | | |
//! |---|---|---|---|
//! | agent | `hello` | [`Hello`] | first, once |
//! | agent | `frame` | [`Frame`] | the polls of a minute, or of the moment something happened |
//! | agent | `section` | [`Section`] | a part of what changes rarely |
//! | agent | `sections` | [`Sections`] | the names of all sections there are: others are gone |
//! | agent | `done` | [`Done`] | the result of a job |
//! | edge | `welcome` | [`Welcome`] | what to poll; again, whole, whenever something of it changed |
//! | edge | `kept` | [`Kept`] | a section is kept |
//! | edge | `durable` | [`Durable`] | frames up to a number are safe |
//! | edge | `watch` | [`Watch`] | somebody looks: every poll at once for a while |
//! | edge | `job` | [`Job`] | a thing to do |
//! | edge | `bye` | [`Bye`] | last |
//!
//! ## Living together
//! Unknown messages, fields, kinds and elements behind the known ones of a row are ignored; a value that cannot be read is its default
//! ([`loose`]). Within a version, things are only added.
//!
//! ## Numbers
//! Times are milliseconds or seconds since 1970 as their names say, by the agent's clock. Sizes are bytes. `cpu` is a share, 0 to 1, of
//! all cores, to four places. Input and output are bytes per second; [`NO_RATE`] until there are two readings, 0 after a counter that
//! went back. Source: pulse specification, 2.2 and 19.

mod backup;
mod census;
mod frame;
mod job;
pub mod known;
pub mod listed;
pub mod loose;
mod now;
mod section;
mod welcome;

pub use backup::{Backup, PbsBackup, Snapshot, Task};
pub use census::{CensusRow, ClusterRow, DatastoreRow, EndpointPart, GuestRow, JobRow, NodeRow, PbsRow, StorageRow};
pub use frame::{Frame, Poll, PollError, PollErrorKind};
pub use job::{Done, Found, FoundServer, Job, JobKind, JobResult, Tested};
pub use now::{DatastoreNow, GuestKind, GuestNow, GuestStatus, NO_RATE, NodeNow, PbsNow, StorageNow, StorageStatus};
pub use section::{Section, SectionName, Sections};
pub use welcome::{Bye, Durable, Hello, Hidden, Instance, InstanceKind, Kept, LocalInstance, Monitor, Watch, Welcome};

use serde::{Deserialize, Serialize};

/// Where the agent's request for the upgrade goes.
pub const PATH: &str = "/agent/v1/proxmox";
/// What it offers in `Sec-WebSocket-Protocol`.
pub const SUBPROTOCOL: &str = "edgewatch.proxmox.1";
/// The version that is written.
pub const VERSION: u32 = 1;
/// The longest message, both ways.
pub const MAX_MESSAGE_BYTES: usize = 512 * 1024;
/// The text that an agent sends to show that it lives: the runtime compares it whole.
pub const PING: &str = r#"{"t":"ping"}"#;
/// The text that the runtime answers it with.
pub const PONG: &str = r#"{"t":"pong"}"#;

/// A message from an agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromAgent {
    /// The first one.
    Hello(Hello),
    /// Polls.
    Frame(Frame),
    /// A part of a section.
    Section(Section),
    /// The names of all sections.
    Sections(Sections),
    /// The result of a job.
    Done(Done),
    /// A sign of life that the runtime did not answer by itself.
    Ping,
    /// Of a newer agent.
    #[serde(skip)]
    Unknown(String),
}

/// A message from the edge.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromEdge {
    /// What to poll.
    Welcome(Welcome),
    /// A section is kept.
    Kept(Kept),
    /// Frames are safe.
    Durable(Durable),
    /// Somebody looks.
    Watch(Watch),
    /// A thing to do.
    Job(Box<Job>),
    /// The last one.
    Bye(Bye),
    /// The answer to a ping.
    Pong,
    /// Of a newer edge.
    #[serde(skip)]
    Unknown(String),
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    t: std::borrow::Cow<'a, str>,
}

impl FromAgent {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is no JSON object, or lacks what its kind cannot be without.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let Kind { t } = serde_json::from_str(text)?;
        Ok(match t.as_ref() {
            "hello" => Self::Hello(serde_json::from_str(text)?),
            "frame" => Self::Frame(serde_json::from_str(text)?),
            "section" => Self::Section(serde_json::from_str(text)?),
            "sections" => Self::Sections(serde_json::from_str(text)?),
            "done" => Self::Done(serde_json::from_str(text)?),
            "ping" => Self::Ping,
            other => Self::Unknown(other.to_owned()),
        })
    }

    /// Writes a message.
    ///
    /// # Errors
    /// For a message of an unknown kind: there is none to write.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

impl FromEdge {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is no JSON object, or lacks what its kind cannot be without.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let Kind { t } = serde_json::from_str(text)?;
        Ok(match t.as_ref() {
            "welcome" => Self::Welcome(serde_json::from_str(text)?),
            "kept" => Self::Kept(serde_json::from_str(text)?),
            "durable" => Self::Durable(serde_json::from_str(text)?),
            "watch" => Self::Watch(serde_json::from_str(text)?),
            "job" => Self::Job(serde_json::from_str(text)?),
            "bye" => Self::Bye(serde_json::from_str(text)?),
            "pong" => Self::Pong,
            other => Self::Unknown(other.to_owned()),
        })
    }

    /// Writes a message.
    ///
    /// # Errors
    /// For a message of an unknown kind: there is none to write.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

#[cfg(test)]
mod tests;
