//! What the object's events spend, and the governor's part in its alarm and verdict.

use edgewatch_core::domain::budget::levers::EVENT_ACTIVE_MS;
use edgewatch_core::domain::budget::prices::Meter;
use edgewatch_core::domain::budget::refusal::meter_of;
use edgewatch_core::domain::budget::usage::Usage;
use edgewatch_core::model::{HostId, Link};
use edgewatch_core::units::UnixMillis;
use worker::Request;

use super::governor::{Orders, ShardReport};
use super::object::{Answer, Inner};
use super::own::{OWN_HEADER, Own};
use super::tracked::Tracked;
use super::wire::shard_name;
use super::{HubError, moving, presence};
use crate::platform::objects::Class;
use crate::platform::{clock, log};
use crate::store::Db;

/// A message that arrived; it waits for nothing.
pub(super) const MESSAGE: Usage = Usage { messages: 1, active_ms: EVENT_ACTIVE_MS, ..NOTHING };
/// A call of another object. Its active time is that object's.
pub(super) const CALL: Usage = Usage { object_calls: 1, active_ms: EVENT_ACTIVE_MS, ..NOTHING };
/// A question of Viewers: its alarm asked, and set itself anew. That object counts nothing itself.
pub(super) const ASKED_BY_VIEWERS: Usage = Usage { alarms: 1, alarms_set: 1, active_ms: EVENT_ACTIVE_MS, ..NOTHING };
const NOTHING: Usage = Usage {
    worker_requests: 0,
    worker_cpu_ms: 0,
    d1_rows_read: 0,
    d1_rows_written: 0,
    d1_bytes: 0,
    object_calls: 0,
    messages: 0,
    alarms: 0,
    alarms_set: 0,
    object_rows_read: 0,
    object_rows_written: 0,
    object_bytes: 0,
    active_ms: 0,
};

impl Inner {
    /// Notes what was spent; the next alarm or verdict counts it.
    pub(super) fn spend(&self, what: Usage) {
        self.tally.set(self.tally.get().plus(what));
    }

    /// Notes a call, and what the Worker spent since its last one.
    pub(super) fn called(&self, request: &Request) {
        self.spend(Usage { object_calls: 1, ..NOTHING });
        let header = request.headers().get(OWN_HEADER).ok().flatten();
        let Some(own) = header.as_deref().map(Own::parse) else { return };
        self.spend(own.usage());
        let now = self.now();
        for meter in own.refused() {
            if let Err(error) = self.with(|shard| shard.note_unreached(now, meter)) {
                log::error("hub.budget", &error.to_string());
            }
        }
    }

    /// Notes that an event is over, with what it spent in D1. `begun` by the runtime's clock.
    pub(super) fn over(&self, begun: UnixMillis, db: Option<&Db>) {
        let waited_ms = clock::now().0.saturating_sub(begun.0).max(0).unsigned_abs();
        let d1 = db.map(|db| (db.meter().rows_read(), db.meter().rows_written(), db.meter().bytes()));
        let (d1_rows_read, d1_rows_written, d1_bytes) = d1.unwrap_or_default();
        let active_ms = waited_ms.max(EVENT_ACTIVE_MS);
        self.spend(Usage { d1_rows_read, d1_rows_written, d1_bytes, active_ms, ..NOTHING });
    }

    /// Counts what was noted.
    pub(super) fn account(&self, now: UnixMillis) -> Answer<()> {
        self.with(|shard| {
            shard.count(now, self.tally.take());
            Ok(())
        })
    }

    /// Something failed: where the platform calls a meter used up, it counts as that.
    pub(super) fn note_failure(&self, error: &HubError) -> bool {
        let HubError::Refused(words) = error else { return false };
        let Some(meter) = meter_of(words) else { return false };
        let noted = self.with(|shard| {
            shard.governor.refuse(meter);
            Ok(())
        });
        noted.is_ok()
    }

    /// D1 took what it was given.
    pub(super) fn note_d1_writes(&self) {
        let _ = self.with(|shard| {
            for meter in [Meter::D1RowsRead, Meter::D1RowsWritten, Meter::D1Bytes] {
                shard.governor.allow(meter);
            }
            Ok(())
        });
    }

    /// Decides, or asks the first shard what it decided, when it is time; agents are told of changes at once, which costs nothing.
    /// Every host is in memory.
    pub(super) async fn steer(&self, now: UnixMillis) {
        if !self.with(|shard| Ok(shard.governor.is_due(now))).unwrap_or(false) {
            return;
        }
        let steered = if self.index == 0 {
            self.with(|shard| Ok(shard.steer(now)))
        } else {
            let report = self.with(|shard| Ok(shard.report_to_first(self.index, now)));
            match report {
                Ok(report) => self.ask_first(&report, now).await,
                Err(error) => Err(error),
            }
        };
        let is_changed = steered.unwrap_or_else(|error| {
            log::error("hub.budget", &error.to_string());
            false
        });
        if is_changed {
            let sockets = self.with(|shard| {
                Ok(shard.iter().filter(|host| host.link == Link::Socket).map(Tracked::id).collect::<Vec<HostId>>())
            });
            self.tell_settings(&sockets.unwrap_or_default(), now);
        }
        moving::fit(self, now).await;
        let kept = self.with(|shard| {
            if self.index == 0 {
                shard.tell_of_meters(now)?;
            }
            shard.keep_watch()
        });
        if let Err(error) = kept {
            log::error("hub.budget", &error.to_string());
        }
    }

    async fn ask_first(&self, report: &ShardReport, now: UnixMillis) -> Answer<bool> {
        let corrupt = |error: serde_json::Error| HubError::Corrupt(error.to_string());
        let unreached = |error: worker::Error| HubError::Unreachable(error.to_string());
        let body = serde_json::to_string(report).map_err(corrupt)?;
        let mut response = self.objects.post(Class::Hub, &shard_name(0), "budget", &body).await.map_err(unreached)?;
        let text = response.text().await.map_err(unreached)?;
        let orders: Orders = serde_json::from_str(&text).map_err(corrupt)?;
        self.with(|shard| Ok(shard.take_orders(&orders, now)))
    }

    /// Sees to it that there is an alarm while there are sockets: the platform gives one up that failed too often, and one that
    /// could not be set is not there.
    pub(super) async fn rearm(&self, now: UnixMillis) {
        if self.open.get() == 0 || self.is_alarm_near(now) {
            return;
        }
        if matches!(self.state.storage().get_alarm().await, Ok(None)) {
            self.wake_at(now.0 + presence::SOON_AGAIN_MS).await;
        }
    }
}
