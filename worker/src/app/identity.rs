//! Who is calling.

use std::net::IpAddr;

use edgewatch_core::domain::access::{is_alive, is_use_worth_noting, require_address};
use edgewatch_core::domain::ids::could_be_secret;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, HostId};

use super::App;
use crate::platform::{digest, log};
use crate::store::{access, reports};

/// An agent that proved which host it speaks for, with how far that host's reports are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentIdentity {
    /// SHA-256 of the secret it showed.
    pub(super) secret_hash: String,
    /// What was stored when it came.
    pub progress: reports::Progress,
}

impl AgentIdentity {
    /// The host it speaks for.
    pub const fn host_id(&self) -> HostId {
        self.progress.id
    }

    /// Looks again how far its reports are stored.
    pub(super) async fn reread(&self, app: &App) -> Result<reports::Progress, Failure> {
        reports::find_progress(&app.db, &self.secret_hash).await?.ok_or(Failure::Unauthenticated)
    }
}

/// The agent with this secret.
///
/// # Errors
/// [`Failure::Unauthenticated`] when no live host has it.
pub async fn agent(app: &App, secret: &str) -> Result<AgentIdentity, Failure> {
    if !could_be_secret(secret) {
        return Err(Failure::Unauthenticated);
    }
    let secret_hash = digest::secret_hash(secret);
    let progress = reports::find_progress(&app.db, &secret_hash).await?.ok_or(Failure::Unauthenticated)?;
    // The index found it by equality already; what decides is a comparison that takes the same time for every secret.
    if !digest::is_same(&progress.secret_hash, &secret_hash) {
        return Err(Failure::Unauthenticated);
    }
    Ok(AgentIdentity { secret_hash, progress })
}

/// The holder of the token or, failing that, of one of the session cookies: a wrong token beside a valid cookie does no
/// harm, as in the dialects.
///
/// # Errors
/// [`Failure::Unauthenticated`] when none of them is valid.
/// [`Failure::Forbidden`] for a token that may not be used from the caller's address.
pub async fn caller(
    app: &App,
    token: Option<&str>,
    cookies: &[&str],
    address: Option<IpAddr>,
) -> Result<Credential, Failure> {
    let now = app.now_s();
    if let Some(text) = token.filter(|text| could_be_secret(text))
        && let Some(token) = access::find_token(&app.db, &digest::secret_hash(text)).await?
        && is_alive(&token, now)
    {
        require_address(&token, address)?;
        if is_use_worth_noting(&token, now)
            && let Err(error) = access::note_use(&app.db, token.id, now).await
        {
            // The request does not depend on it.
            log::error("tokens.last_use", &error.to_string());
        }
        return Ok(Credential::Token(token));
    }
    // A cookie header may repeat a name; more than a few is no browser.
    for cookie in cookies.iter().copied().filter(|text| could_be_secret(text)).take(3) {
        if let Some(session) = access::find_session(&app.db, &digest::secret_hash(cookie), now).await? {
            return Ok(Credential::Session(session));
        }
    }
    Err(Failure::Unauthenticated)
}
