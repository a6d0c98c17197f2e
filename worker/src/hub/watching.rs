//! Which hosts somebody asks for or watches, and which of them send live frames because of it.

use std::collections::BTreeSet;

use edgewatch_core::model::{HostId, Link};
use edgewatch_core::units::UnixMillis;

use super::shard::{LIVE_FOR_S, Shard};
use super::tracked::Tracked;

/// How long somebody who read a host's state counts as watching it, ms. Source: design, "Presence".
const READ_WATCHES_MS: i64 = 60_000;
/// An agent whose live frames end within this is told again, ms.
const LIVE_AGAIN_MS: i64 = 35_000;

impl Shard {
    /// How many hosts somebody watches.
    pub fn watched_hosts(&self, now: UnixMillis) -> usize {
        self.watched.values().filter(|(until, _)| *until > now.0).count()
    }

    /// Notes that somebody watches these hosts; gives those whose agents have to be told to send live frames now. At most as many
    /// are live as the levers allow.
    pub fn note_watched(&mut self, ids: &[HostId], until: Option<UnixMillis>, now: UnixMillis) -> Vec<HostId> {
        let until = until.map_or(now.0 + READ_WATCHES_MS, |until| until.0);
        self.watched.retain(|_, (watched_until, live_until)| *watched_until > now.0 || *live_until > now.0);
        let most = usize::try_from(self.levers.live_hosts).unwrap_or(0);
        let mut live = self.watched.values().filter(|(_, live_until)| *live_until > now.0).count();
        let mut told = Vec::new();
        for id in ids {
            if self.get(*id).is_none_or(|host| host.link != Link::Socket) {
                continue;
            }
            let (watched_until, live_until) = self.watched.entry(*id).or_default();
            *watched_until = (*watched_until).max(until);
            let is_live = *live_until > now.0;
            if *live_until - now.0 < LIVE_AGAIN_MS && (is_live || live < most) {
                live += usize::from(!is_live);
                *live_until = now.0 + i64::from(LIVE_FOR_S) * 1000;
                told.push(*id);
            }
        }
        told
    }

    /// The hosts asked for, by number: these, or those of a group, or all; of those the ones that guests may see.
    pub fn select(&self, ids: Option<&[i64]>, tag: Option<&str>, for_guests: bool) -> Vec<&Tracked> {
        let wanted = |tracked: &&Tracked| {
            let host = &tracked.entry.host;
            tag.is_none_or(|tag| host.tag == tag) && !(for_guests && host.hidden_for_guest)
        };
        match ids {
            Some(ids) => {
                let unique: BTreeSet<HostId> = ids.iter().copied().map(HostId).collect();
                unique.iter().filter_map(|id| self.get(*id)).filter(wanted).collect()
            }
            None => self.iter().filter(wanted).collect(),
        }
    }
}
