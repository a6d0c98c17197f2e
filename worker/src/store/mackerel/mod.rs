//! What Mackerel's API says of hosts and groups them by: a file per table, or two that belong together.

pub mod alert_groups;
pub mod annotations;
pub mod checks;
pub mod dashboards;
pub mod downtimes;
pub mod graph_defs;
pub mod groups;
pub mod hosts;
pub mod invitations;
pub mod listing;
pub mod metadata;
pub mod monitors;
pub mod service_graphs;
pub mod services;
pub mod standings;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Db, Outcome, Statement, StoreError};

#[derive(Deserialize)]
struct IdRow {
    id: i64,
}

/// Runs a batch whose first statement inserts a row and returns its `id`; gives that.
async fn made(db: &Db, statements: Vec<Statement>) -> Result<i64, StoreError> {
    let outcomes = db.batch(statements).await?;
    let row: Option<IdRow> = outcomes.first().map(Outcome::first).transpose()?.flatten();
    row.map(|row| row.id).ok_or_else(|| StoreError::Corrupt("an insert returned no id".to_owned()))
}

/// A value as a column of JSON holds it.
fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// What [`json`] wrote.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}
