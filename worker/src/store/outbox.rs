//! Table `outbox`: notifications on their way, each a finished request.

use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::{Db, Statement, StoreError};

// ?1 is a JSON list of [event key, channel id, sealed request]. An event that is written already was queued with it: when its
// transaction is repeated, because nobody knew that it was carried out, it may have been delivered meanwhile.
const INSERT: &str = "INSERT INTO outbox (key, channel_id, request_sealed, created_at_s, next_attempt_s) \
     SELECT (j.value->>0) || ':' || (j.value->>1), j.value->>1, j.value->>2, ?2, ?2 FROM json_each(?1) j \
     WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.key = j.value->>0)";
// Reads two rows for each that is due, by the index of those that were not given up, and none of the others.
const LIST_DUE: &str = "SELECT key, channel_id, request_sealed, created_at_s, attempts FROM outbox \
     WHERE failed_at_s IS NULL AND next_attempt_s <= ?1 ORDER BY attempts, key LIMIT ?2";
const LIST_STANDING: &str = "SELECT channel_id, sum(failed_at_s IS NULL) AS waiting, sum(failed_at_s IS NOT NULL) AS given_up, \
     max(last_error) AS last_error FROM outbox GROUP BY channel_id";
// The claim: of two runs that see the same row, one gets it.
const CLAIM: &str = "UPDATE outbox SET attempts = attempts + 1, next_attempt_s = ?3 \
     WHERE key = ?1 AND attempts = ?2 AND failed_at_s IS NULL";
const POSTPONE: &str =
    "UPDATE outbox SET next_attempt_s = ?2 WHERE channel_id = ?1 AND next_attempt_s < ?2 AND failed_at_s IS NULL";
const DELETE: &str = "DELETE FROM outbox WHERE key = ?1";
const DELETE_GIVEN_UP: &str = "DELETE FROM outbox WHERE failed_at_s < ?1";
const DELETE_OF_CHANNEL: &str = "DELETE FROM outbox WHERE channel_id = ?1";
const GIVE_UP: &str = "UPDATE outbox SET failed_at_s = ?2, last_error = ?3 WHERE key = ?1";
const REPLACE: &str = "UPDATE outbox SET request_sealed = ?2 WHERE key = ?1";
const NOTE_ERROR: &str = "UPDATE outbox SET next_attempt_s = ?2, last_error = ?3 WHERE key = ?1";

/// A notification that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The event's key and the channel's number.
    pub key: String,
    /// The channel's number.
    pub channel_id: i64,
    /// The request, encrypted.
    pub request_sealed: String,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// How often it was tried.
    pub attempts: u32,
}

/// What waits for a channel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Standing {
    /// Which channel.
    pub channel_id: i64,
    /// How many are still to be delivered.
    pub waiting: u32,
    /// How many were given up lately.
    pub given_up: u32,
    /// What went wrong with one of them.
    pub last_error: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    key: String,
    channel_id: i64,
    request_sealed: String,
    created_at_s: i64,
    attempts: u32,
}

/// The statement that queues `(event key, channel id, sealed request)` for the events that are not written yet: before the statement
/// that writes them, in its transaction.
///
/// # Errors
/// [`StoreError::Corrupt`] when the list cannot be written as JSON.
pub fn insert(requests: &[(String, i64, String)], now: UnixSeconds) -> Result<Statement, StoreError> {
    let list = serde_json::to_string(requests).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(Statement::new(INSERT, vec![list.into(), now.0.into()]))
}

/// At most `limit` notifications that are due: those never tried first, so that a dead channel delays no other's.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list_due(db: &Db, now: UnixSeconds, limit: u32) -> Result<Vec<Waiting>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST_DUE, vec![now.0.into(), limit.into()])).await?.rows()?;
    Ok(rows.into_iter().map(Waiting::from).collect())
}

/// How it stands with the channels that something waits for.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list_standing(db: &Db) -> Result<Vec<Standing>, StoreError> {
    db.run(Statement::new(LIST_STANDING, vec![])).await?.rows()
}

/// Takes a notification for one attempt; nobody else gets it before `until`. False when another run was faster.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn claim(db: &Db, waiting: &Waiting, until: UnixSeconds) -> Result<bool, StoreError> {
    let binds = vec![waiting.key.as_str().into(), waiting.attempts.into(), until.0.into()];
    Ok(db.run(Statement::new(CLAIM, binds)).await?.changes > 0)
}

/// Leaves everything that waits for a channel until `until`; it counts as no attempt. As many rows written.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn postpone(db: &Db, channel_id: i64, until: UnixSeconds) -> Result<(), StoreError> {
    db.run(Statement::new(POSTPONE, vec![channel_id.into(), until.0.into()])).await.map(drop)
}

/// Forgets a delivered notification.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn delete(db: &Db, key: &str) -> Result<(), StoreError> {
    db.run(Statement::new(DELETE, vec![key.into()])).await.map(drop)
}

/// The statement that forgets what was given up before `before`.
pub fn delete_given_up(before: UnixSeconds) -> Statement {
    Statement::new(DELETE_GIVEN_UP, vec![before.0.into()])
}

/// The statement that drops what waits for a channel.
pub fn delete_of_channel(channel_id: i64) -> Statement {
    Statement::new(DELETE_OF_CHANNEL, vec![channel_id.into()])
}

/// Puts another finished request in the place of one, for those who do not have it yet.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn replace(db: &Db, key: &str, request_sealed: &str) -> Result<(), StoreError> {
    db.run(Statement::new(REPLACE, vec![key.into(), request_sealed.into()])).await.map(drop)
}

/// Notes a failed attempt: tried again at `next`, or given up at `now` when there is none.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn note_failure(
    db: &Db,
    key: &str,
    next: Option<UnixSeconds>,
    now: UnixSeconds,
    error: &str,
) -> Result<(), StoreError> {
    let statement = match next {
        Some(next) => Statement::new(NOTE_ERROR, vec![key.into(), next.0.into(), error.into()]),
        None => Statement::new(GIVE_UP, vec![key.into(), now.0.into(), error.into()]),
    };
    db.run(statement).await.map(drop)
}

impl From<Row> for Waiting {
    fn from(row: Row) -> Self {
        Self {
            key: row.key,
            channel_id: row.channel_id,
            request_sealed: row.request_sealed,
            created_at: UnixSeconds(row.created_at_s),
            attempts: row.attempts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::events;
    use edgewatch_core::model::{Event, EventKind};

    /// An event and its notification, as one transaction writes them.
    fn tell(db: &Db) {
        let event = Event::new("e1".to_owned(), EventKind::MonitoringImpaired, None, UnixSeconds(10), String::new());
        let queue = insert(&[("e1".to_owned(), 7, "sealed".to_owned())], UnixSeconds(10)).unwrap();
        now(db.batch(vec![queue, events::insert([&event]).unwrap()])).unwrap();
    }

    fn database() -> Db {
        let db = Db::in_memory().unwrap();
        tell(&db);
        db
    }

    #[test]
    fn a_transaction_that_is_repeated_tells_nobody_again() {
        let db = database();
        let keys = || {
            let due = now(list_due(&db, UnixSeconds(10), 10)).unwrap();
            due.into_iter().map(|one| one.key).collect::<Vec<_>>()
        };
        tell(&db);
        assert_eq!(keys(), ["e1:7"]);
        now(delete(&db, "e1:7")).unwrap();
        tell(&db);
        assert_eq!(keys(), Vec::<String>::new(), "delivered meanwhile");
    }

    #[test]
    fn of_two_runs_one_gets_the_notification() {
        let db = database();
        let waiting = now(list_due(&db, UnixSeconds(10), 10)).unwrap().remove(0);
        assert!(now(claim(&db, &waiting, UnixSeconds(100))).unwrap());
        assert!(!now(claim(&db, &waiting, UnixSeconds(100))).unwrap());
        assert_eq!(now(list_due(&db, UnixSeconds(99), 10)).unwrap(), []);
        assert_eq!(now(list_due(&db, UnixSeconds(100), 10)).unwrap()[0].attempts, 1);
    }

    #[test]
    fn what_is_postponed_waits_longer_and_never_less_and_another_channel_does_not() {
        let db = database();
        now(postpone(&db, 8, UnixSeconds(500))).unwrap();
        assert_eq!(now(list_due(&db, UnixSeconds(10), 10)).unwrap().len(), 1);
        for until in [500, 100] {
            now(postpone(&db, 7, UnixSeconds(until))).unwrap();
            assert_eq!(now(list_due(&db, UnixSeconds(499), 10)).unwrap(), []);
        }
        let due = now(list_due(&db, UnixSeconds(500), 10)).unwrap();
        assert_eq!((due.len(), due[0].attempts, due[0].channel_id), (1, 0, 7));
    }

    #[test]
    fn a_delivered_one_is_gone_and_a_given_up_one_is_not_tried_again() {
        let db = database();
        now(note_failure(&db, "e1:7", Some(UnixSeconds(50)), UnixSeconds(10), "503")).unwrap();
        assert_eq!(now(list_due(&db, UnixSeconds(49), 10)).unwrap(), []);
        let standing =
            |waiting, given_up| vec![Standing { channel_id: 7, waiting, given_up, last_error: Some("503".to_owned()) }];
        assert_eq!(now(list_standing(&db)).unwrap(), standing(1, 0));
        now(note_failure(&db, "e1:7", None, UnixSeconds(60), "503")).unwrap();
        assert_eq!(now(list_standing(&db)).unwrap(), standing(0, 1));
        assert_eq!(now(list_due(&db, UnixSeconds(1000), 10)).unwrap(), []);
        assert_eq!(now(db.run(delete_given_up(UnixSeconds(60)))).unwrap().changes, 0);
        assert_eq!(now(db.run(delete_given_up(UnixSeconds(61)))).unwrap().changes, 1);
    }

    #[test]
    fn what_is_left_of_a_mail_takes_its_place() {
        let db = database();
        now(replace(&db, "e1:7", "rest")).unwrap();
        assert_eq!(now(list_due(&db, UnixSeconds(10), 10)).unwrap()[0].request_sealed, "rest");
    }

    #[test]
    fn what_waits_for_a_channel_goes_with_it() {
        let db = database();
        now(db.run(delete_of_channel(8))).unwrap();
        assert_eq!(now(list_due(&db, UnixSeconds(10), 10)).unwrap().len(), 1);
        now(db.run(delete_of_channel(7))).unwrap();
        assert_eq!(now(list_due(&db, UnixSeconds(10), 10)).unwrap(), []);
    }
}
