//! How hosts are now, and what they measure, for those who have the rest of them from D1.

use edgewatch_core::model::{Host, HostId};
use worker::Response;

use super::object::{Answer, Inner};
use super::operations::json;
use super::posted::wire::NamesQuery;
use super::wire::{ChangedRequest, HostWire};
use super::{HubError, coarse, flush, presence};
use crate::store::Db;

impl Inner {
    /// The hosts asked for that are of this shard, without their newest measurements: nobody reads those here, so it is no look at
    /// hosts that has their agents report at once.
    pub(super) async fn states(&self, wanted: ChangedRequest, db: Option<&Db>) -> Answer<Response> {
        flush::enrol_first(self, db).await?;
        self.complete()?;
        let ids = wanted.ids.unwrap_or_default();
        let signs = self.signs_of(Some(&ids), self.now());
        self.with(|shard| {
            presence::hear_all(shard, &signs);
            let found = ids.iter().filter_map(|id| shard.get(HostId(*id)));
            let wires = found.map(|tracked| HostWire::from(&Host { newest: None, ..tracked.host() }));
            json(&wires.collect::<Vec<_>>())
        })
    }

    /// The metrics that a host of this shard has.
    pub(super) fn measured(&self, wanted: &NamesQuery) -> Answer<Response> {
        let of = HostId(wanted.of);
        self.with(|shard| {
            shard.load(of, || self.attached(of))?;
            json(&shard.metrics_of(of)?)
        })
    }

    /// A host goes, or went: what is here of it is put into rows, and into D1. Gives the number of its last sample.
    pub(super) async fn part(&self, wanted: &NamesQuery, db: Option<&Db>) -> Answer<Response> {
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
}
