//! What programs for Mackerel keep for people who look at graphs and alerts.

use super::RoleName;
use crate::units::UnixSeconds;

/// How alerts are to be put together. Kept, and answered; alerts are told one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertGroupSetting {
    /// What people call it.
    pub name: String,
    /// A note.
    pub memo: String,
    /// Names of services.
    pub services: Vec<String>,
    /// Roles.
    pub roles: Vec<RoleName>,
    /// Ids of monitors.
    pub monitors: Vec<String>,
    /// After how many minutes people are told again.
    pub notification_interval_min: Option<u32>,
}

/// What people noted of a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphAnnotation {
    /// A few words.
    pub title: String,
    /// More of them.
    pub description: String,
    /// The first second.
    pub from: UnixSeconds,
    /// The last second.
    pub to: UnixSeconds,
    /// The service's name.
    pub service: String,
    /// Names of its roles that it is about; empty for the service as a whole.
    pub roles: Vec<String>,
}

/// A page of graphs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dashboard {
    /// What people call it.
    pub title: String,
    /// A note.
    pub memo: String,
    /// The last part of its address; there is one of each.
    pub url_path: String,
    /// A JSON list of objects.
    pub widgets_json: String,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// When it was changed last.
    pub updated_at: UnixSeconds,
}
