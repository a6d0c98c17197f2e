//! A question about history.

use super::HostId;
use crate::units::UnixSeconds;

/// What somebody wants to see of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesQuery {
    /// Of which hosts, each once.
    pub hosts: Vec<HostId>,
    /// Which metrics by their keys, each once: built-in ones, and names such as `temperature/cpu`.
    pub metrics: Vec<String>,
    /// From when on.
    pub from: UnixSeconds,
    /// Until before when.
    pub to: UnixSeconds,
    /// In at most so many points.
    pub points: u32,
}
