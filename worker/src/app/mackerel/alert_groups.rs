//! How alerts are to be put together: kept for programs that ask for it.

use edgewatch_core::failure::Failure;
use edgewatch_core::model::AlertGroupSetting;

use super::{Kept, MOST, kept, number, scope, too_many};
use crate::app::identity::Party;
use crate::app::{App, actor};
use crate::store::mackerel::alert_groups;

/// Every setting, in the order in which they were made.
///
/// # Errors
/// [`Failure::Forbidden`] for who reaches some hosts alone; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(app: &App, party: &Party) -> Result<Vec<Kept<AlertGroupSetting>>, Failure> {
    party.of_all()?;
    Ok(alert_groups::list(&app.db).await?.into_iter().map(kept).collect())
}

/// A setting.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none of this id.
pub async fn show(app: &App, party: &Party, id: &str) -> Result<Kept<AlertGroupSetting>, Failure> {
    find(app, party, id).await.map(kept)
}

/// Makes a setting.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] for services and roles that are not there, and for more settings than there may be.
pub async fn create(app: &App, party: &Party, setting: AlertGroupSetting) -> Result<Kept<AlertGroupSetting>, Failure> {
    party.of_all()?;
    if alert_groups::list(&app.db).await?.len() >= MOST {
        return Err(too_many("alert group settings"));
    }
    check(app, &setting).await?;
    let audit = app.audit(&actor(&party.credential), "alert_group_setting.create", &setting.name)?;
    Ok(kept((alert_groups::insert(&app.db, &setting, audit).await?, setting)))
}

/// Makes a setting what `meaning` says, once it is known to be there.
///
/// # Errors
/// As [`create`]; [`Failure::NotFound`] when there is none of this id.
pub async fn update(
    app: &App,
    party: &Party,
    id: &str,
    meaning: impl FnOnce() -> Result<AlertGroupSetting, Failure>,
) -> Result<Kept<AlertGroupSetting>, Failure> {
    let (number, _) = find(app, party, id).await?;
    let setting = meaning()?;
    check(app, &setting).await?;
    let audit = app.audit(&actor(&party.credential), "alert_group_setting.update", id)?;
    app.db.batch(vec![alert_groups::update(number, &setting)?, audit]).await?;
    Ok(kept((number, setting)))
}

/// Deletes a setting; gives it as it was.
///
/// # Errors
/// As [`show`].
pub async fn delete(app: &App, party: &Party, id: &str) -> Result<Kept<AlertGroupSetting>, Failure> {
    let found = find(app, party, id).await?;
    let audit = app.audit(&actor(&party.credential), "alert_group_setting.delete", id)?;
    app.db.batch(vec![alert_groups::delete(found.0), audit]).await?;
    Ok(kept(found))
}

async fn find(app: &App, party: &Party, id: &str) -> Result<(i64, AlertGroupSetting), Failure> {
    const UNKNOWN: &str = "alert group setting";
    party.of_all()?;
    let number = number(id, UNKNOWN)?;
    let found = alert_groups::find(&app.db, number).await?.ok_or(Failure::NotFound { what: UNKNOWN })?;
    Ok((number, found))
}

async fn check(app: &App, setting: &AlertGroupSetting) -> Result<(), Failure> {
    let services = setting.services.iter().map(String::as_str).collect();
    scope::require(app, &[("serviceScopes", services)], &[("roleScopes", &setting.roles)]).await
}
