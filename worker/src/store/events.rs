//! Table `events`: what happened, by a key that sorts by time.

use edgewatch_core::model::{AlertNote, AlertStep, Cause, Event, EventKind, HostId, Measured, Severity, Trigger};
use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Db, Statement, StoreError};

const LIST: &str = "SELECT key, at_s, kind, host_id, text, alert_key, cause, detail, notify_group, quiet FROM events \
     ORDER BY key DESC LIMIT ?1";
const LIST_BEFORE: &str = "SELECT key, at_s, kind, host_id, text, alert_key, cause, detail, notify_group, quiet FROM events \
     WHERE key < ?2 ORDER BY key DESC LIMIT ?1";
const LIST_OF_HOST: &str = "SELECT key, at_s, kind, host_id, text, alert_key, cause, detail, notify_group, quiet \
     FROM events INDEXED BY events_by_host WHERE host_id = ?1 AND key < coalesce(?2, '~') ORDER BY key DESC LIMIT ?3";
const DELETE_BEFORE: &str =
    "DELETE FROM events WHERE key IN (SELECT key FROM events WHERE key < ?1 ORDER BY key LIMIT 500)";
const FIND: &str =
    "SELECT key, at_s, kind, host_id, text, alert_key, cause, detail, notify_group, quiet FROM events WHERE key = ?1";
// ?1 is a JSON list of lists. Told again after a lost reply, an event has its old key.
const INSERT: &str = "INSERT INTO events (key, at_s, kind, host_id, text, alert_key, cause, detail, notify_group, quiet, \
     status, value, brought_by) \
     SELECT j.value->>0, j.value->>1, j.value->>2, j.value->>3, j.value->>4, j.value->>5, j.value->>6, j.value->>7, j.value->>8, \
     j.value->>9, j.value->>10, j.value->>11, j.value->>12 FROM json_each(?1) j WHERE true ON CONFLICT (key) DO NOTHING";
const LIST_STEPS: &str = "SELECT key, at_s, kind, status, value, brought_by, detail FROM events INDEXED BY events_by_alert \
     WHERE alert_key = ?1 ORDER BY key";

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

#[derive(Deserialize)]
struct StepRow {
    key: String,
    at_s: i64,
    kind: String,
    status: Option<String>,
    value: Option<f64>,
    brought_by: Option<String>,
    detail: String,
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

/// At most `limit` events of a host, newest first; with `before` only those with a smaller key. Two rows read for each.
///
/// # Errors
/// As [`list`].
pub async fn list_of_host(db: &Db, host: HostId, before: Option<&str>, limit: u32) -> Result<Vec<Event>, StoreError> {
    let statement = Statement::new(LIST_OF_HOST, vec![host.0.into(), before.into(), limit.into()]);
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
            alert.map(|alert| alert.standing.severity.word()),
            alert.and_then(|alert| alert.standing.value).map(Measured::get),
            alert.map(|alert| alert.trigger.word()),
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
        let alert = alert.map(|(key, cause)| AlertNote::new(key.clone(), cause, begun(&key), row.detail));
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

/// What became of an alert, oldest first: the steps at which it became worse, better, or over. As many rows read as there are events of
/// it.
///
/// # Errors
/// As [`list`].
pub async fn list_steps(db: &Db, alert: &str) -> Result<Vec<AlertStep>, StoreError> {
    let rows: Vec<StepRow> = db.run(Statement::new(LIST_STEPS, vec![alert.into()])).await?.rows()?;
    let mut steps: Vec<AlertStep> = Vec::new();
    for row in rows {
        let severity = match EventKind::from_word(&row.kind) {
            EventKind::AlertRecovered | EventKind::AlertWithdrawn => None,
            _ => Some(row.status.as_deref().and_then(Severity::parse).unwrap_or(Severity::Critical)),
        };
        // It may be told several times, and to several groups.
        if steps.last().is_some_and(|last| last.severity == severity) {
            continue;
        }
        steps.push(AlertStep {
            key: row.key,
            at: UnixSeconds(row.at_s),
            severity,
            value: row.value.map(Measured::of),
            trigger: row.brought_by.as_deref().and_then(Trigger::parse).unwrap_or_default(),
            detail: row.detail,
        });
    }
    Ok(steps)
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
        let (key, cause) = ("000000001f40000000000001".to_owned(), Cause::rule(RuleId(3), HostId(7)));
        event.alert = Some(AlertNote::new(key, cause, UnixSeconds(8), "cpu 97 %".to_owned()));
        (event.group, event.is_quiet) = ("ops".to_owned(), true);
        now(db.run(insert([&event]).unwrap())).unwrap();
        assert_eq!(now(list(&db, None, 2)).unwrap(), [event]);
    }

    #[test]
    fn the_steps_of_an_alert_are_those_at_which_it_became_another() {
        let db = Db::in_memory().unwrap();
        let steps = [
            (EventKind::AlertFired, Severity::Warning),
            (EventKind::AlertFired, Severity::Warning),
            (EventKind::AlertReminder, Severity::Warning),
            (EventKind::AlertChanged, Severity::Critical),
            (EventKind::AlertWithdrawn, Severity::Critical),
        ];
        for (order, (kind, severity)) in (1..).zip(steps) {
            let mut event = Event::new(format!("0{order}"), kind, None, UnixSeconds(order), String::new());
            let cause = Cause::rule(RuleId(3), HostId(7));
            let mut note = AlertNote::new("a".to_owned(), cause, UnixSeconds(1), "d".to_owned());
            note.standing.severity = severity;
            note.standing.value = Some(Measured::of(0.1));
            note.trigger = Trigger::HostRetire;
            event.alert = Some(note);
            now(db.run(insert([&event]).unwrap())).unwrap();
        }
        let found = now(list_steps(&db, "a")).unwrap();
        let told: Vec<_> = found.iter().map(|one| (one.at.0, one.severity)).collect();
        assert_eq!(told, [(1, Some(Severity::Warning)), (4, Some(Severity::Critical)), (5, None)]);
        assert_eq!((found[2].trigger, found[0].value), (Trigger::HostRetire, Some(Measured::of(0.1))));
        assert_eq!(now(list_steps(&db, "b")).unwrap(), []);
    }
}
