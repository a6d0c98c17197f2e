//! Hosts for those who keep the fleet: how they are, what they measure, and what becomes of one that is merged into another.

use edgewatch_core::model::{Host, HostId};

use super::{HubClient, HubError, shard_of};
use crate::hub::measured::MetricsWire;
use crate::hub::merging::RaiseRequest;
use crate::hub::posted::wire::NamesQuery;
use crate::hub::wire::{ChangedRequest, HostWire};

impl HubClient {
    /// How those of these hosts are now that the hub has, without their newest measurements, in no order.
    ///
    /// # Errors
    /// [`HubError`] when a shard has no answer.
    pub async fn states(&self, ids: &[HostId]) -> Result<Vec<Host>, HubError> {
        let mut hosts = Vec::with_capacity(ids.len());
        for shard in 0..self.shards {
            let of_shard: Vec<i64> =
                ids.iter().filter(|id| shard_of(**id, self.shards) == shard).map(|id| id.0).collect();
            if !of_shard.is_empty() {
                let request = ChangedRequest { ids: Some(of_shard) };
                let wires: Vec<HostWire> = self.ask(shard, "states", &request).await?;
                for wire in wires {
                    hosts.push(Host::try_from(wire)?);
                }
            }
        }
        Ok(hosts)
    }

    /// The metrics that a host has.
    ///
    /// # Errors
    /// [`HubError`] when its shard has no answer.
    pub async fn measured(&self, of: HostId) -> Result<MetricsWire, HubError> {
        self.ask(shard_of(of, self.shards), "measured", &NamesQuery { of: of.0 }).await
    }

    /// A host goes, or went: what the hub has of it is put into rows, and into D1. Gives the number of its last sample.
    ///
    /// # Errors
    /// [`HubError`] when its shard has no answer, or D1 has none for it: doing it again is harmless.
    pub async fn part(&self, of: HostId) -> Result<u64, HubError> {
        self.ask(shard_of(of, self.shards), "part", &NamesQuery { of: of.0 }).await
    }

    /// The samples of a host are numbered from far above this number on.
    ///
    /// # Errors
    /// [`HubError`] when its shard has no answer.
    pub async fn raise(&self, of: HostId, above: u64) -> Result<(), HubError> {
        let request = RaiseRequest { of: of.0, above };
        self.ask::<serde_json::Value>(shard_of(of, self.shards), "raise", &request).await.map(drop)
    }
}
