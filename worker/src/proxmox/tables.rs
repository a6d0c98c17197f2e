//! The tables of the object: frames as they came, what changes rarely, and the object's own small state.
//!
//! A frame is a row in a ring of its instance, so keeping it costs one row and nothing is deleted. The ring holds frames until the hub has
//! their minutes: one that would take the place of such a frame is not taken, and its agent keeps it.

use std::collections::BTreeMap;

use crate::hub::HubError;
use crate::hub::sql::{Row, Sql};

const CREATE: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS frames (instance INTEGER NOT NULL, slot INTEGER NOT NULL, seq INTEGER NOT NULL, \
     run TEXT NOT NULL, n INTEGER NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (instance, slot)) \
     STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS sections (instance INTEGER NOT NULL, name TEXT NOT NULL, part INTEGER NOT NULL, \
     hash TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (instance, name, part)) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
];
const LAST_FRAME: &str = "SELECT seq, run, n FROM frames WHERE instance = ?1 ORDER BY seq DESC LIMIT 1";
const FRAME_IN: &str = "SELECT seq FROM frames WHERE instance = ?1 AND slot = ?2";
const PUT_FRAME: &str = "INSERT INTO frames (instance, slot, seq, run, n, at_ms, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
     ON CONFLICT (instance, slot) DO UPDATE SET seq = excluded.seq, run = excluded.run, n = excluded.n, \
     at_ms = excluded.at_ms, body = excluded.body";
const FRAMES_AFTER: &str = "SELECT seq, body FROM frames WHERE instance = ?1 AND seq > ?2 ORDER BY seq";
const NEWEST_FRAMES: &str = "SELECT body FROM frames WHERE instance = ?1 ORDER BY seq DESC LIMIT ?2";
const FRAMES_SINCE: &str = "SELECT seq, body FROM frames WHERE instance = ?1 AND at_ms >= ?2 ORDER BY seq";
const DROP_FRAMES: &str = "DELETE FROM frames WHERE instance = ?1";
const HASHES: &str = "SELECT DISTINCT name, hash FROM sections WHERE instance = ?1 AND part = 1";
const DROP_PARTS: &str = "DELETE FROM sections WHERE instance = ?1 AND name = ?2 AND part > ?3";
const PUT_PART: &str = "INSERT INTO sections (instance, name, part, hash, body) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (instance, name, part) DO UPDATE SET hash = excluded.hash, body = excluded.body";
const SECTION: &str = "SELECT body FROM sections WHERE instance = ?1 AND name = ?2 ORDER BY part";
const SECTIONS: &str = "SELECT name, body FROM sections WHERE instance = ?1 ORDER BY name, part";
const DROP_SECTION: &str = "DELETE FROM sections WHERE instance = ?1 AND name = ?2";
const DROP_SECTIONS: &str = "DELETE FROM sections WHERE instance = ?1";
const FIND_META: &str = "SELECT value FROM meta WHERE key = ?1";
const PUT_META: &str =
    "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
const DROP_META: &str = "DELETE FROM meta WHERE key = ?1";

/// So many frames of an instance are kept: ten minutes of polls every ten seconds, and an hour of whole minutes.
pub const SLOTS: u64 = 64;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is kept from now on.
    New,
    /// It was before.
    Known,
    /// There is no room until the hub has what is there.
    Full,
}

/// A frame as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number among all frames of its instance, whatever the run.
    pub seq: u64,
    /// The message.
    pub body: String,
}

/// The object's database.
#[derive(Clone)]
pub struct Tables(Sql);

impl Tables {
    /// The tables, made where there are none.
    ///
    /// # Errors
    /// [`HubError::Refused`] in the platform's words; so for all that follow.
    pub fn new(sql: Sql) -> Result<Self, HubError> {
        for statement in CREATE {
            sql.exec(statement, vec![])?;
        }
        Ok(Self(sql))
    }

    /// Rows read and written so far.
    pub fn rows(&self) -> (u64, u64) {
        (self.0.rows_read(), self.0.rows_written())
    }

    /// Keeps a frame: 1 row written, 2 read. `posted`: frames up to this one may be overwritten.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn put_frame(
        &self,
        instance: i64,
        (run, n): (&str, u64),
        at_ms: i64,
        body: &str,
        posted: u64,
    ) -> Result<Taken, HubError> {
        let last = self.last_frame(instance)?;
        if last.as_ref().is_some_and(|(_, known, last_n)| known == run && *last_n >= n) {
            return Ok(Taken::Known);
        }
        let seq = last.map_or(1, |(seq, ..)| seq.saturating_add(1));
        let slot = seq % SLOTS;
        let there = self.0.exec(FRAME_IN, vec![instance.into(), slot.into()])?;
        if there.first().map(|row| row.whole(0)).transpose()?.is_some_and(|seq| seq > posted) {
            return Ok(Taken::Full);
        }
        let binds =
            vec![instance.into(), slot.into(), seq.into(), run.into(), n.into(), at_ms.into(), body.to_owned().into()];
        self.0.exec(PUT_FRAME, binds)?;
        Ok(Taken::New)
    }

    /// The newest frame's number, its run and its number in that.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn last_frame(&self, instance: i64) -> Result<Option<(u64, String, u64)>, HubError> {
        let row = self.0.exec(LAST_FRAME, vec![instance.into()])?;
        row.first().map(|row| Ok((row.whole(0)?, row.text(1)?.to_owned(), row.whole(2)?))).transpose()
    }

    /// Frames behind that number, oldest first.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn frames_after(&self, instance: i64, seq: u64) -> Result<Vec<Stored>, HubError> {
        self.0.exec(FRAMES_AFTER, vec![instance.into(), seq.into()])?.iter().map(stored).collect()
    }

    /// Frames that came since, oldest first.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn frames_since(&self, instance: i64, at_ms: i64) -> Result<Vec<Stored>, HubError> {
        self.0.exec(FRAMES_SINCE, vec![instance.into(), at_ms.into()])?.iter().map(stored).collect()
    }

    /// The newest frames, the newest first.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn newest_frames(&self, instance: i64, most: u32) -> Result<Vec<String>, HubError> {
        let rows = self.0.exec(NEWEST_FRAMES, vec![instance.into(), most.into()])?;
        rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
    }

    /// Puts all parts of a section in the place of those before: as many rows written.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn put_section(&self, instance: i64, name: &str, hash: &str, parts: &[String]) -> Result<(), HubError> {
        self.0.exec(DROP_PARTS, vec![instance.into(), name.into(), (parts.len() as u64).into()])?;
        for (part, body) in (1_u64..).zip(parts) {
            let binds = vec![instance.into(), name.into(), part.into(), hash.into(), body.clone().into()];
            self.0.exec(PUT_PART, binds)?;
        }
        Ok(())
    }

    /// The hashes of an instance's sections, by name.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn hashes(&self, instance: i64) -> Result<BTreeMap<String, String>, HubError> {
        let rows = self.0.exec(HASHES, vec![instance.into()])?;
        rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))).collect()
    }

    /// The parts of a section, in order.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn section(&self, instance: i64, name: &str) -> Result<Vec<String>, HubError> {
        let rows = self.0.exec(SECTION, vec![instance.into(), name.into()])?;
        rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
    }

    /// All parts of all sections, each with its section's name.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn sections(&self, instance: i64) -> Result<Vec<(String, String)>, HubError> {
        let rows = self.0.exec(SECTIONS, vec![instance.into()])?;
        rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))).collect()
    }

    /// Forgets sections that are not among these: a row written for each of their parts.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn keep_sections(&self, instance: i64, names: &[String]) -> Result<(), HubError> {
        for name in self.hashes(instance)?.into_keys().filter(|name| !names.contains(name)) {
            self.0.exec(DROP_SECTION, vec![instance.into(), name.into()])?;
        }
        Ok(())
    }

    /// Forgets all of an instance.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn forget(&self, instance: i64) -> Result<(), HubError> {
        self.0.exec(DROP_FRAMES, vec![instance.into()])?;
        self.0.exec(DROP_SECTIONS, vec![instance.into()])?;
        for key in ["posted", "parts"] {
            self.0.exec(DROP_META, vec![format!("{key}:{instance}").into()])?;
        }
        Ok(())
    }

    /// What is kept under a key.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn meta(&self, key: &str) -> Result<Option<String>, HubError> {
        self.0.exec(FIND_META, vec![key.into()])?.first().map(|row| row.text(0).map(str::to_owned)).transpose()
    }

    /// Keeps a text under a key: 1 row written.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn put_meta(&self, key: &str, value: &str) -> Result<(), HubError> {
        self.0.exec(PUT_META, vec![key.into(), value.into()]).map(drop)
    }

    /// The frame up to which the hub has all minutes.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn posted(&self, instance: i64) -> Result<u64, HubError> {
        Ok(self.meta(&format!("posted:{instance}"))?.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    /// Notes it: 1 row written.
    ///
    /// # Errors
    /// As [`Tables::new`].
    pub fn note_posted(&self, instance: i64, seq: u64) -> Result<(), HubError> {
        self.put_meta(&format!("posted:{instance}"), &seq.to_string())
    }
}

fn stored(row: &Row) -> Result<Stored, HubError> {
    Ok(Stored { seq: row.whole(0)?, body: row.text(1)?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Tables {
        Tables::new(Sql::in_memory().unwrap()).unwrap()
    }

    fn put(tables: &Tables, run: &str, n: u64) -> Taken {
        let posted = tables.posted(7).unwrap();
        tables.put_frame(7, (run, n), i64::try_from(n).unwrap(), &format!("{run}{n}"), posted).unwrap()
    }

    #[test]
    fn a_frame_is_kept_once_and_costs_a_row() {
        let tables = tables();
        let before = tables.rows().1;
        assert_eq!([1, 1, 2].map(|n| put(&tables, "a", n)), [Taken::New, Taken::Known, Taken::New]);
        assert_eq!(tables.rows().1 - before, 2);
        // The agent began anew.
        assert_eq!(put(&tables, "b", 1), Taken::New);
        assert_eq!(tables.newest_frames(7, 2).unwrap(), ["b1", "a2"]);
        assert_eq!(tables.last_frame(7).unwrap(), Some((3, "b".to_owned(), 1)));
        assert_eq!(tables.frames_after(7, 1).unwrap().len(), 2);
    }

    #[test]
    fn what_the_hub_does_not_have_is_not_overwritten() {
        let tables = tables();
        for n in 1..=SLOTS {
            assert_eq!(put(&tables, "a", n), Taken::New, "{n}");
        }
        assert_eq!(put(&tables, "a", SLOTS + 1), Taken::Full);
        tables.note_posted(7, 1).unwrap();
        assert_eq!(put(&tables, "a", SLOTS + 1), Taken::New);
        assert_eq!(put(&tables, "a", SLOTS + 2), Taken::Full);
        assert_eq!(tables.frames_after(7, 1).unwrap().len() as u64, SLOTS);
    }

    #[test]
    fn a_section_is_replaced_whole_and_those_that_are_no_more_go() {
        let tables = tables();
        let parts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        tables.put_section(7, "census", "h1", &parts(&["[1]", "[2]"])).unwrap();
        tables.put_section(7, "tasks/a", "h2", &parts(&["[]"])).unwrap();
        tables.put_section(8, "census", "h3", &parts(&["[]"])).unwrap();
        tables.put_section(7, "census", "h4", &parts(&["[3]"])).unwrap();
        assert_eq!(tables.section(7, "census").unwrap(), ["[3]"]);
        tables.keep_sections(7, &parts(&["census"])).unwrap();
        let hashes = tables.hashes(7).unwrap();
        assert_eq!(hashes.into_iter().collect::<Vec<_>>(), [("census".to_owned(), "h4".to_owned())]);
        tables.forget(7).unwrap();
        assert_eq!((tables.sections(7).unwrap().len(), tables.sections(8).unwrap().len()), (0, 1));
    }
}
