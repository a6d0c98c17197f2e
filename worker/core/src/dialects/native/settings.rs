//! `/api/edgewatch/v1/settings`.

use serde::{Deserialize, Serialize};

/// The body of `PATCH /api/edgewatch/v1/settings`: what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SettingsRequest {
    /// `off`, `status` or `pulse`: how far guests are let in.
    #[serde(default)]
    pub guest_view: Option<String>,
    /// What guests are asked for; an empty one for nothing. It is never shown again.
    #[serde(default)]
    pub view_password: Option<String>,
    /// Whether notifications name addresses in full.
    #[serde(default)]
    pub plain_ip_in_notifications: Option<bool>,
}

/// The answer of `GET` and `PATCH /api/edgewatch/v1/settings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingsReply {
    /// `off`, `status` or `pulse`.
    pub guest_view: &'static str,
    /// Whether guests are asked for a password.
    pub view_password_set: bool,
    /// Whether notifications name addresses in full.
    pub plain_ip_in_notifications: bool,
}
