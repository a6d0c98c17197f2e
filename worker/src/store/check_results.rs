//! Table `check_results`: what hosts' agents checked some hours ago as it came, and what is installed on hosts.
//!
//! As base64, for binding blobs is ten times slower (hub feasibility, section 2) and hexadecimal text of a megabyte is more than D1 takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgewatch_core::model::HostId;
use serde::Deserialize;

use super::{Bind, Db, Statement, StoreError};

/// What an agent checked.
pub const CHECKDATA: &str = "checkdata";
/// What is installed.
pub const PACKAGES: &str = "packages";

const PUT: &str = "INSERT INTO check_results (host_id, kind, at_s, size_bytes, is_trimmed, data) \
     SELECT id, ?2, ?3, ?4, ?5, ?6 FROM hosts WHERE id = ?1 ON CONFLICT (host_id, kind) DO UPDATE SET \
     at_s = excluded.at_s, size_bytes = excluded.size_bytes, is_trimmed = excluded.is_trimmed, data = excluded.data";
const FIND: &str = "SELECT at_s, size_bytes, is_trimmed, data FROM check_results \
     WHERE host_id = ?1 AND kind = ?2";

// What was pushed within hours lies with the hub alone, so that an agent speaks for the host has to do for what it checked.
const LIST_KINDS: &str = "SELECT kind FROM check_results WHERE host_id = ?1 \
     UNION SELECT 'checkdata' FROM push_agents WHERE host_id = ?1";

/// A result as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// When it came, Unix seconds.
    pub at_s: i64,
    /// Bytes of what came.
    pub size_bytes: u64,
    /// Whether groups were left out of it.
    pub is_trimmed: bool,
    /// Gzip of JSON.
    pub packed: Vec<u8>,
}

#[derive(Deserialize)]
struct Row {
    at_s: i64,
    size_bytes: u64,
    is_trimmed: i64,
    data: String,
}

/// The statement that stores a result in the place of the one before; nothing for a host that is no more. 1 row written.
pub fn put(host: HostId, kind: &str, result: &Stored) -> Statement {
    Statement::new(
        PUT,
        vec![
            host.0.into(),
            kind.into(),
            result.at_s.into(),
            result.size_bytes.into(),
            result.is_trimmed.into(),
            Bind::from(STANDARD.encode(&result.packed)),
        ],
    )
}

/// Of which kinds there is something of a host, or will be soon: 3 rows read at most.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list_kinds(db: &Db, host: HostId) -> Result<Vec<String>, StoreError> {
    #[derive(Deserialize)]
    struct Kind {
        kind: String,
    }
    let kinds: Vec<Kind> = db.run(Statement::new(LIST_KINDS, vec![host.0.into()])).await?.rows()?;
    Ok(kinds.into_iter().map(|row| row.kind).collect())
}

/// The last result of a host: 1 row read.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when it cannot be read.
pub async fn find(db: &Db, host: HostId, kind: &str) -> Result<Option<Stored>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![host.0.into(), kind.into()])).await?.first()?;
    let stored = |row: Row| {
        let Row { at_s, size_bytes, is_trimmed, data } = row;
        let packed = STANDARD.decode(&data).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(Stored { at_s, size_bytes, is_trimmed: is_trimmed != 0, packed })
    };
    row.map(stored).transpose()
}
