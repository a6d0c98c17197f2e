//! Table `outbox`: notifications on their way, each a finished request.
//!
//! A key is the event's and the channel's number with a colon between. Before that, the key of a reminder has the reminded alert and
//! its words, as [`mark`] gives them: of these one waits at most, behind what is no reminder. One that waits for others, to be told as
//! one with them, has a mark of its own: its request is a part of one.

use edgewatch_core::model::{Event, EventKind};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;
use serde_json::json;

use super::{Db, Statement, StoreError};

// ?1 is a JSON list of [mark, event key, channel id, sealed request, seconds until it is due]. An event that is written already was queued with it: when its
// transaction is repeated, because nobody knew that it was carried out, it may have been delivered meanwhile. A channel that is no
// more gets nothing, and of what says the same as one that waits already a channel needs no other.
const INSERT: &str = "INSERT INTO outbox (key, channel_id, request_sealed, created_at_s, next_attempt_s) \
     SELECT (j.value->>0) || (j.value->>1) || ':' || (j.value->>2), j.value->>2, j.value->>3, ?2, ?2 + (j.value->>4) \
     FROM json_each(?1) j \
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
// Parts are between event keys, which are hexadecimal, and reminders.
const LIST_PARTS: &str = "SELECT key, channel_id, request_sealed, created_at_s, attempts FROM outbox \
     WHERE key > 'g' AND key < 'h' AND channel_id = ?1 AND attempts = 0 AND failed_at_s IS NULL ORDER BY key LIMIT 100";
// The first becomes the request of all: unless another run was faster, which has it then.
const FINISH: &str = "UPDATE OR REPLACE outbox SET key = ?2, request_sealed = ?3, next_attempt_s = ?4 \
     WHERE key = ?1 AND attempts = 0 AND failed_at_s IS NULL";
const DROP_FINISHED: &str = "DELETE FROM outbox WHERE key IN (SELECT value FROM json_each(?1)) \
     AND EXISTS (SELECT 1 FROM outbox WHERE key = ?2 AND attempts = 0 AND request_sealed = ?3)";
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

/// With this the keys of parts begin.
const PART: char = 'g';

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
    /// After so many seconds it is due.
    pub delay_s: u32,
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
    /// Whether it waits for others.
    pub fn is_part(&self) -> bool {
        self.key.starts_with(PART)
    }

    /// The event's key.
    pub fn event_key(&self) -> &str {
        let key = self.key.rsplit_once(':').map_or(self.key.as_str(), |(key, _)| key);
        key.rsplit_once(':').map_or(key, |(_, key)| key)
    }
}

/// The beginning of the key of what waits for others: no two have the same.
pub fn mark_of_part(event: &Event) -> String {
    format!("{PART}{}:", event.key)
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
    let row = |one: &Request| json!([one.mark, one.event_key, one.channel_id, one.request_sealed, one.delay_s]);
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

/// What waits for a channel to be told as one, oldest first: at most 100 of it, due or not.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list_parts(db: &Db, channel_id: i64) -> Result<Vec<Waiting>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST_PARTS, vec![channel_id.into()])).await?.rows()?;
    Ok(rows.into_iter().map(Waiting::from).collect())
}

/// Puts one request in the place of parts, under a key without a mark and due now; `None` when another run was faster with one of
/// them. Rows written: about four for the first, two for each other.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn finish_parts(
    db: &Db,
    parts: &[Waiting],
    request_sealed: &str,
    now: UnixSeconds,
) -> Result<Option<Waiting>, StoreError> {
    let Some((first, others)) = parts.split_first() else { return Ok(None) };
    let key = format!("{}:{}", first.event_key(), first.channel_id);
    let others: Vec<&str> = others.iter().map(|part| part.key.as_str()).collect();
    let others = serde_json::to_string(&others).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let binds = vec![first.key.as_str().into(), key.as_str().into(), request_sealed.into(), now.0.into()];
    let statements = vec![
        Statement::new(FINISH, binds),
        Statement::new(DROP_FINISHED, vec![others.into(), key.as_str().into(), request_sealed.into()]),
    ];
    let outcomes = db.batch(statements).await?;
    let is_ours = outcomes.first().is_some_and(|outcome| outcome.changes > 0);
    Ok(is_ours.then(|| Waiting { key, request_sealed: request_sealed.to_owned(), ..first.clone() }))
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
mod tests;
