//! Tables `history` and `dictionaries`: the coarse tiers of history, and the names of hosts' own metrics.
//!
//! Bytes travel as hexadecimal text, for binding blobs is ten times slower, and lie in the tables as what they are. Source:
//! hub feasibility, section 2.

use edgewatch_core::model::HostId;
use serde::Deserialize;

use super::{Bind, Db, Statement, StoreError};

/// The most bytes of text that one statement carries; D1 takes no more than 2 MB.
pub const MAX_STATEMENT_BYTES: usize = 1_500_000;

const PUT: &str = "INSERT INTO history (host_id, tier, slot, block_no, samples, start_ms, end_ms, data) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, unhex(value ->> 7) \
     FROM json_each(?1) WHERE true ON CONFLICT (host_id, tier, slot) DO UPDATE SET block_no = excluded.block_no, \
     samples = excluded.samples, start_ms = excluded.start_ms, end_ms = excluded.end_ms, data = excluded.data \
     WHERE excluded.block_no > history.block_no \
     OR (excluded.block_no = history.block_no AND excluded.samples > history.samples)";
// Equality on host and tier and a range of slots, whatever the number of ranges: each reads its slots and one row more.
const LIST: &str = "SELECT h.host_id, h.tier, h.block_no, h.samples, h.start_ms, h.end_ms, hex(h.data) AS data_hex \
     FROM json_each(?1) AS w CROSS JOIN history AS h ON h.host_id = (w.value ->> 0) AND h.tier = (w.value ->> 1) \
     AND h.slot BETWEEN (w.value ->> 2) AND (w.value ->> 3) \
     WHERE h.block_no BETWEEN (w.value ->> 4) AND (w.value ->> 5)";
const DELETE_UNFIT: &str = "DELETE FROM history WHERE host_id = ?1 AND tier = ?2 AND block_no <= \
     (SELECT max(block_no) FROM history WHERE host_id = ?1 AND tier = ?2) - ?3";
const LEAVE_SLOTS: &str = "UPDATE history SET slot = -1 - block_no % CAST(?3 AS INTEGER) \
     WHERE host_id = ?1 AND tier = ?2 AND slot <> block_no % CAST(?3 AS INTEGER)";
const TAKE_SLOTS: &str = "UPDATE history SET slot = -1 - slot WHERE host_id = ?1 AND tier = ?2 AND slot < 0";
// Names are only ever added, so of two dictionaries the longer one is the newer.
const PUT_DICTIONARIES: &str = "INSERT INTO dictionaries (host_id, data) SELECT value ->> 0, unhex(value ->> 1) \
     FROM json_each(?1) WHERE true ON CONFLICT (host_id) DO UPDATE SET data = excluded.data \
     WHERE length(excluded.data) > length(dictionaries.data)";
const LIST_DICTIONARIES: &str = "SELECT host_id, hex(data) AS data_hex FROM dictionaries \
     WHERE host_id IN (SELECT value FROM json_each(?1))";
const DELETE: &str = "DELETE FROM history WHERE host_id = ?1";
const DELETE_DICTIONARY: &str = "DELETE FROM dictionaries WHERE host_id = ?1";

/// A block of a coarse tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoarseBlock {
    /// Whose.
    pub host: HostId,
    /// The tier's number.
    pub tier: u8,
    /// Its true number; the slot follows from it.
    pub block_no: u64,
    /// Of how many samples it is made.
    pub samples: u64,
    /// The beginning of its first window, ms since 1970.
    pub start_ms: i64,
    /// The last moment of its last window, ms since 1970.
    pub end_ms: i64,
    /// The packed block.
    pub data: Vec<u8>,
}

/// Blocks that somebody wants: of one host and tier, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Whose.
    pub host: HostId,
    /// The tier's number.
    pub tier: u8,
    /// The length of the ring.
    pub ring_blocks: u64,
    /// The first number.
    pub from_no: u64,
    /// The last number.
    pub to_no: u64,
}

#[derive(Deserialize)]
struct Row {
    host_id: i64,
    tier: u8,
    block_no: u64,
    samples: u64,
    start_ms: i64,
    end_ms: i64,
    data_hex: String,
}

#[derive(Deserialize)]
struct DictionaryRow {
    host_id: i64,
    data_hex: String,
}

/// The statement that writes these blocks, and how many of them from the first on it took: as many as fit, at least one. 1
/// row written for each that is new or holds more than what is there, none for the others.
pub fn put(blocks: &[CoarseBlock], ring_blocks: impl Fn(u8) -> u64) -> (Statement, usize) {
    let mut json = Json::default();
    let mut taken = 0;
    for block in blocks {
        let slot = block.block_no % ring_blocks(block.tier).max(1);
        let head = format!(
            "{},{},{slot},{},{},{},{}",
            block.host.0, block.tier, block.block_no, block.samples, block.start_ms, block.end_ms
        );
        if taken > 0 && json.bytes_with(&head, &block.data) > MAX_STATEMENT_BYTES {
            break;
        }
        json.push(&head, Some(&block.data));
        taken += 1;
    }
    (Statement::new(PUT, vec![Bind::Text(json.finish())]), taken)
}

/// The blocks that there are of those wanted, in no order. 1 row read for each range of slots and each slot in it, and one.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when a row cannot be read.
pub async fn list(db: &Db, wanted: &[Wanted]) -> Result<Vec<CoarseBlock>, StoreError> {
    let mut json = Json::default();
    for wanted in wanted.iter().filter(|wanted| wanted.from_no <= wanted.to_no) {
        let length = wanted.ring_blocks.max(1);
        let (first, last) = (wanted.from_no % length, wanted.to_no % length);
        let slots = if wanted.to_no - wanted.from_no >= length - 1 {
            [Some((0, length - 1)), None]
        } else if first <= last {
            [Some((first, last)), None]
        } else {
            [Some((first, length - 1)), Some((0, last))]
        };
        for (first, last) in slots.into_iter().flatten() {
            let (host, tier) = (wanted.host.0, wanted.tier);
            json.push(&format!("{host},{tier},{first},{last},{},{}", wanted.from_no, wanted.to_no), None);
        }
    }
    if json.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![Bind::Text(json.finish())])).await?.rows()?;
    let block = |row: Row| {
        Ok(CoarseBlock {
            host: HostId(row.host_id),
            tier: row.tier,
            block_no: row.block_no,
            samples: row.samples,
            start_ms: row.start_ms,
            end_ms: row.end_ms,
            data: bytes(&row.data_hex)?,
        })
    };
    rows.into_iter().map(block).collect()
}

/// The statements that give a ring of one host another length, to be run in one batch: each block goes to its new slot, those
/// that no longer fit are deleted. May be repeated; until it is done the rows must be read with the old length.
pub fn resize(host: HostId, tier: u8, ring_blocks: u64) -> Vec<Statement> {
    let binds = || vec![Bind::Int(host.0), Bind::from(u32::from(tier)), Bind::from(ring_blocks.max(1))];
    vec![
        Statement::new(DELETE_UNFIT, binds()),
        Statement::new(LEAVE_SLOTS, binds()),
        Statement::new(TAKE_SLOTS, vec![Bind::Int(host.0), Bind::from(u32::from(tier))]),
    ]
}

/// The statement that stores dictionaries: 1 row written for each that is new or longer than what is there. At most a few
/// hundred kilobytes of them at a time.
pub fn put_dictionaries(dictionaries: &[(HostId, Vec<u8>)]) -> Statement {
    let mut json = Json::default();
    for (host, data) in dictionaries {
        json.push(&host.0.to_string(), Some(data));
    }
    Statement::new(PUT_DICTIONARIES, vec![Bind::Text(json.finish())])
}

/// The dictionaries that there are, in no order: 2 rows read for each host.
///
/// # Errors
/// As [`list`].
pub async fn list_dictionaries(db: &Db, hosts: &[HostId]) -> Result<Vec<(HostId, Vec<u8>)>, StoreError> {
    let numbers: Vec<String> = hosts.iter().map(|host| host.0.to_string()).collect();
    let statement = Statement::new(LIST_DICTIONARIES, vec![Bind::Text(format!("[{}]", numbers.join(",")))]);
    let rows: Vec<DictionaryRow> = db.run(statement).await?.rows()?;
    rows.into_iter().map(|row| Ok((HostId(row.host_id), bytes(&row.data_hex)?))).collect()
}

/// The statements that forget a host: as many rows written as it has blocks.
pub fn delete(host: HostId) -> Vec<Statement> {
    [DELETE, DELETE_DICTIONARY].map(|sql| Statement::new(sql, vec![Bind::Int(host.0)])).to_vec()
}

/// A list of lists of numbers, each with bytes at its end or not, as text.
#[derive(Default)]
struct Json(String);

impl Json {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn bytes_with(&self, head: &str, data: &[u8]) -> usize {
        self.0.len() + head.len() + 2 * data.len() + 8
    }

    fn push(&mut self, head: &str, data: Option<&[u8]>) {
        const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
        self.0.push(if self.0.is_empty() { '[' } else { ',' });
        self.0.push('[');
        self.0.push_str(head);
        if let Some(data) = data {
            self.0.reserve(2 * data.len() + 5);
            self.0.push_str(",\"");
            for byte in data {
                for half in [byte >> 4, byte & 15] {
                    self.0.push(DIGITS.get(usize::from(half)).copied().unwrap_or('0'));
                }
            }
            self.0.push('"');
        }
        self.0.push(']');
    }

    fn finish(mut self) -> String {
        self.0.push_str(if self.0.is_empty() { "[]" } else { "]" });
        self.0
    }
}

fn bytes(hex: &str) -> Result<Vec<u8>, StoreError> {
    let corrupt = || StoreError::Corrupt("bytes of a block".to_owned());
    let half = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(half(*high)? << 4 | half(*low)?),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(|pair| byte(pair).ok_or_else(corrupt)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    const RING: u64 = 4;

    fn block(host: i64, block_no: u64, samples: u64) -> CoarseBlock {
        CoarseBlock {
            host: HostId(host),
            tier: 2,
            block_no,
            samples,
            start_ms: 1_795_361_190_000,
            end_ms: 1_795_361_199_999,
            data: (0..=255).chain(samples.to_le_bytes()).collect(),
        }
    }

    fn write(db: &Db, blocks: &[CoarseBlock], ring: u64) -> u64 {
        let (statement, taken) = put(blocks, |_| ring);
        assert_eq!(taken, blocks.len());
        now(db.run(statement)).unwrap().changes
    }

    fn held(db: &Db, host: i64, ring_blocks: u64, from_no: u64, to_no: u64) -> Vec<CoarseBlock> {
        let wanted = Wanted { host: HostId(host), tier: 2, ring_blocks, from_no, to_no };
        let mut blocks = now(list(db, &[wanted])).unwrap();
        blocks.sort_by_key(|block| block.block_no);
        blocks
    }

    #[test]
    fn blocks_come_back_as_they_went_in_and_repeats_cost_nothing() {
        let db = Db::in_memory().unwrap();
        let blocks = [block(1, 9, 100), block(2, 10, 200)];
        assert_eq!(write(&db, &blocks, RING), 2);
        assert_eq!(write(&db, &blocks, RING), 0, "the reply was lost after the commit");
        assert_eq!(write(&db, &[block(1, 5, 900), block(1, 9, 99)], RING), 0, "late writes");
        assert_eq!(held(&db, 1, RING, 9, 9), [block(1, 9, 100)]);
        assert_eq!(write(&db, &[block(1, 9, 101), block(2, 14, 201)], RING), 2);
        assert_eq!(held(&db, 1, RING, 0, 99), [block(1, 9, 101)]);
        assert_eq!(held(&db, 2, RING, 0, 99), [block(2, 14, 201)]);
        assert_eq!(now(list(&db, &[])).unwrap(), []);
        now(db.batch(delete(HostId(1)))).unwrap();
        assert_eq!(held(&db, 1, RING, 0, 99), []);
    }

    #[test]
    fn ranges_wrap_around() {
        let db = Db::in_memory().unwrap();
        let all: Vec<CoarseBlock> = (1..=6).map(|number| block(1, number, number)).collect();
        for block in &all {
            write(&db, std::slice::from_ref(block), RING);
        }
        let numbers = |from, to| -> Vec<u64> { held(&db, 1, RING, from, to).iter().map(|one| one.block_no).collect() };
        assert_eq!(numbers(3, 6), [3, 4, 5, 6]);
        assert_eq!(numbers(3, 4), [3, 4]);
        assert_eq!(numbers(1, 2), [0; 0]);
        assert_eq!(numbers(7, 6), [0; 0]);
    }

    #[test]
    fn a_statement_is_bounded() {
        let large = |number| CoarseBlock { data: vec![0; 400_000], ..block(1, number, number) };
        let (statement, taken) = put(&[large(1), large(2)], |_| RING);
        assert_eq!(taken, 1);
        assert!(format!("{statement:?}").len() < MAX_STATEMENT_BYTES);
        let huge = CoarseBlock { data: vec![0; 800_000], ..block(1, 1, 1) };
        assert_eq!(put(&[huge, block(1, 2, 2)], |_| RING).1, 1);
    }

    #[test]
    fn a_ring_gets_another_length_and_keeps_what_fits() {
        for (from, to) in [(4, 2), (3, 2), (4, 7), (2, 5), (5, 1)] {
            let db = Db::in_memory().unwrap();
            for number in 1..=9 {
                write(&db, &[block(1, number, number), block(2, number, number)], from);
            }
            now(db.batch(resize(HostId(1), 2, to))).unwrap();
            let again: u64 = now(db.batch(resize(HostId(1), 2, to))).unwrap().iter().map(|one| one.changes).sum();
            assert_eq!(again, 0);
            let kept: Vec<CoarseBlock> = (10 - from.min(to)..=9).map(|number| block(1, number, number)).collect();
            assert_eq!(held(&db, 1, to, 0, 99), kept, "{from} to {to}");
            assert_eq!(held(&db, 2, from, 0, 99).len() as u64, from);
        }
    }

    #[test]
    fn of_two_dictionaries_the_longer_one_stays() {
        let db = Db::in_memory().unwrap();
        for names in [vec![1, 2], vec![1, 2, 3], vec![1]] {
            now(db.run(put_dictionaries(&[(HostId(1), names), (HostId(2), vec![0])]))).unwrap();
        }
        let mut found = now(list_dictionaries(&db, &[HostId(1), HostId(2), HostId(3)])).unwrap();
        found.sort();
        assert_eq!(found, [(HostId(1), vec![1, 2, 3]), (HostId(2), vec![0])]);
    }
}
