//! Table `hosts`: what administrators change of it, and how a host goes.

use edgewatch_core::model::{HostChange, HostEdit, HostId};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::{Bind, Db, Statement, StoreError, history, hosts, mackerel};

const UPDATE: &str = "UPDATE hosts SET name = ?2, tag = ?3, note = ?4, public_note = ?5, display_index = ?6, \
     hidden_for_guest = ?7, secret_hash = coalesce(?8, secret_hash) WHERE id = ?1 AND retired_at_s IS NULL";
const UPDATE_NEW: &str = "UPDATE hosts SET public_note = ?2, display_index = ?3 WHERE secret_hash = ?1";
// What is NULL stays as it is. The name is another statement's: an index holds it.
const CHANGE: &str = "UPDATE hosts SET tag = coalesce(?2, tag), tags_json = coalesce(?3, tags_json), note = coalesce(?4, note), \
     public_note = coalesce(?5, public_note), display_index = coalesce(?6, display_index), \
     hidden_for_guest = coalesce(?7, hidden_for_guest) WHERE id = ?1 AND retired_at_s IS NULL";
const CHANGE_NEW: &str = "UPDATE hosts SET tags_json = coalesce(?2, tags_json), public_note = coalesce(?3, public_note), \
     display_index = coalesce(?4, display_index) WHERE secret_hash = ?1";
const SET_SECRET: &str = "UPDATE hosts SET secret_hash = ?2 WHERE id = ?1 AND retired_at_s IS NULL";
const LIST_GROUPED: &str = "SELECT tag, tags_json FROM hosts WHERE retired_at_s IS NULL";
const SET_TAG: &str =
    "UPDATE hosts SET tag = ?2 WHERE id IN (SELECT value FROM json_each(?1)) AND retired_at_s IS NULL";
// The secret is another one that nobody knows: it is dead, and free to be unique.
const RETIRE: &str = "UPDATE hosts SET retired_at_s = ?2, machine_id = NULL, secret_hash = 'retired:' || id \
     WHERE id IN (SELECT value FROM json_each(?1)) AND retired_at_s IS NULL";
const SEARCH: &str = "SELECT id, name FROM hosts WHERE retired_at_s IS NULL AND (CAST(id AS TEXT) = ?1 \
     OR instr(name, ?1) OR instr(tag, ?1) OR instr(note, ?1)) ORDER BY id LIMIT 1000";
// What was merged into a host stays for as long as that one is there.
const LIST_RETIRED: &str = "SELECT id FROM hosts WHERE retired_at_s IS NOT NULL AND retired_at_s < ?1 \
     AND NOT EXISTS (SELECT 1 FROM hosts k WHERE k.id = hosts.merged_into_id AND k.retired_at_s IS NULL) \
     ORDER BY retired_at_s LIMIT ?2";
const DELETE_STATE: &str = "DELETE FROM host_states WHERE host_id = ?1 \
     AND EXISTS (SELECT 1 FROM hosts WHERE id = ?1 AND retired_at_s IS NOT NULL)";
const DELETE: &str = "DELETE FROM hosts WHERE id = ?1 AND retired_at_s IS NOT NULL";

#[derive(Deserialize)]
struct FoundRow {
    id: i64,
    name: String,
}

#[derive(Deserialize)]
struct GroupedRow {
    tag: String,
    tags_json: String,
}

#[derive(Deserialize)]
struct IdRow {
    id: i64,
}

/// The statement that makes a host what is said of it: 1 row written, none when there is no such host. `secret_hash` is that of
/// the new secret, where there is one.
pub fn update(id: HostId, edit: &HostEdit, secret_hash: Option<&str>) -> Statement {
    Statement::new(
        UPDATE,
        vec![
            id.0.into(),
            edit.name.as_str().into(),
            edit.tag.as_str().into(),
            edit.note.as_str().into(),
            edit.public_note.as_str().into(),
            edit.display_index.into(),
            edit.hidden_for_guest.into(),
            secret_hash.into(),
        ],
    )
}

/// The statement that adds to a host with this secret, just inserted, what registering says nothing of: 1 row written.
pub fn complete_new(secret_hash: &str, edit: &HostEdit) -> Statement {
    let binds = vec![secret_hash.into(), edit.public_note.as_str().into(), edit.display_index.into()];
    Statement::new(UPDATE_NEW, binds)
}

/// The statement that changes what is named of a host, but for its name, status, memo and roles: 1 row written, none when there is
/// no such host.
pub fn change(id: HostId, change: &HostChange) -> Statement {
    Statement::new(
        CHANGE,
        vec![
            id.0.into(),
            change.group.as_deref().into(),
            change.tags.as_deref().map(hosts::tags_json).into(),
            change.note.as_deref().into(),
            change.public_note.as_deref().into(),
            change.display_index.into(),
            change.hidden_for_guest.map(i64::from).into(),
        ],
    )
}

/// The statement that adds to a host with this secret, just inserted, what registering says nothing of: 1 row written.
pub fn change_new(secret_hash: &str, change: &HostChange) -> Statement {
    let tags = change.tags.as_deref().map(hosts::tags_json);
    let binds =
        vec![secret_hash.into(), tags.into(), change.public_note.as_deref().into(), change.display_index.into()];
    Statement::new(CHANGE_NEW, binds)
}

/// The statement that gives a host another secret: 2 rows written, none when there is no such host.
pub fn set_secret(id: HostId, secret_hash: &str) -> Statement {
    Statement::new(SET_SECRET, vec![id.0.into(), secret_hash.into()])
}

/// The group and the labels of every host, in no order: a row read for each.
///
/// # Errors
/// As [`search`]; [`StoreError::Corrupt`] for labels that cannot be read.
pub async fn list_grouped(db: &Db) -> Result<Vec<(String, Vec<String>)>, StoreError> {
    let rows: Vec<GroupedRow> = db.run(Statement::new(LIST_GROUPED, vec![])).await?.rows()?;
    rows.into_iter().map(|row| Ok((row.tag, hosts::tags(&row.tags_json)?))).collect()
}

/// The statement that puts hosts into a group: 1 row written for each.
pub fn set_tag(ids: &[HostId], tag: &str) -> Statement {
    Statement::new(SET_TAG, vec![id_list(ids), tag.into()])
}

/// The statements that retire hosts: their secrets are dead, their identifiers free, their data stays. 1 row written for each and
/// its indices.
pub fn retire(ids: &[HostId], now: UnixSeconds) -> Vec<Statement> {
    vec![Statement::new(RETIRE, vec![id_list(ids), now.0.into()]), mackerel::hosts::retire(ids)]
}

/// Ids and names of the hosts whose id is `word`, or whose name, group or note holds it; at most 1,000. Reads every host.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; so for all that follow.
pub async fn search(db: &Db, word: &str) -> Result<Vec<(i64, String)>, StoreError> {
    let rows: Vec<FoundRow> = db.run(Statement::new(SEARCH, vec![word.into()])).await?.rows()?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Hosts retired before a moment, the longest ago first: as many rows read.
///
/// # Errors
/// As [`search`].
pub async fn list_retired(db: &Db, before: UnixSeconds, most: u32) -> Result<Vec<HostId>, StoreError> {
    let rows: Vec<IdRow> = db.run(Statement::new(LIST_RETIRED, vec![before.0.into(), most.into()])).await?.rows()?;
    Ok(rows.into_iter().map(|row| HostId(row.id)).collect())
}

/// The statements that delete a retired host and all of its history, to be run in one batch: a row written for each there is.
pub fn delete(id: HostId) -> Vec<Statement> {
    let mut statements = [id, id.posted()].map(history::delete).concat();
    statements.push(mackerel::metadata::delete_of_host(id));
    statements.extend([DELETE_STATE, DELETE].map(|sql| Statement::new(sql, vec![Bind::Int(id.0)])));
    statements
}

fn id_list(ids: &[HostId]) -> Bind {
    let numbers: Vec<String> = ids.iter().map(|id| id.0.to_string()).collect();
    Bind::from(format!("[{}]", numbers.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::hosts::NewHost;

    fn db() -> Db {
        let db = Db::in_memory().unwrap();
        for (number, name) in [(1, "alpha"), (2, "beta"), (3, "gamma")] {
            let new = NewHost {
                public_id: format!("public-{number}"),
                uuid: format!("uuid-{number}"),
                name: name.to_owned(),
                tag: "eu".to_owned(),
                note: String::new(),
                hidden_for_guest: true,
                secret_hash: format!("hash-{number}"),
                machine_id: Some(format!("machine-{number}")),
                registered_at: UnixSeconds(100),
                by_token_id: None,
            };
            now(db.batch(hosts::insert(new))).unwrap();
        }
        db
    }

    fn changes(db: &Db, statement: Statement) -> u64 {
        now(db.run(statement)).unwrap().changes
    }

    #[test]
    fn an_edit_is_the_whole_of_a_host_and_keeps_its_secret_unless_it_brings_one() {
        let db = db();
        let edit = HostEdit {
            name: "new".to_owned(),
            public_note: "{\"a\":1}".to_owned(),
            display_index: 7,
            ..HostEdit::default()
        };
        assert_eq!(changes(&db, update(HostId(2), &edit, None)), 1);
        assert_eq!(changes(&db, update(HostId(9), &edit, None)), 0);
        let host = now(hosts::list_by_ids(&db, &[HostId(2)])).unwrap().remove(0);
        assert_eq!((host.name.as_str(), host.tag.as_str(), host.display_index), ("new", "", 7));
        assert_eq!((host.public_note.as_str(), host.hidden_for_guest), ("{\"a\":1}", false));
        assert!(now(hosts::find_by_secret(&db, "hash-2")).unwrap().is_some());
        changes(&db, update(HostId(2), &edit, Some("hash-other")));
        assert!(now(hosts::find_by_secret(&db, "hash-2")).unwrap().is_none());
        assert!(now(hosts::find_by_secret(&db, "hash-other")).unwrap().is_some());
        assert_eq!(changes(&db, set_tag(&[HostId(1), HostId(3), HostId(9)], "us")), 2);
        assert_eq!(now(hosts::list_by_tag(&db, "us")).unwrap().len(), 2);
    }

    #[test]
    fn a_search_finds_ids_and_parts_of_texts() {
        let db = db();
        let found = |word| now(search(&db, word)).unwrap().into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!((found("eta"), found("2"), found("eu"), found("%")), (vec![2], vec![2], vec![1, 2, 3], vec![]));
    }

    #[test]
    fn a_retired_host_is_gone_and_deleted_for_good_later() {
        let db = db();
        let retired = |ids: &[HostId], at| now(db.batch(retire(ids, UnixSeconds(at)))).unwrap()[0].changes;
        assert_eq!(retired(&[HostId(1), HostId(2)], 1_000), 2);
        assert_eq!(retired(&[HostId(1)], 2_000), 0, "once");
        assert_eq!(now(hosts::list_all(&db)).unwrap().len(), 1);
        assert!(now(hosts::find_by_secret(&db, "hash-1")).unwrap().is_none());
        assert!(now(hosts::find_by_machine(&db, "machine-1")).unwrap().is_none());
        assert_eq!(now(list_retired(&db, UnixSeconds(1_000), 9)).unwrap(), []);
        assert_eq!(now(list_retired(&db, UnixSeconds(1_001), 9)).unwrap(), [HostId(1), HostId(2)]);
        assert_eq!(now(list_retired(&db, UnixSeconds(1_001), 1)).unwrap(), [HostId(1)]);
        now(db.batch(delete(HostId(1)))).unwrap();
        now(db.batch(delete(HostId(3)))).unwrap();
        assert_eq!(now(list_retired(&db, UnixSeconds(1_001), 9)).unwrap(), [HostId(2)]);
        assert_eq!(now(hosts::list_all(&db)).unwrap().len(), 1, "a host that is not retired stays");
    }
}
