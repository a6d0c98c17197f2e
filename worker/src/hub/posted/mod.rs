//! What others than our agent post of hosts, and of services: kept beside what our agent reports, under a number of its own
//! ([`HostId::posted`]), so that nobody's samples are numbered twice. Such a number is in no list of hosts.

#[cfg(target_arch = "wasm32")]
mod calls;
mod minutes;
pub mod read;
pub mod wire;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use edgewatch_core::metrics::mackerel;
use edgewatch_core::model::{Facts, HostId, Link, Sample};
use edgewatch_core::units::UnixMillis;

pub(super) use minutes::{rows_of_time, write_if_whole};

use super::HubError;
use super::directory::{self, unlisted};
use super::journal::Kept;
use super::shard::Shard;
use super::tracked::Tracked;

/// Seconds between two minutes.
const PERIOD_S: u32 = 60;

impl Shard {
    /// Brings everything that was posted into memory; `kept` is what the journal holds, where that was read. Reads a row for each and,
    /// without it, one of the journal.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer; so for all that follow.
    pub(super) fn load_posted(&mut self, kept: Option<BTreeMap<HostId, Kept>>) -> Result<(), HubError> {
        if self.posted.is_some() {
            return Ok(());
        }
        let sql = &self.storage.sql;
        let mut all = BTreeMap::new();
        let mut kept = kept;
        for entry in directory::list_posted(sql)? {
            let id = entry.host.id;
            if self.place.is_ours(id) {
                let tracked = match &mut kept {
                    Some(kept) => Tracked::of(entry, None, kept.remove(&id)),
                    None => Tracked::load(sql, entry, None)?,
                };
                all.insert(id, tracked);
            }
        }
        self.posted = Some(all);
        Ok(())
    }

    /// What was posted of a host or a service, ready to take more: 1 row written the first time.
    ///
    /// # Errors
    /// As [`Shard::load_posted`].
    pub(super) fn posted_mut(&mut self, of: HostId) -> Result<&mut Tracked, HubError> {
        self.load_posted(None)?;
        let id = of.posted();
        let all = self.posted.get_or_insert_with(BTreeMap::new);
        match all.entry(id) {
            Slot::Occupied(known) => Ok(known.into_mut()),
            Slot::Vacant(new) => {
                let entry = unlisted(id, None, 0);
                directory::put(&self.storage.sql, &entry)?;
                Ok(new.insert(Tracked::load(&self.storage.sql, entry, None)?))
            }
        }
    }

    /// Whether a host never reported by our agent: then its series are what is posted of it, which says how it is too, unless others do.
    pub(super) fn lives_by_posts(&self, of: HostId) -> bool {
        // What is said of a part of a hypervisor has no numbers of its own.
        let is_by_posts = |host: &Tracked| {
            host.entry.host.class.is_polled() || host.durable_up_to() == 0 && host.link != Link::Socket
        };
        self.hosts.get(&of).is_some_and(is_by_posts)
    }

    /// A host that was brought into memory is as what was posted of it says.
    pub(super) fn show_posted(&mut self, of: HostId) {
        if !self.lives_by_posts(of) || self.is_polled(of) {
            return;
        }
        let Some(posted) = self.posted.as_ref().and_then(|all| all.get(&of.posted())) else { return };
        let (newest, seen_ms) = (Option::clone(&posted.newest), posted.seen_ms);
        let Some(host) = self.hosts.get_mut(&of).filter(|_| seen_ms > 0) else { return };
        host.seen_ms = host.seen_ms.max(seen_ms);
        host.link = Link::Post { period_s: PERIOD_S, frame_s: PERIOD_S };
        let is_news = |newest: &Sample| host.newest.as_ref().is_none_or(|known| known.at <= newest.at);
        if let Some(newest) = newest.filter(is_news) {
            *host.newest = Some(newest);
        }
    }

    /// Takes samples that were posted of a host of this shard or of a service, without numbers: when this is over they are in the journal or in
    /// a ring row. 1 row written; a second one the first time of all, or where a block ends; none for what is known already. Gives how many
    /// values there was no room for, because of their names.
    ///
    /// # Errors
    /// [`HubError::Refused`] when they could not be written: they are to be posted again, and nothing will be there twice.
    pub fn take_posted(&mut self, of: HostId, samples: Vec<Sample>, now: UnixMillis) -> Result<usize, HubError> {
        let storage = self.storage.clone();
        let before = self.hosts.get(&of).and_then(|host| Option::clone(&host.newest));
        let tracked = self.posted_mut(of)?;
        let mut samples = tracked.without_repeats(&storage, samples)?;
        let full = tracked.with_room(&storage.sql, &mut samples)?;
        let totals = totals(&samples);
        let (mut newest, mut taken) = (Vec::new(), Vec::new());
        // Whatever of it is new: it is a sign of life.
        tracked.seen_ms = tracked.seen_ms.max(now.0);
        if !samples.is_empty() {
            tracked.link = Link::Post { period_s: PERIOD_S, frame_s: PERIOD_S };
            let known_at = tracked.newest.as_ref().map(|newest| newest.at);
            taken = tracked.take_posted(&storage, samples, now)?;
            // Values of an earlier time change what was, and not what is.
            newest = taken.iter().filter(|one| known_at.is_none_or(|at| one.at > at)).cloned().collect();
        }
        // What an earlier post could not make durable, too.
        let kept = tracked.keep(&storage.sql, now);
        let last = Option::clone(&tracked.newest);
        if kept.as_ref().is_err_and(HubError::is_refusal) {
            self.note_refused(now);
        }
        kept?;
        self.weigh_metrics(of.posted(), &taken, now);
        if self.lives_by_posts(of) && !self.is_polled(of) {
            self.heard_by_post(of, last, totals, now)?;
            self.weigh_posted(of, before, newest, now);
        }
        self.is_back(of, now);
        Ok(full)
    }

    /// A host posted: that is its sign of life, whatever of it was new.
    fn heard_by_post(
        &mut self,
        of: HostId,
        newest: Option<Sample>,
        totals: mackerel::Totals,
        now: UnixMillis,
    ) -> Result<(), HubError> {
        let Some(host) = self.hosts.get_mut(&of) else { return Ok(()) };
        host.link = Link::Post { period_s: PERIOD_S, frame_s: PERIOD_S };
        host.hear(now);
        if *host.newest != newest && newest.as_ref().is_some_and(mackerel::says_something) {
            *host.newest = newest;
            host.is_changed = true;
        }
        // What the host says it is counts; what it does not say its values may.
        let facts = host.entry.host.facts.clone().unwrap_or_default();
        let or = |known: u64, said: Option<u64>| if known > 0 { known } else { said.unwrap_or(0) };
        let filled = Facts {
            mem_total_bytes: or(facts.mem_total_bytes, totals.mem_bytes),
            swap_total_bytes: or(facts.swap_total_bytes, totals.swap_bytes),
            disk_total_bytes: or(facts.disk_total_bytes, totals.disk_bytes),
            ..facts.clone()
        };
        if filled == facts { Ok(()) } else { self.note_facts(of, filled, now) }
    }

    /// Rules look at minutes as they are with what posts before them said.
    fn weigh_posted(&mut self, of: HostId, before: Option<Sample>, samples: Vec<Sample>, now: UnixMillis) {
        let mut before = before;
        for mut sample in samples {
            if let Some(before) = &before {
                mackerel::carry(before, &mut sample);
            }
            self.weigh(of, before.as_ref(), std::slice::from_ref(&sample), PERIOD_S, now);
            before = Some(sample);
        }
    }
}

/// What the last sample that says it says the host has in all.
fn totals(samples: &[Sample]) -> mackerel::Totals {
    let mut all = mackerel::Totals::default();
    for said in samples.iter().rev().map(mackerel::totals) {
        all.mem_bytes = all.mem_bytes.or(said.mem_bytes);
        all.swap_bytes = all.swap_bytes.or(said.swap_bytes);
        all.disk_bytes = all.disk_bytes.or(said.disk_bytes);
    }
    all
}

#[cfg(test)]
mod tests;
