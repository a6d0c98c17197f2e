//! Table `host_details`, read together with the host, its state and its roles.

use edgewatch_core::model::{
    Addresses, DetailedHost, Facts, Host, HostDetails, HostFilter, HostId, HostKind, HostStatus, RoleName,
};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::hosts::said;
use crate::store::machine::machine;
use crate::store::{Bind, Db, Statement, StoreError, hosts};

// ?1: the token whose hosts alone are wanted, or NULL.
macro_rules! select_detailed {
    ($rest:literal) => {
        concat!(
            "SELECT h.id, h.public_id, h.uuid, h.class, h.parent_id, h.name, h.tag, h.tags_json, h.absorbed_json, h.note, h.public_note, h.display_index, h.hidden_for_guest, ",
            "h.registered_at_s, h.retired_at_s, s.presence, s.last_seen_s, s.ipv4, s.ipv6, s.country_code, s.agent_version, ",
            "s.platform, s.platform_version, s.kernel, s.arch, s.virtualization, s.cpu_models_json, s.gpu_models_json, s.mem_total_bytes, ",
            "s.swap_total_bytes, s.disk_total_bytes, s.booted_at_s, d.status, d.display_name, d.custom_identifier, d.memo, d.kind, ",
            "d.meta_json, d.interfaces_json, s.facts_json, s.machine_json, ",
            "(SELECT json_group_array(json_array(r.service, r.role)) FROM host_roles r WHERE r.host_id = h.id) AS roles_json ",
            "FROM hosts h JOIN host_states s ON s.host_id = h.id LEFT JOIN host_details d ON d.host_id = h.id ",
            "WHERE (?1 IS NULL OR h.registered_by_token_id = ?1) AND ",
            $rest
        )
    };
}

// Each begins with what leaves the fewest hosts; what else is asked is looked at in the rows.
const LIST_ALL: &str = select_detailed!("h.retired_at_s IS NULL ORDER BY h.id");
const LIST_BY_NAME: &str = select_detailed!("h.retired_at_s IS NULL AND h.name = ?2 ORDER BY h.id");
const LIST_BY_IDENTIFIER: &str = select_detailed!(
    "h.retired_at_s IS NULL AND h.id IN (SELECT host_id FROM host_details WHERE is_retired = 0 \
     AND custom_identifier IS NOT NULL AND custom_identifier IN (?2, ?3)) ORDER BY h.id"
);
const LIST_BY_IDENTIFIER_NOCASE: &str = select_detailed!(
    "h.retired_at_s IS NULL AND h.id IN (SELECT host_id FROM host_details WHERE is_retired = 0 \
     AND custom_identifier IS NOT NULL AND custom_identifier COLLATE NOCASE IN (?2, ?3)) ORDER BY h.id"
);
const LIST_BY_SERVICE: &str = select_detailed!(
    "h.retired_at_s IS NULL AND h.id IN (SELECT host_id FROM host_roles WHERE service = ?2) ORDER BY h.id"
);
const LIST_BY_ROLES: &str = select_detailed!(
    "h.retired_at_s IS NULL AND h.id IN (SELECT host_id FROM host_roles WHERE service = ?2 \
     AND role IN (SELECT value FROM json_each(?3))) ORDER BY h.id"
);
const LIST_BY_STATUS: &str = select_detailed!(
    "h.retired_at_s IS NULL AND h.id IN (SELECT host_id FROM host_details WHERE status <> 'working' \
     AND status IN (SELECT value FROM json_each(?2))) ORDER BY h.id"
);
const FIND: &str = select_detailed!("h.public_id = ?2");
const FIND_LIVE: &str = select_detailed!("h.id = ?2 AND h.retired_at_s IS NULL");
const LIST_PAGE: &str = select_detailed!("h.retired_at_s IS NULL AND h.id > ?2 ORDER BY h.id LIMIT ?3");

/// A host that was found, with what only its change needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The host.
    pub detailed: DetailedHost,
    /// What its meta says it is, as it is stored; `None` for hosts that tell the hub themselves.
    pub facts_json: Option<String>,
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
    retired_at_s: Option<i64>,
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
    status: Option<String>,
    display_name: Option<String>,
    custom_identifier: Option<String>,
    memo: Option<String>,
    kind: Option<String>,
    meta_json: Option<String>,
    interfaces_json: Option<String>,
    facts_json: Option<String>,
    machine_json: Option<String>,
    roles_json: String,
}

/// The hosts that fit a filter and are not retired, by when they were made; of the token's alone, where one is named. Reads three
/// rows for each host that the narrowest part of the filter leaves, and one for each of its roles.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when a row cannot be read.
pub async fn list(db: &Db, made_by: Option<i64>, filter: &HostFilter) -> Result<Vec<DetailedHost>, StoreError> {
    let mut binds = vec![Bind::from(made_by)];
    let words = |words: Vec<&str>| Bind::from(serde_json::Value::from(words).to_string());
    let sql = if let Some(identifier) = &filter.custom_identifier {
        binds.extend([Bind::from(identifier.as_str()), Bind::from(identifier.as_str())]);
        LIST_BY_IDENTIFIER
    } else if let Some(name) = &filter.name {
        binds.push(Bind::from(name.as_str()));
        LIST_BY_NAME
    } else if let Some(service) = &filter.service {
        binds.push(Bind::from(service.as_str()));
        if filter.roles.is_empty() {
            LIST_BY_SERVICE
        } else {
            binds.push(words(filter.roles.iter().map(String::as_str).collect()));
            LIST_BY_ROLES
        }
    } else if filter.statuses.contains(&HostStatus::Working) {
        LIST_ALL
    } else {
        binds.push(words(filter.statuses.iter().map(|status| status.word()).collect()));
        LIST_BY_STATUS
    };
    let found = run(db, Statement::new(sql, binds)).await?;
    let mut hosts: Vec<DetailedHost> =
        found.into_iter().map(|found| found.detailed).filter(|host| fits(host, filter)).collect();
    hosts.sort_by_key(|detailed| (detailed.host.registered_at, detailed.host.id));
    Ok(hosts)
}

fn fits(detailed: &DetailedHost, filter: &HostFilter) -> bool {
    let HostFilter { service, roles, name, custom_identifier, statuses } = filter;
    let plays = |service: &String| {
        let is_wanted = |role: &RoleName| role.service == *service && (roles.is_empty() || roles.contains(&role.role));
        detailed.roles.iter().any(is_wanted)
    };
    service.as_ref().is_none_or(plays)
        && name.as_ref().is_none_or(|name| detailed.host.name == *name)
        && (custom_identifier.is_none() || detailed.details.custom_identifier == *custom_identifier)
        && statuses.contains(&detailed.details.status)
}

/// The host with this public id, retired or not: three rows read, and one for each of its roles.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, made_by: Option<i64>, public_id: &str) -> Result<Option<Found>, StoreError> {
    let statement = Statement::new(FIND, vec![made_by.into(), public_id.into()]);
    Ok(run(db, statement).await?.into_iter().next())
}

/// The live host of this number: three rows read, and one for each of its roles.
///
/// # Errors
/// As [`list`].
pub async fn find_live(db: &Db, made_by: Option<i64>, id: HostId) -> Result<Option<DetailedHost>, StoreError> {
    let statement = Statement::new(FIND_LIVE, vec![made_by.into(), id.0.into()]);
    Ok(run(db, statement).await?.into_iter().next().map(|found| found.detailed))
}

/// At most `limit` live hosts behind a number, by number: three rows read for each, and one for each of its roles.
///
/// # Errors
/// As [`list`].
pub async fn list_page(
    db: &Db,
    made_by: Option<i64>,
    after: HostId,
    limit: u32,
) -> Result<Vec<DetailedHost>, StoreError> {
    let statement = Statement::new(LIST_PAGE, vec![made_by.into(), after.0.into(), limit.into()]);
    Ok(run(db, statement).await?.into_iter().map(|found| found.detailed).collect())
}

/// The live hosts that have one of two identifiers, oldest first.
///
/// # Errors
/// As [`list`].
pub async fn list_by_identifier(
    db: &Db,
    made_by: Option<i64>,
    identifiers: [&str; 2],
    any_case: bool,
) -> Result<Vec<DetailedHost>, StoreError> {
    let sql = if any_case { LIST_BY_IDENTIFIER_NOCASE } else { LIST_BY_IDENTIFIER };
    let [one, other] = identifiers;
    let found = run(db, Statement::new(sql, vec![made_by.into(), one.into(), other.into()])).await?;
    Ok(found.into_iter().map(|found| found.detailed).collect())
}

async fn run(db: &Db, statement: Statement) -> Result<Vec<Found>, StoreError> {
    let rows: Vec<Row> = db.run(statement).await?.rows()?;
    rows.into_iter().map(Found::try_from).collect()
}

impl TryFrom<Row> for Found {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = |what: &str, error: &dyn std::fmt::Display| StoreError::Corrupt(format!("{what}: {error}"));
        let mut roles: Vec<RoleName> = serde_json::from_str::<Vec<(String, String)>>(&row.roles_json)
            .map_err(|error| corrupt("roles_json", &error))?
            .into_iter()
            .map(|(service, role)| RoleName { service, role })
            .collect();
        roles.sort();
        let status = match &row.status {
            Some(word) => HostStatus::parse(word).ok_or_else(|| StoreError::Corrupt(format!("status {word}")))?,
            None => HostStatus::default(),
        };
        let reported = match row.platform {
            None => None,
            Some(platform) => Some(Facts {
                platform,
                platform_version: row.platform_version.unwrap_or_default(),
                kernel: row.kernel.unwrap_or_default(),
                arch: row.arch.unwrap_or_default(),
                virtualization: row.virtualization.unwrap_or_default(),
                cpu: serde_json::from_str(row.cpu_models_json.as_deref().unwrap_or("[]"))
                    .map_err(|error| corrupt("cpu_models_json", &error))?,
                gpu: serde_json::from_str(row.gpu_models_json.as_deref().unwrap_or("[]"))
                    .map_err(|error| corrupt("gpu_models_json", &error))?,
                mem_total_bytes: row.mem_total_bytes.unwrap_or_default(),
                swap_total_bytes: row.swap_total_bytes.unwrap_or_default(),
                disk_total_bytes: row.disk_total_bytes.unwrap_or_default(),
                booted_at: UnixSeconds(row.booted_at_s.unwrap_or_default()),
                addresses: None,
                machine: machine(row.machine_json)?,
            }),
        };
        let facts = match &row.facts_json {
            Some(json) => Some(reported.unwrap_or_default().with(said(json)?.facts)),
            None => reported,
        };
        let host = Host {
            id: HostId(row.id),
            public_id: row.public_id,
            uuid: row.uuid,
            class: hosts::class(&row.class)?,
            parent: row.parent_id.map(HostId),
            name: row.name,
            tag: row.tag,
            tags: hosts::tags(&row.tags_json)?,
            absorbed: hosts::absorbed(&row.absorbed_json)?,
            note: row.note,
            public_note: row.public_note,
            display_index: row.display_index,
            hidden_for_guest: row.hidden_for_guest != 0,
            registered_at: UnixSeconds(row.registered_at_s),
            presence: hosts::presence(row.presence)?,
            last_seen: row.last_seen_s.map(UnixSeconds),
            addresses: Addresses { v4: row.ipv4, v6: row.ipv6 },
            country_code: row.country_code,
            agent_version: row.agent_version,
            facts,
            newest: None,
        };
        let details = HostDetails {
            status,
            display_name: row.display_name,
            custom_identifier: row.custom_identifier,
            memo: row.memo.unwrap_or_default(),
            kind: HostKind::of_word(row.kind.as_deref().unwrap_or_default()),
            meta_json: row.meta_json,
            interfaces_json: row.interfaces_json,
        };
        let retired_at = row.retired_at_s.map(UnixSeconds);
        Ok(Self { detailed: DetailedHost { host, retired_at, details, roles }, facts_json: row.facts_json })
    }
}
