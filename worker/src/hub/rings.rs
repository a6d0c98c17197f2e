//! Tables `blocks` and `dictionaries` of the object's database: the rings of the fine tiers, and the names of each host's
//! own metrics.
//!
//! Block `n` of a ring of `length` lies in slot `n % length` and takes the place of block `n - length`. Reads name host and
//! tier and a range of slots, so that they cost the rows they give and one more; two ranges where the ring wraps around.

use std::ops::RangeInclusive;

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::tiers::Tier;
use edgewatch_core::model::HostId;

use super::HubError;
use super::sql::{Row, Sql};

// The bytes stand last: what is asked of a row without them lies in its leaf page and needs no overflow page.
const CREATE_BLOCKS: &str = "CREATE TABLE IF NOT EXISTS blocks (host_id INTEGER NOT NULL, tier INTEGER NOT NULL, \
     slot INTEGER NOT NULL, block_no INTEGER NOT NULL, first_number INTEGER NOT NULL, last_number INTEGER NOT NULL, \
     start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (host_id, tier, slot)) \
     STRICT, WITHOUT ROWID";
const CREATE_DICTIONARIES: &str = "CREATE TABLE IF NOT EXISTS dictionaries (host_id INTEGER NOT NULL PRIMARY KEY, \
     data BLOB NOT NULL) STRICT, WITHOUT ROWID";
const PUT: &str = "INSERT INTO blocks (host_id, tier, slot, block_no, first_number, last_number, start_ms, end_ms, data) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (host_id, tier, slot) DO UPDATE SET \
     block_no = excluded.block_no, first_number = excluded.first_number, last_number = excluded.last_number, \
     start_ms = excluded.start_ms, end_ms = excluded.end_ms, data = excluded.data \
     WHERE excluded.block_no > blocks.block_no \
     OR (excluded.block_no = blocks.block_no AND excluded.last_number > blocks.last_number)";
const REPLACE: &str = "INSERT INTO blocks (host_id, tier, slot, block_no, first_number, last_number, start_ms, end_ms, data) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (host_id, tier, slot) DO UPDATE SET \
     first_number = excluded.first_number, last_number = excluded.last_number, start_ms = excluded.start_ms, \
     end_ms = excluded.end_ms, data = excluded.data WHERE excluded.block_no = blocks.block_no";
const LIST: &str = "SELECT block_no, first_number, last_number, start_ms, end_ms, data, tier FROM blocks \
     WHERE host_id = ?1 ORDER BY tier, block_no";
const FIND: &str = "SELECT block_no, first_number, last_number, start_ms, end_ms, data FROM blocks \
     WHERE host_id = ?1 AND tier = ?2 AND slot = ?3 AND block_no = ?4";
const RANGE: &str = "SELECT block_no, first_number, last_number, start_ms, end_ms, data FROM blocks \
     WHERE host_id = ?1 AND tier = ?2 AND slot BETWEEN ?3 AND ?4 AND block_no BETWEEN ?5 AND ?6";
const NEWEST: &str = "SELECT block_no, last_number, end_ms FROM blocks WHERE host_id = ?1 AND tier = ?2 \
     ORDER BY block_no DESC LIMIT 1";
const DELETE_UNFIT: &str = "DELETE FROM blocks WHERE host_id = ?1 AND tier = ?2 AND block_no <= \
     (SELECT max(block_no) FROM blocks WHERE host_id = ?1 AND tier = ?2) - ?3";
// By way of negative slots, so that no row meets another that is still to move.
const LEAVE_SLOTS: &str = "UPDATE blocks SET slot = -1 - block_no % CAST(?3 AS INTEGER) \
     WHERE host_id = ?1 AND tier = ?2 AND slot <> block_no % CAST(?3 AS INTEGER)";
const TAKE_SLOTS: &str = "UPDATE blocks SET slot = -1 - slot WHERE host_id = ?1 AND tier = ?2 AND slot < 0";
const DELETE_BLOCKS: &str = "DELETE FROM blocks WHERE host_id = ?1";
const DELETE_DICTIONARY: &str = "DELETE FROM dictionaries WHERE host_id = ?1";
const LIST_LENGTHS: &str = "SELECT tier, length(data) FROM blocks WHERE host_id = ?1";
const FIND_DICTIONARY: &str = "SELECT data FROM dictionaries WHERE host_id = ?1";
const PUT_DICTIONARY: &str = "INSERT INTO dictionaries (host_id, data) VALUES (?1, ?2) \
     ON CONFLICT (host_id) DO UPDATE SET data = excluded.data WHERE excluded.data <> dictionaries.data";

/// A block as it lies in a ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlock {
    /// The tier's number.
    pub tier: u8,
    /// Its true number; the slot follows from it.
    pub block_no: u64,
    /// The number of the first sample in it.
    pub first_number: u64,
    /// The number of the last sample in it.
    pub last_number: u64,
    /// The time of its first row, ms since 1970.
    pub start_ms: i64,
    /// The time of its last row, ms since 1970.
    pub end_ms: i64,
    /// The packed block.
    pub data: Vec<u8>,
}

/// The newest block of a ring, without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub block_no: u64,
    /// The number of the last sample in it.
    pub last_number: u64,
    /// The time of its last row, ms since 1970.
    pub end_ms: i64,
}

/// Makes the tables where there are none.
///
/// # Errors
/// [`HubError::Refused`] in the platform's words; so for all that follow.
pub fn create(sql: &Sql) -> Result<(), HubError> {
    sql.exec(CREATE_BLOCKS, vec![])?;
    sql.exec(CREATE_DICTIONARIES, vec![]).map(drop)
}

/// Puts a block into its slot; gives whether it was written. 1 row written; none when the slot holds a later block, or the
/// same one with as many samples.
///
/// # Errors
/// As [`create`].
pub fn put(sql: &Sql, host: HostId, ring_blocks: u64, block: &StoredBlock) -> Result<bool, HubError> {
    write(sql, PUT, host, ring_blocks, block)
}

/// Puts a block in the place of the same one, however many samples that has: for what was put together from both. Gives whether
/// it was written: not when the slot holds another block.
///
/// # Errors
/// As [`create`].
pub fn replace(sql: &Sql, host: HostId, ring_blocks: u64, block: &StoredBlock) -> Result<bool, HubError> {
    write(sql, REPLACE, host, ring_blocks, block)
}

fn write(
    sql: &Sql,
    statement: &'static str,
    host: HostId,
    ring_blocks: u64,
    block: &StoredBlock,
) -> Result<bool, HubError> {
    let before = sql.rows_written();
    sql.exec(
        statement,
        vec![
            host.into(),
            block.tier.into(),
            slot(block.block_no, ring_blocks).into(),
            block.block_no.into(),
            block.first_number.into(),
            block.last_number.into(),
            block.start_ms.into(),
            block.end_ms.into(),
            block.data.clone().into(),
        ],
    )?;
    Ok(sql.rows_written() > before)
}

/// Every block of a host in a ring, ascending: as many rows read.
///
/// # Errors
/// As [`find`].
pub fn whole(sql: &Sql, host: HostId, tier: Tier, ring_blocks: u64) -> Result<Vec<StoredBlock>, HubError> {
    range(sql, host, tier.number, ring_blocks, 0..=u64::from(u32::MAX))
}

/// Every block of a host, by tier and number: as many rows read.
///
/// # Errors
/// As [`find`].
pub fn list(sql: &Sql, host: HostId) -> Result<Vec<StoredBlock>, HubError> {
    let tier = |row: &Row| u8::try_from(row.int(6)?).map_err(|_| HubError::Corrupt("a tier".to_owned()));
    sql.exec(LIST, vec![host.into()])?.into_iter().map(|row| stored(tier(&row)?, row)).collect()
}

/// The block of this number: 1 row read.
///
/// # Errors
/// As [`create`]; [`HubError::Corrupt`] when it cannot be read.
pub fn find(
    sql: &Sql,
    host: HostId,
    tier: u8,
    ring_blocks: u64,
    block_no: u64,
) -> Result<Option<StoredBlock>, HubError> {
    let binds = vec![host.into(), tier.into(), slot(block_no, ring_blocks).into(), block_no.into()];
    sql.exec(FIND, binds)?.into_iter().next().map(|row| stored(tier, row)).transpose()
}

/// The block with the highest number. Reads the host's whole ring (not the bytes in it): for when an object wakes.
///
/// # Errors
/// As [`find`].
pub fn newest(sql: &Sql, host: HostId, tier: u8) -> Result<Option<Head>, HubError> {
    let head = |row: &Row| Ok(Head { block_no: row.whole(0)?, last_number: row.whole(1)?, end_ms: row.int(2)? });
    sql.exec(NEWEST, vec![host.into(), tier.into()])?.first().map(head).transpose()
}

/// The blocks with these numbers that the ring still holds, ascending. Reads as many rows as there are slots in the range,
/// and one more; on wrap-around two.
///
/// # Errors
/// As [`find`].
pub fn range(
    sql: &Sql,
    host: HostId,
    tier: u8,
    ring_blocks: u64,
    numbers: RangeInclusive<u64>,
) -> Result<Vec<StoredBlock>, HubError> {
    let (from, to) = numbers.into_inner();
    if from > to {
        return Ok(Vec::new());
    }
    let mut blocks = Vec::new();
    for (first, last) in slots(from, to, ring_blocks) {
        let binds = vec![host.into(), tier.into(), first.into(), last.into(), from.into(), to.into()];
        for row in sql.exec(RANGE, binds)? {
            blocks.push(stored(tier, row)?);
        }
    }
    blocks.sort_by_key(|block| block.block_no);
    Ok(blocks)
}

/// The blocks that may hold rows of the time from `from_ms` to before `to_ms`, ascending. Reads what [`range`] reads for the
/// numbers of that time. Only where a host fills its blocks faster than time passes, so that its numbers run ahead, more: as
/// far as the time goes.
///
/// # Errors
/// As [`find`].
pub fn in_time(
    sql: &Sql,
    host: HostId,
    tier: Tier,
    ring_blocks: u64,
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<StoredBlock>, HubError> {
    const STEP: u64 = 4;
    if from_ms >= to_ms {
        return Ok(Vec::new());
    }
    let from = tier.block_no(host, from_ms);
    let mut to = tier.block_no(host, to_ms.saturating_sub(1));
    let mut blocks = range(sql, host, tier.number, ring_blocks, from..=to)?;
    if blocks.is_empty() {
        // So far ahead that even their slots hold others: the whole ring, which is short.
        blocks = range(sql, host, tier.number, ring_blocks, to.saturating_add(1)..=u64::from(u32::MAX))?;
    }
    // A block that began before its time was numbered after the one before it and not by the clock.
    while blocks
        .last()
        .is_some_and(|last| last.block_no == to && last.start_ms < tier.start_ms(host, to) && last.start_ms < to_ms)
        && to - from < ring_blocks
    {
        let more = range(sql, host, tier.number, ring_blocks, to + 1..=to + STEP)?;
        blocks.extend(more);
        to += STEP;
    }
    blocks.retain(|block| block.end_ms >= from_ms && block.start_ms < to_ms);
    Ok(blocks)
}

/// Gives a ring of one host another length: each block goes to its new slot, those that no longer fit are deleted, the oldest
/// first. May be repeated, and does nothing where nothing is to do: go through the hosts in bounded steps and note how far
/// it got. Until a host is done its rows must be read with the old length, from then on with the new one; with the wrong one
/// blocks are missed, never mistaken.
///
/// # Errors
/// As [`create`].
pub fn resize(sql: &Sql, host: HostId, tier: u8, ring_blocks: u64) -> Result<(), HubError> {
    let binds = || vec![host.into(), tier.into(), ring_blocks.max(1).into()];
    sql.exec(DELETE_UNFIT, binds())?;
    sql.exec(LEAVE_SLOTS, binds())?;
    sql.exec(TAKE_SLOTS, vec![host.into(), tier.into()]).map(drop)
}

/// The tier and the packed length of each block of a host, in bytes: as many rows read, and none of their bytes.
///
/// # Errors
/// As [`create`].
pub fn lengths(sql: &Sql, host: HostId) -> Result<Vec<(u8, u64)>, HubError> {
    let rows = sql.exec(LIST_LENGTHS, vec![host.into()])?;
    let length = |row: &Row| Ok((u8::try_from(row.whole(0)?).unwrap_or(u8::MAX), row.whole(1)?));
    rows.iter().map(length).collect()
}

/// The names of a host's own metrics, none where it never had any: 1 row read.
///
/// # Errors
/// As [`find`].
pub fn dictionary(sql: &Sql, host: HostId) -> Result<Dictionary, HubError> {
    match sql.exec(FIND_DICTIONARY, vec![host.into()])?.first() {
        Some(row) => Ok(Dictionary::decode(row.blob(0)?)?),
        None => Ok(Dictionary::default()),
    }
}

/// Stores a host's names: 1 row written, none when they are as they were. It goes before the block that uses them: a
/// dictionary with a name too many harms nothing, a block with an unknown id could not be read.
///
/// # Errors
/// As [`create`].
pub fn put_dictionary(sql: &Sql, host: HostId, dictionary: &Dictionary) -> Result<(), HubError> {
    sql.exec(PUT_DICTIONARY, vec![host.into(), dictionary.encode().into()]).map(drop)
}

/// Forgets a host: as many rows written as it had.
///
/// # Errors
/// As [`create`].
pub fn delete(sql: &Sql, host: HostId) -> Result<(), HubError> {
    sql.exec(DELETE_BLOCKS, vec![host.into()])?;
    sql.exec(DELETE_DICTIONARY, vec![host.into()]).map(drop)
}

fn slot(block_no: u64, ring_blocks: u64) -> u64 {
    block_no % ring_blocks.max(1)
}

/// The slots of the blocks `from..=to`, as one range or two.
fn slots(from: u64, to: u64, ring_blocks: u64) -> Vec<(u64, u64)> {
    let length = ring_blocks.max(1);
    let (first, last) = (from % length, to % length);
    if to - from >= length - 1 {
        vec![(0, length - 1)]
    } else if first <= last {
        vec![(first, last)]
    } else {
        vec![(first, length - 1), (0, last)]
    }
}

fn stored(tier: u8, mut row: Row) -> Result<StoredBlock, HubError> {
    Ok(StoredBlock {
        tier,
        block_no: row.whole(0)?,
        first_number: row.whole(1)?,
        last_number: row.whole(2)?,
        start_ms: row.int(3)?,
        end_ms: row.int(4)?,
        data: row.take_blob(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewatch_core::units::Step;

    const HOST: HostId = HostId(7);
    const RING: u64 = 4;

    fn sql() -> Sql {
        let sql = Sql::in_memory().unwrap();
        create(&sql).unwrap();
        create(&sql).unwrap();
        sql
    }

    fn block(block_no: u64, last_number: u64) -> StoredBlock {
        let at_ms = 1_795_361_190_000 + block_no.cast_signed();
        StoredBlock {
            tier: 0,
            block_no,
            first_number: last_number.saturating_sub(3),
            last_number,
            start_ms: at_ms,
            end_ms: at_ms + 9,
            data: last_number.to_le_bytes().repeat(200),
        }
    }

    fn numbers(sql: &Sql, from: u64, to: u64) -> Vec<u64> {
        range(sql, HOST, 0, RING, from..=to).unwrap().iter().map(|block| block.block_no).collect()
    }

    #[test]
    fn a_repeat_or_an_older_write_changes_nothing_and_costs_nothing() {
        let sql = sql();
        assert_eq!(put(&sql, HOST, RING, &block(9, 100)), Ok(true));
        assert_eq!(put(&sql, HOST, RING, &block(9, 100)), Ok(false), "a repeat");
        assert_eq!(put(&sql, HOST, RING, &block(9, 99)), Ok(false), "the same block, fewer samples");
        assert_eq!(put(&sql, HOST, RING, &block(5, 300)), Ok(false), "an older block that comes late");
        assert_eq!(sql.rows_written(), 1);
        assert_eq!(find(&sql, HOST, 0, RING, 9), Ok(Some(block(9, 100))));
        assert_eq!(put(&sql, HOST, RING, &block(9, 101)), Ok(true), "the same block, more samples");
        assert_eq!(put(&sql, HOST, RING, &block(13, 102)), Ok(true), "a newer block");
        assert_eq!(sql.rows_written(), 3);
        assert_eq!(find(&sql, HOST, 0, RING, 9), Ok(None));
        assert_eq!(find(&sql, HOST, 0, RING, 13), Ok(Some(block(13, 102))));
    }

    #[test]
    fn ranges_wrap_around_and_give_no_block_of_another_round() {
        let sql = sql();
        for number in 1..=6 {
            put(&sql, HOST, RING, &block(number, number * 10)).unwrap();
        }
        // Slots 0 to 3 hold 4, 5, 6, 3.
        assert_eq!(numbers(&sql, 3, 6), [3, 4, 5, 6]);
        assert_eq!(numbers(&sql, 0, u64::from(u32::MAX)), [3, 4, 5, 6]);
        assert_eq!(numbers(&sql, 3, 4), [3, 4]);
        assert_eq!(numbers(&sql, 5, 6), [5, 6]);
        assert_eq!(numbers(&sql, 1, 2), [0; 0], "overwritten");
        assert_eq!(numbers(&sql, 7, 8), [0; 0], "not there yet");
        #[expect(clippy::reversed_empty_ranges, reason = "what a caller may compute")]
        let none = range(&sql, HOST, 0, RING, 6..=3);
        assert_eq!(none, Ok(vec![]));
    }

    #[test]
    fn a_range_reads_its_rows_and_no_others() {
        let sql = sql();
        for number in 0..48 {
            put(&sql, HOST, 48, &block(number, number)).unwrap();
            put(&sql, HostId(8), 48, &block(number, number)).unwrap();
        }
        let before = sql.rows_read();
        assert_eq!(range(&sql, HOST, 0, 48, 10..=13).unwrap().len(), 4);
        assert_eq!(sql.rows_read() - before, 4);
        for (from, to, slots) in [(46, 49, vec![(46, 47), (0, 1)]), (48, 95, vec![(0, 47)]), (50, 97, vec![(0, 47)])] {
            assert_eq!(super::slots(from, to, 48), slots);
        }
    }

    #[test]
    fn tiers_and_hosts_are_apart() {
        let sql = sql();
        put(&sql, HOST, RING, &block(2, 5)).unwrap();
        put(&sql, HOST, RING, &StoredBlock { tier: 1, ..block(6, 6) }).unwrap();
        put(&sql, HostId(8), RING, &block(10, 7)).unwrap();
        let head = |host, tier| newest(&sql, host, tier).unwrap().map(|head| (head.block_no, head.last_number));
        assert_eq!(head(HOST, 0), Some((2, 5)));
        assert_eq!(head(HOST, 1), Some((6, 6)));
        assert_eq!(head(HostId(8), 0), Some((10, 7)));
        assert_eq!(head(HostId(9), 0), None);
        delete(&sql, HOST).unwrap();
        assert_eq!((head(HOST, 0), head(HOST, 1), head(HostId(8), 0)), (None, None, Some((10, 7))));
    }

    #[test]
    fn the_newest_block_is_the_one_of_the_highest_number() {
        let sql = sql();
        for number in 1..=6 {
            put(&sql, HOST, RING, &block(number, number * 10)).unwrap();
        }
        assert_eq!(newest(&sql, HOST, 0), Ok(Some(Head { block_no: 6, last_number: 60, end_ms: block(6, 60).end_ms })));
    }

    #[test]
    fn a_ring_gets_another_length_and_keeps_what_fits() {
        for (from, to) in [(4, 2), (4, 3), (3, 2), (4, 7), (2, 5), (5, 1), (4, 4)] {
            let sql = sql();
            for number in 1..=9 {
                put(&sql, HOST, from, &block(number, number * 10)).unwrap();
                put(&sql, HostId(8), from, &block(number, number * 10)).unwrap();
            }
            resize(&sql, HOST, 0, to).unwrap();
            let written = sql.rows_written();
            resize(&sql, HOST, 0, to).unwrap();
            assert_eq!(sql.rows_written(), written, "a second time");
            let held = |host, length| -> Vec<u64> {
                range(&sql, host, 0, length, 0..=100).unwrap().iter().map(|block| block.block_no).collect()
            };
            let kept: Vec<u64> = (10 - from.min(to)..=9).collect();
            assert_eq!(held(HOST, to), kept, "{from} to {to}");
            for number in kept {
                assert_eq!(find(&sql, HOST, 0, to, number), Ok(Some(block(number, number * 10))));
            }
            assert_eq!(held(HostId(8), from).len() as u64, from, "another host's");
            put(&sql, HOST, to, &block(10, 100)).unwrap();
            assert_eq!(held(HOST, to).len() as u64, to.min(from.min(to) + 1));
        }
    }

    #[test]
    fn blocks_whose_numbers_ran_ahead_are_found_by_their_time() {
        use edgewatch_core::blocks::tiers::SAMPLES;
        let sql = sql();
        let first = SAMPLES.block_no(HOST, 1_795_361_190_000);
        let began_ms = SAMPLES.start_ms(HOST, first);
        // Blocks that are full after an hour each, three times as fast as the clock.
        for ahead in 0_u64..30 {
            let start_ms = began_ms + ahead.cast_signed() * 3_600_000;
            let bounds = StoredBlock { start_ms, end_ms: start_ms + 3_590_000, ..block(first + ahead, ahead + 1) };
            put(&sql, HOST, 48, &bounds).unwrap();
        }
        let at = |tens: i64| began_ms + tens * 360_000;
        let found = |from, to| -> Vec<u64> {
            let blocks = in_time(&sql, HOST, SAMPLES, 48, at(from), at(to)).unwrap();
            blocks.iter().map(|block| block.block_no - first).collect()
        };
        assert_eq!(found(0, 10), [0]);
        assert_eq!(found(0, 60), [0, 1, 2, 3, 4, 5]);
        assert_eq!(found(60, 90), [6, 7, 8]);
        assert_eq!(found(290, 300), [29]);
        assert_eq!(found(10, 10), [0; 0]);
        let before = sql.rows_read();
        assert_eq!(found(-60, 10), [0]);
        assert_eq!(sql.rows_read() - before, 1);
    }

    #[test]
    fn a_dictionary_is_written_when_it_changed() {
        let sql = sql();
        assert_eq!(dictionary(&sql, HOST), Ok(Dictionary::default()));
        let mut names = Dictionary::default();
        names.assign("temperature/cpu", Step::Tenths).unwrap();
        put_dictionary(&sql, HOST, &names).unwrap();
        put_dictionary(&sql, HOST, &names).unwrap();
        assert_eq!(sql.rows_written(), 1);
        assert_eq!(dictionary(&sql, HOST), Ok(names));
    }
}
