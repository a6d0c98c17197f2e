//! What Viewers is told of the shard's hosts.

use std::cell::{Cell, RefCell};

use edgewatch_core::dialects;
use edgewatch_core::dialects::native::live::{Digest, DigestHost, FeedHost, HostNow};
use edgewatch_core::model::{HostId, Presence};
use edgewatch_core::units::UnixMillis;
use serde_json::value::RawValue;

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
    with_feed: Cell<bool>,
    every_ms: Cell<i64>,
    gone: RefCell<Vec<i64>>,
    banner: RefCell<Option<String>>,
}

impl Schedule {
    /// Viewers listens until then; 0 when it does not. Told at `now`, and whether the feed is wanted.
    pub fn watched(&self, until_ms: i64, with_feed: bool, now: UnixMillis) {
        self.with_feed.set(with_feed);
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
pub fn of_all(shard: &mut Shard, schedule: &Schedule, index: u32, now: UnixMillis) -> Result<Digest, HubError> {
    let with_feed = schedule.with_feed.get();
    let hosts = shard.iter().map(|tracked| part(tracked, with_feed)).collect::<Result<Vec<_>, HubError>>()?;
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
    let (with_feed, changed) = (schedule.with_feed.get(), shard.iter().filter(|tracked| tracked.is_changed));
    let hosts = changed.map(|tracked| part(tracked, with_feed)).collect::<Result<Vec<_>, HubError>>()?;
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

fn part(tracked: &Tracked, with_feed: bool) -> Result<DigestHost, HubError> {
    let corrupt = |error: serde_json::Error| HubError::Corrupt(error.to_string());
    let host = tracked.host();
    let piece = serde_json::value::to_raw_value(&HostNow::from(&host)).map_err(corrupt)?;
    let (id, hidden) = (host.id.0, host.hidden_for_guest);
    let feed: Option<Result<FeedHost, HubError>> = with_feed.then(|| {
        let (display_index, seen_s) = (host.display_index, host.last_seen.map(|seen| seen.0));
        let online = host.presence == Presence::Online;
        let piece = dialects::feed_piece(host).map_err(|failure| HubError::Corrupt(failure.to_string()))?;
        Ok(FeedHost { piece: RawValue::from_string(piece).map_err(corrupt)?, display_index, online, seen_s })
    });
    Ok(DigestHost { id, hidden, piece, feed: feed.transpose()? })
}
