//! Whether the services and roles that something is for are there.

use edgewatch_core::failure::Failure;
use edgewatch_core::model::RoleName;

use super::invalid;
use crate::app::App;
use crate::store::mackerel::services;

/// Checks lists of services and of roles, each with the name of its key. Reads nothing where all are empty; else a row for each
/// service and role that there is.
///
/// # Errors
/// [`Failure::Invalid`] with the key of a list that names one that is not there; [`Failure::Unavailable`] when the database does not
/// answer.
pub async fn require(
    app: &App,
    of_services: &[(&str, Vec<&str>)],
    of_roles: &[(&str, &[RoleName])],
) -> Result<(), Failure> {
    if of_services.iter().all(|(_, names)| names.is_empty()) && of_roles.iter().all(|(_, roles)| roles.is_empty()) {
        return Ok(());
    }
    let known = services::list(&app.db).await?;
    let is_service = |name: &&str| known.iter().any(|service| service.name == *name);
    let is_role = |name: &RoleName| {
        known.iter().any(|service| service.name == name.service && service.roles.contains(&name.role))
    };
    for (key, names) in of_services {
        if !names.iter().all(is_service) {
            return Err(invalid(key, "has a service that is not there"));
        }
    }
    for (key, roles) in of_roles {
        if !roles.iter().all(is_role) {
            return Err(invalid(key, "has a role that is not there"));
        }
    }
    Ok(())
}
