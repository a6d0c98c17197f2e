//! Notification channels, as programs for Mackerel make them: the same that there are, as far as they are mail, Slack or a webhook.

use std::collections::BTreeMap;

use edgewatch_core::domain::ids;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Backlog, ChannelDraft, ChannelSaid, ChannelWish, ListedChannel, WishedKind};

use super::{Kept, invalid, number};
use crate::app::identity::Party;
use crate::app::{App, channels};
use crate::notify;
use crate::store::channels::{self as rows, SealedChannel};
use crate::store::users;

/// Every channel with its id, oldest first, its secrets masked.
///
/// # Errors
/// [`Failure::Forbidden`] for who reaches some hosts alone; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(app: &App, party: &Party) -> Result<Vec<Kept<ListedChannel>>, Failure> {
    party.of_all()?;
    let sealed = rows::list(&app.db).await?;
    Ok(sealed.into_iter().map(|one| kept(channels::listed(app, one, Backlog::default()))).collect())
}

/// Makes a channel of the default group.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] for a setting that cannot be, and for mail where no channel says by which server it goes;
/// [`Failure::Conflict`] when the deployment has no key to encrypt with, or channels enough.
pub async fn create(app: &App, party: &Party, wish: ChannelWish) -> Result<Kept<ListedChannel>, Failure> {
    party.of_all()?;
    let (kind, settings) = match wish.kind {
        WishedKind::Slack => ("slack".to_owned(), wish.settings),
        WishedKind::Webhook => ("webhook".to_owned(), wish.settings),
        WishedKind::Mail => {
            let is_mail = |one: &SealedChannel| WishedKind::of_word(&one.channel.kind) == Some(WishedKind::Mail);
            let by = rows::list(&app.db).await?.into_iter().find(is_mail).ok_or_else(no_mail)?;
            let mut settings = notify::open(&app.config, &by)?.values().clone();
            settings.insert("to".to_owned(), receivers(app, &wish.said).await?);
            (by.channel.kind, settings)
        }
    };
    let draft = ChannelDraft { name: wish.name, kind, group: String::new(), settings };
    channels::create_permitted(app, &party.credential, draft, Some(wish.said)).await.map(kept)
}

/// Makes a channel what is wished; `meaning` says what, once the channel is known to be there. A mask stands for the secret that is there.
///
/// # Errors
/// As [`create`]; [`Failure::NotFound`] when there is none of this id.
pub async fn update(
    app: &App,
    party: &Party,
    id: &str,
    meaning: impl FnOnce() -> Result<ChannelWish, Failure>,
) -> Result<Kept<ListedChannel>, Failure> {
    let before = find(app, party, id).await?;
    let wish = meaning()?;
    if WishedKind::of_word(&before.channel.kind) != Some(wish.kind) {
        return Err(invalid("type", "is another one than the channel's"));
    }
    let settings = notify::open(&app.config, &before)?;
    let mut changes: BTreeMap<String, Option<String>> = match wish.kind {
        WishedKind::Mail => BTreeMap::from([("to".to_owned(), Some(receivers(app, &wish.said).await?))]),
        // What is not said is not there any more.
        WishedKind::Slack | WishedKind::Webhook => settings.values().keys().map(|name| (name.clone(), None)).collect(),
    };
    changes.extend(wish.settings.into_iter().map(|(name, value)| (name, Some(value))));
    let settings = notify::changed(settings, changes)?;
    let mut after = SealedChannel { config_sealed: notify::seal(&app.config, &settings)?, ..before };
    (after.channel.name, after.channel.said) = (wish.name, Some(wish.said));
    channels::write(app, &party.credential, &after).await?;
    Ok(kept(channels::listed(app, after, Backlog::default())))
}

/// Deletes a channel, and what waits for it; gives it as it was.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none of this id.
pub async fn delete(app: &App, party: &Party, id: &str) -> Result<Kept<ListedChannel>, Failure> {
    let before = find(app, party, id).await?;
    channels::delete_permitted(app, &party.credential, before.channel.id).await?;
    Ok(kept(channels::listed(app, before, Backlog::default())))
}

/// One of those that programs see.
async fn find(app: &App, party: &Party, id: &str) -> Result<SealedChannel, Failure> {
    const UNKNOWN: &str = "channel";
    party.of_all()?;
    let found = rows::find_by_id(&app.db, number(id, UNKNOWN)?).await?;
    let found = found.filter(|found| WishedKind::of_word(&found.channel.kind).is_some());
    found.ok_or(Failure::NotFound { what: UNKNOWN })
}

/// Where mail goes: the addresses, and those of the people.
async fn receivers(app: &App, said: &ChannelSaid) -> Result<String, Failure> {
    let mut to = said.emails.clone();
    if !said.user_ids.is_empty() {
        let accounts = users::list(&app.db).await?;
        for id in &said.user_ids {
            let account = accounts.iter().find(|account| ids::of_row(account.user.id) == *id);
            let email = account.and_then(|account| account.email.clone());
            to.push(email.ok_or_else(|| invalid("userIds", "names somebody who is not there, or has no address"))?);
        }
    }
    to.sort();
    to.dedup();
    Ok(to.join(","))
}

fn no_mail() -> Failure {
    invalid(
        "type",
        "is email, and no channel says by which server mail goes: make one by /api/edgewatch/v1/channels first",
    )
}

fn kept(listed: ListedChannel) -> Kept<ListedChannel> {
    Kept { id: ids::of_row(listed.channel.id), value: listed }
}
