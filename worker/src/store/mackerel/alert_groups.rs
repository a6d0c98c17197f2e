//! Table `alert_group_settings`: how alerts are to be put together.

use edgewatch_core::model::AlertGroupSetting;
use serde::{Deserialize, Serialize};

use super::downtimes::{pairs, roles};
use super::{json, made, parse};
use crate::store::{Bind, Db, Statement, StoreError};

const LIST: &str = "SELECT id, name, memo, scope_json, notification_interval_min FROM alert_group_settings ORDER BY id";
const FIND: &str =
    "SELECT id, name, memo, scope_json, notification_interval_min FROM alert_group_settings WHERE id = ?1";
const INSERT: &str = "INSERT INTO alert_group_settings (name, memo, scope_json, notification_interval_min) \
     VALUES (?1, ?2, ?3, ?4) RETURNING id";
const UPDATE: &str = "UPDATE alert_group_settings SET name = ?1, memo = ?2, scope_json = ?3, notification_interval_min = ?4 \
     WHERE id = ?5";
const DELETE: &str = "DELETE FROM alert_group_settings WHERE id = ?1";

#[derive(Deserialize)]
struct Row {
    id: i64,
    name: String,
    memo: String,
    scope_json: String,
    notification_interval_min: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct StoredScope {
    services: Vec<String>,
    roles: Vec<(String, String)>,
    monitors: Vec<String>,
}

/// Every setting with its number, in the order in which they were made: a row read for each.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when a row cannot be read.
pub async fn list(db: &Db) -> Result<Vec<(i64, AlertGroupSetting)>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    rows.into_iter().map(setting).collect()
}

/// The setting of this number: a row read.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, id: i64) -> Result<Option<AlertGroupSetting>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![id.into()])).await?.first()?;
    Ok(row.map(setting).transpose()?.map(|(_, setting)| setting))
}

/// Inserts a setting together with writing `with`; gives its number. 1 row written.
///
/// # Errors
/// As [`list`].
pub async fn insert(db: &Db, setting: &AlertGroupSetting, with: Statement) -> Result<i64, StoreError> {
    made(db, vec![Statement::new(INSERT, binds(setting)?), with]).await
}

/// The statement that makes a setting another one: 1 row written.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be written as JSON.
pub fn update(id: i64, setting: &AlertGroupSetting) -> Result<Statement, StoreError> {
    let mut binds = binds(setting)?;
    binds.push(id.into());
    Ok(Statement::new(UPDATE, binds))
}

/// The statement that deletes a setting: 1 row written.
pub fn delete(id: i64) -> Statement {
    Statement::new(DELETE, vec![id.into()])
}

fn binds(setting: &AlertGroupSetting) -> Result<Vec<Bind>, StoreError> {
    let scope = StoredScope {
        services: setting.services.clone(),
        roles: pairs(&setting.roles),
        monitors: setting.monitors.clone(),
    };
    Ok(vec![
        setting.name.as_str().into(),
        setting.memo.as_str().into(),
        json(&scope)?.into(),
        setting.notification_interval_min.into(),
    ])
}

fn setting(row: Row) -> Result<(i64, AlertGroupSetting), StoreError> {
    let scope: StoredScope = parse(&row.scope_json)?;
    let setting = AlertGroupSetting {
        name: row.name,
        memo: row.memo,
        services: scope.services,
        roles: roles(scope.roles),
        monitors: scope.monitors,
        notification_interval_min: row.notification_interval_min,
    };
    Ok((row.id, setting))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use edgewatch_core::model::RoleName;

    #[test]
    fn a_setting_comes_back_as_it_was_written_last() {
        let db = Db::in_memory().unwrap();
        let setting = AlertGroupSetting {
            name: "a".to_owned(),
            memo: "m".to_owned(),
            services: vec!["Shop".to_owned()],
            roles: vec![RoleName { service: "Shop".to_owned(), role: "web".to_owned() }],
            monitors: vec!["m1".to_owned()],
            notification_interval_min: Some(60),
        };
        let id = now(insert(&db, &setting, Statement::new("SELECT 1", vec![]))).unwrap();
        assert_eq!(now(list(&db)).unwrap(), [(id, setting.clone())]);
        assert_eq!((now(find(&db, id)).unwrap(), now(find(&db, id + 1)).unwrap()), (Some(setting.clone()), None));
        let plain = AlertGroupSetting { roles: vec![], notification_interval_min: None, ..setting };
        now(db.batch(vec![update(id, &plain).unwrap()])).unwrap();
        assert_eq!(now(list(&db)).unwrap(), [(id, plain)]);
        now(db.batch(vec![delete(id)])).unwrap();
        assert_eq!(now(list(&db)).unwrap(), []);
    }
}
