//! `systemd_services`, `launchd_services`, `windows_services` and `windows_eventlog`.

use serde::{Deserialize, Serialize};

use super::group::nullable;

/// One element of the group `systemd_services`: a unit of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct SystemdUnit {
    /// `active`, `inactive`, `failed` …
    pub active_state: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// `loaded`, `not-found` …
    #[serde(default)]
    pub load_state: String,
    /// Such as `ssh.service`.
    pub name: String,
    /// `running`, `exited`, `waiting` …: what it is depends on the kind.
    #[serde(default)]
    pub sub_state: String,
}

/// One element of the group `launchd_services`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct LaunchdService {
    /// Whether it runs.
    pub is_running: bool,
    /// Its process.
    #[serde(default)]
    pub pid: i64,
    /// What it ended with.
    #[serde(default)]
    pub status: i64,
    /// Such as `com.apple.trustd`.
    pub label: String,
}

/// One element of the group `windows_services`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct WindowsService {
    /// For people.
    #[serde(default)]
    pub display_name: String,
    /// Its program.
    #[serde(default)]
    pub bin_path: String,
    /// `Auto`, `Boot`, `Manual`, `Disabled` or `System`.
    #[serde(default)]
    pub start_type: String,
    /// `Running`, `Stopped`, `Paused`, or one of four that end with `Pending`.
    pub status: String,
    /// Its process.
    #[serde(default)]
    pub pid: i64,
    /// Such as `Spooler`.
    pub name: String,
    /// More for people.
    #[serde(default, deserialize_with = "nullable")]
    pub description: String,
}

/// One entry of a log of the group `windows_eventlog`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct EventLogEntry {
    /// Where it was written.
    #[serde(deserialize_with = "nullable")]
    pub machine_name: String,
    /// Its category.
    #[serde(deserialize_with = "nullable")]
    pub category: String,
    /// The category's number.
    pub category_number: i64,
    /// What happened, by the source's numbers.
    #[serde(rename = "EventID")]
    pub event_id: i64,
    /// 1 error, 2 warning, 4 information, 8 and 16 an audit that succeeded and failed, 0 unknown.
    pub entry_type: i64,
    /// What happened, for people.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
    /// Who wrote it.
    #[serde(deserialize_with = "nullable")]
    pub source: String,
    /// Unix seconds.
    pub time_generated: i64,
    /// Unix seconds.
    pub time_written: i64,
    /// Its number in the log.
    pub index: i64,
}
