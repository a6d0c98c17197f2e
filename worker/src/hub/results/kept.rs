//! The last results as they came: compressed, in the journal's row of their host. D1 has an older one, for the time in which a host
//! moves to another shard.
//!
//! The bytes in the row:
//! ```text
//! u32  length of the head, little-endian, then that: JSON
//! the result: gzip of JSON
//! ```

use std::collections::BTreeMap;

use edgewatch_core::domain::twins::{MARKS, Mark, take_turns};
use edgewatch_core::model::HostId;
use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::hub::HubError;
use crate::hub::journal;
use crate::hub::sql::Sql;

/// D1 gets a result so often, seconds: 4 rows a day and host.
const STORE_EVERY_S: i64 = 6 * 3_600;
/// Two machines in one agent's name are noted so often, seconds.
const NOTE_EVERY_S: i64 = 3_600;
/// And told so often.
const TELL_EVERY_S: i64 = 86_400;
/// A compressed result that is kept weighs no more, bytes: as base64 for D1 it is 1.33 MB, of the 1.5 MB that a statement may have, and
/// the journal's row of at most 2 MB has a block's samples beside it.
pub const MAX_PACKED_BYTES: usize = 1_000_000;

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

/// What is known of a result, and of those before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Head {
    at_s: i64,
    size_bytes: u64,
    is_trimmed: bool,
    /// When D1 got one.
    stored_s: Option<i64>,
    /// What the last ones tell of their machines: when started, from where, when they came (ms).
    marks: Vec<(Option<i64>, String, i64)>,
    /// When it was noted last that two machines push them, and when that was told.
    noted_s: Option<i64>,
    told_s: Option<i64>,
}

/// What is to be done about two machines that push in one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Twins {
    /// D1 is to know.
    pub is_noted: bool,
    /// People are.
    pub is_told: bool,
}

/// What is in memory of results of the hosts of a shard.
#[derive(Debug, Default)]
pub struct Results {
    heads: BTreeMap<HostId, Head>,
    details_ms: BTreeMap<HostId, i64>,
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

    /// What is known of the last result of a host. Reads a row the first time.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn head(&mut self, sql: &Sql, id: HostId) -> Result<Head, HubError> {
        if let Some(head) = self.heads.get(&id) {
            return Ok(head.clone());
        }
        let stored = journal::result(sql, id)?;
        // One that cannot be read costs a write in D1.
        let head = stored.and_then(|bytes| decode(&bytes)).map(|(head, _)| head).unwrap_or_default();
        self.heads.insert(id, head.clone());
        Ok(head)
    }

    /// Keeps it.
    pub fn put_head(&mut self, id: HostId, head: Head) {
        self.heads.insert(id, head);
    }

    /// D1 got a result of a host.
    pub fn note_stored(&mut self, id: HostId, now: UnixSeconds) {
        self.heads.entry(id).or_default().stored_s = Some(now.0);
    }

    /// A host is no more, another shard's, or has another result than before.
    pub fn forget(&mut self, id: HostId) {
        self.heads.remove(&id);
        self.details_ms.remove(&id);
    }
}

impl Head {
    /// The head of the next result.
    #[must_use]
    pub fn next(mut self, kept: &Kept) -> Self {
        (self.at_s, self.size_bytes, self.is_trimmed) = (kept.at.0, kept.size_bytes, kept.is_trimmed);
        self
    }

    /// Notes what a result tells of its machine, and what is to be done when it is another one than that of the results before.
    pub fn mark(&mut self, mark: &Mark, period_s: u32) -> Twins {
        let known: Vec<Mark> = self.marks.iter().map(mark_of).collect();
        let are_two = take_turns(&known, mark, period_s);
        self.marks.push((mark.started.map(|at| at.0), mark.address.clone(), mark.at.0));
        let surplus = self.marks.len().saturating_sub(MARKS);
        self.marks.drain(..surplus);
        let now_s = mark.at.seconds().0;
        let is_due = |last: Option<i64>, every_s: i64| are_two && is_over(last, every_s, now_s);
        let twins = Twins { is_noted: is_due(self.noted_s, NOTE_EVERY_S), is_told: is_due(self.told_s, TELL_EVERY_S) };
        if twins.is_noted {
            self.noted_s = Some(now_s);
        }
        if twins.is_told {
            self.told_s = Some(now_s);
        }
        twins
    }

    /// Whether D1 is to get a result.
    pub fn is_due(&self, now: UnixSeconds) -> bool {
        is_over(self.stored_s, STORE_EVERY_S, now.0)
    }
}

/// Whether so long has passed since; a clock that stepped back has passed it.
fn is_over(last_s: Option<i64>, every_s: i64, now_s: i64) -> bool {
    last_s.is_none_or(|last_s| !(0..every_s).contains(&now_s.saturating_sub(last_s)))
}

fn mark_of((started, address, at_ms): &(Option<i64>, String, i64)) -> Mark {
    Mark { started: started.map(UnixSeconds), address: address.clone(), at: UnixMillis(*at_ms) }
}

/// The bytes of the row.
///
/// # Errors
/// [`HubError::Corrupt`] when they cannot be written.
pub fn encode(head: &Head, packed: &[u8]) -> Result<Vec<u8>, HubError> {
    let corrupt = |detail: String| HubError::Corrupt(detail);
    let head = serde_json::to_vec(head).map_err(|error| corrupt(error.to_string()))?;
    let length = u32::try_from(head.len()).map_err(|error| corrupt(error.to_string()))?;
    Ok([&length.to_le_bytes(), head.as_slice(), packed].concat())
}

/// What [`encode`] wrote; `None` for anything else.
pub fn decode(bytes: &[u8]) -> Option<(Head, Vec<u8>)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (head, packed) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    Some((serde_json::from_slice(head).ok()?, packed.to_vec()))
}

/// The result in the bytes of a row.
pub fn kept(bytes: &[u8]) -> Option<Kept> {
    let (Head { at_s, size_bytes, is_trimmed, .. }, packed) = decode(bytes)?;
    Some(Kept { at: UnixSeconds(at_s), size_bytes, is_trimmed, packed })
}

/// Whether the result in these bytes is newer than the one in those.
pub fn is_newer(bytes: &[u8], than: Option<&[u8]>) -> bool {
    let at_s = |bytes: &[u8]| decode(bytes).map(|(head, _)| head.at_s);
    at_s(bytes).is_some_and(|one| than.and_then(at_s).is_none_or(|other| one > other))
}

/// The result without its largest group, and which that was; `None` when nothing is left to leave out.
pub fn without_largest(text: &str) -> Option<(String, String)> {
    let mut groups: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let largest = groups.iter().max_by_key(|(_, value)| value.get().len()).map(|(name, _)| name.clone())?;
    groups.remove(&largest);
    Some((serde_json::to_string(&groups).ok()?, largest))
}
