//! All tables at once, for a backup: what a page of one holds, how D1's are read and how they are filled again. No table is known by
//! name here but the few that are large, so a table that is added is in the next backup.
//!
//! What is read in one transaction belongs together: everything that refers to something else. What is large refers to nothing; it
//! is read afterwards, by pages, and may hold more than the rest knows of, which is harmless. The other way round, pages are laid
//! aside in `restore_pages` and take effect in one transaction; history, which nobody sees without its host, goes where it belongs.

use std::collections::BTreeMap;

use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Bind, Db, Statement, StoreError, access, settings};

/// Of the tables that are read by pages so many rows at a time.
const PAGE_ROWS: usize = 64;
/// Tables that grow without an end and refer to nothing by a foreign key; each has a primary key.
const LARGE: [&str; 5] = ["history", "dictionaries", "blocks", "events", "audit"];
/// Those of them that nobody looks at without a host.
const UNSEEN: [&str; 3] = ["history", "dictionaries", "blocks"];
/// The engine's own, and what means nothing elsewhere.
const LEFT_OUT: [&str; 4] = ["d1_migrations", "restore_pages", "setup_links", "sqlite_sequence"];
/// The table of the highest numbers that were ever given.
const NUMBERS: &str = "sqlite_sequence";
/// The key of the setting that says that a backup is being restored, and how far that is.
const RESTORE_KEY: &str = "restore";
/// Its value when the database is complete and objects are still closed; before that it is how many shards may be closed.
const CLOSED: &str = "closed";

const LIST_TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 4) <> '_cf_' \
     AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name";
const NEWEST_MIGRATION: &str = "SELECT max(name) AS name FROM d1_migrations";
const READ_NUMBERS: &str = "SELECT name, seq FROM sqlite_sequence WHERE name <> 'd1_migrations' ORDER BY name";
const STAGE: &str = "INSERT INTO restore_pages (seq, table_name, body) VALUES (?1, ?2, ?3) \
     ON CONFLICT (seq) DO UPDATE SET table_name = excluded.table_name, body = excluded.body";
const STAGED_TABLES: &str = "SELECT DISTINCT table_name AS name FROM restore_pages";
const COUNT_STAGED: &str = "SELECT coalesce(sum(json_array_length(body)), 0) AS count FROM restore_pages";
const FORGET_STAGED: &str = "DELETE FROM restore_pages";
const DEFER: &str = "PRAGMA defer_foreign_keys = TRUE";
const FORGET_NUMBERS: &str = "DELETE FROM sqlite_sequence WHERE name <> 'd1_migrations'";
const PUT_NUMBERS: &str = "INSERT INTO sqlite_sequence (name, seq) SELECT row.value ->> 0, row.value ->> 1 \
     FROM restore_pages AS page, json_each(page.body) AS row WHERE page.table_name = 'sqlite_sequence'";
const FORGET_SETTING: &str = "DELETE FROM settings WHERE key = ?1";
const COUNT_THINGS: &str = "SELECT (SELECT count(*) FROM hosts) AS hosts, (SELECT count(*) FROM channels) AS channels, \
     (SELECT count(*) FROM probes) AS probes, (SELECT count(*) FROM alerts) AS alerts, (SELECT count(*) > 1 FROM monitors) AS monitors, \
     (SELECT count(*) FROM proxmox_instances) AS instances, (SELECT count(*) FROM push_agents) AS pushing, \
     (SELECT count(*) > 1 FROM users) AS others";

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// NULL.
    Null,
    /// A whole number.
    Int(i64),
    /// A double.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes, as hexadecimal text.
    Blob {
        /// The text.
        b: String,
    },
}

/// Rows of one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub table: String,
    /// The names of its columns, all of them, in their order.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

/// What one call reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Rows of several tables.
    pub tables: Vec<Table>,
    /// What the next call is to be given; nothing when this is the last page.
    pub cursor: Option<String>,
}

/// A column, as the engine tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    pk: i64,
}

#[derive(Deserialize)]
struct NameRow {
    name: Option<String>,
}

#[derive(Deserialize)]
struct CountRow {
    count: u64,
}

/// Where a page of a large table begins.
#[derive(Serialize, Deserialize)]
struct Cursor {
    table: String,
    after: Option<Vec<Value>>,
}

type Schema = BTreeMap<String, Vec<Column>>;

impl Column {
    fn is_blob(&self) -> bool {
        self.kind == "BLOB"
    }
}

/// The newest migration that was applied; the empty text where nobody notes them.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; so for all that follow.
pub async fn schema_version(db: &Db) -> Result<String, StoreError> {
    match db.run(Statement::new(NEWEST_MIGRATION, vec![])).await {
        Ok(outcome) => Ok(outcome.first::<NameRow>()?.and_then(|row| row.name).unwrap_or_default()),
        Err(StoreError::Backend { detail, .. }) if detail.contains("no such table") => Ok(String::new()),
        Err(error) => Err(error),
    }
}

async fn schema(db: &Db) -> Result<Schema, StoreError> {
    let names: Vec<NameRow> = db.run(Statement::new(LIST_TABLES, vec![])).await?.rows()?;
    let names = names.into_iter().filter_map(|row| row.name).filter(|name| !LEFT_OUT.contains(&name.as_str()));
    let names: Vec<String> = names.collect();
    let asked = names.iter().map(|name| Statement::made(format!("PRAGMA table_info({})", quoted(name)), vec![]));
    let told = db.batch(asked.collect()).await?;
    names.into_iter().zip(told).map(|(name, told)| Ok((name, told.rows()?))).collect()
}

/// A name as it stands in SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn read_columns(columns: &[Column]) -> String {
    let one = |column: &Column| {
        let name = quoted(&column.name);
        if column.is_blob() { format!("iif({name} IS NULL, NULL, hex({name})) AS {name}") } else { name }
    };
    columns.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn table(name: &str, columns: &[Column], rows: Vec<Map<String, Value>>) -> Result<Table, StoreError> {
    let row = |mut row: Map<String, Value>| {
        let cell = |column: &Column| cell(row.remove(&column.name).unwrap_or(Value::Null), column.is_blob());
        columns.iter().map(cell).collect::<Result<Vec<Cell>, StoreError>>()
    };
    let rows = rows.into_iter().map(row).collect::<Result<_, _>>()?;
    let columns = columns.iter().map(|column| column.name.clone()).collect();
    Ok(Table { table: name.to_owned(), columns, rows })
}

fn cell(value: Value, is_blob: bool) -> Result<Cell, StoreError> {
    Ok(match value {
        Value::Null => Cell::Null,
        Value::String(text) if is_blob => Cell::Blob { b: text },
        Value::String(text) => Cell::Text(text),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Cell::Int(whole),
            (None, Some(real)) if real.is_finite() => Cell::Real(real),
            _ => return Err(StoreError::Corrupt(format!("the number {number}"))),
        },
        other => return Err(StoreError::Corrupt(format!("a cell {other}"))),
    })
}

/// A page of everything: the first one without a cursor, then by that of the page before.
///
/// # Errors
/// As [`schema_version`]; [`StoreError::Corrupt`] for a cursor that is none of ours.
pub async fn read(db: &Db, cursor: Option<&str>) -> Result<Page, StoreError> {
    let schema = schema(db).await?;
    match cursor {
        None => read_small(db, &schema).await,
        Some(cursor) => {
            let unread = || StoreError::Corrupt("a cursor".to_owned());
            let Cursor { table, after } = serde_json::from_str(cursor).map_err(|_| unread())?;
            let name = LARGE.into_iter().find(|name| *name == table).ok_or_else(unread)?;
            read_large(db, &schema, name, after).await
        }
    }
}

async fn read_small(db: &Db, schema: &Schema) -> Result<Page, StoreError> {
    let small: Vec<_> = schema.iter().filter(|(name, _)| !LARGE.contains(&name.as_str())).collect();
    let read = |(name, columns): &(&String, &Vec<Column>)| {
        Statement::made(format!("SELECT {} FROM {}", read_columns(columns), quoted(name)), vec![])
    };
    let mut statements: Vec<Statement> = small.iter().map(read).collect();
    statements.push(Statement::new(READ_NUMBERS, vec![]));
    let mut told = db.batch(statements).await?;
    let numbers = told.pop().map(|told| told.rows()).transpose()?.unwrap_or_default();
    let mut tables = Vec::new();
    for ((name, columns), told) in small.into_iter().zip(told) {
        tables.push(table(name, columns, told.rows()?)?);
    }
    tables.push(table(NUMBERS, &number_columns(), numbers)?);
    tables.retain(|table| !table.rows.is_empty());
    Ok(Page { tables, cursor: begin_at(LARGE.first().copied())? })
}

fn number_columns() -> [Column; 2] {
    ["name", "seq"].map(|name| Column { name: name.to_owned(), kind: String::new(), pk: 0 })
}

fn begin_at(table: Option<&str>) -> Result<Option<String>, StoreError> {
    let text = |table: &str| serde_json::to_string(&Cursor { table: table.to_owned(), after: None });
    table.map(text).transpose().map_err(|error| StoreError::Corrupt(error.to_string()))
}

async fn read_large(
    db: &Db,
    schema: &Schema,
    name: &'static str,
    after: Option<Vec<Value>>,
) -> Result<Page, StoreError> {
    let next = LARGE.into_iter().skip_while(|one| *one != name).nth(1);
    let Some(columns) = schema.get(name) else { return Ok(Page { tables: vec![], cursor: begin_at(next)? }) };
    let mut key: Vec<&Column> = columns.iter().filter(|column| column.pk > 0).collect();
    key.sort_by_key(|column| column.pk);
    let names = key.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
    let places = (1..=key.len()).map(|place| format!("?{place}")).collect::<Vec<_>>().join(", ");
    let from = if after.is_some() { format!("WHERE ({names}) > ({places})") } else { String::new() };
    let sql =
        format!("SELECT {} FROM {} {from} ORDER BY {names} LIMIT {PAGE_ROWS}", read_columns(columns), quoted(name));
    let bind = |value: Value| match value {
        Value::Number(number) => number.as_i64().map(Bind::Int).or_else(|| number.as_f64().map(Bind::Real)),
        Value::String(text) => Some(Bind::Text(text)),
        _ => None,
    };
    let binds: Option<Vec<Bind>> = after.unwrap_or_default().into_iter().map(bind).collect();
    let binds = binds.ok_or_else(|| StoreError::Corrupt("a cursor".to_owned()))?;
    let rows: Vec<Map<String, Value>> = db.run(Statement::made(sql, binds)).await?.rows()?;
    let last = rows.last().filter(|_| rows.len() == PAGE_ROWS);
    let cursor = match last {
        None => begin_at(next)?,
        Some(last) => {
            let after = key.iter().map(|column| last.get(&column.name).cloned().unwrap_or(Value::Null)).collect();
            let cursor = Cursor { table: name.to_owned(), after: Some(after) };
            Some(serde_json::to_string(&cursor).map_err(|error| StoreError::Corrupt(error.to_string()))?)
        }
    };
    let tables = if rows.is_empty() { vec![] } else { vec![table(name, columns, rows)?] };
    Ok(Page { tables, cursor })
}

/// What is here that a backup would be laid over, in words; `None` where there is nothing but the one who set the deployment up.
///
/// # Errors
/// As [`schema_version`].
pub async fn obstacle(db: &Db) -> Result<Option<String>, StoreError> {
    let counts: Option<Map<String, Value>> = db.run(Statement::new(COUNT_THINGS, vec![])).await?.first()?;
    let there = counts.into_iter().flatten().filter(|(_, count)| count.as_f64() != Some(0.0));
    let words: Vec<String> = there.map(|(what, count)| format!("{what}: {count}")).collect();
    Ok((!words.is_empty()).then(|| words.join(", ")))
}

/// Forgets what was restored so far and did not take effect, and notes that a restore begins, of so many shards.
///
/// # Errors
/// As [`schema_version`].
pub async fn begin(db: &Db, shards: u64) -> Result<(), StoreError> {
    let most = shards.max(begun(db).await?.unwrap_or(0));
    let mut statements = vec![Statement::new(FORGET_STAGED, vec![]), settings::put(RESTORE_KEY, &most.to_string())];
    statements.extend(UNSEEN.map(|name| Statement::made(format!("DELETE FROM {}", quoted(name)), vec![])));
    db.batch(statements).await.map(drop)
}

/// Takes in rows: those of history at once, all others when everything is there. The same page again changes nothing.
///
/// # Errors
/// As [`schema_version`]; [`StoreError::Corrupt`] for a table or columns that are not those of this deployment.
pub async fn fill(db: &Db, seq: u64, table: &Table) -> Result<(), StoreError> {
    let body = serde_json::to_string(&table.rows).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let columns = match table.table.as_str() {
        NUMBERS => number_columns().to_vec(),
        name => schema(db).await?.remove(name).ok_or_else(|| StoreError::Corrupt(format!("no table {name:?}")))?,
    };
    let is_same = columns.iter().map(|column| &column.name).eq(&table.columns);
    if !is_same || table.rows.iter().any(|row| row.len() != columns.len()) {
        return Err(StoreError::Corrupt(format!("table {:?} has other columns here", table.table)));
    }
    let statement = if UNSEEN.contains(&table.table.as_str()) {
        let sql = format!("{} FROM json_each(?1) AS row", insert(&table.table, &columns));
        Statement::made(sql, vec![body.into()])
    } else {
        Statement::new(STAGE, vec![seq.into(), table.table.as_str().into(), body.into()])
    };
    db.run(statement).await.map(drop)
}

/// `INSERT … SELECT …` of the values of `row`.
fn insert(name: &str, columns: &[Column]) -> String {
    let value = |(place, column): (usize, &Column)| {
        if column.is_blob() { format!("unhex(row.value ->> '$[{place}].b')") } else { format!("row.value ->> {place}") }
    };
    let names = columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
    let values = columns.iter().enumerate().map(value).collect::<Vec<_>>().join(", ");
    format!("INSERT OR REPLACE INTO {} ({names}) SELECT {values}", quoted(name))
}

/// How many rows were restored so far.
///
/// # Errors
/// As [`schema_version`].
pub async fn count(db: &Db) -> Result<u64, StoreError> {
    let mut statements = vec![Statement::new(COUNT_STAGED, vec![])];
    statements
        .extend(UNSEEN.map(|name| Statement::made(format!("SELECT count(*) AS count FROM {}", quoted(name)), vec![])));
    let mut sum = 0;
    for told in db.batch(statements).await? {
        sum += told.first::<CountRow>()?.map_or(0, |row| row.count);
    }
    Ok(sum)
}

/// Lets everything that was restored take the place of what was here, in one transaction. `shards`: how many the backup is of, of
/// which some may have no hosts here. The objects are to be opened next, which [`is_closed`] tells until [`opened`].
///
/// # Errors
/// As [`schema_version`]: then nothing has changed.
pub async fn commit(db: &Db, shards: u64, key: &str, now: UnixSeconds, actor: &str) -> Result<(), StoreError> {
    let schema = schema(db).await?;
    let staged: Vec<NameRow> = db.run(Statement::new(STAGED_TABLES, vec![])).await?.rows()?;
    let seen = || schema.iter().filter(|(name, _)| !UNSEEN.contains(&name.as_str()));
    let mut statements = vec![Statement::new(DEFER, vec![])];
    statements.extend(seen().map(|(name, _)| Statement::made(format!("DELETE FROM {}", quoted(name)), vec![])));
    for (name, columns) in seen().filter(|(name, _)| staged.iter().any(|one| one.name.as_ref() == Some(name))) {
        let sql = format!(
            "{} FROM restore_pages AS page, json_each(page.body) AS row WHERE page.table_name = ?1",
            insert(name, columns)
        );
        statements.push(Statement::made(sql, vec![name.as_str().into()]));
    }
    statements.push(Statement::new(FORGET_NUMBERS, vec![]));
    statements.push(Statement::new(PUT_NUMBERS, vec![]));
    statements.push(Statement::new(FORGET_STAGED, vec![]));
    statements.push(settings::put(RESTORE_KEY, CLOSED));
    statements.push(settings::raise(settings::HUB_SHARDS, shards));
    statements.push(access::audit(key, now, actor, "backup.restore", ""));
    db.batch(statements).await.map(drop)
}

/// Whether the database is restored and the objects are not open yet.
///
/// # Errors
/// As [`schema_version`].
pub async fn is_closed(db: &Db) -> Result<bool, StoreError> {
    Ok(settings::find(db, RESTORE_KEY).await?.as_deref() == Some(CLOSED))
}

/// Of how many shards a restore was begun that has not come to its end, at most; `None` where none was.
///
/// # Errors
/// As [`schema_version`].
pub async fn begun(db: &Db) -> Result<Option<u64>, StoreError> {
    Ok(settings::find(db, RESTORE_KEY).await?.map(|text| text.parse().unwrap_or(0)))
}

/// The objects are open.
///
/// # Errors
/// As [`schema_version`].
pub async fn opened(db: &Db) -> Result<(), StoreError> {
    db.run(Statement::new(FORGET_SETTING, vec![RESTORE_KEY.into()])).await.map(drop)
}

/// Gives a restore up: what came of it so far is forgotten.
///
/// # Errors
/// As [`schema_version`].
pub async fn give_up(db: &Db) -> Result<(), StoreError> {
    begin(db, 0).await?;
    opened(db).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    fn run(db: &Db, sql: &'static str) {
        now(db.run(Statement::new(sql, vec![]))).unwrap();
    }

    fn furnished() -> Db {
        let db = Db::in_memory().unwrap();
        run(&db, "INSERT INTO users (id, name, role, created_at_s) VALUES (7, 'ada''\"ä', 'admin', 5)");
        run(
            &db,
            "INSERT INTO history (host_id, tier, slot, block_no, samples, start_ms, end_ms, data) \
             WITH RECURSIVE n(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < 150) \
             SELECT at % 3, 2, at, at, 1, 2, 3, x'00ff' FROM n",
        );
        run(
            &db,
            "INSERT INTO events (key, kind, at_s, text, value) VALUES ('1', 'news', 5, 'a', 0.1 + 0.2), \
             ('2', 'news', 5, 'b', 1234567.8901234567), ('3', 'news', 5, 'c', NULL)",
        );
        db
    }

    fn pages(db: &Db) -> Vec<Page> {
        let mut pages = vec![now(read(db, None)).unwrap()];
        while let Some(cursor) = pages.last().unwrap().cursor.clone() {
            pages.push(now(read(db, Some(&cursor))).unwrap());
        }
        pages
    }

    fn rows(db: &Db, table: &str) -> Vec<Vec<Cell>> {
        let found = pages(db).into_iter().flat_map(|page| page.tables).filter(|one| one.table == table);
        found.flat_map(|one| one.rows).collect()
    }

    #[test]
    fn large_tables_are_read_by_pages_in_the_order_of_their_keys() {
        let db = furnished();
        let history: Vec<usize> = pages(&db)
            .iter()
            .flat_map(|page| &page.tables)
            .filter(|table| table.table == "history")
            .map(|table| table.rows.len())
            .collect();
        // The engine in memory shows no bytes but as text.
        assert_eq!(history, [64, 64, 22]);
        assert!(now(read(&db, Some("x"))).is_err());
        assert!(now(read(&db, Some(r#"{"table":"users","after":null}"#))).is_err(), "no large one");
    }

    #[test]
    fn everything_takes_effect_at_once_and_not_before() {
        let (from, to) = (furnished(), Db::in_memory().unwrap());
        run(&to, "INSERT INTO users (id, name, role, created_at_s) VALUES (1, 'stranger', 'admin', 9)");
        assert_eq!(now(obstacle(&to)), Ok(None));
        now(begin(&to, 3)).unwrap();
        now(begin(&to, 1)).unwrap();
        assert_eq!(now(begun(&to)), Ok(Some(3)), "three are closed");
        let (mut seq, mut sent) = (0, 0);
        for table in pages(&from).iter().flat_map(|page| &page.tables) {
            seq += 1;
            sent += table.rows.len();
            for _ in 0..2 {
                now(fill(&to, seq, table)).unwrap();
            }
        }
        assert_eq!(now(count(&to)), Ok(sent as u64));
        assert_eq!(rows(&to, "users")[0][1], Cell::Text("stranger".to_owned()));
        assert!(rows(&to, "events").is_empty());
        now(commit(&to, 1, "k", UnixSeconds(5), "user:1")).unwrap();
        assert!(now(is_closed(&to)).unwrap());
        now(opened(&to)).unwrap();
        assert_eq!(now(begun(&to)), Ok(None));
        for table in ["users", "events", "history"] {
            assert_eq!(rows(&to, table), rows(&from, table), "{table}");
        }
        assert!(
            rows(&to, "audit").len() == 1
                && rows(&to, NUMBERS).contains(&vec![Cell::Text("users".to_owned()), Cell::Int(7)])
        );
    }

    #[test]
    fn what_is_there_already_is_an_obstacle() {
        let db = furnished();
        run(&db, "INSERT INTO users (id, name, role, created_at_s) VALUES (8, 'bob', 'admin', 5)");
        assert_eq!(now(obstacle(&db)).unwrap().as_deref(), Some("others: 1"));
    }
}
