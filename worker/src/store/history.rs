//! Tables `history` and `dictionaries`: the coarse tiers of history, and the names of hosts' own metrics.
//!
//! A block lies under its number (the column is called `slot`, for it once was `block_no` modulo a ring's length: such rows, below
//! [`OLD_SLOTS`], are read beside the others and go when their block is written anew or is too old). So a ring's length is no
//! more than when a block is deleted: with it goes a row written per block, one in five days for the finer tier, and readers
//! need not know it.
//!
//! Bytes travel as hexadecimal text and lie in the tables as what they are.

use std::ops::RangeInclusive;

use edgewatch_core::model::HostId;
use serde::Deserialize;

use super::{Bind, Db, Statement, StoreError, hex};

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
const DELETE_RANGES: &str = "DELETE FROM history WHERE (host_id, tier, slot) IN (SELECT h.host_id, h.tier, h.slot \
     FROM json_each(?1) AS w CROSS JOIN history AS h ON h.host_id = (w.value ->> 0) AND h.tier = (w.value ->> 1) \
     AND h.slot BETWEEN (w.value ->> 2) AND (w.value ->> 3) \
     WHERE h.block_no BETWEEN (w.value ->> 4) AND (w.value ->> 5))";
const LIST_LENGTHS: &str = "SELECT h.tier, length(h.data) AS packed FROM json_each(?1) AS w \
     CROSS JOIN history AS h ON h.host_id = w.value";
// Names are only ever added, so of two dictionaries the longer one is the newer.
const PUT_DICTIONARIES: &str = "INSERT INTO dictionaries (host_id, data) SELECT value ->> 0, unhex(value ->> 1) \
     FROM json_each(?1) WHERE true ON CONFLICT (host_id) DO UPDATE SET data = excluded.data \
     WHERE length(excluded.data) > length(dictionaries.data)";
const LIST_DICTIONARIES: &str = "SELECT host_id, hex(data) AS data_hex FROM dictionaries \
     WHERE host_id IN (SELECT value FROM json_each(?1))";
const DELETE: &str = "DELETE FROM history WHERE host_id = ?1";
const DELETE_DICTIONARY: &str = "DELETE FROM dictionaries WHERE host_id = ?1";

/// Rows with a slot below this may be of the time when slots went round. Numbers are far above it.
const OLD_SLOTS: u64 = 64;

/// A block of a coarse tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoarseBlock {
    /// Whose.
    pub host: HostId,
    /// The tier's number.
    pub tier: u8,
    /// Its number.
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
struct LengthRow {
    tier: u8,
    packed: u64,
}

#[derive(Deserialize)]
struct DictionaryRow {
    host_id: i64,
    data_hex: String,
}

/// The statements that write these blocks, to be run in one batch, and how many of them from the first on they took: as many as
/// fit, at least one. 1 row written for each that is new or holds more than what is there, none for the others, and 1 for each
/// block that its ring, of `ring_blocks` for a tier, has no room for any more. 2 rows read for each, and one for each deleted.
pub fn put(blocks: &[CoarseBlock], ring_blocks: impl Fn(u8) -> u64) -> (Vec<Statement>, usize) {
    let (mut json, mut old) = (Json::default(), Json::default());
    let mut taken = 0;
    for block in blocks {
        let CoarseBlock { host, tier, block_no, samples, .. } = block;
        let head =
            format!("{host},{tier},{block_no},{block_no},{samples},{},{}", block.start_ms, block.end_ms, host = host.0);
        if taken > 0 && json.bytes_with(&head, &block.data) > MAX_STATEMENT_BYTES {
            break;
        }
        json.push(&head, Some(&block.data));
        old.push(&range(*host, *tier, 0..=OLD_SLOTS - 1, *block_no..=*block_no), None);
        old.push_beyond(*host, *tier, ring_blocks(*tier), *block_no);
        taken += 1;
    }
    let delete = Statement::new(DELETE_RANGES, vec![Bind::Text(old.finish())]);
    (vec![Statement::new(PUT, vec![Bind::Text(json.finish())]), delete], taken)
}

/// The statement that deletes what rings of another length have no room for: per host and tier its newest block's number and the
/// length. 1 row written for each block deleted; 1 read for each of those and of the hosts' tiers.
pub fn trim(newest: &[(HostId, u8, u64)], ring_blocks: impl Fn(u8) -> u64) -> Statement {
    let mut old = Json::default();
    for (host, tier, newest_no) in newest {
        old.push_beyond(*host, *tier, ring_blocks(*tier), *newest_no);
    }
    Statement::new(DELETE_RANGES, vec![Bind::Text(old.finish())])
}

/// The tier and the packed length in bytes of each block of some hosts, in no order: as many rows read, and one for each host.
///
/// # Errors
/// As [`list`].
pub async fn list_lengths(db: &Db, hosts: &[HostId]) -> Result<Vec<(u8, u64)>, StoreError> {
    let numbers: Vec<String> = hosts.iter().map(|host| host.0.to_string()).collect();
    let statement = Statement::new(LIST_LENGTHS, vec![Bind::Text(format!("[{}]", numbers.join(",")))]);
    let rows: Vec<LengthRow> = db.run(statement).await?.rows()?;
    Ok(rows.into_iter().map(|row| (row.tier, row.packed)).collect())
}

/// The blocks that there are of those wanted, in no order; one that an older Worker wrote may come in two parts. 1 row read for
/// each of them, and 2 for each `Wanted`.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when a row cannot be read.
pub async fn list(db: &Db, wanted: &[Wanted]) -> Result<Vec<CoarseBlock>, StoreError> {
    let mut json = Json::default();
    for wanted in wanted.iter().filter(|wanted| wanted.from_no <= wanted.to_no) {
        let numbers = wanted.from_no..=wanted.to_no;
        for slots in [0..=OLD_SLOTS - 1, wanted.from_no.max(OLD_SLOTS)..=wanted.to_no] {
            json.push(&range(wanted.host, wanted.tier, slots, numbers.clone()), None);
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
            data: hex::read(&row.data_hex)?,
        })
    };
    rows.into_iter().map(block).collect()
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
    rows.into_iter().map(|row| Ok((HostId(row.host_id), hex::read(&row.data_hex)?))).collect()
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
        self.0.push(if self.0.is_empty() { '[' } else { ',' });
        self.0.push('[');
        self.0.push_str(head);
        if let Some(data) = data {
            self.0.reserve(2 * data.len() + 5);
            self.0.push_str(",\"");
            hex::push(&mut self.0, data);
            self.0.push('"');
        }
        self.0.push(']');
    }

    /// The blocks that a ring with this newest one has no room for.
    fn push_beyond(&mut self, host: HostId, tier: u8, ring_blocks: u64, newest_no: u64) {
        if let Some(last) = newest_no.checked_sub(ring_blocks.max(1)) {
            self.push(&range(host, tier, 0..=last, 0..=last), None);
        }
    }

    fn finish(mut self) -> String {
        self.0.push_str(if self.0.is_empty() { "[]" } else { "]" });
        self.0
    }
}

/// A host's blocks in these slots that have these numbers.
fn range(host: HostId, tier: u8, slots: RangeInclusive<u64>, numbers: RangeInclusive<u64>) -> String {
    let (from, to) = slots.into_inner();
    format!("{},{tier},{from},{to},{},{}", host.0, numbers.start(), numbers.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    const RING: u64 = 4;
    /// A number as they are in truth: far above the slots of old.
    const FIRST: u64 = 4_000;

    fn block(host: i64, number: u64, samples: u64) -> CoarseBlock {
        CoarseBlock {
            host: HostId(host),
            tier: 2,
            block_no: FIRST + number,
            samples,
            start_ms: 1_795_361_190_000,
            end_ms: 1_795_361_199_999,
            data: (0..=255).chain(samples.to_le_bytes()).collect(),
        }
    }

    fn write(db: &Db, blocks: &[CoarseBlock], ring: u64) -> u64 {
        let (statements, taken) = put(blocks, |_| ring);
        assert_eq!(taken, blocks.len());
        now(db.batch(statements)).unwrap().iter().map(|one| one.changes).sum()
    }

    fn held(db: &Db, host: i64, from: u64, to: u64) -> Vec<CoarseBlock> {
        let wanted = Wanted { host: HostId(host), tier: 2, from_no: FIRST + from, to_no: FIRST + to };
        let mut blocks = now(list(db, &[wanted])).unwrap();
        blocks.sort_by_key(|block| block.block_no);
        blocks
    }

    fn numbers(db: &Db, host: i64) -> Vec<u64> {
        held(db, host, 0, 99).iter().map(|block| block.block_no - FIRST).collect()
    }

    /// As the Worker wrote it while slots went round.
    fn put_old(db: &Db, block: &CoarseBlock, ring: u64) {
        let (mut statements, _) = put(&[CoarseBlock { block_no: block.block_no % ring, ..block.clone() }], |_| 100);
        now(db.run(statements.remove(0))).unwrap();
        let number = Statement::new(
            "UPDATE history SET block_no = ?1 WHERE host_id = ?2 AND slot = ?3",
            vec![block.block_no.into(), block.host.0.into(), (block.block_no % ring).into()],
        );
        now(db.run(number)).unwrap();
    }

    #[test]
    fn blocks_come_back_as_they_went_in_and_repeats_cost_nothing() {
        let db = Db::in_memory().unwrap();
        let blocks = [block(1, 9, 100), block(2, 10, 200)];
        assert_eq!(write(&db, &blocks, RING), 2);
        assert_eq!(write(&db, &blocks, RING), 0, "the reply was lost after the commit");
        assert_eq!(write(&db, &[block(1, 9, 99)], RING), 0, "a late write");
        assert_eq!(held(&db, 1, 9, 9), [block(1, 9, 100)]);
        assert_eq!(write(&db, &[block(1, 9, 101), block(2, 14, 201)], RING), 3, "and what lies four blocks back goes");
        assert_eq!(held(&db, 1, 0, 99), [block(1, 9, 101)]);
        assert_eq!(held(&db, 2, 0, 99), [block(2, 14, 201)]);
        assert_eq!(held(&db, 1, 10, 9), []);
        assert_eq!(now(list(&db, &[])).unwrap(), []);
        now(db.batch(delete(HostId(1)))).unwrap();
        assert_eq!(held(&db, 1, 0, 99), []);
    }

    #[test]
    fn a_ring_keeps_its_newest_blocks() {
        let db = Db::in_memory().unwrap();
        for number in 1..=6 {
            write(&db, &[block(1, number, number), block(2, number, number)], RING);
        }
        assert_eq!((numbers(&db, 1), numbers(&db, 2)), (vec![3, 4, 5, 6], vec![3, 4, 5, 6]));
        assert_eq!(held(&db, 1, 4, 5), [block(1, 4, 4), block(1, 5, 5)]);
    }

    #[test]
    fn a_shortened_ring_lets_its_oldest_go_and_a_lengthened_one_nothing() {
        let db = Db::in_memory().unwrap();
        for number in 1..=6 {
            write(&db, &[block(1, number, number), block(2, number, number)], RING);
        }
        let trimmed = |ring| now(db.run(trim(&[(HostId(1), 2, FIRST + 6)], |_| ring))).unwrap().changes;
        assert_eq!((trimmed(9), trimmed(2), trimmed(2)), (0, 2, 0));
        assert_eq!((numbers(&db, 1), numbers(&db, 2)), (vec![5, 6], vec![3, 4, 5, 6]));
        write(&db, &[block(1, 7, 7)], 5);
        assert_eq!(numbers(&db, 1), [5, 6, 7]);
        let mut lengths = now(list_lengths(&db, &[HostId(1), HostId(9)])).unwrap();
        lengths.dedup();
        assert_eq!(lengths, [(2, 264)]);
    }

    #[test]
    fn rows_of_the_time_when_slots_went_round_are_read_and_go_when_they_are_due() {
        let db = Db::in_memory().unwrap();
        for number in [8, 9, 10] {
            put_old(&db, &block(1, number, number), 19);
        }
        assert_eq!(numbers(&db, 1), [8, 9, 10]);
        assert_eq!(held(&db, 1, 9, 9), [block(1, 9, 9)]);
        // Written anew, with what was there laid in, it lies under its number alone.
        assert_eq!(write(&db, &[block(1, 10, 12)], RING), 2);
        assert_eq!(held(&db, 1, 10, 10), [block(1, 10, 12)]);
        write(&db, &[block(1, 12, 12)], RING);
        assert_eq!(numbers(&db, 1), [9, 10, 12], "and 8 is too old");
        // Older code wrote a part of it meanwhile.
        put_old(&db, &block(1, 12, 1), 19);
        assert_eq!(numbers(&db, 1), [9, 10, 12, 12]);
    }

    #[test]
    fn a_statement_is_bounded() {
        let large = |number| CoarseBlock { data: vec![0; 400_000], ..block(1, number, number) };
        let (statements, taken) = put(&[large(1), large(2)], |_| RING);
        assert_eq!(taken, 1);
        assert!(format!("{statements:?}").len() < MAX_STATEMENT_BYTES);
        let huge = CoarseBlock { data: vec![0; 800_000], ..block(1, 1, 1) };
        assert_eq!(put(&[huge, block(1, 2, 2)], |_| RING).1, 1);
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
