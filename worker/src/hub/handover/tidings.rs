//! What a shard says of hosts that another one has now, ahead of all that it has of them: their alerts, and what people were told of
//! their addresses. A host's history follows when its turn comes, which may be half an hour later; until this was said nobody judges the
//! host by rules, so that an alert goes on where it was and is told neither twice nor not at all.

use edgewatch_core::domain::address_change::Told;
use edgewatch_core::model::{HostId, Presence};
use edgewatch_core::units::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::hub::addresses::ToldWire;
use crate::hub::directory;
use crate::hub::shard::Shard;
use crate::hub::{HubError, wire};

/// What is said of hosts of one other shard.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tidings {
    hosts: Vec<Tiding>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Tiding {
    id: i64,
    told: ToldWire,
    /// As the object keeps them; empty where all is at rest.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    alerts: String,
}

impl Tidings {
    /// The hosts that something is said of.
    pub fn ids(&self) -> Vec<HostId> {
        self.hosts.iter().map(|host| HostId(host.id)).collect()
    }

    /// Whether there is nothing to say.
    pub const fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }
}

/// What is to be said to the shard `owner` of those of `hosts` that it has: as many rows read. Nothing of a host of which this shard
/// was not told itself.
///
/// # Errors
/// [`HubError::Refused`] when the object's database does not answer; [`HubError::Corrupt`] for what cannot be read.
pub fn of(shard: &Shard, hosts: &[HostId], owner: u32) -> Result<Tidings, HubError> {
    let mut tidings = Tidings::default();
    for id in hosts.iter().copied().filter(|id| wire::shard_of(*id, shard.place.shards) == owner) {
        let Some(entry) = directory::find(&shard.storage.sql, id)? else { continue };
        let told = entry.told.unwrap_or_else(|| Told::exactly(&entry.host.addresses));
        if !told.is_in_doubt {
            tidings.hosts.push(Tiding { id: id.0, told: ToldWire::from(&told), alerts: shard.alerts_text(id)? });
        }
    }
    Ok(tidings)
}

/// They were heard: their alerts are the other shard's now.
///
/// # Errors
/// As [`of`].
pub fn are_heard(shard: &mut Shard, tidings: &Tidings) -> Result<(), HubError> {
    let mut open = tidings.hosts.iter().filter(|host| !host.alerts.is_empty());
    open.try_for_each(|host| shard.forget_alerts(HostId(host.id)))
}

/// Takes them in, of hosts that were waited for: a row written for each, and one for alerts. They may come again.
///
/// # Errors
/// As [`of`].
pub fn heed(shard: &mut Shard, tidings: Tidings, now: UnixMillis) -> Result<(), HubError> {
    for host in tidings.hosts {
        let id = HostId(host.id);
        let Some(tracked) = shard.get_mut(id) else { continue };
        let is_in_doubt = tracked.entry.told.as_ref().is_some_and(|told| told.is_in_doubt);
        if !is_in_doubt && tracked.entry.host.presence != Presence::Never {
            continue;
        }
        if is_in_doubt {
            let told = Told::from(host.told);
            tracked.entry.told = (told != Told::exactly(&tracked.entry.host.addresses)).then_some(told);
        }
        let entry = tracked.entry.clone();
        // Of a host that was never heard nobody waits for more than that this was told.
        if shard.spoken_for.insert(id) && !host.alerts.is_empty() {
            shard.adopt_alerts(id, &host.alerts, now);
        }
        directory::put(&shard.storage.sql, &entry)?;
    }
    Ok(())
}
