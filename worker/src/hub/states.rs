//! How hosts are now, and what they measure, for those who have the rest of them from D1; hosts that go, or are merged.

use edgewatch_core::model::{Host, HostId};
use worker::{Error, Request, Response};

use super::merging::RaiseRequest;
use super::object::{Answer, Inner};
use super::operations::{SOON_MS, json, parse};
use super::posted::wire::NamesQuery;
use super::wire::{ChangedRequest, HostWire};
use super::{HubError, coarse, flush, handover, presence};
use crate::store::Db;

impl Inner {
    /// What is asked and told of hosts one by one.
    pub(super) async fn of_hosts(&self, path: &str, request: &mut Request, db: Option<&Db>) -> Answer<Response> {
        let refused = |error: Error| HubError::Refused(error.to_string());
        let body = request.text().await.map_err(refused)?;
        match path {
            "/states" => self.states(parse(&body)?, db).await,
            "/measured" => self.measured(&parse(&body)?),
            "/part" => self.part(&parse(&body)?, db).await,
            "/raise" => self.raise(parse(&body)?),
            "/purge" => {
                let gone: ChangedRequest = parse(&body)?;
                self.purge(gone.ids.unwrap_or_default().into_iter().map(HostId).collect()).await?;
                json(&())
            }
            _ => Response::error("no such operation", 404).map_err(refused),
        }
    }

    /// The hosts asked for that are of this shard, without their newest measurements: nobody reads those here, so it is no look at
    /// hosts that has their agents report at once.
    async fn states(&self, wanted: ChangedRequest, db: Option<&Db>) -> Answer<Response> {
        flush::enrol_first(self, db).await?;
        self.complete()?;
        let ids = wanted.ids.unwrap_or_default();
        let signs = self.signs_of(Some(&ids));
        self.with(|shard| {
            presence::hear_all(shard, &signs);
            let found = ids.iter().filter_map(|id| shard.get(HostId(*id)));
            let wires = found.map(|tracked| HostWire::from(&Host { newest: None, ..tracked.host() }));
            json(&wires.collect::<Vec<_>>())
        })
    }

    /// The metrics that a host of this shard has.
    fn measured(&self, wanted: &NamesQuery) -> Answer<Response> {
        let of = HostId(wanted.of);
        self.with(|shard| {
            shard.load(of, || self.attached(of))?;
            json(&shard.metrics_of(of)?)
        })
    }

    /// A host goes, or went: what is here of it is put into rows, and into D1. Gives the number of its last sample.
    async fn part(&self, wanted: &NamesQuery, db: Option<&Db>) -> Answer<Response> {
        let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
        let (id, now) = (HostId(wanted.of), self.now());
        let (days, last_number) = self.with(|shard| {
            shard.load(id, || self.attached(id))?;
            shard.last_days(id, now)
        })?;
        self.attach_anew(id);
        let rings = self.with(|shard| Ok(shard.storage.lengths.target()))?;
        let written = coarse::write(db, &rings, &days).await;
        match written.failed {
            Some(error) => Err(error),
            None => json(&last_number),
        }
    }

    /// Another agent speaks for a host from now on: what it numbers is beyond what the host has.
    fn raise(&self, wanted: RaiseRequest) -> Answer<Response> {
        let (id, now) = (HostId(wanted.of), self.now());
        self.with(|shard| {
            shard.load(id, || self.attached(id))?;
            shard.raise(wanted, now)
        })?;
        self.attach_anew(id);
        json(&())
    }

    /// Forgets hosts that are no more, and services by the numbers of their metrics, with all that is stored of them.
    async fn purge(&self, gone: Vec<HostId>) -> Answer<()> {
        let now = self.now();
        let is_news = self.with(|shard| {
            // A host's alerts ended when it retired.
            gone.iter().filter(|id| id.is_posted()).for_each(|id| shard.end_alerts(*id, now));
            gone.iter().flat_map(|id| [*id, id.posted()]).try_for_each(|id| handover::purge(shard, id))?;
            Ok(shard.rules.take_news())
        })?;
        if is_news {
            self.flush.soon();
            self.wake_at(now.0 + SOON_MS).await;
        }
        Ok(())
    }
}
