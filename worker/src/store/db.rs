//! The only file that knows the engine: D1 in the Worker, `SQLite` in memory in native tests.
//!
//! Everything goes through [`Db::batch`]: one round trip and one transaction. Numbers are bound as doubles in both
//! engines, as D1 does it.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::DeserializeOwned;

use super::StoreError;
use edgewatch_core::units::MAX_EXACT_INTEGER;

/// A bound value.
#[derive(Debug, Clone, PartialEq)]
pub enum Bind {
    /// NULL.
    Null,
    /// A whole number; refused beyond 2^53.
    Int(i64),
    /// A double.
    Real(f64),
    /// A text.
    Text(String),
}

impl From<i64> for Bind {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Bind {
    fn from(value: u64) -> Self {
        // Beyond i64 it is beyond 2^53 too, and refused when it is bound.
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Bind {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<bool> for Bind {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<f64> for Bind {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Bind {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Bind {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Bind {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A statement and what is bound to it, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    sql: Cow<'static, str>,
    binds: Vec<Bind>,
}

impl Statement {
    /// A statement with its values. At most 100, the platform's limit.
    pub fn new(sql: &'static str, binds: Vec<Bind>) -> Self {
        Self { sql: Cow::Borrowed(sql), binds }
    }

    /// A statement made of names that the schema itself tells, never of input: for what knows no table by name.
    pub(super) fn made(sql: String, binds: Vec<Bind>) -> Self {
        Self { sql: Cow::Owned(sql), binds }
    }
}

/// What was spent, in the units of the bill. Shared by all handles of one request.
#[derive(Debug, Default)]
pub struct Meter {
    rows_read: AtomicU64,
    rows_written: AtomicU64,
    bytes: AtomicU64,
}

impl Meter {
    fn add(&self, read: u64, written: u64) {
        self.rows_read.fetch_add(read, Ordering::Relaxed);
        self.rows_written.fetch_add(written, Ordering::Relaxed);
    }

    /// How large the database is, bytes, as its last answer told; 0 where none did.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Rows read from D1 so far.
    pub fn rows_read(&self) -> u64 {
        self.rows_read.load(Ordering::Relaxed)
    }

    /// Rows written to D1 so far.
    pub fn rows_written(&self) -> u64 {
        self.rows_written.load(Ordering::Relaxed)
    }
}

/// What one statement gave.
pub struct Outcome {
    rows: engine::Rows,
    /// Rows that it inserted, updated or deleted.
    pub changes: u64,
}

impl Outcome {
    /// The rows.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row does not fit `T`.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, StoreError> {
        engine::read(&self.rows)
    }

    /// The first row, when there is one.
    ///
    /// # Errors
    /// As [`Outcome::rows`].
    pub fn first<T: DeserializeOwned>(&self) -> Result<Option<T>, StoreError> {
        Ok(self.rows()?.into_iter().next())
    }
}

/// A handle on the database.
#[derive(Clone)]
pub struct Db {
    engine: engine::Engine,
    meter: Arc<Meter>,
}

impl Db {
    /// What this handle and its clones have spent.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Runs the statements in one transaction: all of them take effect, or none.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when the engine refuses or is not reached. After a transient one the transaction may have
    /// been carried out: write only what may be written twice.
    pub async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, StoreError> {
        for statement in &statements {
            for bind in &statement.binds {
                if let Bind::Int(value) = bind
                    && value.unsigned_abs() > MAX_EXACT_INTEGER
                {
                    return Err(StoreError::Inexact(*value));
                }
            }
        }
        engine::batch(&self.engine, &self.meter, statements).await
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// As [`Db::batch`].
    pub async fn run(&self, statement: Statement) -> Result<Outcome, StoreError> {
        let missing = || StoreError::Corrupt("a statement without a result".to_owned());
        self.batch(vec![statement]).await?.pop().ok_or_else(missing)
    }
}

#[cfg(target_arch = "wasm32")]
mod engine {
    use serde::de::DeserializeOwned;
    use wasm_bindgen::JsValue;
    use worker::{D1Database, D1Result};

    use super::{Bind, Db, Meter, Outcome, Statement, StoreError};

    pub type Rows = D1Result;

    #[derive(Clone)]
    pub struct Engine(std::sync::Arc<D1Database>);

    impl Db {
        /// A handle on a D1 binding.
        pub fn new(database: D1Database) -> Self {
            Self { engine: Engine(std::sync::Arc::new(database)), meter: std::sync::Arc::default() }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "whole numbers were checked to be exact")]
    fn value(bind: &Bind) -> JsValue {
        match bind {
            Bind::Null => JsValue::NULL,
            Bind::Int(value) => JsValue::from_f64(*value as f64),
            Bind::Real(value) => JsValue::from_f64(*value),
            Bind::Text(text) => JsValue::from_str(text),
        }
    }

    fn failed(error: &worker::Error) -> StoreError {
        match error {
            // Its own Display shows the cause alone, and not every error has one.
            worker::Error::D1(error) => {
                let error: &worker::js_sys::Error = error.as_ref();
                StoreError::from_words(String::from(error.message()))
            }
            other => StoreError::from_words(other.to_string()),
        }
    }

    pub async fn batch(engine: &Engine, meter: &Meter, statements: Vec<Statement>) -> Result<Vec<Outcome>, StoreError> {
        let mut prepared = Vec::with_capacity(statements.len());
        for statement in &statements {
            let values: Vec<JsValue> = statement.binds.iter().map(value).collect();
            let bound = engine.0.prepare(&*statement.sql).bind(&values).map_err(|error| failed(&error))?;
            prepared.push(bound);
        }
        let results = engine.0.batch(prepared).await.map_err(|error| failed(&error))?;
        let mut outcomes = Vec::with_capacity(results.len());
        for rows in results {
            let meta = rows.meta().map_err(|error| failed(&error))?;
            let count = |value: Option<usize>| value.map_or(0, |count| count as u64);
            let mut changes = 0;
            if let Some(meta) = meta {
                meter.add(count(meta.rows_read), count(meta.rows_written));
                changes = count(meta.changes);
                if let Some(bytes) = meta.size_after {
                    meter.bytes.store(bytes as u64, std::sync::atomic::Ordering::Relaxed);
                }
            }
            outcomes.push(Outcome { rows, changes });
        }
        Ok(outcomes)
    }

    pub fn read<T: DeserializeOwned>(rows: &Rows) -> Result<Vec<T>, StoreError> {
        rows.results::<T>().map_err(|error| StoreError::Corrupt(error.to_string()))
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod engine {
    use std::sync::{Arc, Mutex};

    use rusqlite::types::{Value as Sqlite, ValueRef};
    use serde::de::DeserializeOwned;
    use serde_json::{Map, Value};

    use super::{Bind, Db, Meter, Outcome, Statement, StoreError};

    pub type Rows = Vec<Value>;

    #[derive(Clone)]
    pub struct Engine(Arc<Mutex<rusqlite::Connection>>);

    impl Db {
        /// An empty database in memory with every migration applied, for tests.
        ///
        /// # Errors
        /// [`StoreError::Backend`] when a migration fails.
        pub fn in_memory() -> Result<Self, StoreError> {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../d1-migrations");
            let unread = |error: std::io::Error| StoreError::Corrupt(format!("{folder}: {error}"));
            let found: Result<Vec<_>, _> = std::fs::read_dir(folder).map_err(unread)?.collect();
            let mut files: Vec<_> = found.map_err(unread)?.into_iter().map(|entry| entry.path()).collect();
            files.sort();
            let connection = rusqlite::Connection::open_in_memory().map_err(failed)?;
            connection.execute_batch("PRAGMA foreign_keys = ON").map_err(failed)?;
            for file in files {
                connection.execute_batch(&std::fs::read_to_string(file).map_err(unread)?).map_err(failed)?;
            }
            Ok(Self { engine: Engine(Arc::new(Mutex::new(connection))), meter: Arc::default() })
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
    fn failed(error: rusqlite::Error) -> StoreError {
        StoreError::from_words(error.to_string())
    }

    #[expect(clippy::cast_precision_loss, reason = "whole numbers were checked to be exact")]
    fn value(bind: &Bind) -> Sqlite {
        match bind {
            Bind::Null => Sqlite::Null,
            Bind::Int(value) => Sqlite::Real(*value as f64),
            Bind::Real(value) => Sqlite::Real(*value),
            Bind::Text(text) => Sqlite::Text(text.clone()),
        }
    }

    fn cell(value: ValueRef<'_>) -> Value {
        match value {
            ValueRef::Null | ValueRef::Blob(_) => Value::Null,
            ValueRef::Integer(number) => Value::from(number),
            ValueRef::Real(number) => Value::from(number),
            ValueRef::Text(text) => Value::from(String::from_utf8_lossy(text).into_owned()),
        }
    }

    #[expect(clippy::unused_async, reason = "the same signature as the other engine's")]
    pub async fn batch(engine: &Engine, meter: &Meter, statements: Vec<Statement>) -> Result<Vec<Outcome>, StoreError> {
        let poisoned = |_| StoreError::from_words("a test panicked while it held the database".to_owned());
        let mut connection = engine.0.lock().map_err(poisoned)?;
        let transaction = connection.transaction().map_err(failed)?;
        let mut outcomes = Vec::with_capacity(statements.len());
        for statement in &statements {
            let before = transaction.total_changes();
            let mut prepared = transaction.prepare(&statement.sql).map_err(failed)?;
            let names: Vec<String> = prepared.column_names().into_iter().map(str::to_owned).collect();
            let mut rows = Vec::new();
            let mut found =
                prepared.query(rusqlite::params_from_iter(statement.binds.iter().map(value))).map_err(failed)?;
            while let Some(row) = found.next().map_err(failed)? {
                let mut object = Map::new();
                for (index, name) in names.iter().enumerate() {
                    object.insert(name.clone(), cell(row.get_ref(index).map_err(failed)?));
                }
                rows.push(Value::Object(object));
            }
            drop(found);
            let changes = transaction.total_changes() - before;
            // SQLite here does not count as D1 does; the black-box tests hold the prices.
            meter.add(rows.len() as u64, changes);
            outcomes.push(Outcome { rows, changes });
        }
        transaction.commit().map_err(failed)?;
        Ok(outcomes)
    }

    pub fn read<T: DeserializeOwned>(rows: &Rows) -> Result<Vec<T>, StoreError> {
        let parse =
            |row: &Value| serde_json::from_value(row.clone()).map_err(|error| StoreError::Corrupt(error.to_string()));
        rows.iter().map(parse).collect()
    }
}

/// Runs a future that never waits, as those of the engine in memory.
///
/// # Panics
/// When the future waits after all.
#[cfg(test)]
pub fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the engine in memory does not wait"),
    }
}
