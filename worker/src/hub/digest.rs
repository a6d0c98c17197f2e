//! What Viewers is told of the shard's hosts.

use std::cell::{Cell, RefCell};

use edgewatch_core::dialects::native::live::{Digest, DigestHost, HostNow};
use edgewatch_core::model::HostId;
use edgewatch_core::units::UnixMillis;

use super::HubError;
use super::shard::Shard;
use super::tracked::Tracked;

/// How long changes gather before Viewers is told, ms: in a small fleet and in a large one. Source: design, "The bill is a feature".
const EVERY_MS: i64 = 2_000;
const LARGE_EVERY_MS: i64 = 5_000;
/// From so many hosts on a fleet is large.
const LARGE_FLEET: usize = 500;

/// When Viewers is to be told.
#[derive(Debug, Default)]
pub struct Schedule {
    until_ms: Cell<i64>,
    watched_ms: Cell<i64>,
    pushed_ms: Cell<i64>,
    every_ms: Cell<i64>,
    gone: RefCell<Vec<i64>>,
    banner: RefCell<Option<String>>,
}

impl Schedule {
    /// Viewers listens until then; 0 when it does not. Told at `now`.
    pub fn watched(&self, until_ms: i64, now: UnixMillis) {
        self.until_ms.set(until_ms);
        self.watched_ms.set(now.0);
    }

    /// A digest that was begun at `since` met nobody.
    pub fn nobody_listens(&self, since: UnixMillis) {
        if self.watched_ms.get() <= since.0 {
            self.until_ms.set(0);
        }
    }

    /// Whether what changed has gathered long enough.
    pub fn is_due(&self, now: UnixMillis) -> bool {
        now.0 < self.until_ms.get() && now.0 - self.pushed_ms.get() >= self.every_ms.get().max(EVERY_MS)
    }

    /// These hosts are no more.
    pub fn note_gone(&self, ids: &[HostId]) {
        self.gone.borrow_mut().extend(ids.iter().map(|id| id.0));
    }
}

/// Every host of the shard.
///
/// # Errors
/// [`HubError::Corrupt`] when a host cannot be written as JSON.
pub fn of_all(shard: &mut Shard, index: u32, now: UnixMillis) -> Result<Digest, HubError> {
    let hosts = shard.iter().map(part).collect::<Result<Vec<_>, HubError>>()?;
    shard.iter_mut().for_each(|tracked| tracked.is_changed = false);
    Ok(Digest { shard: index, now_ms: now.0, hosts, gone: Vec::new(), banner: shard.banner(now) })
}

/// The hosts that changed since Viewers was last told; `None` when it does not listen, when it was told a moment ago, or when nothing
/// changed. `is_prompt`: as soon as it was not told this second.
///
/// # Errors
/// As [`of_all`].
pub fn changes(
    shard: &mut Shard,
    schedule: &Schedule,
    index: u32,
    now: UnixMillis,
    is_prompt: bool,
) -> Result<Option<Digest>, HubError> {
    schedule.every_ms.set(if shard.iter().count() > LARGE_FLEET { LARGE_EVERY_MS } else { EVERY_MS });
    let is_due = schedule.is_due(now) || (is_prompt && now.0 < schedule.until_ms.get());
    if !is_due {
        return Ok(None);
    }
    let hosts = shard.iter().filter(|tracked| tracked.is_changed).map(part).collect::<Result<Vec<_>, HubError>>()?;
    let gone = schedule.gone.take();
    let banner = shard.banner(now);
    let is_banner_new = *schedule.banner.borrow() != banner;
    if hosts.is_empty() && gone.is_empty() && !is_banner_new {
        return Ok(None);
    }
    schedule.banner.replace(banner.clone());
    shard.iter_mut().for_each(|tracked| tracked.is_changed = false);
    schedule.pushed_ms.set(now.0);
    Ok(Some(Digest { shard: index, now_ms: now.0, hosts, gone, banner }))
}

/// A digest did not arrive: what it said is to be said again.
pub fn remember(shard: &mut Shard, schedule: &Schedule, digest: &Digest) {
    for host in &digest.hosts {
        if let Some(tracked) = shard.get_mut(HostId(host.id)) {
            tracked.is_changed = true;
        }
    }
    schedule.gone.borrow_mut().extend(&digest.gone);
    // Anything but what it was.
    schedule.banner.replace(if digest.banner.is_some() { None } else { Some(String::new()) });
}

fn part(tracked: &Tracked) -> Result<DigestHost, HubError> {
    let host = tracked.host();
    let piece = serde_json::value::to_raw_value(&HostNow::from(&host));
    let piece = piece.map_err(|error| HubError::Corrupt(error.to_string()))?;
    Ok(DigestHost { id: host.id.0, hidden: host.hidden_for_guest, piece })
}
