//! Tables `host_details` and `host_roles`: what is changed of them; and what hosts say they are, in `host_states`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use edgewatch_core::model::{Facts, HostDetails, HostId, HostMeta, HostStatus, Interface, Machine, RoleName};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::store::{Bind, Db, Statement, StoreError};

const INSERT: &str = "INSERT INTO host_details (host_id, display_name, custom_identifier, memo, kind, meta_json, \
     interfaces_json) SELECT id, ?2, ?3, ?4, ?5, ?6, ?7 FROM hosts WHERE secret_hash = ?1";
const PUT: &str = "INSERT INTO host_details (host_id, display_name, custom_identifier, memo, kind, meta_json, \
     interfaces_json) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (host_id) DO UPDATE SET \
     display_name = excluded.display_name, custom_identifier = excluded.custom_identifier, memo = excluded.memo, \
     kind = excluded.kind, meta_json = excluded.meta_json, interfaces_json = excluded.interfaces_json WHERE is_retired = 0";
const SAY_NEW: &str =
    "UPDATE host_states SET facts_json = ?2 WHERE host_id = (SELECT id FROM hosts WHERE secret_hash = ?1)";
const SAY: &str = "UPDATE host_states SET facts_json = ?2 WHERE host_id = ?1";
const RENAME: &str = "UPDATE hosts SET name = ?2 WHERE id = ?1 AND retired_at_s IS NULL";
const SET_STATUS: &str = "INSERT INTO host_details (host_id, status) SELECT id, ?2 FROM hosts \
     WHERE id IN (SELECT value FROM json_each(?1)) AND retired_at_s IS NULL \
     ON CONFLICT (host_id) DO UPDATE SET status = excluded.status WHERE status <> excluded.status";
// What is NULL stays as it is.
const PUT_SAID: &str = "INSERT INTO host_details (host_id, status, memo) SELECT id, coalesce(?2, 'working'), coalesce(?3, '') \
     FROM hosts WHERE id = ?1 AND retired_at_s IS NULL \
     ON CONFLICT (host_id) DO UPDATE SET status = coalesce(?2, status), memo = coalesce(?3, memo)";
const INSERT_SAID: &str = "INSERT INTO host_details (host_id, status, memo) SELECT id, coalesce(?2, 'working'), \
     coalesce(?3, '') FROM hosts WHERE secret_hash = ?1";
const RETIRE: &str =
    "UPDATE host_details SET is_retired = 1 WHERE host_id IN (SELECT value FROM json_each(?1)) AND is_retired = 0";
const ADD_ROLES_NEW: &str = "INSERT INTO host_roles (host_id, service, role) SELECT h.id, j.value->>0, j.value->>1 \
     FROM hosts h, json_each(?2) j WHERE h.secret_hash = ?1 ON CONFLICT DO NOTHING";
const ADD_ROLES: &str = "INSERT INTO host_roles (host_id, service, role) SELECT ?1, value->>0, value->>1 \
     FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING";
const DROP_ROLES: &str = "DELETE FROM host_roles WHERE host_id = ?1 \
     AND json_array(service, role) NOT IN (SELECT json_array(value->>0, value->>1) FROM json_each(?2))";
const LIST_IDS: &str = "SELECT id, public_id, retired_at_s FROM hosts WHERE public_id IN (SELECT value FROM json_each(?2)) \
     AND (?1 IS NULL OR registered_by_token_id = ?1)";
const LIST_PUBLIC_IDS: &str =
    "SELECT id, public_id, retired_at_s FROM hosts WHERE id IN (SELECT value FROM json_each(?1))";

#[derive(Deserialize)]
struct IdRow {
    id: i64,
    public_id: String,
    retired_at_s: Option<i64>,
}

/// A host as it is named from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its number.
    pub id: HostId,
    /// Its public id.
    pub public_id: String,
    /// When it was retired.
    pub retired_at: Option<UnixSeconds>,
}

/// What a machine says that it is, as it is stored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Said {
    /// What it is.
    pub facts: Facts,
    /// The version of its agent, or empty.
    pub agent_version: String,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct SaidRow {
    agent_version: String,
    platform: String,
    platform_version: String,
    kernel: String,
    arch: String,
    cpu: Vec<String>,
    mem_total_bytes: u64,
    swap_total_bytes: u64,
    disk_total_bytes: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interfaces: Vec<InterfaceRow>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct InterfaceRow {
    name: String,
    mac: String,
    v4: Vec<Ipv4Addr>,
    v6: Vec<Ipv6Addr>,
}

impl From<&Interface> for InterfaceRow {
    fn from(one: &Interface) -> Self {
        Self { name: one.name.clone(), mac: one.mac.clone(), v4: one.v4.clone(), v6: one.v6.clone() }
    }
}

impl From<InterfaceRow> for Interface {
    fn from(row: InterfaceRow) -> Self {
        Self { name: row.name, mac: row.mac, v4: row.v4, v6: row.v6 }
    }
}

/// What a machine says that it is, to be stored.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be written.
pub fn said_json(meta: &HostMeta) -> Result<String, StoreError> {
    let facts = meta.facts.clone();
    let row = SaidRow {
        agent_version: meta.agent_version.clone(),
        platform: facts.platform,
        platform_version: facts.platform_version,
        kernel: facts.kernel,
        arch: facts.arch,
        cpu: facts.cpu,
        mem_total_bytes: facts.mem_total_bytes,
        swap_total_bytes: facts.swap_total_bytes,
        disk_total_bytes: facts.disk_total_bytes,
        interfaces: facts.machine.iter().flat_map(|machine| &machine.interfaces).map(InterfaceRow::from).collect(),
    };
    serde_json::to_string(&row).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// What [`said_json`] stored.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be read.
pub fn said(json: &str) -> Result<Said, StoreError> {
    let row: SaidRow =
        serde_json::from_str(json).map_err(|error| StoreError::Corrupt(format!("facts_json: {error}")))?;
    let interfaces: Vec<Interface> = row.interfaces.into_iter().map(Interface::from).collect();
    let facts = Facts {
        platform: row.platform,
        platform_version: row.platform_version,
        kernel: row.kernel,
        arch: row.arch,
        cpu: row.cpu,
        mem_total_bytes: row.mem_total_bytes,
        swap_total_bytes: row.swap_total_bytes,
        disk_total_bytes: row.disk_total_bytes,
        machine: (!interfaces.is_empty()).then(|| Arc::new(Machine { interfaces, ..Machine::default() })),
        ..Facts::default()
    };
    Ok(Said { facts, agent_version: row.agent_version })
}

fn binds(host: Bind, details: &HostDetails) -> Vec<Bind> {
    vec![
        host,
        details.display_name.as_deref().into(),
        details.custom_identifier.as_deref().into(),
        details.memo.as_str().into(),
        details.kind.word().into(),
        details.meta_json.as_deref().into(),
        details.interfaces_json.as_deref().into(),
    ]
}

/// The statements that say this of a host with this secret, just inserted, and what it says it is; it works. 2 rows written, 4 with
/// an identifier.
pub fn insert(secret_hash: &str, details: &HostDetails, facts_json: &str) -> Vec<Statement> {
    let said = Statement::new(SAY_NEW, vec![secret_hash.into(), facts_json.into()]);
    vec![Statement::new(INSERT, binds(secret_hash.into(), details)), said]
}

/// The statement that says this of a host, its status aside: 1 row written.
pub fn put(id: HostId, details: &HostDetails) -> Statement {
    Statement::new(PUT, binds(id.0.into(), details))
}

/// The statement that stores what a host says it is: 1 row written.
pub fn say(id: HostId, facts_json: &str) -> Statement {
    Statement::new(SAY, vec![id.0.into(), facts_json.into()])
}

/// The statement that gives a host another name: 2 rows written.
pub fn rename(id: HostId, name: &str) -> Statement {
    Statement::new(RENAME, vec![id.0.into(), name.into()])
}

/// The statement that gives live hosts a status: at most 2 rows written for each that has another.
pub fn set_status(ids: &[HostId], status: HostStatus) -> Statement {
    Statement::new(SET_STATUS, vec![id_list(ids), status.word().into()])
}

/// The statement that sets a host's status and note, as far as they are given: at most 2 rows written.
pub fn put_said(id: HostId, status: Option<HostStatus>, memo: Option<&str>) -> Statement {
    Statement::new(PUT_SAID, vec![id.0.into(), status.map(HostStatus::word).into(), memo.into()])
}

/// As [`put_said`] of a host with this secret, just inserted.
pub fn insert_said(secret_hash: &str, status: Option<HostStatus>, memo: Option<&str>) -> Statement {
    Statement::new(INSERT_SAID, vec![secret_hash.into(), status.map(HostStatus::word).into(), memo.into()])
}

/// The statement that frees the identifiers of hosts that are retired with it.
pub fn retire(ids: &[HostId]) -> Statement {
    Statement::new(RETIRE, vec![id_list(ids)])
}

/// The statement that gives roles, which there have to be, to a host with this secret, just inserted.
pub fn add_roles_to_new(secret_hash: &str, roles: &[RoleName]) -> Statement {
    Statement::new(ADD_ROLES_NEW, vec![secret_hash.into(), role_list(roles)])
}

/// The statement that gives a host roles, which there have to be: 2 rows written for each that it does not have.
pub fn add_roles(id: HostId, roles: &[RoleName]) -> Statement {
    Statement::new(ADD_ROLES, vec![id.0.into(), role_list(roles)])
}

/// The statement that takes all roles but these from a host.
pub fn keep_roles(id: HostId, roles: &[RoleName]) -> Statement {
    Statement::new(DROP_ROLES, vec![id.0.into(), role_list(roles)])
}

/// A JSON list of pairs.
pub(super) fn role_list(roles: &[RoleName]) -> Bind {
    let pairs: Vec<serde_json::Value> = roles.iter().map(|name| serde_json::json!([name.service, name.role])).collect();
    Bind::from(serde_json::Value::from(pairs).to_string())
}

/// The public ids of hosts, retired or not: a row read for each.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list_public_ids(db: &Db, ids: &[HostId]) -> Result<BTreeMap<HostId, String>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<IdRow> = db.run(Statement::new(LIST_PUBLIC_IDS, vec![id_list(ids)])).await?.rows()?;
    Ok(rows.into_iter().map(|row| (HostId(row.id), row.public_id)).collect())
}

fn id_list(ids: &[HostId]) -> Bind {
    let numbers: Vec<String> = ids.iter().map(|id| id.0.to_string()).collect();
    Bind::from(format!("[{}]", numbers.join(",")))
}

/// The hosts with these public ids, retired or not; of the token's alone, where one is named.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list_ids(db: &Db, made_by: Option<i64>, public_ids: &[String]) -> Result<Vec<Named>, StoreError> {
    let list = serde_json::Value::from(public_ids.to_vec()).to_string();
    let rows: Vec<IdRow> = db.run(Statement::new(LIST_IDS, vec![made_by.into(), list.into()])).await?.rows()?;
    let named = |row: IdRow| Named {
        id: HostId(row.id),
        public_id: row.public_id,
        retired_at: row.retired_at_s.map(UnixSeconds),
    };
    Ok(rows.into_iter().map(named).collect())
}

#[cfg(test)]
mod tests {
    use edgewatch_core::model::HostKind;

    use super::*;

    #[test]
    fn what_a_machine_says_is_read_as_it_was_said() {
        let interface = Interface {
            name: "eth0".to_owned(),
            mac: "02:00:00:00:00:01".to_owned(),
            v4: vec![Ipv4Addr::new(192, 0, 2, 2)],
            v6: vec![Ipv6Addr::LOCALHOST],
        };
        let machine = Machine { interfaces: vec![interface], ..Machine::default() };
        let facts = Facts {
            platform: "debian".to_owned(),
            cpu: vec!["Example 4 Physical Core".to_owned()],
            swap_total_bytes: 5,
            machine: Some(Arc::new(machine)),
            ..Facts::default()
        };
        let meta = |facts: &Facts| HostMeta {
            json: "{}".to_owned(),
            kind: HostKind::Agent,
            agent_version: "0.87.1".to_owned(),
            facts: facts.clone(),
        };
        let back = said(&said_json(&meta(&facts)).unwrap()).unwrap();
        assert_eq!(back, Said { facts, agent_version: "0.87.1".to_owned() });
        let bare = said(&said_json(&meta(&Facts::default())).unwrap()).unwrap();
        assert_eq!(bare.facts.machine, None);
        // As it was stored before interfaces were.
        assert_eq!(said(r#"{"platform":"debian"}"#).unwrap().facts.platform, "debian");
    }
}
