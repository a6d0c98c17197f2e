//! Agents that push what they checked, as openITCOCKPIT's do: each has a UUID and a password of its own.

use super::HostId;
use crate::units::UnixSeconds;

/// An agent wants a password, or wants to know whether the one it has is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRegistration {
    /// What tells it from others.
    pub uuid: String,
    /// Empty when it wants one.
    pub password: String,
    /// What its machine is called.
    pub host_name: String,
    /// Where it thinks it is.
    pub address: String,
}

/// How an agent that pushes stands with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushStanding {
    /// It speaks for a host.
    Accepted(HostId),
    /// It registered, and waits for an administrator.
    Pending,
    /// It pushes with a password that it was not given here, or for a host that is no more.
    Stray,
}

impl PushStanding {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Pending => "pending",
            Self::Stray => "stray",
        }
    }
}

/// An agent that pushes, for administrators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushAgent {
    /// What tells it from others.
    pub uuid: String,
    /// Its number, for programs that know it by one.
    pub number: i64,
    /// How it stands with us.
    pub standing: PushStanding,
    /// What the host is called that it speaks for, and when D1 last heard of that.
    pub host: Option<(String, Option<UnixSeconds>)>,
    /// What its machine is called, as it said when it registered.
    pub host_name: String,
    /// Where it thinks it is.
    pub address: String,
    /// Where it was when it registered, or was first heard.
    pub remote_address: String,
    /// What was said then of whom its request was forwarded for.
    pub forwarded_for: String,
    /// The program, in its own words.
    pub user_agent: String,
    /// When it registered, or was first heard.
    pub registered_at: UnixSeconds,
    /// When it last pushed while it was not accepted, to some minutes.
    pub submitted_at: Option<UnixSeconds>,
    /// When two machines were last seen to push as this one, to an hour.
    pub cloned_at: Option<UnixSeconds>,
    /// Whether it gets another password when it registers without one.
    pub may_register_again: bool,
}
