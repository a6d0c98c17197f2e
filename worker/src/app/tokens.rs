//! Tokens: making, listing and revoking them.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::ids::{TOKEN_CHARS, could_be_secret};
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
    create_of(app, caller, wanted, TOKEN_CHARS).await
}

async fn create_of(app: &App, caller: &Credential, wanted: Wanted, chars: usize) -> Result<(i64, String), Failure> {
    require(caller, Right::Admin)?;
    let text = secret(chars)?;
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

/// Makes a token of a dialect, with its number of characters: it reads and registers. Gives its text, which is shown this once.
///
/// # Errors
/// As [`create`].
pub async fn create_plain(app: &App, caller: &Credential, note: String, chars: usize) -> Result<String, Failure> {
    let scopes = Scopes { read: true, register: true, ..Scopes::default() };
    let wanted =
        Wanted { kind: TokenKind::Api, scopes, note, expires_in_s: None, uses: None, address_ranges: Vec::new() };
    Ok(create_of(app, caller, wanted, chars).await?.1)
}

/// The tokens that the caller made, oldest first.
///
/// # Errors
/// As [`create`].
pub async fn list_own(app: &App, caller: &Credential) -> Result<Vec<ListedToken>, Failure> {
    let own = user_id(caller);
    let mut tokens = list(app, caller).await?;
    tokens.retain(|listed| listed.token.user_id == own);
    Ok(tokens)
}

/// The number of the caller's own token of this number or, without one, of this text; `None` when there is none.
///
/// # Errors
/// As [`create`].
pub async fn find_own(app: &App, caller: &Credential, id: Option<i64>, text: &str) -> Result<Option<i64>, Failure> {
    if id.is_some() {
        return Ok(list_own(app, caller).await?.into_iter().map(|one| one.token.id).find(|one| Some(*one) == id));
    }
    require(caller, Right::Admin)?;
    if !could_be_secret(text) {
        return Ok(None);
    }
    let token = access::find_token(&app.db, &digest::secret_hash(text)).await?;
    Ok(token.filter(|token| token.user_id == user_id(caller)).map(|token| token.id))
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
