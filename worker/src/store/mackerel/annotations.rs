//! Table `graph_annotations`: what people noted of a stretch of time.

use edgewatch_core::model::GraphAnnotation;
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::{json, made, parse};
use crate::store::{Bind, Db, Statement, StoreError};

// What ended before is not read; of what ends later all is, and it is put in order here: it is little.
const LIST: &str = "SELECT id, service, roles_json, title, description, from_s, to_s FROM graph_annotations \
     WHERE service = ?1 AND to_s >= ?2 AND from_s <= ?3 ORDER BY from_s, id LIMIT 10000";
const FIND: &str =
    "SELECT id, service, roles_json, title, description, from_s, to_s FROM graph_annotations WHERE id = ?1";
const INSERT: &str = "INSERT INTO graph_annotations (service, roles_json, title, description, from_s, to_s) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id";
const UPDATE: &str = "UPDATE graph_annotations SET service = ?1, roles_json = ?2, title = ?3, description = ?4, from_s = ?5, \
     to_s = ?6 WHERE id = ?7";
const DELETE: &str = "DELETE FROM graph_annotations WHERE id = ?1";

#[derive(Deserialize)]
struct Row {
    id: i64,
    service: String,
    roles_json: String,
    title: String,
    description: String,
    from_s: i64,
    to_s: i64,
}

/// The annotations of a service that touch a time, both ends included, with their numbers, by when they begin.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when a row cannot be read.
pub async fn list(
    db: &Db,
    service: &str,
    (from, to): (UnixSeconds, UnixSeconds),
) -> Result<Vec<(i64, GraphAnnotation)>, StoreError> {
    let binds = vec![service.into(), from.0.into(), to.0.into()];
    let rows: Vec<Row> = db.run(Statement::new(LIST, binds)).await?.rows()?;
    rows.into_iter().map(annotation).collect()
}

/// An annotation by its number: 1 row read.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, id: i64) -> Result<Option<GraphAnnotation>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![id.into()])).await?.first()?;
    Ok(row.map(annotation).transpose()?.map(|(_, annotation)| annotation))
}

/// Inserts an annotation together with writing `with`; gives its number. 1 row written, and its index.
///
/// # Errors
/// As [`list`].
pub async fn insert(db: &Db, annotation: &GraphAnnotation, with: Statement) -> Result<i64, StoreError> {
    made(db, vec![Statement::new(INSERT, binds(annotation)?), with]).await
}

/// The statement that makes an annotation another one: 1 row written, and its index.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be written as JSON.
pub fn update(id: i64, annotation: &GraphAnnotation) -> Result<Statement, StoreError> {
    let mut binds = binds(annotation)?;
    binds.push(id.into());
    Ok(Statement::new(UPDATE, binds))
}

/// The statement that deletes an annotation: 1 row written.
pub fn delete(id: i64) -> Statement {
    Statement::new(DELETE, vec![id.into()])
}

fn binds(annotation: &GraphAnnotation) -> Result<Vec<Bind>, StoreError> {
    Ok(vec![
        annotation.service.as_str().into(),
        json(&annotation.roles)?.into(),
        annotation.title.as_str().into(),
        annotation.description.as_str().into(),
        annotation.from.0.into(),
        annotation.to.0.into(),
    ])
}

fn annotation(row: Row) -> Result<(i64, GraphAnnotation), StoreError> {
    let annotation = GraphAnnotation {
        title: row.title,
        description: row.description,
        from: UnixSeconds(row.from_s),
        to: UnixSeconds(row.to_s),
        service: row.service,
        roles: parse(&row.roles_json)?,
    };
    Ok((row.id, annotation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::mackerel::services;
    use edgewatch_core::model::RoleMemo;

    #[test]
    fn annotations_are_found_by_the_time_they_touch_and_go_with_their_service() {
        let db = Db::in_memory().unwrap();
        for name in ["Shop", "Other"] {
            let service = RoleMemo { name: name.to_owned(), memo: String::new() };
            now(db.batch(vec![services::insert(&service)])).unwrap();
        }
        let note = |service: &str, from: i64, to: i64| GraphAnnotation {
            title: "t".to_owned(),
            description: "d".to_owned(),
            from: UnixSeconds(from),
            to: UnixSeconds(to),
            service: service.to_owned(),
            roles: vec!["web".to_owned()],
        };
        let put = |one: &GraphAnnotation| now(insert(&db, one, Statement::new("SELECT 1", vec![]))).unwrap();
        let (late, early) = (put(&note("Shop", 20, 30)), put(&note("Shop", 10, 40)));
        put(&note("Other", 10, 40));
        let found = |from, to| -> Vec<i64> {
            let found = now(list(&db, "Shop", (UnixSeconds(from), UnixSeconds(to)))).unwrap();
            found.into_iter().map(|(id, _)| id).collect()
        };
        assert_eq!(
            (found(0, 100), found(30, 30), found(31, 50), found(40, 50)),
            (vec![early, late], vec![early, late], vec![early], vec![early])
        );
        assert_eq!((found(41, 50), found(0, 9), found(0, 10)), (vec![], vec![], vec![early]));
        now(db.batch(vec![update(late, &note("Other", 1, 2)).unwrap()])).unwrap();
        assert_eq!(now(find(&db, late)).unwrap(), Some(note("Other", 1, 2)));
        now(db.batch(services::delete("Shop"))).unwrap();
        assert_eq!(now(find(&db, early)).unwrap(), None);
        now(db.batch(vec![delete(late)])).unwrap();
        assert_eq!(now(find(&db, late)).unwrap(), None);
    }
}
