//! Sessions of people: opened with a token, closed again.

use std::net::IpAddr;

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::ids::{TOKEN_CHARS, could_be_secret};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, Session};

use super::setup::SESSION_S;
use super::{App, actor, identity, remember, secret};
use crate::platform::digest;
use crate::store::access::{self, NewSession};

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
    let (now, cookie) = (app.now_s(), secret(TOKEN_CHARS)?);
    let session_hash = digest::secret_hash(&cookie);
    let latest = now.plus(SESSION_S);
    let new = NewSession {
        session_hash: &session_hash,
        user_id: token.user_id,
        token_id: token.id,
        as_viewer: !token.scopes.admin,
        created_at: now,
        expires_at: token.expires_at.map_or(latest, |expires_at| expires_at.min(latest)),
    };
    let audit = app.audit(&actor(&caller), "session.open", &token.user_id.to_string())?;
    let made = access::add_session(&app.db, &new, audit).await;
    // When the answer was lost it may have been carried out all the same.
    match access::find_session(&app.db, &session_hash, now).await? {
        Some(session) => Ok((session, cookie)),
        None => Err(made
            .err()
            .map_or_else(|| Failure::Internal("an opened session is not there".to_owned()), Failure::from)),
    }
}

/// Closes the sessions of these cookies; who has none is none the worse.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn close(app: &App, caller: &Credential, cookies: &[&str]) -> Result<(), Failure> {
    let Credential::Session(session) = caller else {
        return Ok(());
    };
    let secrets = cookies.iter().filter(|text| could_be_secret(text)).take(3);
    let mut statements: Vec<_> = secrets.map(|text| access::delete_session(&digest::secret_hash(text))).collect();
    statements.push(app.audit(&actor(caller), "session.close", &session.user.id.to_string())?);
    app.db.batch(statements).await?;
    remember::taken_away(app).await
}
