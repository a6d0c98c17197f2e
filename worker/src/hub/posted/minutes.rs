//! The minutes of what is posted: of each the values that came last.

use edgewatch_core::blocks::Row;
use edgewatch_core::blocks::rollup::{MINUTE, latest};
use edgewatch_core::blocks::tiers::{MINUTES, Rings, SAMPLES};
use edgewatch_core::model::HostId;

use crate::hub::rings::{self, StoredBlock};
use crate::hub::sql::Sql;
use crate::hub::{HubError, rows};

/// The largest block of minutes that is stored, bytes: six hours of 600 metrics to the last bit. The object's database takes 2 MB.
const MAX_BLOCK_BYTES: usize = 1_900_000;

/// The minutes that begin in a time: those that were rolled up, under all samples that are left of it; `pending` are those that lie in
/// no ring yet. Samples may lie in any block, so all blocks of samples are looked at: at most as many rows read as their
/// ring is long, and those of the minutes.
///
/// # Errors
/// [`HubError::Refused`] in the platform's words; [`HubError::Corrupt`] when a stored block cannot be read.
pub fn rows_of_time(
    sql: &Sql,
    id: HostId,
    rings: &Rings,
    from_ms: i64,
    to_ms: i64,
    pending: &[Row],
) -> Result<Vec<Row>, HubError> {
    let held_from_ms = MINUTE.start_ms(MINUTE.window(from_ms));
    let mut held: Vec<Row> = Vec::new();
    for stored in rings::in_time(sql, id, MINUTES, rings.of(MINUTES), held_from_ms, to_ms)? {
        held.extend(stored.block()?.rows().filter(|row| (held_from_ms..to_ms).contains(&row.at_ms)));
    }
    let samples = samples_of_time(sql, id, rings, held_from_ms, to_ms)?;
    let pending = pending.iter().filter(|row| (held_from_ms..to_ms).contains(&row.at_ms));
    Ok(latest(&held, samples.iter().chain(pending)))
}

/// The samples of a time that lie in rings, in no order.
pub fn samples_of_time(sql: &Sql, id: HostId, rings: &Rings, from_ms: i64, to_ms: i64) -> Result<Vec<Row>, HubError> {
    let mut samples = Vec::new();
    for stored in rings::whole(sql, id, SAMPLES, rings.of(SAMPLES))? {
        if stored.end_ms >= from_ms && stored.start_ms < to_ms {
            samples.extend(stored.block()?.rows().filter(|row| (from_ms..to_ms).contains(&row.at_ms)));
        }
    }
    Ok(samples)
}

/// Writes the minutes of a block; gives whether a row was written: not when the block has them all. It may be called at any time,
/// and as often.
///
/// # Errors
/// As [`rows_of_time`].
pub fn write(sql: &Sql, id: HostId, rings: &Rings, block_no: u64) -> Result<bool, HubError> {
    let (from_ms, to_ms) = (MINUTES.start_ms(id, block_no), MINUTES.end_ms(id, block_no));
    let before = rings::find(sql, id, MINUTES.number, rings.of(MINUTES), block_no)?;
    // What cannot be read holds nothing that could be kept.
    let held: Vec<Row> =
        before.as_ref().and_then(|stored| stored.block().ok()).map(|block| block.rows().collect()).unwrap_or_default();
    let samples = samples_of_time(sql, id, rings, from_ms, to_ms)?;
    let rows = latest(&held, &samples);
    if rows == held {
        return Ok(false);
    }
    let numbers = || samples.iter().map(|row| row.number);
    let (block, data) = rows::fitting_within(&rows, MAX_BLOCK_BYTES);
    let (Some(start_ms), Some(end_ms)) = (block.times_ms().first(), block.times_ms().last()) else { return Ok(false) };
    let stored = StoredBlock {
        tier: MINUTES.number,
        block_no,
        first_number: numbers().chain(before.iter().map(|stored| stored.first_number)).min().unwrap_or_default(),
        last_number: numbers().chain(before.iter().map(|stored| stored.last_number)).max().unwrap_or_default(),
        start_ms: *start_ms,
        end_ms: end_ms.saturating_add(MINUTES.step_ms() - 1),
        data,
    };
    let put = if before.is_some() { rings::replace } else { rings::put };
    put(sql, id, rings.of(MINUTES), &stored)
}

/// As [`write`]; samples that cannot be read cost their own minutes, and nothing that comes.
///
/// # Errors
/// [`HubError::Refused`] in the platform's words.
pub fn write_if_whole(sql: &Sql, id: HostId, rings: &Rings, block_no: u64) -> Result<(), HubError> {
    match write(sql, id, rings, block_no) {
        Ok(_) | Err(HubError::Corrupt(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
