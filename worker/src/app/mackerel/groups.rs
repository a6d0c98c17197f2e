//! Notification groups.

use std::collections::BTreeSet;

use edgewatch_core::domain::ids;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{DEFAULT_GROUP, NotificationGroup};

use super::{Kept, MOST, invalid, kept, number, scope, too_many};
use crate::app::identity::Party;
use crate::app::{App, actor};
use crate::store::channels as rows;
use crate::store::mackerel::groups;

const UNKNOWN: Failure = Failure::NotFound { what: "notification group" };

/// Every group, in the order in which they were made, and the channels of the default one where it names none itself.
///
/// # Errors
/// [`Failure::Forbidden`] for who reaches some hosts alone; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(app: &App, party: &Party) -> Result<(Vec<Kept<NotificationGroup>>, Vec<String>), Failure> {
    party.of_all()?;
    let listed = groups::list(&app.db).await?.into_iter().map(kept).collect();
    Ok((listed, defaults(app).await?))
}

/// Makes a group.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] for groups, channels and services that are not there, and for more groups than there may be.
pub async fn create(app: &App, party: &Party, group: NotificationGroup) -> Result<Kept<NotificationGroup>, Failure> {
    party.of_all()?;
    let others = groups::list(&app.db).await?;
    if others.len() >= MOST {
        return Err(too_many("notification groups"));
    }
    check(app, &others, None, &group).await?;
    let audit = app.audit(&actor(&party.credential), "notification_group.create", &group.name)?;
    Ok(kept((groups::insert(&app.db, &group, audit).await?, group)))
}

/// Makes a group what `meaning` says, once it is known to be there. The default one stays the default one.
///
/// # Errors
/// As [`create`]; [`Failure::NotFound`] when there is none of this id.
pub async fn update(
    app: &App,
    party: &Party,
    id: &str,
    meaning: impl FnOnce() -> Result<NotificationGroup, Failure>,
) -> Result<Kept<NotificationGroup>, Failure> {
    party.of_all()?;
    let others = groups::list(&app.db).await?;
    let number = number(id, "notification group")?;
    let is_default = others.iter().find(|(other, _)| *other == number).ok_or(UNKNOWN)?.1.is_default;
    let group = NotificationGroup { is_default, ..meaning()? };
    check(app, &others, Some(id), &group).await?;
    let audit = app.audit(&actor(&party.credential), "notification_group.update", id)?;
    app.db.batch(vec![groups::update(number, &group)?, audit]).await?;
    Ok(kept((number, group)))
}

/// Deletes a group; gives it as it was.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none of this id; [`Failure::Invalid`] for the default one.
pub async fn delete(app: &App, party: &Party, id: &str) -> Result<Kept<NotificationGroup>, Failure> {
    party.of_all()?;
    let number = number(id, "notification group")?;
    let others = groups::list(&app.db).await?;
    let group = others.into_iter().find(|(other, _)| *other == number).ok_or(UNKNOWN)?;
    if group.1.is_default {
        return Err(invalid("id", "is the default group's, which stays"));
    }
    let mut statements = groups::delete(number, id);
    statements.push(app.audit(&actor(&party.credential), "notification_group.delete", id)?);
    app.db.batch(statements).await?;
    Ok(kept(group))
}

/// The ids of the channels that rules call the default group.
///
/// # Errors
/// As [`list`].
pub async fn defaults(app: &App) -> Result<Vec<String>, Failure> {
    let channels = rows::list(&app.db).await?.into_iter().map(|sealed| sealed.channel);
    Ok(channels.filter(|one| one.group == DEFAULT_GROUP).map(|one| ids::of_row(one.id)).collect())
}

async fn check(
    app: &App,
    others: &[(i64, NotificationGroup)],
    own: Option<&str>,
    group: &NotificationGroup,
) -> Result<(), Failure> {
    let groups: BTreeSet<String> = others.iter().map(|(id, _)| ids::of_row(*id)).collect();
    if !group.children.iter().all(|child| groups.contains(child) && own != Some(child)) {
        return Err(invalid("childNotificationGroupIds", "has a group that is not there, or the group itself"));
    }
    if let Some(named) = group.channels.as_ref().filter(|named| !named.is_empty()) {
        let known: BTreeSet<String> =
            rows::list(&app.db).await?.iter().map(|sealed| ids::of_row(sealed.channel.id)).collect();
        if !named.iter().all(|channel| known.contains(channel)) {
            return Err(invalid("childChannelIds", "has a channel that is not there"));
        }
    }
    scope::require(app, &[("services", group.services.iter().map(|link| link.of.as_str()).collect())], &[]).await
}
