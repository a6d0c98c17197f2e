//! Table `journal` of the object's database: per host one row with what is taken and not in a ring row yet, overwritten
//! whole. So a taken sample costs one row, and emptying the journal deletes nothing.
//!
//! Where agents push what they checked, the last result as it came goes with that row, for it is written then anyway: last in it, where
//! who does not ask for it does not read it.

use edgewatch_core::model::HostId;

use super::HubError;
use super::sql::{Row, Sql};

const CREATE: &str = "CREATE TABLE IF NOT EXISTS journal (host_id INTEGER NOT NULL PRIMARY KEY, upto INTEGER NOT NULL, \
     seen_ms INTEGER NOT NULL, data BLOB NOT NULL, result BLOB) STRICT, WITHOUT ROWID";
// Objects of before had no results.
const SEE_RESULT: &str = "SELECT result FROM journal LIMIT 0";
const ADD_RESULT: &str = "ALTER TABLE journal ADD COLUMN result BLOB";
const PUT_WITH_RESULT: &str = "INSERT INTO journal (host_id, upto, seen_ms, data, result) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (host_id) DO UPDATE SET upto = excluded.upto, seen_ms = excluded.seen_ms, data = excluded.data, \
     result = excluded.result";
const FIND_RESULT: &str = "SELECT result FROM journal WHERE host_id = ?1";
const PUT: &str = "INSERT INTO journal (host_id, upto, seen_ms, data) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (host_id) DO UPDATE SET upto = excluded.upto, seen_ms = excluded.seen_ms, data = excluded.data";
const FIND: &str = "SELECT host_id, upto, seen_ms, data FROM journal WHERE host_id = ?1";
const LIST: &str = "SELECT host_id, upto, seen_ms, data FROM journal ORDER BY host_id";
const DELETE: &str = "DELETE FROM journal WHERE host_id = ?1";

/// What of a host is not in a ring row yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Every sample up to this number is durable: in a ring row or in `data`.
    pub upto: u64,
    /// When the host was last heard from, ms since 1970.
    pub seen_ms: i64,
    /// The samples, as their owner encodes them; empty when all are in ring rows.
    pub data: Vec<u8>,
}

/// Makes the table where there is none.
///
/// # Errors
/// [`HubError::Refused`] in the platform's words; so for all that follow.
pub fn create(sql: &Sql) -> Result<(), HubError> {
    sql.exec(CREATE, vec![])?;
    if sql.exec(SEE_RESULT, vec![]).is_err_and(|error| error.is_missing()) {
        sql.exec(ADD_RESULT, vec![])?;
    }
    Ok(())
}

/// Puts a host's row in the place of the one before: 1 row written.
///
/// # Errors
/// As [`create`].
pub fn put(sql: &Sql, host: HostId, kept: &Kept) -> Result<(), HubError> {
    sql.exec(PUT, vec![host.into(), kept.upto.into(), kept.seen_ms.into(), kept.data.clone().into()]).map(drop)
}

/// The same with the host's last result: 1 row written.
///
/// # Errors
/// As [`create`].
pub fn put_with_result(sql: &Sql, host: HostId, kept: &Kept, result: &[u8]) -> Result<(), HubError> {
    let binds =
        || vec![host.into(), kept.upto.into(), kept.seen_ms.into(), kept.data.clone().into(), result.to_vec().into()];
    match sql.exec(PUT_WITH_RESULT, binds()) {
        // Nothing more could be written when the object was upgraded.
        Err(error) if error.is_missing() => {
            create(sql)?;
            sql.exec(PUT_WITH_RESULT, binds()).map(drop)
        }
        done => done.map(drop),
    }
}

/// A host's last result as it was put; `None` where there is none. 1 row read.
///
/// # Errors
/// As [`find`].
pub fn result(sql: &Sql, host: HostId) -> Result<Option<Vec<u8>>, HubError> {
    let found = match sql.exec(FIND_RESULT, vec![host.into()]) {
        Err(error) if error.is_missing() => return Ok(None),
        found => found?,
    };
    let row = found.into_iter().next().filter(|row| !row.is_null(0));
    row.map(|mut row| row.take_blob(0)).transpose()
}

/// A host's row: 1 row read.
///
/// # Errors
/// As [`create`]; [`HubError::Corrupt`] when it cannot be read.
pub fn find(sql: &Sql, host: HostId) -> Result<Option<Kept>, HubError> {
    let row = sql.exec(FIND, vec![host.into()])?.into_iter().next();
    Ok(row.map(kept).transpose()?.map(|(_, kept)| kept))
}

/// Every host's row, by host: as many rows read.
///
/// # Errors
/// As [`find`].
pub fn list(sql: &Sql) -> Result<Vec<(HostId, Kept)>, HubError> {
    sql.exec(LIST, vec![])?.into_iter().map(kept).collect()
}

/// Forgets a host.
///
/// # Errors
/// As [`create`].
pub fn delete(sql: &Sql, host: HostId) -> Result<(), HubError> {
    sql.exec(DELETE, vec![host.into()]).map(drop)
}

fn kept(mut row: Row) -> Result<(HostId, Kept), HubError> {
    Ok((HostId(row.int(0)?), Kept { upto: row.whole(1)?, seen_ms: row.int(2)?, data: row.take_blob(3)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_has_the_row_put_last() {
        let sql = Sql::in_memory().unwrap();
        create(&sql).unwrap();
        create(&sql).unwrap();
        let [first, second] =
            [1, 2].map(|upto: u8| Kept { upto: upto.into(), seen_ms: 1_795_361_190_000, data: vec![upto; 3] });
        put(&sql, HostId(7), &first).unwrap();
        put(&sql, HostId(7), &second).unwrap();
        put(&sql, HostId(3), &first).unwrap();
        assert_eq!(sql.rows_written(), 3);
        assert_eq!(find(&sql, HostId(7)).unwrap(), Some(second.clone()));
        assert_eq!(find(&sql, HostId(8)).unwrap(), None);
        assert_eq!(list(&sql).unwrap(), [(HostId(3), first), (HostId(7), second)]);
        delete(&sql, HostId(7)).unwrap();
        assert_eq!(find(&sql, HostId(7)).unwrap(), None);
    }

    #[test]
    fn a_result_goes_with_the_row_and_stays_until_the_next_one() {
        let sql = Sql::in_memory().unwrap();
        // As objects of before have it.
        let before = "CREATE TABLE journal (host_id INTEGER NOT NULL PRIMARY KEY, upto INTEGER NOT NULL, \
             seen_ms INTEGER NOT NULL, data BLOB NOT NULL) STRICT, WITHOUT ROWID";
        sql.exec(before, vec![]).unwrap();
        let kept = |upto: u8| Kept { upto: upto.into(), seen_ms: 1_795_361_190_000, data: vec![upto; 3] };
        put(&sql, HostId(7), &kept(1)).unwrap();
        assert_eq!(result(&sql, HostId(7)), Ok(None));
        put_with_result(&sql, HostId(7), &kept(2), &vec![9; 900_000]).unwrap();
        create(&sql).unwrap();
        put(&sql, HostId(7), &kept(3)).unwrap();
        assert_eq!(sql.rows_written(), 3);
        assert_eq!((result(&sql, HostId(7)), result(&sql, HostId(8))), (Ok(Some(vec![9; 900_000])), Ok(None)));
        put_with_result(&sql, HostId(7), &kept(4), &[8]).unwrap();
        assert_eq!((result(&sql, HostId(7)), find(&sql, HostId(7))), (Ok(Some(vec![8])), Ok(Some(kept(4)))));
    }
}
