//! The first administrator, by a one-time link.

use edgewatch_core::domain::ids::{TOKEN_CHARS, could_be_secret};
use edgewatch_core::domain::passwords;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::User;

use super::{App, accounts, remember, secret, tokens};
use crate::platform::{digest, log};
use crate::store::access::{self, FirstAdmin};

/// How long a session lasts.
pub const SESSION_S: i64 = 30 * 24 * 3600;

/// What a setup link was good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// The account.
    pub user: User,
    /// An API token with the scope admin.
    pub token: String,
    /// The value of a session cookie.
    pub session: String,
}

/// Uses up a setup link: makes the administrator of this name, or lets an existing account be one again, with a fresh
/// token and session and, where one is given, another password, which ends the sessions there were.
///
/// # Errors
/// [`Failure::Unauthenticated`] for a link that is unknown, used or over an hour old; [`Failure::Invalid`] for a name or a
/// password that cannot be.
pub async fn use_link(app: &App, link: &str, name: &str, password: Option<&str>) -> Result<Administrator, Failure> {
    let name = passwords::clean_name(name)?;
    if !could_be_secret(link) {
        return Err(Failure::Unauthenticated);
    }
    let link_hash = digest::secret_hash(link);
    let password_hash = match password {
        // Nothing slow is done for who has no link.
        Some(_) if !access::is_link_alive(&app.db, &link_hash, app.now_s()).await? => {
            return Err(Failure::Unauthenticated);
        }
        Some(password) => Some(accounts::hash(app, password, name).await?),
        None => None,
    };
    if password_hash.is_some() {
        // First: where the hub does not answer, the link is not used up.
        remember::taken_away(app).await?;
    }
    let (now, token, session) = (app.now_s(), secret(TOKEN_CHARS)?, secret(TOKEN_CHARS)?);
    let (used_key, token_hash, session_hash) =
        (app.time_key()?, digest::secret_hash(&token), digest::secret_hash(&session));
    let first = FirstAdmin {
        link_hash: &link_hash,
        used_key: &used_key,
        name,
        password_hash: password_hash.as_deref(),
        token: (&token_hash, tokens::tail(&token)),
        token_note: "made at setup",
        session_hash: &session_hash,
        now,
        session_expires_at: now.plus(SESSION_S),
    };
    let user = access::use_link(&app.db, &first, app.audit("setup", "user.admin", name)?).await?;
    let user = user.ok_or(Failure::Unauthenticated)?;
    if password_hash.is_some()
        && let Err(failure) = remember::taken_away(app).await
    {
        // The link is used and its fruit must be told; what was remembered is over within the hour.
        log::error("setup.taken_away", &failure.to_string());
    }
    Ok(Administrator { user, token, session })
}
