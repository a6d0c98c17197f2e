//! What happened, for the list of events and for notifications.

use super::HostId;
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
    /// A machine that is known already registered without proof of its old secret and became a second host.
    DuplicateMachine,
    /// A meter of the platform is used up, or will be before the day ends.
    BudgetTight,
    /// Nothing: somebody tests a channel.
    Test,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::HostOffline,
        Self::HostOnline,
        Self::MonitoringImpaired,
        Self::DuplicateMachine,
        Self::BudgetTight,
        Self::Test,
    ];

    /// The kind as it is stored and sent.
    pub const fn word(self) -> &'static str {
        match self {
            Self::HostOffline => "host_offline",
            Self::HostOnline => "host_online",
            Self::MonitoringImpaired => "monitoring_impaired",
            Self::DuplicateMachine => "duplicate_machine",
            Self::BudgetTight => "budget_tight",
            Self::Test => "test",
        }
    }

    /// The kind that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
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
}
