//! The operation of the object's `fetch` that takes polls.

use edgewatch_core::model::HostId;

use super::wire::{PollsReply, PollsRequest};
use crate::hub::object::{Answer, Inner};
use crate::store::Db;

impl Inner {
    /// Takes polls: when this answers, what follows from them is in the object's database, or in memory and tried again.
    pub(in crate::hub) async fn take_polls(&self, request: PollsRequest, db: Option<&Db>) -> Answer<PollsReply> {
        let mut reply = PollsReply::default();
        let mut known = Vec::new();
        for resource in request.resources {
            if self.is_host(HostId(resource.host), db).await? {
                known.push(resource.into_polled()?);
            } else if !reply.unknown.contains(&resource.host) {
                reply.unknown.push(resource.host);
            }
        }
        let now = self.now();
        let is_news = self.with(|shard| {
            shard.note_worker(now);
            let restless = shard.take_polls(known, now);
            reply.restless = restless.into_iter().map(|(host, number)| (host.0, number)).collect();
            Ok(shard.rules.take_news())
        })?;
        if is_news {
            self.tell_soon().await;
        }
        Ok(reply)
    }
}
