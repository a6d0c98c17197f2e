//! Tables `host_details` and `host_roles`, as the hub needs them: which hosts are to be watched, and by whom.

use std::collections::BTreeMap;

use edgewatch_core::model::{HostId, HostStanding, HostStatus, RoleName};
use serde::Deserialize;

use crate::store::{Bind, Db, Statement, StoreError};

const STATUSES: &str = "SELECT host_id, status FROM host_details WHERE status <> 'working'";
const ROLES: &str = "SELECT host_id, service, role FROM host_roles ORDER BY host_id, service, role";
const STATUSES_OF: &str = "SELECT host_id, status FROM host_details WHERE host_id IN (SELECT value FROM json_each(?1))";
const ROLES_OF: &str = "SELECT host_id, service, role FROM host_roles WHERE host_id IN (SELECT value FROM json_each(?1)) \
     ORDER BY host_id, service, role";

#[derive(Deserialize)]
struct StatusRow {
    host_id: i64,
    status: String,
}

#[derive(Deserialize)]
struct RoleRow {
    host_id: i64,
    service: String,
    role: String,
}

/// The hosts among these, or of all, of which there is something to say: a row read for each status but that of hosts that work, and
/// one for each role.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] for a status that there is not.
pub async fn list(db: &Db, ids: Option<&[HostId]>) -> Result<BTreeMap<HostId, HostStanding>, StoreError> {
    let statements = match ids {
        Some(ids) => {
            let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
            let ids = Bind::from(serde_json::Value::from(ids).to_string());
            [STATUSES_OF, ROLES_OF].map(|sql| Statement::new(sql, vec![ids.clone()]))
        }
        None => [STATUSES, ROLES].map(|sql| Statement::new(sql, vec![])),
    };
    let outcomes = db.batch(statements.to_vec()).await?;
    let [statuses, roles] = outcomes.as_slice() else {
        return Err(StoreError::Corrupt("a batch without its results".to_owned()));
    };
    let mut all: BTreeMap<HostId, HostStanding> = BTreeMap::new();
    for StatusRow { host_id, status } in statuses.rows()? {
        let status = HostStatus::parse(&status).ok_or_else(|| StoreError::Corrupt(format!("status {status}")))?;
        all.entry(HostId(host_id)).or_default().status = status;
    }
    for RoleRow { host_id, service, role } in roles.rows()? {
        all.entry(HostId(host_id)).or_default().roles.push(RoleName { service, role });
    }
    Ok(all)
}
