//! What a shard writes for Prometheus: its hosts from their pieces, how probes fared, and in the first shard what the meters show. It is
//! asked for once a minute or oftener for good, so nothing of it reads a row, and nobody's agents send live frames for it.

use edgewatch_core::dialects::native::prometheus::{self, Lines};
use worker::{Error, Response};

use super::object::{Answer, Inner};
use super::wire::MetricsRequest;
use super::{HubError, flush, presence, wire};
use crate::platform::log;
use crate::store::Db;

impl Inner {
    /// Answers [`super::client::HubClient::metrics`].
    pub(super) async fn metrics(&self, wanted: &MetricsRequest, db: Option<&Db>) -> Answer<Response> {
        flush::enrol_first(self, db).await?;
        self.complete()?;
        let now = self.now();
        if let Err(error) = self.ready_probes(db, now).await {
            // Hosts are seen without them.
            log::error("hub.metrics", &error.to_string());
        }
        if self.index == 0 {
            self.account(now)?;
        }
        let signs = self.signs();
        let (lines, epoch) = self.with(|shard| {
            presence::hear_all(shard, &signs);
            let mut lines = Vec::new();
            self.pieces.borrow_mut().write_all(&prometheus::HOST, shard, now, &mut lines)?;
            let mut more = Lines::default();
            let probes = shard.probes()?.to_vec();
            if self.index == 0 {
                for probe in &probes {
                    prometheus::probe_info(&mut more, probe);
                }
                prometheus::usage(&mut more, &shard.usage(now));
            }
            shard.write_results(&probes, self.index, now, &mut more);
            lines.extend(more.into_text().into_bytes());
            Ok((lines, flush::epoch(shard)?))
        })?;
        let body = if wanted.is_whole { prometheus::arrange(&lines, wanted.is_open_metrics) } else { lines };
        let refused = |error: Error| HubError::Refused(error.to_string());
        let mut response = Response::from_bytes(body).map_err(refused)?;
        response.headers_mut().set(wire::EPOCH_HEADER, &epoch.to_string()).map_err(refused)?;
        Ok(response)
    }
}
