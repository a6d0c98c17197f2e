//! Table `graph_defs`: how metrics are drawn.

use edgewatch_core::model::{GraphDef, GraphMetric};
use serde::Deserialize;

use crate::store::{Db, Statement, StoreError};

const PUT: &str = "INSERT INTO graph_defs (name, display_name, unit, metrics_json) \
     SELECT value->>0, value->>1, value->>2, value->>3 FROM json_each(?1) WHERE true ON CONFLICT (name) DO UPDATE SET \
     display_name = excluded.display_name, unit = excluded.unit, metrics_json = excluded.metrics_json \
     WHERE display_name <> excluded.display_name OR unit <> excluded.unit OR metrics_json <> excluded.metrics_json";
const DELETE: &str = "DELETE FROM graph_defs WHERE name = ?1";
const COUNT: &str = "SELECT count(*) AS count FROM graph_defs";
const LIST: &str = "SELECT name, display_name, unit, metrics_json FROM graph_defs ORDER BY name";

#[derive(Deserialize)]
struct CountRow {
    count: u64,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    display_name: String,
    unit: String,
    metrics_json: String,
}

/// A metric as `metrics_json` holds it: name, display name, whether it is stacked.
type StoredMetric = (String, String, bool);

/// Every definition, by name.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when a row cannot be read.
pub async fn list(db: &Db) -> Result<Vec<GraphDef>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    rows.into_iter().map(GraphDef::try_from).collect()
}

/// How many there are: as many rows read.
///
/// # Errors
/// As [`list`].
pub async fn count(db: &Db) -> Result<u64, StoreError> {
    let row: Option<CountRow> = db.run(Statement::new(COUNT, vec![])).await?.first()?;
    Ok(row.map_or(0, |row| row.count))
}

/// The statement that puts definitions in the place of those of the same names: 1 row written for each that is another.
///
/// # Errors
/// [`StoreError::Corrupt`] when they cannot be written.
pub fn put(defs: &[GraphDef]) -> Result<Statement, StoreError> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
    let row = |def: &GraphDef| {
        let metrics: Vec<StoredMetric> = def
            .metrics
            .iter()
            .map(|metric| (metric.name.clone(), metric.display_name.clone(), metric.is_stacked))
            .collect();
        let metrics = serde_json::to_string(&metrics).map_err(corrupt)?;
        Ok([def.name.clone(), def.display_name.clone(), def.unit.clone(), metrics])
    };
    let rows = defs.iter().map(row).collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Statement::new(PUT, vec![serde_json::to_string(&rows).map_err(corrupt)?.into()]))
}

/// The statement that deletes a definition: 1 row written.
pub fn delete(name: &str) -> Statement {
    Statement::new(DELETE, vec![name.into()])
}

impl TryFrom<Row> for GraphDef {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let metrics: Vec<StoredMetric> = serde_json::from_str(&row.metrics_json)
            .map_err(|error| StoreError::Corrupt(format!("metrics_json: {error}")))?;
        let metric = |(name, display_name, is_stacked): StoredMetric| GraphMetric { name, display_name, is_stacked };
        Ok(Self {
            name: row.name,
            display_name: row.display_name,
            unit: row.unit,
            metrics: metrics.into_iter().map(metric).collect(),
        })
    }
}
