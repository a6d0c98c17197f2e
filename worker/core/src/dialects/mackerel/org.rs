//! `GET /api/v0/org`.

use serde::Serialize;

/// The whole answer. Quirk: exactly these two keys. Source: mackerel specification, 10.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrgReply {
    /// Two to 63 characters of a service's name.
    pub name: String,
    /// Quirk: null when nobody set it, never left out.
    #[serde(rename = "displayName")]
    pub display_name: Option<String>,
}
