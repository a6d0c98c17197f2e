//! The operation of the object's `fetch` that takes reports of other products' agents.

use edgewatch_core::model::{HostId, Presence};
use worker::{Request, Response};

use super::wire::{RelayedReply, RelayedReport};
use crate::hub::object::{Answer, Inner};
use crate::hub::operations::{SOON_MS, json, parse};
use crate::hub::{HubError, flush};
use crate::store::Db;

impl Inner {
    /// Takes a report: when this answers, it is in the object's database.
    pub(in crate::hub) async fn relayed(&self, request: &mut Request, db: Option<&Db>) -> Answer<Response> {
        let text = request.text().await.map_err(|error| HubError::Refused(error.to_string()))?;
        let report: RelayedReport = parse(&text)?;
        let id = HostId(report.agent.host_id);
        let epoch = self.with(|shard| flush::epoch(shard))?;
        let reply = RelayedReply { epoch, ..RelayedReply::default() };
        if report.epoch.is_some_and(|known| known != epoch) {
            return json(&RelayedReply { stale: true, ..reply });
        }
        if id.is_posted() || !self.is_there(id, db).await? {
            return json(&RelayedReply { unknown: true, ..reply });
        }
        let now = self.now();
        let is_news = self.with(|shard| {
            shard.note_worker(now);
            shard.note_origin(&report.agent, now)?;
            shard.take_relayed(report, now)?;
            let host = shard.get(id);
            let is_news = host.is_some_and(|one| one.is_news || one.entry.host.presence != Presence::Online);
            Ok(is_news | shard.rules.take_news())
        })?;
        if is_news {
            self.flush.soon();
            self.wake_at(now.0 + SOON_MS).await;
        }
        if self.push.is_due(now) {
            self.push_changes(false).await;
        }
        json(&reply)
    }
}
