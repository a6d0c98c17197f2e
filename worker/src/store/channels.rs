//! Table `channels`: where notifications go.

use edgewatch_core::model::Channel;
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::{Db, Statement, StoreError, outbox};

const LIST: &str = "SELECT id, name, kind, config_sealed, created_at_s FROM channels ORDER BY id";
const INSERT: &str =
    "INSERT INTO channels (name, kind, config_sealed, created_at_s) VALUES (?1, ?2, ?3, ?4) RETURNING id";
const DELETE: &str = "DELETE FROM channels WHERE id = ?1";

/// A channel together with its configuration, which is still sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedChannel {
    /// The channel.
    pub channel: Channel,
    /// The configuration, encrypted.
    pub config_sealed: String,
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    name: String,
    kind: String,
    config_sealed: String,
    created_at_s: i64,
}

#[derive(Deserialize)]
struct IdRow {
    id: i64,
}

/// Every channel, oldest first.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list(db: &Db) -> Result<Vec<SealedChannel>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    Ok(rows.into_iter().map(SealedChannel::from).collect())
}

/// Inserts a channel together with `with` (its audit row) and gives its number.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn insert(
    db: &Db,
    (name, kind, config_sealed): (&str, &str, &str),
    now: UnixSeconds,
    with: Statement,
) -> Result<i64, StoreError> {
    let statement = Statement::new(INSERT, vec![name.into(), kind.into(), config_sealed.into(), now.0.into()]);
    let outcomes = db.batch(vec![statement, with]).await?;
    let row: Option<IdRow> = outcomes.first().map(super::Outcome::first).transpose()?.flatten();
    row.map(|row| row.id).ok_or_else(|| StoreError::Corrupt("an insert returned no id".to_owned()))
}

/// Deletes a channel and what waits for it, together with writing `with`; false when there was none.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn delete(db: &Db, id: i64, with: Statement) -> Result<bool, StoreError> {
    let statements = vec![Statement::new(DELETE, vec![id.into()]), outbox::delete_of_channel(id), with];
    let outcomes = db.batch(statements).await?;
    Ok(outcomes.first().is_some_and(|outcome| outcome.changes > 0))
}

impl From<Row> for SealedChannel {
    fn from(row: Row) -> Self {
        let channel = Channel { id: row.id, name: row.name, kind: row.kind, created_at: UnixSeconds(row.created_at_s) };
        Self { channel, config_sealed: row.config_sealed }
    }
}
