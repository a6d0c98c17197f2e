//! Table `events`: what happened, by a key that sorts by time.

use edgewatch_core::model::{Event, EventKind, HostId};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::{Db, Statement, StoreError};

const LIST: &str = "SELECT key, at_s, kind, host_id, text FROM events ORDER BY key DESC LIMIT ?1";
const LIST_BEFORE: &str = "SELECT key, at_s, kind, host_id, text FROM events WHERE key < ?2 ORDER BY key DESC LIMIT ?1";
// Told again after a lost reply, an event has its old key.
const INSERT: &str = "INSERT INTO events (key, at_s, kind, host_id, text) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (key) DO NOTHING";

#[derive(Deserialize)]
struct Row {
    key: String,
    at_s: i64,
    kind: String,
    host_id: Option<i64>,
    text: String,
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
    ];
    Statement::new(INSERT, binds)
}

impl TryFrom<Row> for Event {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let kind =
            EventKind::from_word(&row.kind).ok_or_else(|| StoreError::Corrupt(format!("event kind {}", row.kind)))?;
        Ok(Self { key: row.key, kind, host_id: row.host_id.map(HostId), at: UnixSeconds(row.at_s), text: row.text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    #[test]
    fn events_come_newest_first_and_page_by_key() {
        let db = Db::in_memory().unwrap();
        for key in ["01", "03", "02"] {
            let event = Event {
                key: key.to_owned(),
                kind: EventKind::MonitoringImpaired,
                host_id: None,
                at: UnixSeconds(1),
                text: String::new(),
            };
            now(db.run(insert(&event))).unwrap();
        }
        let keys = |events: Vec<Event>| events.into_iter().map(|event| event.key).collect::<Vec<_>>();
        assert_eq!(keys(now(list(&db, None, 2)).unwrap()), ["03", "02"]);
        assert_eq!(keys(now(list(&db, Some("02"), 2)).unwrap()), ["01"]);
    }
}
