//! What is known of the fleet and who is told what of it.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::dialects::native::live::{Delta, Digest, DigestHost, FeedHost, Snapshot};
use edgewatch_core::dialects::nezha::Feed;
use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde_json::value::RawValue;

/// What is shown while a shard cannot be asked.
const UNREACHABLE: &str = "Part of the fleet cannot be read just now: what you see of it may be old.";
/// How long a host that is no more is remembered, so that a late piece of it does not bring it back.
const GRAVE_MS: i64 = 60_000;

/// A host that is up is shown as active so long ago at most, seconds: it pings every ten, which wakes nobody, and pages call it down
/// after ten. Source: nezha specification, 9.5.
const FRESH_S: i64 = 5;

/// The newest piece of every host, as far as known.
#[derive(Debug, Default)]
pub struct Fleet {
    hosts: BTreeMap<i64, Known>,
    /// Hosts that are no more: the digest's time.
    graves: BTreeMap<i64, i64>,
    banners: BTreeMap<u32, String>,
    /// Shards whose hosts are all known.
    loaded: BTreeSet<u32>,
    /// Shards that did not answer when last asked.
    unreachable: BTreeSet<u32>,
}

#[derive(Debug)]
struct Known {
    shard: u32,
    /// When the piece was made.
    at_ms: i64,
    hidden: bool,
    piece: Box<RawValue>,
    feed: Option<FeedHost>,
}

/// What a digest changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    changed: Vec<i64>,
    /// Gone for everybody who could see them.
    gone: Vec<i64>,
    /// Of those, the ones that only members knew.
    gone_hidden: BTreeSet<i64>,
    /// Gone for guests alone: hidden from now on.
    withdrawn: Vec<i64>,
    banner: bool,
}

impl Changes {
    /// These changes and then those.
    pub fn add(&mut self, then: Self) {
        self.changed.extend(then.changed);
        self.gone.extend(then.gone);
        self.gone_hidden.extend(then.gone_hidden);
        self.withdrawn.extend(then.withdrawn);
        self.banner |= then.banner;
    }
}

impl Fleet {
    /// Whether all hosts of all of `shards` shards are known.
    pub fn is_loaded(&self, shards: u32) -> bool {
        (0..shards).all(|shard| self.loaded.contains(&shard))
    }

    /// Takes in what a shard says of hosts that changed.
    pub fn take(&mut self, digest: Digest) -> Changes {
        let mut changes = Changes::default();
        let (shard, at_ms) = (digest.shard, digest.now_ms);
        self.graves.retain(|_, died_ms| at_ms.saturating_sub(*died_ms) < GRAVE_MS);
        changes.banner |= self.unreachable.remove(&shard);
        for host in digest.hosts {
            self.put(shard, at_ms, host, &mut changes);
        }
        for id in digest.gone {
            self.bury(id, at_ms, &mut changes);
        }
        let unchanged = match digest.banner.filter(|banner| !banner.is_empty()) {
            Some(banner) => {
                let same = self.banners.get(&shard) == Some(&banner);
                self.banners.insert(shard, banner);
                same
            }
            None => self.banners.remove(&shard).is_none(),
        };
        changes.banner |= !unchanged;
        changes
    }

    /// Takes in what a shard says of all of its hosts: others that it had are no more.
    pub fn take_all(&mut self, digest: Digest) -> Changes {
        let (shard, at_ms) = (digest.shard, digest.now_ms);
        let named: BTreeSet<i64> = digest.hosts.iter().map(|host| host.id).collect();
        let mut changes = self.take(digest);
        let missing = |(id, known): (&i64, &Known)| {
            (known.shard == shard && known.at_ms <= at_ms && !named.contains(id)).then_some(*id)
        };
        let missing: Vec<i64> = self.hosts.iter().filter_map(missing).collect();
        for id in missing {
            self.bury(id, at_ms, &mut changes);
        }
        self.loaded.insert(shard);
        changes
    }

    /// Notes that a shard did not answer.
    pub fn miss(&mut self, shard: u32) -> Changes {
        Changes { banner: self.unreachable.insert(shard), ..Changes::default() }
    }

    /// The text that tells a viewer everything it may see.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which would be our fault.
    pub fn snapshot(&self, sees_hidden: bool, now_ms: i64) -> Result<String, serde_json::Error> {
        let seen = self.hosts.values().filter(|known| sees_hidden || !known.hidden);
        let banner = self.banner();
        serde_json::to_string(&Snapshot::new(now_ms, seen.map(|known| &*known.piece).collect(), banner.as_deref()))
    }

    /// The text that tells a viewer what changed; `None` when nothing changed that it may see.
    ///
    /// # Errors
    /// As [`Fleet::snapshot`].
    pub fn delta(
        &self,
        changes: &Changes,
        sees_hidden: bool,
        now_ms: i64,
    ) -> Result<Option<String>, serde_json::Error> {
        let known = changes.changed.iter().filter_map(|id| self.hosts.get(id));
        let hosts: Vec<&RawValue> =
            known.filter(|known| sees_hidden || !known.hidden).map(|known| &*known.piece).collect();
        let gone: Vec<i64> = if sees_hidden {
            changes.gone.clone()
        } else {
            let knew = changes.gone.iter().filter(|id| !changes.gone_hidden.contains(id));
            knew.chain(&changes.withdrawn).copied().collect()
        };
        if hosts.is_empty() && gone.is_empty() && !changes.banner {
            return Ok(None);
        }
        let banner = self.banner();
        serde_json::to_string(&Delta::new(now_ms, hosts, &gone, banner.as_deref())).map(Some)
    }

    /// Whether of every host is known how the feed has it.
    pub fn has_feed(&self) -> bool {
        self.hosts.values().all(|known| known.feed.is_some())
    }

    /// The text that tells the feed's viewers all that they may see: highest display index first, then by id.
    pub fn feed(&self, sees_hidden: bool, now: UnixMillis) -> String {
        let mut feed = Feed::new(now);
        for (_, known, host) in self.in_feed(sees_hidden) {
            let is_up = host.online && !self.unreachable.contains(&known.shard);
            let seen_s = if is_up { host.seen_s.max(Some(now.seconds().0 - FRESH_S)) } else { host.seen_s };
            feed.add(host.piece.get(), seen_s.map(UnixSeconds));
        }
        feed.finish()
    }

    /// The first hosts of the feed, at most `most`.
    pub fn first_in_feed(&self, most: usize) -> Vec<i64> {
        self.in_feed(true).into_iter().map(|(id, ..)| id).take(most).collect()
    }

    fn in_feed(&self, sees_hidden: bool) -> Vec<(i64, &Known, &FeedHost)> {
        let seen = self.hosts.iter().filter(|(_, known)| sees_hidden || !known.hidden);
        let mut hosts: Vec<(i64, &Known, &FeedHost)> =
            seen.filter_map(|(id, known)| Some((*id, known, known.feed.as_ref()?))).collect();
        hosts.sort_by_key(|(id, _, host)| (std::cmp::Reverse(host.display_index), *id));
        hosts
    }

    fn put(&mut self, shard: u32, at_ms: i64, host: DigestHost, changes: &mut Changes) {
        let DigestHost { id, hidden, piece, feed } = host;
        if self.graves.get(&id).is_some_and(|died_ms| *died_ms >= at_ms) {
            return;
        }
        let before = self.hosts.get(&id);
        if before.is_some_and(|before| before.at_ms > at_ms) {
            return;
        }
        if before.is_some_and(|before| !before.hidden && hidden) {
            changes.withdrawn.push(id);
        }
        changes.changed.push(id);
        let before = self.hosts.remove(&id);
        // A shard that was not told yet that the feed is wanted says nothing of it.
        let feed = feed.or_else(|| before.and_then(|before| before.feed));
        self.hosts.insert(id, Known { shard, at_ms, hidden, piece, feed });
    }

    fn bury(&mut self, id: i64, at_ms: i64, changes: &mut Changes) {
        if self.hosts.get(&id).is_some_and(|known| known.at_ms > at_ms) {
            return;
        }
        self.graves.insert(id, at_ms);
        // What was never known is gone for nobody: a guest must not learn of it by its end.
        if let Some(known) = self.hosts.remove(&id) {
            changes.gone.push(id);
            if known.hidden {
                changes.gone_hidden.insert(id);
            }
        } else {
            changes.gone.push(id);
            changes.gone_hidden.insert(id);
        }
    }

    fn banner(&self) -> Option<String> {
        let mut sentences: Vec<&str> = Vec::new();
        if !self.unreachable.is_empty() {
            sentences.push(UNREACHABLE);
        }
        for banner in self.banners.values() {
            if !sentences.contains(&banner.as_str()) {
                sentences.push(banner);
            }
        }
        (!sentences.is_empty()).then(|| sentences.join(" "))
    }
}

#[cfg(test)]
mod tests;
