//! Table `channels`: where notifications go.

use edgewatch_core::model::{Channel, ChannelSaid};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

use super::{Db, Statement, StoreError, outbox};

const LIST: &str = "SELECT id, name, kind, group_name, config_sealed, created_at_s, said_json, paused_until_s FROM channels ORDER BY id";
const FIND: &str = "SELECT id, name, kind, group_name, config_sealed, created_at_s, said_json, paused_until_s FROM channels WHERE id = ?1";
const INSERT: &str = "INSERT INTO channels (name, kind, group_name, config_sealed, created_at_s, said_json) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id";
const UPDATE: &str = "UPDATE channels SET name = ?2, group_name = ?3, config_sealed = ?4, said_json = ?5, paused_until_s = 0 \
     WHERE id = ?1";
const PAUSE: &str = "UPDATE channels SET paused_until_s = ?2 WHERE id = ?1 AND paused_until_s < ?2";
const DELETE: &str = "DELETE FROM channels WHERE id = ?1";

/// A channel together with its configuration, which is still sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedChannel {
    /// The channel.
    pub channel: Channel,
    /// The configuration, encrypted.
    pub config_sealed: String,
    /// Until when its receiver asked to be left alone; 1970 when it did not.
    pub paused_until: UnixSeconds,
}

/// What is written of a channel.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// What people call it.
    pub name: &'a str,
    /// Its group.
    pub group: &'a str,
    /// The configuration, encrypted.
    pub config_sealed: &'a str,
    /// What Mackerel's API said of it.
    pub said: Option<&'a ChannelSaid>,
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    name: String,
    kind: String,
    group_name: String,
    config_sealed: String,
    created_at_s: i64,
    said_json: Option<String>,
    paused_until_s: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredSaid {
    events: Vec<String>,
    graph_image: bool,
    emails: Vec<String>,
    user_ids: Vec<String>,
}

#[derive(Deserialize)]
struct IdRow {
    id: i64,
}

/// Every channel, oldest first.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list(db: &Db) -> Result<Vec<SealedChannel>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    Ok(rows.into_iter().map(SealedChannel::from).collect())
}

/// The channel of this number.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn find_by_id(db: &Db, id: i64) -> Result<Option<SealedChannel>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![id.into()])).await?.first()?;
    Ok(row.map(SealedChannel::from))
}

/// Inserts a channel together with `with` (its audit row) and gives its number.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn insert(
    db: &Db,
    kind: &str,
    Written { name, group, config_sealed, said }: Written<'_>,
    now: UnixSeconds,
    with: Statement,
) -> Result<i64, StoreError> {
    let said = said.map(said_text).transpose()?;
    let binds = vec![name.into(), kind.into(), group.into(), config_sealed.into(), now.0.into(), said.into()];
    let outcomes = db.batch(vec![Statement::new(INSERT, binds), with]).await?;
    let row: Option<IdRow> = outcomes.first().map(super::Outcome::first).transpose()?.flatten();
    row.map(|row| row.id).ok_or_else(|| StoreError::Corrupt("an insert returned no id".to_owned()))
}

/// Changes a channel together with writing `with`; false when there was none.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn update(
    db: &Db,
    id: i64,
    Written { name, group, config_sealed, said }: Written<'_>,
    with: Statement,
) -> Result<bool, StoreError> {
    let said = said.map(said_text).transpose()?;
    let binds = vec![id.into(), name.into(), group.into(), config_sealed.into(), said.into()];
    let outcomes = db.batch(vec![Statement::new(UPDATE, binds), with]).await?;
    Ok(outcomes.first().is_some_and(|outcome| outcome.changes > 0))
}

/// The statement that leaves a channel's receiver alone until `until`, as it asked, or longer when it asked for that before: 1 row, whatever
/// waits for it. Other settings end that.
pub fn pause(id: i64, until: UnixSeconds) -> Statement {
    Statement::new(PAUSE, vec![id.into(), until.0.into()])
}

/// The statement that deletes a channel: 1 row.
pub fn deleting(id: i64) -> Statement {
    Statement::new(DELETE, vec![id.into()])
}

/// Deletes a channel and what waits for it, together with running `with`: 2 rows, and 1 for each that waits. False when there was none.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn delete(db: &Db, id: i64, with: Vec<Statement>) -> Result<bool, StoreError> {
    let mut statements = vec![Statement::new(DELETE, vec![id.into()]), outbox::delete_of_channel(id)];
    statements.extend(with);
    let outcomes = db.batch(statements).await?;
    Ok(outcomes.first().is_some_and(|outcome| outcome.changes > 0))
}

fn said_text(said: &ChannelSaid) -> Result<String, StoreError> {
    let ChannelSaid { events, has_graph_image, emails, user_ids } = said.clone();
    let stored = StoredSaid { events, graph_image: has_graph_image, emails, user_ids };
    serde_json::to_string(&stored).map_err(|error| StoreError::Corrupt(error.to_string()))
}

impl From<StoredSaid> for ChannelSaid {
    fn from(stored: StoredSaid) -> Self {
        let StoredSaid { events, graph_image, emails, user_ids } = stored;
        Self { events, has_graph_image: graph_image, emails, user_ids }
    }
}

impl From<Row> for SealedChannel {
    fn from(row: Row) -> Self {
        // One that cannot be read is told of everything, as one that was made otherwise.
        let said = row.said_json.and_then(|text| serde_json::from_str::<StoredSaid>(&text).ok());
        let channel = Channel {
            id: row.id,
            name: row.name,
            kind: row.kind,
            group: row.group_name,
            created_at: UnixSeconds(row.created_at_s),
            said: said.map(ChannelSaid::from),
        };
        Self { channel, config_sealed: row.config_sealed, paused_until: UnixSeconds(row.paused_until_s) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::outbox::{self, Request};
    use crate::store::{access, db::now};

    fn audit(key: &str) -> Statement {
        access::audit(key, UnixSeconds(5), "user:1", "channel", "x")
    }

    #[test]
    fn what_waits_for_a_channel_goes_with_it_in_one_batch() {
        let db = Db::in_memory().unwrap();
        let written = Written { name: "a", group: "default", config_sealed: "s", said: None };
        for number in 1..=2 {
            assert_eq!(now(insert(&db, "ntfy", written, UnixSeconds(5), audit(&number.to_string()))), Ok(number));
        }
        let request = |event_key: &str, channel_id| {
            let (event_key, mark, request_sealed) = (event_key.to_owned(), String::new(), "s".to_owned());
            Request { event_key, mark, channel_id, request_sealed, delay_s: 0 }
        };
        let waiting = [request("01", 1), request("02", 1), request("01", 2)];
        now(db.run(outbox::insert(&waiting, UnixSeconds(5)).unwrap())).unwrap();
        assert!(now(delete(&db, 1, vec![audit("3")])).unwrap());
        let left = now(outbox::list_due(&db, UnixSeconds(5), 9)).unwrap();
        assert_eq!(left.iter().map(|one| one.channel_id).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_channel_comes_back_as_it_was_written_last() {
        let db = Db::in_memory().unwrap();
        let first = Written { name: "a", group: "default", config_sealed: "s", said: None };
        let id = now(insert(&db, "ntfy", first, UnixSeconds(5), audit("1"))).unwrap();
        let said = ChannelSaid {
            events: vec!["alert".to_owned()],
            has_graph_image: true,
            emails: vec!["a@b.c".to_owned()],
            user_ids: vec!["11111111112".to_owned()],
        };
        let changed = Written { name: "b", group: "night", config_sealed: "t", said: Some(&said) };
        assert!(now(update(&db, id, changed, audit("2"))).unwrap());
        let found = now(find_by_id(&db, id)).unwrap().unwrap();
        assert_eq!((found.channel.name.as_str(), found.channel.group.as_str()), ("b", "night"));
        assert_eq!((found.channel.kind.as_str(), found.config_sealed.as_str()), ("ntfy", "t"));
        assert_eq!(found.channel.said, Some(said));
        assert_eq!(now(list(&db)).unwrap(), [found]);
        now(db.run(pause(id, UnixSeconds(900)))).unwrap();
        assert_eq!(now(find_by_id(&db, id)).unwrap().map(|found| found.paused_until), Some(UnixSeconds(900)));
        assert!(!now(update(&db, 99, first, audit("3"))).unwrap());
        assert!(now(delete(&db, id, vec![audit("4")])).unwrap());
        assert_eq!(now(find_by_id(&db, id)).unwrap(), None);
    }
}
