//! Table `probe_days` of the object's database: what came of probes on the days of hosts that are in D1, so that nobody has to ask for
//! them there. A host has a row as soon as it has names of probes, so who has none costs nothing; a row that is not filled yet is
//! filled from D1 once.
//!
//! A day of a host counts as long as it is done; what lies behind the last one that is lies in the fine rings. So each result is in
//! one of the two, whatever is done again: a day that is built anew takes its own place.

use std::collections::BTreeMap;

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::{Facet, Row, SeriesId, tiers};
use edgewatch_core::model::HostId;
use serde::{Deserialize, Serialize};

use super::sql::Sql;
use super::{HubError, rows};

const CREATE: &str =
    "CREATE TABLE IF NOT EXISTS probe_days (host_id INTEGER NOT NULL PRIMARY KEY, days TEXT) STRICT, WITHOUT ROWID";
const LIST: &str = "SELECT host_id, days FROM probe_days";
const FIND: &str = "SELECT days FROM probe_days WHERE host_id = ?1";
const BEGIN: &str = "INSERT INTO probe_days (host_id, days) VALUES (?1, ?2) ON CONFLICT (host_id) DO NOTHING";
const PUT: &str =
    "INSERT INTO probe_days (host_id, days) VALUES (?1, ?2) ON CONFLICT (host_id) DO UPDATE SET days = excluded.days";
const DELETE: &str = "DELETE FROM probe_days WHERE host_id = ?1";
const LIST_DICTIONARIES: &str = "SELECT host_id, data FROM dictionaries";

/// The row that says that every host with names of probes has one. No host has this number.
const ALL_ARE_THERE: i64 = -1;
/// So many days of a host are kept: those that are shown, and some that are done late.
const MAX_DAYS: usize = 40;
/// Who reports what is long over makes its day be built again at most this often, ms.
const REOPEN_EVERY_MS: i64 = 3_600_000;

/// What came of a probe in one part of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(i64, i64, u32, u32)", from = "(i64, i64, u32, u32)")]
pub struct Part {
    /// The probe's number.
    pub probe: i64,
    /// The day since 1970 in UTC.
    pub day: i64,
    /// How many results there were.
    pub all: u32,
    /// How many of them were good.
    pub up: u32,
}

impl From<(i64, i64, u32, u32)> for Part {
    fn from((probe, day, all, up): (i64, i64, u32, u32)) -> Self {
        Self { probe, day, all, up }
    }
}

impl From<Part> for (i64, i64, u32, u32) {
    fn from(part: Part) -> Self {
        (part.probe, part.day, part.all, part.up)
    }
}

/// The finished days of a host, by [`tiers::day_no`].
pub type Days = BTreeMap<u64, Vec<Part>>;

/// What is under way with the days of a host.
#[derive(Debug, Clone, Default)]
pub struct OfHost {
    /// Days that are built and not in D1 yet.
    built: Days,
    /// From which day on samples came that were late, since these days were built last, and when, ms.
    reopened: Option<(u64, i64)>,
}

impl OfHost {
    /// A day is built and goes to D1.
    pub fn built(&mut self, day_no: u64, parts: Vec<Part>) {
        self.reopened = None;
        self.built.insert(day_no, parts);
    }

    /// What was built of a day that is in D1 now; `None` when samples of it came meanwhile: it is to be built again.
    pub fn done(&mut self, day_no: u64) -> Option<Vec<Part>> {
        let parts = self.built.remove(&day_no).unwrap_or_default();
        self.reopened.is_none_or(|(from, _)| day_no < from).then_some(parts)
    }

    /// A sample of a day came that is `done`: gives the day that is the last one done then.
    pub fn reopen(&mut self, done: Option<u64>, day_no: u64, now_ms: i64) -> Option<u64> {
        let is_late = done.is_some_and(|done| day_no <= done) || self.built.contains_key(&day_no);
        if !is_late {
            return None;
        }
        let (from, at_ms) = self.reopened.unwrap_or((day_no, now_ms));
        self.reopened = Some((from.min(day_no), at_ms));
        Some(day_no.saturating_sub(1)).filter(|before| done.is_some_and(|done| *before < done))
    }

    /// Whether days are better built later: more may come of what came late.
    pub fn rests(&self, now_ms: i64) -> bool {
        self.reopened.is_some_and(|(_, at_ms)| (0..REOPEN_EVERY_MS).contains(&now_ms.saturating_sub(at_ms)))
    }
}

/// Makes the table where there is none.
///
/// # Errors
/// [`HubError::Refused`] in the platform's words; so for all that follow.
pub fn create(sql: &Sql) -> Result<(), HubError> {
    sql.exec(CREATE, vec![]).map(drop)
}

/// Every host with names of probes, and its finished days; `None` where these are to be asked for in D1. As many rows read; the first
/// time of all those of all dictionaries.
///
/// # Errors
/// As [`create`].
pub fn list(sql: &Sql) -> Result<BTreeMap<HostId, Option<Days>>, HubError> {
    let mut found = BTreeMap::new();
    for row in sql.exec(LIST, vec![])? {
        // What cannot be read is asked for again.
        let days = if row.is_null(1) { None } else { serde_json::from_str(row.text(1)?).ok() };
        found.insert(HostId(row.int(0)?), days);
    }
    if found.remove(&HostId(ALL_ARE_THERE)).is_some() {
        return Ok(found);
    }
    for row in sql.exec(LIST_DICTIONARIES, vec![])? {
        let id = HostId(row.int(0)?);
        if Dictionary::decode(row.blob(1)?).is_ok_and(|names| has_probes(&names)) && !found.contains_key(&id) {
            reset(sql, id)?;
            found.insert(id, None);
        }
    }
    sql.exec(BEGIN, vec![ALL_ARE_THERE.into(), "".into()])?;
    Ok(found)
}

/// Whether there are names of probes among these.
pub fn has_probes(names: &Dictionary) -> bool {
    names.iter().any(|(_, name, _)| rows::probe_of(name).is_some())
}

/// A host has new names, those behind the first `known` ones: 1 row written when its first ones of probes are among them.
///
/// # Errors
/// As [`create`].
pub fn begin(sql: &Sql, host: HostId, names: &Dictionary, known: usize) -> Result<(), HubError> {
    let first = names.iter().position(|(_, name, _)| rows::probe_of(name).is_some());
    if first.is_none_or(|first| first < known) {
        return Ok(());
    }
    sql.exec(BEGIN, vec![host.into(), "{}".into()]).map(drop)
}

/// Nothing is known of a host's finished days: they are to be asked for in D1. 1 row written.
///
/// # Errors
/// As [`create`].
pub fn reset(sql: &Sql, host: HostId) -> Result<(), HubError> {
    let nothing: Option<String> = None;
    sql.exec(PUT, vec![host.into(), nothing.into()]).map(drop)
}

/// Puts all finished days of a host: 1 row written.
///
/// # Errors
/// As [`create`].
pub fn put(sql: &Sql, host: HostId, days: &Days) -> Result<(), HubError> {
    let text = serde_json::to_string(days).map_err(|error| HubError::Corrupt(error.to_string()))?;
    sql.exec(PUT, vec![host.into(), text.into()]).map(drop)
}

/// Puts what came of probes on a day of a host that is in D1, in the place of what was there of it: 1 row read and written. Nothing
/// where the days before are not known.
///
/// # Errors
/// As [`create`].
pub fn note(sql: &Sql, host: HostId, day_no: u64, parts: Vec<Part>) -> Result<(), HubError> {
    let row = sql.exec(FIND, vec![host.into()])?.into_iter().next();
    let Some(row) = row.filter(|row| !row.is_null(0)) else { return Ok(()) };
    let Ok(mut days) = serde_json::from_str::<Days>(row.text(0)?) else { return reset(sql, host) };
    days.insert(day_no, parts);
    while days.len() > MAX_DAYS {
        days.pop_first();
    }
    put(sql, host, &days)
}

/// Forgets a host.
///
/// # Errors
/// As [`create`].
pub fn delete(sql: &Sql, host: HostId) -> Result<(), HubError> {
    sql.exec(DELETE, vec![host.into()]).map(drop)
}

/// What came of probes in coarse rows of a host.
pub fn parts(rows: &[Row], names: &Dictionary) -> Vec<Part> {
    const DAY_MS: i64 = 86_400_000;
    let mut found: BTreeMap<(i64, i64), (f64, f64)> = BTreeMap::new();
    for (series, probe) in names.iter().filter_map(|(series, name, _)| Some((series, up_of(name)?))) {
        for row in rows {
            if let Some((all, up)) = results(row, series) {
                let sum = found.entry((probe, row.at_ms.div_euclid(DAY_MS))).or_default();
                *sum = (sum.0 + all, sum.1 + up);
            }
        }
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of a day")]
    let whole = |count: f64| count.round() as u32;
    let part = |((probe, day), (all, up))| Part { probe, day, all: whole(all), up: whole(up) };
    found.into_iter().map(part).collect()
}

/// The same by day of the host, up to the day `done`.
pub fn days(host: HostId, rows: &[Row], names: &Dictionary, done: u64) -> Days {
    let mut by_day: BTreeMap<u64, Vec<Row>> = BTreeMap::new();
    for row in rows {
        let day_no = tiers::day_no(host, row.at_ms);
        if day_no <= done {
            by_day.entry(day_no).or_default().push(row.clone());
        }
    }
    by_day.into_iter().map(|(day_no, rows)| (day_no, parts(&rows, names))).collect()
}

/// Of how many results of a probe a row is made, and how many of them were good; `up` is its series.
pub fn results(row: &Row, up: SeriesId) -> Option<(f64, f64)> {
    let mean = row.get(up)?;
    let weight = || row.get(SeriesId::WEIGHT).unwrap_or(1.0);
    let all = row.get(up.with(Facet::Count)).unwrap_or_else(weight);
    Some((all, mean * all))
}

fn up_of(name: &str) -> Option<i64> {
    rows::probe_of(name).filter(|(_, part)| *part == rows::UP).map(|(id, _)| id.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewatch_core::units::Step;

    const HOST: HostId = HostId(7);

    fn part(probe: i64, all: u32) -> Part {
        Part { probe, day: 20_780, all, up: all }
    }

    fn sql() -> Sql {
        let sql = Sql::in_memory().unwrap();
        super::super::rings::create(&sql).unwrap();
        create(&sql).unwrap();
        sql
    }

    #[test]
    fn a_day_that_is_done_again_takes_its_own_place() {
        let sql = sql();
        note(&sql, HOST, 20_780, vec![part(1, 5)]).unwrap();
        assert_eq!(list(&sql).unwrap(), BTreeMap::new(), "a host without names of probes");
        let mut names = Dictionary::default();
        names.assign("temperature/cpu", Step::Tenths).unwrap();
        begin(&sql, HOST, &names, 0).unwrap();
        assert_eq!(list(&sql).unwrap(), BTreeMap::new(), "none of a probe");
        names.assign("probe/1/up", Step::Exact).unwrap();
        begin(&sql, HOST, &names, 2).unwrap();
        assert_eq!(list(&sql).unwrap(), BTreeMap::new(), "no new ones");
        begin(&sql, HOST, &names, 1).unwrap();
        begin(&sql, HOST, &names, 1).unwrap();
        for (day_no, all) in [(20_780, 5), (20_781, 7), (20_780, 6)] {
            note(&sql, HOST, day_no, vec![part(1, all)]).unwrap();
        }
        let days = Days::from([(20_780, vec![part(1, 6)]), (20_781, vec![part(1, 7)])]);
        assert_eq!(list(&sql).unwrap(), BTreeMap::from([(HOST, Some(days))]));
        reset(&sql, HOST).unwrap();
        note(&sql, HOST, 20_782, vec![part(1, 5)]).unwrap();
        assert_eq!(list(&sql).unwrap(), BTreeMap::from([(HOST, None)]), "the days before are not known");
        put(&sql, HOST, &Days::new()).unwrap();
        (1..=100).for_each(|day_no| note(&sql, HOST, day_no, vec![part(1, 5)]).unwrap());
        assert_eq!(list(&sql).unwrap()[&HOST].as_ref().unwrap().len(), MAX_DAYS);
        delete(&sql, HOST).unwrap();
        assert_eq!(list(&sql).unwrap(), BTreeMap::new());
    }

    #[test]
    fn a_late_sample_opens_its_day_again_even_while_that_is_on_its_way() {
        let mut host = OfHost::default();
        assert_eq!(host.reopen(Some(9), 10, 0), None);
        host.built(10, vec![part(1, 5)]);
        host.built(11, vec![]);
        assert_eq!(host.reopen(Some(9), 10, 1_000), None, "it is not done");
        assert_eq!((host.done(10), host.done(11)), (None, None));
        assert!(host.rests(REOPEN_EVERY_MS) && !host.rests(REOPEN_EVERY_MS + 1_000));
        host.built(10, vec![part(1, 6)]);
        assert_eq!((host.done(10), host.rests(2_000)), (Some(vec![part(1, 6)]), false));
        assert_eq!(host.reopen(Some(10), 8, 5_000), Some(7));
    }
}
