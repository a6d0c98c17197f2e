//! What programs for Pulse are told of as it happens. Source: pulse specification, 15.

use edgewatch_core::dialects::pulse;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::proxmox::{Discovered, InstanceDraft, InstanceKind, ResourceAlert, UpdateStatus};
use edgewatch_core::units::UnixMillis;
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum News<'a> {
    /// A node registered itself, at the address that it said. Nothing that is secret of it is told.
    Registered(&'a str, &'a InstanceDraft),
    /// As if one had.
    Sample,
    /// A node was deleted.
    Deleted(InstanceKind),
    /// The list of nodes is another one.
    NodesChanged,
    /// What was found in networks, and what went wrong there, because somebody asked.
    Found(Vec<Discovered>, Vec<String>),
    /// How far an update is.
    Update(&'a UpdateStatus),
    /// An alert began.
    Alert(&'a ResourceAlert),
    /// The alert with this id is over.
    Resolved(&'a str),
}

/// What the viewers' object is told: frames for those who look on, and that the state is another one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NewsWire {
    /// In the order in which they are told.
    pub frames: Vec<FrameWire>,
}

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameWire {
    /// JSON.
    pub text: String,
    /// Whether it is for those alone who came with a credential; else for all who are shown what guests are not.
    pub for_members: bool,
}

impl NewsWire {
    /// These news, as of `now`.
    ///
    /// # Errors
    /// [`Failure::Internal`] when one cannot be written, which would be our fault.
    pub fn of(news: &[News<'_>], now: UnixMillis) -> Result<Self, Failure> {
        let frames: Result<Vec<FrameWire>, Failure> = news.iter().map(|one| one.frame(now)).collect();
        Ok(Self { frames: frames? })
    }
}

impl News<'_> {
    fn frame(&self, now: UnixMillis) -> Result<FrameWire, Failure> {
        let text = match self {
            Self::Registered(said_host, draft) => pulse::registered_frame(said_host, draft, now),
            Self::Sample => pulse::sample_registered_frame(now),
            Self::Deleted(kind) => pulse::deleted_frame(*kind, now),
            Self::NodesChanged => pulse::nodes_frame(now),
            Self::Found(servers, errors) => pulse::discovery_frame(servers.clone(), errors.clone(), true, now),
            Self::Update(status) => pulse::update_frame(status, now),
            Self::Alert(alert) => pulse::alert_frame(alert),
            Self::Resolved(id) => pulse::resolved_frame(id),
        }?;
        // Alerts are in the state of whoever is shown them; the rest is shown to nobody who only looks.
        let for_members = !matches!(self, Self::Alert(_) | Self::Resolved(_));
        Ok(FrameWire { text, for_members })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_for_all_who_see_hidden_hosts_and_the_rest_for_members() {
        let all = [News::Resolved("lab-pve1-cpu"), News::NodesChanged, News::Deleted(InstanceKind::Pbs), News::Sample];
        let wire = NewsWire::of(&all, UnixMillis(1_754_992_800_500)).unwrap();
        let told: Vec<bool> = wire.frames.iter().map(|frame| frame.for_members).collect();
        assert_eq!(told, [false, true, true, true]);
        assert_eq!(wire.frames[0].text, r#"{"type":"alertResolved","data":{"alertId":"lab-pve1-cpu"}}"#);
        let text = serde_json::to_string(&wire).unwrap();
        assert_eq!(serde_json::from_str::<NewsWire>(&text).unwrap(), wire);
    }
}
