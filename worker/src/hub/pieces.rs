//! What was written of hosts for readers. A list of many hosts is put together of pieces that are there; only those of hosts that
//! changed since are written anew. Nothing is written for nobody: pieces are made when somebody reads, and forgotten when nobody does.

use std::collections::BTreeMap;

use edgewatch_core::dialects::FORMS;
use edgewatch_core::model::{Form, HostId, Listing, Piece};
use edgewatch_core::units::UnixMillis;

use super::HubError;
use super::listing::{ListRequest, Part, place};
use super::shard::Shard;
use super::tracked::Tracked;

/// Pieces that nobody read for so long are forgotten, ms.
const KEPT_MS: i64 = 300_000;
/// So much is kept; what goes beyond is written each time. A host takes about 2 kB in all of Nezha's forms and as
/// much in that of Prometheus, its texts have caps.
const MOST_BYTES: usize = 16 << 20;
/// What a piece takes beside what is written.
const PIECE_BYTES: usize = 96;

/// The pieces of all forms.
#[derive(Debug, Default)]
pub struct Pieces {
    /// By the form's name.
    kept: BTreeMap<&'static str, BTreeMap<HostId, Kept>>,
    bytes: usize,
    read_ms: i64,
}

#[derive(Debug)]
struct Kept {
    piece: Piece,
    /// The host's when this was written of it.
    stamp: u64,
}

impl Pieces {
    /// The hosts that somebody wants, whole or as a part, and which ones they are.
    ///
    /// # Errors
    /// [`HubError::Corrupt`] for a form that is not known, and when a host cannot be written.
    pub fn list(
        &mut self,
        shard: &Shard,
        wanted: &ListRequest,
        now: UnixMillis,
    ) -> Result<(Vec<u8>, Vec<HostId>), HubError> {
        let form = FORMS.into_iter().find(|form| form.name == wanted.form);
        let form = form.ok_or_else(|| HubError::Corrupt(format!("no form is named {}", wanted.form)))?;
        self.read_ms = now.0;
        self.forget_strangers(shard);
        let mut hosts = shard.select(wanted.ids.as_deref(), wanted.tag.as_deref(), wanted.for_guests);
        hosts.retain(|tracked| (form.of)(&tracked.entry.host));
        let list =
            if wanted.is_whole { self.whole(form, &hosts, wanted.ids.as_deref())? } else { self.part(form, &hosts)? };
        Ok((list, hosts.iter().map(|tracked| tracked.id()).collect()))
    }

    /// Writes every host as `form` says, by number, with nothing between two of them.
    ///
    /// # Errors
    /// [`HubError::Corrupt`] when a host cannot be written.
    pub fn write_all(
        &mut self,
        form: &'static Form,
        shard: &Shard,
        now: UnixMillis,
        bytes: &mut Vec<u8>,
    ) -> Result<(), HubError> {
        self.read_ms = now.0;
        self.forget_strangers(shard);
        let hosts = shard.select(None, None, false);
        bytes.reserve(hosts.len() * self.usual_bytes(form));
        hosts.iter().try_for_each(|tracked| self.write(form, tracked, bytes))
    }

    /// What is kept, in bytes.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets everything when nobody has read for long.
    pub fn forget_unread(&mut self, now: UnixMillis) {
        if !(0..KEPT_MS).contains(&now.0.saturating_sub(self.read_ms)) {
            *self = Self::default();
        }
    }

    fn whole(&mut self, form: &'static Form, hosts: &[&Tracked], ids: Option<&[i64]>) -> Result<Vec<u8>, HubError> {
        let ordered: Vec<&Tracked> = if let Some(ids) = ids {
            // They come by number.
            let find = |id: &i64| hosts.binary_search_by_key(id, |tracked| tracked.id().0).ok();
            ids.iter().filter_map(|id| hosts.get(find(id)?).copied()).collect()
        } else {
            let mut all = hosts.to_vec();
            all.sort_unstable_by_key(|tracked| place(tracked.entry.host.display_index, tracked.id()));
            all
        };
        let mut listing = Listing::new(form, ordered.len() * self.usual_bytes(form));
        for tracked in ordered {
            let mut written = Ok(());
            listing.add(|bytes| written = self.write(form, tracked, bytes));
            written?;
        }
        Ok(listing.finish())
    }

    fn part(&mut self, form: &'static Form, hosts: &[&Tracked]) -> Result<Vec<u8>, HubError> {
        let mut part = Part::default();
        for tracked in hosts {
            let display_index = tracked.entry.host.display_index;
            part.add(display_index, tracked.id(), |bytes| self.write(form, tracked, bytes))?;
        }
        Ok(part.finish())
    }

    /// How long the first piece that is kept is, with what belongs around it.
    fn usual_bytes(&self, form: &Form) -> usize {
        const AROUND: usize = 32;
        let first = self.kept.get(form.name).and_then(|kept| kept.first_key_value());
        first.map_or(0, |(_, kept)| kept.piece.len() + AROUND)
    }

    /// Writes a host from its piece, which is made when there is none of how the host is now.
    fn write(&mut self, form: &'static Form, tracked: &Tracked, bytes: &mut Vec<u8>) -> Result<(), HubError> {
        let (id, stamp, seen) = (tracked.id(), tracked.stamp(), (form.seen)(tracked.last_seen()));
        let kept = self.kept.entry(form.name).or_default();
        if let Some(kept) = kept.get(&id).filter(|kept| kept.stamp == stamp) {
            kept.piece.write_to(&seen, bytes);
            return Ok(());
        }
        let piece = (form.write)(tracked.host()).map_err(|failure| HubError::Corrupt(failure.to_string()))?;
        piece.write_to(&seen, bytes);
        if let Some(before) = kept.remove(&id) {
            self.bytes -= before.bytes();
        }
        let new = Kept { piece, stamp };
        if self.bytes + new.bytes() <= MOST_BYTES {
            self.bytes += new.bytes();
            kept.insert(id, new);
        }
        Ok(())
    }

    /// Forgets hosts that are no more, when there are any.
    fn forget_strangers(&mut self, shard: &Shard) {
        let hosts = shard.iter().count();
        for kept in self.kept.values_mut().filter(|kept| kept.len() > hosts) {
            kept.retain(|id, kept| {
                let is_known = shard.get(*id).is_some();
                self.bytes -= if is_known { 0 } else { kept.bytes() };
                is_known
            });
        }
    }
}

impl Kept {
    const fn bytes(&self) -> usize {
        self.piece.len() + PIECE_BYTES
    }
}

#[cfg(test)]
mod tests;
