//! What administrators' programs ask of agents that push. Source: openitcockpit specification, 13.5.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::model::{HostId, PushAgent, PushStanding};

/// `GET /agentconnector/push.json`, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushListReply {
    /// Every agent that was asked for.
    pub agents: Vec<PushPart>,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushPart {
    /// Its number.
    pub id: i64,
    /// What tells it from others.
    pub uuid: String,
    /// The number of its host: a host has one configuration at most. Null while it has none.
    pub agentconfig_id: Option<i64>,
    /// What its machine is called, as it said.
    pub hostname: String,
    /// Where it thinks it is.
    pub ipaddress: String,
    /// Where it was when it registered.
    pub remote_address: String,
    /// Whom its request was forwarded for then, as was said.
    pub http_x_forwarded_for: String,
    /// When it was last heard, RFC 3339.
    pub last_update: String,
    /// Always true: whoever may look may decide.
    pub allow_edit: bool,
    /// Its host; null while it has none.
    pub host: Option<HostPart>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostPart {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
}

/// How a host is asked: here agents push always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigPart {
    /// As the host's number.
    pub id: i64,
    /// The host's number.
    pub host_id: i64,
    /// Always true.
    pub push_mode: bool,
}

/// `GET /agentconnector/select_agent.json?hostId=N`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SelectReply {
    /// Null for a host that no agent speaks for.
    pub config: Option<ConfigPart>,
    /// The host.
    pub host: HostPart,
    /// Agents that speak for no host, and the one that speaks for this.
    #[serde(rename = "pushAgents")]
    pub push_agents: Vec<SelectPart>,
    /// The one that speaks for it; null for none.
    #[serde(rename = "selectedPushAgentId")]
    pub selected_push_agent_id: Option<i64>,
}

/// An agent to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SelectPart {
    /// Its number.
    pub id: i64,
    /// What tells it from others.
    pub agent_uuid: String,
    /// `host (address)`.
    pub name: String,
}

/// `POST /agentconnector/select_agent.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SelectRequest {
    pushagent: Selected,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Selected {
    id: i64,
    #[serde(default)]
    agent_uuid: Option<String>,
    host_id: i64,
}

/// `GET /agentconnector/showOutput.json?mode=push&id=N`, but for what the agent checked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputReply<'a> {
    /// The host that the agent speaks for; null for none.
    pub host: Option<HostPart>,
    /// Null for an agent that speaks for none.
    pub config: Option<ConfigPart>,
    /// A JSON text with what it checked last, for people.
    #[serde(rename = "outputAsJson")]
    pub output_as_json: &'a str,
    /// What tells the agent from others.
    #[serde(rename = "pushAgentUuid")]
    pub push_agent_uuid: String,
}

impl SelectRequest {
    /// The number of an agent, its UUID where that is said too, and the host that it is to speak for.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is none.
    pub fn parse(body: &[u8]) -> Result<(i64, Option<String>, HostId), Failure> {
        let request: Self =
            serde_json::from_slice(body).map_err(|error| Failure::Malformed { detail: error.to_string() })?;
        let Selected { id, agent_uuid, host_id } = request.pushagent;
        Ok((id, agent_uuid.filter(|uuid| !uuid.is_empty()), HostId(host_id)))
    }
}

impl PushPart {
    /// An agent as lists have it.
    pub fn of(agent: PushAgent) -> Self {
        let host = host_of(&agent);
        let heard = agent.host.as_ref().and_then(|(_, heard)| *heard).or(agent.submitted_at);
        Self {
            id: agent.number,
            agentconfig_id: host.as_ref().map(|host| host.id),
            host,
            last_update: heard.unwrap_or(agent.registered_at).rfc3339(),
            uuid: agent.uuid,
            hostname: agent.host_name,
            ipaddress: agent.address,
            remote_address: agent.remote_address,
            http_x_forwarded_for: agent.forwarded_for,
            allow_edit: true,
        }
    }
}

impl SelectReply {
    /// For a host, those of all agents that may speak for it.
    pub fn of(host: HostPart, agents: &[PushAgent]) -> Self {
        let is_its = |agent: &PushAgent| agent.standing == PushStanding::Accepted(HostId(host.id));
        let may = agents.iter().filter(|agent| is_its(agent) || host_of(agent).is_none());
        let part = |agent: &PushAgent| SelectPart {
            id: agent.number,
            agent_uuid: agent.uuid.clone(),
            name: format!("{} ({})", agent.host_name, address(agent)),
        };
        let selected = agents.iter().find(|agent| is_its(agent));
        Self {
            config: selected.map(|_| config(host.id)),
            push_agents: may.map(part).collect(),
            selected_push_agent_id: selected.map(|agent| agent.number),
            host,
        }
    }
}

impl<'a> OutputReply<'a> {
    /// What an agent checked last.
    pub fn of(agent: PushAgent, output_as_json: &'a str) -> Self {
        let host = host_of(&agent);
        Self { config: host.as_ref().map(|host| config(host.id)), host, output_as_json, push_agent_uuid: agent.uuid }
    }
}

/// The host of an agent.
fn host_of(agent: &PushAgent) -> Option<HostPart> {
    let PushStanding::Accepted(id) = agent.standing else { return None };
    Some(HostPart { id: id.0, name: agent.host.as_ref().map(|(name, _)| name.clone()).unwrap_or_default() })
}

const fn config(host: i64) -> ConfigPart {
    ConfigPart { id: host, host_id: host, push_mode: true }
}

/// Where an agent is, as far as that is known. Source: openitcockpit specification, 3.6.
fn address(agent: &PushAgent) -> &str {
    let all = [&agent.address, &agent.forwarded_for, &agent.remote_address];
    all.into_iter().find(|address| !address.is_empty()).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::UnixSeconds;

    fn agent(standing: PushStanding) -> PushAgent {
        PushAgent {
            number: 3,
            uuid: "u".to_owned(),
            standing,
            host: matches!(standing, PushStanding::Accepted(_)).then(|| ("web".to_owned(), Some(UnixSeconds(90)))),
            host_name: "web01".to_owned(),
            address: "192.0.2.10".to_owned(),
            remote_address: "203.0.113.7".to_owned(),
            forwarded_for: String::new(),
            user_agent: String::new(),
            registered_at: UnixSeconds(5),
            submitted_at: None,
            cloned_at: None,
            may_register_again: false,
        }
    }

    #[test]
    fn agents_are_told_as_the_server_tells_them() {
        let pending = serde_json::to_string(&PushPart::of(agent(PushStanding::Pending))).unwrap();
        assert_eq!(
            pending,
            r#"{"id":3,"uuid":"u","agentconfig_id":null,"hostname":"web01","ipaddress":"192.0.2.10","remote_address":"203.0.113.7","http_x_forwarded_for":"","last_update":"1970-01-01T00:00:05Z","allow_edit":true,"host":null}"#
        );
        let accepted = PushPart::of(agent(PushStanding::Accepted(HostId(7))));
        assert_eq!((accepted.agentconfig_id, accepted.last_update.as_str()), (Some(7), "1970-01-01T00:01:30Z"));
        assert_eq!(accepted.host, Some(HostPart { id: 7, name: "web".to_owned() }));
    }

    #[test]
    fn a_host_may_have_those_that_nobody_has_and_its_own() {
        let agents = [7, 8].map(|id| agent(PushStanding::Accepted(HostId(id))));
        let free = PushAgent { number: 9, address: String::new(), ..agent(PushStanding::Stray) };
        let all = [agents[0].clone(), agents[1].clone(), free];
        let reply = SelectReply::of(HostPart { id: 7, name: "web".to_owned() }, &all);
        let names: Vec<&str> = reply.push_agents.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["web01 (192.0.2.10)", "web01 (203.0.113.7)"]);
        assert_eq!((reply.selected_push_agent_id, reply.config), (Some(3), Some(config(7))));
        let reply = SelectReply::of(HostPart { id: 1, name: String::new() }, &all);
        assert_eq!((reply.push_agents.len(), reply.selected_push_agent_id, reply.config), (1, None, None));
    }

    #[test]
    fn a_choice_names_an_agent_and_a_host() {
        let read = |body: &str| SelectRequest::parse(body.as_bytes());
        let full = r#"{"pushagent":{"id":1,"agent_uuid":"u","host_id":2}}"#;
        assert_eq!(read(full), Ok((1, Some("u".to_owned()), HostId(2))));
        assert_eq!(read(r#"{"pushagent":{"id":1,"agent_uuid":"","host_id":2}}"#), Ok((1, None, HostId(2))));
        for body in ["", "{}", r#"{"pushagent":{}}"#, r#"{"pushagent":{"id":"1","host_id":2}}"#] {
            assert!(matches!(read(body), Err(Failure::Malformed { .. })), "{body}");
        }
    }
}
