//! People's accounts: who there is, what they may do, and their passwords.

use std::net::IpAddr;

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::attempts;
use edgewatch_core::domain::ids::TOKEN_CHARS;
use edgewatch_core::domain::passwords;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Account, Credential, Login, Role, Session};

use super::{App, actor, remember, secret, session};
use crate::gate::client::{self as gate, Try, Verdict};
use crate::platform::digest;
use crate::store::sessions::NewSession;
use crate::store::users::{self, NewUser};
use crate::store::{Statement, StoreError};

/// What a new account shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The login name.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// What they log in with; `None` for those who come by the access proxy.
    pub password: Option<String>,
    /// By which the access proxy knows them.
    pub email: Option<String>,
}

/// What shall be changed of an account; `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// What the person may do.
    pub role: Option<Role>,
    /// Their password.
    pub password: Option<String>,
    /// Their address; an empty one takes it away.
    pub email: Option<String>,
}

/// Everybody, in the order in which they came.
///
/// # Errors
/// [`Failure::Forbidden`] for callers who are no administrators.
pub async fn list(app: &App, caller: &Credential) -> Result<Vec<Account>, Failure> {
    require(caller, Right::Admin)?;
    Ok(users::list(&app.db).await?)
}

/// Makes an account and gives its number.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] for a name, password or address that cannot be; [`Failure::Conflict`] when it is taken.
pub async fn create(app: &App, caller: &Credential, wanted: Wanted) -> Result<i64, Failure> {
    require(caller, Right::Admin)?;
    let name = passwords::clean_name(&wanted.name)?;
    let email = wanted.email.as_deref().map(passwords::clean_email).transpose()?;
    let password_hash = match &wanted.password {
        Some(password) => Some(hash(app, password, name).await?),
        None => None,
    };
    let new = NewUser {
        name,
        role: wanted.role,
        email: email.as_deref(),
        password_hash: password_hash.as_deref(),
        created_at: app.now_s(),
    };
    users::add(&app.db, &new, app.audit(&actor(caller), "user.create", name)?).await.map_err(taken)
}

/// Changes an account. With a new password its sessions are over; with the role of a viewer the tokens that do more than look.
///
/// # Errors
/// As [`create`]; [`Failure::NotFound`] when there is none of this number; [`Failure::Conflict`] for the last administrator, and
/// for one's own password, which is changed with the one before.
pub async fn change(app: &App, caller: &Credential, id: i64, change: Change) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let login = users::find_login_by_id(&app.db, id).await?.ok_or(Failure::NotFound { what: "user" })?;
    let mut statements = Vec::new();
    if let Some(role) = change.role {
        statements.extend(users::set_role(id, role));
    }
    if let Some(password) = &change.password {
        let is_own = matches!(caller, Credential::Session(session) if session.user.id == id);
        if is_own {
            return Err(conflict("your own password is changed with the one before, at session/password"));
        }
        let hash = hash(app, password, &login.user.name).await?;
        statements.extend(users::set_password(id, Some(&hash)));
    }
    if let Some(email) = &change.email {
        let email = if email.trim().is_empty() { None } else { Some(passwords::clean_email(email)?) };
        statements.push(users::set_email(id, email.as_deref()));
    }
    statements.push(app.audit(&actor(caller), "user.change", &id.to_string())?);
    let demotes = change.role == Some(Role::Viewer) && login.user.role == Role::Admin;
    let outcomes = taking_away(app, statements).await?;
    // The role's statement is the first.
    if demotes && outcomes.first() == Some(&0) {
        return Err(conflict("the last administrator stays one"));
    }
    Ok(())
}

/// Removes an account, with its sessions and the tokens it made.
///
/// # Errors
/// As [`change`].
pub async fn remove(app: &App, caller: &Credential, id: i64) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    users::find_login_by_id(&app.db, id).await?.ok_or(Failure::NotFound { what: "user" })?;
    let audit = app.audit(&actor(caller), "user.remove", &id.to_string())?;
    let outcomes = taking_away(app, users::delete(id).into_iter().chain([audit]).collect()).await?;
    if outcomes.get(2) == Some(&0) { Err(conflict("the last administrator stays")) } else { Ok(()) }
}

/// Changes the caller's own password: all their sessions are over, and there is a new one, with the value of its cookie.
///
/// # Errors
/// [`Failure::Forbidden`] for callers without a session, or without a password so far; [`Failure::Invalid`] when the one before
/// is not right, or the new one cannot be; [`Failure::TooManyAttempts`] when it was not even tried.
pub async fn change_own_password(
    app: &App,
    caller: &Credential,
    current: &str,
    new: &str,
    address: Option<IpAddr>,
) -> Result<(Session, String), Failure> {
    let Credential::Session(session) = caller else {
        return Err(Failure::Forbidden { needs: "a session" });
    };
    let login = users::find_login_by_id(&app.db, session.user.id).await?.ok_or(Failure::Unauthenticated)?;
    if login.password_hash.is_none() {
        return Err(Failure::Forbidden { needs: "a password, which an administrator or a setup link sets first" });
    }
    match try_password(app, &login.user.name, Some(&login), current, address).await {
        Err(Failure::Unauthenticated) => {
            let reason = "not the password there is".to_owned();
            return Err(Failure::Invalid { field: "current".to_owned(), reason });
        }
        tried => tried?,
    }
    let hash = hash(app, new, &login.user.name).await?;
    let cookie = secret(TOKEN_CHARS)?;
    let session_hash = digest::secret_hash(&cookie);
    let fresh = NewSession {
        credential_no: Some(login.credential_no + 1),
        ..session::new_session(app, &session_hash, login.user.id)
    };
    let mut statements = users::set_password(login.user.id, Some(&hash));
    statements.push(app.audit(&actor(caller), "user.password", &login.user.id.to_string())?);
    remember::taken_away(app).await?;
    let opened = session::start(app, &fresh, statements, &actor(caller)).await?;
    remember::taken_away(app).await?;
    Ok((opened, cookie))
}

/// Tries a password of an account, which may not be there: then it takes as long, and is wrong.
///
/// # Errors
/// [`Failure::Unauthenticated`] when it is wrong; [`Failure::TooManyAttempts`] when it was not even tried.
pub(super) async fn try_password(
    app: &App,
    name: &str,
    login: Option<&Login>,
    password: &str,
    address: Option<IpAddr>,
) -> Result<(), Failure> {
    let stored = login.and_then(|login| login.password_hash.clone());
    // Hashed: what strangers take for a name is nothing to keep.
    attempt(app, &format!("user {}", digest::secret_hash(name)), stored, password, address).await
}

/// Tries what opens `account`, from `address`.
///
/// # Errors
/// As [`try_password`].
pub(super) async fn attempt(
    app: &App,
    account: &str,
    stored: Option<String>,
    password: &str,
    address: Option<IpAddr>,
) -> Result<(), Failure> {
    let wanted =
        Try { account: account.to_owned(), network: attempts::network(address), password: password.to_owned(), stored };
    let answer = gate::attempt(app.objects()?, &wanted).await?;
    if let Some(hub) = &app.hub {
        hub.note_call((answer.rows_read, answer.rows_written));
    }
    match answer.verdict {
        Verdict::Right => Ok(()),
        Verdict::Wrong => Err(Failure::Unauthenticated),
        Verdict::Wait(retry_after_s) => Err(Failure::TooManyAttempts { retry_after_s }),
    }
}

/// The password of the user of this name, as it is stored.
///
/// # Errors
/// [`Failure::Invalid`] for one that cannot be.
pub(super) async fn hash(app: &App, password: &str, name: &str) -> Result<String, Failure> {
    passwords::require_good(password, name)?;
    stored(app, password).await
}

/// Any password, as it is stored.
pub(super) async fn stored(app: &App, password: &str) -> Result<String, Failure> {
    let stored = gate::hash(app.objects()?, password).await?;
    if let Some(hub) = &app.hub {
        hub.note_call((0, 0));
    }
    Ok(stored)
}

/// Carries out what may take something away from somebody, and gives the rows that each statement changed. Before it too: where
/// the hub does not answer, nothing is taken away by half.
async fn taking_away(app: &App, statements: Vec<Statement>) -> Result<Vec<u64>, Failure> {
    remember::taken_away(app).await?;
    let outcomes = app.db.batch(statements).await.map_err(taken)?;
    remember::taken_away(app).await?;
    Ok(outcomes.iter().map(|outcome| outcome.changes).collect())
}

fn taken(error: StoreError) -> Failure {
    match users::is_taken(&error) {
        Some(field) => conflict(&format!("another user has this {field}")),
        None => error.into(),
    }
}

fn conflict(detail: &str) -> Failure {
    Failure::Conflict { detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;
    use crate::store::db::now;
    use edgewatch_core::model::User;
    use edgewatch_core::units::UnixSeconds;

    fn session(id: i64, role: Role) -> Credential {
        let user = User { id, name: format!("user {id}"), role };
        Credential::Session(Session { user, expires_at: UnixSeconds(i64::MAX) })
    }

    fn wanted(name: &str, role: Role) -> Wanted {
        Wanted { name: name.to_owned(), role, password: None, email: None }
    }

    fn with_two() -> (App, Credential) {
        let app = App::for_tests(Db::in_memory().unwrap());
        let admin = session(1, Role::Admin);
        assert_eq!(now(create(&app, &admin, wanted(" ada ", Role::Admin))), Ok(1));
        assert_eq!(now(create(&app, &admin, wanted("bob", Role::Viewer))), Ok(2));
        (app, admin)
    }

    #[test]
    fn accounts_are_an_administrators_business() {
        let (app, _) = with_two();
        let viewer = session(2, Role::Viewer);
        assert!(matches!(now(list(&app, &viewer)), Err(Failure::Forbidden { .. })));
        assert!(matches!(now(create(&app, &viewer, wanted("eve", Role::Admin))), Err(Failure::Forbidden { .. })));
        let change_to = Change { role: Some(Role::Admin), ..Change::default() };
        assert!(matches!(now(change(&app, &viewer, 2, change_to)), Err(Failure::Forbidden { .. })));
        assert!(matches!(now(remove(&app, &viewer, 1)), Err(Failure::Forbidden { .. })));
    }

    #[test]
    fn names_and_addresses_are_told_when_they_are_taken_or_cannot_be() {
        let (app, admin) = with_two();
        let refused = |wanted| now(create(&app, &admin, wanted)).unwrap_err();
        assert_eq!(refused(wanted("ada", Role::Viewer)), conflict("another user has this username"));
        assert!(matches!(refused(wanted(" ", Role::Viewer)), Failure::Invalid { .. }));
        let with_email = |name, email: &str| Wanted { email: Some(email.to_owned()), ..wanted(name, Role::Viewer) };
        assert!(matches!(refused(with_email("eve", "nowhere")), Failure::Invalid { .. }));
        assert_eq!(now(create(&app, &admin, with_email("eve", "Eve@Example.com"))), Ok(3));
        assert_eq!(refused(with_email("mal", "eve@example.com")), conflict("another user has this email"));
        let short = Wanted { password: Some("short".to_owned()), ..wanted("mal", Role::Viewer) };
        assert!(matches!(refused(short), Failure::Invalid { .. }));
        let email = |text: &str| Change { email: Some(text.to_owned()), ..Change::default() };
        assert!(matches!(now(change(&app, &admin, 2, email("eve@example.com"))), Err(Failure::Conflict { .. })));
        now(change(&app, &admin, 3, email(""))).unwrap();
        now(change(&app, &admin, 2, email("eve@example.com"))).unwrap();
        let emails: Vec<_> = now(list(&app, &admin)).unwrap().into_iter().map(|account| account.email).collect();
        assert_eq!(emails, [None, Some("eve@example.com".to_owned()), None]);
    }

    #[test]
    fn the_last_administrator_neither_goes_nor_becomes_a_viewer() {
        let (app, admin) = with_two();
        let to = |role| Change { role: Some(role), ..Change::default() };
        assert!(matches!(now(change(&app, &admin, 1, to(Role::Viewer))), Err(Failure::Conflict { .. })));
        assert!(matches!(now(remove(&app, &admin, 1)), Err(Failure::Conflict { .. })));
        assert_eq!(now(change(&app, &admin, 2, to(Role::Viewer))), Ok(()), "who is a viewer may become one");
        assert_eq!(now(change(&app, &admin, 2, to(Role::Admin))), Ok(()));
        assert_eq!(now(remove(&app, &admin, 1)), Ok(()));
        assert_eq!(now(remove(&app, &admin, 1)), Err(Failure::NotFound { what: "user" }));
        assert_eq!(now(change(&app, &admin, 1, to(Role::Admin))), Err(Failure::NotFound { what: "user" }));
    }

    #[test]
    fn ones_own_password_is_changed_with_the_one_before() {
        let (app, admin) = with_two();
        let password = Change { password: Some("correct horse".to_owned()), ..Change::default() };
        assert!(matches!(now(change(&app, &admin, 1, password)), Err(Failure::Conflict { .. })));
        let own = |caller| now(change_own_password(&app, caller, "x", "correct horse", None));
        assert!(matches!(own(&admin), Err(Failure::Forbidden { .. })), "there is none before");
    }
}
