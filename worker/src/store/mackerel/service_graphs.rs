//! Table `deleted_service_graphs`: graphs of services' metrics that are there no more, until those are posted anew.

use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use crate::store::{Db, Statement, StoreError};

const LIST: &str = "SELECT graph, deleted_at_s FROM deleted_service_graphs WHERE service = ?1 ORDER BY graph";
const PUT: &str = "INSERT INTO deleted_service_graphs (service, graph, deleted_at_s) VALUES (?1, ?2, ?3) \
     ON CONFLICT (service, graph) DO UPDATE SET deleted_at_s = excluded.deleted_at_s";

#[derive(Deserialize)]
struct Row {
    graph: String,
    deleted_at_s: i64,
}

/// The graphs of a service that were deleted, and when: a row read for each.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list(db: &Db, service: &str) -> Result<Vec<(String, UnixSeconds)>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![service.into()])).await?.rows()?;
    Ok(rows.into_iter().map(|row| (row.graph, UnixSeconds(row.deleted_at_s))).collect())
}

/// The statement that says that a graph of a service was deleted: 1 row written.
pub fn put(service: &str, graph: &str, at: UnixSeconds) -> Statement {
    Statement::new(PUT, vec![service.into(), graph.into(), at.0.into()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    #[test]
    fn a_graph_is_deleted_when_it_was_last_and_goes_with_its_service() {
        let db = Db::in_memory().unwrap();
        now(db.run(Statement::new("INSERT INTO services (name) VALUES ('Svc'), ('Other')", vec![]))).unwrap();
        let deleted = [("Svc", "a.*", 1), ("Svc", "b.*", 2), ("Other", "a.*", 3), ("Svc", "a.*", 4)];
        now(db.batch(deleted.map(|(service, graph, at_s)| put(service, graph, UnixSeconds(at_s))).to_vec())).unwrap();
        let expected = [("a.*".to_owned(), UnixSeconds(4)), ("b.*".to_owned(), UnixSeconds(2))];
        assert_eq!(now(list(&db, "Svc")).unwrap(), expected);
        now(db.run(Statement::new("DELETE FROM services WHERE name = 'Svc'", vec![]))).unwrap();
        assert_eq!((now(list(&db, "Svc")).unwrap(), now(list(&db, "Other")).unwrap().len()), (vec![], 1));
    }
}
