//! Table `alerts`: what is not as it should be, or was not.

use edgewatch_core::model::{
    Alert, AlertDetails, AlertKind, AlertResource, Cause, Event, EventKind, Measured, ResourceKind, Severity, Standing,
};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Db, Statement, StoreError};

macro_rules! select_alerts {
    ($rest:literal) => {
        concat!(
            "SELECT key, cause, opened_at_s, closed_at_s, text, detail, acknowledged_at_s, acknowledged_by, ",
            "status, value, kind, reason, memo, resource_json FROM alerts ",
            $rest
        )
    };
}

// ?1 is a JSON list of lists. Told again after a lost reply, an alert has its old key, and what is known of it stays.
const OPEN: &str = "INSERT INTO alerts (key, cause, opened_at_s, text, detail, status, value, kind, resource_json) \
     SELECT j.value->>0, j.value->>1, j.value->>2, j.value->>3, j.value->>4, j.value->>5, j.value->>6, j.value->>7, j.value->>8 \
     FROM json_each(?1) j WHERE true ON CONFLICT (key) DO NOTHING";
const CHANGE: &str = "UPDATE alerts SET detail = j.value->>1, status = j.value->>2, value = j.value->>3 FROM json_each(?1) j \
     WHERE alerts.key = j.value->>0 AND alerts.closed_at_s IS NULL";
const CLOSE: &str = "UPDATE alerts SET closed_at_s = j.value->>1 FROM json_each(?1) j \
     WHERE alerts.key = j.value->>0 AND alerts.closed_at_s IS NULL";
const DELETE_BEFORE: &str = "DELETE FROM alerts WHERE key IN (SELECT key FROM alerts WHERE key < ?1 AND closed_at_s IS NOT NULL \
     ORDER BY key LIMIT 500)";
const LIST: &str = select_alerts!("WHERE key < ?2 ORDER BY key DESC LIMIT ?1");
const LIST_OPEN: &str =
    select_alerts!("INDEXED BY alerts_open WHERE closed_at_s IS NULL AND key < ?2 ORDER BY key DESC LIMIT ?1");
const LIST_KNOWN: &str = select_alerts!("WHERE key < ?2 AND kind IS NOT NULL ORDER BY key DESC LIMIT ?1");
const LIST_OPEN_KNOWN: &str = select_alerts!(
    "INDEXED BY alerts_open WHERE closed_at_s IS NULL AND key < ?2 AND kind IS NOT NULL ORDER BY key DESC LIMIT ?1"
);
const LIST_OF_THRESHOLDS: &str =
    select_alerts!("WHERE key < ?2 AND cause > 'threshold:' AND cause < 'threshold;' ORDER BY key DESC LIMIT ?1");
const LIST_OPEN_OF_THRESHOLDS: &str = select_alerts!(
    "INDEXED BY alerts_open WHERE closed_at_s IS NULL AND key < ?2 AND cause > 'threshold:' AND cause < 'threshold;' \
     ORDER BY key DESC LIMIT ?1"
);
// An alert's key tells when it began: when it was over, its event's does. ?1 is the first of these keys.
const LIST_OVER_OF_THRESHOLDS: &str = select_alerts!(
    "WHERE key IN (SELECT alert_key FROM events WHERE key >= ?1 AND cause > 'threshold:' AND cause < 'threshold;' \
     AND kind IN ('alert_recovered', 'alert_withdrawn')) AND closed_at_s >= ?2 ORDER BY closed_at_s DESC, key DESC"
);
const DELETE_OF_THRESHOLDS: &str = "DELETE FROM alerts WHERE key IN (SELECT key FROM alerts WHERE cause > 'threshold:' \
     AND cause < 'threshold;' AND closed_at_s IS NOT NULL LIMIT 500)";
const LIST_BETWEEN: &str = select_alerts!("WHERE key >= ?1 AND key < ?2 AND kind IS NOT NULL");
const FIND: &str = select_alerts!("WHERE key = ?1");
const END: &str = "UPDATE alerts SET closed_at_s = coalesce(closed_at_s, ?2), reason = ?3 WHERE key = ?1";
const SET_MEMO: &str = "UPDATE alerts SET memo = ?2 WHERE key = ?1";
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
    status: String,
    value: Option<f64>,
    kind: Option<String>,
    reason: Option<String>,
    memo: String,
    resource_json: Option<String>,
}

/// What an alert of a threshold is about, as it is kept.
#[derive(Serialize, Deserialize)]
pub struct ResourceWire {
    kind: String,
    id: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    node: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    instance: String,
    /// Trigger and clear.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    limit: Option<(f64, f64)>,
}

/// The statement that forgets alerts that began before `key` and are over, some at a time: a row each.
pub fn delete_before(key: &str) -> Statement {
    Statement::new(DELETE_BEFORE, vec![key.into()])
}

/// The statements that write what events say of their alerts: 1 row and its index for each that begins or ends, 1 row for each that
/// changes. At most three, however many events there are.
///
/// # Errors
/// [`StoreError::Corrupt`] when they cannot be written as JSON.
pub fn note<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<Vec<Statement>, StoreError> {
    let (mut begun, mut changed, mut over) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        let Some(alert) = &event.alert else { continue };
        let (status, value) = (alert.standing.severity.word(), alert.standing.value.map(Measured::get));
        match event.kind {
            EventKind::AlertFired => {
                let (cause, kind) = (alert.cause.text(), alert.kind.map(AlertKind::word));
                let said = (&event.text, &alert.detail);
                let about =
                    alert.resource.as_ref().map(|one| serde_json::to_string(&ResourceWire::from(one))).transpose();
                let about = about.map_err(|error| StoreError::Corrupt(error.to_string()))?;
                begun.push(json!([alert.key, cause, alert.opened_at.0, said.0, said.1, status, value, kind, about]));
            }
            EventKind::AlertChanged => changed.push(json!([alert.key, alert.detail, status, value])),
            EventKind::AlertRecovered | EventKind::AlertWithdrawn => {
                over.push(json!([alert.key, alert.closed_at.unwrap_or(event.at).0]));
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
            | EventKind::NobodyTold
            | EventKind::Test
            | EventKind::News => {}
        }
    }
    let mut statements = Vec::new();
    for (sql, rows) in [(OPEN, begun), (CHANGE, changed), (CLOSE, over)] {
        if !rows.is_empty() {
            let list = serde_json::to_string(&rows).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            statements.push(Statement::new(sql, vec![list.into()]));
        }
    }
    Ok(statements)
}

/// At most `limit` alerts, newest first: those that go on, or all; with `before` only those with a smaller key.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list(db: &Db, is_open: bool, before: Option<&str>, limit: u32) -> Result<Vec<Alert>, StoreError> {
    let sql = if is_open { LIST_OPEN } else { LIST };
    let rows: Vec<Row> =
        db.run(Statement::new(sql, vec![limit.into(), before.unwrap_or(LAST).into()])).await?.rows()?;
    // A cause that a newer version wrote is none that this one knows of.
    Ok(rows.into_iter().filter_map(|row| Alert::try_from(row).ok()).collect())
}

/// An alert by its key.
///
/// # Errors
/// As [`list`]; [`StoreError::Corrupt`] for a cause that is not known.
pub async fn find(db: &Db, key: &str) -> Result<Option<Alert>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![key.into()])).await?.first()?;
    row.map(Alert::try_from).transpose()
}

/// As [`list`], of those that programs for Mackerel know.
///
/// # Errors
/// As [`list`].
pub async fn list_known(db: &Db, is_open: bool, before: Option<&str>, limit: u32) -> Result<Vec<Alert>, StoreError> {
    let sql = if is_open { LIST_OPEN_KNOWN } else { LIST_KNOWN };
    let rows: Vec<Row> =
        db.run(Statement::new(sql, vec![limit.into(), before.unwrap_or(LAST).into()])).await?.rows()?;
    Ok(rows.into_iter().filter_map(|row| Alert::try_from(row).ok()).collect())
}

/// As [`list`], of those of thresholds.
///
/// # Errors
/// As [`list`].
pub async fn list_of_thresholds(
    db: &Db,
    is_open: bool,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<Alert>, StoreError> {
    let sql = if is_open { LIST_OPEN_OF_THRESHOLDS } else { LIST_OF_THRESHOLDS };
    let rows: Vec<Row> =
        db.run(Statement::new(sql, vec![limit.into(), before.unwrap_or(LAST).into()])).await?.rows()?;
    Ok(rows.into_iter().filter_map(|row| Alert::try_from(row).ok()).collect())
}

/// Those that were over since, the last of them first. Events with keys from `first` on tell of their ends: reads a row for each of
/// these, and one or two for each alert.
///
/// # Errors
/// As [`list`].
pub async fn list_over_of_thresholds(db: &Db, since: UnixSeconds, first: &str) -> Result<Vec<Alert>, StoreError> {
    let statement = Statement::new(LIST_OVER_OF_THRESHOLDS, vec![first.into(), since.0.into()]);
    let rows: Vec<Row> = db.run(statement).await?.rows()?;
    Ok(rows.into_iter().filter_map(|row| Alert::try_from(row).ok()).collect())
}

/// The statement that forgets alerts of thresholds that are over, some at a time: a row each.
pub fn delete_of_thresholds() -> Statement {
    Statement::new(DELETE_OF_THRESHOLDS, vec![])
}

/// Those of them whose keys lie from the first to before the second.
///
/// # Errors
/// As [`list`].
pub async fn list_between(db: &Db, from: &str, to: &str) -> Result<Vec<Alert>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST_BETWEEN, vec![from.into(), to.into()])).await?.rows()?;
    Ok(rows.into_iter().filter_map(|row| Alert::try_from(row).ok()).collect())
}

/// The statement that ends an alert, unless it is over, and notes why.
pub fn end(key: &str, at: UnixSeconds, reason: &str) -> Statement {
    Statement::new(END, vec![key.into(), at.0.into(), reason.into()])
}

/// The statement that notes something of an alert.
pub fn set_memo(key: &str, memo: &str) -> Statement {
    Statement::new(SET_MEMO, vec![key.into(), memo.into()])
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
            more: AlertDetails {
                standing: Standing {
                    severity: Severity::parse(&row.status).unwrap_or(Severity::Critical),
                    value: row.value.map(Measured::of),
                },
                kind: row.kind.as_deref().and_then(AlertKind::parse),
                reason: row.reason,
                memo: row.memo,
                // One of a newer version is none that this one knows of.
                resource: row
                    .resource_json
                    .and_then(|text| serde_json::from_str::<ResourceWire>(&text).ok()?.into_resource()),
            },
        })
    }
}

impl From<&AlertResource> for ResourceWire {
    fn from(resource: &AlertResource) -> Self {
        Self {
            kind: resource.kind.word().to_owned(),
            id: resource.id.clone(),
            name: resource.name.clone(),
            node: resource.node.clone(),
            instance: resource.instance.clone(),
            limit: resource.limit.map(|(trigger, clear)| (trigger.get(), clear.get())),
        }
    }
}

impl ResourceWire {
    /// What it was made of; `None` for a kind that is none.
    pub fn into_resource(self) -> Option<AlertResource> {
        let Self { kind, id, name, node, instance, limit } = self;
        let limit = limit.map(|(trigger, clear)| (Measured::of(trigger), Measured::of(clear)));
        Some(AlertResource { kind: ResourceKind::parse(&kind)?, id, name, node, instance, limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::events;
    use edgewatch_core::model::{AlertNote, HostId, RuleId, ThresholdCode};

    fn event(key: &str, kind: EventKind, at: i64) -> Event {
        let mut event = Event::new(format!("e{key}"), kind, Some(HostId(7)), UnixSeconds(at), "t".to_owned());
        let note = AlertNote::new(key.to_owned(), Cause::rule(RuleId(3), HostId(7)), UnixSeconds(8), "d".to_owned());
        event.alert = Some(AlertNote { kind: (key != "03").then_some(AlertKind::Host), ..note });
        event
    }

    #[test]
    fn an_alert_begins_is_acknowledged_and_ends_once_each() {
        let db = Db::in_memory().unwrap();
        let run = |statement: Statement| now(db.run(statement)).unwrap().changes;
        let fired = |key| note([&event(key, EventKind::AlertFired, 8)]).unwrap().remove(0);
        assert_eq!([run(fired("01")), run(fired("01")), run(fired("02"))], [1, 0, 1]);
        assert_eq!(note([&event("01", EventKind::AlertReminder, 9)]), Ok(vec![]));
        assert_eq!(
            [run(acknowledge("01", UnixSeconds(9), "user:1")), run(acknowledge("01", UnixSeconds(10), "x"))],
            [1, 0]
        );
        let over = |at| note([&event("01", EventKind::AlertRecovered, at)]).unwrap().remove(0);
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

    #[test]
    fn what_programs_for_mackerel_do_not_know_they_are_not_told_of() {
        let db = Db::in_memory().unwrap();
        let fired = ["01", "02", "03"].map(|key| event(key, EventKind::AlertFired, 8));
        let mut worse = event("02", EventKind::AlertChanged, 9);
        if let Some(note) = &mut worse.alert {
            note.standing = Standing { severity: Severity::Unknown, value: Some(Measured::of(0.1)) };
        }
        now(db.batch(note(fired.iter().chain([&worse])).unwrap())).unwrap();
        let keys = |is_open, before| {
            let found = now(list_known(&db, is_open, before, 9)).unwrap();
            found.into_iter().map(|alert| alert.key).collect::<Vec<_>>()
        };
        assert_eq!(
            (keys(true, None), keys(false, Some("02"))),
            (vec!["02".into(), "01".into()], vec!["01".to_owned()])
        );
        let second = || now(list_between(&db, "02", "04")).unwrap().remove(0);
        assert_eq!(second().more.standing, Standing { severity: Severity::Unknown, value: Some(Measured::of(0.1)) });
        now(db.batch(vec![end("02", UnixSeconds(20), "why"), set_memo("02", "m")])).unwrap();
        now(db.run(end("02", UnixSeconds(30), "because"))).unwrap();
        let known = second();
        assert_eq!((known.closed_at, known.more.reason.as_deref()), (Some(UnixSeconds(20)), Some("because")));
        assert_eq!((known.more.memo.as_str(), keys(true, None)), ("m", vec!["01".to_owned()]));
    }

    #[test]
    fn alerts_of_thresholds_come_back_with_what_they_are_about_and_are_forgotten_by_themselves() {
        let db = Db::in_memory().unwrap();
        let about = AlertResource {
            kind: ResourceKind::Storage,
            id: "lab-pve1-local".to_owned(),
            name: "local".to_owned(),
            node: "pve1".to_owned(),
            instance: "lab".to_owned(),
            limit: Some((Measured::of(85.5), Measured::of(80.0))),
        };
        let of_threshold = |key: &str, kind| {
            let mut event = event(key, kind, 8);
            if let Some(note) = &mut event.alert {
                note.cause = Cause::threshold(ThresholdCode { resource: 2, metric: None }, HostId(7));
                note.resource = Some(about.clone());
            }
            event
        };
        let over = Event { key: "e03-".to_owned(), ..of_threshold("03", EventKind::AlertRecovered) };
        let events = [
            event("01", EventKind::AlertFired, 8),
            of_threshold("02", EventKind::AlertFired),
            of_threshold("03", EventKind::AlertFired),
            over,
        ];
        now(db.batch(note(&events).unwrap())).unwrap();
        let keys = |is_open, before| {
            let found = now(list_of_thresholds(&db, is_open, before, 9)).unwrap();
            assert!(found.iter().all(|alert| alert.more.resource.as_ref() == Some(&about)));
            found.into_iter().map(|alert| alert.key).collect::<Vec<_>>()
        };
        assert_eq!(
            (keys(true, None), keys(false, None), keys(false, Some("03"))),
            (vec!["02".to_owned()], vec!["03".to_owned(), "02".to_owned()], vec!["02".to_owned()],)
        );
        assert_eq!(now(find(&db, "01")).unwrap().unwrap().more.resource, None);
        let ends = || now(db.run(events::insert(&events).unwrap())).unwrap();
        let over = |since, first: &str| {
            let found = now(list_over_of_thresholds(&db, UnixSeconds(since), first)).unwrap();
            found.into_iter().map(|alert| alert.key).collect::<Vec<_>>()
        };
        assert_eq!((over(8, "").len(), ends().changes), (0, 4));
        assert_eq!((over(8, ""), over(8, "e04"), over(9, "")), (vec!["03".to_owned()], vec![], vec![]));
        assert_eq!(now(db.run(delete_of_thresholds())).unwrap().changes, 1);
        assert_eq!(now(list(&db, false, None, 9)).unwrap().len(), 2);
    }

    #[test]
    fn an_alert_was_over_when_it_was_and_not_when_people_were_told() {
        let db = Db::in_memory().unwrap();
        let mut over = event("01", EventKind::AlertRecovered, 30_000);
        over.alert.iter_mut().for_each(|alert| alert.closed_at = Some(UnixSeconds(600)));
        now(db.batch(note(&[event("01", EventKind::AlertFired, 8), over]).unwrap())).unwrap();
        assert_eq!(now(find(&db, "01")).unwrap().unwrap().closed_at, Some(UnixSeconds(600)));
    }

    #[test]
    fn many_begin_and_end_by_two_statements_and_what_is_over_is_forgotten() {
        let db = Db::in_memory().unwrap();
        let many = ["01", "02", "03"].map(|key| event(key, EventKind::AlertFired, 8));
        let ends = ["01", "03"].map(|key| event(key, EventKind::AlertWithdrawn, 9));
        let statements = note(many.iter().chain(&ends)).unwrap();
        assert_eq!(statements.len(), 2);
        now(db.batch(statements)).unwrap();
        let keys = |is_open| {
            let found = now(list(&db, is_open, None, 9)).unwrap();
            found.into_iter().map(|alert| alert.key).collect::<Vec<_>>()
        };
        assert_eq!((keys(true), keys(false).len()), (vec!["02".to_owned()], 3));
        now(db.run(delete_before("03"))).unwrap();
        assert_eq!(keys(false), ["03", "02"], "one goes on, one is not long over");
    }
}
