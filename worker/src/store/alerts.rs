//! Table `alerts`: what is not as it should be, or was not.

use edgewatch_core::model::{Alert, Cause, Event, EventKind};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::{Db, Statement, StoreError};

// Told again after a lost reply, an alert has its old key, and what is known of it stays.
const OPEN: &str = "INSERT INTO alerts (key, cause, opened_at_s, text, detail) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (key) DO NOTHING";
const CLOSE: &str = "UPDATE alerts SET closed_at_s = ?2 WHERE key = ?1 AND closed_at_s IS NULL";
const LIST: &str = "SELECT key, cause, opened_at_s, closed_at_s, text, detail, acknowledged_at_s, acknowledged_by FROM alerts \
     WHERE key < ?2 ORDER BY key DESC LIMIT ?1";
const LIST_OPEN: &str = "SELECT key, cause, opened_at_s, closed_at_s, text, detail, acknowledged_at_s, acknowledged_by \
     FROM alerts INDEXED BY alerts_open WHERE closed_at_s IS NULL AND key < ?2 ORDER BY key DESC LIMIT ?1";
const FIND: &str = "SELECT key, cause, opened_at_s, closed_at_s, text, detail, acknowledged_at_s, acknowledged_by FROM alerts \
     WHERE key = ?1";
const ACKNOWLEDGE: &str = "UPDATE alerts SET acknowledged_at_s = ?2, acknowledged_by = ?3 \
     WHERE key = ?1 AND acknowledged_at_s IS NULL";

/// Behind every key.
const LAST: &str = "~";

#[derive(Deserialize)]
struct Row {
    key: String,
    cause: String,
    opened_at_s: i64,
    closed_at_s: Option<i64>,
    text: String,
    detail: String,
    acknowledged_at_s: Option<i64>,
    acknowledged_by: Option<String>,
}

/// The statement that writes what an event says of its alert: 1 row and its index when it begins or ends, else none.
pub fn note(event: &Event) -> Option<Statement> {
    let alert = event.alert.as_ref()?;
    match event.kind {
        EventKind::AlertFired => {
            let binds = vec![
                alert.key.as_str().into(),
                alert.cause.text().into(),
                alert.opened_at.0.into(),
                event.text.as_str().into(),
                alert.detail.as_str().into(),
            ];
            Some(Statement::new(OPEN, binds))
        }
        EventKind::AlertRecovered | EventKind::AlertWithdrawn => {
            Some(Statement::new(CLOSE, vec![alert.key.as_str().into(), event.at.0.into()]))
        }
        EventKind::AlertReminder
        | EventKind::AlertEscalated
        | EventKind::HostOffline
        | EventKind::HostOnline
        | EventKind::MonitoringImpaired
        | EventKind::DuplicateMachine
        | EventKind::BudgetTight
        | EventKind::AddressChanged
        | EventKind::CertificateChanged
        | EventKind::Test => None,
    }
}

/// At most `limit` alerts, newest first: those that go on, or all; with `before` only those with a smaller key.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] for a cause that is not known.
pub async fn list(db: &Db, is_open: bool, before: Option<&str>, limit: u32) -> Result<Vec<Alert>, StoreError> {
    let sql = if is_open { LIST_OPEN } else { LIST };
    let rows: Vec<Row> =
        db.run(Statement::new(sql, vec![limit.into(), before.unwrap_or(LAST).into()])).await?.rows()?;
    rows.into_iter().map(Alert::try_from).collect()
}

/// An alert by its key.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, key: &str) -> Result<Option<Alert>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![key.into()])).await?.first()?;
    row.map(Alert::try_from).transpose()
}

/// The statement that notes who knows of an alert first.
pub fn acknowledge(key: &str, at: UnixSeconds, by: &str) -> Statement {
    Statement::new(ACKNOWLEDGE, vec![key.into(), at.0.into(), by.into()])
}

impl TryFrom<Row> for Alert {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let cause =
            Cause::parse(&row.cause).ok_or_else(|| StoreError::Corrupt(format!("alert cause {}", row.cause)))?;
        let at = row.acknowledged_at_s.map(UnixSeconds);
        Ok(Self {
            key: row.key,
            cause,
            opened_at: UnixSeconds(row.opened_at_s),
            closed_at: row.closed_at_s.map(UnixSeconds),
            text: row.text,
            detail: row.detail,
            acknowledged: at.map(|at| (at, row.acknowledged_by.unwrap_or_default())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use edgewatch_core::model::{AlertNote, HostId, RuleId};

    fn event(key: &str, kind: EventKind, at: i64) -> Event {
        let mut event = Event::new(format!("e{key}"), kind, Some(HostId(7)), UnixSeconds(at), "t".to_owned());
        event.alert = Some(AlertNote {
            key: key.to_owned(),
            cause: Cause::rule(RuleId(3), HostId(7)),
            opened_at: UnixSeconds(8),
            detail: "d".to_owned(),
        });
        event
    }

    #[test]
    fn an_alert_begins_is_acknowledged_and_ends_once_each() {
        let db = Db::in_memory().unwrap();
        let run = |statement: Statement| now(db.run(statement)).unwrap().changes;
        let fired = |key| note(&event(key, EventKind::AlertFired, 8)).unwrap();
        assert_eq!([run(fired("01")), run(fired("01")), run(fired("02"))], [1, 0, 1]);
        assert_eq!(note(&event("01", EventKind::AlertReminder, 9)), None);
        assert_eq!(
            [run(acknowledge("01", UnixSeconds(9), "user:1")), run(acknowledge("01", UnixSeconds(10), "x"))],
            [1, 0]
        );
        let over = |at| note(&event("01", EventKind::AlertRecovered, at)).unwrap();
        assert_eq!([run(over(11)), run(over(12))], [1, 0]);
        let keys = |is_open, before| {
            let found = now(list(&db, is_open, before, 9)).unwrap();
            found.into_iter().map(|alert| alert.key).collect::<Vec<_>>()
        };
        assert_eq!(
            (keys(true, None), keys(false, None), keys(false, Some("02"))),
            (vec!["02".to_owned()], vec!["02".to_owned(), "01".to_owned()], vec!["01".to_owned()])
        );
        let first = now(find(&db, "01")).unwrap().unwrap();
        assert_eq!(first.closed_at, Some(UnixSeconds(11)));
        assert_eq!(first.acknowledged, Some((UnixSeconds(9), "user:1".to_owned())));
        assert_eq!(now(find(&db, "03")).unwrap(), None);
    }
}
