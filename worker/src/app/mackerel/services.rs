//! Services and their roles: of the whole organization.

use edgewatch_core::domain::downtime::Gone;
use edgewatch_core::domain::ids::{self, Thing};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{HostId, RoleMemo, RoleName, Service};

use super::forget::forget;
use super::invalid;
use crate::app::identity::Party;
use crate::app::{App, actor, rules};
use crate::store::mackerel::{monitors, services};
use crate::store::rules::bump;
use crate::store::{StoreError, history, settings};

const UNKNOWN: Failure = Failure::NotFound { what: "service" };

/// Every service, by name.
///
/// # Errors
/// [`Failure::Forbidden`] for who reaches some hosts alone; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(app: &App, party: &Party) -> Result<Vec<Service>, Failure> {
    party.of_all()?;
    Ok(services::list(&app.db).await?)
}

/// Makes a service.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] when there is one of this name.
pub async fn create(app: &App, party: &Party, service: &RoleMemo) -> Result<(), Failure> {
    party.of_all()?;
    let audit = app.audit(&actor(&party.credential), "service.create", &service.name)?;
    app.db.batch(vec![services::insert(service), audit]).await.map_err(taken)?;
    Ok(())
}

/// Deletes a service with its roles and documents, its metrics and their monitors, and what was noted of it; hosts lose those roles,
/// and neither notification groups nor downtimes name it or those monitors any more. Gives it as it was.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none of this name. When the hub does not answer it is there still, and deleting
/// it again helps.
pub async fn delete(app: &App, party: &Party, name: &str) -> Result<Service, Failure> {
    party.of_all()?;
    let (service, _) = services::find(&app.db, name).await?.ok_or(UNKNOWN)?;
    let metrics = HostId(-service.id);
    if let Some(hub) = &app.hub {
        // First what lies there: as long as the row in D1 is there it can be tried again.
        hub.purge(&[metrics]).await?;
    }
    let watching = monitors::list_of_service(&app.db, name).await?;
    let watching: Vec<String> = watching.into_iter().map(|id| ids::thing_id(Thing::Monitor, id.0)).collect();
    let mut statements = services::delete(name);
    statements.extend(history::delete(metrics));
    statements.extend(forget(app, &Gone { monitors: &watching, service: Some(name), role: None }).await?);
    statements.push(app.audit(&actor(&party.credential), "service.delete", name)?);
    // Hosts lose its roles.
    statements.push(settings::bump(settings::HOSTS_VERSION));
    app.db.batch(statements).await?;
    rules::tell_hub(app).await;
    Ok(service)
}

/// The roles of a service, by name.
///
/// # Errors
/// As [`delete`].
pub async fn list_roles(app: &App, party: &Party, service: &str) -> Result<Vec<RoleMemo>, Failure> {
    party.of_all()?;
    Ok(services::find(&app.db, service).await?.ok_or(UNKNOWN)?.1)
}

/// Makes a role of a service; `meaning` says which, once the service is known to be there. Gives it.
///
/// # Errors
/// As [`delete`]; [`Failure::Invalid`] when it has one of this name.
pub async fn create_role(
    app: &App,
    party: &Party,
    service: &str,
    meaning: impl FnOnce() -> Result<RoleMemo, Failure>,
) -> Result<RoleMemo, Failure> {
    party.of_all()?;
    services::find(&app.db, service).await?.ok_or(UNKNOWN)?;
    let role = meaning()?;
    let audit = app.audit(&actor(&party.credential), "role.create", &format!("{service}:{}", role.name))?;
    app.db.batch(vec![services::insert_role(service, &role), audit]).await.map_err(taken)?;
    Ok(role)
}

/// Deletes a role with its documents; hosts lose it, and no downtime names it any more. Gives it as it was.
///
/// # Errors
/// As [`delete`]; [`Failure::NotFound`] when the service has no such role.
pub async fn delete_role(app: &App, party: &Party, name: &RoleName) -> Result<RoleMemo, Failure> {
    party.of_all()?;
    let role = find_role(app, name).await?;
    let mut statements = forget(app, &Gone { role: Some(name), ..Gone::default() }).await?;
    let is_named = !statements.is_empty();
    statements.extend(is_named.then(bump));
    statements.extend(services::delete_role(name));
    statements.push(app.audit(&actor(&party.credential), "role.delete", &name.full())?);
    statements.push(settings::bump(settings::HOSTS_VERSION));
    app.db.batch(statements).await?;
    if is_named {
        rules::tell_hub(app).await;
    }
    Ok(role)
}

pub(super) async fn find_role(app: &App, name: &RoleName) -> Result<RoleMemo, Failure> {
    let (_, roles) = services::find(&app.db, &name.service).await?.ok_or(UNKNOWN)?;
    roles.into_iter().find(|role| role.name == name.role).ok_or(Failure::NotFound { what: "role" })
}

pub(super) async fn require(app: &App, name: &str) -> Result<(), Failure> {
    services::find(&app.db, name).await?.map(drop).ok_or(UNKNOWN)
}

fn taken(error: StoreError) -> Failure {
    if error.is_not_unique() { invalid("name", "is taken") } else { error.into() }
}
