//! What others see of a host in the hub, and what is kept of it while the object sleeps.

use edgewatch_core::model::{Host, Link};
use edgewatch_core::units::{UnixMillis, UnixSeconds};

use super::Tracked;
use crate::hub::held::{self, Held};
use crate::hub::series::Known;

impl Tracked {
    /// Whether another shard had the host and has not said yet what people were told of it.
    pub fn is_doubted(&self, now: UnixSeconds) -> bool {
        self.entry.told.as_ref().is_some_and(|told| told.is_doubted(now))
    }

    /// When its newest sample was measured, ms since 1970, as far as is known without reading on.
    pub fn newest_ms(&self) -> Option<i64> {
        if self.id().is_posted() {
            // Its samples may be of any time: blocks and days end by when they came.
            return self.came_ms();
        }
        self.last_at_ms.or_else(|| self.newest.as_ref().map(|sample| sample.at.0))
    }

    /// What questions about history need to know.
    pub fn known(&self) -> Known {
        // What is posted may be of a time that is still to come.
        let newest_ms = self.newest_ms().filter(|_| !self.id().is_posted());
        Known { newest_ms, day_done: self.entry.coarse_done }
    }

    /// What outlives the object's sleep.
    pub fn held(&self) -> Held {
        let newest = self.newest.as_ref().and_then(|sample| held::pack(std::slice::from_ref(sample)).ok());
        let pace = match self.link {
            Link::Post { period_s, frame_s } => (period_s, frame_s),
            Link::Socket => (0, 0),
        };
        Held {
            is_complete: self.is_loaded,
            link: self.link,
            pace,
            capabilities: self.capabilities,
            taken: self.gap.taken(),
            durable: self.gap.durable(),
            block_no: self.block_no,
            seen_ms: self.seen_ms,
            newest: newest.unwrap_or_default(),
            pending: self.pending.clone(),
        }
    }

    /// The host as readers see it.
    pub fn host(&self) -> Host {
        Host { newest: Option::clone(&self.newest), last_seen: self.last_seen(), ..self.entry.host.clone() }
    }

    /// When the host was last heard from.
    pub fn last_seen(&self) -> Option<UnixSeconds> {
        if self.seen_ms > 0 { Some(UnixMillis(self.seen_ms).seconds()) } else { self.entry.host.last_seen }
    }

    /// Changes whenever anything of [`Tracked::host`] but when it was last heard from may be another; never one that was before.
    pub fn stamp(&self) -> u64 {
        self.entry.stamp().max(self.newest.stamp())
    }
}
