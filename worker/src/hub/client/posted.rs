//! What others than our agent post, and metrics by the names of programs: asked of the shards that have them.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::model::{HostId, Sample};
use worker::{Method, Request, RequestInit};

use super::{Class, HubClient, HubError, own_header, shard_name, shard_of};
use crate::hub::polled::wire::{PolledReply, PolledRequest};
use crate::hub::posted::wire::{
    LatestAnswer, LatestQuery, NamesAnswer, NamesQuery, PointsAnswer, PointsQuery, Post, PostReply,
};
use crate::hub::relayed::wire::{RelayedReply, RelayedReport};
use crate::hub::thresholds::wire::{PollsReply, PollsRequest};
use crate::hub::watches::wire::{
    KeepChecksRequest, MonitoredRequest, MonitoredWire, OpenCheckWire, ReportsReply, ReportsRequest,
};
use crate::hub::wire::{AcknowledgedRequest, EpochReply};

/// The epochs of the shards that answered.
pub type Epochs = BTreeMap<u32, u64>;

impl HubClient {
    /// Which shard has what is of this host or service.
    pub fn shard_of(&self, of: HostId) -> u32 {
        shard_of(of, self.shards)
    }

    /// Hands samples without numbers to one shard; `epoch` is what who posts was remembered under. What it answers to be taken is stored.
    ///
    /// # Errors
    /// [`HubError`] when the shard has no answer; they may be stored all the same, and sending them again is harmless.
    pub async fn post(
        &self,
        shard: u32,
        epoch: Option<u64>,
        samples: BTreeMap<HostId, Vec<Sample>>,
    ) -> Result<PostReply, HubError> {
        let body = Post { epoch, samples }.encode()?;
        let (own, headers) = own_header(worker::Headers::new())?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post)
            .with_headers(headers)
            .with_body(Some(worker::js_sys::Uint8Array::from(body.as_slice()).into()));
        let refused = |error: worker::Error| HubError::Unreachable(error.to_string());
        let request = Request::new_with_init("https://hub/posted", &init).map_err(refused)?;
        let stub = self.objects.stub(Class::Hub, &shard_name(shard)).map_err(refused)?;
        let mut response = self.answered(stub.fetch_with_request(request).await, own).await?;
        match response.status_code() {
            200 => response.json().await.map_err(|error| HubError::Corrupt(error.to_string())),
            status => Err(HubError::Corrupt(format!("posted answered {status}"))),
        }
    }

    /// Says how hosts of one shard are that are parts of hypervisors.
    ///
    /// # Errors
    /// [`HubError`] when the shard has no answer; it may be told again.
    pub async fn polled(&self, shard: u32, request: &PolledRequest) -> Result<PolledReply, HubError> {
        self.ask(shard, "polled", request).await
    }

    /// Hands a report of another product's agent to its host's shard. When this is over it is stored, unless the reply says otherwise.
    ///
    /// # Errors
    /// [`HubError`] when the shard has no answer; sending it again stores nothing twice.
    pub async fn relay(&self, report: &RelayedReport) -> Result<RelayedReply, HubError> {
        self.ask(self.shard_of(HostId(report.agent.host_id)), "relayed", report).await
    }

    /// How often every shard was told of credentials that were taken away; a call for each.
    ///
    /// # Errors
    /// [`HubError`] when one of them has no answer.
    pub async fn epochs(&self) -> Result<Vec<u64>, HubError> {
        let mut epochs = Vec::new();
        for shard in 0..self.shards {
            epochs.push(self.ask::<EpochReply>(shard, "epoch", &()).await?.epoch);
        }
        Ok(epochs)
    }

    /// A metric's points, oldest first: second and value. `None` when there is no such metric.
    ///
    /// # Errors
    /// [`HubError`] when the shard has no answer.
    pub async fn points(&self, wanted: &PointsQuery) -> Result<(Option<Vec<(i64, f64)>>, Epochs), HubError> {
        let shard = self.shard_of(HostId(wanted.of));
        let answer: PointsAnswer = self.ask(shard, "points", wanted).await?;
        Ok((answer.points, Epochs::from([(shard, answer.epoch)])))
    }

    /// The newest values of metrics by host, in the order of the names.
    ///
    /// # Errors
    /// [`HubError`] when one of the shards has no answer.
    pub async fn latest(
        &self,
        of: &[HostId],
        names: &[String],
    ) -> Result<(BTreeMap<i64, Vec<Option<(i64, f64)>>>, Epochs), HubError> {
        let (mut latest, mut epochs) = (BTreeMap::new(), Epochs::new());
        let shards: BTreeSet<u32> = of.iter().map(|of| self.shard_of(*of)).collect();
        for shard in shards {
            let of_shard = of.iter().filter(|of| self.shard_of(**of) == shard).map(|of| of.0).collect();
            let wanted = LatestQuery { of: of_shard, names: names.to_vec() };
            let answer: LatestAnswer = self.ask(shard, "latest", &wanted).await?;
            latest.extend(answer.latest);
            epochs.insert(shard, answer.epoch);
        }
        Ok((latest, epochs))
    }

    /// The names of the metrics of a host or service, ascending.
    ///
    /// # Errors
    /// [`HubError`] when the shard has no answer.
    pub async fn metric_names(&self, of: HostId) -> Result<(Vec<String>, Epochs), HubError> {
        let shard = self.shard_of(of);
        let answer: NamesAnswer = self.ask(shard, "metric-names", &NamesQuery { of: of.0 }).await?;
        Ok((answer.names, Epochs::from([(shard, answer.epoch)])))
    }
}

/// Checks of hosts, and what is done to alerts: asked of the shards that have them.
impl HubClient {
    /// Hands what checks of hosts of one shard report to it. What it answers to be taken is stored.
    ///
    /// # Errors
    /// [`HubError`] when the shard has no answer; they may be stored all the same, and sending them again is harmless.
    pub async fn check_reports(&self, shard: u32, reports: &ReportsRequest) -> Result<ReportsReply, HubError> {
        self.ask(shard, "check-reports", reports).await
    }

    /// Hands polls of resources of hosts of one shard to it.
    ///
    /// # Errors
    /// [`HubError`] when the shard has no answer; they may have been taken all the same, and sending them again is harmless.
    pub async fn polls(&self, shard: u32, polls: &PollsRequest) -> Result<PollsReply, HubError> {
        self.ask(shard, "polls", polls).await
    }

    /// Has a host's checks forgotten but those of these names; gives those with alerts, which stay.
    ///
    /// # Errors
    /// [`HubError`] when the shard has no answer.
    pub async fn keep_checks(&self, host: HostId, names: Vec<String>) -> Result<Vec<i64>, HubError> {
        self.ask(self.shard_of(host), "keep-checks", &KeepChecksRequest { host: host.0, names }).await
    }

    /// How it stands with what watches a host.
    ///
    /// # Errors
    /// [`HubError`] when the shard has no answer.
    pub async fn monitored(&self, host: HostId) -> Result<Vec<MonitoredWire>, HubError> {
        self.ask(self.shard_of(host), "monitored", &MonitoredRequest { host: host.0 }).await
    }

    /// Ends an alert, wherever it is.
    ///
    /// # Errors
    /// [`HubError`] when a shard has no answer.
    pub async fn close_alert(&self, alert: &str) -> Result<(), HubError> {
        for shard in 0..self.shards {
            let request = AcknowledgedRequest { alert: alert.to_owned() };
            if self.ask::<bool>(shard, "close-alert", &request).await? {
                break;
            }
        }
        Ok(())
    }

    /// What checks with alerts say now.
    ///
    /// # Errors
    /// [`HubError`] when a shard has no answer.
    pub async fn open_checks(&self) -> Result<Vec<OpenCheckWire>, HubError> {
        let mut all = Vec::new();
        for shard in 0..self.shards {
            all.extend(self.ask::<Vec<OpenCheckWire>>(shard, "open-checks", &()).await?);
        }
        Ok(all)
    }
}
