//! Dashboards: kept as programs give them.

use edgewatch_core::failure::Failure;
use edgewatch_core::model::Dashboard;
use edgewatch_core::units::UnixSeconds;

use super::{Kept, kept, number, too_many};
use crate::app::identity::Party;
use crate::app::{App, actor};
use crate::store::StoreError;
use crate::store::mackerel::dashboards;

/// So many are kept: a list has all of them, with what is on them.
const MOST: u64 = 100;
const UNKNOWN: &str = "dashboard";

/// Every dashboard, in the order in which they were made.
///
/// # Errors
/// [`Failure::Forbidden`] for who reaches some hosts alone; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(app: &App, party: &Party) -> Result<Vec<Kept<Dashboard>>, Failure> {
    party.of_all()?;
    Ok(dashboards::list(&app.db).await?.into_iter().map(kept).collect())
}

/// A dashboard.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none of this id.
pub async fn show(app: &App, party: &Party, id: &str) -> Result<Kept<Dashboard>, Failure> {
    find(app, party, id).await.map(kept)
}

/// Makes a dashboard; `meaning` says which, as of now.
///
/// # Errors
/// As [`list`]; what `meaning` says; [`Failure::Conflict`] when there is one of this path; [`Failure::Invalid`] for more than are kept.
pub async fn create(
    app: &App,
    party: &Party,
    meaning: impl FnOnce(UnixSeconds) -> Result<Dashboard, Failure>,
) -> Result<Kept<Dashboard>, Failure> {
    party.of_all()?;
    let dashboard = meaning(app.now_s())?;
    if dashboards::count(&app.db).await? >= MOST {
        return Err(too_many("dashboards"));
    }
    let audit = app.audit(&actor(&party.credential), "dashboard.create", &dashboard.url_path)?;
    Ok(kept((dashboards::insert(&app.db, &dashboard, audit).await.map_err(taken)?, dashboard)))
}

/// Makes a dashboard what `meaning` says, once it is known to be there. It stays as old as it is.
///
/// # Errors
/// As [`create`]; [`Failure::NotFound`] when there is none of this id.
pub async fn update(
    app: &App,
    party: &Party,
    id: &str,
    meaning: impl FnOnce(UnixSeconds) -> Result<Dashboard, Failure>,
) -> Result<Kept<Dashboard>, Failure> {
    let (number, before) = find(app, party, id).await?;
    let dashboard = Dashboard { created_at: before.created_at, ..meaning(app.now_s())? };
    let audit = app.audit(&actor(&party.credential), "dashboard.update", id)?;
    app.db.batch(vec![dashboards::update(number, &dashboard), audit]).await.map_err(taken)?;
    Ok(kept((number, dashboard)))
}

/// Deletes a dashboard; gives it as it was.
///
/// # Errors
/// As [`show`].
pub async fn delete(app: &App, party: &Party, id: &str) -> Result<Kept<Dashboard>, Failure> {
    let found = find(app, party, id).await?;
    let audit = app.audit(&actor(&party.credential), "dashboard.delete", id)?;
    app.db.batch(vec![dashboards::delete(found.0), audit]).await?;
    Ok(kept(found))
}

async fn find(app: &App, party: &Party, id: &str) -> Result<(i64, Dashboard), Failure> {
    party.of_all()?;
    let number = number(id, UNKNOWN)?;
    Ok((number, dashboards::find(&app.db, number).await?.ok_or(Failure::NotFound { what: UNKNOWN })?))
}

fn taken(error: StoreError) -> Failure {
    if error.is_not_unique() { Failure::Conflict { detail: "urlPath: is taken".to_owned() } } else { error.into() }
}
