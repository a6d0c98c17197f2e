//! Hosts come to a shard and go, and change their names, as D1 says.

use edgewatch_core::model::{self, HostId};
use edgewatch_core::units::UnixMillis;

use super::directory::{self, Entry};
use super::shard::Shard;
use super::tracked::Tracked;
use super::{HubError, probe_days, rings};
use crate::store::mackerel::hosts::Said;

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
                    self.show_posted(id);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Takes in what the database says a host is: it does not tell the hub itself. Writes a row when that is news.
    ///
    /// # Errors
    /// As [`Shard::complete`].
    pub fn describe(&mut self, id: HostId, said: Said) -> Result<(), HubError> {
        let known = match self.hosts.get(&id) {
            Some(tracked) => Some(Entry::clone(&tracked.entry)),
            None => directory::find(&self.storage.sql, id)?,
        };
        let Some(known) = known else { return Ok(()) };
        let mut entry = known.clone();
        entry.host.facts = Some(entry.host.facts.unwrap_or_default().with(said.facts));
        if !said.agent_version.is_empty() {
            entry.host.agent_version = said.agent_version;
        }
        if entry == known {
            return Ok(());
        }
        directory::put(&self.storage.sql, &entry)?;
        if let Some(tracked) = self.hosts.get_mut(&id) {
            *tracked.entry = entry;
            tracked.is_changed = true;
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
        self.posted.iter_mut().for_each(|all| drop(all.remove(&id)));
        self.watched.remove(&id);
        self.spoken_for.remove(&id);
        self.results.forget(id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::directory::tests::entry;
    use crate::hub::sql::Sql;
    use edgewatch_core::model::Facts;

    #[test]
    fn what_the_database_says_a_host_is_is_news_once_and_keeps_what_it_does_not_say() {
        let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
        shard.complete(vec![]).unwrap();
        let known = Facts { kernel: "6.1".to_owned(), mem_total_bytes: 7, ..Facts::default() };
        let mut first = entry(1);
        first.host.facts = Some(known.clone());
        shard.enrol(vec![first]).unwrap();
        let facts = Facts { platform: "debian".to_owned(), mem_total_bytes: 9, ..Facts::default() };
        let said = Said { facts, agent_version: "0.87.1".to_owned() };
        let written = shard.storage.sql.rows_written();
        shard.describe(HostId(1), said.clone()).unwrap();
        shard.describe(HostId(1), said.clone()).unwrap();
        assert_eq!(shard.storage.sql.rows_written(), written + 1);
        let tracked = shard.get(HostId(1)).unwrap();
        let expected = Facts { platform: "debian".to_owned(), mem_total_bytes: 9, ..known };
        assert_eq!((tracked.entry.host.facts.clone(), tracked.is_changed), (Some(expected), true));
        assert_eq!(tracked.entry.host.agent_version, "0.87.1");
        shard.describe(HostId(2), said).unwrap();
        assert!(shard.get(HostId(2)).is_none(), "nobody's");
    }
}
