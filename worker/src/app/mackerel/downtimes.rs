//! Downtimes. The hub asks them before it raises an alert of a monitor, so it is told when they change.

use edgewatch_core::domain::downtime::offset_of;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Downtime, LocalTime};
use edgewatch_core::units::UnixSeconds;

use super::{Kept, MOST, kept, number, scope, too_many};
use crate::app::identity::Party;
use crate::app::{App, actor, rules as alerting};
use crate::platform::local_time::local_time;
use crate::store::mackerel::downtimes;
use crate::store::rules;

/// Every downtime, in the order in which they were made.
///
/// # Errors
/// [`Failure::Forbidden`] for who reaches some hosts alone; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(app: &App, party: &Party) -> Result<Vec<Kept<Downtime>>, Failure> {
    party.of_all()?;
    Ok(downtimes::list(&app.db).await?.into_iter().map(kept).collect())
}

/// Makes a downtime. Its calendar is that of the quiet hours' zone; without one it is UTC's.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] for services and roles that are not there, and for more downtimes than there may be.
pub async fn create(app: &App, party: &Party, downtime: Downtime) -> Result<Kept<Downtime>, Failure> {
    party.of_all()?;
    if downtimes::list(&app.db).await?.len() >= MOST {
        return Err(too_many("downtimes"));
    }
    let downtime = checked(app, downtime).await?;
    let audit = app.audit(&actor(&party.credential), "downtime.create", &downtime.name)?;
    let id = downtimes::insert(&app.db, &downtime, vec![rules::bump(), audit]).await?;
    alerting::tell_hub(app).await;
    Ok(kept((id, downtime)))
}

/// Makes a downtime what `meaning` says, once it is known to be there.
///
/// # Errors
/// As [`create`]; [`Failure::NotFound`] when there is none of this id.
pub async fn update(
    app: &App,
    party: &Party,
    id: &str,
    meaning: impl FnOnce() -> Result<Downtime, Failure>,
) -> Result<Kept<Downtime>, Failure> {
    let (number, _) = find(app, party, id).await?;
    let downtime = checked(app, meaning()?).await?;
    let audit = app.audit(&actor(&party.credential), "downtime.update", id)?;
    app.db.batch(vec![downtimes::update(number, &downtime)?, rules::bump(), audit]).await?;
    alerting::tell_hub(app).await;
    Ok(kept((number, downtime)))
}

/// Deletes a downtime; gives it as it was.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none of this id.
pub async fn delete(app: &App, party: &Party, id: &str) -> Result<Kept<Downtime>, Failure> {
    let found = find(app, party, id).await?;
    let audit = app.audit(&actor(&party.credential), "downtime.delete", id)?;
    app.db.batch(vec![downtimes::delete(found.0), rules::bump(), audit]).await?;
    alerting::tell_hub(app).await;
    Ok(kept(found))
}

async fn find(app: &App, party: &Party, id: &str) -> Result<(i64, Downtime), Failure> {
    const UNKNOWN: &str = "downtime";
    party.of_all()?;
    let number = number(id, UNKNOWN)?;
    let found = downtimes::find(&app.db, number).await?.ok_or(Failure::NotFound { what: UNKNOWN })?;
    Ok((number, found))
}

async fn checked(app: &App, downtime: Downtime) -> Result<Downtime, Failure> {
    let of = &downtime.scope;
    let services = [("serviceScopes", names(&of.services)), ("serviceExcludeScopes", names(&of.excluded_services))];
    let roles = [("roleScopes", of.roles.as_slice()), ("roleExcludeScopes", of.excluded_roles.as_slice())];
    scope::require(app, &services, &roles).await?;
    let start_offset_s = offset_s(app, downtime.start).await?;
    Ok(Downtime { start_offset_s, ..downtime })
}

fn names(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// How far the clocks of the quiet hours' zone are ahead of UTC, seconds.
async fn offset_s(app: &App, at: UnixSeconds) -> Result<i32, Failure> {
    let zone = rules::find_quiet_hours(&app.db).await?.map(|hours| hours.zone);
    let shown = zone.and_then(|zone| local_time(&zone, at.millis()));
    Ok(shown.map_or(0, |(weekday, minute)| offset_of(LocalTime { weekday, minute }, at)))
}
