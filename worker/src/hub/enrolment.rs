//! Hosts come to a shard and go, and change their names, as D1 says.

use edgewatch_core::model::{self, HostId};
use edgewatch_core::units::UnixMillis;

use super::directory::{self, Entry};
use super::shard::Shard;
use super::tracked::Tracked;
use super::{HubError, probe_days, rings};

impl Shard {
    /// Takes in what the database says of hosts: new ones, and what changed of known ones. Writes a row for each that differs.
    ///
    /// # Errors
    /// As [`Shard::complete`].
    pub fn enrol(&mut self, entries: Vec<Entry>) -> Result<(), HubError> {
        for mut entry in entries {
            let id = entry.host.id;
            let known = match self.hosts.get(&id) {
                Some(tracked) => Some(Entry::clone(&tracked.entry)),
                None => directory::find(&self.storage.sql, id)?,
            };
            if let Some(known) = &known {
                // What the host says of itself, and whether it is up, the hub knows better.
                let host = model::Host { newest: known.host.newest.clone(), ..entry.host.clone() };
                entry = Entry {
                    host: model::Host {
                        presence: known.host.presence,
                        last_seen: known.host.last_seen,
                        addresses: known.host.addresses.clone(),
                        country_code: known.host.country_code.clone(),
                        agent_version: known.host.agent_version.clone(),
                        facts: known.host.facts.clone(),
                        ..host
                    },
                    addresses_fixed: known.addresses_fixed,
                    coarse_done: known.coarse_done,
                    // D1 was told by us: it knows of nothing that is not here.
                    floor: known.floor,
                    told: known.told.clone(),
                    ..entry
                };
                if entry == *known {
                    continue;
                }
            }
            match known {
                Some(_) => directory::put(&self.storage.sql, &entry)?,
                None => probe_days::begin(&self.storage.sql, &entry, &rings::dictionary(&self.storage.sql, id)?)?,
            }
            match self.hosts.get_mut(&id) {
                Some(tracked) => {
                    *tracked.entry = entry;
                    tracked.is_changed = true;
                }
                None if self.is_complete => {
                    self.hosts.insert(id, Tracked::of(entry, None, None));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Forgets a host that is no more; its alerts end. Its history stays until it is purged.
    ///
    /// # Errors
    /// As [`Shard::complete`].
    pub fn retire(&mut self, id: HostId, now: UnixMillis) -> Result<(), HubError> {
        self.end_alerts(id, now);
        self.dismiss(id)?;
        self.forget_reporter(id, now);
        Ok(())
    }

    /// Forgets a host here. Its history stays until it is purged.
    ///
    /// # Errors
    /// As [`Shard::complete`].
    pub fn dismiss(&mut self, id: HostId) -> Result<(), HubError> {
        directory::delete(&self.storage.sql, id)?;
        self.counts.forget();
        self.hosts.remove(&id);
        self.watched.remove(&id);
        self.spoken_for.remove(&id);
        Ok(())
    }
}
