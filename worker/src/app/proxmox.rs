//! What agents poll of Proxmox: instances that people configure, jobs for agents, and the way in for agents that poll.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::proxmox::{Credentials, Instance, InstanceChange, InstanceDraft, InstanceId, InstanceKind};
use edgewatch_core::model::{Credential, HostId};

use super::identity::AgentIdentity;
use super::ingest::Origin;
use super::pulse::told::{self, News};
use super::{App, actor, hosts};
use crate::platform::log;
use crate::proxmox::wire::CollectorWire;
use crate::store::proxmox::instances::{self, Sealed};
use crate::store::{Statement, StoreError, settings};

/// The longest name and address of an instance, in characters.
const MAX_CHARS: usize = 255;

/// So often a node is registered whose name somebody else gets meanwhile.
const MOST_TRIES: usize = 5;

const UNKNOWN: Failure = Failure::NotFound { what: "instance" };

/// An instance, and whether it can be polled.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The instance.
    pub instance: Instance,
    /// Whether the last poll went well.
    pub is_connected: bool,
    /// Why it did not; empty where that is not known.
    pub error: String,
}

/// Every instance: Proxmox VE first, each kind in the order they were made.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to read; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(app: &App, caller: &Credential) -> Result<Vec<Shown>, Failure> {
    require(caller, Right::Read)?;
    let all = instances::list(&app.db).await?;
    let mut health = health(app).await;
    let shown = |sealed: Sealed| {
        let (is_connected, error) = health.remove(&sealed.instance.id.0).unwrap_or_default();
        Shown { instance: sealed.instance, is_connected, error }
    };
    Ok(all.into_iter().map(shown).collect())
}

async fn health(app: &App) -> BTreeMap<i64, (bool, String)> {
    let Ok(objects) = app.objects() else { return BTreeMap::new() };
    crate::proxmox::client::health(objects).await.unwrap_or_else(|error| {
        log::error("proxmox.health", &error.to_string());
        BTreeMap::new()
    })
}

/// Makes an instance; agents are told to poll it.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator; [`Failure::Invalid`] for what is not whole; [`Failure::Conflict`] when another one
/// of its kind has its name, or there is no key for secrets; [`Failure::Unavailable`] when the database does not answer.
pub async fn add(app: &App, caller: &Credential, draft: InstanceDraft) -> Result<InstanceId, Failure> {
    require(caller, Right::Admin)?;
    add_as(app, &actor(caller), draft).await
}

/// As [`add`], for who showed another credential than an administrator's.
///
/// # Errors
/// As [`add`].
async fn add_as(app: &App, actor: &str, draft: InstanceDraft) -> Result<InstanceId, Failure> {
    let (new, audit) = made(app, actor, draft)?;
    let id = instances::insert(&app.db, &new, vec![audit])
        .await
        .map_err(|error| if error.is_not_unique() { name_taken() } else { error.into() })?;
    tell_of(app, &[News::NodesChanged]).await;
    Ok(id)
}

/// What is kept of a new instance, and the audit row that says so.
fn made(app: &App, actor: &str, draft: InstanceDraft) -> Result<(Sealed, Statement), Failure> {
    check(&draft.name, "name")?;
    check(&draft.host, "host")?;
    if !draft.credentials.are_complete() {
        let reason = "a user with a password, or a token's name with its value".to_owned();
        return Err(Failure::Invalid { field: "credentials".to_owned(), reason });
    }
    let instance = Instance {
        id: InstanceId(0),
        kind: draft.kind,
        position: 0,
        name: draft.name,
        host: draft.host,
        access: draft.credentials.access(),
        fingerprint: draft.fingerprint,
        verify_tls: draft.verify_tls,
        monitors: draft.monitors,
        cluster: draft.cluster,
        collector: None,
        is_local: false,
        created_at: app.now_s(),
    };
    let audit = app.audit(actor, "proxmox.add", &instance.name)?;
    Ok((sealed(app, instance, &draft.credentials)?, audit))
}

/// Why an instance was not registered.
#[derive(Debug)]
pub(super) enum Unregistered {
    /// The database refused: all of it, or what went with it.
    Store(StoreError),
    /// Anything else.
    Failure(Failure),
}

impl From<Failure> for Unregistered {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<StoreError> for Unregistered {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Makes an instance, or gives the one of this kind that has its address another token, together with running `with`: both or neither.
/// One whose name is taken gets its address behind it. With the draft comes the address that it said, for who is told.
pub(super) async fn register(
    app: &App,
    actor: &str,
    (said_host, draft): (&str, InstanceDraft),
    with: Vec<Statement>,
) -> Result<(), Unregistered> {
    for _ in 0..MOST_TRIES {
        match try_to_register(app, actor, (said_host, draft.clone()), with.clone()).await {
            // Another node got the name meanwhile, or this one did by another request: now that is known.
            Err(Unregistered::Store(error)) if error.is_not_unique() => {}
            done => return done,
        }
    }
    Err(name_taken().into())
}

async fn try_to_register(
    app: &App,
    actor: &str,
    (said_host, mut draft): (&str, InstanceDraft),
    with: Vec<Statement>,
) -> Result<(), Unregistered> {
    let said = draft.clone();
    let all = instances::list(&app.db).await?;
    let is_of_kind = |one: &&Sealed| one.instance.kind == draft.kind && !one.instance.is_local;
    if let Some(known) = all.iter().filter(is_of_kind).find(|one| one.instance.host == draft.host) {
        let mut instance = known.instance.clone();
        let name = instance.name.clone();
        instance.access = draft.credentials.access();
        let audit = app.audit(actor, "proxmox.change", &name)?;
        let new = sealed(app, instance, &draft.credentials)?;
        let mut statements = vec![instances::update(&new, &name)?, audit];
        statements.extend(with);
        app.db.batch(statements).await?;
    } else {
        if all.iter().any(|one| one.instance.kind == draft.kind && one.instance.name == draft.name) {
            let address = draft.host.split_once("://").map_or(draft.host.as_str(), |(_, address)| address);
            draft.name = format!("{} ({address})", draft.name);
        }
        let (new, audit) = made(app, actor, draft)?;
        instances::insert(&app.db, &new, [vec![audit], with].concat()).await?;
    }
    tell_of(app, &[News::Registered(said_host, &said), News::NodesChanged]).await;
    Ok(())
}

/// The statements that put these instances in the place of all that are not an agent's own; and which of them give numbers of hosts that
/// retire. One that is called as one of before stays the one it is; of several of the same name the later ones get a number.
///
/// # Errors
/// As [`add`].
pub(super) async fn replacing(
    app: &App,
    actor: &str,
    drafts: Vec<InstanceDraft>,
) -> Result<(Vec<Statement>, Vec<usize>), Failure> {
    let all = instances::list(&app.db).await?;
    let (local, mut before): (Vec<Sealed>, Vec<Sealed>) = all.into_iter().partition(|one| one.instance.is_local);
    let mut taken: BTreeSet<(InstanceKind, String)> =
        local.into_iter().map(|one| (one.instance.kind, one.instance.name)).collect();
    let mut changes = Vec::new();
    for mut draft in drafts {
        let name = draft.name.clone();
        let mut number = 1;
        while !taken.insert((draft.kind, draft.name.clone())) {
            number += 1;
            draft.name = format!("{name} ({number})");
        }
        let (mut new, _) = made(app, actor, draft)?;
        let is_it = |one: &Sealed| one.instance.kind == new.instance.kind && one.instance.name == new.instance.name;
        if let Some(place) = before.iter().position(is_it) {
            let known = before.swap_remove(place).instance;
            (new.instance.id, new.instance.collector) = (known.id, known.collector);
            changes.push(instances::update(&new, &known.name)?);
        } else {
            changes.push(instances::inserting(&new)?);
        }
    }
    let (mut statements, mut retiring) = (Vec::new(), Vec::new());
    for gone in before {
        retiring.push(statements.len());
        statements.extend(instances::delete(gone.instance.id, &gone.instance.name, app.now_s()));
    }
    statements.extend(changes);
    Ok((statements, retiring))
}

/// Whether there is an instance of this kind at this address.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub(super) async fn has_host(app: &App, kind: InstanceKind, host: &str) -> Result<bool, Failure> {
    let all = instances::list(&app.db).await?;
    Ok(all.iter().any(|one| one.instance.kind == kind && one.instance.host == host))
}

/// What is kept of an instance: a token goes before a password.
fn sealed(app: &App, mut instance: Instance, credentials: &Credentials) -> Result<Sealed, Failure> {
    let has_token = !credentials.token_name.is_empty() && !credentials.token_value.is_empty();
    let secret = if has_token { &credentials.token_value } else { &credentials.password };
    if !has_token {
        instance.access.token_name.clear();
    }
    let secret_sealed = if secret.is_empty() { String::new() } else { app.config.seal_key()?.seal(secret)? };
    Ok(Sealed { instance, secret_sealed, local_key: None })
}

fn check(text: &str, field: &str) -> Result<(), Failure> {
    let is_one = !text.trim().is_empty() && text.chars().count() <= MAX_CHARS && !text.chars().any(char::is_control);
    let reason = || format!("has to be of 1 to {MAX_CHARS} characters, none of them control characters");
    is_one.then_some(()).ok_or_else(|| Failure::Invalid { field: field.to_owned(), reason: reason() })
}

fn name_taken() -> Failure {
    Failure::Conflict { detail: "a node with this name already exists".to_owned() }
}

/// Changes an instance. `expected`: the name that it is thought to have, where somebody wants to be sure.
///
/// # Errors
/// As [`add`]; [`Failure::NotFound`] when there is no such instance; [`Failure::Conflict`] when it is called otherwise.
pub async fn change(
    app: &App,
    caller: &Credential,
    id: InstanceId,
    change: InstanceChange,
    expected: Option<&str>,
) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let known = instances::find(&app.db, id).await?.ok_or(UNKNOWN)?;
    expect_name(&known, expected)?;
    let name_before = known.instance.name.clone();
    let mut credentials = open(app, &known)?;
    credentials = credentials.with(known.instance.kind, &change.credentials);
    let mut instance = known.instance;
    instance.name = change.name.unwrap_or(instance.name);
    instance.host = change.host.unwrap_or(instance.host);
    instance.fingerprint = change.fingerprint.unwrap_or(instance.fingerprint);
    instance.verify_tls = change.verify_tls.unwrap_or(instance.verify_tls);
    instance.monitors = instance.monitors.with(change.monitors);
    check(&instance.name, "name")?;
    check(&instance.host, "host")?;
    instance.access = credentials.access();
    let audit = app.audit(&actor(caller), "proxmox.change", &instance.name)?;
    let new = Sealed { local_key: known.local_key, ..sealed(app, instance, &credentials)? };
    let done = app.db.batch(vec![instances::update(&new, &name_before)?, audit]).await;
    let done = done.map_err(|error| if error.is_not_unique() { name_taken() } else { error.into() })?;
    if done.first().is_none_or(|updated| updated.changes == 0) {
        return Err(changed_meanwhile());
    }
    tell_of(app, &[News::NodesChanged]).await;
    Ok(())
}

fn expect_name(known: &Sealed, expected: Option<&str>) -> Result<(), Failure> {
    match expected {
        Some(name) if name != known.instance.name => {
            Err(Failure::Conflict { detail: format!("this is {:?} now, and not {name:?}", known.instance.name) })
        }
        _ => Ok(()),
    }
}

fn changed_meanwhile() -> Failure {
    Failure::Conflict { detail: "somebody else changed it meanwhile".to_owned() }
}

/// What is secret of an instance.
fn open(app: &App, known: &Sealed) -> Result<Credentials, Failure> {
    let access = &known.instance.access;
    let secret = if known.secret_sealed.is_empty() {
        String::new()
    } else {
        app.config.seal_key()?.open(&known.secret_sealed)?
    };
    let mut credentials =
        Credentials { user: access.user.clone(), token_name: access.token_name.clone(), ..Credentials::default() };
    if access.has_token {
        credentials.token_value = secret;
    } else {
        credentials.password = secret;
    }
    Ok(credentials)
}

/// What is secret of an instance, for who hands it to an agent.
///
/// # Errors
/// As [`add`]; [`Failure::NotFound`] when there is no such instance.
pub(super) async fn credentials(app: &App, id: InstanceId) -> Result<Credentials, Failure> {
    let known = instances::find(&app.db, id).await?.ok_or(UNKNOWN)?;
    open(app, &known)
}

/// An instance with what is secret of it, for who moves the whole configuration elsewhere.
///
/// # Errors
/// As [`add`].
pub(super) async fn list_open(app: &App) -> Result<Vec<(Instance, Credentials)>, Failure> {
    let all = instances::list(&app.db).await?;
    let opened = |sealed: Sealed| Ok((sealed.instance.clone(), open(app, &sealed)?));
    all.into_iter().filter(|sealed| !sealed.instance.is_local).map(opened).collect()
}

/// Deletes an instance: its hosts retire, and agents poll it no more.
///
/// # Errors
/// As [`change`].
pub async fn remove(
    app: &App,
    caller: &Credential,
    id: InstanceId,
    expected: Option<&str>,
) -> Result<Instance, Failure> {
    require(caller, Right::Admin)?;
    let known = instances::find(&app.db, id).await?.ok_or(UNKNOWN)?;
    expect_name(&known, expected)?;
    let name = &known.instance.name;
    let mut statements: Vec<Statement> = instances::delete(id, name, app.now_s());
    statements.push(app.audit(&actor(caller), "proxmox.delete", name)?);
    statements.push(settings::bump(settings::HOSTS_VERSION));
    let done = app.db.batch(statements).await?;
    let mut done = done.into_iter();
    let retired: Vec<HostId> = done.next().as_ref().map(instances::ids).transpose()?.unwrap_or_default();
    if done.next().is_none_or(|deleted| deleted.changes == 0) {
        return Err(changed_meanwhile());
    }
    hosts::tell_hub(app, &retired).await;
    tell_of(app, &[News::Deleted(known.instance.kind), News::NodesChanged]).await;
    Ok(known.instance)
}

/// Tells agents of what changed. Where that fails they hear of it with their next connection.
pub(super) async fn tell(app: &App) {
    let Ok(objects) = app.objects() else { return };
    if let Err(error) = crate::proxmox::client::changed(objects).await {
        log::error("proxmox.changed", &error.to_string());
    }
}

/// As [`tell`], and programs that listen are told of it.
pub(super) async fn tell_of(app: &App, news: &[News<'_>]) {
    tell(app).await;
    told::tell(app, news).await;
}

/// Who opens the socket of an agent that polls.
pub fn collector(agent: &AgentIdentity) -> CollectorWire {
    let wire = agent.wire(Origin::default(), String::new(), None);
    CollectorWire { host: wire.host_id, secret_hash: wire.secret_hash }
}

#[cfg(test)]
mod tests {
    use edgewatch_core::model::proxmox::Monitors;
    use edgewatch_core::model::{Scopes, Token, TokenKind};

    use super::*;
    use crate::platform::seal::SealKey;
    use crate::store::Db;
    use crate::store::db::now;

    fn app() -> App {
        let app = App::for_tests(Db::in_memory().unwrap());
        let mut config = crate::platform::config::Config::clone(&app.config);
        config.seal_key = SealKey::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        App { config: std::sync::Arc::new(config), ..app }
    }

    fn caller(scopes: Scopes) -> Credential {
        Credential::Token(Token {
            id: 1,
            kind: TokenKind::Api,
            scopes,
            note: String::new(),
            user_id: 1,
            expires_at: None,
            uses_left: None,
            address_ranges: vec![],
            last_use: None,
        })
    }

    fn admin() -> Credential {
        caller(Scopes { admin: true, read: true, ..Scopes::default() })
    }

    fn draft(kind: InstanceKind, name: &str) -> InstanceDraft {
        let credentials = Credentials {
            token_name: "a@pam!t".to_owned(),
            token_value: "hidden".to_owned(),
            ..Credentials::default()
        };
        InstanceDraft {
            kind,
            name: name.to_owned(),
            host: "https://192.0.2.10:8006".to_owned(),
            credentials,
            fingerprint: String::new(),
            verify_tls: false,
            monitors: Monitors::default(),
            cluster: None,
        }
    }

    #[test]
    fn what_is_secret_is_kept_sealed_shown_to_nobody_and_stays_when_it_is_not_said() {
        let app = app();
        let id = now(add(&app, &admin(), draft(InstanceKind::Pve, "lab"))).unwrap();
        let stored = now(instances::find(&app.db, id)).unwrap().unwrap();
        assert!(!stored.secret_sealed.contains("hidden") && stored.instance.access.has_token);
        let rename = InstanceChange { name: Some("home".to_owned()), ..InstanceChange::default() };
        now(change(&app, &admin(), id, rename, None)).unwrap();
        let all = now(list_open(&app)).unwrap();
        assert_eq!((all[0].0.name.as_str(), all[0].1.token_value.as_str()), ("home", "hidden"));
        assert!(!format!("{:?}", now(list(&app, &admin())).unwrap()).contains("hidden"));
    }

    #[test]
    fn a_password_takes_a_backup_server_s_token_away() {
        let app = app();
        let id = now(add(&app, &admin(), draft(InstanceKind::Pbs, "b"))).unwrap();
        let credentials =
            Credentials { user: "a@pbs".to_owned(), password: "other".to_owned(), ..Credentials::default() };
        now(change(&app, &admin(), id, InstanceChange { credentials, ..InstanceChange::default() }, None)).unwrap();
        let (instance, credentials) = now(list_open(&app)).unwrap().remove(0);
        assert!(instance.access.has_password && !instance.access.has_token && instance.access.token_name.is_empty());
        assert_eq!((credentials.password.as_str(), credentials.token_value.as_str()), ("other", ""));
    }

    #[test]
    fn names_are_taken_once_a_kind_and_one_that_changed_meanwhile_is_not_touched() {
        let app = app();
        let id = now(add(&app, &admin(), draft(InstanceKind::Pve, "lab"))).unwrap();
        assert!(matches!(now(add(&app, &admin(), draft(InstanceKind::Pve, "lab"))), Err(Failure::Conflict { .. })));
        now(add(&app, &admin(), draft(InstanceKind::Pbs, "lab"))).unwrap();
        let rename = || InstanceChange { name: Some("x".to_owned()), ..InstanceChange::default() };
        assert!(matches!(now(change(&app, &admin(), id, rename(), Some("old"))), Err(Failure::Conflict { .. })));
        assert!(matches!(now(remove(&app, &admin(), id, Some("old"))), Err(Failure::Conflict { .. })));
        assert_eq!(now(remove(&app, &admin(), id, Some("lab"))).unwrap().name, "lab");
        assert_eq!(now(remove(&app, &admin(), id, None)), Err(UNKNOWN));
        assert_eq!(now(list(&app, &admin())).unwrap().len(), 1);
    }

    #[test]
    fn administrators_alone_change_and_what_is_not_whole_is_refused() {
        let app = app();
        let reader = caller(Scopes { read: true, ..Scopes::default() });
        assert!(matches!(now(add(&app, &reader, draft(InstanceKind::Pve, "x"))), Err(Failure::Forbidden { .. })));
        assert!(matches!(now(remove(&app, &reader, InstanceId(1), None)), Err(Failure::Forbidden { .. })));
        for bad in [
            InstanceDraft { name: " ".to_owned(), ..draft(InstanceKind::Pve, "x") },
            InstanceDraft { host: "a\nb".to_owned(), ..draft(InstanceKind::Pve, "x") },
            InstanceDraft { credentials: Credentials::default(), ..draft(InstanceKind::Pve, "x") },
        ] {
            assert!(matches!(now(add(&app, &admin(), bad)), Err(Failure::Invalid { .. })));
        }
    }
}
