//! Hosts as Mackerel's API makes, changes, finds and retires them. A host that the caller does not reach is not there.

use edgewatch_core::failure::Failure;
use edgewatch_core::model::{
    CheckId, Credential, DetailedHost, HostDetails, HostDraft, HostFilter, HostId, HostMeta, HostStatus, Registration,
    RoleName, Said, Token,
};

use super::{invalid, is_retired};
use crate::app::identity::Party;
use crate::app::{App, actor, host_admin, hosts as all_hosts};
use crate::platform::log;
use crate::store::mackerel::checks;
use crate::store::mackerel::hosts::{self, Named};
use crate::store::mackerel::listing::{self, Found};
use crate::store::mackerel::services;
use crate::store::{Statement, host_edits, settings};

const UNKNOWN: Failure = Failure::NotFound { what: "host" };

/// Makes a host; gives its public id. Missing services and roles are made with it.
///
/// # Errors
/// [`Failure::Invalid`] for an identifier that another live host has; [`Failure::Forbidden`] for a token whose uses are up;
/// [`Failure::Unavailable`] when the database does not answer: then nothing is made, or the host is, whole.
pub async fn create(app: &App, party: &Party, draft: HostDraft) -> Result<String, Failure> {
    let roles = draft.roles.value().unwrap_or_default();
    let meta = draft.meta.unwrap_or_else(nothing_said);
    let facts_json = hosts::said_json(&meta)?;
    let details = HostDetails {
        display_name: some(draft.display_name.value()),
        custom_identifier: some(draft.custom_identifier.value()),
        memo: draft.memo.value().unwrap_or_default(),
        kind: meta.kind,
        meta_json: Some(meta.json),
        interfaces_json: Some(draft.interfaces_json.value().unwrap_or_else(|| "[]".to_owned())),
        status: HostStatus::default(),
    };
    let registration = Registration {
        name: draft.name,
        tag: group(&roles),
        note: String::new(),
        hidden_for_guest: true,
        machine_id: None,
        known_secret: None,
    };
    let announced = draft.checks.value().unwrap_or_default();
    let more = |secret_hash: &str| {
        let mut statements = services::make_missing(&roles);
        statements.extend(hosts::insert(secret_hash, &details, &facts_json));
        statements.push(hosts::add_roles_to_new(secret_hash, &roles));
        if !announced.is_empty() {
            statements.push(checks::put_of_new(secret_hash, &announced));
        }
        Ok(statements)
    };
    let made = all_hosts::make(app, &actor(&party.credential), token(party), registration, more).await;
    // Its secret is for nobody: the host posts with its caller's key.
    made.map(|made| made.public_id).map_err(taken_or_other)
}

fn token(party: &Party) -> Option<&Token> {
    match &party.credential {
        Credential::Token(token) => Some(token),
        Credential::Session(_) => None,
    }
}

fn nothing_said() -> HostMeta {
    HostMeta {
        json: "{}".to_owned(),
        kind: edgewatch_core::model::HostKind::default(),
        agent_version: String::new(),
        facts: edgewatch_core::model::Facts::default(),
    }
}

/// The group that hosts of these roles, sorted, are in for other dialects: the first service.
fn group(roles: &[RoleName]) -> String {
    roles.first().map(|first| first.service.clone()).unwrap_or_default()
}

/// The group that a host comes into by other roles; `None` where it stays in the one it is in, as when somebody put it there.
fn other_group(detailed: &DetailedHost, roles: &[RoleName]) -> Option<String> {
    let (old, new) = (group(&detailed.roles), group(roles));
    (detailed.host.tag == old && old != new).then_some(new)
}

/// An empty text is none.
fn some(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// The host with this public id, retired or not.
///
/// # Errors
/// [`Failure::NotFound`] when there is none that the caller reaches; [`Failure::Unavailable`] when the database does not answer.
pub async fn show(app: &App, party: &Party, id: &str) -> Result<DetailedHost, Failure> {
    Ok(find(app, party, id).await?.detailed)
}

async fn find(app: &App, party: &Party, id: &str) -> Result<Found, Failure> {
    listing::find(&app.db, party.reach.made_by(), id).await?.ok_or(UNKNOWN)
}

/// The live host with this identifier, the oldest where case does not count. `blank_plus`: the same identifier with a blank for
/// each `+`, as some clients write it; it counts where nothing has the other.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn find_by_identifier(
    app: &App,
    party: &Party,
    identifier: &str,
    any_case: bool,
) -> Result<Option<DetailedHost>, Failure> {
    let blank_plus = identifier.replace('+', " ");
    let wanted = [identifier, blank_plus.as_str()];
    let mut found = listing::list_by_identifier(&app.db, party.reach.made_by(), wanted, any_case).await?;
    let is_exact = |detailed: &DetailedHost| {
        let stored = detailed.details.custom_identifier.as_deref().unwrap_or_default();
        if any_case { stored.eq_ignore_ascii_case(identifier) } else { stored == identifier }
    };
    let first = found.iter().position(is_exact).unwrap_or(0);
    Ok((first < found.len()).then(|| found.swap_remove(first)))
}

/// The live hosts that fit, by when they were made.
///
/// # Errors
/// As [`find_by_identifier`].
pub async fn list(app: &App, party: &Party, filter: &HostFilter) -> Result<Vec<DetailedHost>, Failure> {
    Ok(listing::list(&app.db, party.reach.made_by(), filter).await?)
}

/// Changes what is said of a host; `meaning` makes the change, once the host is known to be there. What a machine says of itself
/// time and again (meta, interfaces) is no change by a person and leaves no audit row.
///
/// # Errors
/// As [`show`]; [`Failure::Invalid`] for a retired host, or an identifier that another live host has; what `meaning` returns.
pub async fn change(
    app: &App,
    party: &Party,
    id: &str,
    meaning: impl FnOnce(&DetailedHost) -> Result<HostDraft, Failure>,
) -> Result<(), Failure> {
    let Found { detailed, facts_json } = find(app, party, id).await?;
    let draft = meaning(&detailed)?;
    let (host, old) = (&detailed.host, &detailed.details);
    if detailed.retired_at.is_some() {
        return Err(is_retired());
    }
    let new = HostDetails {
        display_name: some(said_or(draft.display_name, old.display_name.as_ref())),
        custom_identifier: said_or(draft.custom_identifier, old.custom_identifier.as_ref()),
        memo: match draft.memo {
            Said::Nothing => old.memo.clone(),
            Said::Null => String::new(),
            Said::Value(memo) => memo,
        },
        kind: draft.meta.as_ref().map_or(old.kind, |meta| meta.kind),
        meta_json: draft.meta.as_ref().map(|meta| meta.json.clone()).or_else(|| old.meta_json.clone()),
        interfaces_json: draft.interfaces_json.value().or_else(|| old.interfaces_json.clone()),
        status: old.status,
    };
    // Of a host that tells the hub itself what it is, nobody else does.
    let new_facts_json = match (&facts_json, &draft.meta) {
        (Some(_), Some(meta)) => Some(hosts::said_json(meta)?),
        (known, _) => known.clone(),
    };
    let added: Vec<RoleName> =
        draft.roles.value().unwrap_or_default().into_iter().filter(|role| !detailed.roles.contains(role)).collect();
    let is_renamed = host.name != draft.name && !(host.name.is_empty() && draft.name == host.public_id);
    let mut roles = [&detailed.roles[..], &added[..]].concat();
    roles.sort();
    let group = other_group(&detailed, &roles);
    let concerns_hub = is_renamed || group.is_some() || new_facts_json != facts_json || !added.is_empty();
    let by_a_person = is_renamed
        || !added.is_empty()
        || (&new.display_name, &new.custom_identifier, &new.memo)
            != (&old.display_name, &old.custom_identifier, &old.memo);

    let mut statements = Vec::new();
    if new != *old {
        statements.push(hosts::put(host.id, &new));
    }
    statements
        .extend(new_facts_json.iter().filter(|_| new_facts_json != facts_json).map(|json| hosts::say(host.id, json)));
    if is_renamed {
        statements.push(hosts::rename(host.id, &draft.name));
    }
    if !added.is_empty() {
        statements.extend(services::make_missing(&added));
        statements.push(hosts::add_roles(host.id, &added));
    }
    if let Said::Value(announced) = &draft.checks {
        statements.extend(sync_checks(app, host.id, announced).await?);
    }
    statements.extend(group.map(|group| host_edits::set_tag(&[host.id], &group)));
    if by_a_person {
        statements.push(app.audit(&actor(&party.credential), "host.edit", &host.public_id)?);
    }
    if concerns_hub {
        statements.push(settings::bump(settings::HOSTS_VERSION));
    }
    if !statements.is_empty() {
        app.db.batch(statements).await.map_err(|error| taken_or_other(error.into()))?;
    }
    if concerns_hub {
        all_hosts::tell_hub(app, &[host.id]).await;
    }
    Ok(())
}

/// The statements that leave a host these checks, and those with alerts; none where it has them already.
async fn sync_checks(app: &App, host: HostId, announced: &[(String, String)]) -> Result<Vec<Statement>, Failure> {
    let known = checks::list_of_host(&app.db, host).await?;
    let is_known = |one: &(String, String)| known.iter().any(|check| (&check.name, &check.memo) == (&one.0, &one.1));
    if known.len() == announced.len() && announced.iter().all(is_known) {
        return Ok(Vec::new());
    }
    let names: Vec<String> = announced.iter().map(|(name, _)| name.clone()).collect();
    let is_fewer = known.iter().any(|check| !names.contains(&check.name));
    let kept = match &app.hub {
        // Before the rows go, so that what is reported meanwhile is a check anew.
        Some(hub) if is_fewer => hub.keep_checks(host, names).await?.into_iter().map(CheckId).collect(),
        _ => Vec::new(),
    };
    super::checks::are_others(host);
    Ok(checks::sync(host, announced, &kept))
}

fn said_or(said: Said<String>, known: Option<&String>) -> Option<String> {
    match said {
        Said::Nothing => known.cloned(),
        Said::Null => None,
        Said::Value(text) => Some(text),
    }
}

/// A unique index refuses what two live hosts may not share.
fn taken_or_other(failure: Failure) -> Failure {
    match &failure {
        Failure::Unavailable { detail } if detail.contains("custom_identifier") => {
            invalid("customIdentifier", "is another host's")
        }
        _ => failure,
    }
}

/// Gives hosts a status: all of them, or none when one is not there.
///
/// # Errors
/// [`Failure::NotFound`] for a host that the caller does not reach; [`Failure::Invalid`] for a retired one.
pub async fn set_status(app: &App, party: &Party, ids: &[String], status: HostStatus) -> Result<(), Failure> {
    let found = find_all(app, party, ids).await?;
    if found.iter().any(|named| named.retired_at.is_some()) {
        return Err(is_retired());
    }
    let numbers: Vec<HostId> = found.iter().map(|named| named.id).collect();
    let subject = format!("{} {}", status.word(), ids.join(","));
    let audit = app.audit(&actor(&party.credential), "host.status", &subject)?;
    app.db.batch(vec![hosts::set_status(&numbers, status), audit]).await?;
    tell_of_watching(app, &numbers).await;
    Ok(())
}

/// Gives a host these roles and no others; missing services and roles are made with it.
///
/// # Errors
/// As [`set_status`]; what `meaning` returns, once the host is known to be there.
pub async fn set_roles(
    app: &App,
    party: &Party,
    id: &str,
    meaning: impl FnOnce() -> Result<Vec<RoleName>, Failure>,
) -> Result<(), Failure> {
    let detailed = find(app, party, id).await?.detailed;
    let roles = meaning()?;
    if detailed.retired_at.is_some() {
        return Err(is_retired());
    }
    if roles == detailed.roles {
        return Ok(());
    }
    let number = detailed.host.id;
    let full: Vec<String> = roles.iter().map(RoleName::full).collect();
    let subject = format!("{id} {}", full.join(","));
    let mut statements = services::make_missing(&roles);
    statements.push(hosts::keep_roles(number, &roles));
    statements.push(hosts::add_roles(number, &roles));
    statements.push(app.audit(&actor(&party.credential), "host.roles", &subject)?);
    let group = other_group(&detailed, &roles);
    if let Some(group) = &group {
        statements.push(host_edits::set_tag(&[number], group));
        statements.push(settings::bump(settings::HOSTS_VERSION));
    }
    app.db.batch(statements).await?;
    tell_of_watching(app, &[number]).await;
    Ok(())
}

/// The hub judges hosts by their status and roles. Where it cannot be told now it reads all of them with the schedule's next run.
async fn tell_of_watching(app: &App, ids: &[HostId]) {
    let Some(hub) = &app.hub else { return };
    if let Err(error) = hub.changed(ids).await {
        log::error("hosts.changed", &error.to_string());
        if let Err(error) = app.db.run(settings::bump(settings::HOSTS_VERSION)).await {
            log::error("hosts.changed", &error.to_string());
        }
    }
}

/// Retires hosts: all of them, or none when one is not there. One that is retired already stays as it is.
///
/// # Errors
/// [`Failure::NotFound`] for a host that the caller does not reach.
pub async fn retire(app: &App, party: &Party, ids: &[String]) -> Result<(), Failure> {
    let found = find_all(app, party, ids).await?;
    let live: Vec<HostId> = found.iter().filter(|named| named.retired_at.is_none()).map(|named| named.id).collect();
    host_admin::retire_permitted(app, &party.credential, &live).await
}

/// The hosts with these public ids; every one of them is there.
///
/// # Errors
/// [`Failure::NotFound`] when one is not.
async fn find_all(app: &App, party: &Party, ids: &[String]) -> Result<Vec<Named>, Failure> {
    let found = hosts::list_ids(&app.db, party.reach.made_by(), ids).await?;
    let is_there = |id: &String| found.iter().any(|named| named.public_id == *id);
    if ids.iter().all(is_there) { Ok(found) } else { Err(UNKNOWN) }
}

/// Fails unless the host with this public id is there, retired or not; gives its number and when it was retired.
///
/// # Errors
/// As [`show`].
pub(super) async fn require(app: &App, party: &Party, id: &str) -> Result<Named, Failure> {
    find_all(app, party, &[id.to_owned()]).await?.into_iter().next().ok_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::identity::Needs;
    use crate::store::Db;
    use crate::store::db::now;
    use crate::store::hosts as all;
    use edgewatch_core::model::{Facts, HostKind, Scopes, TokenKind};

    fn party(kind: TokenKind, id: i64) -> Party {
        let token = Token {
            id,
            kind,
            scopes: Scopes { read: true, write: true, ..Scopes::default() },
            note: String::new(),
            user_id: 1,
            expires_at: None,
            uses_left: None,
            address_ranges: vec![],
            last_use: None,
        };
        Party::to(Needs::ReadWrite, Credential::Token(token)).unwrap()
    }

    fn draft(name: &str, platform: &str, roles: &[(&str, &str)]) -> HostDraft {
        let facts = Facts { platform: platform.to_owned(), ..Facts::default() };
        let meta = HostMeta { json: "{}".to_owned(), kind: HostKind::Agent, agent_version: "0.87.1".to_owned(), facts };
        let role =
            |(service, role): &(&str, &str)| RoleName { service: (*service).to_owned(), role: (*role).to_owned() };
        HostDraft {
            name: name.to_owned(),
            meta: Some(meta),
            display_name: Said::Nothing,
            custom_identifier: Said::Nothing,
            memo: Said::Nothing,
            interfaces_json: Said::Nothing,
            roles: Said::Value(roles.iter().map(role).collect()),
            checks: Said::Nothing,
        }
    }

    #[test]
    fn what_a_host_says_it_is_reaches_every_reader_and_the_hub() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let api = party(TokenKind::Api, 1);
        let id = now(create(&app, &api, draft("a", "debian", &[]))).unwrap();
        let listed = now(all::list_all(&app.db)).unwrap().remove(0);
        assert_eq!(listed.facts.unwrap().platform, "debian");
        now(change(&app, &api, &id, |_| Ok(draft("a", "ubuntu", &[])))).unwrap();
        let enrolled = now(all::list_enrolled(&app.db, None)).unwrap().remove(0);
        let said = enrolled.said.unwrap();
        assert_eq!((said.facts.platform.as_str(), said.agent_version.as_str()), ("ubuntu", "0.87.1"));
        assert_eq!(enrolled.host.facts.unwrap().platform, "ubuntu");
    }

    #[test]
    fn a_hosts_group_follows_its_first_service_unless_somebody_moved_it() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let api = party(TokenKind::Api, 1);
        let id = now(create(&app, &api, draft("a", "", &[("Web", "front")]))).unwrap();
        let tag = || now(show(&app, &api, &id)).unwrap().host.tag;
        assert_eq!(tag(), "Web");
        now(change(&app, &api, &id, |_| Ok(draft("a", "", &[("App", "back")])))).unwrap();
        assert_eq!(tag(), "App");
        let role = |service: &str| RoleName { service: service.to_owned(), role: "r1".to_owned() };
        now(set_roles(&app, &api, &id, || Ok(vec![role("Zoo")]))).unwrap();
        assert_eq!(tag(), "Zoo");
        now(app.db.run(host_edits::set_tag(&[HostId(1)], "mine"))).unwrap();
        now(set_roles(&app, &api, &id, || Ok(vec![role("Db")]))).unwrap();
        assert_eq!(tag(), "mine");
    }

    #[test]
    fn an_agents_token_finds_its_own_hosts_alone() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let (first, second) = (party(TokenKind::Agent, 1), party(TokenKind::Agent, 2));
        let id = now(create(&app, &first, draft("a", "", &[]))).unwrap();
        assert_eq!(now(show(&app, &first, &id)).unwrap().host.public_id, id);
        assert_eq!(now(show(&app, &second, &id)), Err(UNKNOWN));
        assert_eq!(now(retire(&app, &second, std::slice::from_ref(&id))), Err(UNKNOWN));
        assert_eq!(now(set_status(&app, &second, std::slice::from_ref(&id), HostStatus::Standby)), Err(UNKNOWN));
        let filter = HostFilter { statuses: HostStatus::ALL.to_vec(), ..HostFilter::default() };
        assert_eq!(now(list(&app, &first, &filter)).unwrap().len(), 1);
        assert_eq!(now(list(&app, &second, &filter)).unwrap(), []);
    }
}
