//! Table `host_states`, as the presence rules see it.

use edgewatch_core::model::{Event, HostId, Link, Presence, Watched};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::hosts::presence;
use super::{Bind, Db, Statement, StoreError};

const LIST_WATCHED: &str = "SELECT s.host_id, h.name, s.presence, s.last_seen_s, s.period_s, s.frame_s \
     FROM host_states s JOIN hosts h ON h.id = s.host_id \
     WHERE h.retired_at_s IS NULL AND s.last_seen_s IS NOT NULL ORDER BY s.host_id";

// ?2 is a JSON list of [event key, host id, the presence before, the last_seen_s before]: a host that reported while
// the verdict was made is left alone, and so is one that another run judged already.
const CHANGE_PRESENCE: &str = "UPDATE host_states SET presence = ?1 FROM json_each(?2) AS j \
     WHERE host_states.host_id = j.value->>1 AND host_states.presence = j.value->>2 \
     AND host_states.last_seen_s = j.value->>3";
const INSERT_EVENTS: &str = "INSERT INTO events (key, at_s, kind, host_id, text) \
     SELECT j.value->>0, ?2, ?3, s.host_id, j.value->>4 FROM json_each(?1) j \
     JOIN host_states s ON s.host_id = j.value->>1 \
     WHERE j.value->>2 = s.presence AND j.value->>3 = s.last_seen_s";

/// A host that the rules look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedWatched {
    /// What the rules need.
    pub watched: Watched,
    /// The host's name, for the text of an event.
    pub name: String,
}

#[derive(Deserialize)]
struct Row {
    host_id: i64,
    name: String,
    presence: i64,
    last_seen_s: i64,
    period_s: u32,
    frame_s: u32,
}

/// A change of one host's presence, with the event that tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What was true when the verdict was made; the change is made only while it still is.
    pub before: Watched,
    /// The event.
    pub event: Event,
}

/// Every host that ever reported. Reads 2 rows a host.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] for an unknown presence.
pub async fn list_watched(db: &Db) -> Result<Vec<NamedWatched>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST_WATCHED, vec![])).await?.rows()?;
    let watched = |row: Row| {
        let watched = Watched {
            id: HostId(row.host_id),
            presence: presence(row.presence)?,
            last_seen: Some(UnixSeconds(row.last_seen_s)),
            link: Link::Post { period_s: row.period_s, frame_s: row.frame_s },
        };
        Ok(NamedWatched { watched, name: row.name })
    };
    rows.into_iter().map(watched).collect()
}

/// The statements that write the events of `changes` and then change the presence of their hosts to `to`. The events
/// must come first, and what depends on them in between: it is the events that say which changes are made.
///
/// # Errors
/// [`StoreError::Corrupt`] when the list cannot be written as JSON.
pub fn change(changes: &[Change], to: Presence) -> Result<(Statement, Statement), StoreError> {
    let number = |presence: Presence| match presence {
        Presence::Never => 0,
        Presence::Online => 1,
        Presence::Offline => 2,
    };
    let list: Vec<(&str, i64, i64, i64, &str)> = changes
        .iter()
        .map(|change| {
            let before = change.before;
            let seen = before.last_seen.unwrap_or_default().0;
            (change.event.key.as_str(), before.id.0, number(before.presence), seen, change.event.text.as_str())
        })
        .collect();
    let list = serde_json::to_string(&list).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let first = changes.first().map(|change| &change.event);
    let (at, kind) = first.map_or((0, ""), |event| (event.at.0, event.kind.word()));
    let events = vec![Bind::from(list.as_str()), at.into(), kind.into()];
    let presence = vec![Bind::Int(number(to)), list.into()];
    Ok((Statement::new(INSERT_EVENTS, events), Statement::new(CHANGE_PRESENCE, presence)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::{events, hosts};
    use edgewatch_core::model::EventKind;

    fn database() -> Db {
        const REPORTED: &str = "UPDATE host_states SET presence = 1, last_seen_s = ?1";
        let db = Db::in_memory().unwrap();
        for name in ["alpha", "beta"] {
            now(db.batch(hosts::insert(hosts::tests::new_host(name, "")))).unwrap();
        }
        now(db.run(Statement::new(REPORTED, vec![Bind::Int(100)]))).unwrap();
        db
    }

    fn changes(watched: &[NamedWatched]) -> Vec<Change> {
        let change = |one: &NamedWatched| Change {
            before: one.watched,
            event: Event {
                key: format!("key-{}", one.name),
                kind: EventKind::HostOffline,
                host_id: Some(one.watched.id),
                at: UnixSeconds(200),
                text: format!("{} fell silent", one.name),
            },
        };
        watched.iter().map(change).collect()
    }

    fn apply(db: &Db, changes: &[Change]) {
        let (events, presence) = change(changes, Presence::Offline).unwrap();
        now(db.batch(vec![events, presence])).unwrap();
    }

    #[test]
    fn a_verdict_is_written_once_however_often_it_comes() {
        let db = database();
        let verdict = changes(&now(list_watched(&db)).unwrap());
        apply(&db, &verdict);
        apply(&db, &verdict);
        let found = now(events::list(&db, None, 10)).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].text, "beta fell silent");
        let after = now(list_watched(&db)).unwrap();
        assert!(after.iter().all(|one| one.watched.presence == Presence::Offline));
    }

    #[test]
    fn a_host_that_reports_meanwhile_is_left_alone() {
        const REPORT: &str = "UPDATE host_states SET last_seen_s = 199 WHERE host_id = 1";
        let db = database();
        let verdict = changes(&now(list_watched(&db)).unwrap());
        now(db.run(Statement::new(REPORT, vec![]))).unwrap();
        apply(&db, &verdict);
        let found = now(events::list(&db, None, 10)).unwrap();
        assert_eq!(found.iter().map(|event| event.host_id).collect::<Vec<_>>(), [Some(HostId(2))]);
        assert_eq!(now(list_watched(&db)).unwrap()[0].watched.presence, Presence::Online);
    }
}
