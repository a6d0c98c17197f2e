//! The operations of the object's `fetch` that are about what is posted, and about metrics by name.

use edgewatch_core::model::{HostId, Presence};
use worker::{Error, Request, Response};

use super::read;
use super::wire::{LatestAnswer, LatestQuery, NamesAnswer, NamesQuery, PointsAnswer, PointsQuery, Post, PostReply};
use crate::hub::object::{Answer, Inner};
use crate::hub::operations::{SOON_MS, json, parse};
use crate::hub::{HubError, flush, handover};
use crate::store::{Db, history};

impl Inner {
    /// Takes a post: when this answers, it is in the object's database. What is not taken because of one host leaves the others as they are.
    pub(in crate::hub) async fn take_posts(&self, body: &[u8], db: Option<&Db>) -> Answer<PostReply> {
        let post = Post::decode(body)?;
        let epoch = self.with(|shard| flush::epoch(shard))?;
        if post.epoch.is_some_and(|known| known != epoch) {
            return Ok(PostReply { epoch, stale: true, ..PostReply::default() });
        }
        let mut reply = PostReply { epoch, ..PostReply::default() };
        let mut known = Vec::new();
        for (of, samples) in post.samples {
            if self.is_there(of, db).await? { known.push((of, samples)) } else { reply.unknown.push(of.0) }
        }
        let ids: Vec<HostId> = known.iter().map(|(of, _)| of.posted()).collect();
        self.begin_posted(&ids, db).await?;
        let now = self.now();
        let is_news = self.with(|shard| {
            shard.note_worker(now);
            let mut is_news = false;
            for (of, samples) in known {
                reply.full += shard.take_posted(of, samples, now)?;
                let host = shard.get(of).filter(|_| !of.is_posted());
                is_news |= host.is_some_and(|one| one.is_news || one.entry.host.presence != Presence::Online);
                is_news |= shard.rules.take_news();
            }
            Ok(is_news)
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

    /// Whether there is something of this number to post of. A service is whoever asks to know.
    pub(in crate::hub) async fn is_there(&self, of: HostId, db: Option<&Db>) -> Answer<bool> {
        self.expect_ours(of)?;
        if of.is_posted() {
            return Ok(true);
        }
        let is_known = || self.with(|shard| shard.load(of, || self.attached(of)));
        if is_known()? {
            return Ok(true);
        }
        flush::enrol(self, db, Some(&[of]), None).await?;
        is_known()
    }

    /// The operations on what is posted.
    pub(in crate::hub) async fn of_posted(
        &self,
        path: &str,
        request: &mut Request,
        db: Option<&Db>,
    ) -> Answer<Response> {
        let refused = |error: Error| HubError::Refused(error.to_string());
        match path {
            "/posted" => {
                let body = request.bytes().await.map_err(refused)?;
                json(&self.take_posts(&body, db).await?)
            }
            "/points" => {
                let wanted: PointsQuery = parse(&request.text().await.map_err(refused)?)?;
                json(&self.metric_points(&wanted, db).await?)
            }
            "/latest" => {
                let wanted: LatestQuery = parse(&request.text().await.map_err(refused)?)?;
                json(&self.latest_values(&wanted)?)
            }
            _ => {
                let wanted: NamesQuery = parse(&request.text().await.map_err(refused)?)?;
                json(&self.metric_names(HostId(wanted.of))?)
            }
        }
    }

    /// Makes what is posted under these numbers ready, where it is not: with the names that D1 knows, so that they keep their ids.
    pub(in crate::hub) async fn begin_posted(&self, ids: &[HostId], db: Option<&Db>) -> Answer<()> {
        let new: Vec<HostId> = self.with(|shard| {
            shard.load_posted(None)?;
            Ok(ids.iter().copied().filter(|id| shard.get(*id).is_none()).collect())
        })?;
        if new.is_empty() {
            return Ok(());
        }
        let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
        let names = history::list_dictionaries(db, &new).await?;
        self.with(|shard| {
            handover::take_names(shard, &names)?;
            new.iter().try_for_each(|id| shard.posted_mut(*id).map(drop))
        })
    }

    /// The points of a metric of a host or service.
    pub(in crate::hub) async fn metric_points(&self, wanted: &PointsQuery, db: Option<&Db>) -> Answer<PointsAnswer> {
        let of = HostId(wanted.of);
        let now = self.now();
        let (epoch, place) = self.with(|shard| {
            shard.load(of, || self.attached(of))?;
            Ok((flush::epoch(shard)?, shard.find_metric(of, &wanted.name)?))
        })?;
        let Some(place) = place else { return Ok(PointsAnswer { epoch, points: None }) };
        let plan = self.with(|shard| Ok(shard.points_plan(&place, wanted, now)))?;
        let blocks = read::wanted_blocks(place.id, &plan);
        let coarse = match db {
            Some(db) if !blocks.is_empty() => history::list(db, &blocks).await?,
            _ => Vec::new(),
        };
        let points = self.with(|shard| shard.points(&place, wanted, &plan, &coarse))?;
        Ok(PointsAnswer { epoch, points: Some(points) })
    }

    /// The newest values of metrics.
    pub(in crate::hub) fn latest_values(&self, wanted: &LatestQuery) -> Answer<LatestAnswer> {
        self.with(|shard| {
            let mut answer = LatestAnswer { epoch: flush::epoch(shard)?, ..LatestAnswer::default() };
            for of in wanted.of.iter().copied().map(HostId) {
                shard.load(of, || self.attached(of))?;
                answer.latest.insert(of.0, shard.latest_values(of, &wanted.names)?);
            }
            Ok(answer)
        })
    }

    /// The names of the metrics of a host or service.
    pub(in crate::hub) fn metric_names(&self, of: HostId) -> Answer<NamesAnswer> {
        self.with(|shard| {
            shard.load(of, || self.attached(of))?;
            Ok(NamesAnswer { epoch: flush::epoch(shard)?, names: shard.metric_names(of)?.into_iter().collect() })
        })
    }
}
