//! What one call carries when a host is handed over. Its bytes:
//! ```text
//! u32  length of the head, little-endian, then that: JSON, with the length of each block's bytes
//! the dictionary's bytes, then each block's, then the last result's
//! ```

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::domain::address_change::Told;
use edgewatch_core::model::Host;
use serde::{Deserialize, Serialize};

use crate::hub::HubError;
use crate::hub::rings::StoredBlock;
use crate::hub::wire::HostWire;

/// The most bytes of blocks in one call, unless one block alone is larger; the dictionary has at most 128 kB more, and a
/// result 1 MB.
pub const MAX_BYTES: usize = 1_300_000;

/// A host, or a part of what there is of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    /// The host as the shard that hands it over knew it.
    pub host: Host,
    /// Samples up to this number are stored.
    pub durable: u64,
    /// When it was last heard from there, ms since 1970.
    pub seen_ms: i64,
    /// Seconds between its samples and between its reports, when it posts.
    pub post_pace: Option<(u32, u32)>,
    /// The last day whose coarse history is in D1, as a block number.
    pub coarse_done: Option<u64>,
    /// The time of the oldest row in all of the host's parcels, ms since 1970.
    pub from_ms: Option<i64>,
    /// What people know of its addresses, where that is more than those.
    pub told: Option<Told>,
    /// Its alerts, as the object keeps them; empty where all is at rest.
    pub alerts: String,
    /// The last result as it came, as the journal keeps it, in the last parcel; empty where there is none.
    pub result: Vec<u8>,
    /// Whether nothing more comes behind it.
    pub is_last: bool,
    /// The host's names.
    pub dictionary: Dictionary,
    /// Its blocks of the fine tiers, minutes first.
    pub blocks: Vec<StoredBlock>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    host: HostWire,
    durable: u64,
    seen_ms: i64,
    post_pace: Option<(u32, u32)>,
    coarse_done: Option<u64>,
    from_ms: Option<i64>,
    #[serde(default)]
    alerts: String,
    is_last: bool,
    dictionary_bytes: usize,
    #[serde(default)]
    result_bytes: usize,
    blocks: Vec<BlockHead>,
}

#[derive(Serialize, Deserialize)]
struct BlockHead {
    tier: u8,
    block_no: u64,
    first_number: u64,
    last_number: u64,
    start_ms: i64,
    end_ms: i64,
    bytes: usize,
}

impl Parcel {
    /// The same in parcels that are small enough, in order.
    pub fn split(mut self) -> Vec<Self> {
        let (blocks, result) = (std::mem::take(&mut self.blocks), std::mem::take(&mut self.result));
        let mut parcels = vec![Self { is_last: false, ..self.clone() }];
        let mut bytes = 0;
        for stored in blocks {
            if bytes > 0 && bytes + stored.data.len() > MAX_BYTES {
                parcels.push(Self { is_last: false, ..self.clone() });
                bytes = 0;
            }
            bytes += stored.data.len();
            if let Some(parcel) = parcels.last_mut() {
                parcel.blocks.push(stored);
            }
        }
        if let Some(parcel) = parcels.last_mut() {
            (parcel.is_last, parcel.result) = (self.is_last, result);
        }
        parcels
    }

    /// The body of a call.
    ///
    /// # Errors
    /// [`HubError::Corrupt`] when it cannot be written.
    pub fn encode(&self) -> Result<Vec<u8>, HubError> {
        let corrupt = |detail: String| HubError::Corrupt(detail);
        let dictionary = self.dictionary.encode();
        let head = |stored: &StoredBlock| BlockHead {
            tier: stored.tier,
            block_no: stored.block_no,
            first_number: stored.first_number,
            last_number: stored.last_number,
            start_ms: stored.start_ms,
            end_ms: stored.end_ms,
            bytes: stored.data.len(),
        };
        let head = Head {
            host: HostWire::of(&self.host, self.told.as_ref()),
            durable: self.durable,
            seen_ms: self.seen_ms,
            post_pace: self.post_pace,
            coarse_done: self.coarse_done,
            from_ms: self.from_ms,
            alerts: self.alerts.clone(),
            is_last: self.is_last,
            dictionary_bytes: dictionary.len(),
            result_bytes: self.result.len(),
            blocks: self.blocks.iter().map(head).collect(),
        };
        let head = serde_json::to_vec(&head).map_err(|error| corrupt(error.to_string()))?;
        let length = u32::try_from(head.len()).map_err(|error| corrupt(error.to_string()))?;
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend(head);
        bytes.extend(dictionary);
        self.blocks.iter().for_each(|stored| bytes.extend(&stored.data));
        bytes.extend(&self.result);
        Ok(bytes)
    }

    /// The parcel in the body of a call.
    ///
    /// # Errors
    /// [`HubError::Corrupt`] when that is none.
    pub fn decode(bytes: &[u8]) -> Result<Self, HubError> {
        let corrupt = || HubError::Corrupt("a parcel cannot be read".to_owned());
        let mut rest = bytes;
        let mut take = |length: usize| {
            let (part, behind) = rest.split_at_checked(length).ok_or_else(corrupt)?;
            rest = behind;
            Ok::<&[u8], HubError>(part)
        };
        let length = u32::from_le_bytes(take(4)?.try_into().map_err(|_| corrupt())?);
        let head = take(usize::try_from(length).map_err(|_| corrupt())?)?;
        let mut head: Head = serde_json::from_slice(head).map_err(|error| HubError::Corrupt(error.to_string()))?;
        let dictionary = Dictionary::decode(take(head.dictionary_bytes)?)?;
        let mut blocks = Vec::with_capacity(head.blocks.len());
        for one in head.blocks {
            blocks.push(StoredBlock {
                tier: one.tier,
                block_no: one.block_no,
                first_number: one.first_number,
                last_number: one.last_number,
                start_ms: one.start_ms,
                end_ms: one.end_ms,
                data: take(one.bytes)?.to_vec(),
            });
        }
        Ok(Self {
            told: head.host.told.take().map(Told::from),
            host: Host::try_from(head.host)?,
            durable: head.durable,
            seen_ms: head.seen_ms,
            post_pace: head.post_pace,
            coarse_done: head.coarse_done,
            from_ms: head.from_ms,
            alerts: head.alerts,
            result: take(head.result_bytes)?.to_vec(),
            is_last: head.is_last,
            dictionary,
            blocks,
        })
    }
}
