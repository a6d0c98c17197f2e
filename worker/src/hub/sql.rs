//! The object's own database: `SqlStorage` in the Worker, `SQLite` in memory in native tests.
//!
//! Synchronous. What is written between two awaits of one event commits together, so no await belongs between the
//! statements of one logical write. Numbers are bound as doubles in both engines, as the platform does it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use edgewatch_core::domain::budget::prices::Meter as Allowance;
use edgewatch_core::domain::budget::refusal;
use edgewatch_core::model::HostId;
use edgewatch_core::units::MAX_EXACT_INTEGER;

use super::HubError;

/// What is bound to a statement, or lies in a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A whole number; refused beyond 2^53 - 1.
    Int(i64),
    /// A double.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        // Beyond i64 it is beyond 2^53 too, and refused when it is bound.
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<u8> for Value {
    fn from(value: u8) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<HostId> for Value {
    fn from(value: HostId) -> Self {
        Self::Int(value.0)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer: its cells in the order of the columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(Vec<Value>);

impl Row {
    /// Its cells.
    pub fn into_cells(self) -> Vec<Value> {
        self.0
    }

    /// Whether the cell is NULL or not there at all.
    pub fn is_null(&self, column: usize) -> bool {
        matches!(self.0.get(column), None | Some(Value::Null))
    }

    /// A whole number.
    ///
    /// # Errors
    /// [`HubError::Corrupt`] when the cell is none; so for all that follow.
    pub fn int(&self, column: usize) -> Result<i64, HubError> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Ok(*value),
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
            Some(Value::Real(value)) if value.fract() == 0.0 && value.abs() < 9e15 => Ok(*value as i64),
            other => Err(unexpected(column, "a whole number", other)),
        }
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn whole(&self, column: usize) -> Result<u64, HubError> {
        u64::try_from(self.int(column)?).map_err(|_| unexpected(column, "a number from 0 on", self.0.get(column)))
    }

    /// A number. A whole one may come back as such, whatever it was bound as.
    ///
    /// # Errors
    /// As [`Row::int`].
    #[expect(clippy::cast_precision_loss, reason = "whole numbers here are exact as doubles")]
    pub fn real(&self, column: usize) -> Result<f64, HubError> {
        match self.0.get(column) {
            Some(Value::Real(value)) => Ok(*value),
            Some(Value::Int(value)) => Ok(*value as f64),
            other => Err(unexpected(column, "a number", other)),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn text(&self, column: usize) -> Result<&str, HubError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text),
            other => Err(unexpected(column, "a text", other)),
        }
    }

    /// Bytes.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn blob(&self, column: usize) -> Result<&[u8], HubError> {
        match self.0.get(column) {
            Some(Value::Blob(bytes)) => Ok(bytes),
            other => Err(unexpected(column, "bytes", other)),
        }
    }

    /// Bytes, without copying them; the cell is NULL from then on.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn take_blob(&mut self, column: usize) -> Result<Vec<u8>, HubError> {
        match self.0.get_mut(column).map(|cell| std::mem::replace(cell, Value::Null)) {
            Some(Value::Blob(bytes)) => Ok(bytes),
            other => Err(unexpected(column, "bytes", other.as_ref())),
        }
    }

    /// What `read` makes of the cell; `None` where it is NULL.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn optional<'a, T>(
        &'a self,
        column: usize,
        read: impl FnOnce(&'a Self, usize) -> Result<T, HubError>,
    ) -> Result<Option<T>, HubError> {
        if self.is_null(column) { Ok(None) } else { read(self, column).map(Some) }
    }
}

fn unexpected(column: usize, wanted: &str, found: Option<&Value>) -> HubError {
    let found = match found {
        None => "nothing",
        Some(Value::Null) => "NULL",
        Some(Value::Int(_)) => "a whole number",
        Some(Value::Real(_)) => "a double",
        Some(Value::Text(_)) => "a text",
        Some(Value::Blob(_)) => "bytes",
    };
    HubError::Corrupt(format!("column {column} holds {found} in the place of {wanted}"))
}

/// What was spent, in the units of the bill, since the object woke.
#[derive(Debug, Default)]
struct Meter {
    rows_read: AtomicU64,
    rows_written: AtomicU64,
    /// Allowances that the platform last called used up, and those that it last let us use: a bit each.
    refused: AtomicU16,
    allowed: AtomicU16,
}

impl Meter {
    fn add(&self, read: u64, written: u64) {
        self.rows_read.fetch_add(read, Ordering::Relaxed);
        self.rows_written.fetch_add(written, Ordering::Relaxed);
        let seen = |count: u64, allowance: Allowance| if count > 0 { 1 << allowance as u16 } else { 0 };
        let allowed = seen(read, Allowance::ObjectRowsRead)
            | seen(written, Allowance::ObjectRowsWritten)
            | seen(written, Allowance::ObjectBytes);
        self.allowed.fetch_or(allowed, Ordering::Relaxed);
        self.refused.fetch_and(!allowed, Ordering::Relaxed);
    }

    fn note_refusal(&self, words: &str) {
        if let Some(allowance) = refusal::meter_of(words) {
            self.refused.fetch_or(1 << allowance as u16, Ordering::Relaxed);
            self.allowed.fetch_and(!(1 << allowance as u16), Ordering::Relaxed);
        }
    }
}

/// A handle on the object's database.
#[derive(Clone)]
pub struct Sql {
    engine: engine::Engine,
    meter: Arc<Meter>,
}

impl Sql {
    /// Runs one statement and gives its rows.
    ///
    /// # Errors
    /// [`HubError::Refused`] in the platform's words; [`HubError::Corrupt`] for a whole number that is not exact as a double.
    pub fn exec(&self, sql: &'static str, binds: Vec<Value>) -> Result<Vec<Row>, HubError> {
        self.exec_made(sql, binds)
    }

    /// As [`Sql::exec`], a statement made of names that the schema itself tells, never of input: for what knows no table by name.
    ///
    /// # Errors
    /// As [`Sql::exec`].
    pub(super) fn exec_made(&self, sql: &str, binds: Vec<Value>) -> Result<Vec<Row>, HubError> {
        for bind in &binds {
            if let Value::Int(value) = bind
                && value.unsigned_abs() > MAX_EXACT_INTEGER
            {
                return Err(HubError::Corrupt(format!("{value} is beyond the exact integers")));
            }
        }
        let rows = engine::exec(&self.engine, &self.meter, sql, binds);
        if let Err(HubError::Refused(words)) = &rows {
            self.note_refusal(words);
        }
        rows
    }

    /// Notes the platform's words for something else that the object's storage refused, such as an alarm.
    pub fn note_refusal(&self, words: &str) {
        self.meter.note_refusal(words);
    }

    /// Whether the platform last called an allowance used up (true) or let us use it (false); `None` where it was not seen.
    pub fn refuses(&self, allowance: Allowance) -> Option<bool> {
        let has = |mask: &AtomicU16| mask.load(Ordering::Relaxed) & (1 << allowance as u16) != 0;
        if has(&self.meter.refused) { Some(true) } else { has(&self.meter.allowed).then_some(false) }
    }

    /// Rows read by this handle and its clones. The native engine counts rows given, not rows looked at.
    pub fn rows_read(&self) -> u64 {
        self.meter.rows_read.load(Ordering::Relaxed)
    }

    /// Rows written by this handle and its clones.
    pub fn rows_written(&self) -> u64 {
        self.meter.rows_written.load(Ordering::Relaxed)
    }

    /// How large the database is, bytes.
    pub fn bytes(&self) -> u64 {
        engine::bytes(&self.engine)
    }
}

#[cfg(target_arch = "wasm32")]
mod engine {
    use worker::{SqlStorage, SqlStorageValue};

    use super::{HubError, Meter, Row, Sql, Value};

    pub type Engine = SqlStorage;

    impl Sql {
        /// A handle on the object's storage.
        pub fn new(storage: SqlStorage) -> Self {
            Self { engine: storage, meter: std::sync::Arc::default() }
        }
    }

    fn bound(value: Value) -> SqlStorageValue {
        match value {
            Value::Null => SqlStorageValue::Null,
            // Leaves as a double: checked to be exact.
            Value::Int(value) => SqlStorageValue::Integer(value),
            Value::Real(value) => SqlStorageValue::Float(value),
            Value::Text(text) => SqlStorageValue::String(text),
            Value::Blob(bytes) => SqlStorageValue::Blob(bytes),
        }
    }

    fn cell(value: SqlStorageValue) -> Value {
        match value {
            SqlStorageValue::Null => Value::Null,
            SqlStorageValue::Boolean(value) => Value::Int(i64::from(value)),
            SqlStorageValue::Integer(value) => Value::Int(value),
            SqlStorageValue::Float(value) => Value::Real(value),
            SqlStorageValue::String(text) => Value::Text(text),
            SqlStorageValue::Blob(bytes) => Value::Blob(bytes),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
    fn refused(error: worker::Error) -> HubError {
        HubError::Refused(error.to_string())
    }

    pub fn exec(engine: &Engine, meter: &Meter, sql: &str, binds: Vec<Value>) -> Result<Vec<Row>, HubError> {
        let binds: Vec<SqlStorageValue> = binds.into_iter().map(bound).collect();
        let cursor = engine.exec(sql, binds).map_err(refused)?;
        let rows: Result<Vec<Row>, HubError> = cursor
            .raw()
            .map(|row| row.map(|cells| Row(cells.into_iter().map(cell).collect())).map_err(refused))
            .collect();
        // Complete only now that the cursor is at its end.
        meter.add(cursor.rows_read() as u64, cursor.rows_written() as u64);
        rows
    }

    pub fn bytes(engine: &Engine) -> u64 {
        engine.database_size() as u64
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod engine {
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    use rusqlite::types::{Value as Sqlite, ValueRef};

    use super::{HubError, Meter, Row, Sql, Value};

    pub type Engine = Arc<Mutex<rusqlite::Connection>>;

    impl Sql {
        /// An empty database in memory, for tests.
        ///
        /// # Errors
        /// [`HubError::Refused`] when there is none to be had.
        pub fn in_memory() -> Result<Self, HubError> {
            let connection = rusqlite::Connection::open_in_memory().map_err(refused)?;
            Ok(Self { engine: Arc::new(Mutex::new(connection)), meter: Arc::default() })
        }

        /// The database in this file, for measuring what it takes.
        ///
        /// # Errors
        /// [`HubError::Refused`] when it cannot be opened.
        pub fn in_file(path: &Path) -> Result<Self, HubError> {
            let connection = rusqlite::Connection::open(path).map_err(refused)?;
            Ok(Self { engine: Arc::new(Mutex::new(connection)), meter: Arc::default() })
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
    fn refused(error: rusqlite::Error) -> HubError {
        HubError::Refused(error.to_string())
    }

    fn poisoned<T>(_: T) -> HubError {
        HubError::Refused("a test panicked while it held the database".to_owned())
    }

    #[expect(clippy::cast_precision_loss, reason = "whole numbers were checked to be exact")]
    fn bound(value: Value) -> Sqlite {
        match value {
            Value::Null => Sqlite::Null,
            Value::Int(value) => Sqlite::Real(value as f64),
            Value::Real(value) => Sqlite::Real(value),
            Value::Text(text) => Sqlite::Text(text),
            Value::Blob(bytes) => Sqlite::Blob(bytes),
        }
    }

    fn cell(value: ValueRef<'_>) -> Value {
        match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        }
    }

    pub fn exec(engine: &Engine, meter: &Meter, sql: &str, binds: Vec<Value>) -> Result<Vec<Row>, HubError> {
        let connection = engine.lock().map_err(poisoned)?;
        let before = connection.total_changes();
        let mut statement = connection.prepare_cached(sql).map_err(refused)?;
        let columns = statement.column_count();
        let mut found = statement.query(rusqlite::params_from_iter(binds.into_iter().map(bound))).map_err(refused)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(refused)? {
            let cells: rusqlite::Result<Vec<Value>> = (0..columns).map(|at| row.get_ref(at).map(cell)).collect();
            rows.push(Row(cells.map_err(refused)?));
        }
        drop(found);
        // SQLite here does not count as the platform does; the black-box tests hold the prices.
        meter.add(rows.len() as u64, connection.total_changes() - before);
        Ok(rows)
    }

    pub fn bytes(engine: &Engine) -> u64 {
        let Ok(connection) = engine.lock() else { return 0 };
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap_or(0);
        u64::try_from(pragma("page_count").saturating_mul(pragma("page_size"))).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_comes_back_as_it_went_in() {
        let sql = Sql::in_memory().unwrap();
        sql.exec("CREATE TABLE t (a INTEGER, b REAL, c TEXT, d BLOB, e INTEGER) STRICT", vec![]).unwrap();
        let largest = MAX_EXACT_INTEGER.cast_signed();
        let binds = vec![largest.into(), 0.1.into(), "ä".into(), vec![0_u8, 255].into(), Value::Null];
        sql.exec("INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5)", binds).unwrap();
        let mut rows = sql.exec("SELECT a, b, c, d, e FROM t", vec![]).unwrap();
        let row = &mut rows[0];
        assert_eq!((row.int(0), row.whole(0)), (Ok(largest), Ok(MAX_EXACT_INTEGER)));
        assert_eq!((row.real(1), row.text(2)), (Ok(0.1), Ok("ä")));
        assert_eq!(row.blob(3), Ok(&[0, 255][..]));
        assert_eq!(row.optional(4, Row::int), Ok(None));
        assert_eq!(row.optional(0, Row::int), Ok(Some(largest)));
        assert_eq!(row.take_blob(3), Ok(vec![0, 255]));
        assert!(row.is_null(3) && row.is_null(99));
        assert!(matches!(row.int(2), Err(HubError::Corrupt(_))));
    }

    #[test]
    fn a_number_that_is_not_exact_is_refused() {
        let sql = Sql::in_memory().unwrap();
        let beyond = Value::Int(MAX_EXACT_INTEGER.cast_signed() + 1);
        assert!(matches!(sql.exec("SELECT ?1", vec![beyond]), Err(HubError::Corrupt(_))));
        assert!(matches!(sql.exec("SELECT ?1", vec![Value::from(u64::MAX)]), Err(HubError::Corrupt(_))));
        assert!(matches!(sql.exec("SELECT FROM", vec![]), Err(HubError::Refused(_))));
    }

    #[test]
    fn what_is_spent_is_counted() {
        let sql = Sql::in_memory().unwrap();
        sql.exec("CREATE TABLE t (a INTEGER) STRICT", vec![]).unwrap();
        sql.exec("INSERT INTO t VALUES (1), (2)", vec![]).unwrap();
        sql.clone().exec("SELECT a FROM t", vec![]).unwrap();
        assert_eq!((sql.rows_read(), sql.rows_written()), (2, 2));
        assert!(sql.bytes() >= 4_096);
    }
}
