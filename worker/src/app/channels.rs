//! Notification channels: where events are told of.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Channel, Credential, Event};

use super::{App, actor};
use crate::notify;
use crate::store::{channels, events};

const MAX_NAME_CHARS: usize = 64;

/// Every channel, oldest first.
///
/// # Errors
/// [`Failure::Forbidden`] for callers who are no administrators.
pub async fn list(app: &App, caller: &Credential) -> Result<Vec<Channel>, Failure> {
    require(caller, Right::Admin)?;
    Ok(channels::list(&app.db).await?.into_iter().map(|sealed| sealed.channel).collect())
}

/// Makes a channel and gives its number. The address is kept encrypted.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] for a name, kind or address that cannot be; [`Failure::Conflict`] when the deployment
/// has no key to encrypt with.
pub async fn create(app: &App, caller: &Credential, (name, kind, url): (&str, &str, &str)) -> Result<i64, Failure> {
    require(caller, Right::Admin)?;
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(Failure::Invalid { field: "name".to_owned(), reason: "1 to 64 characters".to_owned() });
    }
    let sealed = notify::seal_config(&app.config, kind, url)?;
    let audit = app.audit(&actor(caller), "channel.create", name)?;
    Ok(channels::insert(&app.db, (name, kind, &sealed), app.now_s(), audit).await?)
}

/// Deletes a channel, and what waits for it.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none of this number.
pub async fn delete(app: &App, caller: &Credential, id: i64) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let audit = app.audit(&actor(caller), "channel.delete", &id.to_string())?;
    let found = channels::delete(&app.db, id, audit).await?;
    if found { Ok(()) } else { Err(Failure::NotFound { what: "channel" }) }
}

/// Sends a test notification at once. The inner error is what the receiver said.
///
/// # Errors
/// As [`delete`].
pub async fn test(app: &App, caller: &Credential, id: i64) -> Result<Result<(), String>, Failure> {
    require(caller, Right::Admin)?;
    let all = channels::list(&app.db).await?;
    let channel =
        all.into_iter().find(|sealed| sealed.channel.id == id).ok_or(Failure::NotFound { what: "channel" })?;
    notify::send_test(&app.config, &channel, &app.time_key()?, app.now_s()).await
}

/// A page of events, newest first.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to read.
pub async fn list_events(
    app: &App,
    caller: &Credential,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<Event>, Failure> {
    require(caller, Right::Read)?;
    Ok(events::list(&app.db, before, limit).await?)
}
