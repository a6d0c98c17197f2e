//! All tables of an object's own database at once, for a backup, and filling them again. No table is known by name here.
//!
//! A table whose rows belong to somebody says so by the first column of its key (`host_id`, `instance`). All rows of one of those, in
//! all tables, are in one page, which one event reads: so they belong together, whatever happens between two pages. Everything
//! else is small and goes first: what it says is owed to D1 may be there by then, and is laid there a second time without harm.

use std::collections::BTreeMap;

use super::HubError;
use super::sql::{Sql, Value};
use crate::store::dump::{Cell, Page, Table};

pub mod calls;

/// Whose rows a table may hold.
const OWNERS: [&str; 2] = ["host_id", "instance"];
/// A page is closed when it has so many bytes.
const PAGE_BYTES: usize = 700_000;
/// Below every owner's number that a double holds exactly.
const FIRST: i64 = -9_007_199_254_740_991;
/// The key in `meta` that keeps everybody out while a backup is restored; it is no part of one.
const CLOSED_KEY: &str = "restoring";

const LIST_TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 4) <> '_cf_' \
     AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name";
const FIND_CLOSED: &str = "SELECT value FROM meta WHERE key = 'restoring'";
const CLOSE: &str = "INSERT INTO meta (key, value) VALUES ('restoring', '1') ON CONFLICT (key) DO NOTHING";
const OPEN: &str = "DELETE FROM meta WHERE key = 'restoring'";

/// A table as the engine tells it.
struct Shape {
    name: String,
    columns: Vec<String>,
    /// The column that says whose a row is.
    owner: Option<String>,
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn shapes(sql: &Sql) -> Result<Vec<Shape>, HubError> {
    let mut shapes = Vec::new();
    for row in sql.exec(LIST_TABLES, vec![])? {
        let name = row.text(0)?.to_owned();
        let (mut columns, mut owner) = (Vec::new(), None);
        // cid, name, type, notnull, dflt_value, pk
        for column in sql.exec_made(&format!("PRAGMA table_info({})", quoted(&name)), vec![])? {
            let column_name = column.text(1)?.to_owned();
            if column.int(5)? == 1 && OWNERS.contains(&column_name.as_str()) {
                owner = Some(column_name.clone());
            }
            columns.push(column_name);
        }
        shapes.push(Shape { name, columns, owner });
    }
    Ok(shapes)
}

fn cell(value: Value) -> Result<Cell, HubError> {
    Ok(match value {
        Value::Null => Cell::Null,
        Value::Int(number) => Cell::Int(number),
        Value::Real(number) if number.is_finite() => Cell::Real(number),
        Value::Real(number) => return Err(HubError::Corrupt(format!("the number {number}"))),
        Value::Text(text) => Cell::Text(text),
        Value::Blob(bytes) => Cell::Blob { b: crate::store::hex::write(&bytes) },
    })
}

fn value(cell: &Cell) -> Result<Value, HubError> {
    Ok(match cell {
        Cell::Null => Value::Null,
        Cell::Int(number) => Value::Int(*number),
        Cell::Real(number) => Value::Real(*number),
        Cell::Text(text) => Value::Text(text.clone()),
        Cell::Blob { b } => Value::Blob(crate::store::hex::read(b)?),
    })
}

fn bytes(rows: &[Vec<Cell>]) -> usize {
    let of_cell = |cell: &Cell| match cell {
        Cell::Text(text) | Cell::Blob { b: text } => text.len() + 8,
        _ => 12,
    };
    rows.iter().flatten().map(of_cell).sum()
}

fn select(sql: &Sql, shape: &Shape, owner: Option<i64>) -> Result<Table, HubError> {
    let names = shape.columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let from = quoted(&shape.name);
    let found = match (&shape.owner, owner) {
        (Some(column), Some(owner)) => {
            sql.exec_made(&format!("SELECT {names} FROM {from} WHERE {} = ?1", quoted(column)), vec![owner.into()])?
        }
        _ => sql.exec_made(&format!("SELECT {names} FROM {from}"), vec![])?,
    };
    let row = |row: super::sql::Row| row.into_cells().into_iter().map(cell).collect::<Result<Vec<_>, _>>();
    let rows = found.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
    Ok(Table { table: shape.name.clone(), columns: shape.columns.clone(), rows })
}

/// A page of everything: the first one without a cursor, then by that of the page before. The first has all that is nobody's, the
/// others all of some owners each.
///
/// # Errors
/// [`HubError::Refused`] when the object's database does not answer; [`HubError::Corrupt`] for a cursor that is none of ours.
pub fn read(sql: &Sql, cursor: Option<&str>) -> Result<Page, HubError> {
    let shapes = shapes(sql)?;
    let Some(cursor) = cursor else {
        let mut tables = Vec::new();
        for shape in shapes.iter().filter(|shape| shape.owner.is_none()) {
            tables.push(select(sql, shape, None)?);
        }
        for table in &mut tables {
            table.rows.retain(|row| table.table != "meta" || row.first() != Some(&Cell::Text(CLOSED_KEY.to_owned())));
        }
        tables.retain(|table| !table.rows.is_empty());
        return Ok(Page { tables, cursor: Some(FIRST.to_string()) });
    };
    let mut from: i64 = cursor.parse().map_err(|_| HubError::Corrupt("a cursor".to_owned()))?;
    let owned: Vec<&Shape> = shapes.iter().filter(|shape| shape.owner.is_some()).collect();
    let (mut tables, mut size): (BTreeMap<String, Table>, usize) = (BTreeMap::new(), 0);
    while size < PAGE_BYTES {
        let Some(next) = next_owner(sql, &owned, from)? else {
            return Ok(Page { tables: tables.into_values().collect(), cursor: None });
        };
        for shape in &owned {
            let found = select(sql, shape, Some(next))?;
            if found.rows.is_empty() {
                continue;
            }
            size += bytes(&found.rows);
            match tables.get_mut(&shape.name) {
                Some(table) => table.rows.extend(found.rows),
                None => drop(tables.insert(shape.name.clone(), found)),
            }
        }
        from = next.saturating_add(1);
    }
    Ok(Page { tables: tables.into_values().collect(), cursor: Some(from.to_string()) })
}

/// The lowest owner from `from` on that has a row.
fn next_owner(sql: &Sql, owned: &[&Shape], from: i64) -> Result<Option<i64>, HubError> {
    let mut lowest: Option<i64> = None;
    for shape in owned {
        let column = quoted(shape.owner.as_deref().unwrap_or_default());
        let statement = format!("SELECT min({column}) FROM {} WHERE {column} >= ?1", quoted(&shape.name));
        let found = sql.exec_made(&statement, vec![from.into()])?;
        let least = found.first().map(|row| row.optional(0, super::sql::Row::int)).transpose()?.flatten();
        lowest = [lowest, least].into_iter().flatten().min();
    }
    Ok(lowest)
}

/// Empties every table and keeps everybody out until [`open`]. The tables are there already.
///
/// # Errors
/// As [`read`].
pub fn close(sql: &Sql) -> Result<(), HubError> {
    for shape in shapes(sql)? {
        sql.exec_made(&format!("DELETE FROM {}", quoted(&shape.name)), vec![])?;
    }
    sql.exec(CLOSE, vec![]).map(drop)
}

/// Lets everybody in again.
///
/// # Errors
/// As [`read`].
pub fn open(sql: &Sql) -> Result<(), HubError> {
    sql.exec(OPEN, vec![]).map(drop)
}

/// Whether a backup is being restored here.
///
/// # Errors
/// As [`read`].
pub fn is_closed(sql: &Sql) -> Result<bool, HubError> {
    Ok(!sql.exec(FIND_CLOSED, vec![])?.is_empty())
}

/// Puts rows where they belong. The same rows again change nothing.
///
/// # Errors
/// As [`read`]; [`HubError::Corrupt`] for a table or columns that are not those of this object, and where it was not closed first.
pub fn fill(sql: &Sql, table: &Table) -> Result<(), HubError> {
    if !is_closed(sql)? {
        return Err(HubError::Corrupt("nothing is being restored here".to_owned()));
    }
    let shapes = shapes(sql)?;
    let shape = shapes.iter().find(|shape| shape.name == table.table);
    let shape = shape.ok_or_else(|| HubError::Corrupt(format!("no table {:?}", table.table)))?;
    if shape.columns != table.columns || table.rows.iter().any(|row| row.len() != shape.columns.len()) {
        return Err(HubError::Corrupt(format!("table {:?} has other columns here", table.table)));
    }
    let names = shape.columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let places = (1..=shape.columns.len()).map(|place| format!("?{place}")).collect::<Vec<_>>().join(", ");
    let statement = format!("INSERT OR REPLACE INTO {} ({names}) VALUES ({places})", quoted(&shape.name));
    for row in &table.rows {
        sql.exec_made(&statement, row.iter().map(value).collect::<Result<_, _>>()?)?;
    }
    Ok(())
}

/// How many rows there are, but for the one that [`close`] made.
///
/// # Errors
/// As [`read`].
pub fn count(sql: &Sql) -> Result<u64, HubError> {
    let mut sum = 0;
    for shape in shapes(sql)? {
        let found = sql.exec_made(&format!("SELECT count(*) FROM {}", quoted(&shape.name)), vec![])?;
        sum += found.first().map_or(Ok(0), |row| row.whole(0))?;
    }
    Ok(sum - u64::from(is_closed(sql)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::shard::Shard;

    fn filled() -> Sql {
        let sql = Sql::in_memory().unwrap();
        drop(Shard::new(sql.clone()).unwrap());
        for host in [-7_i64, 1, 2, 3] {
            for slot in 0..3_i64 {
                let binds = vec![host.into(), slot.into(), [0_u8, 255, 7].repeat(40_000).into()];
                let put = "INSERT INTO blocks (host_id, tier, slot, block_no, first_number, last_number, start_ms, end_ms, data) \
                     VALUES (?1, 0, ?2, ?2, 1, 2, 3, 4, ?3)";
                sql.exec(put, binds).unwrap();
            }
            let names = vec![host.into(), vec![1_u8].into()];
            sql.exec("INSERT INTO dictionaries (host_id, data) VALUES (?1, ?2)", names).unwrap();
        }
        sql.exec("INSERT INTO meta (key, value) VALUES ('a', 'b''\"ä')", vec![]).unwrap();
        sql
    }

    fn pages(sql: &Sql) -> Vec<Page> {
        let mut pages = vec![read(sql, None).unwrap()];
        while let Some(cursor) = pages.last().unwrap().cursor.clone() {
            pages.push(read(sql, Some(&cursor)).unwrap());
        }
        pages
    }

    #[test]
    fn what_is_read_by_pages_is_filled_in_again_once_or_twice() {
        let from = filled();
        let all = pages(&from);
        assert!(all.len() > 2, "several pages");
        for page in &all {
            for table in page.tables.iter().filter(|table| table.table == "blocks") {
                for row in &table.rows {
                    let of_host = table.rows.iter().filter(|other| other[0] == row[0]).count();
                    assert_eq!(of_host, 3, "all of a host in one page");
                }
            }
        }
        let to = filled();
        assert!(matches!(fill(&to, &all[0].tables[0]), Err(HubError::Corrupt(_))), "it is not closed");
        close(&to).unwrap();
        close(&to).unwrap();
        assert!(is_closed(&to).unwrap());
        assert_eq!(count(&to), Ok(0));
        for _ in 0..2 {
            for table in all.iter().flat_map(|page| &page.tables) {
                fill(&to, &serde_json::from_str(&serde_json::to_string(table).unwrap()).unwrap()).unwrap();
            }
        }
        assert_eq!(count(&to), count(&from));
        open(&to).unwrap();
        assert!(!is_closed(&to).unwrap());
        assert_eq!(pages(&to), all);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let sql = filled();
        close(&sql).unwrap();
        let table = |name: &str, columns: &[&str], rows: Vec<Vec<Cell>>| Table {
            table: name.to_owned(),
            columns: columns.iter().map(|&one| one.to_owned()).collect(),
            rows,
        };
        let cell = Cell::Text("x".to_owned());
        for wrong in [
            table("sqlite_master", &["name"], vec![]),
            table("meta\"; DROP TABLE meta; --", &["key", "value"], vec![]),
            table("meta", &["key"], vec![]),
            table("meta", &["value", "key"], vec![]),
            table("meta", &["key", "value"], vec![vec![cell.clone()]]),
            table("dictionaries", &["host_id", "data"], vec![vec![Cell::Int(1), Cell::Blob { b: "0g".to_owned() }]]),
        ] {
            assert!(matches!(fill(&sql, &wrong), Err(HubError::Corrupt(_))), "{wrong:?}");
        }
        assert_eq!(count(&sql), Ok(0));
        assert!(read(&sql, Some("x")).is_err());
    }
}
