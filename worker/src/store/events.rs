//! Table `events`: what happened, by a key that sorts by time.

use edgewatch_core::model::{AlertNote, Cause, Event, EventKind, HostId};
use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Db, Statement, StoreError};

const LIST: &str = "SELECT key, at_s, kind, host_id, text, alert_key, cause, detail, notify_group, quiet FROM events \
     ORDER BY key DESC LIMIT ?1";
const LIST_BEFORE: &str = "SELECT key, at_s, kind, host_id, text, alert_key, cause, detail, notify_group, quiet FROM events \
     WHERE key < ?2 ORDER BY key DESC LIMIT ?1";
const DELETE_BEFORE: &str =
    "DELETE FROM events WHERE key IN (SELECT key FROM events WHERE key < ?1 ORDER BY key LIMIT 500)";
const FIND: &str =
    "SELECT key, at_s, kind, host_id, text, alert_key, cause, detail, notify_group, quiet FROM events WHERE key = ?1";
// ?1 is a JSON list of lists. Told again after a lost reply, an event has its old key.
const INSERT: &str = "INSERT INTO events (key, at_s, kind, host_id, text, alert_key, cause, detail, notify_group, quiet) \
     SELECT j.value->>0, j.value->>1, j.value->>2, j.value->>3, j.value->>4, j.value->>5, j.value->>6, j.value->>7, j.value->>8, \
     j.value->>9 FROM json_each(?1) j WHERE true ON CONFLICT (key) DO NOTHING";

#[derive(Deserialize)]
struct Row {
    key: String,
    at_s: i64,
    kind: String,
    host_id: Option<i64>,
    text: String,
    alert_key: Option<String>,
    cause: Option<String>,
    detail: String,
    notify_group: String,
    quiet: i64,
}

/// At most `limit` events, newest first; with `before` only those with a smaller key.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list(db: &Db, before: Option<&str>, limit: u32) -> Result<Vec<Event>, StoreError> {
    let statement = match before {
        None => Statement::new(LIST, vec![limit.into()]),
        Some(key) => Statement::new(LIST_BEFORE, vec![limit.into(), key.into()]),
    };
    let rows: Vec<Row> = db.run(statement).await?.rows()?;
    Ok(rows.into_iter().map(Event::from).collect())
}

/// The statement that forgets what happened before `key`, some of it at a time: a row each.
pub fn delete_before(key: &str) -> Statement {
    Statement::new(DELETE_BEFORE, vec![key.into()])
}

/// The event of this key.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, key: &str) -> Result<Option<Event>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![key.into()])).await?.first()?;
    Ok(row.map(Event::from))
}

/// The statement that writes events: 1 row each, none for what is written already. However many there are, it is one query of the
/// fifty that one invocation may make. Source: platform specification, 1.2.
///
/// # Errors
/// [`StoreError::Corrupt`] when they cannot be written as JSON.
pub fn insert<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<Statement, StoreError> {
    let row = |event: &'a Event| {
        let alert = event.alert.as_ref();
        json!([
            event.key,
            event.at.0,
            event.kind.word(),
            event.host_id.map(|id| id.0),
            event.text,
            alert.map(|alert| &alert.key),
            alert.map(|alert| alert.cause.text()),
            alert.map_or("", |alert| alert.detail.as_str()),
            event.group,
            i32::from(event.is_quiet),
        ])
    };
    let rows: Vec<Value> = events.into_iter().map(row).collect();
    let list = serde_json::to_string(&rows).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(Statement::new(INSERT, vec![list.into()]))
}

impl From<Row> for Event {
    fn from(row: Row) -> Self {
        // A cause that a newer version wrote is none that this one knows of.
        let cause = row.cause.as_deref().and_then(Cause::parse);
        let alert = row.alert_key.zip(cause);
        let note = |(key, cause): (String, Cause)| {
            let opened_at = begun(&key);
            AlertNote { key, cause, opened_at, closed_at: None, detail: row.detail }
        };
        let alert = alert.map(note);
        Self {
            key: row.key,
            kind: EventKind::from_word(&row.kind),
            host_id: row.host_id.map(HostId),
            at: UnixSeconds(row.at_s),
            text: row.text,
            group: row.notify_group,
            is_quiet: row.quiet != 0,
            alert,
        }
    }
}

/// When an alert began: its key begins with that time, ms in hexadecimal.
fn begun(key: &str) -> UnixSeconds {
    let ms = key.get(..12).and_then(|digits| i64::from_str_radix(digits, 16).ok());
    UnixMillis(ms.unwrap_or(0)).seconds()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use edgewatch_core::model::RuleId;

    #[test]
    fn what_a_newer_version_wrote_is_listed_all_the_same() {
        let db = Db::in_memory().unwrap();
        let event =
            Event::new("01".to_owned(), EventKind::Test, Some(HostId(3)), UnixSeconds(1), "so it is".to_owned());
        now(db.run(insert([&event]).unwrap())).unwrap();
        let newer = "UPDATE events SET kind = 'moon_landed', alert_key = 'a', cause = 'moon:1:2'";
        now(db.run(Statement::new(newer, vec![]))).unwrap();
        let expected = Event { kind: EventKind::News, ..event };
        assert_eq!(now(find(&db, "01")).unwrap(), Some(expected));
        assert_eq!(now(find(&db, "02")).unwrap(), None);
    }

    #[test]
    fn what_is_long_over_is_forgotten() {
        let db = Db::in_memory().unwrap();
        let event = |key: &str| Event::new(key.to_owned(), EventKind::Test, None, UnixSeconds(1), String::new());
        now(db.run(insert(&["01", "02", "03"].map(event)).unwrap())).unwrap();
        now(db.run(delete_before("02"))).unwrap();
        let left: Vec<String> = now(list(&db, None, 9)).unwrap().into_iter().map(|event| event.key).collect();
        assert_eq!(left, ["03", "02"]);
    }

    #[test]
    fn events_come_newest_first_and_page_by_key() {
        let db = Db::in_memory().unwrap();
        for key in ["01", "03", "02"] {
            let event = Event::new(key.to_owned(), EventKind::MonitoringImpaired, None, UnixSeconds(1), String::new());
            now(db.run(insert([&event]).unwrap())).unwrap();
        }
        let keys = |events: Vec<Event>| events.into_iter().map(|event| event.key).collect::<Vec<_>>();
        assert_eq!(keys(now(list(&db, None, 2)).unwrap()), ["03", "02"]);
        assert_eq!(keys(now(list(&db, Some("02"), 2)).unwrap()), ["01"]);
    }
    #[test]
    fn the_event_of_an_alert_comes_back_whole() {
        let db = Db::in_memory().unwrap();
        let mut event =
            Event::new("01".to_owned(), EventKind::AlertFired, Some(HostId(7)), UnixSeconds(9), "t".to_owned());
        event.alert = Some(AlertNote {
            key: "000000001f40000000000001".to_owned(),
            cause: Cause::rule(RuleId(3), HostId(7)),
            opened_at: UnixSeconds(8),
            closed_at: None,
            detail: "cpu 97 %".to_owned(),
        });
        (event.group, event.is_quiet) = ("ops".to_owned(), true);
        now(db.run(insert([&event]).unwrap())).unwrap();
        assert_eq!(now(list(&db, None, 2)).unwrap(), [event]);
    }
}
