//! What agents push that check hosts: results, and what is installed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, HostId, PushStanding};

use super::App;
use super::identity::AgentIdentity;
use super::ingest::Origin;
use super::push_agents::{self as agents, MAX_UUID_CHARS, kept_of};
use super::remember::Reader;
use crate::platform::payload::Payload;
use crate::platform::{digest, gzip, log};
use crate::store::push_agents::{self, Came};
use crate::store::{check_results, hosts};

/// So many agents that nobody knows are noted at a time.
const MOST_UNKNOWN: u32 = 100;
/// What an agent pushes that is not accepted is noted so often, seconds.
const NOTED_EVERY_S: i64 = 300;
/// And kept when it weighs no more than so many bytes, compressed.
const MAX_NOTED_BYTES: usize = 200_000;
/// What is installed is kept when it weighs no more than so many bytes, compressed.
const MAX_PACKAGES_BYTES: usize = 700_000;
/// So many agents are remembered.
const MAX_KNOWN: usize = 20_000;

/// What this isolate of the Worker knows.
static KNOWN: Mutex<Known> = Mutex::new(Known { agents: BTreeMap::new(), noted: BTreeMap::new() });

struct Known {
    /// Hosts by the UUID of their agent and the hash of its password: whether it is still good, the host's shard says.
    agents: BTreeMap<(String, String), HostId>,
    /// When an agent was noted that was not accepted, Unix seconds.
    noted: BTreeMap<String, i64>,
}

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an agent pushes.
#[derive(Debug)]
pub struct Push<'a> {
    /// Which agent.
    pub uuid: &'a str,
    /// Its password.
    pub password: &'a str,
    /// A JSON object.
    pub checkdata: &'a str,
    /// Where it came from.
    pub origin: Origin,
    /// How it came.
    pub came: Came,
}

/// Takes what an agent checked: when this is over it is safe. Gives how many checks were judged by it; `None` for an agent that is not
/// known, not by this password, or not accepted: what such a one pushes is for administrators alone.
///
/// # Errors
/// [`Failure::Forbidden`] for a key that may not register agents; [`Failure::Unavailable`] when it was not stored.
pub async fn submit(app: &App, reader: &Reader, push: Push<'_>) -> Result<Option<u32>, Failure> {
    require(&reader.credential, Right::Register)?;
    if push.uuid.is_empty() || push.password.is_empty() || push.uuid.chars().count() > MAX_UUID_CHARS {
        return Ok(None);
    }
    let hash = digest::secret_hash(push.password);
    let key = (push.uuid.to_owned(), hash.clone());
    let remembered = known().agents.get(&key).copied();
    let host = match remembered {
        Some(host) => Some(host),
        None => find(app, &push, &hash).await?,
    };
    let Some(host) = host else { return Ok(None) };
    let agent = AgentIdentity::of(hash, host).wire(push.origin.clone(), String::new(), None);
    let hub = app.hub()?;
    let shard = hub.shard_of(host);
    let mut reply = hub.result(&agent, reader.remembered_epoch(shard), push.checkdata).await?;
    let mut is_confirmed = false;
    if reply.stale {
        // Something was taken away since: this key, or another one.
        let credential = reader.confirm_by(app, &BTreeMap::from([(shard, reply.epoch)])).await?;
        require(&credential, Right::Register)?;
        is_confirmed = true;
        reply = hub.result(&agent, None, push.checkdata).await?;
    }
    if !is_confirmed {
        reader.confirm_by(app, &BTreeMap::from([(shard, reply.epoch)])).await?;
    }
    if reply.unknown {
        known().agents.remove(&key);
        return Ok(None);
    }
    if !reply.beyond.is_empty() {
        log::error("results.checks", &format!("host {}: {} checks are too many", host.0, reply.beyond.len()));
    }
    let mut known = known();
    if known.agents.len() >= MAX_KNOWN {
        known.agents.clear();
    }
    known.agents.insert(key, host);
    Ok(Some(reply.received))
}

/// The host that an agent speaks for; `None` for one that speaks for none, which is noted.
async fn find(app: &App, push: &Push<'_>, hash: &str) -> Result<Option<HostId>, Failure> {
    let found = push_agents::find(&app.db, push.uuid).await?;
    let is_same = found.as_ref().is_some_and(|found| digest::is_same(&found.password_hash, hash));
    match found.map(|found| found.agent.standing) {
        Some(PushStanding::Accepted(host)) if is_same => Ok(Some(host)),
        // Somebody with another's UUID.
        Some(PushStanding::Accepted(_)) => Ok(None),
        Some(PushStanding::Pending) if !is_same => Ok(None),
        other => {
            note(app, push, hash, other == Some(PushStanding::Pending)).await?;
            Ok(None)
        }
    }
}

/// Notes an agent that is not accepted, and what it pushes, for administrators.
async fn note(app: &App, push: &Push<'_>, hash: &str, is_registered: bool) -> Result<(), Failure> {
    let now = app.now_s();
    let is_recent = |noted: &BTreeMap<String, i64>| {
        noted.get(push.uuid).is_some_and(|at_s| (0..NOTED_EVERY_S).contains(&now.0.saturating_sub(*at_s)))
    };
    if is_recent(&known().noted) || push.uuid.chars().any(char::is_control) {
        return Ok(());
    }
    let packed = gzip::pack(push.checkdata.as_bytes()).await?;
    let kept = (packed.len() <= MAX_NOTED_BYTES).then_some(packed.as_slice());
    let statement = if is_registered {
        push_agents::note_submitted(push.uuid, now, kept)
    } else {
        push_agents::note_unknown(push.uuid, hash, &kept_of(&push.came), now, kept, MOST_UNKNOWN)
    };
    app.db.run(statement).await?;
    let mut known = known();
    if known.noted.len() >= MAX_KNOWN {
        known.noted.clear();
    }
    known.noted.insert(push.uuid.to_owned(), now.0);
    Ok(())
}

/// Keeps what is installed on an agent's host. False for an agent that is not known, not by this password, or not accepted.
///
/// # Errors
/// As [`submit`]; [`Failure::TooLarge`] for more than can be kept.
pub async fn submit_packages(app: &App, reader: &Reader, push: Push<'_>) -> Result<bool, Failure> {
    require(&reader.confirm(app, None).await?, Right::Register)?;
    let hash = digest::secret_hash(push.password);
    let found =
        push_agents::find(&app.db, push.uuid).await?.filter(|found| digest::is_same(&found.password_hash, &hash));
    let Some(PushStanding::Accepted(host)) = found.map(|found| found.agent.standing) else { return Ok(false) };
    let packed = gzip::pack(push.checkdata.as_bytes()).await?;
    if packed.len() > MAX_PACKAGES_BYTES {
        return Err(Failure::TooLarge { limit_bytes: MAX_PACKAGES_BYTES });
    }
    let size_bytes = u64::try_from(push.checkdata.len()).unwrap_or(u64::MAX);
    let stored = check_results::Stored { at_s: app.now_s().0, size_bytes, is_trimmed: false, packed };
    app.db.run(check_results::put(host, check_results::PACKAGES, &stored)).await?;
    Ok(true)
}

/// What a host's agent checked last: the answer's body.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to read; [`Failure::NotFound`] when there is no such host, or it pushed nothing.
pub async fn checks(app: &App, caller: &Credential, host: HostId) -> Result<Payload, Failure> {
    allowed(app, caller, host).await?;
    app.hub()?.last_result(host).await?.ok_or(Failure::NotFound { what: "check results of this host" })
}

/// What a host's agent checked last, as a JSON text that is a text for people.
///
/// # Errors
/// As [`checks`].
pub async fn output(app: &App, caller: &Credential, host: HostId) -> Result<Payload, Failure> {
    allowed(app, caller, host).await?;
    app.hub()?.last_output(host).await?.ok_or(Failure::NotFound { what: "check results of this host" })
}

/// What is installed on a host: the JSON that its agent pushed.
///
/// # Errors
/// As [`checks`].
pub async fn packages(app: &App, caller: &Credential, host: HostId) -> Result<Vec<u8>, Failure> {
    allowed(app, caller, host).await?;
    let stored = check_results::find(&app.db, host, check_results::PACKAGES).await?;
    gzip::unpack(&stored.ok_or(Failure::NotFound { what: "inventory of this host" })?.packed).await
}

/// What an agent pushed while it was not accepted: JSON.
///
/// # Errors
/// As [`agents::checkdata`]; [`Failure::NotFound`] when it pushed nothing that could be kept.
pub async fn of_agent(app: &App, caller: &Credential, uuid: &str) -> Result<Vec<u8>, Failure> {
    let packed = agents::checkdata(app, caller, uuid).await?;
    gzip::unpack(&packed.ok_or(Failure::NotFound { what: "check results of this agent" })?).await
}

async fn allowed(app: &App, caller: &Credential, host: HostId) -> Result<(), Failure> {
    require(caller, Right::Read)?;
    let found = hosts::list_by_ids(&app.db, &[host]).await?;
    if found.is_empty() { Err(Failure::NotFound { what: "host" }) } else { Ok(()) }
}
