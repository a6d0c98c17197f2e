//! `users`: who is logged in.

use serde::{Deserialize, Serialize};

use super::group::nullable;

/// One element of the group `users`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// The account.
    pub name: String,
    /// The terminal, such as `pts/0`.
    #[serde(default, deserialize_with = "nullable")]
    pub terminal: String,
    /// Where from, a name or an address; empty at the machine itself.
    #[serde(default, deserialize_with = "nullable")]
    pub host: String,
    /// Since when, Unix seconds. Quirk: 0 on macOS, milliseconds on Windows.
    #[serde(default)]
    pub started: i64,
}
