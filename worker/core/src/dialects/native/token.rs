//! `/api/edgewatch/v1/tokens`.

use serde::{Deserialize, Serialize};

/// The body of `POST /api/edgewatch/v1/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenRequest {
    /// The holder's words for it.
    #[serde(default)]
    pub note: String,
    /// `api` or `agent`; `api` when left out.
    #[serde(default)]
    pub kind: Option<String>,
    /// Of `read`, `write` (changes by Mackerel's API alone), `register`, `admin`; `read` alone when left out. An agent's token takes none.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// Seconds from now until it is dead; never when left out.
    #[serde(default)]
    pub expires_in_s: Option<u32>,
    /// How many hosts it may register; any number when left out.
    #[serde(default)]
    pub uses: Option<u32>,
    /// Where it may be used from, such as `10.0.0.0/8`; anywhere when left out or empty.
    #[serde(default)]
    pub address_ranges: Vec<String>,
}

/// The answer to a made token, with status 201.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenReply {
    /// The token's number.
    pub id: i64,
    /// The token, shown this once.
    pub token: String,
}

/// The answer of `GET /api/edgewatch/v1/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenListReply {
    /// Oldest first.
    pub tokens: Vec<TokenPart>,
}

/// A token without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenPart {
    /// The token's number.
    pub id: i64,
    /// Its last four characters.
    pub tail: String,
    /// `api` or `agent`.
    pub kind: &'static str,
    /// What it may do.
    pub scopes: Vec<&'static str>,
    /// The holder's words for it.
    pub note: String,
    /// When it was made, Unix seconds.
    pub created_at_s: i64,
    /// From when on it is dead, Unix seconds.
    pub expires_at_s: Option<i64>,
    /// How many more hosts it may register; null for any number.
    pub uses_left: Option<u32>,
    /// Where it may be used from; empty for anywhere.
    pub address_ranges: Vec<String>,
    /// When it was last used, Unix seconds, to the hour.
    pub last_use_s: Option<i64>,
}
