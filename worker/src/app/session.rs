//! Sessions of people: opened with a token, a password or what an access proxy says; closed again.

use std::net::IpAddr;

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::ids::{TOKEN_CHARS, could_be_secret};
use edgewatch_core::domain::passwords;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, Role, Session};

use super::setup::SESSION_S;
use super::{App, accounts, actor, identity, remember, secret};
use crate::platform::jwt::Expected;
use crate::platform::{access_keys, digest, jwt};
use crate::store::mackerel::invitations;
use crate::store::sessions::{self, NewSession};
use crate::store::{Statement, access, users};

/// Opens a session of the person who made the token, with at most the token's rights and time. Gives the session and the
/// value of its cookie.
///
/// # Errors
/// [`Failure::Unauthenticated`] when there is no such token; [`Failure::Forbidden`] when it may not read, or is good from some
/// addresses alone: a cookie would be good from all.
pub async fn open(app: &App, token: &str, address: Option<IpAddr>) -> Result<(Session, String), Failure> {
    let caller = identity::caller(app, Some(token.trim()), &[], address).await?;
    require(&caller, Right::Read)?;
    let Credential::Token(token) = &caller else {
        return Err(Failure::Unauthenticated);
    };
    if !token.address_ranges.is_empty() {
        return Err(Failure::Forbidden { needs: "a token that is good from every address" });
    }
    let cookie = secret(TOKEN_CHARS)?;
    let latest = app.now_s().plus(SESSION_S);
    let hash = digest::secret_hash(&cookie);
    let new = NewSession {
        token_id: Some(token.id),
        as_viewer: !token.scopes.admin,
        expires_at: token.expires_at.map_or(latest, |expires_at| expires_at.min(latest)),
        ..new_session(app, &hash, token.user_id)
    };
    let session = start(app, &new, vec![], &actor(&caller)).await?;
    Ok((session, cookie))
}

/// Opens a session of the person with this name and password. How long it takes does not tell whether there is such a person.
///
/// # Errors
/// [`Failure::Unauthenticated`] when the password is not theirs; [`Failure::TooManyAttempts`] when it was not even tried.
pub async fn open_with_password(
    app: &App,
    name: &str,
    password: &str,
    address: Option<IpAddr>,
) -> Result<(Session, String), Failure> {
    // No password is longer, and none that is not even hashed needs to be counted.
    if password.len() > passwords::MAX_BYTES {
        return Err(Failure::Unauthenticated);
    }
    let name = passwords::clean_name(name).map_err(|_| Failure::Unauthenticated)?;
    let login = users::find_login(&app.db, name).await?;
    accounts::try_password(app, name, login.as_ref(), password, address).await?;
    let login = login.ok_or(Failure::Unauthenticated)?;
    let cookie = secret(TOKEN_CHARS)?;
    let hash = digest::secret_hash(&cookie);
    let new = NewSession { credential_no: Some(login.credential_no), ..new_session(app, &hash, login.user.id) };
    let session = start(app, &new, vec![], &format!("user:{}", login.user.id)).await?;
    Ok((session, cookie))
}

/// Opens a session of the person whom the access proxy names, for as long as it vouches for them.
///
/// # Errors
/// [`Failure::Unauthenticated`] without a proxy, or when it did not say so; [`Failure::Forbidden`] for a person without an account,
/// unless they are invited or the deployment makes viewers of them; [`Failure::Unavailable`] when the proxy's keys cannot be had.
pub async fn open_with_assertion(app: &App, assertion: Option<&str>) -> Result<(Session, String), Failure> {
    let (Some(proxy), Some(assertion)) = (&app.config.access_proxy, assertion) else {
        return Err(Failure::Unauthenticated);
    };
    let kid = jwt::key_id(assertion).ok_or(Failure::Unauthenticated)?;
    let keys = access_keys::keys(&proxy.issuer, &kid, app.now_s()).await?;
    let expected = Expected { issuer: &proxy.issuer, audience: &proxy.audience, now: app.now_s() };
    let person = jwt::verify(assertion, &keys, &expected).await?.ok_or(Failure::Unauthenticated)?;
    let email = passwords::clean_email(&person.email).map_err(|_| Failure::Unauthenticated)?;

    let mut known = users::find_by_email(&app.db, &email).await?;
    if known.is_none() && invitations::find(&app.db, &email, app.now_s()).await?.is_some() {
        let mut statements = invitations::accept(&email, app.now_s());
        statements.push(app.audit("access-proxy", "user.accept", &email)?);
        app.db.batch(statements).await?;
        known = users::find_by_email(&app.db, &email).await?;
    }
    if known.is_none() && proxy.makes_viewers {
        let audit = access::audit_of_new(&app.time_key()?, app.now_s(), "access-proxy", "user.create", &email);
        app.db.batch(vec![audit, users::insert_by_email(&email, Role::Viewer, app.now_s())]).await?;
        known = users::find_by_email(&app.db, &email).await?;
    }
    let user = known.ok_or(Failure::Forbidden { needs: "an account with this e-mail address" })?;
    let cookie = secret(TOKEN_CHARS)?;
    let hash = digest::secret_hash(&cookie);
    let new = new_session(app, &hash, user.id);
    let new = NewSession { expires_at: person.expires_at.min(new.expires_at), ..new };
    let session = start(app, &new, vec![], &format!("user:{}", user.id)).await?;
    Ok((session, cookie))
}

/// Closes the sessions of these cookies; who has none is none the worse.
///
/// # Errors
/// [`Failure::Unavailable`] when the database or the hub does not answer.
pub async fn close(app: &App, caller: &Credential, cookies: &[&str]) -> Result<(), Failure> {
    let Credential::Session(session) = caller else {
        return Ok(());
    };
    let secrets = cookies.iter().filter(|text| could_be_secret(text)).take(3);
    let mut statements: Vec<_> = secrets.map(|text| sessions::delete_session(&digest::secret_hash(text))).collect();
    statements.push(app.audit(&actor(caller), "session.close", &session.user.id.to_string())?);
    // First too: where the hub does not answer, the session stays, and closing it again helps.
    remember::taken_away(app).await?;
    app.db.batch(statements).await?;
    remember::taken_away(app).await
}

/// Closes the sessions of these cookies, which must be of the user of this number.
///
/// # Errors
/// [`Failure::Conflict`] when they are another's; as [`close`].
pub async fn close_of(app: &App, caller: &Credential, user_id: i64, cookies: &[&str]) -> Result<(), Failure> {
    if super::user_id(caller) != user_id {
        return Err(Failure::Conflict { detail: "not your own id".to_owned() });
    }
    close(app, caller, cookies).await
}

/// A session of a user that begins now.
pub(super) fn new_session<'a>(app: &App, session_hash: &'a str, user_id: i64) -> NewSession<'a> {
    NewSession {
        session_hash,
        user_id,
        credential_no: None,
        token_id: None,
        as_viewer: false,
        created_at: app.now_s(),
        expires_at: app.now_s().plus(SESSION_S),
    }
}

/// Writes a session after `first`, all or nothing, with the audit row of `actor`.
///
/// # Errors
/// [`Failure::Unauthenticated`] when the user is gone or has another password by now.
pub(super) async fn start(
    app: &App,
    new: &NewSession<'_>,
    first: Vec<Statement>,
    actor: &str,
) -> Result<Session, Failure> {
    let mut statements = first;
    statements.push(sessions::insert(new));
    statements.push(access::audit(&app.time_key()?, app.now_s(), actor, "session.open", &new.user_id.to_string()));
    let made = app.db.batch(statements).await;
    // When the answer was lost it may have been carried out all the same.
    match sessions::find_session(&app.db, new.session_hash, app.now_s()).await? {
        Some(session) => Ok(session),
        None => Err(made.err().map_or(Failure::Unauthenticated, Failure::from)),
    }
}
