//! Table `hosts`: one row per monitored machine, read together with its row in `host_states`.

use edgewatch_core::model::{Addresses, Facts, Host, HostClass, HostId, Presence, Sample, Temperature};
use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde::Deserialize;

use super::machine::machine;
use super::mackerel::hosts::{Said, said};
use super::{Bind, Db, Statement, StoreError};

macro_rules! select_hosts {
    ($rest:literal) => {
        select_hosts!("NULL", $rest)
    };
    ($machine:literal, $rest:literal) => {
        concat!(
            "SELECT h.id, h.public_id, h.uuid, h.class, h.parent_id, h.name, h.tag, h.tags_json, h.absorbed_json, h.note, h.public_note, h.display_index, h.hidden_for_guest, h.registered_at_s, ",
            "s.presence, s.last_seen_s, s.ipv4, s.ipv6, s.country_code, s.agent_version, s.platform, s.platform_version, ",
            "s.kernel, s.arch, s.virtualization, s.cpu_models_json, s.gpu_models_json, s.mem_total_bytes, s.swap_total_bytes, ",
            "s.disk_total_bytes, s.booted_at_s, s.last_number, s.sampled_at_ms, s.cpu_percent, s.mem_used_bytes, ",
            "s.swap_used_bytes, s.disk_used_bytes, s.net_in_bytes, s.net_out_bytes, s.net_in_bytes_per_s, ",
            "s.net_out_bytes_per_s, s.uptime_s, s.load1, s.load5, s.load15, s.tcp_connections, s.udp_connections, ",
            "s.processes, s.gpu_percent, s.temperatures_json, h.secret_hash, s.addresses_fixed, ",
            "s.facts_json, ",
            $machine,
            " AS machine_json FROM hosts h JOIN host_states s ON s.host_id = h.id WHERE h.retired_at_s IS NULL ",
            $rest
        )
    };
}

// Sorted by id alone, which the table is; a sort by another column would read every row once more.
const LIST_ALL: &str = select_hosts!("ORDER BY h.id");
const LIST_BY_TAG: &str = select_hosts!("AND h.tag = ?1 ORDER BY h.id");
const LIST_BY_IDS: &str = select_hosts!("AND h.id IN (SELECT value FROM json_each(?1)) ORDER BY h.id");
const LIST_ALL_ENROLLED: &str = select_hosts!("s.machine_json", "ORDER BY h.id");
const LIST_ENROLLED_BY_IDS: &str =
    select_hosts!("s.machine_json", "AND h.id IN (SELECT value FROM json_each(?1)) ORDER BY h.id");
const FIND_BY_SECRET: &str =
    "SELECT h.id, h.machine_id FROM hosts h WHERE h.secret_hash = ?1 AND h.retired_at_s IS NULL";
const FIND_ID_BY_MACHINE: &str =
    "SELECT id, machine_id FROM hosts WHERE machine_id = ?1 AND retired_at_s IS NULL ORDER BY id LIMIT 1";
const INSERT: &str = "INSERT INTO hosts (public_id, uuid, name, tag, note, hidden_for_guest, secret_hash, machine_id, \
     registered_at_s, registered_by_token_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const INSERT_STATE: &str = "INSERT INTO host_states (host_id) SELECT id FROM hosts WHERE secret_hash = ?1";

/// A host about to be inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHost {
    /// Eleven characters of base58.
    pub public_id: String,
    /// A UUID.
    pub uuid: String,
    /// What people call it.
    pub name: String,
    /// Its group.
    pub tag: String,
    /// A note.
    pub note: String,
    /// Whether guests may see it.
    pub hidden_for_guest: bool,
    /// SHA-256 of its secret.
    pub secret_hash: String,
    /// What tells its machine from another.
    pub machine_id: Option<String>,
    /// When.
    pub registered_at: UnixSeconds,
    /// The token that registers it, when it is a token.
    pub by_token_id: Option<i64>,
}

/// The host a secret belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Which host.
    pub id: HostId,
    /// What tells its machine from another.
    pub machine_id: Option<String>,
}

#[derive(Deserialize)]
struct KnownRow {
    id: i64,
    machine_id: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    public_id: String,
    uuid: String,
    class: String,
    parent_id: Option<i64>,
    name: String,
    tag: String,
    tags_json: String,
    absorbed_json: String,
    note: String,
    public_note: String,
    display_index: i64,
    hidden_for_guest: i64,
    registered_at_s: i64,
    presence: i64,
    last_seen_s: Option<i64>,
    ipv4: String,
    ipv6: String,
    country_code: String,
    agent_version: String,
    platform: Option<String>,
    platform_version: Option<String>,
    kernel: Option<String>,
    arch: Option<String>,
    virtualization: Option<String>,
    cpu_models_json: Option<String>,
    gpu_models_json: Option<String>,
    mem_total_bytes: Option<u64>,
    swap_total_bytes: Option<u64>,
    disk_total_bytes: Option<u64>,
    booted_at_s: Option<i64>,
    last_number: u64,
    sampled_at_ms: Option<i64>,
    cpu_percent: Option<f64>,
    mem_used_bytes: Option<u64>,
    swap_used_bytes: Option<u64>,
    disk_used_bytes: Option<u64>,
    net_in_bytes: Option<u64>,
    net_out_bytes: Option<u64>,
    net_in_bytes_per_s: Option<u64>,
    net_out_bytes_per_s: Option<u64>,
    uptime_s: Option<u64>,
    load1: Option<f64>,
    load5: Option<f64>,
    load15: Option<f64>,
    tcp_connections: Option<u64>,
    udp_connections: Option<u64>,
    processes: Option<u64>,
    gpu_percent: Option<f64>,
    temperatures_json: Option<String>,
    secret_hash: String,
    addresses_fixed: i64,
    facts_json: Option<String>,
    machine_json: Option<String>,
}

/// A host with what the hub needs to know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrolled {
    /// The host.
    pub host: Host,
    /// SHA-256 of its agent's secret.
    pub secret_hash: String,
    /// Whether its administrator set its addresses.
    pub addresses_fixed: bool,
    /// Samples up to this number are stored, as far as the database was told.
    pub last_number: u64,
    /// What it is and the version of its agent, where Mackerel's API said so and not the host to the hub. It is in `host` too.
    pub said: Option<Said>,
}

/// The hosts among `ids` that exist, or every host, for the hub. Reads 2 rows a host.
///
/// # Errors
/// As [`list_all`].
pub async fn list_enrolled(db: &Db, ids: Option<&[HostId]>) -> Result<Vec<Enrolled>, StoreError> {
    let statement = match ids {
        Some(ids) => Statement::new(LIST_ENROLLED_BY_IDS, vec![id_list(ids)]),
        None => Statement::new(LIST_ALL_ENROLLED, vec![]),
    };
    let rows: Vec<Row> = db.run(statement).await?.rows()?;
    let enrolled = |row: Row| {
        let (secret_hash, addresses_fixed, last_number) =
            (row.secret_hash.clone(), row.addresses_fixed != 0, row.last_number);
        let said = row.facts_json.as_deref().map(said).transpose()?;
        Ok(Enrolled { host: Host::try_from(row)?, secret_hash, addresses_fixed, last_number, said })
    };
    rows.into_iter().map(enrolled).collect()
}

/// Every host, highest display index first, then by id. Reads 2 rows a host.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when a column holds what the model cannot.
pub async fn list_all(db: &Db) -> Result<Vec<Host>, StoreError> {
    list(db, Statement::new(LIST_ALL, vec![])).await.map(by_display_index)
}

/// The hosts of one group, highest display index first, then by id.
///
/// # Errors
/// As [`list_all`].
pub async fn list_by_tag(db: &Db, tag: &str) -> Result<Vec<Host>, StoreError> {
    list(db, Statement::new(LIST_BY_TAG, vec![Bind::from(tag)])).await.map(by_display_index)
}

/// The hosts among `ids` that exist, by id. One bound parameter, however many ids.
///
/// # Errors
/// As [`list_all`].
pub async fn list_by_ids(db: &Db, ids: &[HostId]) -> Result<Vec<Host>, StoreError> {
    list(db, Statement::new(LIST_BY_IDS, vec![id_list(ids)])).await
}

fn id_list(ids: &[HostId]) -> Bind {
    let numbers: Vec<String> = ids.iter().map(|id| id.0.to_string()).collect();
    Bind::from(format!("[{}]", numbers.join(",")))
}

/// The host whose secret has this hash.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn find_by_secret(db: &Db, secret_hash: &str) -> Result<Option<Known>, StoreError> {
    find_known(db, Statement::new(FIND_BY_SECRET, vec![Bind::from(secret_hash)])).await
}

/// The oldest host of this machine.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn find_by_machine(db: &Db, machine_id: &str) -> Result<Option<Known>, StoreError> {
    find_known(db, Statement::new(FIND_ID_BY_MACHINE, vec![Bind::from(machine_id)])).await
}

/// The statements that insert a host and its empty state, to be run in one batch.
pub fn insert(host: NewHost) -> Vec<Statement> {
    let secret_hash = host.secret_hash.clone();
    vec![
        Statement::new(
            INSERT,
            vec![
                host.public_id.into(),
                host.uuid.into(),
                host.name.into(),
                host.tag.into(),
                host.note.into(),
                host.hidden_for_guest.into(),
                host.secret_hash.into(),
                host.machine_id.into(),
                host.registered_at.0.into(),
                host.by_token_id.into(),
            ],
        ),
        Statement::new(INSERT_STATE, vec![secret_hash.into()]),
    ]
}

/// Highest display index first; hosts of the same index stay by id.
fn by_display_index(mut hosts: Vec<Host>) -> Vec<Host> {
    hosts.sort_by_key(|host| std::cmp::Reverse(host.display_index));
    hosts
}

async fn find_known(db: &Db, statement: Statement) -> Result<Option<Known>, StoreError> {
    let row: Option<KnownRow> = db.run(statement).await?.first()?;
    Ok(row.map(|row| Known { id: HostId(row.id), machine_id: row.machine_id }))
}

async fn list(db: &Db, statement: Statement) -> Result<Vec<Host>, StoreError> {
    let rows: Vec<Row> = db.run(statement).await?.rows()?;
    rows.into_iter().map(Host::try_from).collect()
}

/// A sensor as `temperatures_json` holds it: name and degrees Celsius.
pub(super) type StoredSensor = (String, f64);

fn parse<T: serde::de::DeserializeOwned + Default>(column: &str, text: Option<String>) -> Result<T, StoreError> {
    let Some(text) = text else {
        return Ok(T::default());
    };
    serde_json::from_str(&text).map_err(|error| StoreError::Corrupt(format!("{column}: {error}")))
}

/// Labels as they are stored.
pub(super) fn tags(json: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Corrupt(format!("tags_json: {error}")))
}

/// Numbers of hosts as they are stored.
pub(super) fn absorbed(json: &str) -> Result<Vec<HostId>, StoreError> {
    let ids: Vec<i64> =
        serde_json::from_str(json).map_err(|error| StoreError::Corrupt(format!("absorbed_json: {error}")))?;
    Ok(ids.into_iter().map(HostId).collect())
}

/// Labels to be stored.
pub(super) fn tags_json(tags: &[String]) -> String {
    serde_json::Value::from(tags.to_vec()).to_string()
}

pub(super) fn class(word: &str) -> Result<HostClass, StoreError> {
    HostClass::parse(word).ok_or_else(|| StoreError::Corrupt(format!("class of host {word:?}")))
}

pub(super) fn presence(number: i64) -> Result<Presence, StoreError> {
    match number {
        0 => Ok(Presence::Never),
        1 => Ok(Presence::Online),
        2 => Ok(Presence::Offline),
        other => Err(StoreError::Corrupt(format!("presence {other}"))),
    }
}

impl TryFrom<Row> for Host {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let facts = match row.platform {
            None => None,
            Some(platform) => Some(Facts {
                platform,
                platform_version: row.platform_version.unwrap_or_default(),
                kernel: row.kernel.unwrap_or_default(),
                arch: row.arch.unwrap_or_default(),
                virtualization: row.virtualization.unwrap_or_default(),
                cpu: parse("cpu_models_json", row.cpu_models_json)?,
                gpu: parse("gpu_models_json", row.gpu_models_json)?,
                mem_total_bytes: row.mem_total_bytes.unwrap_or_default(),
                swap_total_bytes: row.swap_total_bytes.unwrap_or_default(),
                disk_total_bytes: row.disk_total_bytes.unwrap_or_default(),
                booted_at: UnixSeconds(row.booted_at_s.unwrap_or_default()),
                addresses: None,
                machine: machine(row.machine_json)?,
            }),
        };
        let (facts, agent_version) = match row.facts_json.as_deref().map(said).transpose()? {
            Some(Said { facts: of_meta, agent_version }) => {
                let version = if agent_version.is_empty() { row.agent_version } else { agent_version };
                (Some(facts.unwrap_or_default().with(of_meta)), version)
            }
            None => (facts, row.agent_version),
        };
        let newest = match row.sampled_at_ms {
            None => None,
            Some(at_ms) => {
                let sensors: Vec<StoredSensor> = parse("temperatures_json", row.temperatures_json)?;
                let temperature = |(name, celsius)| Temperature { name, celsius };
                Some(Sample {
                    number: row.last_number,
                    at: UnixMillis(at_ms),
                    cpu_percent: row.cpu_percent,
                    mem_used_bytes: row.mem_used_bytes,
                    swap_used_bytes: row.swap_used_bytes,
                    disk_used_bytes: row.disk_used_bytes,
                    net_in_bytes: row.net_in_bytes,
                    net_out_bytes: row.net_out_bytes,
                    net_in_bytes_per_s: row.net_in_bytes_per_s,
                    net_out_bytes_per_s: row.net_out_bytes_per_s,
                    uptime_s: row.uptime_s,
                    load1: row.load1,
                    load5: row.load5,
                    load15: row.load15,
                    tcp_connections: row.tcp_connections,
                    udp_connections: row.udp_connections,
                    processes: row.processes,
                    gpu_percent: row.gpu_percent,
                    temperatures: sensors.into_iter().map(temperature).collect(),
                    named: vec![],
                    probes: vec![],
                })
            }
        };
        Ok(Self {
            id: HostId(row.id),
            public_id: row.public_id,
            uuid: row.uuid,
            class: class(&row.class)?,
            parent: row.parent_id.map(HostId),
            name: row.name,
            tag: row.tag,
            tags: tags(&row.tags_json)?,
            absorbed: absorbed(&row.absorbed_json)?,
            note: row.note,
            public_note: row.public_note,
            display_index: row.display_index,
            hidden_for_guest: row.hidden_for_guest != 0,
            registered_at: UnixSeconds(row.registered_at_s),
            presence: presence(row.presence)?,
            last_seen: row.last_seen_s.map(UnixSeconds),
            addresses: Addresses { v4: row.ipv4, v6: row.ipv6 },
            country_code: row.country_code,
            agent_version,
            facts,
            newest,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::store::db::now;

    /// A host to insert, told apart by its name.
    pub fn new_host(name: &str, tag: &str) -> NewHost {
        NewHost {
            public_id: format!("id-{name}"),
            uuid: format!("uuid-{name}"),
            name: name.to_owned(),
            tag: tag.to_owned(),
            note: String::new(),
            hidden_for_guest: true,
            secret_hash: format!("hash-{name}"),
            machine_id: Some(format!("machine-{name}")),
            registered_at: UnixSeconds(1_795_361_190),
            by_token_id: None,
        }
    }

    #[test]
    fn a_fresh_host_is_listed_and_has_said_nothing() {
        const RAISE: &str = "UPDATE hosts SET display_index = 7 WHERE id = 2";
        let db = Db::in_memory().unwrap();
        now(db.batch(insert(new_host("alpha", "eu")))).unwrap();
        now(db.batch(insert(new_host("beta", "us")))).unwrap();
        let all = now(list_all(&db)).unwrap();
        assert_eq!(all.iter().map(|host| host.id.0).collect::<Vec<_>>(), [1, 2]);
        now(db.run(Statement::new(RAISE, vec![]))).unwrap();
        let raised = now(list_all(&db)).unwrap();
        assert_eq!(raised.iter().map(|host| host.id.0).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((all[0].last_seen, all[0].facts.as_ref(), all[0].newest.as_ref()), (None, None, None));
        assert_eq!(all[0].presence, Presence::Never);
        assert!(all[0].hidden_for_guest);
        assert_eq!(now(list_by_tag(&db, "us")).unwrap()[0].name, "beta");
        assert_eq!(now(list_by_tag(&db, "US")).unwrap(), []);
        assert_eq!(now(list_by_ids(&db, &[HostId(2), HostId(9)])).unwrap().len(), 1);
        assert_eq!(now(list_by_ids(&db, &[])).unwrap(), []);
    }

    #[test]
    fn a_host_is_found_by_its_secret_and_its_machine() {
        let db = Db::in_memory().unwrap();
        now(db.batch(insert(new_host("alpha", "")))).unwrap();
        let known = Known { id: HostId(1), machine_id: Some("machine-alpha".to_owned()) };
        assert_eq!(now(find_by_secret(&db, "hash-alpha")).unwrap(), Some(known.clone()));
        assert_eq!(now(find_by_machine(&db, "machine-alpha")).unwrap(), Some(known));
        assert_eq!(now(find_by_secret(&db, "hash-beta")).unwrap(), None);
    }

    #[test]
    fn the_same_secret_twice_is_refused_and_leaves_nothing() {
        let db = Db::in_memory().unwrap();
        now(db.batch(insert(new_host("alpha", "")))).unwrap();
        assert!(now(db.batch(insert(new_host("alpha", "")))).is_err());
        assert_eq!(now(list_all(&db)).unwrap().len(), 1);
    }
}
