//! Tables `hosts`, `owed_events`, `alert_states` and `meta` of the object's database: who belongs to this shard, events that D1
//! does not have yet, what is not as rules want it, and the object's own small state.
//!
//! A host's row is written when it is registered or changed, when it says what it is, when its presence changes, and when a day of it
//! is done. Its newest sample there is as old as that; the journal and the sockets have newer ones.
//!
//! What came of probes on its days that are done (`probe_days`) goes with that row, for it is written then anyway: last in it, where
//! who does not ask for it does not read it. NULL where it is to be asked for in D1.

use edgewatch_core::domain::address_change::Told;
use edgewatch_core::model::{Addresses, Event, EventKind, Host, HostClass, HostId, HostStanding, Presence};
use edgewatch_core::units::UnixSeconds;

use super::HubError;
use super::rules::kept;
use super::sql::{Row, Sql, Value};
use super::wire::{HostWire, StandingWire};

const CREATE_HOSTS: &str = "CREATE TABLE IF NOT EXISTS hosts (host_id INTEGER NOT NULL PRIMARY KEY, secret_hash TEXT NOT NULL, \
     addresses_fixed INTEGER NOT NULL, coarse_done INTEGER, floor INTEGER NOT NULL, host TEXT NOT NULL, \
     probe_days BLOB) STRICT, WITHOUT ROWID";
// Objects of before kept the days of probes in a table, a row written for each host and day. What it held is in D1, too.
const SEE_PROBE_DAYS: &str = "SELECT probe_days FROM hosts LIMIT 0";
const ADD_PROBE_DAYS: &str = "ALTER TABLE hosts ADD COLUMN probe_days BLOB";
const DROP_PROBE_DAYS: &str = "DROP TABLE IF EXISTS probe_days";
const CREATE_META: &str =
    "CREATE TABLE IF NOT EXISTS meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID";
const PUT: &str = "INSERT INTO hosts (host_id, secret_hash, addresses_fixed, coarse_done, floor, host) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (host_id) DO UPDATE SET secret_hash = excluded.secret_hash, \
     addresses_fixed = excluded.addresses_fixed, coarse_done = excluded.coarse_done, \
     floor = excluded.floor, host = excluded.host";
const PUT_WITH_PROBE_DAYS: &str = "INSERT INTO hosts (host_id, secret_hash, addresses_fixed, coarse_done, floor, host, probe_days) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (host_id) DO UPDATE SET secret_hash = excluded.secret_hash, \
     addresses_fixed = excluded.addresses_fixed, coarse_done = excluded.coarse_done, \
     floor = excluded.floor, host = excluded.host, probe_days = excluded.probe_days";
const FIND_PROBE_DAYS: &str = "SELECT probe_days FROM hosts WHERE host_id = ?1";
const FIND: &str =
    "SELECT host_id, secret_hash, addresses_fixed, coarse_done, floor, host FROM hosts WHERE host_id = ?1";
const LIST: &str = "SELECT host_id, secret_hash, addresses_fixed, coarse_done, floor, host FROM hosts ORDER BY host_id";
const LIST_IDS: &str = "SELECT host_id FROM posted UNION ALL SELECT host_id FROM hosts ORDER BY host_id";
const LIST_IDS_AFTER: &str = "SELECT host_id FROM posted WHERE host_id > ?1 \
     UNION ALL SELECT host_id FROM hosts WHERE host_id > ?1 ORDER BY host_id LIMIT ?2";
const DELETE: &str = "DELETE FROM hosts WHERE host_id = ?1";
const FIND_META: &str = "SELECT value FROM meta WHERE key = ?1";
const PUT_META: &str =
    "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";

// Events of before there were alerts; what is left of them is told.
const CREATE_OWED: &str = "CREATE TABLE IF NOT EXISTS owed (key TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, host_id INTEGER, \
     at_s INTEGER NOT NULL, text TEXT NOT NULL, name TEXT) STRICT, WITHOUT ROWID";
const CREATE_OWED_EVENTS: &str = "CREATE TABLE IF NOT EXISTS owed_events (key TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, \
     host_id INTEGER, at_s INTEGER NOT NULL, text TEXT NOT NULL, name TEXT, more TEXT NOT NULL) STRICT, WITHOUT ROWID";
const PUT_OWED: &str = "INSERT INTO owed_events (key, kind, host_id, at_s, text, name, more) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key) DO NOTHING";
const LIST_OWED: &str = "SELECT key, kind, host_id, at_s, text, name, more FROM owed_events \
     UNION ALL SELECT key, kind, host_id, at_s, text, name, '' FROM owed ORDER BY key LIMIT ?1";
const DELETE_OWED: &str = "DELETE FROM owed WHERE key = ?1";
const DELETE_OWED_EVENT: &str = "DELETE FROM owed_events WHERE key = ?1";

const CREATE_ALERT_STATES: &str = "CREATE TABLE IF NOT EXISTS alert_states (host_id INTEGER NOT NULL PRIMARY KEY, \
     state TEXT NOT NULL) STRICT, WITHOUT ROWID";
const LIST_ALERT_STATES: &str = "SELECT host_id, state FROM alert_states";
const PUT_ALERT_STATE: &str = "INSERT INTO alert_states (host_id, state) VALUES (?1, ?2) \
     ON CONFLICT (host_id) DO UPDATE SET state = excluded.state";
const DELETE_ALERT_STATE: &str = "DELETE FROM alert_states WHERE host_id = ?1";

const CREATE_POSTED: &str = "CREATE TABLE IF NOT EXISTS posted (host_id INTEGER NOT NULL PRIMARY KEY, coarse_done INTEGER, \
     floor INTEGER NOT NULL) STRICT, WITHOUT ROWID";
const PUT_POSTED: &str = "INSERT INTO posted (host_id, coarse_done, floor) VALUES (?1, ?2, ?3) \
     ON CONFLICT (host_id) DO UPDATE SET coarse_done = excluded.coarse_done, floor = excluded.floor";
const LIST_POSTED: &str = "SELECT host_id, coarse_done, floor FROM posted ORDER BY host_id";
const FIND_POSTED: &str = "SELECT host_id, coarse_done, floor FROM posted WHERE host_id = ?1";
const DELETE_POSTED: &str = "DELETE FROM posted WHERE host_id = ?1";

/// A host of this shard.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The host, as of when this was written.
    pub host: Host,
    /// SHA-256 of its agent's secret.
    pub secret_hash: String,
    /// Whether its administrator set its addresses.
    pub addresses_fixed: bool,
    /// The last day whose coarse history the database has, as a block number; `None` before the first.
    pub coarse_done: Option<u64>,
    /// Samples up to this number were stored before this shard had the host.
    pub floor: u64,
    /// What people know of its addresses, where that is more than those.
    pub told: Option<Told>,
    /// Whether it is to be watched, and its roles.
    pub standing: HostStanding,
}

/// Runs a statement on a table or a column that objects of before did not have: where nothing more could be written when this one was
/// upgraded it is missing, and made now.
fn exec_new(sql: &Sql, statement: &'static str, binds: Vec<Value>) -> Result<Vec<Row>, HubError> {
    match sql.exec(statement, binds.clone()) {
        Err(error) if error.is_missing() => {
            create(sql)?;
            sql.exec(statement, binds)
        }
        done => done,
    }
}

/// As [`exec_new`] for a question: in what cannot be made yet is nothing.
fn read_new(sql: &Sql, statement: &'static str, binds: Vec<Value>) -> Result<Vec<Row>, HubError> {
    match sql.exec(statement, binds.clone()) {
        Err(error) if error.is_missing() => {
            if create(sql).is_ok() {
                sql.exec(statement, binds)
            } else {
                Ok(Vec::new())
            }
        }
        found => found,
    }
}

/// Makes the tables where there are none.
///
/// # Errors
/// [`HubError::Refused`] in the platform's words; so for all that follow.
pub fn create(sql: &Sql) -> Result<(), HubError> {
    sql.exec(CREATE_HOSTS, vec![])?;
    if sql.exec(SEE_PROBE_DAYS, vec![]).is_err_and(|error| error.is_missing()) {
        sql.exec(DROP_PROBE_DAYS, vec![])?;
        sql.exec(ADD_PROBE_DAYS, vec![])?;
    }
    sql.exec(CREATE_OWED, vec![])?;
    sql.exec(CREATE_OWED_EVENTS, vec![])?;
    sql.exec(CREATE_ALERT_STATES, vec![])?;
    sql.exec(CREATE_POSTED, vec![])?;
    sql.exec(CREATE_META, vec![]).map(drop)
}

/// Puts a host's row, but for what came of its probes, or that of what is posted of one, in the place of the one before: 1 row
/// written.
///
/// # Errors
/// As [`create`].
pub fn put(sql: &Sql, entry: &Entry) -> Result<(), HubError> {
    if entry.host.id.is_posted() {
        let binds = vec![entry.host.id.into(), entry.coarse_done.into(), entry.floor.into()];
        return sql.exec(PUT_POSTED, binds).map(drop);
    }
    sql.exec(PUT, binds(entry)?).map(drop)
}

/// Puts a host's row, and what came of its probes on the days that are done; nothing where that is to be asked for in D1. 1 row
/// written.
///
/// # Errors
/// As [`create`].
pub fn put_with_probe_days(sql: &Sql, entry: &Entry, days: Option<Vec<u8>>) -> Result<(), HubError> {
    if entry.host.id.is_posted() {
        // No probe has a name there.
        return put(sql, entry);
    }
    let mut binds = binds(entry)?;
    binds.push(days.into());
    exec_new(sql, PUT_WITH_PROBE_DAYS, binds).map(drop)
}

/// What came of a host's probes on the days that are done, as it was put; `None` where it is to be asked for in D1. 1 row read.
///
/// # Errors
/// As [`find`].
pub fn probe_days(sql: &Sql, id: HostId) -> Result<Option<Vec<u8>>, HubError> {
    let row = read_new(sql, FIND_PROBE_DAYS, vec![id.into()])?.into_iter().next();
    row.filter(|row| !row.is_null(0)).map(|mut row| row.take_blob(0)).transpose()
}

fn binds(entry: &Entry) -> Result<Vec<Value>, HubError> {
    let mut wire = HostWire::of(&entry.host, entry.told.as_ref());
    wire.standing = StandingWire::of(&entry.standing);
    let host = serde_json::to_string(&wire).map_err(|error| HubError::Corrupt(error.to_string()))?;
    Ok(vec![
        entry.host.id.into(),
        entry.secret_hash.as_str().into(),
        entry.addresses_fixed.into(),
        entry.coarse_done.into(),
        entry.floor.into(),
        host.into(),
    ])
}

/// A host's row: 1 row read.
///
/// # Errors
/// As [`create`]; [`HubError::Corrupt`] when it cannot be read.
pub fn find(sql: &Sql, id: HostId) -> Result<Option<Entry>, HubError> {
    if id.is_posted() {
        return sql.exec(FIND_POSTED, vec![id.into()])?.first().map(posted).transpose();
    }
    sql.exec(FIND, vec![id.into()])?.first().map(entry).transpose()
}

/// Every host of the shard, by number: as many rows read. One that cannot be read is left out and comes back in the second list.
///
/// # Errors
/// As [`create`].
pub fn list(sql: &Sql) -> Result<(Vec<Entry>, Vec<HubError>), HubError> {
    let (mut entries, mut damaged) = (Vec::new(), Vec::new());
    for row in sql.exec(LIST, vec![])? {
        match entry(&row) {
            Ok(entry) => entries.push(entry),
            Err(error) => damaged.push(error),
        }
    }
    Ok((entries, damaged))
}

/// The numbers of all hosts, and before them those of what is posted: as many rows read.
///
/// # Errors
/// As [`create`].
pub fn list_ids(sql: &Sql) -> Result<Vec<HostId>, HubError> {
    sql.exec(LIST_IDS, vec![])?.iter().map(|row| Ok(HostId(row.int(0)?))).collect()
}

/// What is posted of hosts and services, by number: as many rows read.
///
/// # Errors
/// As [`find`].
pub fn list_posted(sql: &Sql) -> Result<Vec<Entry>, HubError> {
    sql.exec(LIST_POSTED, vec![])?.iter().map(posted).collect()
}

fn posted(row: &Row) -> Result<Entry, HubError> {
    Ok(unlisted(HostId(row.int(0)?), row.optional(1, Row::whole)?, row.whole(2)?))
}

/// What is kept under a number that is in no list of hosts, as if it were one.
pub fn unlisted(id: HostId, coarse_done: Option<u64>, floor: u64) -> Entry {
    let host = Host {
        id,
        public_id: String::new(),
        uuid: String::new(),
        class: HostClass::Machine,
        parent: None,
        name: String::new(),
        tag: String::new(),
        tags: Vec::new(),
        absorbed: Vec::new(),
        note: String::new(),
        public_note: String::new(),
        display_index: 0,
        hidden_for_guest: true,
        registered_at: UnixSeconds(0),
        presence: Presence::Online,
        last_seen: None,
        addresses: Addresses::default(),
        country_code: String::new(),
        agent_version: String::new(),
        facts: None,
        newest: None,
    };
    let standing = HostStanding::default();
    Entry { host, secret_hash: String::new(), addresses_fixed: false, coarse_done, floor, told: None, standing }
}

/// The next numbers behind `after` of [`list_ids`]: as many rows read.
///
/// # Errors
/// As [`create`].
pub fn list_ids_after(sql: &Sql, after: HostId, most: usize) -> Result<Vec<HostId>, HubError> {
    // The database takes no number as far down as there may be.
    let binds = vec![after.0.max(-(1 << 52)).into(), (most as u64).into()];
    sql.exec(LIST_IDS_AFTER, binds)?.iter().map(|row| Ok(HostId(row.int(0)?))).collect()
}

/// Forgets a host.
///
/// # Errors
/// As [`create`].
pub fn delete(sql: &Sql, id: HostId) -> Result<(), HubError> {
    sql.exec(if id.is_posted() { DELETE_POSTED } else { DELETE }, vec![id.into()]).map(drop)
}

/// Keeps an event until D1 has it, with the name of its host: 1 row written.
///
/// # Errors
/// As [`create`].
pub fn owe(sql: &Sql, event: &Event, name: Option<&str>) -> Result<(), HubError> {
    let binds = vec![
        event.key.as_str().into(),
        event.kind.word().into(),
        event.host_id.map(|id| id.0).into(),
        event.at.0.into(),
        event.text.as_str().into(),
        name.map(str::to_owned).into(),
        kept::more(event).into(),
    ];
    exec_new(sql, PUT_OWED, binds).map(drop)
}

/// At most `limit` events that D1 does not have, oldest first.
///
/// # Errors
/// As [`find`].
pub fn owed(sql: &Sql, limit: u32) -> Result<Vec<(Event, Option<String>)>, HubError> {
    let event = |row: Row| {
        let kind = EventKind::from_word(row.text(1)?);
        let host_id = row.optional(2, Row::int)?.map(HostId);
        let (key, text) = (row.text(0)?.to_owned(), row.text(4)?.to_owned());
        let event = kept::with_more(Event::new(key, kind, host_id, UnixSeconds(row.int(3)?), text), row.text(6)?);
        Ok((event, row.optional(5, |row, column| row.text(column).map(str::to_owned))?))
    };
    read_new(sql, LIST_OWED, vec![limit.into()])?.into_iter().map(event).collect()
}

/// Forgets an event that D1 has: 1 row written.
///
/// # Errors
/// As [`create`].
pub fn settle(sql: &Sql, key: &str) -> Result<(), HubError> {
    exec_new(sql, DELETE_OWED_EVENT, vec![key.into()])?;
    sql.exec(DELETE_OWED, vec![key.into()]).map(drop)
}

/// What is not at rest because of rules, by host: as many rows read.
///
/// # Errors
/// As [`find`].
pub fn list_alert_states(sql: &Sql) -> Result<Vec<(HostId, String)>, HubError> {
    let state = |row: &Row| Ok((HostId(row.int(0)?), row.text(1)?.to_owned()));
    read_new(sql, LIST_ALERT_STATES, vec![])?.iter().map(state).collect()
}

/// Keeps what is not at rest at a host, or forgets it: 1 row written.
///
/// # Errors
/// As [`create`].
pub fn put_alert_state(sql: &Sql, id: HostId, state: Option<&str>) -> Result<(), HubError> {
    match state {
        Some(state) => exec_new(sql, PUT_ALERT_STATE, vec![id.into(), state.into()]).map(drop),
        None => exec_new(sql, DELETE_ALERT_STATE, vec![id.into()]).map(drop),
    }
}

/// What the object keeps under `key`: 1 row read.
///
/// # Errors
/// As [`find`].
pub fn meta(sql: &Sql, key: &'static str) -> Result<Option<String>, HubError> {
    sql.exec(FIND_META, vec![key.into()])?.first().map(|row| row.text(0).map(str::to_owned)).transpose()
}

/// Keeps a text under `key`: 1 row written.
///
/// # Errors
/// As [`create`].
pub fn put_meta(sql: &Sql, key: &'static str, value: &str) -> Result<(), HubError> {
    sql.exec(PUT_META, vec![key.into(), value.into()]).map(drop)
}

fn entry(row: &Row) -> Result<Entry, HubError> {
    let mut wire: HostWire =
        serde_json::from_str(row.text(5)?).map_err(|error| HubError::Corrupt(error.to_string()))?;
    Ok(Entry {
        told: wire.told.take().map(Told::from),
        standing: wire.standing.take().map(StandingWire::into_standing).unwrap_or_default(),
        host: Host::try_from(wire)?,
        secret_hash: row.text(1)?.to_owned(),
        addresses_fixed: row.int(2)? != 0,
        coarse_done: row.optional(3, Row::whole)?,
        floor: row.whole(4)?,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::hub::wire::tests::host;

    /// A host of this number.
    pub fn entry(id: i64) -> Entry {
        let host = Host { id: HostId(id), newest: None, ..host() };
        let secret_hash = format!("hash-{id}");
        let standing = HostStanding::default();
        Entry { host, secret_hash, addresses_fixed: false, coarse_done: None, floor: 0, told: None, standing }
    }

    #[test]
    fn an_entry_comes_back_as_it_was_put_last() {
        let sql = Sql::in_memory().unwrap();
        create(&sql).unwrap();
        put(&sql, &entry(7)).unwrap();
        let told = Some(Told::exactly(&host().addresses));
        let changed = Entry { coarse_done: Some(20_780), floor: 9, host: host(), told, ..entry(7) };
        put(&sql, &changed).unwrap();
        put(&sql, &entry(3)).unwrap();
        assert_eq!(sql.rows_written(), 3);
        assert_eq!(find(&sql, HostId(7)), Ok(Some(changed.clone())));
        assert_eq!(list(&sql), Ok((vec![entry(3), changed], vec![])));
        delete(&sql, HostId(7)).unwrap();
        assert_eq!(find(&sql, HostId(7)), Ok(None));
    }

    #[test]
    fn a_damaged_row_costs_itself_and_no_other() {
        let sql = Sql::in_memory().unwrap();
        create(&sql).unwrap();
        put(&sql, &entry(3)).unwrap();
        put(&sql, &entry(7)).unwrap();
        sql.exec("UPDATE hosts SET host = '{' WHERE host_id = 3", vec![]).unwrap();
        let (entries, damaged) = list(&sql).unwrap();
        assert_eq!((entries, damaged.len()), (vec![entry(7)], 1));
    }

    #[test]
    fn an_event_is_owed_once_until_it_is_settled() {
        let sql = Sql::in_memory().unwrap();
        create(&sql).unwrap();
        let event = |key: &str, host_id| {
            Event::new(key.to_owned(), EventKind::HostOffline, host_id, UnixSeconds(5), "t".to_owned())
        };
        let (first, second) = (event("a", Some(HostId(7))), event("b", None));
        owe(&sql, &second, None).unwrap();
        owe(&sql, &first, Some("alpha")).unwrap();
        owe(&sql, &first, Some("alpha")).unwrap();
        assert_eq!(owed(&sql, 9), Ok(vec![(first, Some("alpha".to_owned())), (second.clone(), None)]));
        settle(&sql, "a").unwrap();
        assert_eq!(owed(&sql, 9), Ok(vec![(second, None)]));
    }

    #[test]
    fn tables_that_could_not_be_made_are_empty_until_they_can() {
        let sql = Sql::in_memory().unwrap();
        create(&sql).unwrap();
        // An object of before there were alerts, woken by this code when nothing more may be written.
        for old in ["DROP TABLE owed_events", "DROP TABLE alert_states", "PRAGMA query_only = ON"] {
            sql.exec(old, vec![]).unwrap();
        }
        assert!(create(&sql).is_err());
        assert_eq!((owed(&sql, 9), list_alert_states(&sql)), (Ok(vec![]), Ok(vec![])));
        let event = Event::new("a".to_owned(), EventKind::HostOffline, None, UnixSeconds(5), "t".to_owned());
        assert!(owe(&sql, &event, None).is_err() && put_alert_state(&sql, HostId(7), Some("s")).is_err());
        sql.exec("PRAGMA query_only = OFF", vec![]).unwrap();
        owe(&sql, &event, None).unwrap();
        put_alert_state(&sql, HostId(7), Some("s")).unwrap();
        assert_eq!((owed(&sql, 9).unwrap().len(), list_alert_states(&sql).unwrap().len()), (1, 1));
        // A question makes them too.
        sql.exec("DROP TABLE alert_states", vec![]).unwrap();
        assert_eq!((list_alert_states(&sql), sql.exec(LIST_ALERT_STATES, vec![])), (Ok(vec![]), Ok(vec![])));
    }

    #[test]
    fn what_came_of_probes_stays_when_the_rest_of_the_row_changes_and_can_be_put_in_an_object_of_before() {
        let sql = Sql::in_memory().unwrap();
        create(&sql).unwrap();
        put_with_probe_days(&sql, &entry(7), Some(vec![1, 2])).unwrap();
        put(&sql, &Entry { floor: 9, ..entry(7) }).unwrap();
        assert_eq!(probe_days(&sql, HostId(7)), Ok(Some(vec![1, 2])));
        create(&sql).unwrap();
        assert_eq!(probe_days(&sql, HostId(7)), Ok(Some(vec![1, 2])), "nothing to do");
        sql.exec("ALTER TABLE hosts DROP COLUMN probe_days", vec![]).unwrap();
        sql.exec("PRAGMA query_only = ON", vec![]).unwrap();
        assert_eq!((probe_days(&sql, HostId(7)), probe_days(&sql, HostId(8))), (Ok(None), Ok(None)));
        assert_eq!(list(&sql).unwrap().0.len(), 1);
        sql.exec("PRAGMA query_only = OFF", vec![]).unwrap();
        put_with_probe_days(&sql, &entry(7), Some(vec![3])).unwrap();
        assert_eq!(probe_days(&sql, HostId(7)), Ok(Some(vec![3])));
    }

    #[test]
    fn the_object_keeps_its_small_state_by_key() {
        let sql = Sql::in_memory().unwrap();
        create(&sql).unwrap();
        assert_eq!(meta(&sql, "a"), Ok(None));
        put_meta(&sql, "a", "1").unwrap();
        put_meta(&sql, "a", "2").unwrap();
        assert_eq!(meta(&sql, "a"), Ok(Some("2".to_owned())));
    }
}
