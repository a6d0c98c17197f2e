//! What people note of a stretch of time.

use edgewatch_core::failure::Failure;
use edgewatch_core::model::{GraphAnnotation, RoleName};
use edgewatch_core::units::UnixSeconds;

use super::{Kept, kept, number, scope, services};
use crate::app::identity::Party;
use crate::app::{App, actor};
use crate::store::mackerel::annotations;

const UNKNOWN: &str = "graph annotation";

/// What was noted of a service and touches a time, both ends included, by when it begins.
///
/// # Errors
/// [`Failure::Forbidden`] for who reaches some hosts alone; [`Failure::NotFound`] when there is no such service;
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn list(
    app: &App,
    party: &Party,
    service: &str,
    time: (UnixSeconds, UnixSeconds),
) -> Result<Vec<Kept<GraphAnnotation>>, Failure> {
    party.of_all()?;
    services::require(app, service).await?;
    Ok(annotations::list(&app.db, service, time).await?.into_iter().map(kept).collect())
}

/// Notes something of a service; `meaning` says what, once the service is known to be there.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] for a role that the service does not have.
pub async fn create(
    app: &App,
    party: &Party,
    service: &str,
    meaning: impl FnOnce() -> Result<GraphAnnotation, Failure>,
) -> Result<Kept<GraphAnnotation>, Failure> {
    party.of_all()?;
    let annotation = checked(app, service, meaning).await?;
    let audit = app.audit(&actor(&party.credential), "graph_annotation.create", service)?;
    Ok(kept((annotations::insert(&app.db, &annotation, audit).await?, annotation)))
}

/// Makes an annotation what `meaning` says, once it and the service are known to be there.
///
/// # Errors
/// As [`create`]; [`Failure::NotFound`] when there is none of this id.
pub async fn update(
    app: &App,
    party: &Party,
    (id, service): (&str, &str),
    meaning: impl FnOnce() -> Result<GraphAnnotation, Failure>,
) -> Result<Kept<GraphAnnotation>, Failure> {
    let (number, _) = find(app, party, id).await?;
    let annotation = checked(app, service, meaning).await?;
    let audit = app.audit(&actor(&party.credential), "graph_annotation.update", id)?;
    app.db.batch(vec![annotations::update(number, &annotation)?, audit]).await?;
    Ok(kept((number, annotation)))
}

/// Deletes an annotation; gives it as it was.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none of this id.
pub async fn delete(app: &App, party: &Party, id: &str) -> Result<Kept<GraphAnnotation>, Failure> {
    let found = find(app, party, id).await?;
    let audit = app.audit(&actor(&party.credential), "graph_annotation.delete", id)?;
    app.db.batch(vec![annotations::delete(found.0), audit]).await?;
    Ok(kept(found))
}

async fn find(app: &App, party: &Party, id: &str) -> Result<(i64, GraphAnnotation), Failure> {
    party.of_all()?;
    let number = number(id, UNKNOWN)?;
    let found = annotations::find(&app.db, number).await?.ok_or(Failure::NotFound { what: UNKNOWN })?;
    Ok((number, found))
}

async fn checked(
    app: &App,
    service: &str,
    meaning: impl FnOnce() -> Result<GraphAnnotation, Failure>,
) -> Result<GraphAnnotation, Failure> {
    services::require(app, service).await?;
    let annotation = meaning()?;
    let role = |role: &String| RoleName { service: service.to_owned(), role: role.clone() };
    let roles: Vec<RoleName> = annotation.roles.iter().map(role).collect();
    scope::require(app, &[], &[("roles", &roles)]).await?;
    Ok(annotation)
}
