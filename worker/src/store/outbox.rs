//! Table `outbox`: notifications on their way, each a finished request.
//!
//! A key is the event's and the channel's number with a colon between. Before that, the key of a reminder has the reminded alert and
//! its words, as [`mark`] gives them: of these one waits at most, behind what is no reminder.

use edgewatch_core::model::{Event, EventKind};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;
use serde_json::json;

use super::{Db, Statement, StoreError};

// ?1 is a JSON list of [mark, event key, channel id, sealed request]. An event that is written already was queued with it: when its
// transaction is repeated, because nobody knew that it was carried out, it may have been delivered meanwhile. A channel that is no
// more gets nothing, and of what says the same as one that waits already a channel needs no other.
const INSERT: &str = "INSERT INTO outbox (key, channel_id, request_sealed, created_at_s, next_attempt_s) \
     SELECT (j.value->>0) || (j.value->>1) || ':' || (j.value->>2), j.value->>2, j.value->>3, ?2, ?2 FROM json_each(?1) j \
     WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.key = j.value->>1) \
     AND EXISTS (SELECT 1 FROM channels c WHERE c.id = j.value->>2) \
     AND (j.value->>0 = '' OR NOT EXISTS (SELECT 1 FROM outbox o WHERE o.key > j.value->>0 AND o.key < (j.value->>0) || '~' \
     AND o.channel_id = j.value->>2 AND o.failed_at_s IS NULL))";
// ?1 is a JSON list of [beginning of a mark, mark that stays].
const DROP: &str = "DELETE FROM outbox WHERE key IN (SELECT o.key FROM json_each(?1) j \
     CROSS JOIN outbox o ON o.key > j.value->>0 AND o.key < (j.value->>0) || '~' WHERE o.failed_at_s IS NULL \
     AND (j.value->>1 = '' OR NOT (o.key > j.value->>1 AND o.key < (j.value->>1) || '~')))";
// A reminder waits as if it had been tried twice: behind what is new, and not for ever behind what a dead channel does not take. Reads
// two rows for each that is due, by the index of those that were not given up, and none of the others; where any is due, the few
// channels once.
const LIST_DUE: &str = "SELECT key, channel_id, request_sealed, created_at_s, attempts FROM outbox \
     WHERE failed_at_s IS NULL AND next_attempt_s <= ?1 \
     AND channel_id NOT IN (SELECT id FROM channels WHERE paused_until_s > ?1) ORDER BY attempts + 2 * (key >= 'r'), key LIMIT ?2";
const LIST_STANDING: &str = "SELECT channel_id, sum(failed_at_s IS NULL) AS waiting, sum(failed_at_s IS NOT NULL) AS given_up, \
     max(last_error) AS last_error FROM outbox GROUP BY channel_id";
// The claim: of two runs that see the same row, one gets it.
const CLAIM: &str = "UPDATE outbox SET attempts = attempts + 1, next_attempt_s = ?3 \
     WHERE key = ?1 AND attempts = ?2 AND failed_at_s IS NULL";
const DELETE: &str = "DELETE FROM outbox WHERE key = ?1";
const DELETE_GIVEN_UP: &str = "DELETE FROM outbox WHERE failed_at_s < ?1";
const DELETE_OF_CHANNEL: &str = "DELETE FROM outbox WHERE channel_id = ?1";
const GIVE_UP: &str = "UPDATE outbox SET failed_at_s = ?2, last_error = ?3 WHERE key = ?1";
const REPLACE: &str = "UPDATE outbox SET request_sealed = ?2 WHERE key = ?1";
const NOTE_ERROR: &str = "UPDATE outbox SET next_attempt_s = ?2, last_error = ?3 WHERE key = ?1";

/// A notification about to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The event's key.
    pub event_key: String,
    /// What [`mark`] gives of the event.
    pub mark: String,
    /// The channel's number.
    pub channel_id: i64,
    /// The request, encrypted; empty when it is still to be made.
    pub request_sealed: String,
}

/// A notification that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its key here.
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

impl Waiting {
    /// The event's key.
    pub fn event_key(&self) -> &str {
        let key = self.key.rsplit_once(':').map_or(self.key.as_str(), |(key, _)| key);
        key.rsplit_once(':').map_or(key, |(_, key)| key)
    }
}

/// The beginning of a reminder's key; empty for everything else. Behind every event's key, which is hexadecimal.
pub fn mark(event: &Event) -> String {
    let reminder = event.alert.as_ref().filter(|_| event.kind == EventKind::AlertReminder);
    reminder.map_or_else(String::new, |alert| {
        // FNV-1a: what is bad in another way is told in other words.
        let bytes = event.text.bytes().chain(alert.detail.bytes());
        let words = bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        format!("r{}:{words:08x}:", alert.key)
    })
}

/// The statement that lets reminders go which events overtake: those of alerts that are over, and those in other words than the newest.
/// Two rows written for each; `None` where the events overtake nothing.
///
/// # Errors
/// As [`insert`].
pub fn drop_overtaken<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<Option<Statement>, StoreError> {
    let overtakes = |event: &Event| {
        let alert = event.alert.as_ref()?;
        let stays = match event.kind {
            EventKind::AlertRecovered | EventKind::AlertWithdrawn => String::new(),
            EventKind::AlertReminder => mark(event),
            _ => return None,
        };
        Some(json!([format!("r{}:", alert.key), stays]))
    };
    let list: Vec<_> = events.into_iter().filter_map(overtakes).collect();
    if list.is_empty() {
        return Ok(None);
    }
    let list = serde_json::to_string(&list).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(Some(Statement::new(DROP, vec![list.into()])))
}

/// The statement that queues requests for the events that are not written yet: before the statement that writes them, in its
/// transaction. Two rows written for each, none for a reminder like one that waits, nor for a channel that is no more.
///
/// # Errors
/// [`StoreError::Corrupt`] when the list cannot be written as JSON.
pub fn insert(requests: &[Request], now: UnixSeconds) -> Result<Statement, StoreError> {
    let row = |one: &Request| json!([one.mark, one.event_key, one.channel_id, one.request_sealed]);
    let list: Vec<_> = requests.iter().map(row).collect();
    let list = serde_json::to_string(&list).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(Statement::new(INSERT, vec![list.into(), now.0.into()]))
}

/// At most `limit` notifications that are due, of channels that are not to be left alone: those never tried first, so that a dead channel delays no other's, and reminders behind
/// them.
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
    use crate::store::access;
    use crate::store::channels;
    use crate::store::db::now;
    use crate::store::events;
    use edgewatch_core::model::{AlertNote, Cause, HostId, RuleId};

    fn request(event: &Event, channel_id: i64) -> Request {
        let request_sealed = "sealed".to_owned();
        Request { event_key: event.key.clone(), mark: mark(event), channel_id, request_sealed }
    }

    /// An event and its notification, as one transaction writes them.
    fn tell(db: &Db) {
        let event = Event::new("e1".to_owned(), EventKind::MonitoringImpaired, None, UnixSeconds(10), String::new());
        let queue = insert(&[request(&event, 7)], UnixSeconds(10)).unwrap();
        now(db.batch(vec![queue, events::insert([&event]).unwrap()])).unwrap();
    }

    fn database() -> Db {
        let db = with_channels();
        tell(&db);
        db
    }

    /// A database with channels 1 to 8.
    fn with_channels() -> Db {
        let db = Db::in_memory().unwrap();
        for number in 1..=8 {
            let audit = access::audit(&format!("c{number}"), UnixSeconds(5), "user:1", "channel", "x");
            let written = channels::Written { name: "a", group: "default", config_sealed: "s", said: None };
            assert_eq!(now(channels::insert(&db, "ntfy", written, UnixSeconds(5), audit)), Ok(number));
        }
        db
    }

    fn of_alert(key: &str, kind: EventKind, alert: &str, text: &str) -> Event {
        let mut event = Event::new(key.to_owned(), kind, Some(HostId(7)), UnixSeconds(10), text.to_owned());
        let cause = Cause::rule(RuleId(3), HostId(7));
        let (opened_at, detail) = (UnixSeconds(8), "load1 9".to_owned());
        event.alert = Some(AlertNote::new(alert.to_owned(), cause, opened_at, detail));
        event
    }

    /// Writes an event with its notifications, as the hub does; gives the rows changed in the outbox.
    fn write(db: &Db, event: &Event, channels: &[i64]) -> u64 {
        let requests: Vec<Request> = channels.iter().map(|channel| request(event, *channel)).collect();
        let mut statements: Vec<Statement> = drop_overtaken([event]).unwrap().into_iter().collect();
        statements.push(insert(&requests, UnixSeconds(10)).unwrap());
        let of_outbox = statements.len();
        statements.push(events::insert([event]).unwrap());
        now(db.batch(statements)).unwrap().iter().take(of_outbox).map(|outcome| outcome.changes).sum()
    }

    /// Whom a run would tell of what, by its order.
    fn due(db: &Db) -> Vec<(String, i64)> {
        let due = now(list_due(db, UnixSeconds(10), 99)).unwrap();
        due.into_iter().map(|one| (one.event_key().to_owned(), one.channel_id)).collect()
    }

    #[test]
    fn of_an_alert_one_reminder_waits_for_a_channel_however_many_come() {
        let db = with_channels();
        for number in 0..100 {
            let reminder = of_alert(&format!("{number:02}"), EventKind::AlertReminder, "a1", "so it is");
            let rows = write(&db, &reminder, if number < 50 { &[7] } else { &[7, 8] });
            assert_eq!(rows, u64::from(number == 0 || number == 50), "a row for the first alone: {number}");
        }
        assert_eq!(due(&db), [("00".to_owned(), 7), ("50".to_owned(), 8)]);
        write(&db, &of_alert("aa", EventKind::AlertReminder, "a2", "so it is"), &[7]);
        assert_eq!(due(&db).len(), 3, "another alert has its own");
        // Told, or given up: the next one waits again.
        let waiting = now(list_due(&db, UnixSeconds(10), 99)).unwrap();
        now(delete(&db, &waiting[0].key)).unwrap();
        now(note_failure(&db, &waiting[1].key, None, UnixSeconds(10), "503")).unwrap();
        assert_eq!(write(&db, &of_alert("ab", EventKind::AlertReminder, "a1", "so it is"), &[7, 8]), 2);
    }

    #[test]
    fn a_reminder_in_other_words_takes_the_place_of_one_that_waits() {
        let db = with_channels();
        write(&db, &of_alert("01", EventKind::AlertReminder, "a1", "14 days"), &[7]);
        assert_eq!(write(&db, &of_alert("02", EventKind::AlertReminder, "a1", "7 days"), &[7]), 2);
        assert_eq!(due(&db), [("02".to_owned(), 7)]);
    }

    #[test]
    fn what_is_new_goes_before_reminders_and_the_end_of_an_alert_takes_them_along() {
        let db = with_channels();
        write(&db, &of_alert("01", EventKind::AlertReminder, "a1", "x"), &[7]);
        write(&db, &of_alert("02", EventKind::AlertReminder, "a2", "x"), &[7]);
        write(&db, &of_alert("03", EventKind::AlertFired, "a3", "x"), &[7]);
        let tried = now(list_due(&db, UnixSeconds(10), 1)).unwrap().remove(0);
        assert!(now(claim(&db, &tried, UnixSeconds(10))).unwrap());
        write(&db, &of_alert("04", EventKind::AlertRecovered, "a1", "x"), &[7]);
        let keys: Vec<String> = due(&db).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["04", "03", "02"], "what was tried once goes before reminders too");
    }

    #[test]
    fn a_reminder_does_not_wait_for_ever_behind_what_a_dead_channel_does_not_take() {
        let db = with_channels();
        write(&db, &of_alert("01", EventKind::AlertFired, "a1", "x"), &[8]);
        for _ in 0..3 {
            let dead = now(list_due(&db, UnixSeconds(10), 1)).unwrap().remove(0);
            assert!(now(claim(&db, &dead, UnixSeconds(10))).unwrap());
        }
        write(&db, &of_alert("02", EventKind::AlertReminder, "a2", "x"), &[7]);
        assert_eq!(due(&db), [("02".to_owned(), 7), ("01".to_owned(), 8)]);
    }

    #[test]
    fn nothing_waits_for_a_channel_that_was_deleted_meanwhile() {
        let db = with_channels();
        let audit = access::audit("x", UnixSeconds(5), "user:1", "channel.delete", "7");
        assert!(now(channels::delete(&db, 7, vec![audit])).unwrap());
        assert_eq!(write(&db, &of_alert("01", EventKind::AlertFired, "a1", "x"), &[7, 8]), 1);
        assert_eq!(due(&db), [("01".to_owned(), 8)]);
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
        now(db.run(channels::pause(8, UnixSeconds(500)))).unwrap();
        assert_eq!(now(list_due(&db, UnixSeconds(10), 10)).unwrap().len(), 1);
        for until in [500, 100] {
            let written = now(db.run(channels::pause(7, UnixSeconds(until)))).unwrap().changes;
            assert_eq!(written, u64::from(until == 500), "a row, however many wait");
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
