//! What happened, for the list of events and for notifications.

use super::{AlertKind, AlertResource, Cause, HostId, Standing, Trigger};
use crate::units::UnixSeconds;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A host fell silent.
    HostOffline,
    /// A silent host reports again.
    HostOnline,
    /// Many hosts fell silent at once, or we were away: judgement is suspended for some minutes.
    MonitoringImpaired,
    /// A machine that is known already registered without proof of its old secret and became a second host; or two report as one.
    DuplicateMachine,
    /// A meter of the platform is used up, or will be before the day ends.
    BudgetTight,
    /// A host has another address than before.
    AddressChanged,
    /// A cause of alert came up.
    AlertFired,
    /// It is worse than it was, or better.
    AlertChanged,
    /// It is still there.
    AlertReminder,
    /// It is still there, and nobody acknowledged it.
    AlertEscalated,
    /// It is over.
    AlertRecovered,
    /// Nobody looks for it any more.
    AlertWithdrawn,
    /// A probe saw another certificate of another issuer.
    CertificateChanged,
    /// An alert came up for a group that has no channel.
    NobodyTold,
    /// Nothing: somebody tests a channel.
    Test,
    /// Something that has no kind of its own, or one of a newer version; what it is, its text says.
    News,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::HostOffline,
        Self::HostOnline,
        Self::MonitoringImpaired,
        Self::DuplicateMachine,
        Self::BudgetTight,
        Self::AddressChanged,
        Self::AlertFired,
        Self::AlertChanged,
        Self::AlertReminder,
        Self::AlertEscalated,
        Self::AlertRecovered,
        Self::AlertWithdrawn,
        Self::CertificateChanged,
        Self::NobodyTold,
        Self::Test,
        Self::News,
    ];

    /// The kind as it is stored and sent.
    pub const fn word(self) -> &'static str {
        match self {
            Self::HostOffline => "host_offline",
            Self::HostOnline => "host_online",
            Self::MonitoringImpaired => "monitoring_impaired",
            Self::DuplicateMachine => "duplicate_machine",
            Self::BudgetTight => "budget_tight",
            Self::AddressChanged => "address_changed",
            Self::AlertFired => "alert_fired",
            Self::AlertChanged => "alert_changed",
            Self::AlertReminder => "alert_reminder",
            Self::AlertEscalated => "alert_escalated",
            Self::AlertRecovered => "alert_recovered",
            Self::AlertWithdrawn => "alert_withdrawn",
            Self::CertificateChanged => "certificate_changed",
            Self::NobodyTold => "nobody_told",
            Self::Test => "test",
            Self::News => "news",
        }
    }

    /// The kind that `word` names; [`Self::News`] for a word of a newer version, which wrote it before it was rolled back.
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.word() == word).unwrap_or(Self::News)
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// A random key, the same in every notification of this event: a receiver can tell a repeat by it.
    pub key: String,
    /// What happened.
    pub kind: EventKind,
    /// The host it happened to, where there is one.
    pub host_id: Option<HostId>,
    /// When it happened.
    pub at: UnixSeconds,
    /// A sentence for people.
    pub text: String,
    /// Which group of channels is told; empty for the default one.
    pub group: String,
    /// Whether nobody is told: it is listed alone.
    pub is_quiet: bool,
    /// The alert it belongs to, where there is one.
    pub alert: Option<AlertNote>,
}

impl Event {
    /// An event of no alert, for the default group.
    pub const fn new(key: String, kind: EventKind, host_id: Option<HostId>, at: UnixSeconds, text: String) -> Self {
        Self { key, kind, host_id, at, text, group: String::new(), is_quiet: false, alert: None }
    }
}

/// The alert that an event belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertNote {
    /// The alert's key.
    pub key: String,
    /// Why it is there.
    pub cause: Cause,
    /// When it began.
    pub opened_at: UnixSeconds,
    /// When it was over, which may be before the event that tells so; `None` while it goes on, and in events that are read back.
    pub closed_at: Option<UnixSeconds>,
    /// What was measured; may be empty.
    pub detail: String,
    /// How bad it is, or was.
    pub standing: Standing,
    /// As what programs for Mackerel know it; `None` when they do not.
    pub kind: Option<AlertKind>,
    /// What brought this about.
    pub trigger: Trigger,
    /// What it is about, of a threshold.
    pub resource: Option<AlertResource>,
}

impl AlertNote {
    /// Of an alert that does not say how bad it is.
    pub fn new(key: String, cause: Cause, opened_at: UnixSeconds, detail: String) -> Self {
        Self {
            key,
            cause,
            opened_at,
            closed_at: None,
            detail,
            standing: Standing::default(),
            kind: None,
            trigger: Trigger::default(),
            resource: None,
        }
    }
}
