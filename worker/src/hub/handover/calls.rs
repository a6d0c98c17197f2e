//! The calls of a hand-over: one shard makes them, the other one answers.

use std::cell::Cell;
use std::collections::BTreeSet;

use edgewatch_core::dialects::native::stream::Reason;
use edgewatch_core::model::HostId;
use edgewatch_core::units::UnixMillis;

use super::Parcel;
use super::tidings::{self, Tidings};
use crate::hub::object::{Answer, Inner};
use crate::hub::shard::goodbye;
use crate::hub::{HubError, flush, rules, spending, wire};
use crate::platform::log;
use crate::platform::objects::Class;
use crate::store::Db;

/// So many hosts leave in one run.
const MAX_HOSTS: usize = 20;
/// Over so many seconds agents spread whose shard is another one now.
const SPREAD_S: u32 = 20;

/// Whether hosts are being handed over, or all of them were.
#[derive(Debug, Default)]
pub struct Schedule {
    is_busy: Cell<bool>,
    is_done: Cell<bool>,
    /// Whether what goes ahead of hosts was said.
    has_spoken: Cell<bool>,
}

/// Takes what another shard sends: a host, or what is to be known ahead of one.
///
/// # Errors
/// As [`adopt`] and [`heed`].
pub async fn take(inner: &Inner, path: &str, body: &[u8], db: Option<&Db>) -> Answer<()> {
    if path == "/adopt" {
        return adopt(inner, body, db).await;
    }
    let tidings = serde_json::from_slice(body).map_err(|error| HubError::Corrupt(error.to_string()))?;
    heed(inner, tidings, db).await
}

/// Hands over hosts that belong elsewhere, unless that is under way or storage refuses; gives how much is left, and never 0 when
/// that is not known. What a host's new shard refuses waits for the next run.
pub async fn run(inner: &Inner, now: UnixMillis) -> usize {
    let left = match hand_over_some(inner, now).await {
        Ok(hosts) => inner.with(|shard| Ok(hosts + super::untold(shard)?)),
        Err(error) => Err(error),
    };
    left.unwrap_or_else(|error| {
        log::error("hub.handover", &error.to_string());
        1
    })
}

/// Gives how many hosts are left.
async fn hand_over_some(inner: &Inner, now: UnixMillis) -> Answer<usize> {
    let schedule = &inner.handover;
    if schedule.is_done.get() {
        return Ok(0);
    }
    let (hosts, is_held) =
        inner.with(|shard| Ok((super::foreign(shard)?, shard.refused_until_ms.max(shard.hold_until_ms) > now.0)))?;
    let mut left = hosts.len();
    if !is_held && !schedule.is_busy.replace(true) {
        if !schedule.has_spoken.get() {
            schedule.has_spoken.set(say_ahead(inner, &hosts).await);
        }
        let mut away = BTreeSet::new();
        for id in hosts.into_iter().take(MAX_HOSTS) {
            let owner = wire::shard_of(id, inner.shards);
            if away.contains(&owner) {
                continue;
            }
            match hand_over(inner, id, owner, now).await {
                Ok(()) => left -= 1,
                Err(error) => {
                    log::error("hub.handover", &format!("host {} to shard {owner}: {error}", id.0));
                    if !matches!(error, HubError::Corrupt(_)) {
                        away.insert(owner);
                    }
                }
            }
        }
        schedule.is_busy.set(false);
        // None comes any more while this instance lives.
        schedule.is_done.set(left == 0);
    }
    Ok(left)
}

/// Says what goes ahead of these hosts to the shards that have them now; false when one of them did not hear it.
async fn say_ahead(inner: &Inner, hosts: &[HostId]) -> bool {
    let owners: BTreeSet<u32> = hosts.iter().map(|id| wire::shard_of(*id, inner.shards)).collect();
    let mut is_said = true;
    for owner in owners {
        if let Err(error) = say_to(inner, hosts, owner).await {
            log::error("hub.handover", &format!("ahead of hosts of shard {owner}: {error}"));
            is_said = false;
        }
    }
    is_said
}

async fn say_to(inner: &Inner, hosts: &[HostId], owner: u32) -> Answer<()> {
    let tidings = inner.with(|shard| tidings::of(shard, hosts, owner))?;
    if tidings.is_empty() {
        return Ok(());
    }
    let body = serde_json::to_string(&tidings).map_err(|error| HubError::Corrupt(error.to_string()))?;
    inner.spend(spending::CALL);
    let answer = inner.objects.post(Class::Hub, &wire::shard_name(owner), "tidings", &body).await;
    let mut answer = answer.map_err(|error| HubError::Unreachable(error.to_string()))?;
    if answer.status_code() != 200 {
        return Err(HubError::Refused(answer.text().await.unwrap_or_default()));
    }
    inner.with(|shard| tidings::are_heard(shard, &tidings))
}

/// Takes in what another shard says ahead of hosts.
///
/// # Errors
/// As [`adopt`].
pub async fn heed(inner: &Inner, tidings: Tidings, db: Option<&Db>) -> Answer<()> {
    let ids: Vec<HostId> = tidings.ids().into_iter().filter(|id| inner.is_ours(*id)).collect();
    flush::enrol(inner, db, Some(&ids), None).await?;
    know_rules(inner, db).await?;
    for id in ids {
        inner.with(|shard| shard.load(id, || inner.attached(id)))?;
    }
    let now = inner.now();
    inner.with(|shard| tidings::heed(shard, tidings, now))
}

/// Alerts of rules that are not known here would end, and counts begin anew.
async fn know_rules(inner: &Inner, db: Option<&Db>) -> Answer<()> {
    if inner.with(|shard| Ok(shard.rules.version().is_none()))? {
        rules::calls::learn(inner, db, None).await
    } else {
        Ok(())
    }
}

async fn hand_over(inner: &Inner, id: HostId, owner: u32, now: UnixMillis) -> Answer<()> {
    let attached = inner.attached(id);
    let Some(parcels) = inner.with(|shard| super::pack(shard, id, attached, now))? else { return Ok(()) };
    inner.dismiss_sockets(&[id], &goodbye(Reason::Restart, SPREAD_S, "the host has moved to another shard", None));
    let refused = |error: worker::Error| HubError::Unreachable(error.to_string());
    for parcel in parcels {
        let body = parcel.encode()?;
        let name = wire::shard_name(owner);
        inner.spend(spending::CALL);
        let mut answer = inner.objects.post_bytes(Class::Hub, &name, "adopt", &body).await.map_err(refused)?;
        if answer.status_code() != 200 {
            return Err(HubError::Refused(answer.text().await.unwrap_or_default()));
        }
    }
    inner.with(|shard| super::forget(shard, id))
}

/// Takes a parcel of another shard.
///
/// # Errors
/// [`HubError::Refused`] when D1 or the object's database does not answer, or the host belongs to another shard;
/// [`HubError::Corrupt`] when something cannot be read.
pub async fn adopt(inner: &Inner, body: &[u8], db: Option<&Db>) -> Answer<()> {
    let parcel = Parcel::decode(body)?;
    let id = parcel.host.id;
    inner.expect_ours(id)?;
    if !inner.with(|shard| shard.load(id, || inner.attached(id)))? {
        if id.is_posted() {
            inner.begin_posted(&[id], db).await?;
        } else {
            flush::enrol(inner, db, Some(&[id]), None).await?;
        }
    }
    know_rules(inner, db).await?;
    let now = inner.now();
    inner.with(|shard| super::adopt(shard, &parcel, || inner.attached(id), now))?;
    inner.attach_anew(id);
    Ok(())
}

impl Inner {
    /// Whether a host belongs here, by today's number of shards.
    pub(in crate::hub) fn is_ours(&self, id: HostId) -> bool {
        wire::shard_of(id, self.shards) == self.index
    }

    /// # Errors
    /// [`HubError::Refused`] when the host belongs to another shard: whoever asks has another number of them in mind.
    pub(in crate::hub) fn expect_ours(&self, id: HostId) -> Answer<()> {
        if self.is_ours(id) { Ok(()) } else { Err(HubError::Refused("the host belongs to another shard".to_owned())) }
    }
}
