//! Table `dashboards`: pages of graphs, as programs keep them.

use edgewatch_core::model::Dashboard;
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::made;
use crate::store::{Db, Statement, StoreError};

const LIST: &str =
    "SELECT id, title, memo, url_path, widgets_json, created_at_s, updated_at_s FROM dashboards ORDER BY id";
const FIND: &str =
    "SELECT id, title, memo, url_path, widgets_json, created_at_s, updated_at_s FROM dashboards WHERE id = ?1";
const COUNT: &str = "SELECT count(*) AS count FROM dashboards";
const INSERT: &str = "INSERT INTO dashboards (title, memo, url_path, widgets_json, created_at_s, updated_at_s) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id";
const UPDATE: &str = "UPDATE dashboards SET title = ?1, memo = ?2, url_path = ?3, widgets_json = ?4, updated_at_s = ?5 \
     WHERE id = ?6";
const DELETE: &str = "DELETE FROM dashboards WHERE id = ?1";

#[derive(Deserialize)]
struct Row {
    id: i64,
    title: String,
    memo: String,
    url_path: String,
    widgets_json: String,
    created_at_s: i64,
    updated_at_s: i64,
}

#[derive(Deserialize)]
struct CountRow {
    count: u64,
}

/// Every dashboard with its number, in the order in which they were made: a row read for each.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; so for all that follow.
pub async fn list(db: &Db) -> Result<Vec<(i64, Dashboard)>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    Ok(rows.into_iter().map(|row| (row.id, Dashboard::from(row))).collect())
}

/// A dashboard by its number: 1 row read.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, id: i64) -> Result<Option<Dashboard>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![id.into()])).await?.first()?;
    Ok(row.map(Dashboard::from))
}

/// How many there are: as many rows read.
///
/// # Errors
/// As [`list`].
pub async fn count(db: &Db) -> Result<u64, StoreError> {
    let row: Option<CountRow> = db.run(Statement::new(COUNT, vec![])).await?.first()?;
    Ok(row.map_or(0, |row| row.count))
}

/// Inserts a dashboard together with writing `with`; gives its number. 1 row written, and its index.
///
/// # Errors
/// As [`list`]; it is not unique when its path is taken.
pub async fn insert(db: &Db, dashboard: &Dashboard, with: Statement) -> Result<i64, StoreError> {
    let Dashboard { title, memo, url_path, widgets_json, created_at, updated_at } = dashboard;
    let binds = vec![
        title.as_str().into(),
        memo.as_str().into(),
        url_path.as_str().into(),
        widgets_json.as_str().into(),
        created_at.0.into(),
        updated_at.0.into(),
    ];
    made(db, vec![Statement::new(INSERT, binds), with]).await
}

/// The statement that makes a dashboard another one, as old as it was: 1 row written, and its index where the path is another.
pub fn update(id: i64, dashboard: &Dashboard) -> Statement {
    let Dashboard { title, memo, url_path, widgets_json, updated_at, .. } = dashboard;
    let binds = vec![
        title.as_str().into(),
        memo.as_str().into(),
        url_path.as_str().into(),
        widgets_json.as_str().into(),
        updated_at.0.into(),
        id.into(),
    ];
    Statement::new(UPDATE, binds)
}

/// The statement that deletes a dashboard: 1 row written.
pub fn delete(id: i64) -> Statement {
    Statement::new(DELETE, vec![id.into()])
}

impl From<Row> for Dashboard {
    fn from(row: Row) -> Self {
        Self {
            title: row.title,
            memo: row.memo,
            url_path: row.url_path,
            widgets_json: row.widgets_json,
            created_at: UnixSeconds(row.created_at_s),
            updated_at: UnixSeconds(row.updated_at_s),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    #[test]
    fn there_is_one_dashboard_of_a_path() {
        let db = Db::in_memory().unwrap();
        let nothing = || Statement::new("SELECT 1", vec![]);
        let mut board = Dashboard {
            title: "t".to_owned(),
            memo: "m".to_owned(),
            url_path: "p".to_owned(),
            widgets_json: "[]".to_owned(),
            created_at: UnixSeconds(1),
            updated_at: UnixSeconds(1),
        };
        let id = now(insert(&db, &board, nothing())).unwrap();
        assert!(now(insert(&db, &board, nothing())).unwrap_err().is_not_unique());
        assert_eq!((now(count(&db)).unwrap(), now(list(&db)).unwrap()), (1, vec![(id, board.clone())]));
        (board.title, board.updated_at) = ("u".to_owned(), UnixSeconds(2));
        now(db.batch(vec![update(id, &board)])).unwrap();
        assert_eq!(now(find(&db, id)).unwrap(), Some(board));
        now(db.batch(vec![delete(id)])).unwrap();
        assert_eq!(now(find(&db, id)).unwrap(), None);
    }
}
