//! Tokens: making, listing and revoking them.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::ids::TOKEN_CHARS;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{AddressRange, Credential, ListedToken, Scopes, TokenKind};

use super::{App, actor, remember, secret, user_id};
use crate::platform::digest;
use crate::store::access::{self, NewToken};

/// What a token shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What it is for.
    pub kind: TokenKind,
    /// What it may do.
    pub scopes: Scopes,
    /// The holder's words for it.
    pub note: String,
    /// Seconds until it is dead.
    pub expires_in_s: Option<u32>,
    /// How many hosts it may register; `None` for any number.
    pub uses: Option<u32>,
    /// Where it may be used from; empty for anywhere.
    pub address_ranges: Vec<AddressRange>,
}

/// Makes a token; gives its number and its text, which is shown this once.
///
/// # Errors
/// [`Failure::Forbidden`] for callers who are no administrators.
pub async fn create(app: &App, caller: &Credential, wanted: Wanted) -> Result<(i64, String), Failure> {
    require(caller, Right::Admin)?;
    let text = secret(TOKEN_CHARS)?;
    let now = app.now_s();
    let row = NewToken {
        token_hash: digest::secret_hash(&text),
        tail: tail(&text).to_owned(),
        kind: wanted.kind,
        scopes: wanted.scopes,
        note: wanted.note.clone(),
        user_id: user_id(caller),
        created_at: now,
        expires_at: wanted.expires_in_s.map(|seconds| now.plus(i64::from(seconds))),
        uses_left: wanted.uses,
        address_ranges: wanted.address_ranges,
    };
    let audit = app.audit(&actor(caller), "token.create", &wanted.note)?;
    Ok((access::add_token(&app.db, row, audit).await?, text))
}

/// Every token, oldest first.
///
/// # Errors
/// As [`create`].
pub async fn list(app: &App, caller: &Credential) -> Result<Vec<ListedToken>, Failure> {
    require(caller, Right::Admin)?;
    Ok(access::list_tokens(&app.db).await?)
}

/// Revokes a token at once.
///
/// # Errors
/// As [`create`]; [`Failure::NotFound`] when there is none of this number; [`Failure::Unavailable`] when the hub does not answer.
pub async fn revoke(app: &App, caller: &Credential, id: i64) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let audit = app.audit(&actor(caller), "token.revoke", &id.to_string())?;
    // First too: where the hub does not answer, nothing is revoked by half.
    remember::taken_away(app).await?;
    let found = access::delete_token(&app.db, id, audit).await?;
    remember::taken_away(app).await?;
    if found { Ok(()) } else { Err(Failure::NotFound { what: "token" }) }
}

/// The last four characters of a token, by which a list tells it from others.
pub(super) fn tail(token: &str) -> &str {
    token.get(token.len().saturating_sub(4)..).unwrap_or_default()
}
