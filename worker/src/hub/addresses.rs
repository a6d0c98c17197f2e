//! The addresses of hosts: what they are, and who is told that they are others.
//!
//! What people know of them lies in the host's row of the directory, beside the addresses, so a change costs that row and the
//! event's, and nothing costs anything while there is none.

use edgewatch_core::domain::address_change::{self, Told, Wish};
use edgewatch_core::domain::ids;
use edgewatch_core::model::{Addresses, Event, EventKind, HostId};
use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde::{Deserialize, Serialize};

use super::HubError;
use super::directory::{self, Entry};
use super::shard::Shard;

impl Shard {
    /// Keeps what is known of a host that was `before` as it says, where that is news, and tells of another address. `is_held`: its
    /// row was written a moment ago, and what need not be is not written now.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not; then it comes again, and is told then.
    pub(super) fn put_host(
        &mut self,
        id: HostId,
        before: &Entry,
        is_held: bool,
        now: UnixMillis,
    ) -> Result<(), HubError> {
        let Some(tracked) = self.hosts.get_mut(&id) else { return Ok(()) };
        let entry = Entry::clone(&tracked.entry);
        let mut told = None;
        if entry.addresses_fixed != before.addresses_fixed {
            // Somebody else says what the addresses are: that is no move of the host.
            tracked.entry.told = entry.told.map(|told| Told { addresses: entry.host.addresses.clone(), ..told });
        } else if entry.host.addresses != before.host.addresses || entry.told.is_some() {
            let notices = &self.rules.address_notices;
            let wish = match (notices.is_on && notices.hosts.has(id), is_held) {
                (false, _) => Wish::No,
                (true, true) => Wish::Later,
                (true, false) => Wish::Tell,
            };
            let at = now.seconds();
            let look =
                address_change::look(entry.told.as_ref(), &before.host.addresses, &entry.host.addresses, wish, at);
            if let Some(change) = look.change {
                let text = address_change::sentence(&entry.host.name, &change, self.rules.is_plain());
                let mut event = Event::new(key(id, now), EventKind::AddressChanged, Some(id), at, text);
                event.group.clone_from(&notices.group);
                if let Err(error) = directory::owe(&self.storage.sql, &event, Some(&entry.host.name)) {
                    // Nobody was told: it is as it was, and seen again.
                    *tracked.entry = before.clone();
                    return Err(error);
                }
                tracked.is_news = true;
                told = Some(event.key);
            }
            if look.told != entry.told {
                tracked.entry.told = look.told;
            }
        }
        if tracked.entry == *before || is_held {
            return Ok(());
        }
        let put = directory::put(&self.storage.sql, &tracked.entry);
        if put.is_err() && told.is_some_and(|key| directory::settle(&self.storage.sql, &key).is_ok()) {
            // Likewise: a row that says what was before would have it told again.
            *tracked.entry = before.clone();
        }
        put
    }

    /// Tells of changes that could not be told when they came. Every host is in memory.
    ///
    /// # Errors
    /// As [`Shard::put_host`].
    pub(super) fn tell_late_addresses(&mut self, now: UnixMillis) -> Result<(), HubError> {
        let is_due =
            |entry: &Entry, at: UnixSeconds| address_change::is_due(entry.told.as_ref(), &entry.host.addresses, at);
        let late: Vec<Entry> = self
            .iter()
            .filter(|tracked| is_due(&tracked.entry, now.seconds()))
            .map(|tracked| Entry::clone(&tracked.entry))
            .collect();
        late.iter().try_for_each(|entry| self.put_host(entry.host.id, entry, false, now))
    }
}

/// Another one than those of the host's comings and goings at the same moment, whose last bits are a presence's number.
fn key(id: HostId, now: UnixMillis) -> String {
    ids::time_key(now, id.0.unsigned_abs() << 2 | 3)
}

/// What people know of a host's addresses, as it is kept and handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldWire {
    ipv4: String,
    ipv6: String,
    since_s: i64,
    count: u32,
    #[serde(default)]
    in_doubt: bool,
}

impl From<&Told> for ToldWire {
    fn from(told: &Told) -> Self {
        Self {
            ipv4: told.addresses.v4.clone(),
            ipv6: told.addresses.v6.clone(),
            since_s: told.since.0,
            count: told.count,
            in_doubt: told.is_in_doubt,
        }
    }
}

impl From<ToldWire> for Told {
    fn from(wire: ToldWire) -> Self {
        Self {
            addresses: Addresses { v4: wire.ipv4, v6: wire.ipv6 },
            since: UnixSeconds(wire.since_s),
            count: wire.count,
            is_in_doubt: wire.in_doubt,
        }
    }
}

#[cfg(test)]
mod tests;
