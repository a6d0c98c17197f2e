//! Lists of hosts on their way to a reader. Of one shard the list comes whole, and the Worker hands it on as it is. Of several it comes
//! in parts: what each has written of its hosts, behind what the Worker needs to lay them together without reading them.
//!
//! A part is the number of hosts, u32; for each its display index and its number, i64, and the length of what is written of it, u32;
//! then what is written, one behind the other. Little-endian.

use std::cmp::Reverse;

use edgewatch_core::model::{Form, HostId, Listing};
use serde::{Deserialize, Serialize};

use super::HubError;

/// Which hosts somebody wants to know of, and how they are to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListRequest {
    /// The form's name.
    pub form: String,
    /// These hosts; every one when there is no list.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ids: Option<Vec<i64>>,
    /// Those of this group.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tag: Option<String>,
    /// Those alone that guests may see.
    #[serde(default)]
    pub for_guests: bool,
    /// The whole list: in the order asked for, repeats kept. Else a part of it: each host once, by number.
    pub is_whole: bool,
}

/// Where a host stands in a list of all: those with a higher display index first, then by number.
pub const fn place(display_index: i64, id: HostId) -> (Reverse<i64>, HostId) {
    (Reverse(display_index), id)
}

/// A part while it is written.
#[derive(Debug, Default)]
pub struct Part {
    count: u32,
    index: Vec<u8>,
    written: Vec<u8>,
}

impl Part {
    /// Adds a host.
    ///
    /// # Errors
    /// As `write`; [`HubError::Corrupt`] for more than fits the index.
    pub fn add(
        &mut self,
        display_index: i64,
        id: HostId,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), HubError>,
    ) -> Result<(), HubError> {
        let before = self.written.len();
        write(&mut self.written)?;
        let length = u32::try_from(self.written.len() - before);
        let length = length.map_err(|_| HubError::Corrupt("a host that is too long".to_owned()))?;
        self.index.extend(display_index.to_le_bytes());
        self.index.extend(id.0.to_le_bytes());
        self.index.extend(length.to_le_bytes());
        self.count += 1;
        Ok(())
    }

    /// The part.
    pub fn finish(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 + self.index.len() + self.written.len());
        bytes.extend(self.count.to_le_bytes());
        bytes.extend(self.index);
        bytes.extend(self.written);
        bytes
    }
}

/// What is written of one host of a part.
struct Written<'a> {
    display_index: i64,
    id: HostId,
    text: &'a [u8],
}

/// The list that the parts make: in the order of `ids`, repeats kept, or that of the list of all.
///
/// # Errors
/// [`HubError::Corrupt`] for what is no part.
pub fn assemble(form: &'static Form, parts: &[Vec<u8>], ids: Option<&[HostId]>) -> Result<Vec<u8>, HubError> {
    let mut hosts = Vec::new();
    for part in parts {
        hosts.extend(read(part).ok_or_else(|| HubError::Corrupt("a part of a list".to_owned()))?);
    }
    let mut listing = Listing::new(form, parts.iter().map(Vec::len).sum());
    let add = |host: &Written| listing.add(|bytes| bytes.extend_from_slice(host.text));
    if let Some(ids) = ids {
        hosts.sort_unstable_by_key(|host| host.id);
        let find = |id: &HostId| hosts.binary_search_by_key(id, |host| host.id).ok();
        ids.iter().filter_map(|id| hosts.get(find(id)?)).for_each(add);
    } else {
        hosts.sort_unstable_by_key(|host| place(host.display_index, host.id));
        hosts.iter().for_each(add);
    }
    Ok(listing.finish())
}

fn read(part: &[u8]) -> Option<Vec<Written<'_>>> {
    const ENTRY: usize = 20;
    let (count, rest) = part.split_first_chunk::<4>()?;
    let index_bytes = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(ENTRY)?;
    let (index, mut rest) = rest.split_at_checked(index_bytes)?;
    let host = |entry: &[u8]| {
        let (display_index, entry) = entry.split_first_chunk::<8>()?;
        let (id, entry) = entry.split_first_chunk::<8>()?;
        let (length, _) = entry.split_first_chunk::<4>()?;
        let (text, behind) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        rest = behind;
        Some(Written { display_index: i64::from_le_bytes(*display_index), id: HostId(i64::from_le_bytes(*id)), text })
    };
    let hosts: Option<Vec<Written<'_>>> = index.chunks_exact(ENTRY).map(host).collect();
    hosts.filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewatch_core::dialects::FORMS;

    fn part(hosts: &[(i64, i64)]) -> Vec<u8> {
        let mut part = Part::default();
        for (display_index, id) in hosts {
            let text = format!("\"{id}\"");
            part.add(*display_index, HostId(*id), |bytes| {
                bytes.extend(text.into_bytes());
                Ok(())
            })
            .unwrap();
        }
        part.finish()
    }

    fn whole(parts: &[Vec<u8>], ids: Option<&[i64]>) -> Vec<u64> {
        let ids: Option<Vec<HostId>> = ids.map(|ids| ids.iter().copied().map(HostId).collect());
        let list: serde_json::Value =
            serde_json::from_slice(&assemble(FORMS[0], parts, ids.as_deref()).unwrap()).unwrap();
        list["result"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn parts_of_shards_make_the_list_that_one_shard_would_give() {
        let parts = [part(&[(0, 1), (0, 4), (-2, 6)]), part(&[]), part(&[(0, 2), (7, 3), (0, 5)])];
        assert_eq!(whole(&parts, None), [3, 1, 2, 4, 5, 6]);
        assert_eq!(whole(&parts, Some(&[5, 1, 99, 5])), [5, 1, 5]);
        assert_eq!((whole(&parts, Some(&[])), whole(&[], None)), (vec![], vec![]));
    }

    #[test]
    fn what_is_no_part_is_an_error() {
        let good = part(&[(0, 1), (0, 4)]);
        let longer = [&good[..], b" "].concat();
        let damaged = (0..good.len()).map(|end| good[..end].to_vec()).chain([longer, b"<!DOCTYPE html>".to_vec()]);
        for bytes in damaged {
            assert!(assemble(FORMS[0], &[bytes], None).is_err());
        }
    }
}
