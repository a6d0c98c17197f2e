//! Table `metadata`: documents that programs keep with a host, a service or a role.

use edgewatch_core::model::{Document, HostId, RoleName};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use crate::store::{Db, Statement, StoreError};

const LIST: &str = "SELECT namespace FROM metadata WHERE owner = ?1 ORDER BY namespace";
const FIND: &str = "SELECT document, updated_at_s FROM metadata WHERE owner = ?1 AND namespace = ?2";
// As many as there may be, unless it takes the place of one.
const PUT: &str = "INSERT INTO metadata (owner, namespace, document, updated_at_s) SELECT ?1, ?2, ?3, ?4 \
     WHERE EXISTS (SELECT 1 FROM metadata WHERE owner = ?1 AND namespace = ?2) \
     OR (SELECT count(*) FROM metadata WHERE owner = ?1) < ?5 \
     ON CONFLICT (owner, namespace) DO UPDATE SET document = excluded.document, updated_at_s = excluded.updated_at_s";
const DELETE: &str = "DELETE FROM metadata WHERE owner = ?1 AND namespace = ?2";
const DELETE_ALL: &str = "DELETE FROM metadata WHERE owner = ?1";
// A semicolon is what follows the colon: all that begins with `role:<service>:`.
const DELETE_OF_SERVICE: &str = "DELETE FROM metadata WHERE owner = 'service:' || ?1 \
     OR (owner >= 'role:' || ?1 || ':' AND owner < 'role:' || ?1 || ';')";

#[derive(Deserialize)]
struct NamespaceRow {
    namespace: String,
}

#[derive(Deserialize)]
struct DocumentRow {
    document: String,
    updated_at_s: i64,
}

/// Whose documents, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// A host.
    pub fn host(id: HostId) -> Self {
        Self(format!("host:{}", id.0))
    }

    /// A service.
    pub fn service(name: &str) -> Self {
        Self(format!("service:{name}"))
    }

    /// A role.
    pub fn role(name: &RoleName) -> Self {
        Self(format!("role:{}", name.full()))
    }

    /// As the audit table names it.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// The names of an owner's documents, sorted.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; so for all that follow.
pub async fn list(db: &Db, owner: &Owner) -> Result<Vec<String>, StoreError> {
    let rows: Vec<NamespaceRow> = db.run(Statement::new(LIST, vec![owner.text().into()])).await?.rows()?;
    Ok(rows.into_iter().map(|row| row.namespace).collect())
}

/// A document: 1 row read.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, owner: &Owner, namespace: &str) -> Result<Option<Document>, StoreError> {
    let statement = Statement::new(FIND, vec![owner.text().into(), namespace.into()]);
    let row: Option<DocumentRow> = db.run(statement).await?.first()?;
    Ok(row.map(|row| Document { json: row.document, updated_at: UnixSeconds(row.updated_at_s) }))
}

/// The statement that puts a document there: 1 row written; none where it would be one more than `most`.
pub fn put(owner: &Owner, namespace: &str, document: &Document, most: u32) -> Statement {
    let (json, at_s) = (document.json.as_str(), document.updated_at.0);
    Statement::new(PUT, vec![owner.text().into(), namespace.into(), json.into(), at_s.into(), most.into()])
}

/// The statement that deletes a document: 1 row written.
pub fn delete(owner: &Owner, namespace: &str) -> Statement {
    Statement::new(DELETE, vec![owner.text().into(), namespace.into()])
}

/// The statement that deletes all documents of a host.
pub fn delete_of_host(id: HostId) -> Statement {
    Statement::new(DELETE_ALL, vec![Owner::host(id).text().into()])
}

/// The statement that deletes all documents of a role.
pub(super) fn delete_of_role(name: &RoleName) -> Statement {
    Statement::new(DELETE_ALL, vec![Owner::role(name).text().into()])
}

/// The statement that deletes all documents of a service and its roles.
pub(super) fn delete_of_service(service: &str) -> Statement {
    Statement::new(DELETE_OF_SERVICE, vec![service.into()])
}
