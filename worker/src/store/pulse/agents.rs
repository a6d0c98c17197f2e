//! Table `pulse_agents`: the hosts that stock agents of Pulse report.

use edgewatch_core::model::HostId;
use serde::Deserialize;

use crate::store::{Db, Statement, StoreError};

const FIND: &str = "SELECT h.id, h.uuid, h.registered_by_token_id FROM pulse_agents a JOIN hosts h ON h.id = a.host_id \
     WHERE a.identity = ?1 AND h.retired_at_s IS NULL";
// What it was to a host that is no more.
const LEAVE: &str = "DELETE FROM pulse_agents WHERE identity = ?1 \
     AND host_id IN (SELECT id FROM hosts WHERE retired_at_s IS NOT NULL)";
const INSERT: &str = "INSERT INTO pulse_agents (identity, host_id) SELECT ?2, id FROM hosts WHERE secret_hash = ?1";
const IDS: &str = "SELECT h.id, h.uuid, h.registered_by_token_id FROM hosts h LEFT JOIN pulse_agents a ON a.host_id = h.id \
     WHERE h.retired_at_s IS NULL AND h.class = 'machine' AND (h.uuid = ?1 OR a.identity = ?1) ORDER BY h.id LIMIT 1";
const NAMED: &str = "SELECT h.id, h.uuid, h.registered_by_token_id, h.name FROM hosts h \
     WHERE h.retired_at_s IS NULL AND h.class = 'machine' AND h.name LIKE ?1 ESCAPE '\\' ORDER BY h.id LIMIT 100";

/// A host that is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Its number.
    pub host: HostId,
    /// Its UUID.
    pub uuid: String,
    /// The token that made it.
    pub by_token_id: Option<i64>,
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    uuid: String,
    registered_by_token_id: Option<i64>,
    #[serde(default)]
    name: String,
}

impl From<Row> for Reported {
    fn from(row: Row) -> Self {
        Self { host: HostId(row.id), uuid: row.uuid, by_token_id: row.registered_by_token_id }
    }
}

/// The host that is this one by what its agent says: 2 rows read.
///
/// # Errors
/// [`StoreError`] when the database does not answer; so for all that follow.
pub async fn find(db: &Db, identity: &str) -> Result<Option<Reported>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(FIND, vec![identity.into()])).await?.rows()?;
    Ok(rows.into_iter().next().map(Reported::from))
}

/// The machine with this UUID, or that its agent calls so.
///
/// # Errors
/// As [`find`].
pub async fn find_by_id(db: &Db, id: &str) -> Result<Option<Reported>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(IDS, vec![id.into()])).await?.rows()?;
    Ok(rows.into_iter().next().map(Reported::from))
}

/// Machines whose names begin so, in any case, at most a hundred: each with its name.
///
/// # Errors
/// As [`find`].
pub async fn list_named(db: &Db, beginning: &str) -> Result<Vec<(Reported, String)>, StoreError> {
    let mut pattern = String::new();
    for letter in beginning.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    let rows: Vec<Row> = db.run(Statement::new(NAMED, vec![pattern.as_str().into()])).await?.rows()?;
    let named = |mut row: Row| {
        let name = std::mem::take(&mut row.name);
        (Reported::from(row), name)
    };
    Ok(rows.into_iter().map(named).collect())
}

/// The statements that say which host this is: the one with this secret, just inserted. 1 row written.
pub fn insert(secret_hash: &str, identity: &str) -> Vec<Statement> {
    vec![
        Statement::new(LEAVE, vec![identity.into()]),
        Statement::new(INSERT, vec![secret_hash.into(), identity.into()]),
    ]
}
