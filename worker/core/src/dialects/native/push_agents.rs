//! `/api/edgewatch/v1/push-agents`: agents that push what they checked.

use serde::{Deserialize, Serialize};

use crate::model::{PushAgent, PushStanding};

/// `GET /api/edgewatch/v1/push-agents`, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushAgentListReply {
    /// Every agent.
    pub push_agents: Vec<PushAgentPart>,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushAgentPart {
    /// What tells it from others.
    pub uuid: String,
    /// `accepted`; `pending`, while it waits for an administrator; `stray`, when it pushes with a password that nobody knows here.
    pub state: &'static str,
    /// The host it speaks for; null for none.
    pub host: Option<i64>,
    /// What its machine is called, as it said when it registered.
    pub host_name: String,
    /// Where it thinks it is.
    pub address: String,
    /// Where it was when it registered, or was first heard.
    pub remote_address: String,
    /// What was said then of whom its request was forwarded for: anybody can say that.
    pub forwarded_for: String,
    /// The program, in its own words.
    pub user_agent: String,
    /// When it registered, or was first heard, Unix seconds.
    pub registered_at_s: i64,
    /// When it last pushed while it was not accepted, Unix seconds, to five minutes.
    pub submitted_at_s: Option<i64>,
    /// When two machines were last seen to push with this UUID and password, as after a disk was copied, Unix seconds, to an hour; null
    /// for never. Both are heard: what the host shows is of both.
    pub cloned_at_s: Option<i64>,
    /// Whether it gets another password when it registers without one.
    pub may_register_again: bool,
}

/// `POST /api/edgewatch/v1/push-agents/{uuid}/accept`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AcceptRequest {
    /// The number of the host that it speaks for from now on, in the place of whoever did; a new host when it is missing.
    #[serde(default)]
    pub host: Option<i64>,
}

impl From<PushAgent> for PushAgentPart {
    fn from(agent: PushAgent) -> Self {
        let host = match agent.standing {
            PushStanding::Accepted(id) => Some(id.0),
            PushStanding::Pending | PushStanding::Stray => None,
        };
        Self {
            uuid: agent.uuid,
            state: agent.standing.word(),
            host,
            host_name: agent.host_name,
            address: agent.address,
            remote_address: agent.remote_address,
            forwarded_for: agent.forwarded_for,
            user_agent: agent.user_agent,
            registered_at_s: agent.registered_at.0,
            submitted_at_s: agent.submitted_at.map(|at| at.0),
            cloned_at_s: agent.cloned_at.map(|at| at.0),
            may_register_again: agent.may_register_again,
        }
    }
}
