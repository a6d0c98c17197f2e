//! Table `proxmox_instances`: what agents poll.

use edgewatch_core::model::HostId;
use edgewatch_core::model::proxmox::{Access, Cluster, Endpoint, Instance, InstanceId, InstanceKind, Monitors};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::store::{Db, Outcome, Statement, StoreError};

macro_rules! select_instances {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, name, address, user_name, token_name, secret_sealed, fingerprint, verify_tls, monitor_json, ",
            "cluster_json, collector_id, local_key, created_at_s, ",
            "(SELECT count(*) FROM proxmox_instances before WHERE before.kind = i.kind AND before.id < i.id) AS position ",
            "FROM proxmox_instances i ",
            $rest
        )
    };
}

// Proxmox VE first, then Backup Servers. Source: pulse specification, 9.1.
const LIST: &str = select_instances!("ORDER BY kind DESC, id");
const FIND: &str = select_instances!("WHERE id = ?1");
const INSERT: &str = "INSERT INTO proxmox_instances (kind, name, address, user_name, token_name, secret_sealed, fingerprint, \
     verify_tls, monitor_json, cluster_json, collector_id, local_key, created_at_s) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) RETURNING id";
const UPDATE: &str = "UPDATE proxmox_instances SET name = ?2, address = ?3, user_name = ?4, token_name = ?5, secret_sealed = ?6, \
     fingerprint = ?7, verify_tls = ?8, monitor_json = ?9 WHERE id = ?1 AND kind = ?10 AND name = ?11";
const SET_CLUSTER: &str = "UPDATE proxmox_instances SET cluster_json = ?2 WHERE id = ?1";
const DELETE: &str = "DELETE FROM proxmox_instances WHERE id = ?1 AND name = ?2";
const RETIRE_HOSTS: &str = "UPDATE hosts SET retired_at_s = ?2, secret_hash = 'retired:' || id \
     WHERE id IN (SELECT p.host_id FROM proxmox_instances i JOIN proxmox_hosts p ON p.instance_id = i.id \
     WHERE i.id = ?1 AND i.name = ?3) AND retired_at_s IS NULL RETURNING id";

/// An instance with what is secret of it, sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// The instance.
    pub instance: Instance,
    /// The password, or the token's value; empty where an agent's own file has it.
    pub secret_sealed: String,
    /// Its key in that file.
    pub local_key: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    kind: String,
    name: String,
    address: String,
    user_name: String,
    token_name: String,
    secret_sealed: String,
    fingerprint: String,
    verify_tls: i64,
    monitor_json: String,
    cluster_json: Option<String>,
    collector_id: Option<i64>,
    local_key: Option<String>,
    created_at_s: i64,
    position: u32,
}

#[derive(Deserialize)]
struct IdRow {
    id: i64,
}

/// Switches; what a row of before did not know is on.
#[derive(Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is a switch of its own")]
struct MonitorsWire {
    vms: bool,
    containers: bool,
    storage: bool,
    backups: bool,
    datastores: bool,
    sync_jobs: bool,
    verify_jobs: bool,
    prune_jobs: bool,
    garbage_jobs: bool,
}

impl Default for MonitorsWire {
    fn default() -> Self {
        Monitors::default().into()
    }
}

impl From<Monitors> for MonitorsWire {
    fn from(all: Monitors) -> Self {
        Self {
            vms: all.vms,
            containers: all.containers,
            storage: all.storage,
            backups: all.backups,
            datastores: all.datastores,
            sync_jobs: all.sync_jobs,
            verify_jobs: all.verify_jobs,
            prune_jobs: all.prune_jobs,
            garbage_jobs: all.garbage_jobs,
        }
    }
}

impl From<MonitorsWire> for Monitors {
    fn from(all: MonitorsWire) -> Self {
        Self {
            vms: all.vms,
            containers: all.containers,
            storage: all.storage,
            backups: all.backups,
            datastores: all.datastores,
            sync_jobs: all.sync_jobs,
            verify_jobs: all.verify_jobs,
            prune_jobs: all.prune_jobs,
            garbage_jobs: all.garbage_jobs,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct ClusterWire {
    name: String,
    endpoints: Vec<EndpointWire>,
}

#[derive(Serialize, Deserialize)]
struct EndpointWire {
    node_id: String,
    node_name: String,
    host: String,
    ip: String,
    is_online: bool,
    last_seen_s: Option<i64>,
}

impl From<&Cluster> for ClusterWire {
    fn from(cluster: &Cluster) -> Self {
        let endpoint = |one: &Endpoint| EndpointWire {
            node_id: one.node_id.clone(),
            node_name: one.node_name.clone(),
            host: one.host.clone(),
            ip: one.ip.clone(),
            is_online: one.is_online,
            last_seen_s: one.last_seen.map(|at| at.0),
        };
        Self { name: cluster.name.clone(), endpoints: cluster.endpoints.iter().map(endpoint).collect() }
    }
}

impl From<ClusterWire> for Cluster {
    fn from(cluster: ClusterWire) -> Self {
        let endpoint = |one: EndpointWire| Endpoint {
            node_id: one.node_id,
            node_name: one.node_name,
            host: one.host,
            ip: one.ip,
            is_online: one.is_online,
            last_seen: one.last_seen_s.map(UnixSeconds),
        };
        Self { name: cluster.name, endpoints: cluster.endpoints.into_iter().map(endpoint).collect() }
    }
}

fn corrupt(what: &str, error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("proxmox_instances.{what}: {error}"))
}

impl TryFrom<Row> for Sealed {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let kind = InstanceKind::parse(&row.kind).ok_or_else(|| corrupt("kind", &row.kind))?;
        let monitors: MonitorsWire =
            serde_json::from_str(&row.monitor_json).map_err(|error| corrupt("monitor_json", error))?;
        let cluster: Option<ClusterWire> = row
            .cluster_json
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| corrupt("cluster_json", error))?;
        let has_secret = !row.secret_sealed.is_empty();
        let has_token = has_secret && !row.token_name.is_empty();
        let access = Access {
            user: row.user_name,
            has_password: has_secret && row.token_name.is_empty(),
            token_name: row.token_name,
            has_token,
        };
        let instance = Instance {
            id: InstanceId(row.id),
            kind,
            position: row.position,
            name: row.name,
            host: row.address,
            access,
            fingerprint: row.fingerprint,
            verify_tls: row.verify_tls != 0,
            monitors: monitors.into(),
            cluster: cluster.map(Cluster::from),
            collector: row.collector_id.map(HostId),
            is_local: row.local_key.is_some(),
            created_at: UnixSeconds(row.created_at_s),
        };
        Ok(Self { instance, secret_sealed: row.secret_sealed, local_key: row.local_key })
    }
}

/// Every instance, Proxmox VE first, then by number. Reads each and, for its place, those before it.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] for a row that cannot be read; so for all that follow.
pub async fn list(db: &Db) -> Result<Vec<Sealed>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    rows.into_iter().map(Sealed::try_from).collect()
}

/// An instance by number.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, id: InstanceId) -> Result<Option<Sealed>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![id.0.into()])).await?.first()?;
    row.map(Sealed::try_from).transpose()
}

/// Inserts an instance together with `with` and gives its number; what it has for a number and a place counts for nothing.
///
/// # Errors
/// As [`list`]; not unique where another of its kind has its name.
pub async fn insert(db: &Db, new: &Sealed, with: Vec<Statement>) -> Result<InstanceId, StoreError> {
    let mut statements = vec![inserting(new)?];
    statements.extend(with);
    let outcomes = db.batch(statements).await?;
    let row: Option<IdRow> = outcomes.into_iter().next().map(|outcome| outcome.first()).transpose()?.flatten();
    row.map(|row| InstanceId(row.id)).ok_or_else(|| corrupt("id", "none was given"))
}

/// The statement that inserts an instance: 1 row written.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be written as JSON.
pub fn inserting(new: &Sealed) -> Result<Statement, StoreError> {
    let instance = &new.instance;
    let cluster = instance.cluster.as_ref().map(|cluster| json(&ClusterWire::from(cluster))).transpose()?;
    let binds = vec![
        instance.kind.word().into(),
        instance.name.as_str().into(),
        instance.host.as_str().into(),
        instance.access.user.as_str().into(),
        instance.access.token_name.as_str().into(),
        new.secret_sealed.as_str().into(),
        instance.fingerprint.as_str().into(),
        instance.verify_tls.into(),
        json(&MonitorsWire::from(instance.monitors))?.into(),
        cluster.into(),
        instance.collector.map(|id| id.0).into(),
        new.local_key.clone().into(),
        instance.created_at.0.into(),
    ];
    Ok(Statement::new(INSERT, binds))
}

/// The statement that makes an instance what `new` says, as long as it is still called as it was: 1 row written, none when it is
/// not.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be written as JSON.
pub fn update(new: &Sealed, name_before: &str) -> Result<Statement, StoreError> {
    let instance = &new.instance;
    let binds = vec![
        instance.id.0.into(),
        instance.name.as_str().into(),
        instance.host.as_str().into(),
        instance.access.user.as_str().into(),
        instance.access.token_name.as_str().into(),
        new.secret_sealed.as_str().into(),
        instance.fingerprint.as_str().into(),
        instance.verify_tls.into(),
        json(&MonitorsWire::from(instance.monitors))?.into(),
        instance.kind.word().into(),
        name_before.into(),
    ];
    Ok(Statement::new(UPDATE, binds))
}

/// The statement that notes the cluster that an instance was found to be one of: 1 row written.
///
/// # Errors
/// As [`update`].
pub fn set_cluster(id: InstanceId, cluster: Option<&Cluster>) -> Result<Statement, StoreError> {
    let cluster = cluster.map(|cluster| json(&ClusterWire::from(cluster))).transpose()?;
    Ok(Statement::new(SET_CLUSTER, vec![id.0.into(), cluster.into()]))
}

/// The statements that delete an instance, as long as it is called so, and retire the hosts that are its parts; the first one gives
/// their numbers.
pub fn delete(id: InstanceId, name: &str, now: UnixSeconds) -> Vec<Statement> {
    vec![
        Statement::new(RETIRE_HOSTS, vec![id.0.into(), now.0.into(), name.into()]),
        Statement::new(DELETE, vec![id.0.into(), name.into()]),
    ]
}

/// The numbers in the first outcome of what [`delete`] says.
///
/// # Errors
/// [`StoreError::Corrupt`] when they cannot be read.
pub fn ids(outcome: &Outcome) -> Result<Vec<HostId>, StoreError> {
    let rows: Vec<IdRow> = outcome.rows()?;
    Ok(rows.into_iter().map(|row| HostId(row.id)).collect())
}

fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    fn sealed(kind: InstanceKind, name: &str) -> Sealed {
        let access = Access { token_name: "a@pam!t".to_owned(), has_token: true, ..Access::default() };
        let instance = Instance {
            id: InstanceId(0),
            kind,
            position: 0,
            name: name.to_owned(),
            host: "https://192.0.2.10:8006".to_owned(),
            access,
            fingerprint: String::new(),
            verify_tls: false,
            monitors: Monitors { vms: false, ..Monitors::default() },
            cluster: None,
            collector: None,
            is_local: false,
            created_at: UnixSeconds(5),
        };
        Sealed { instance, secret_sealed: "1:x".to_owned(), local_key: None }
    }

    #[test]
    fn instances_come_back_by_kind_and_number_with_their_places() {
        let db = Db::in_memory().unwrap();
        let (pve, pbs) = (InstanceKind::Pve, InstanceKind::Pbs);
        for (kind, name) in [(pbs, "b"), (pve, "lab"), (pve, "b")] {
            now(insert(&db, &sealed(kind, name), vec![])).unwrap();
        }
        let all = now(list(&db)).unwrap();
        let told: Vec<_> = all.iter().map(|one| (one.instance.name.as_str(), one.instance.position)).collect();
        assert_eq!(told, [("lab", 0), ("b", 1), ("b", 0)]);
        let mut expected = sealed(pve, "b");
        (expected.instance.id, expected.instance.position) = (InstanceId(3), 1);
        assert_eq!(now(find(&db, InstanceId(3))).unwrap(), Some(expected));
        assert!(now(insert(&db, &sealed(pve, "lab"), vec![])).unwrap_err().is_not_unique());
    }

    #[test]
    fn one_is_changed_and_deleted_by_the_name_it_has() {
        let db = Db::in_memory().unwrap();
        let id = now(insert(&db, &sealed(InstanceKind::Pve, "lab"), vec![])).unwrap();
        let mut new = now(find(&db, id)).unwrap().unwrap();
        new.instance.name = "home".to_owned();
        new.instance.access = Access { user: "a@pam".to_owned(), has_password: true, ..Access::default() };
        assert_eq!(now(db.run(update(&new, "other").unwrap())).unwrap().changes, 0);
        assert_eq!(now(db.run(update(&new, "lab").unwrap())).unwrap().changes, 1);
        let endpoint = Endpoint { node_name: "pve1".to_owned(), is_online: true, ..Endpoint::default() };
        let cluster = Cluster { name: "c".to_owned(), endpoints: vec![endpoint] };
        now(db.run(set_cluster(id, Some(&cluster)).unwrap())).unwrap();
        new.instance.cluster = Some(cluster);
        assert_eq!(now(find(&db, id)).unwrap(), Some(new));
        now(db.batch(delete(id, "lab", UnixSeconds(9)))).unwrap();
        assert_eq!(now(list(&db)).unwrap().len(), 1);
        now(db.batch(delete(id, "home", UnixSeconds(9)))).unwrap();
        assert_eq!(now(list(&db)).unwrap().len(), 0);
    }
}
