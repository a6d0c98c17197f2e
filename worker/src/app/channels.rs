//! Notification channels: where events are told of.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::ids;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{
    Audience, Backlog, Channel, ChannelChange, ChannelDraft, ChannelKind, ChannelSaid, Credential, DEFAULT_GROUP,
    Delivery, Event, ListedChannel,
};
use edgewatch_core::units::UnixSeconds;

use super::{App, actor};
use crate::notify;
use crate::store::channels::{self, SealedChannel, Written};
use crate::store::mackerel::groups;
use crate::store::{events, outbox};

/// Of a channel's name, and of a group's.
const MAX_NAME_CHARS: usize = 64;
/// The most channels: each is read whenever something happens.
const MAX_CHANNELS: usize = 100;
/// The kind of channel that Nezha's notifications are.
const NEZHA: &str = "nezha";
/// What Nezha sends before it keeps a notification: "this is a test message".
const NEZHA_TEST: &str = "这是测试消息";

/// Every channel, oldest first, its secrets masked.
///
/// # Errors
/// [`Failure::Forbidden`] for callers who are no administrators.
pub async fn list(app: &App, caller: &Credential) -> Result<Vec<ListedChannel>, Failure> {
    require(caller, Right::Admin)?;
    let standing = outbox::list_standing(&app.db).await?;
    let with_backlog = |sealed: SealedChannel| {
        let own = standing.iter().find(|one| one.channel_id == sealed.channel.id);
        let backlog = own.map(|one| Backlog {
            waiting: one.waiting,
            given_up: one.given_up,
            last_error: one.last_error.clone(),
            paused_until: None,
        });
        listed(app, sealed, backlog.unwrap_or_default())
    };
    Ok(channels::list(&app.db).await?.into_iter().map(with_backlog).collect())
}

/// Every kind of channel.
///
/// # Errors
/// As [`list`].
pub fn kinds(caller: &Credential) -> Result<Vec<ChannelKind>, Failure> {
    require(caller, Right::Admin)?;
    Ok(notify::kinds())
}

/// Makes a channel. Its settings are kept encrypted.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] for a name, kind or setting that cannot be; [`Failure::Conflict`] when the deployment
/// has no key to encrypt with, or channels enough.
pub async fn create(app: &App, caller: &Credential, draft: ChannelDraft) -> Result<ListedChannel, Failure> {
    require(caller, Right::Admin)?;
    create_permitted(app, caller, draft, None).await
}

/// As [`create`], for a caller who may do this.
pub(super) async fn create_permitted(
    app: &App,
    caller: &Credential,
    draft: ChannelDraft,
    said: Option<ChannelSaid>,
) -> Result<ListedChannel, Failure> {
    let (name, group) = (checked_name(draft.name)?, checked_group(draft.group)?);
    let settings = notify::settings(&draft.kind, draft.settings)?;
    let sealed = notify::seal(&app.config, &settings)?;
    if channels::list(&app.db).await?.len() >= MAX_CHANNELS {
        return Err(Failure::Conflict { detail: format!("there are {MAX_CHANNELS} channels, which is the most") });
    }
    let audit = app.audit(&actor(caller), "channel.create", &name)?;
    let written = Written { name: &name, group: &group, config_sealed: &sealed, said: said.as_ref() };
    let id = channels::insert(&app.db, &draft.kind, written, app.now_s(), audit).await?;
    let channel = Channel { id, name, kind: draft.kind, group, created_at: app.now_s(), said };
    Ok(ListedChannel { channel, settings: Some(settings.masked()), backlog: Backlog::default() })
}

/// Changes a channel: what is not named stays. What waits for it already goes out as it is.
///
/// # Errors
/// As [`create`]; [`Failure::NotFound`] when there is none of this number.
pub async fn update(app: &App, caller: &Credential, id: i64, change: ChannelChange) -> Result<ListedChannel, Failure> {
    require(caller, Right::Admin)?;
    // Writing ends a pause.
    let mut before = SealedChannel { paused_until: UnixSeconds(0), ..find(app, id).await? };
    if let Some(name) = change.name {
        before.channel.name = checked_name(name)?;
    }
    if let Some(group) = change.group {
        before.channel.group = checked_group(group)?;
    }
    if change.settings.is_empty() {
        // Settings that do not open are no reason not to rename a channel.
        write(app, caller, &before).await?;
        return Ok(listed(app, before, Backlog::default()));
    }
    let settings = notify::changed(notify::open(&app.config, &before)?, change.settings)?;
    let after = SealedChannel { config_sealed: notify::seal(&app.config, &settings)?, ..before };
    write(app, caller, &after).await?;
    Ok(listed(app, after, Backlog::default()))
}

/// Keeps a notification of Nezha's, in the place of `id` where one is named. Before that it is tried, unless `skips_check`.
///
/// # Errors
/// As [`update`]; [`Failure::Conflict`] with the receiver's words when it did not take the test, or when the channel is of
/// another kind.
pub async fn save_nezha(
    app: &App,
    caller: &Credential,
    id: Option<i64>,
    draft: ChannelDraft,
    skips_check: bool,
) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let before = match id {
        Some(id) => Some(find(app, id).await?),
        None => None,
    };
    if before.as_ref().is_some_and(|before| before.channel.kind != draft.kind) {
        let detail = "this number belongs to a channel of another kind; change it by /api/edgewatch/v1/channels";
        return Err(Failure::Conflict { detail: detail.to_owned() });
    }
    let settings = notify::settings(&draft.kind, draft.settings.clone())?;
    if !skips_check {
        let sent = notify::send_test(&app.config, &settings, NEZHA_TEST, &app.time_key()?, app.now_s()).await?;
        if !sent.is_delivered {
            return Err(Failure::Conflict { detail: sent.words });
        }
    }
    let Some(before) = before else { return create(app, caller, draft).await.map(drop) };
    let (name, group) = (checked_name(draft.name)?, checked_group(draft.group)?);
    let channel = Channel { name, group, ..before.channel };
    let config_sealed = notify::seal(&app.config, &settings)?;
    write(app, caller, &SealedChannel { channel, config_sealed, ..before }).await
}

/// Deletes a channel, and what waits for it.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none of this number.
pub async fn delete(app: &App, caller: &Credential, id: i64) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    delete_permitted(app, caller, id).await
}

/// As [`delete`], for a caller who may do this.
pub(super) async fn delete_permitted(app: &App, caller: &Credential, id: i64) -> Result<(), Failure> {
    let audit = app.audit(&actor(caller), "channel.delete", &id.to_string())?;
    let found = channels::delete(&app.db, id, vec![groups::forget_channel(&ids::of_row(id)), audit]).await?;
    if found { Ok(()) } else { Err(Failure::NotFound { what: "channel" }) }
}

/// Deletes a notification of Nezha's, and what waits for it. There may be none of this number, or a channel of another kind, which
/// stays.
///
/// # Errors
/// As [`list`].
pub async fn delete_nezha(app: &App, caller: &Credential, id: i64) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let found = channels::find_by_id(&app.db, id).await?;
    match found.filter(|found| found.channel.kind == NEZHA) {
        Some(_) => delete(app, caller, id).await,
        None => Ok(()),
    }
}

/// Sends a test notification at once and gives what came of it.
///
/// # Errors
/// As [`delete`]; [`Failure::Internal`] when the settings do not open.
pub async fn test(app: &App, caller: &Credential, id: i64) -> Result<Delivery, Failure> {
    require(caller, Right::Admin)?;
    let found = find(app, id).await?;
    let text = format!("a test of the channel \"{}\"", found.channel.name);
    let settings = notify::open(&app.config, &found)?;
    notify::send_test(&app.config, &settings, &text, &app.time_key()?, app.now_s()).await
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

async fn find(app: &App, id: i64) -> Result<SealedChannel, Failure> {
    channels::find_by_id(&app.db, id).await?.ok_or(Failure::NotFound { what: "channel" })
}

pub(super) async fn write(
    app: &App,
    caller: &Credential,
    SealedChannel { channel, config_sealed, .. }: &SealedChannel,
) -> Result<(), Failure> {
    let audit = app.audit(&actor(caller), "channel.update", &channel.id.to_string())?;
    let (name, group, said) = (&channel.name, &channel.group, channel.said.as_ref());
    let written = Written { name, group, config_sealed, said };
    let found = channels::update(&app.db, channel.id, written, audit).await?;
    if found { Ok(()) } else { Err(Failure::NotFound { what: "channel" }) }
}

pub(super) fn listed(app: &App, sealed: SealedChannel, mut backlog: Backlog) -> ListedChannel {
    backlog.paused_until = (sealed.paused_until.0 > app.now_s().0).then_some(sealed.paused_until);
    let settings = notify::open(&app.config, &sealed).ok().map(|settings| settings.masked());
    ListedChannel { channel: sealed.channel, settings, backlog }
}

fn checked_name(name: String) -> Result<String, Failure> {
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(Failure::Invalid { field: "name".to_owned(), reason: "1 to 64 characters".to_owned() });
    }
    Ok(name)
}

fn checked_group(group: String) -> Result<String, Failure> {
    if group.is_empty() {
        return Ok(DEFAULT_GROUP.to_owned());
    }
    if group.chars().count() > MAX_NAME_CHARS || group.chars().any(char::is_control) {
        return Err(Failure::Invalid { field: "group".to_owned(), reason: "at most 64 characters".to_owned() });
    }
    if Audience::is_like(&group) {
        return Err(Failure::Invalid { field: "group".to_owned(), reason: "stands for a monitor".to_owned() });
    }
    Ok(group)
}
