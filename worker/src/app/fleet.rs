//! Hosts as those keep them who keep the fleet: looked at whole, made by hand, changed in part, given another secret, retired. A host
//! that the caller does not reach is not there.

use std::collections::BTreeMap;

use edgewatch_core::domain::access::{Right, reach, require};
use edgewatch_core::domain::ids::HOST_SECRET_CHARS;
use edgewatch_core::failure::Failure;
use edgewatch_core::metrics::{self, Definition, own};
use edgewatch_core::model::{
    AuditEntry, Counted, Credential, DetailedHost, Event, Host, HostChange, HostId, Reach, Registration,
};

use super::{App, actor, host_admin, hosts as all_hosts, secret};
use crate::platform::{digest, log};
use crate::store::mackerel::{graph_defs, hosts as said, listing, services};
use crate::store::{access, check_results, events, host_edits, push_agents, settings};

/// What a host has metrics of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostMetrics {
    /// Keys of built-in metrics, in the order of their columns.
    pub built_in: Vec<&'static str>,
    /// Its own, by name, with their units where those are known.
    pub own: Vec<(String, Option<String>)>,
    /// The probes that it measured delays of, by number.
    pub probes: Vec<i64>,
    /// Whether an agent pushes what it checks.
    pub has_checks: bool,
    /// Whether it is known what is installed.
    pub has_packages: bool,
}

const UNKNOWN: Failure = Failure::NotFound { what: "host" };

/// At most `limit` hosts behind a number, by number: three D1 rows read for each, and one for each of its roles. How they are now the
/// hub says; where it does not answer, they are as D1 was told last.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to read; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(app: &App, caller: &Credential, after: HostId, limit: u32) -> Result<Vec<DetailedHost>, Failure> {
    let reach = reach(caller, &[Right::Read])?;
    let mut found = listing::list_page(&app.db, reach.made_by(), after, limit).await?;
    as_they_are(app, &mut found).await;
    Ok(found)
}

/// One host.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none that the caller reaches.
pub async fn show(app: &App, caller: &Credential, id: HostId) -> Result<DetailedHost, Failure> {
    find(app, reach(caller, &[Right::Read])?, id).await
}

async fn find(app: &App, reach: Reach, id: HostId) -> Result<DetailedHost, Failure> {
    let mut found: Vec<DetailedHost> = listing::find_live(&app.db, reach.made_by(), id).await?.into_iter().collect();
    as_they_are(app, &mut found).await;
    found.pop().ok_or(UNKNOWN)
}

/// Lays over hosts what the hub knows better than D1.
async fn as_they_are(app: &App, found: &mut [DetailedHost]) {
    let Some(hub) = app.hub.as_ref().filter(|_| !found.is_empty()) else { return };
    let ids: Vec<HostId> = found.iter().map(|detailed| detailed.host.id).collect();
    let states = match hub.states(&ids).await {
        Ok(states) => states,
        Err(error) => return log::error("fleet.states", &error.to_string()),
    };
    let mut by_id: BTreeMap<HostId, Host> = states.into_iter().map(|host| (host.id, host)).collect();
    for detailed in found {
        let Some(now) = by_id.remove(&detailed.host.id) else { continue };
        let host = &mut detailed.host;
        (host.presence, host.last_seen) = (now.presence, now.last_seen);
        (host.agent_version, host.addresses, host.country_code) = (now.agent_version, now.addresses, now.country_code);
        host.facts = now.facts.or_else(|| host.facts.take());
    }
}

/// Makes a host; gives it and its agent's secret, which nobody else knows. It is hidden from guests unless somebody who may decide that
/// says otherwise.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to register, for one who may not decide that guests see it, and for a token without a use
/// left; [`Failure::Unavailable`] when the database does not answer.
pub async fn create(app: &App, caller: &Credential, wanted: HostChange) -> Result<(DetailedHost, String), Failure> {
    require(caller, Right::Register)?;
    let by_token = match caller {
        Credential::Token(token) => Some(token),
        Credential::Session(_) => None,
    };
    if wanted.hidden_for_guest == Some(false) {
        require(caller, Right::Admin)?;
    }
    let registration = Registration {
        name: wanted.name.clone().unwrap_or_default(),
        tag: wanted.group.clone().unwrap_or_default(),
        note: wanted.note.clone().unwrap_or_default(),
        hidden_for_guest: wanted.hidden_for_guest.unwrap_or(true),
        machine_id: None,
        known_secret: None,
    };
    let more = |secret_hash: &str| {
        let mut statements = vec![host_edits::change_new(secret_hash, &wanted)];
        if wanted.status.is_some() || wanted.memo.is_some() {
            statements.push(said::insert_said(secret_hash, wanted.status, wanted.memo.as_deref()));
        }
        if let Some(roles) = wanted.roles.as_deref().filter(|roles| !roles.is_empty()) {
            statements.extend(services::make_missing(roles));
            statements.push(said::add_roles_to_new(secret_hash, roles));
        }
        Ok(statements)
    };
    let made = all_hosts::make(app, &actor(caller), by_token, registration, more).await?;
    let found = listing::find(&app.db, None, &made.public_id).await?;
    Ok((found.ok_or(UNKNOWN)?.detailed, made.secret))
}

/// Changes what is named of a host, in one transaction: of two changes at a time each is there whole, and where they name the same the
/// later one counts. What is as wanted already is not written. Gives the host as it is then.
///
/// # Errors
/// As [`show`]; [`Failure::Forbidden`] for who is no administrator, but for a token of the kind agent and a host that it made, of which it
/// decides everything but whether guests see it.
pub async fn change(app: &App, caller: &Credential, id: HostId, wanted: &HostChange) -> Result<DetailedHost, Failure> {
    let reach = reach(caller, &[Right::Admin])?;
    if wanted.hidden_for_guest.is_some() {
        require(caller, Right::Admin)?;
    }
    let before = listing::find_live(&app.db, reach.made_by(), id).await?.ok_or(UNKNOWN)?;
    let change = news(&before, wanted);
    let names = names(&change);
    if !names.is_empty() {
        let mut statements = vec![host_edits::change(id, &change)];
        statements.extend(change.name.as_deref().map(|name| said::rename(id, name)));
        if change.status.is_some() || change.memo.is_some() {
            statements.push(said::put_said(id, change.status, change.memo.as_deref()));
        }
        if let Some(roles) = &change.roles {
            statements.extend(services::make_missing(roles));
            statements.push(said::keep_roles(id, roles));
            statements.push(said::add_roles(id, roles));
        }
        statements.push(app.audit(&actor(caller), "host.edit", &format!("{} {}", id.0, names.join(",")))?);
        statements.push(settings::bump(settings::HOSTS_VERSION));
        let done = app.db.batch(statements).await?;
        if done.first().is_none_or(|changed| changed.changes == 0) {
            return Err(UNKNOWN);
        }
        all_hosts::tell_hub(app, &[id]).await;
    }
    find(app, reach, id).await
}

/// What of a change is another than it is.
fn news(before: &DetailedHost, wanted: &HostChange) -> HostChange {
    fn other<T: PartialEq + Clone>(wanted: Option<&T>, is: &T) -> Option<T> {
        wanted.filter(|wanted| *wanted != is).cloned()
    }
    let (host, details) = (&before.host, &before.details);
    HostChange {
        name: other(wanted.name.as_ref(), &host.name),
        group: other(wanted.group.as_ref(), &host.tag),
        tags: other(wanted.tags.as_ref(), &host.tags),
        note: other(wanted.note.as_ref(), &host.note),
        public_note: other(wanted.public_note.as_ref(), &host.public_note),
        display_index: other(wanted.display_index.as_ref(), &host.display_index),
        hidden_for_guest: other(wanted.hidden_for_guest.as_ref(), &host.hidden_for_guest),
        status: other(wanted.status.as_ref(), &details.status),
        memo: other(wanted.memo.as_ref(), &details.memo),
        roles: other(wanted.roles.as_ref(), &before.roles),
    }
}

/// What is named in a change, for the audit.
fn names(change: &HostChange) -> Vec<&'static str> {
    let all = [
        ("name", change.name.is_some()),
        ("group", change.group.is_some()),
        ("tags", change.tags.is_some()),
        ("note", change.note.is_some()),
        ("public_note", change.public_note.is_some()),
        ("display_index", change.display_index.is_some()),
        ("hidden_for_guest", change.hidden_for_guest.is_some()),
        ("status", change.status.is_some()),
        ("memo", change.memo.is_some()),
        ("roles", change.roles.is_some()),
    ];
    all.into_iter().filter_map(|(name, is_named)| is_named.then_some(name)).collect()
}

/// Retires a host: its secret is dead, its data is kept for thirty days.
///
/// # Errors
/// As [`change`].
pub async fn retire(app: &App, caller: &Credential, id: HostId) -> Result<(), Failure> {
    let reach = reach(caller, &[Right::Admin])?;
    listing::find_live(&app.db, reach.made_by(), id).await?.ok_or(UNKNOWN)?;
    host_admin::retire_permitted(app, caller, &[id]).await
}

/// Gives a host another secret, and an agent that pushes for it another password: the one before is dead once this answers.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator; [`Failure::NotFound`] when there is no such host; [`Failure::Unavailable`] when the
/// database or the hub does not answer: as a rule nothing is changed then, and doing it again gives a secret that counts in any case.
pub async fn renew_secret(app: &App, caller: &Credential, id: HostId) -> Result<String, Failure> {
    require(caller, Right::Admin)?;
    let secret = secret(HOST_SECRET_CHARS)?;
    let hash = digest::secret_hash(&secret);
    let statements = vec![
        host_edits::set_secret(id, &hash),
        push_agents::set_password(id, &hash),
        app.audit(&actor(caller), "host.secret", &id.0.to_string())?,
        settings::bump(settings::HOSTS_VERSION),
    ];
    listing::find_live(&app.db, None, id).await?.ok_or(UNKNOWN)?;
    // Who holds the old one may hold a socket open: where the hub cannot be told nothing is changed.
    must_hear(app, id).await?;
    let done = app.db.batch(statements).await?;
    if done.first().is_none_or(|changed| changed.changes == 0) {
        return Err(UNKNOWN);
    }
    must_hear(app, id).await?;
    Ok(secret)
}

async fn must_hear(app: &App, id: HostId) -> Result<(), Failure> {
    match &app.hub {
        Some(hub) => Ok(hub.changed(&[id]).await?),
        None => Ok(()),
    }
}

/// The groups that hosts are in and the labels that they bear, by name, each with how many hosts: a row read for each host.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to read; [`Failure::Unavailable`] when the database does not answer.
pub async fn groups(app: &App, caller: &Credential) -> Result<(Vec<Counted>, Vec<Counted>), Failure> {
    require(caller, Right::Read)?;
    let (mut groups, mut tags) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
    for (group, labels) in host_edits::list_grouped(&app.db).await? {
        *groups.entry(group).or_default() += 1;
        for label in labels {
            *tags.entry(label).or_default() += 1;
        }
    }
    let counted = |all: BTreeMap<String, u64>| all.into_iter().map(|(name, hosts)| Counted { name, hosts }).collect();
    Ok((counted(groups), counted(tags)))
}

/// What a host has metrics of: the built-in ones, and the names of its own with their units where those are known; and what else there is of it. Six D1 rows
/// read; where it has some that people named, one for each graph definition.
///
/// # Errors
/// As [`show`]; [`Failure::Unavailable`] when the hub does not answer.
pub async fn metrics(app: &App, caller: &Credential, id: HostId) -> Result<HostMetrics, Failure> {
    let reach = reach(caller, &[Right::Read])?;
    listing::find_live(&app.db, reach.made_by(), id).await?.ok_or(UNKNOWN)?;
    let measured = app.hub()?.measured(id).await?;
    let is_built_in = |definition: &&Definition| measured.built_in.contains(&(definition.metric as usize));
    let built_in = metrics::ALL.iter().filter(is_built_in).map(|definition| definition.key).collect();
    let is_named = |name: &String| own::unit(name).is_none();
    let graphs = if measured.own.iter().any(is_named) { graph_defs::list(&app.db).await? } else { Vec::new() };
    let unit = |name: &str| {
        let of_graph = || graphs.iter().find(|graph| own::is_of_graph(name, &graph.name)).map(|one| one.unit.clone());
        own::unit(name).map(str::to_owned).or_else(of_graph)
    };
    let own = measured.own.into_iter().map(|name| (unit(&name), name)).map(|(unit, name)| (name, unit)).collect();
    let kinds = check_results::list_kinds(&app.db, id).await?;
    let has = |wanted: &str| kinds.iter().any(|kind| kind == wanted);
    let (has_checks, has_packages) = (has(check_results::CHECKDATA), has(check_results::PACKAGES));
    Ok(HostMetrics { built_in, own, probes: measured.probes, has_checks, has_packages })
}

/// A page of what happened to a host, newest first: two rows read for each event.
///
/// # Errors
/// As [`groups`].
pub async fn events(
    app: &App,
    caller: &Credential,
    id: HostId,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<Event>, Failure> {
    require(caller, Right::Read)?;
    Ok(events::list_of_host(&app.db, id, before, limit).await?)
}

/// A page of who changed what, newest first: two rows read for each change.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator; [`Failure::Unavailable`] when the database does not answer.
pub async fn audit(
    app: &App,
    caller: &Credential,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<AuditEntry>, Failure> {
    require(caller, Right::Admin)?;
    Ok(access::list_audit(&app.db, before, limit).await?)
}
