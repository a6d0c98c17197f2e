//! Table `downtimes`: when alerts of monitors are not raised.

use edgewatch_core::model::{CycleUnit, Downtime, DowntimeScope, Recurrence, RoleName};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

use super::{json, made, parse};
use crate::store::{Bind, Db, Statement, StoreError};

const LIST: &str = "SELECT id, name, memo, start_s, start_offset_s, duration_min, recurrence_json, scope_json FROM downtimes \
     ORDER BY id";
const FIND: &str = "SELECT id, name, memo, start_s, start_offset_s, duration_min, recurrence_json, scope_json FROM downtimes \
     WHERE id = ?1";
const INSERT: &str = "INSERT INTO downtimes (name, memo, start_s, start_offset_s, duration_min, recurrence_json, scope_json) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id";
const UPDATE: &str = "UPDATE downtimes SET name = ?1, memo = ?2, start_s = ?3, start_offset_s = ?4, duration_min = ?5, \
     recurrence_json = ?6, scope_json = ?7 WHERE id = ?8";
const DELETE: &str = "DELETE FROM downtimes WHERE id = ?1";

/// Stored, and never changed.
const UNITS: [(&str, CycleUnit); 5] = [
    ("hour", CycleUnit::Hour),
    ("day", CycleUnit::Day),
    ("week", CycleUnit::Week),
    ("month", CycleUnit::Month),
    ("year", CycleUnit::Year),
];

/// A row, which is also how the hub keeps one.
#[derive(Serialize, Deserialize)]
pub struct Row {
    id: i64,
    name: String,
    memo: String,
    start_s: i64,
    start_offset_s: i32,
    duration_min: u32,
    recurrence_json: Option<String>,
    scope_json: String,
}

#[derive(Serialize, Deserialize)]
struct StoredRecurrence {
    unit: String,
    interval: u32,
    weekdays: [bool; 7],
    until_s: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct StoredScope {
    services: Vec<String>,
    not_services: Vec<String>,
    roles: Vec<(String, String)>,
    not_roles: Vec<(String, String)>,
    monitors: Vec<String>,
    not_monitors: Vec<String>,
}

/// Every downtime with its number, in the order in which they were made: a row read for each.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when a row cannot be read.
pub async fn list(db: &Db) -> Result<Vec<(i64, Downtime)>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    rows.into_iter().map(downtime).collect()
}

/// The downtime of this number: a row read.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, id: i64) -> Result<Option<Downtime>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![id.into()])).await?.first()?;
    Ok(row.map(downtime).transpose()?.map(|(_, downtime)| downtime))
}

/// Inserts a downtime together with writing `with`; gives its number. 1 row written.
///
/// # Errors
/// As [`list`].
pub async fn insert(db: &Db, downtime: &Downtime, with: Vec<Statement>) -> Result<i64, StoreError> {
    let mut statements = vec![Statement::new(INSERT, binds(downtime)?)];
    statements.extend(with);
    made(db, statements).await
}

/// The statement that makes a downtime another one: 1 row written.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be written as JSON.
pub fn update(id: i64, downtime: &Downtime) -> Result<Statement, StoreError> {
    let mut binds = binds(downtime)?;
    binds.push(id.into());
    Ok(Statement::new(UPDATE, binds))
}

/// The statement that deletes a downtime: 1 row written.
pub fn delete(id: i64) -> Statement {
    Statement::new(DELETE, vec![id.into()])
}

fn binds(downtime: &Downtime) -> Result<Vec<Bind>, StoreError> {
    let row = Row::of(0, downtime)?;
    Ok(vec![
        row.name.into(),
        row.memo.into(),
        row.start_s.into(),
        i64::from(row.start_offset_s).into(),
        row.duration_min.into(),
        row.recurrence_json.into(),
        row.scope_json.into(),
    ])
}

impl Row {
    /// A downtime as it is stored.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it cannot be written as JSON.
    pub fn of(id: i64, downtime: &Downtime) -> Result<Self, StoreError> {
        let recurrence = downtime.recurrence.as_ref().map(|recurrence| {
            let unit = UNITS.into_iter().find(|(_, unit)| *unit == recurrence.unit).map_or("", |(word, _)| word);
            json(&StoredRecurrence {
                unit: unit.to_owned(),
                interval: recurrence.interval,
                weekdays: recurrence.weekdays,
                until_s: recurrence.until.map(|until| until.0),
            })
        });
        let scope = &downtime.scope;
        let scope = StoredScope {
            services: scope.services.clone(),
            not_services: scope.excluded_services.clone(),
            roles: pairs(&scope.roles),
            not_roles: pairs(&scope.excluded_roles),
            monitors: scope.monitors.clone(),
            not_monitors: scope.excluded_monitors.clone(),
        };
        Ok(Self {
            id,
            name: downtime.name.clone(),
            memo: downtime.memo.clone(),
            start_s: downtime.start.0,
            start_offset_s: downtime.start_offset_s,
            duration_min: downtime.duration_min,
            recurrence_json: recurrence.transpose()?,
            scope_json: json(&scope)?,
        })
    }

    /// What [`Row::of`] made.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for anything else.
    pub fn into_downtime(self) -> Result<(i64, Downtime), StoreError> {
        downtime(self)
    }
}

/// Roles as they are stored.
pub(super) fn pairs(roles: &[RoleName]) -> Vec<(String, String)> {
    roles.iter().map(|role| (role.service.clone(), role.role.clone())).collect()
}

/// What [`pairs`] made.
pub(super) fn roles(pairs: Vec<(String, String)>) -> Vec<RoleName> {
    pairs.into_iter().map(|(service, role)| RoleName { service, role }).collect()
}

fn downtime(row: Row) -> Result<(i64, Downtime), StoreError> {
    let recurrence = row.recurrence_json.map(|text| {
        let stored: StoredRecurrence = parse(&text)?;
        let unit = UNITS.into_iter().find(|(word, _)| *word == stored.unit).map(|(_, unit)| unit);
        Ok::<_, StoreError>(Recurrence {
            unit: unit.ok_or_else(|| StoreError::Corrupt(format!("unit {}", stored.unit)))?,
            interval: stored.interval,
            weekdays: stored.weekdays,
            until: stored.until_s.map(UnixSeconds),
        })
    });
    let scope: StoredScope = parse(&row.scope_json)?;
    let downtime = Downtime {
        name: row.name,
        memo: row.memo,
        start: UnixSeconds(row.start_s),
        start_offset_s: row.start_offset_s,
        duration_min: row.duration_min,
        recurrence: recurrence.transpose()?,
        scope: DowntimeScope {
            services: scope.services,
            excluded_services: scope.not_services,
            roles: roles(scope.roles),
            excluded_roles: roles(scope.not_roles),
            monitors: scope.monitors,
            excluded_monitors: scope.not_monitors,
        },
    };
    Ok((row.id, downtime))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    #[test]
    fn a_downtime_comes_back_as_it_was_written_last() {
        let db = Db::in_memory().unwrap();
        let role = |role: &str| RoleName { service: "Shop".to_owned(), role: role.to_owned() };
        let mut downtime = Downtime {
            name: "d".to_owned(),
            memo: "m".to_owned(),
            start: UnixSeconds(1_795_361_186),
            start_offset_s: -18_000,
            duration_min: 60,
            recurrence: Some(Recurrence {
                unit: CycleUnit::Week,
                interval: 2,
                weekdays: [true, false, false, false, false, false, true],
                until: Some(UnixSeconds(1_895_361_186)),
            }),
            scope: DowntimeScope {
                services: vec!["Shop".to_owned()],
                excluded_services: vec!["Other".to_owned()],
                roles: vec![role("web")],
                excluded_roles: vec![role("db")],
                monitors: vec!["m1".to_owned()],
                excluded_monitors: vec!["m2".to_owned()],
            },
        };
        let id = now(insert(&db, &downtime, vec![])).unwrap();
        assert_eq!(now(list(&db)).unwrap(), [(id, downtime.clone())]);
        assert_eq!((now(find(&db, id)).unwrap(), now(find(&db, id + 1)).unwrap()), (Some(downtime.clone()), None));
        for (_, unit) in UNITS {
            downtime.recurrence = Some(Recurrence { unit, interval: 1, weekdays: [false; 7], until: None });
            now(db.batch(vec![update(id, &downtime).unwrap()])).unwrap();
            assert_eq!(now(list(&db)).unwrap(), [(id, downtime.clone())]);
        }
        let plain = Downtime { recurrence: None, scope: DowntimeScope::default(), ..downtime };
        now(db.batch(vec![update(id, &plain).unwrap()])).unwrap();
        assert_eq!(now(list(&db)).unwrap(), [(id, plain)]);
        now(db.batch(vec![delete(id)])).unwrap();
        assert_eq!(now(list(&db)).unwrap(), []);
    }
}
