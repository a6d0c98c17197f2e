//! The last results as they came: in memory compressed, and in D1 once an hour, or when a check changed its state.

use std::collections::BTreeMap;

use edgewatch_core::dialects::openitcockpit::result::Document;
use edgewatch_core::model::HostId;
use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde_json::value::RawValue;

use crate::hub::HubError;
use crate::hub::directory;
use crate::hub::sql::Sql;

/// When D1 got which result: JSON, by the host's number its second and how its checks stood.
const STORED_KEY: &str = "stored_results";
/// D1 gets a result so often while no check changes, seconds.
const STORE_EVERY_S: i64 = 3_600;
/// And so often at most, however often checks change.
const STORE_AT_MOST_S: i64 = 60;
/// Compressed results in memory, bytes in all; beyond them the oldest are to be had from D1 alone.
const MAX_HELD_BYTES: usize = 16 * 1024 * 1024;
/// A compressed result that is kept weighs no more, bytes: as text for D1, which takes 2 MB, it is twice as long.
pub const MAX_PACKED_BYTES: usize = 700_000;

/// A result as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// When it came.
    pub at: UnixSeconds,
    /// Bytes of what came.
    pub size_bytes: u64,
    /// Whether groups were left out of it.
    pub is_trimmed: bool,
    /// Gzip of JSON.
    pub packed: Vec<u8>,
}

/// What is kept of the hosts of a shard.
#[derive(Debug, Default)]
pub struct Results {
    held: BTreeMap<HostId, Kept>,
    details_ms: BTreeMap<HostId, i64>,
    /// Once it was read.
    stored: Option<BTreeMap<i64, (i64, u64)>>,
}

impl Results {
    /// When single things of a host were told last, ms; 0 when that is not known.
    pub fn details_ms(&self, id: HostId) -> i64 {
        self.details_ms.get(&id).copied().unwrap_or(0)
    }

    /// Notes that they were.
    pub fn note_details(&mut self, id: HostId, now: UnixMillis) {
        self.details_ms.insert(id, now.0);
    }

    /// The last result of a host, where it is in memory.
    pub fn held(&self, id: HostId) -> Option<&Kept> {
        self.held.get(&id)
    }

    /// Keeps a result in memory.
    pub fn hold(&mut self, id: HostId, kept: Kept) {
        self.held.insert(id, kept);
        while self.held.values().map(|kept| kept.packed.len()).sum::<usize>() > MAX_HELD_BYTES {
            let oldest = self.held.iter().min_by_key(|(_, kept)| kept.at).map(|(id, _)| *id);
            let Some(oldest) = oldest else { break };
            self.held.remove(&oldest);
        }
    }

    /// A host is no more, or another shard's.
    pub fn forget(&mut self, id: HostId) {
        self.held.remove(&id);
        self.details_ms.remove(&id);
    }

    /// Whether D1 is to get a result in which the checks stand so. Reads a row the first time.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn is_due(&mut self, sql: &Sql, id: HostId, standing: u64, now: UnixSeconds) -> Result<bool, HubError> {
        let stored = self.stored(sql)?;
        let Some((at_s, stood)) = stored.get(&id.0).copied() else { return Ok(true) };
        let age_s = now.0.saturating_sub(at_s);
        let every_s = if stood == standing { STORE_EVERY_S } else { STORE_AT_MOST_S };
        Ok(age_s >= every_s || age_s < 0)
    }

    /// D1 got a result: 1 row written.
    ///
    /// # Errors
    /// As [`Results::is_due`].
    pub fn note_stored(&mut self, sql: &Sql, id: HostId, standing: u64, now: UnixSeconds) -> Result<(), HubError> {
        let stored = self.stored(sql)?;
        stored.insert(id.0, (now.0, standing));
        // Of hosts that are no more.
        stored.retain(|_, (at_s, _)| now.0.saturating_sub(*at_s) < 2 * 86_400);
        let text = serde_json::to_string(stored).map_err(|error| HubError::Corrupt(error.to_string()))?;
        directory::put_meta(sql, STORED_KEY, &text)
    }

    fn stored(&mut self, sql: &Sql) -> Result<&mut BTreeMap<i64, (i64, u64)>, HubError> {
        if self.stored.is_none() {
            let text = directory::meta(sql, STORED_KEY)?;
            // What cannot be read costs a write for each host.
            self.stored = Some(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default());
        }
        Ok(self.stored.get_or_insert_default())
    }
}

/// How the checks of a result stand, as a number: another one when one of them changed.
pub fn standing(document: &Document) -> u64 {
    // FNV-1a.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut mix = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for report in document.reports(UnixSeconds(0)) {
        report.name.bytes().for_each(&mut mix);
        mix(report.severity.map_or(0, |severity| severity as u8 + 1));
    }
    // JSON numbers are exact to 2^53.
    hash >> 11
}

/// The result without its largest group, and which that was; `None` when nothing is left to leave out.
pub fn without_largest(text: &str) -> Option<(String, String)> {
    let mut groups: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let largest = groups.iter().max_by_key(|(_, value)| value.get().len()).map(|(name, _)| name.clone())?;
    groups.remove(&largest);
    Some((serde_json::to_string(&groups).ok()?, largest))
}
