//! Hosts that stock agents of Pulse report.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use edgewatch_core::domain::access::{Right, reach, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, Facts, Host, HostId, Registration, Sample};

use super::door::{self, Shown};
use crate::app::identity::AgentIdentity;
use crate::app::ingest::Origin;
use crate::app::remember::{self, Reader};
use crate::app::{App, actor, host_admin, hosts};
use crate::hub::relayed::wire::RelayedReport;
use crate::store::hosts as host_rows;
use crate::store::pulse::agents::{self, Reported};

/// So many hosts are remembered.
const MAX_KNOWN: usize = 20_000;

const UNKNOWN: Failure = Failure::NotFound { what: "host" };

/// Hosts by what their agents say they are, each for all or for one token: whether one is still there, its shard knows.
static KNOWN: Mutex<BTreeMap<(Option<i64>, String), Reported>> = Mutex::new(BTreeMap::new());

fn known() -> MutexGuard<'static, BTreeMap<(Option<i64>, String), Reported>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who reports.
#[derive(Debug, Clone)]
pub enum Reporter {
    /// Somebody with a token or a session of ours.
    Reader(Reader),
    /// Whoever has the token of the deployment's variable.
    Operator(Credential),
}

impl Reporter {
    const fn credential(&self) -> &Credential {
        match self {
            Self::Reader(reader) => &reader.credential,
            Self::Operator(credential) => credential,
        }
    }
}

/// Who shows this, remembered where that was seen lately.
///
/// # Errors
/// As `door::caller`.
pub async fn reporter(app: &App, shown: &Shown<'_>) -> Result<Reporter, Failure> {
    if let Some(credential) = door::by_variable(app, &shown.tokens) {
        return Ok(Reporter::Operator(credential));
    }
    let token = shown.tokens.first().map(|token| (*token).to_owned()).ok_or(Failure::Unauthenticated)?;
    let shown = remember::Shown { token: Some(token), cookies: vec![], address: shown.address };
    Ok(Reporter::Reader(remember::reader(app, shown).await?))
}

/// What an agent reports of its host.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// By what the same host is known again.
    pub identity: String,
    /// What it is called, where it is new.
    pub name: String,
    /// The group it is in, where it is new.
    pub group: String,
    /// The agent's version.
    pub agent_version: String,
    /// Seconds between two reports.
    pub period_s: u32,
    /// What was measured, by the host's clock.
    pub sample: Sample,
    /// What the host is.
    pub facts: Facts,
    /// Where the report came from.
    pub origin: Origin,
}

/// Takes a report: when this is over it is safe. One of a host that nobody knows makes it. Gives the host's UUID.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to register; [`Failure::Conflict`] for a host that another token made, by one that reaches
/// its own alone; [`Failure::Unavailable`] when it was not stored.
pub async fn report(app: &App, reporter: &Reporter, told: &Told) -> Result<String, Failure> {
    require(reporter.credential(), Right::Register)?;
    let key = (made_by(reporter.credential()), told.identity.clone());
    let remembered = known().get(&key).cloned();
    let is_remembered = remembered.is_some();
    let host = match remembered {
        Some(host) => host,
        None => find(app, reporter.credential(), told).await?,
    };
    let host = match relay(app, reporter, told, host).await? {
        Some(host) => host,
        // It was retired meanwhile: what reports is another host then.
        None if is_remembered => {
            known().remove(&key);
            let host = find(app, reporter.credential(), told).await?;
            relay(app, reporter, told, host).await?.ok_or_else(away)?
        }
        None => return Err(away()),
    };
    let uuid = host.uuid.clone();
    let mut known = known();
    if known.len() >= MAX_KNOWN {
        known.clear();
    }
    known.insert(key, host);
    Ok(uuid)
}

fn away() -> Failure {
    Failure::Unavailable { detail: "the hub does not know a host that was just made".to_owned() }
}

/// The token whose hosts alone are reached.
fn made_by(credential: &Credential) -> Option<i64> {
    reach(credential, &[]).ok().and_then(edgewatch_core::model::Reach::made_by)
}

/// Hands a report to its shard; `None` when there is no such host any more.
async fn relay(app: &App, reporter: &Reporter, told: &Told, host: Reported) -> Result<Option<Reported>, Failure> {
    let hub = app.hub()?;
    let shard = hub.shard_of(host.host);
    let agent = AgentIdentity::of(String::new(), host.host).wire(told.origin.clone(), told.agent_version.clone(), None);
    let message = |epoch| RelayedReport::new(epoch, agent.clone(), told.period_s, &told.sample, &told.facts);
    let reply = match reporter {
        Reporter::Operator(_) => hub.relay(&message(None)).await?,
        Reporter::Reader(reader) => {
            let mut reply = hub.relay(&message(reader.remembered_epoch(shard))).await?;
            let epochs = BTreeMap::from([(shard, reply.epoch)]);
            let credential = reader.confirm_by(app, &epochs).await?;
            if reply.stale {
                // Something was taken away since: this token, or another one.
                require(&credential, Right::Register)?;
                reply = hub.relay(&message(None)).await?;
            }
            reply
        }
    };
    Ok((!reply.unknown).then_some(host))
}

/// The host that this is, which is made where there is none.
async fn find(app: &App, caller: &Credential, told: &Told) -> Result<Reported, Failure> {
    if let Some(known) = agents::find(&app.db, &told.identity).await? {
        return allowed(caller, known);
    }
    let registration = Registration {
        name: told.name.clone(),
        tag: told.group.clone(),
        note: String::new(),
        hidden_for_guest: true,
        machine_id: None,
        known_secret: None,
    };
    let by_token = match caller {
        // The deployment's own is no row.
        Credential::Token(token) if token.id > 0 => Some(token),
        _ => None,
    };
    // Its secret is for nobody: its agent reports with its caller's token.
    let more = |secret_hash: &str| Ok(agents::insert(secret_hash, &told.identity));
    match hosts::make(app, &actor(caller), by_token, registration, more).await {
        Ok(_) => {}
        // Another of its reports was quicker.
        Err(Failure::Unavailable { detail }) if detail.contains("pulse_agents.") => {}
        Err(failure) => return Err(failure),
    }
    let known = agents::find(&app.db, &told.identity).await?.ok_or_else(away)?;
    allowed(caller, known)
}

fn allowed(caller: &Credential, host: Reported) -> Result<Reported, Failure> {
    match made_by(caller) {
        Some(token_id) if host.by_token_id != Some(token_id) => {
            Err(Failure::Conflict { detail: format!("host {} was made by another token", host.uuid) })
        }
        _ => Ok(host),
    }
}

/// A host by its UUID or by what its agent calls it.
///
/// # Errors
/// [`Failure::Forbidden`] for who may neither read nor register; [`Failure::NotFound`] when there is none; [`Failure::Unavailable`] when
/// the database does not answer.
pub async fn by_id(app: &App, caller: &Credential, id: &str) -> Result<Host, Failure> {
    require_any(caller)?;
    let found = agents::find_by_id(&app.db, id).await?.filter(|found| is_reached(caller, found));
    read(app, found.ok_or(UNKNOWN)?.host).await
}

/// The first host whose name is this one by `is_same`, which a name that begins with `beginning` can be.
///
/// # Errors
/// As [`by_id`].
pub async fn by_name(
    app: &App,
    caller: &Credential,
    beginning: &str,
    is_same: impl Fn(&str) -> bool,
) -> Result<Host, Failure> {
    require_any(caller)?;
    let named = agents::list_named(&app.db, beginning).await?;
    let found = named.into_iter().find(|(found, name)| is_same(name) && is_reached(caller, found));
    read(app, found.ok_or(UNKNOWN)?.0.host).await
}

async fn read(app: &App, id: HostId) -> Result<Host, Failure> {
    host_rows::list_by_ids(&app.db, &[id]).await?.pop().ok_or(UNKNOWN)
}

fn is_reached(caller: &Credential, host: &Reported) -> bool {
    made_by(caller).is_none_or(|token_id| host.by_token_id == Some(token_id))
}

fn require_any(caller: &Credential) -> Result<(), Failure> {
    require(caller, Right::Read).or_else(|_| require(caller, Right::Register))
}

/// Retires a host.
///
/// # Errors
/// As [`by_id`]; [`Failure::Forbidden`] for who is no administrator.
pub async fn remove(app: &App, caller: &Credential, id: &str) -> Result<String, Failure> {
    require(caller, Right::Admin)?;
    let host = by_id(app, caller, id).await?;
    host_admin::retire(app, caller, &[host.id]).await?;
    Ok(host.uuid)
}
