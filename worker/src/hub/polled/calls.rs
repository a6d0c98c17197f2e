//! The operation of the object's `fetch` that says how parts of hypervisors are.

use edgewatch_core::model::HostId;
use worker::{Request, Response};

use super::wire::{PolledReply, PolledRequest};
use crate::hub::object::{Answer, Inner};
use crate::hub::operations::{SOON_MS, json, parse};
use crate::hub::{HubError, flush};
use crate::platform::log;
use crate::store::Db;

impl Inner {
    /// The operation.
    pub(in crate::hub) async fn polled(&self, request: &mut Request, db: Option<&Db>) -> Answer<Response> {
        let text = request.text().await.map_err(|error| HubError::Refused(error.to_string()))?;
        json(&self.take_polled(parse(&text)?, db).await?)
    }

    /// Takes how hosts are. One that cannot be taken costs itself.
    async fn take_polled(&self, request: PolledRequest, db: Option<&Db>) -> Answer<PolledReply> {
        let mut reply = PolledReply::default();
        let mut missing = Vec::new();
        for polled in &request.hosts {
            let id = HostId(polled.id);
            self.expect_ours(id)?;
            if !self.with(|shard| shard.load(id, || None))? {
                missing.push(id);
            }
        }
        if !missing.is_empty() {
            flush::enrol(self, db, Some(&missing), None).await?;
        }
        let now = self.now();
        let is_news = self.with(|shard| {
            shard.note_worker(now);
            let mut is_news = false;
            for polled in request.hosts {
                let id = HostId(polled.id);
                if !shard.load(id, || None)? {
                    reply.unknown.push(id.0);
                    continue;
                }
                if let Err(error) = shard.take_polled(polled, now) {
                    log::error("hub.polled", &error.to_string());
                }
                is_news |= shard.get(id).is_some_and(|host| host.is_news);
            }
            Ok(is_news | shard.rules.take_news())
        })?;
        if is_news {
            self.flush.soon();
            self.wake_at(now.0 + SOON_MS).await;
        }
        if self.push.is_due(now) {
            self.push_changes(false).await;
        }
        Ok(reply)
    }
}
