//! Tables `services` and `roles`.

use std::collections::BTreeMap;

use edgewatch_core::model::{RoleMemo, RoleName, Service};
use serde::Deserialize;

use super::hosts::role_list;
use super::metadata;
use crate::store::{Bind, Db, Statement, StoreError};

const LIST_SERVICES: &str = "SELECT id, name, memo FROM services ORDER BY name";
const LIST_ALL_ROLES: &str = "SELECT service, name, memo FROM roles ORDER BY service, name";
const FIND_SERVICE: &str = "SELECT id, name, memo FROM services WHERE name = ?1";
const LIST_ROLES: &str = "SELECT service, name, memo FROM roles WHERE service = ?1 ORDER BY name";
const INSERT_SERVICE: &str = "INSERT INTO services (name, memo) VALUES (?1, ?2)";
const INSERT_ROLE: &str = "INSERT INTO roles (service, name, memo) VALUES (?1, ?2, ?3)";
// Their roles, and who plays them, go with them.
const DELETE_SERVICE: &str = "DELETE FROM services WHERE name = ?1";
const DELETE_ROLE: &str = "DELETE FROM roles WHERE service = ?1 AND name = ?2";
const MAKE_SERVICES: &str = "INSERT INTO services (name) SELECT DISTINCT value->>0 FROM json_each(?1) j \
     WHERE NOT EXISTS (SELECT 1 FROM services s WHERE s.name = j.value->>0)";
const MAKE_ROLES: &str = "INSERT INTO roles (service, name) SELECT value->>0, value->>1 FROM json_each(?1) \
     WHERE true ON CONFLICT DO NOTHING";

#[derive(Deserialize)]
struct ServiceRow {
    id: i64,
    name: String,
    memo: String,
}

#[derive(Deserialize)]
struct RoleRow {
    service: String,
    name: String,
    memo: String,
}

impl From<RoleRow> for RoleMemo {
    fn from(row: RoleRow) -> Self {
        Self { name: row.name, memo: row.memo }
    }
}

/// Every service, by name: a row read for each, and for each role.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; so for all that follow.
pub async fn list(db: &Db) -> Result<Vec<Service>, StoreError> {
    let outcomes = db.batch([LIST_SERVICES, LIST_ALL_ROLES].map(|sql| Statement::new(sql, vec![])).to_vec()).await?;
    let [services, roles] = outcomes.as_slice() else {
        return Err(StoreError::Corrupt("a batch without its results".to_owned()));
    };
    let mut by_service: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for RoleRow { service, name, .. } in roles.rows()? {
        by_service.entry(service).or_default().push(name);
    }
    let service = |ServiceRow { id, name, memo }| {
        let roles = by_service.remove(&name).unwrap_or_default();
        Service { id, name, memo, roles }
    };
    Ok(services.rows()?.into_iter().map(service).collect())
}

/// A service and its roles, by name; `None` when there is none of this name.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, name: &str) -> Result<Option<(Service, Vec<RoleMemo>)>, StoreError> {
    let statements = [FIND_SERVICE, LIST_ROLES].map(|sql| Statement::new(sql, vec![name.into()]));
    let outcomes = db.batch(statements.to_vec()).await?;
    let [service, roles] = outcomes.as_slice() else {
        return Err(StoreError::Corrupt("a batch without its results".to_owned()));
    };
    let Some(ServiceRow { id, name, memo }) = service.first()? else { return Ok(None) };
    let roles: Vec<RoleMemo> = roles.rows::<RoleRow>()?.into_iter().map(RoleMemo::from).collect();
    let names = roles.iter().map(|role| role.name.clone()).collect();
    Ok(Some((Service { id, name, memo, roles: names }, roles)))
}

/// The statement that inserts a service: it fails where there is one of this name.
pub fn insert(service: &RoleMemo) -> Statement {
    Statement::new(INSERT_SERVICE, vec![service.name.as_str().into(), service.memo.as_str().into()])
}

/// The statement that inserts a role of a service: it fails where there is one of this name, or no such service.
pub fn insert_role(service: &str, role: &RoleMemo) -> Statement {
    let binds = vec![service.into(), role.name.as_str().into(), role.memo.as_str().into()];
    Statement::new(INSERT_ROLE, binds)
}

/// The statements that delete a service with its roles and all documents of theirs.
pub fn delete(service: &str) -> Vec<Statement> {
    vec![metadata::delete_of_service(service), Statement::new(DELETE_SERVICE, vec![service.into()])]
}

/// The statements that delete a role with its documents.
pub fn delete_role(name: &RoleName) -> Vec<Statement> {
    let binds = vec![name.service.as_str().into(), name.role.as_str().into()];
    vec![metadata::delete_of_role(name), Statement::new(DELETE_ROLE, binds)]
}

/// The statements that make those of these roles, and of their services, that there are not yet.
pub fn make_missing(roles: &[RoleName]) -> Vec<Statement> {
    if roles.is_empty() {
        return vec![];
    }
    let list: Bind = role_list(roles);
    [MAKE_SERVICES, MAKE_ROLES].map(|sql| Statement::new(sql, vec![list.clone()])).to_vec()
}
