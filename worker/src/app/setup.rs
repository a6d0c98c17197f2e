//! The first administrator, by a one-time link.

use edgewatch_core::domain::ids::{TOKEN_CHARS, could_be_secret};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::User;

use super::{App, secret, tokens};
use crate::platform::digest;
use crate::store::access::{self, FirstAdmin};

/// How long a session lasts.
pub const SESSION_S: i64 = 30 * 24 * 3600;
const MAX_NAME_CHARS: usize = 64;

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
/// token and session.
///
/// # Errors
/// [`Failure::Unauthenticated`] for a link that is unknown, used or over an hour old; [`Failure::Invalid`] for a name that
/// cannot be.
pub async fn use_link(app: &App, link: &str, name: &str) -> Result<Administrator, Failure> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        let reason = "1 to 64 characters, none of them a control character".to_owned();
        return Err(Failure::Invalid { field: "username".to_owned(), reason });
    }
    if !could_be_secret(link) {
        return Err(Failure::Unauthenticated);
    }
    let (now, token, session) = (app.now_s(), secret(TOKEN_CHARS)?, secret(TOKEN_CHARS)?);
    let (used_key, token_hash, session_hash) =
        (app.time_key()?, digest::secret_hash(&token), digest::secret_hash(&session));
    let first = FirstAdmin {
        link_hash: &digest::secret_hash(link),
        used_key: &used_key,
        name,
        token: (&token_hash, tokens::tail(&token)),
        token_note: "made at setup",
        session_hash: &session_hash,
        now,
        session_expires_at: now.plus(SESSION_S),
    };
    let user = access::use_link(&app.db, &first, app.audit("setup", "user.admin", name)?).await?;
    let user = user.ok_or(Failure::Unauthenticated)?;
    Ok(Administrator { user, token, session })
}
