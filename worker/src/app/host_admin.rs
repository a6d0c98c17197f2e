//! What administrators do to hosts: make, change, group, find, retire; and what becomes of retired ones.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::ids::{HOST_SECRET_CHARS, could_be_secret};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, HostEdit, HostId, Registration};

use super::{App, actor, hosts as all_hosts};
use crate::platform::digest;
use crate::store::{Statement, host_edits, settings};

/// A retired host's data is kept so long, seconds.
const KEPT_S: i64 = 30 * 86_400;
/// So many retired hosts are deleted for good at a time: some fifty rows each.
const PURGED_AT_ONCE: u32 = 5;
/// So many hosts are changed by one call.
const MOST_AT_ONCE: usize = 10_000;

/// Makes a host; its agent's secret is to be had by editing it, or by registering.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator; [`Failure::Unavailable`] when the database does not answer.
pub async fn create(app: &App, caller: &Credential, edit: HostEdit) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let registration = Registration {
        name: edit.name.clone(),
        tag: edit.tag.clone(),
        note: edit.note.clone(),
        hidden_for_guest: edit.hidden_for_guest,
        machine_id: None,
        known_secret: None,
    };
    let complete = |secret_hash: &str| Ok(vec![host_edits::complete_new(secret_hash, &edit)]);
    all_hosts::make(app, &actor(caller), None, registration, complete).await.map(drop)
}

/// Makes a host what is said of it.
///
/// # Errors
/// As [`create`]; [`Failure::NotFound`] for a host that is not there; [`Failure::Invalid`] for a secret that is none, or
/// [`Failure::Conflict`] for one that another host has.
pub async fn edit(app: &App, caller: &Credential, id: HostId, edit: &HostEdit) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let secret_hash = edit.secret.as_deref().map(checked).transpose()?;
    let statements = vec![
        host_edits::update(id, edit, secret_hash.as_deref()),
        app.audit(&actor(caller), "host.edit", &id.0.to_string())?,
        settings::bump(settings::HOSTS_VERSION),
    ];
    let done = match app.db.batch(statements).await {
        Err(error) if error.is_not_unique() => {
            return Err(Failure::Conflict { detail: "another host has this secret".to_owned() });
        }
        done => done?,
    };
    if done.first().is_none_or(|update| update.changes == 0) {
        return Err(Failure::NotFound { what: "host" });
    }
    all_hosts::tell_hub(app, &[id]).await;
    Ok(())
}

/// Puts hosts into a group; unknown ones are left out.
///
/// # Errors
/// As [`create`].
pub async fn set_group(app: &App, caller: &Credential, ids: &[HostId], group: &str) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    change(app, caller, ids, "host.group", |ids| vec![host_edits::set_tag(ids, group)]).await
}

/// Retires hosts: their secrets stop working at once, their data is kept for thirty days. Unknown ones are left out.
///
/// # Errors
/// As [`create`].
pub async fn retire(app: &App, caller: &Credential, ids: &[HostId]) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    retire_permitted(app, caller, ids).await
}

/// As [`retire`], for a caller who may do this to these hosts.
pub(super) async fn retire_permitted(app: &App, caller: &Credential, ids: &[HostId]) -> Result<(), Failure> {
    change(app, caller, ids, "host.retire", |ids| host_edits::retire(ids, app.now_s())).await
}

async fn change(
    app: &App,
    caller: &Credential,
    ids: &[HostId],
    action: &str,
    changes: impl Fn(&[HostId]) -> Vec<Statement>,
) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    if ids.len() > MOST_AT_ONCE {
        return Err(Failure::Invalid { field: "ids".to_owned(), reason: "more than 10,000".to_owned() });
    }
    let named: Vec<String> = ids.iter().take(100).map(|id| id.0.to_string()).collect();
    let mut statements = changes(ids);
    statements.push(app.audit(&actor(caller), action, &named.join(","))?);
    statements.push(settings::bump(settings::HOSTS_VERSION));
    app.db.batch(statements).await?;
    all_hosts::tell_hub(app, ids).await;
    Ok(())
}

/// Ids and names of the hosts that a word finds, by id.
///
/// # Errors
/// As [`create`].
pub async fn search(app: &App, caller: &Credential, word: &str) -> Result<Vec<(i64, String)>, Failure> {
    require(caller, Right::Admin)?;
    Ok(host_edits::search(&app.db, word).await?)
}

/// Deletes hosts for good that were retired thirty days ago, some at a time; gives how many.
///
/// # Errors
/// [`Failure::Unavailable`] when the database or the hub does not answer: it goes on next time.
pub async fn purge(app: &App) -> Result<usize, Failure> {
    let retired = host_edits::list_retired(&app.db, app.now_s().plus(-KEPT_S), PURGED_AT_ONCE).await?;
    if let Some(hub) = app.hub.as_ref().filter(|_| !retired.is_empty()) {
        // First what lies there: as long as the row in D1 is there it is tried again.
        hub.purge(&retired).await?;
    }
    for id in &retired {
        app.db.batch(host_edits::delete(*id)).await?;
    }
    Ok(retired.len())
}

fn checked(secret: &str) -> Result<String, Failure> {
    if could_be_secret(secret) && secret.len() >= HOST_SECRET_CHARS {
        return Ok(digest::secret_hash(secret));
    }
    let reason = format!("is not {HOST_SECRET_CHARS} or more characters of 0-9, A-Z, a-z");
    Err(Failure::Invalid { field: "Secret".to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;
    use crate::store::db::now;
    use crate::store::hosts;
    use edgewatch_core::model::{Scopes, Token, TokenKind};
    use edgewatch_core::units::UnixMillis;

    fn caller(admin: bool) -> Credential {
        Credential::Token(Token {
            id: 1,
            kind: TokenKind::Api,
            scopes: Scopes { read: true, admin, ..Scopes::default() },
            note: String::new(),
            user_id: 1,
            expires_at: None,
            uses_left: None,
            address_ranges: vec![],
            last_use: None,
        })
    }

    fn named(name: &str) -> HostEdit {
        HostEdit { name: name.to_owned(), public_note: "p".to_owned(), display_index: 3, ..HostEdit::default() }
    }

    #[test]
    fn an_administrator_makes_edits_groups_and_retires_hosts() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let admin = caller(true);
        for name in ["alpha", "beta"] {
            now(create(&app, &admin, named(name))).unwrap();
        }
        let listed = |app: &App| now(hosts::list_all(&app.db)).unwrap();
        assert_eq!((listed(&app)[0].public_note.as_str(), listed(&app)[0].display_index), ("p", 3));
        let secret = HostEdit { secret: Some("a".repeat(18)), ..named("gamma") };
        now(edit(&app, &admin, HostId(1), &secret)).unwrap();
        assert!(matches!(now(edit(&app, &admin, HostId(2), &secret)), Err(Failure::Conflict { .. })));
        let short = HostEdit { secret: Some("a".repeat(17)), ..named("gamma") };
        assert!(matches!(now(edit(&app, &admin, HostId(2), &short)), Err(Failure::Invalid { .. })));
        assert_eq!(now(edit(&app, &admin, HostId(9), &named("x"))), Err(Failure::NotFound { what: "host" }));
        now(set_group(&app, &admin, &[HostId(1), HostId(2), HostId(9)], "eu")).unwrap();
        assert_eq!(now(hosts::list_by_tag(&app.db, "eu")).unwrap().len(), 2);
        assert_eq!(now(search(&app, &admin, "gam")).unwrap(), [(1, "gamma".to_owned())]);
        now(retire(&app, &admin, &[HostId(1)])).unwrap();
        assert_eq!(listed(&app).len(), 1);
        assert_eq!(now(purge(&app)), Ok(0), "not for thirty days");
        let later = App { now: UnixMillis(app.now.0 + (KEPT_S + 1) * 1000), ..app };
        assert_eq!((now(purge(&later)), now(purge(&later))), (Ok(1), Ok(0)));
    }

    #[test]
    fn nobody_else_does() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let reader = caller(false);
        let is_refused = |result: Result<(), Failure>| matches!(result, Err(Failure::Forbidden { .. }));
        assert!(is_refused(now(create(&app, &reader, named("x")))));
        assert!(is_refused(now(edit(&app, &reader, HostId(1), &named("x")))));
        assert!(is_refused(now(set_group(&app, &reader, &[], "x"))));
        assert!(is_refused(now(retire(&app, &reader, &[]))));
        assert!(is_refused(now(search(&app, &reader, "x")).map(drop)));
    }
}
