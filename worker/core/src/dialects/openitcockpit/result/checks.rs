//! `customchecks`: what the local administrator's checks said.

use serde::{Deserialize, Serialize};

use super::group::nullable;

/// One value of the group `customchecks`, whose key is the check's name in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CustomCheck {
    /// What it printed, on both outputs, its last line's end too; what a person reads stands before the first `|`, numbers behind it.
    #[serde(default, deserialize_with = "nullable")]
    pub stdout: String,
    /// What it ended with: 0 OK, 1 warning, 2 critical, 3 unknown, 124 too late, 126 and 127 not to be started, -1 killed.
    pub rc: i64,
    /// When it was started, Unix seconds.
    #[serde(default)]
    pub execution_unix_timestamp_sec: i64,
}
