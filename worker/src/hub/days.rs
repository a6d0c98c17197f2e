//! The days of history that are over: which of them D1 is to have, and that it has them.

use std::collections::BTreeMap;

use edgewatch_core::model::HostId;
use edgewatch_core::units::UnixMillis;

use super::coarse::Day;
use super::probes::{self, EDGE};
use super::shard::Shard;
use super::{HubError, coarse, probe_days};

impl Shard {
    /// The days of history that are over and not in D1 yet, of some hosts, and whether there are more. What waits for its block is
    /// stored first.
    ///
    /// # Errors
    /// As [`Shard::complete`].
    pub fn finished_days(&mut self, now: UnixMillis, most: usize) -> Result<(Vec<Day>, bool), HubError> {
        let mut days = Vec::new();
        let posted = self.posted.iter_mut().flat_map(BTreeMap::values_mut);
        for tracked in self.hosts.values_mut().chain(self.edge.as_mut()).chain(posted) {
            let Some(newest_ms) = tracked.newest_ms() else { continue };
            let id = tracked.id();
            if tracked.days.rests(now.0) {
                continue;
            }
            for day in coarse::due(id, &self.storage.rings(id), tracked.entry.coarse_done, newest_ms, now.0) {
                if days.len() >= most {
                    return Ok((days, true));
                }
                tracked.ensure_loaded(&self.storage.sql)?;
                tracked.write_block(&self.storage)?;
                match coarse::build(&self.storage.sql, id, &self.storage.rings(id), day) {
                    Ok(Some(built)) => {
                        tracked.days.built(day, built.probes.clone());
                        days.push(built);
                    }
                    // Nothing of that day, or nothing that could be read: it costs itself and no other.
                    Ok(None) | Err(HubError::Corrupt(_)) => {
                        tracked.entry.coarse_done = Some(day);
                        probes::put_done(&self.storage.sql, &tracked.entry)?;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok((days, false))
    }

    /// Days of hosts are in D1: 1 row written for each.
    ///
    /// # Errors
    /// As [`Shard::complete`].
    pub fn note_done(&mut self, done: &[(HostId, u64)]) -> Result<(), HubError> {
        for (id, day) in done {
            let tracked = match *id {
                EDGE => self.edge.as_mut(),
                id if id.is_posted() => self.posted.as_mut().and_then(|all| all.get_mut(&id)),
                id => self.hosts.get_mut(&id),
            };
            let Some(tracked) = tracked else { continue };
            // Else samples of the day came while it was written: it is written once more.
            let Some(parts) = tracked.days.done(*day) else { continue };
            let is_further = tracked.entry.coarse_done.is_none_or(|before| before < *day);
            if is_further {
                tracked.entry.coarse_done = Some(*day);
            }
            if !parts.is_empty() {
                probe_days::note(&self.storage.sql, &tracked.entry, *day, parts)?;
            } else if is_further {
                probes::put_done(&self.storage.sql, &tracked.entry)?;
            }
        }
        Ok(())
    }
}
