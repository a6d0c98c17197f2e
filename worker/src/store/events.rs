//! Table `events`: what happened, by a key that sorts by time.

use edgewatch_core::model::{AlertNote, Cause, Event, EventKind, HostId};
use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde::Deserialize;

use super::{Db, Statement, StoreError};

const LIST: &str = "SELECT key, at_s, kind, host_id, text, alert_key, cause, detail, notify_group, quiet FROM events \
     ORDER BY key DESC LIMIT ?1";
const LIST_BEFORE: &str = "SELECT key, at_s, kind, host_id, text, alert_key, cause, detail, notify_group, quiet FROM events \
     WHERE key < ?2 ORDER BY key DESC LIMIT ?1";
// Told again after a lost reply, an event has its old key.
const INSERT: &str = "INSERT INTO events (key, at_s, kind, host_id, text, alert_key, cause, detail, notify_group, quiet) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (key) DO NOTHING";

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
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] for a kind that is not known.
pub async fn list(db: &Db, before: Option<&str>, limit: u32) -> Result<Vec<Event>, StoreError> {
    let statement = match before {
        None => Statement::new(LIST, vec![limit.into()]),
        Some(key) => Statement::new(LIST_BEFORE, vec![limit.into(), key.into()]),
    };
    let rows: Vec<Row> = db.run(statement).await?.rows()?;
    rows.into_iter().map(Event::try_from).collect()
}

/// The statement that writes an event: 1 row, none when it is written already.
pub fn insert(event: &Event) -> Statement {
    let binds = vec![
        event.key.as_str().into(),
        event.at.0.into(),
        event.kind.word().into(),
        event.host_id.map(|id| id.0).into(),
        event.text.as_str().into(),
        event.alert.as_ref().map(|alert| alert.key.clone()).into(),
        event.alert.as_ref().map(|alert| alert.cause.text()).into(),
        event.alert.as_ref().map_or("", |alert| alert.detail.as_str()).into(),
        event.group.as_str().into(),
        event.is_quiet.into(),
    ];
    Statement::new(INSERT, binds)
}

impl TryFrom<Row> for Event {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let kind =
            EventKind::from_word(&row.kind).ok_or_else(|| StoreError::Corrupt(format!("event kind {}", row.kind)))?;
        let alert = match (row.alert_key, row.cause) {
            (Some(key), Some(cause)) => Some(AlertNote {
                opened_at: begun(&key),
                key,
                cause: Cause::parse(&cause).ok_or_else(|| StoreError::Corrupt(format!("event cause {cause}")))?,
                detail: row.detail,
            }),
            _ => None,
        };
        Ok(Self {
            key: row.key,
            kind,
            host_id: row.host_id.map(HostId),
            at: UnixSeconds(row.at_s),
            text: row.text,
            group: row.notify_group,
            is_quiet: row.quiet != 0,
            alert,
        })
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
    fn events_come_newest_first_and_page_by_key() {
        let db = Db::in_memory().unwrap();
        for key in ["01", "03", "02"] {
            let event = Event::new(key.to_owned(), EventKind::MonitoringImpaired, None, UnixSeconds(1), String::new());
            now(db.run(insert(&event))).unwrap();
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
            detail: "cpu 97 %".to_owned(),
        });
        (event.group, event.is_quiet) = ("ops".to_owned(), true);
        now(db.run(insert(&event))).unwrap();
        assert_eq!(now(list(&db, None, 2)).unwrap(), [event]);
    }
}
