//! Who is calling.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;

use edgewatch_core::domain::access::{Right, is_alive, is_use_worth_noting, reach, require, require_address};
use edgewatch_core::domain::ids::could_be_secret;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, HostId, Reach};

use super::App;
use super::ingest::Origin;
use crate::hub::wire::AgentWire;
use crate::platform::{digest, log};
use crate::store::{access, hosts, sessions};

/// Agents whose secrets were found lately: which host a secret belongs to changes when two are merged and never else, and whether it is
/// still good the hub knows.
static AGENTS: Mutex<BTreeMap<String, HostId>> = Mutex::new(BTreeMap::new());
/// So many are remembered.
const MAX_AGENTS: usize = 20_000;

/// An agent that proved which host it speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentIdentity {
    /// SHA-256 of the secret it showed.
    secret_hash: String,
    /// The host it speaks for.
    host_id: HostId,
}

impl AgentIdentity {
    /// The agent of a host whose secret has this hash, as was found otherwise.
    pub(super) const fn of(secret_hash: String, host_id: HostId) -> Self {
        Self { secret_hash, host_id }
    }

    /// The identity in the hub's words, with where the agent is.
    pub fn wire(&self, origin: Origin, agent_version: String, probes_version: Option<u64>) -> AgentWire {
        AgentWire {
            host_id: self.host_id.0,
            secret_hash: self.secret_hash.clone(),
            ipv4: origin.addresses.v4,
            ipv6: origin.addresses.v6,
            country_code: origin.country_code,
            agent_version,
            probes_version,
        }
    }
}

/// The agent with this secret, as far as is known here: whether the host still has it, its shard says.
///
/// # Errors
/// [`Failure::Unauthenticated`] when no live host has it; [`Failure::Unavailable`] when the database does not answer and the secret
/// was not seen lately.
pub async fn agent(app: &App, secret: &str) -> Result<AgentIdentity, Failure> {
    if !could_be_secret(secret) {
        return Err(Failure::Unauthenticated);
    }
    let secret_hash = digest::secret_hash(secret);
    let remembered = AGENTS.lock().ok().and_then(|agents| agents.get(&secret_hash).copied());
    if let Some(host_id) = remembered {
        return Ok(AgentIdentity { secret_hash, host_id });
    }
    let known = hosts::find_by_secret(&app.db, &secret_hash).await?.ok_or(Failure::Unauthenticated)?;
    if let Ok(mut agents) = AGENTS.lock() {
        if agents.len() >= MAX_AGENTS {
            agents.clear();
        }
        agents.insert(secret_hash.clone(), known.id);
    }
    Ok(AgentIdentity { secret_hash, host_id: known.id })
}

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// To look at hosts.
    Read,
    /// To look at and change them.
    ReadWrite,
    /// To change them, without having to look.
    Write,
}

/// A caller, and which hosts they reach with the rights they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Who.
    pub credential: Credential,
    /// Which hosts.
    pub reach: Reach,
}

impl Party {
    /// The caller as a party to what `needs` these rights.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] without one of them.
    pub fn to(needs: Needs, credential: Credential) -> Result<Self, Failure> {
        let rights: &[Right] = match needs {
            Needs::Read => &[Right::Read],
            Needs::ReadWrite => &[Right::Read, Right::Write],
            Needs::Write => &[Right::Write],
        };
        let reach = reach(&credential, rights)?;
        Ok(Self { credential, reach })
    }

    /// For what belongs to no host in particular.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] for one who reaches some hosts alone.
    pub const fn of_all(&self) -> Result<(), Failure> {
        match self.reach {
            Reach::All => Ok(()),
            Reach::MadeBy(_) => Err(Failure::Forbidden { needs: "more than the hosts it made" }),
        }
    }
}

/// For routes that are an administrator's whatever they do.
///
/// # Errors
/// [`Failure::Forbidden`] for anybody else.
pub fn require_admin(caller: &Credential) -> Result<(), Failure> {
    require(caller, Right::Admin)
}

/// The host that an agent speaks for now, where the hub does not know it as the one's that was remembered: hosts are merged. It is
/// looked up anew, and forgotten where no host has its secret.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn moved(app: &App, agent: &AgentIdentity) -> Result<Option<AgentIdentity>, Failure> {
    forget_agent(agent);
    let known = hosts::find_by_secret(&app.db, &agent.secret_hash).await?;
    let moved = known.map(|known| known.id).filter(|id| *id != agent.host_id);
    Ok(moved.map(|host_id| AgentIdentity { secret_hash: agent.secret_hash.clone(), host_id }))
}

/// Forgets an agent that the hub does not know.
pub(super) fn forget_agent(agent: &AgentIdentity) {
    if let Ok(mut agents) = AGENTS.lock() {
        agents.remove(&agent.secret_hash);
    }
}

/// The holder of the token or, failing that, of one of the session cookies: a wrong token beside a valid cookie does no
/// harm, as in the dialects.
///
/// # Errors
/// [`Failure::Unauthenticated`] when none of them is valid.
/// [`Failure::Forbidden`] for a token that may not be used from the caller's address.
pub async fn caller(
    app: &App,
    token: Option<&str>,
    cookies: &[&str],
    address: Option<IpAddr>,
) -> Result<Credential, Failure> {
    let now = app.now_s();
    if let Some(text) = token.filter(|text| could_be_secret(text))
        && let Some(token) = access::find_token(&app.db, &digest::secret_hash(text)).await?
        && is_alive(&token, now)
    {
        require_address(&token, address)?;
        if is_use_worth_noting(&token, now)
            && let Err(error) = access::note_use(&app.db, token.id, now).await
        {
            // The request does not depend on it.
            log::error("tokens.last_use", &error.to_string());
        }
        return Ok(Credential::Token(token));
    }
    // A cookie header may repeat a name; more than a few is no browser.
    for cookie in cookies.iter().copied().filter(|text| could_be_secret(text)).take(3) {
        if let Some(session) = sessions::find_session(&app.db, &digest::secret_hash(cookie), now).await? {
            return Ok(Credential::Session(session));
        }
    }
    Err(Failure::Unauthenticated)
}
