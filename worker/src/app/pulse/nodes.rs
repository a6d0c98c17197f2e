//! Instances as programs for Pulse have them: by kind and place; and what agents do for people who set them up.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::proxmox::{
    Census, Health, Instance, InstanceChange, InstanceDraft, InstanceKind, InstanceState, TestFailure, Tested,
};
use edgewatch_core::model::{Credential, HostClass};
use edgewatch_core::units::UnixMillis;

use super::told::{self, News};
use crate::app::{App, proxmox};
use crate::proxmox::asked::{self, Outcome, Search, Trial};
use crate::store::proxmox::{hosts, instances};

/// Every instance in the place that it has in lists, and whether it can be polled. What was polled is not there.
///
/// # Errors
/// As `proxmox::list`.
pub async fn list(app: &App, caller: &Credential) -> Result<Vec<InstanceState>, Failure> {
    Ok(proxmox::list(app, caller).await?.into_iter().map(|shown| state(shown, app.now)).collect())
}

fn state(shown: proxmox::Shown, now: UnixMillis) -> InstanceState {
    // What is polled every few seconds is seen now, for people.
    let polled_at = shown.is_connected.then_some(now);
    let health = Health { is_connected: shown.is_connected, polled_at, error: shown.error, ..Health::default() };
    InstanceState {
        instance: shown.instance,
        health,
        census: Census::default(),
        nodes: vec![],
        guests: vec![],
        storages: vec![],
        pbs: None,
        tasks: vec![],
        backups: vec![],
        snapshots: vec![],
        groups: vec![],
    }
}

/// The instance in this place.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] for none.
pub async fn find(app: &App, caller: &Credential, kind: InstanceKind, position: u32) -> Result<Instance, Failure> {
    require(caller, Right::Admin)?;
    let all = proxmox::list(app, caller).await?;
    let is_it = |instance: &Instance| instance.kind == kind && instance.position == position;
    let found = all.into_iter().map(|shown| shown.instance).find(is_it);
    found.ok_or(Failure::NotFound { what: "node" })
}

/// The first node that is known, with its instance's name: `(instance, node)`.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn first_node(app: &App) -> Result<Option<(String, String)>, Failure> {
    let all = instances::list(&app.db).await?;
    let Some(first) = all.into_iter().find(|one| one.instance.kind == InstanceKind::Pve) else { return Ok(None) };
    let mut parts = hosts::list(&app.db, first.instance.id.0).await?.into_iter();
    let node = parts.find(|part| part.class == HostClass::Node && !part.is_retired);
    Ok(node.map(|node| (first.instance.name, node.name)))
}

/// Makes an instance and gives its place.
///
/// # Errors
/// As `proxmox::add`.
pub async fn add(app: &App, caller: &Credential, draft: InstanceDraft) -> Result<u32, Failure> {
    let kind = draft.kind;
    let id = proxmox::add(app, caller, draft).await?;
    let all = proxmox::list(app, caller).await?;
    let before = all.iter().filter(|shown| shown.instance.kind == kind && shown.instance.id < id).count();
    Ok(u32::try_from(before).unwrap_or(u32::MAX))
}

/// Changes the instance in a place, as long as it is the one that is there. `expected`: its name, where somebody wants to be sure.
///
/// # Errors
/// As [`find`] and `proxmox::change`.
pub async fn change(
    app: &App,
    caller: &Credential,
    (kind, position): (InstanceKind, u32),
    change: InstanceChange,
    expected: Option<&str>,
) -> Result<(), Failure> {
    let found = find(app, caller, kind, position).await?;
    proxmox::change(app, caller, found.id, change, Some(expected.unwrap_or(&found.name))).await
}

/// Deletes the instance in a place; the places of those behind it shift.
///
/// # Errors
/// As [`find`] and `proxmox::remove`.
pub async fn remove(
    app: &App,
    caller: &Credential,
    (kind, position): (InstanceKind, u32),
    expected: Option<&str>,
) -> Result<Instance, Failure> {
    let found = find(app, caller, kind, position).await?;
    proxmox::remove(app, caller, found.id, Some(expected.unwrap_or(&found.name))).await
}

/// Has an agent try an instance that may never be one; `None` when no agent is there.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator; [`Failure::Unavailable`] when the object does not answer.
pub async fn test(app: &App, caller: &Credential, draft: &InstanceDraft) -> Result<Outcome<Tested>, Failure> {
    require(caller, Right::Admin)?;
    let has_password_alone = draft.credentials.token_value.is_empty();
    if draft.kind == InstanceKind::Pve && has_password_alone && !draft.credentials.user.contains('@') {
        return Ok(Some(Err(TestFailure::Senseless("invalid user format, expected user@realm".to_owned()))));
    }
    let trial = Trial {
        id: None,
        kind: draft.kind,
        host: &draft.host,
        credentials: Some(&draft.credentials),
        fingerprint: &draft.fingerprint,
        verify_tls: draft.verify_tls,
    };
    Ok(asked::test(app.objects()?, trial).await?)
}

/// Has the agent that polls the instance in a place try it, with its address for who has to say that there is no agent.
///
/// # Errors
/// As [`find`] and [`test`].
pub async fn test_stored(
    app: &App,
    caller: &Credential,
    kind: InstanceKind,
    position: u32,
) -> Result<(String, Outcome<Tested>), Failure> {
    let found = find(app, caller, kind, position).await?;
    let credentials = if found.is_local { None } else { Some(proxmox::credentials(app, found.id).await?) };
    let trial = Trial {
        id: Some(found.id.0),
        kind,
        host: &found.host,
        credentials: credentials.as_ref(),
        fingerprint: &found.fingerprint,
        verify_tls: found.verify_tls,
    };
    let outcome = asked::test(app.objects()?, trial).await?;
    Ok((found.host, outcome))
}

/// What an agent finds in its networks, without what is configured already; nothing when no agent is there.
///
/// # Errors
/// As [`test`].
pub async fn discover(app: &App, caller: &Credential) -> Result<Search, Failure> {
    require(caller, Right::Admin)?;
    let (mut servers, errors) = match asked::discover(app.objects()?).await? {
        None => return Ok((vec![], vec![])),
        Some(Ok(found)) => found,
        Some(Err(TestFailure::Failed(text) | TestFailure::Senseless(text))) => return Ok((vec![], vec![text])),
    };
    let known = proxmox::list(app, caller).await?;
    servers.retain(|server| {
        let address = format!("{}:{}", server.ip, server.port);
        let is_it = |shown: &proxmox::Shown| shown.instance.host.split_once("://").is_some_and(|(_, at)| at == address);
        !known.iter().any(is_it)
    });
    told::tell(app, &[News::Found(servers.clone(), errors.clone())]).await;
    Ok((servers, errors))
}
