//! What came of probes on the days of hosts that are in D1, so that nobody has to ask for them there. It lies in the row of a host that
//! is written when a day of it is done, for the Worker's own results beside the day that is, so it costs no row of its own.
//!
//! A day of a host counts as long as it is done; what lies behind the last one that is lies in the fine rings. So each result is in
//! one of the two, whatever is done again: a day that is built anew takes its own place.
//!
//! Bytes, with numbers as varints of seven bits a byte, the low ones first:
//! ```text
//! u8  format = 1
//! of each day, ascending: its number, how many parts, and of each part
//!     the probe's number less the one before it, as a zigzag     the day in UTC less the day's number, as a zigzag
//!     how many results there were                                how many of them were not good
//! ```
//! Two hundred probes of forty days are 80 kB, five of thirty days 1.5 kB.

use std::collections::BTreeMap;

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::{Facet, Row, SeriesId, tiers};
use edgewatch_core::model::HostId;

use super::directory::{self, Entry};
use super::probes::{self, EDGE};
use super::sql::Sql;
use super::{HubError, rows};

const FORMAT: u8 = 1;
/// So many days of a host are kept: those that are shown, and some that are done late.
const MAX_DAYS: usize = 40;
/// And no more bytes than this: probes that come and go leave days of many behind.
const MAX_BYTES: usize = 500_000;
/// Who reports what is long over makes its day be built again at most this often, ms.
const REOPEN_EVERY_MS: i64 = 3_600_000;

/// What came of a probe in one part of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// The finished days of a host, or of the Worker; `None` where they are to be asked for in D1: what cannot be read is, too. 1 row read.
///
/// # Errors
/// [`HubError::Refused`] in the platform's words; so for all that follow.
pub fn find(sql: &Sql, id: HostId) -> Result<Option<Days>, HubError> {
    let kept = if id == EDGE { probes::edge_days(sql)? } else { directory::probe_days(sql, id)? };
    Ok(kept.and_then(|bytes| decode(&bytes)))
}

/// Puts all finished days of a host with its row: 1 row written.
///
/// # Errors
/// As [`find`].
pub fn put(sql: &Sql, entry: &Entry, days: &Days) -> Result<(), HubError> {
    let bytes = encode(days);
    if entry.host.id == EDGE {
        probes::put_edge(sql, entry.coarse_done, &bytes)
    } else {
        directory::put_with_probe_days(sql, entry, Some(bytes))
    }
}

/// Puts what came of probes on a day of a host that is in D1, in the place of what was there of it, with the host's row: 1 row read and
/// written. Where the days before are not known the row alone.
///
/// # Errors
/// As [`find`].
pub fn note(sql: &Sql, entry: &Entry, day_no: u64, parts: Vec<Part>) -> Result<(), HubError> {
    let Some(mut days) = find(sql, entry.host.id)? else { return probes::put_done(sql, entry) };
    days.insert(day_no, parts);
    while days.len() > MAX_DAYS {
        days.pop_first();
    }
    put(sql, entry, &days)
}

/// Puts the row of a host that nobody knew here: what D1 has of its days is to be asked for when it has names already. 1 row written.
///
/// # Errors
/// As [`find`].
pub fn begin(sql: &Sql, entry: &Entry, names: &Dictionary) -> Result<(), HubError> {
    let nothing = names.is_empty().then(|| encode(&Days::new()));
    directory::put_with_probe_days(sql, entry, nothing)
}

/// Whether there are names of probes among these.
pub fn has_probes(names: &Dictionary) -> bool {
    names.iter().any(|(_, name, _)| rows::probe_of(name).is_some())
}

/// The bytes to keep, of the newest days that there is room for.
pub fn encode(days: &Days) -> Vec<u8> {
    let mut by_day: Vec<Vec<u8>> = days.iter().map(|(day_no, parts)| encode_day(*day_no, parts)).collect();
    let mut room = MAX_BYTES;
    let kept = by_day.iter().rev().take_while(|day| {
        let fits = day.len() <= room;
        room = room.saturating_sub(day.len());
        fits
    });
    let left_out = by_day.len().saturating_sub(kept.count());
    by_day.drain(..left_out);
    std::iter::once(FORMAT).chain(by_day.into_iter().flatten()).collect()
}

fn encode_day(day_no: u64, parts: &[Part]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + parts.len() * 6);
    put_varint(&mut bytes, day_no);
    put_varint(&mut bytes, parts.len() as u64);
    let mut before = 0;
    for part in parts {
        put_varint(&mut bytes, zigzag(part.probe.wrapping_sub(before)));
        put_varint(&mut bytes, zigzag(part.day.wrapping_sub(day_no.cast_signed())));
        put_varint(&mut bytes, part.all.into());
        put_varint(&mut bytes, part.all.saturating_sub(part.up).into());
        before = part.probe;
    }
    bytes
}

/// What was kept; `None` for anything else.
pub fn decode(bytes: &[u8]) -> Option<Days> {
    let (format, mut rest) = bytes.split_first()?;
    if *format != FORMAT {
        return None;
    }
    let mut days = Days::new();
    while !rest.is_empty() {
        let (day_no, count) = (varint(&mut rest)?, varint(&mut rest)?);
        let (mut parts, mut before) = (Vec::new(), 0_i64);
        for _ in 0..count {
            let probe = before.wrapping_add(unzigzag(varint(&mut rest)?));
            let day = day_no.cast_signed().wrapping_add(unzigzag(varint(&mut rest)?));
            let (all, bad) = (u32::try_from(varint(&mut rest)?).ok()?, u32::try_from(varint(&mut rest)?).ok()?);
            parts.push(Part { probe, day, all, up: all.checked_sub(bad)? });
            before = probe;
        }
        days.insert(day_no, parts);
    }
    Some(days)
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

const fn zigzag(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
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
    use crate::hub::directory::tests::entry;
    use edgewatch_core::model::Host;
    use edgewatch_core::units::Step;

    const HOST: HostId = HostId(7);

    fn part(probe: i64, all: u32) -> Part {
        Part { probe, day: 20_780, all, up: all }
    }

    fn row(coarse_done: Option<u64>) -> Entry {
        Entry { coarse_done, ..entry(HOST.0) }
    }

    #[test]
    fn a_day_that_is_done_again_takes_its_own_place() {
        let sql = Sql::in_memory().unwrap();
        directory::create(&sql).unwrap();
        begin(&sql, &row(None), &Dictionary::default()).unwrap();
        assert_eq!(find(&sql, HOST), Ok(Some(Days::new())), "nobody has anything of it");
        for (day_no, all) in [(20_780, 5), (20_781, 7), (20_780, 6)] {
            note(&sql, &row(Some(day_no)), day_no, vec![part(1, all)]).unwrap();
        }
        let days = Days::from([(20_780, vec![part(1, 6)]), (20_781, vec![part(1, 7)])]);
        assert_eq!(find(&sql, HOST), Ok(Some(days.clone())));
        assert_eq!(sql.rows_written(), 4, "with the host's row, and none beside it");
        // What else is written of the host leaves them as they are.
        directory::put(&sql, &row(Some(20_781))).unwrap();
        assert_eq!(find(&sql, HOST), Ok(Some(days)));
        directory::put_with_probe_days(&sql, &row(None), None).unwrap();
        note(&sql, &row(Some(20_782)), 20_782, vec![part(1, 5)]).unwrap();
        assert_eq!(find(&sql, HOST), Ok(None), "the days before are not known");
        assert_eq!(directory::find(&sql, HOST), Ok(Some(row(Some(20_782)))));
        put(&sql, &row(None), &Days::new()).unwrap();
        (1..=100).for_each(|day_no| note(&sql, &row(None), day_no, vec![part(1, 5)]).unwrap());
        assert_eq!(find(&sql, HOST).unwrap().unwrap().len(), MAX_DAYS);
        directory::delete(&sql, HOST).unwrap();
        assert_eq!(find(&sql, HOST), Ok(None));
    }

    #[test]
    fn a_host_that_has_names_already_is_asked_for_in_d1() {
        let sql = Sql::in_memory().unwrap();
        directory::create(&sql).unwrap();
        let mut names = Dictionary::default();
        names.assign("probe/1/up", Step::Exact).unwrap();
        begin(&sql, &row(None), &names).unwrap();
        assert_eq!((find(&sql, HOST), sql.rows_written()), (Ok(None), 1));
    }

    #[test]
    fn the_workers_own_days_lie_beside_the_last_one_that_is_done() {
        let sql = Sql::in_memory().unwrap();
        directory::create(&sql).unwrap();
        let row = |coarse_done| Entry { host: Host { id: EDGE, ..entry(0).host }, ..row(coarse_done) };
        assert_eq!(find(&sql, EDGE), Ok(Some(Days::new())));
        probes::put_done(&sql, &row(Some(20_779))).unwrap();
        note(&sql, &row(Some(20_780)), 20_780, vec![part(1, 5)]).unwrap();
        probes::put_done(&sql, &row(Some(20_779))).unwrap();
        note(&sql, &row(Some(20_781)), 20_781, vec![part(1, 300)]).unwrap();
        let days = Days::from([(20_780, vec![part(1, 5)]), (20_781, vec![part(1, 300)])]);
        assert_eq!((find(&sql, EDGE), sql.rows_written()), (Ok(Some(days)), 4));
        // As an object of before has it.
        directory::put_meta(&sql, "edge_coarse_done", "20781").unwrap();
        note(&sql, &row(Some(20_782)), 20_782, vec![part(1, 5)]).unwrap();
        assert_eq!(find(&sql, EDGE), Ok(None), "D1 is to be asked");
    }

    #[test]
    fn bytes_come_back_as_they_were_and_damaged_ones_do_not() {
        let odd = vec![
            Part { probe: i64::MAX, day: i64::MIN, all: u32::MAX, up: 0 },
            Part { probe: i64::MIN, day: i64::MAX, all: u32::MAX, up: u32::MAX },
            Part { probe: 3, day: 20_779, all: 8_640, up: 8_639 },
        ];
        let days = Days::from([(0, vec![]), (20_780, odd), (u64::MAX, vec![part(7, 1)])]);
        let bytes = encode(&days);
        assert_eq!(decode(&bytes), Some(days));
        assert_eq!(decode(&[FORMAT]), Some(Days::new()));
        let worse = Part { probe: 1, day: 0, all: 1, up: 9 };
        assert_eq!(decode(&encode(&Days::from([(0, vec![worse])]))).unwrap()[&0][0].up, 1, "no more than all");
        for damaged in
            [&[][..], &[2], &[FORMAT, 1], &[FORMAT, 1, 1, 2, 0, 5], &[FORMAT, 1, 1, 2, 0, 1, 2], &[FORMAT, 0x80]]
        {
            assert_eq!(decode(damaged), None, "{damaged:?}");
        }
    }

    #[test]
    fn two_hundred_probes_of_forty_days_are_eighty_kilobytes_and_what_is_far_too_much_loses_its_oldest_days() {
        // Each day of a host lies in two of UTC, and each probe asks every ten seconds.
        let of_probe =
            |probe| [(20_779, 4_300), (20_780, 4_340)].map(|(day, all)| Part { probe, day, all, up: all - 9 });
        let days = |probes: i64, days: u64| -> Days {
            let parts: Vec<Part> = (1..=probes).flat_map(of_probe).collect();
            (0..days).map(|day| (20_780 + day, parts.clone())).collect()
        };
        let lengths = [(200, 40), (5, 30)].map(|(probes, count)| encode(&days(probes, count)).len());
        assert!((78_000..=82_000).contains(&lengths[0]) && lengths[1] <= 1_650, "{lengths:?}");
        let far = encode(&days(5_000, 40));
        assert!((400_000..=MAX_BYTES + 1).contains(&far.len()), "{}", far.len());
        let kept = decode(&far).unwrap();
        assert!(kept.len() < 40 && kept.last_key_value().unwrap().0 == &20_819, "{}", kept.len());
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
