//! The first administrator, by a one-time link.

use edgewatch_core::domain::ids::{TOKEN_CHARS, could_be_secret};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Scopes, TokenKind, User};

use super::tokens::new_token;
use super::{App, secret};
use crate::platform::digest;
use crate::store::access;

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
    let now = app.now_s();
    if !could_be_secret(link) || !access::use_link(&app.db, &digest::secret_hash(link), now).await? {
        return Err(Failure::Unauthenticated);
    }
    let user = access::put_admin(&app.db, name, now).await?;
    let token = secret(TOKEN_CHARS)?;
    let session = secret(TOKEN_CHARS)?;
    let scopes = Scopes { admin: true, ..Scopes::default() };
    let row = new_token(&token, TokenKind::Api, scopes, "made at setup", user.id, now);
    let statements = vec![
        access::insert_token(row),
        access::insert_session(&digest::secret_hash(&session), user.id, now, now.plus(SESSION_S)),
        app.audit("setup", "user.admin", &user.name)?,
    ];
    app.db.batch(statements).await?;
    Ok(Administrator { user, token, session })
}
