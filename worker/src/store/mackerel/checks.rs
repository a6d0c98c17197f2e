//! Table `checks`: what hosts check themselves, by the names they gave.

use edgewatch_core::model::{CheckId, HostId};
use serde::Deserialize;

use crate::store::{Bind, Db, Statement, StoreError};

// ?2 is a JSON list of [name, memo], of a host by its number or by the hash of its secret, just inserted.
const PUT: &str = "INSERT INTO checks (host_id, name, memo) SELECT ?1, j.value->>0, j.value->>1 FROM json_each(?2) j \
     WHERE true ON CONFLICT (host_id, name) DO UPDATE SET memo = excluded.memo WHERE memo <> excluded.memo";
const PUT_NEW: &str = "INSERT INTO checks (host_id, name, memo) SELECT h.id, j.value->>0, j.value->>1 \
     FROM hosts h, json_each(?2) j WHERE h.secret_hash = ?1 ON CONFLICT (host_id, name) DO NOTHING";
const DROP_OTHERS: &str = "DELETE FROM checks WHERE host_id = ?1 \
     AND name NOT IN (SELECT value->>0 FROM json_each(?2)) AND id NOT IN (SELECT value FROM json_each(?3))";
const DELETE: &str = "DELETE FROM checks WHERE host_id = ?1 AND id IN (SELECT value FROM json_each(?2))";
// ?1 is a JSON list of [host, name].
const NAME: &str = "INSERT INTO checks (host_id, name) SELECT h.id, j.value->>1 FROM json_each(?1) j \
     JOIN hosts h ON h.id = j.value->>0 AND h.retired_at_s IS NULL \
     WHERE (SELECT count(*) FROM checks c WHERE c.host_id = h.id) < 1000 ON CONFLICT (host_id, name) DO NOTHING";
const LIST_NAMED: &str = "SELECT c.id, c.host_id, c.name, c.memo FROM json_each(?1) j \
     JOIN checks c ON c.host_id = j.value->>0 AND c.name = j.value->>1";
const LIST_OF_HOST: &str = "SELECT id, host_id, name, memo FROM checks WHERE host_id = ?1 ORDER BY id";
const LIST_FROM: &str = "SELECT c.id, c.host_id, c.name, c.memo FROM checks c JOIN hosts h ON h.id = c.host_id \
     WHERE c.id >= ?1 AND h.retired_at_s IS NULL ORDER BY c.id LIMIT ?2";
const FIND: &str = "SELECT id, host_id, name, memo FROM checks WHERE id = ?1";
const LIST_MEMOS: &str = "SELECT id, host_id, name, memo FROM checks WHERE id IN (SELECT value FROM json_each(?1))";

/// A check as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number.
    pub id: CheckId,
    /// Whose it is.
    pub host: HostId,
    /// Its name.
    pub name: String,
    /// A note.
    pub memo: String,
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    host_id: i64,
    name: String,
    memo: String,
}

impl From<Row> for Stored {
    fn from(row: Row) -> Self {
        Self { id: CheckId(row.id), host: HostId(row.host_id), name: row.name, memo: row.memo }
    }
}

fn pairs(checks: &[(String, String)]) -> Bind {
    let list: Vec<serde_json::Value> = checks.iter().map(|(name, memo)| serde_json::json!([name, memo])).collect();
    Bind::from(serde_json::Value::from(list).to_string())
}

fn named(checks: &[(HostId, String)]) -> Bind {
    let list: Vec<serde_json::Value> = checks.iter().map(|(host, name)| serde_json::json!([host.0, name])).collect();
    Bind::from(serde_json::Value::from(list).to_string())
}

/// The statement that announces checks of a host with this secret, just inserted.
pub fn put_of_new(secret_hash: &str, checks: &[(String, String)]) -> Statement {
    Statement::new(PUT_NEW, vec![secret_hash.into(), pairs(checks)])
}

/// The statements that leave a host these checks, names and notes, and those of `kept`: 2 rows written for each that is new or goes,
/// none for what is so already.
pub fn sync(host: HostId, checks: &[(String, String)], kept: &[CheckId]) -> Vec<Statement> {
    let kept: Vec<i64> = kept.iter().map(|id| id.0).collect();
    let kept = Bind::from(serde_json::Value::from(kept).to_string());
    vec![
        Statement::new(DROP_OTHERS, vec![host.0.into(), pairs(checks), kept]),
        Statement::new(PUT, vec![host.0.into(), pairs(checks)]),
    ]
}

/// The statement that deletes these checks of a host: at most 2 rows written for each.
pub fn delete(host: HostId, ids: &[CheckId]) -> Statement {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    Statement::new(DELETE, vec![host.0.into(), Bind::from(serde_json::Value::from(ids).to_string())])
}

/// The checks of these names of live hosts, which are made where there are none, unless the host has a thousand: 2 rows written for
/// each of those.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses. So for all that follow.
pub async fn name(db: &Db, checks: &[(HostId, String)]) -> Result<Vec<Stored>, StoreError> {
    if checks.is_empty() {
        return Ok(vec![]);
    }
    let statements = [NAME, LIST_NAMED].map(|sql| Statement::new(sql, vec![named(checks)]));
    let outcomes = db.batch(statements.to_vec()).await?;
    let rows: Vec<Row> = outcomes.get(1).map(crate::store::Outcome::rows).transpose()?.unwrap_or_default();
    Ok(rows.into_iter().map(Stored::from).collect())
}

/// Those of these checks that there are; none is made: 1 row read for each.
///
/// # Errors
/// As [`name`].
pub async fn list_named(db: &Db, checks: &[(HostId, String)]) -> Result<Vec<Stored>, StoreError> {
    if checks.is_empty() {
        return Ok(vec![]);
    }
    let rows: Vec<Row> = db.run(Statement::new(LIST_NAMED, vec![named(checks)])).await?.rows()?;
    Ok(rows.into_iter().map(Stored::from).collect())
}

/// The checks of a host, by number.
///
/// # Errors
/// As [`name`].
pub async fn list_of_host(db: &Db, host: HostId) -> Result<Vec<Stored>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST_OF_HOST, vec![host.0.into()])).await?.rows()?;
    Ok(rows.into_iter().map(Stored::from).collect())
}

/// At most `limit` checks of live hosts from this number on, by number.
///
/// # Errors
/// As [`name`].
pub async fn list_from(db: &Db, from: CheckId, limit: u32) -> Result<Vec<Stored>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST_FROM, vec![from.0.into(), limit.into()])).await?.rows()?;
    Ok(rows.into_iter().map(Stored::from).collect())
}

/// A check by number.
///
/// # Errors
/// As [`name`].
pub async fn find(db: &Db, id: CheckId) -> Result<Option<Stored>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![id.0.into()])).await?.first()?;
    Ok(row.map(Stored::from))
}

/// Those of these checks that there are.
///
/// # Errors
/// As [`name`].
pub async fn list(db: &Db, ids: &[CheckId]) -> Result<Vec<Stored>, StoreError> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let list = Bind::from(serde_json::Value::from(ids).to_string());
    let rows: Vec<Row> = db.run(Statement::new(LIST_MEMOS, vec![list])).await?.rows()?;
    Ok(rows.into_iter().map(Stored::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::hosts::{self, NewHost};
    use edgewatch_core::units::UnixSeconds;

    fn database() -> Db {
        let db = Db::in_memory().unwrap();
        for secret in ["one", "two"] {
            let host = NewHost {
                public_id: secret.to_owned(),
                uuid: secret.to_owned(),
                name: secret.to_owned(),
                tag: String::new(),
                note: String::new(),
                hidden_for_guest: false,
                secret_hash: secret.to_owned(),
                machine_id: None,
                registered_at: UnixSeconds(1),
                by_token_id: None,
            };
            now(db.batch(hosts::insert(host))).unwrap();
        }
        db
    }

    fn pair(name: &str, memo: &str) -> (String, String) {
        (name.to_owned(), memo.to_owned())
    }

    #[test]
    fn checks_are_synchronised_but_for_those_that_are_kept() {
        let db = database();
        let names = || {
            let found = now(list_of_host(&db, HostId(1))).unwrap();
            found.into_iter().map(|one| format!("{}:{}", one.name, one.memo)).collect::<Vec<_>>()
        };
        now(db.run(put_of_new("one", &[pair("a", "x"), pair("b", "")]))).unwrap();
        assert_eq!(names(), ["a:x", "b:"]);
        now(db.batch(sync(HostId(1), &[pair("b", "new"), pair("c", "")], &[]))).unwrap();
        assert_eq!(names(), ["b:new", "c:"]);
        let c = now(list_of_host(&db, HostId(1))).unwrap()[1].id;
        let again = now(db.batch(sync(HostId(1), &[pair("b", "new"), pair("c", "")], &[]))).unwrap();
        assert!(again.iter().all(|outcome| outcome.changes == 0), "nothing is other than it was");
        now(db.batch(sync(HostId(1), &[], &[c]))).unwrap();
        assert_eq!(names(), ["c:"], "it has an alert");
    }

    #[test]
    fn a_name_that_nobody_announced_is_a_check_and_one_of_no_host_is_none() {
        let db = database();
        let wanted: Vec<_> = [(1, "a"), (2, "a"), (9, "a")].map(|(host, name)| (HostId(host), name.to_owned())).into();
        let made = now(name(&db, &wanted)).unwrap();
        assert_eq!(made.iter().map(|one| (one.id.0, one.host.0)).collect::<Vec<_>>(), [(1, 1), (2, 2)]);
        assert_eq!(now(name(&db, &wanted)).unwrap(), made);
        let other = [(HostId(1), "b".to_owned()), (HostId(2), "a".to_owned())];
        assert_eq!(now(list_named(&db, &other)).unwrap(), made[1..], "and makes none");
        assert_eq!(now(list_of_host(&db, HostId(1))).unwrap().len(), 1);
        assert_eq!(now(list_from(&db, CheckId(2), 9)).unwrap(), made[1..]);
        assert_eq!(now(find(&db, CheckId(1))).unwrap().as_ref(), made.first());
        assert_eq!(now(list(&db, &[CheckId(2), CheckId(9)])).unwrap(), made[1..]);
    }
}
