//! Table `notification_groups`: who is told of alerts of monitors.

use edgewatch_core::model::{GroupLink, HostId, NotificationGroup, RoleName};
use serde::Deserialize;

use super::{json, made, parse};
use crate::store::{Bind, Db, Statement, StoreError};

const LIST: &str = "SELECT id, name, is_default, only_critical, children_json, channels_json, monitors_json, services_json \
     FROM notification_groups ORDER BY id";
const INSERT: &str = "INSERT INTO notification_groups \
     (name, only_critical, children_json, channels_json, monitors_json, services_json) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id";
const UPDATE: &str = "UPDATE notification_groups SET name = ?1, only_critical = ?2, children_json = ?3, channels_json = ?4, \
     monitors_json = ?5, services_json = ?6 WHERE id = ?7";
const DELETE: &str = "DELETE FROM notification_groups WHERE id = ?1 AND is_default = 0";
// Where nothing names it, nothing is written.
const FORGET_CHANNEL: &str = "UPDATE notification_groups SET channels_json = \
     (SELECT json_group_array(value) FROM json_each(channels_json) WHERE value <> ?1) \
     WHERE channels_json IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(channels_json) WHERE value = ?1)";
const FORGET_GROUP: &str = "UPDATE notification_groups SET children_json = \
     (SELECT json_group_array(value) FROM json_each(children_json) WHERE value <> ?1) \
     WHERE EXISTS (SELECT 1 FROM json_each(children_json) WHERE value = ?1)";
const FORGET_SERVICE: &str = "UPDATE notification_groups SET services_json = \
     (SELECT json_group_array(json(value)) FROM json_each(services_json) WHERE value->>0 <> ?1) \
     WHERE EXISTS (SELECT 1 FROM json_each(services_json) WHERE value->>0 = ?1)";
// ?1 is a JSON list of ids.
const FORGET_MONITORS: &str = "UPDATE notification_groups SET monitors_json = \
     (SELECT json_group_array(json(value)) FROM json_each(monitors_json) \
      WHERE value->>0 NOT IN (SELECT value FROM json_each(?1))) \
     WHERE EXISTS (SELECT 1 FROM json_each(monitors_json) WHERE value->>0 IN (SELECT value FROM json_each(?1)))";
const LIST_ROLES: &str = "SELECT host_id, service, role FROM host_roles \
     WHERE host_id IN (SELECT value FROM json_each(?1)) ORDER BY host_id, service, role";

#[derive(Deserialize)]
struct Row {
    id: i64,
    name: String,
    is_default: i64,
    only_critical: i64,
    children_json: String,
    channels_json: Option<String>,
    monitors_json: String,
    services_json: String,
}

#[derive(Deserialize)]
struct RoleRow {
    host_id: i64,
    service: String,
    role: String,
}

/// What a group is told of, as it is stored.
type StoredLink = (String, bool);

/// Every group with its number, in the order in which they were made: a row read for each.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when a row cannot be read.
pub async fn list(db: &Db) -> Result<Vec<(i64, NotificationGroup)>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    rows.into_iter().map(group).collect()
}

/// As [`list`], and the roles that these hosts play: a row read for each of both.
///
/// # Errors
/// As [`list`].
pub async fn list_with_roles(
    db: &Db,
    hosts: &[HostId],
) -> Result<(Vec<(i64, NotificationGroup)>, Vec<(HostId, RoleName)>), StoreError> {
    let ids: Vec<i64> = hosts.iter().map(|host| host.0).collect();
    let statements = vec![Statement::new(LIST, vec![]), Statement::new(LIST_ROLES, vec![json(&ids)?.into()])];
    let outcomes = db.batch(statements).await?;
    let [groups, roles] = outcomes.as_slice() else {
        return Err(StoreError::Corrupt("a batch without its results".to_owned()));
    };
    let groups = groups.rows::<Row>()?.into_iter().map(group).collect::<Result<_, _>>()?;
    let role = |row: RoleRow| (HostId(row.host_id), RoleName { service: row.service, role: row.role });
    Ok((groups, roles.rows::<RoleRow>()?.into_iter().map(role).collect()))
}

/// Inserts a group together with writing `with`; gives its number. 1 row written.
///
/// # Errors
/// As [`list`].
pub async fn insert(db: &Db, group: &NotificationGroup, with: Statement) -> Result<i64, StoreError> {
    made(db, vec![Statement::new(INSERT, binds(group)?), with]).await
}

/// The statement that makes a group another one: 1 row written.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be written as JSON.
pub fn update(id: i64, group: &NotificationGroup) -> Result<Statement, StoreError> {
    let mut binds = binds(group)?;
    binds.push(id.into());
    Ok(Statement::new(UPDATE, binds))
}

/// The statements that delete a group, the default one excepted, and take its id out of the others: 1 row written, and 1 for each
/// that named it.
pub fn delete(id: i64, public_id: &str) -> Vec<Statement> {
    vec![Statement::new(DELETE, vec![id.into()]), Statement::new(FORGET_GROUP, vec![public_id.into()])]
}

/// The statement that takes a channel out of all groups: 1 row written for each that named it.
pub fn forget_channel(public_id: &str) -> Statement {
    Statement::new(FORGET_CHANNEL, vec![public_id.into()])
}

/// Likewise a service, by its name.
pub fn forget_service(name: &str) -> Statement {
    Statement::new(FORGET_SERVICE, vec![name.into()])
}

/// Likewise monitors.
///
/// # Errors
/// [`StoreError::Corrupt`] when they cannot be written as JSON.
pub fn forget_monitors(public_ids: &[String]) -> Result<Statement, StoreError> {
    Ok(Statement::new(FORGET_MONITORS, vec![json(public_ids)?.into()]))
}

fn binds(group: &NotificationGroup) -> Result<Vec<Bind>, StoreError> {
    let links = |links: &[GroupLink]| {
        json(&links.iter().map(|link| (link.of.clone(), link.skips_default)).collect::<Vec<StoredLink>>())
    };
    Ok(vec![
        group.name.as_str().into(),
        group.only_critical.into(),
        json(&group.children)?.into(),
        group.channels.as_ref().map(json).transpose()?.into(),
        links(&group.monitors)?.into(),
        links(&group.services)?.into(),
    ])
}

fn group(row: Row) -> Result<(i64, NotificationGroup), StoreError> {
    let link = |(of, skips_default): StoredLink| GroupLink { of, skips_default };
    let links = |text: &str| Ok::<_, StoreError>(parse::<Vec<StoredLink>>(text)?.into_iter().map(link).collect());
    let group = NotificationGroup {
        name: row.name,
        is_default: row.is_default != 0,
        only_critical: row.only_critical != 0,
        children: parse(&row.children_json)?,
        channels: row.channels_json.as_deref().map(parse).transpose()?,
        monitors: links(&row.monitors_json)?,
        services: links(&row.services_json)?,
    };
    Ok((row.id, group))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    fn nothing() -> Statement {
        Statement::new("SELECT 1", vec![])
    }

    #[test]
    fn there_is_a_default_group_that_stays() {
        let db = Db::in_memory().unwrap();
        let groups = now(list(&db)).unwrap();
        assert_eq!(groups.len(), 1);
        let (id, group) = &groups[0];
        assert!(group.is_default && group.channels.is_none() && group.name == "Default");
        now(db.batch(delete(*id, "x"))).unwrap();
        assert_eq!(now(list(&db)).unwrap(), groups);
    }

    #[test]
    fn a_group_comes_back_and_forgets_what_is_no_more() {
        let db = Db::in_memory().unwrap();
        let link = |of: &str, skips_default| GroupLink { of: of.to_owned(), skips_default };
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let group = NotificationGroup {
            name: "night".to_owned(),
            is_default: false,
            only_critical: true,
            children: texts(&["g1", "g2"]),
            channels: Some(texts(&["c1", "c2"])),
            monitors: vec![link("m1", true), link("m2", false)],
            services: vec![link("Shop", true), link("Other", false)],
        };
        let id = now(insert(&db, &group, nothing())).unwrap();
        let stored = || now(list(&db)).unwrap().into_iter().find(|(one, _)| *one == id).unwrap().1;
        assert_eq!(stored(), group);
        let monitors = |ids: &[&str]| forget_monitors(&texts(ids)).unwrap();
        let mut forgetting = vec![forget_channel("c1"), monitors(&["m1", "m9"]), forget_service("Shop")];
        forgetting.extend(delete(99, "g1"));
        now(db.batch(forgetting)).unwrap();
        let rest = NotificationGroup {
            children: texts(&["g2"]),
            channels: Some(texts(&["c2"])),
            monitors: vec![link("m2", false)],
            services: vec![link("Other", false)],
            ..group.clone()
        };
        assert_eq!(stored(), rest);
        let before = db.meter().rows_written();
        now(db.batch(vec![forget_channel("c9"), monitors(&["m8", "m9"]), monitors(&[]), forget_service("None")]))
            .unwrap();
        assert_eq!(db.meter().rows_written(), before, "nothing is written where nothing is named");
        let empty = NotificationGroup { name: "e".to_owned(), ..NotificationGroup::default() };
        now(db.batch(vec![update(id, &empty).unwrap()])).unwrap();
        assert_eq!(stored(), empty);
    }
}
