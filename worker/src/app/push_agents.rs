//! Agents that push what they checked: they register, and administrators decide about them.
//!
//! An agent's password is the secret of the host it speaks for. One that was not given it here can be adopted with the password it
//! brings: agents of this kind never ask for another one. Source: openitcockpit specification, 1.7 and 4.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, HostId, PushAgent, PushRegistration, PushStanding, Registration};

use super::{App, actor, hosts};
use crate::platform::{digest, random};
pub use crate::store::push_agents::Came;
use crate::store::push_agents::{self, NewPushAgent, Stored};
use crate::store::{Statement, StoreError, access, settings};

/// The longest UUID, as the server has it that agents were made for. Source: openitcockpit specification, 3.2.
pub const MAX_UUID_CHARS: usize = 37;
/// So many agents register with one token within an hour.
const MOST_AN_HOUR: u64 = 600;
/// Random bytes of a password. Source: openitcockpit specification, 3.3.
const PASSWORD_BYTES: usize = 64;
/// The longest name of a machine, in characters, and of what else is kept of a request.
const MAX_NAME_CHARS: usize = 255;

const UNKNOWN: Failure = Failure::NotFound { what: "agent" };

/// What became of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registered {
    /// The agent has this password from now on.
    With {
        /// 128 lower-case hexadecimal digits.
        password: String,
    },
    /// The password it has is good.
    Already,
}

/// Registers an agent that has no password, or says whether the one it has is good.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to register; [`Failure::Invalid`] for a UUID that is none; [`Failure::Conflict`] when an
/// agent that has no password has the UUID of one that does; [`Failure::NotFound`] when the password is not good;
/// [`Failure::TooManyAttempts`] when too many registered with this token; [`Failure::Unavailable`] when the database does not answer.
pub async fn register(
    app: &App,
    caller: &Credential,
    wanted: PushRegistration,
    came: Came,
) -> Result<Registered, Failure> {
    require(caller, Right::Register)?;
    let known = push_agents::find(&app.db, &wanted.uuid).await?;
    if !wanted.password.is_empty() {
        let hash = digest::secret_hash(&wanted.password);
        let is_good = known.is_some_and(|known| {
            known.agent.standing != PushStanding::Stray && digest::is_same(&known.password_hash, &hash)
        });
        return if is_good { Ok(Registered::Already) } else { Err(UNKNOWN) };
    }
    check_uuid(&wanted.uuid)?;
    let password = password()?;
    let hash = digest::secret_hash(&password);
    match known.filter(|known| known.agent.standing != PushStanding::Stray) {
        Some(known) if known.agent.may_register_again => renew(app, caller, &known.agent, &hash).await?,
        Some(_) => return Err(taken()),
        None => make(app, caller, wanted, came, &hash).await?,
    }
    Ok(Registered::With { password })
}

fn check_uuid(uuid: &str) -> Result<(), Failure> {
    let is_one = !uuid.is_empty() && uuid.chars().count() <= MAX_UUID_CHARS && !uuid.chars().any(char::is_control);
    let reason = || format!("has to be of 1 to {MAX_UUID_CHARS} characters, none of them control characters");
    is_one.then_some(()).ok_or_else(|| Failure::Invalid { field: "agentuuid".to_owned(), reason: reason() })
}

fn taken() -> Failure {
    Failure::Conflict { detail: "the UUID is another agent's, or its password is lost".to_owned() }
}

fn password() -> Result<String, Failure> {
    let mut bytes = [0; PASSWORD_BYTES];
    random::fill(&mut bytes)?;
    Ok(digest::hex(&bytes))
}

/// What a machine said or a request brought, as it may be kept.
fn kept(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(MAX_NAME_CHARS).collect::<String>().trim().to_owned()
}

pub(super) fn kept_of(came: &Came) -> Came {
    Came {
        remote_address: kept(&came.remote_address),
        forwarded_for: kept(&came.forwarded_for),
        user_agent: kept(&came.user_agent),
    }
}

/// The host that an agent begins.
fn host_of(uuid: &str, host_name: &str) -> Registration {
    let name = kept(host_name);
    Registration {
        name: if name.is_empty() { uuid.to_owned() } else { name },
        tag: String::new(),
        note: String::new(),
        hidden_for_guest: true,
        machine_id: None,
        known_secret: None,
    }
}

async fn make(app: &App, caller: &Credential, wanted: PushRegistration, came: Came, hash: &str) -> Result<(), Failure> {
    let token = match caller {
        Credential::Token(token) => Some(token),
        Credential::Session(_) => None,
    };
    if let Some(token) = token
        && push_agents::count_of_token(&app.db, token.id, app.now_s().plus(-3_600)).await? >= MOST_AN_HOUR
    {
        return Err(Failure::TooManyAttempts { retry_after_s: 600 });
    }
    let registration = host_of(&wanted.uuid, &wanted.host_name);
    let uuid = wanted.uuid.clone();
    let new = NewPushAgent {
        uuid: wanted.uuid,
        password_hash: hash.to_owned(),
        host_name: kept(&wanted.host_name),
        address: kept(&wanted.address),
        came: kept_of(&came),
        at: app.now_s(),
        by_token_id: token.map(|token| token.id),
    };
    if super::settings::accepts_push_agents(app).await? {
        let more = |_: &str| Ok(push_agents::insert(new));
        return hosts::make_with(app, &actor(caller), token, registration, hash, more)
            .await
            .map(drop)
            .map_err(or_taken);
    }
    let mut statements = push_agents::insert(new);
    statements.push(app.audit(&actor(caller), "push_agent.register", &uuid)?);
    statements.extend(token.filter(|token| token.uses_left.is_some()).map(|token| access::spend_use(token.id)));
    match app.db.batch(statements).await {
        Ok(_) => Ok(()),
        Err(error) if access::is_used_up(&error) => Err(Failure::Forbidden { needs: "a token with uses left" }),
        Err(error) if error.is_not_unique() => Err(taken()),
        // It may have been carried out; then nobody else would ever know the password.
        Err(error) if error.is_transient() => has_password(app, &uuid, hash, error).await,
        Err(error) => Err(error.into()),
    }
}

/// Whether an agent has this password after all.
async fn has_password(app: &App, uuid: &str, hash: &str, error: StoreError) -> Result<(), Failure> {
    match push_agents::find(&app.db, uuid).await? {
        Some(Stored { password_hash, .. }) if password_hash == hash => Ok(()),
        _ => Err(error.into()),
    }
}

/// A unique index refuses what two agents may not share.
fn or_taken(failure: Failure) -> Failure {
    match &failure {
        Failure::Unavailable { detail } if detail.contains("push_agents.") => taken(),
        _ => failure,
    }
}

/// Gives an agent that may register again another password.
async fn renew(app: &App, caller: &Credential, agent: &PushAgent, hash: &str) -> Result<(), Failure> {
    let mut statements = push_agents::renew(&agent.uuid, hash);
    statements.push(app.audit(&actor(caller), "push_agent.register", &agent.uuid)?);
    statements.push(settings::bump(settings::HOSTS_VERSION));
    match app.db.batch(statements).await {
        Ok(done) if done.get(1).is_some_and(|renewed| renewed.changes > 0) => {}
        Ok(_) => return Err(taken()),
        Err(error) if error.is_transient() => has_password(app, &agent.uuid, hash, error).await?,
        Err(error) => return Err(error.into()),
    }
    tell_of(app, agent.standing).await;
    Ok(())
}

async fn tell_of(app: &App, standing: PushStanding) {
    if let PushStanding::Accepted(host) = standing {
        hosts::tell_hub(app, &[host]).await;
    }
}

/// Every agent, the newest first.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(app: &App, caller: &Credential) -> Result<Vec<PushAgent>, Failure> {
    require(caller, Right::Admin)?;
    Ok(push_agents::list(&app.db).await?)
}

/// The agent of this number.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is no such agent.
pub async fn of_number(app: &App, caller: &Credential, number: i64) -> Result<PushAgent, Failure> {
    require(caller, Right::Admin)?;
    push_agents::find_by_number(&app.db, number).await?.ok_or(UNKNOWN)
}

/// What the host of this number is called; an agent may be made its agent.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is no such host.
pub async fn host_named(app: &App, caller: &Credential, id: HostId) -> Result<String, Failure> {
    require(caller, Right::Admin)?;
    let found = crate::store::hosts::list_by_ids(&app.db, &[id]).await?;
    found.into_iter().next().map(|host| host.name).ok_or(Failure::NotFound { what: "host" })
}

/// What an agent pushed while it was not accepted: gzip of JSON; `None` when it did not, or too much.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is no such agent.
pub async fn checkdata(app: &App, caller: &Credential, uuid: &str) -> Result<Option<Vec<u8>>, Failure> {
    find(app, caller, uuid).await?;
    Ok(push_agents::find_checkdata(&app.db, uuid).await?)
}

async fn find(app: &App, caller: &Credential, uuid: &str) -> Result<PushAgent, Failure> {
    require(caller, Right::Admin)?;
    Ok(push_agents::find(&app.db, uuid).await?.ok_or(UNKNOWN)?.agent)
}

/// Accepts an agent: as the agent of a host that is there, which then has its password for a secret, or as that of a new one. What
/// it pushes from then on counts.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is no such agent or host; [`Failure::Conflict`] when it is a host's already.
pub async fn accept(app: &App, caller: &Credential, uuid: &str, host: Option<HostId>) -> Result<(), Failure> {
    let agent = find(app, caller, uuid).await?;
    if matches!(agent.standing, PushStanding::Accepted(_)) {
        return Err(Failure::Conflict { detail: "the agent is a host's already".to_owned() });
    }
    let audit = app.audit(&actor(caller), "push_agent.accept", uuid)?;
    let Some(host) = host else { return accept_as_new(app, caller, &agent, audit).await };
    let mut statements = push_agents::give_host(uuid, host);
    statements.push(audit);
    statements.push(settings::bump(settings::HOSTS_VERSION));
    let done = app.db.batch(statements).await.map_err(|error| not_two(&error, error.clone().into()))?;
    if done.first().is_none_or(|given| given.changes == 0) {
        return Err(Failure::NotFound { what: "host" });
    }
    hosts::tell_hub(app, &[host]).await;
    Ok(())
}

async fn accept_as_new(app: &App, caller: &Credential, agent: &PushAgent, audit: Statement) -> Result<(), Failure> {
    let stored = push_agents::find(&app.db, &agent.uuid).await?.ok_or(UNKNOWN)?;
    let registration = host_of(&agent.uuid, &agent.host_name);
    let more = |_: &str| Ok(vec![push_agents::accept(&agent.uuid), audit]);
    let made = hosts::make_with(app, &actor(caller), None, registration, &stored.password_hash, more).await;
    made.map(drop).map_err(|failure| match &failure {
        Failure::Unavailable { detail } if detail.contains("UNIQUE constraint failed") => has_host(),
        _ => failure,
    })
}

fn not_two(error: &StoreError, other: Failure) -> Failure {
    if error.is_not_unique() { has_host() } else { other }
}

fn has_host() -> Failure {
    Failure::Conflict { detail: "another host has this password for its secret".to_owned() }
}

/// Lets a registered agent that lost its password register again, once: it gets another one, and what it had is good until then.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when no such agent is registered.
pub async fn allow_again(app: &App, caller: &Credential, uuid: &str) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let audit = app.audit(&actor(caller), "push_agent.allow", uuid)?;
    let done = app.db.batch(vec![push_agents::allow_again(uuid), audit]).await?;
    if done.first().is_some_and(|allowed| allowed.changes > 0) { Ok(()) } else { Err(UNKNOWN) }
}

/// Forgets an agent that is no host's; one that is goes with its host.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is no such agent; [`Failure::Conflict`] when it is a host's.
pub async fn remove(app: &App, caller: &Credential, uuid: &str) -> Result<(), Failure> {
    let agent = find(app, caller, uuid).await?;
    if let PushStanding::Accepted(host) = agent.standing {
        let detail = format!("the agent is that of host {}: delete the host", host.0);
        return Err(Failure::Conflict { detail });
    }
    let audit = app.audit(&actor(caller), "push_agent.delete", uuid)?;
    app.db.batch(vec![push_agents::delete(uuid), audit]).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
