//! How the Worker reaches the hub: a function per operation.

use edgewatch_core::dialects::native::{ProbePart, SeriesRequest, prometheus};
use edgewatch_core::model::{Form, HostId, Probe, ProbeResult, Report, SeriesQuery, WebAnswer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{Headers, Method, Request, RequestInit, Response};

use super::listing::{self, ListRequest};
use super::own::{self, OWN_HEADER, Own};
use super::probe_history::{ProbePoints, Tallies};
use super::probes::edge_shard;
use super::rules::usage::{Transfer, TransfersRequest};
use super::wire::{
    self, AcknowledgedRequest, AgentWire, COST_HEADER, ChangedRequest, EPOCH_HEADER, EdgeRequest, EpochReply,
    IDENTITY_HEADER, MetricsRequest, PointsRequest, RecordedWire, TalliesReply, UsageWire, VerdictReply,
    VerdictRequest, shard_name, shard_of,
};
use super::{HubError, series};
use crate::platform::objects::{Class, Objects};
use crate::platform::payload::Payload;

mod fleet;
pub mod guests;
mod merged;
mod posted;
mod results;

/// What calls of the hub spent, in the units of the bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Rows that the objects read and wrote in D1.
    pub d1_rows: (u64, u64),
    /// Rows read and written in the objects' own databases.
    pub object_rows: (u64, u64),
    /// Calls of objects.
    pub calls: u64,
}

impl Spent {
    /// This and `other` together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            d1_rows: (self.d1_rows.0 + other.d1_rows.0, self.d1_rows.1 + other.d1_rows.1),
            object_rows: (self.object_rows.0 + other.object_rows.0, self.object_rows.1 + other.object_rows.1),
            calls: self.calls + other.calls,
        }
    }

    fn of(response: &Response) -> Self {
        let text = response.headers().get(COST_HEADER).ok().flatten().unwrap_or_default();
        let numbers: Vec<u64> = text.split(',').filter_map(|part| part.parse().ok()).collect();
        match numbers.as_slice() {
            [d1_read, d1_written, read, written] => {
                Self { d1_rows: (*d1_read, *d1_written), object_rows: (*read, *written), calls: 1 }
            }
            _ => Self { calls: 1, ..Self::default() },
        }
    }
}

/// How probes fared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProbeNews {
    /// Every probe, by number.
    pub probes: Vec<Probe>,
    /// What all hosts found out, by the number of the probe.
    pub hosts: Tallies,
    /// What the Worker found out itself.
    pub edge: Tallies,
    /// Some of what was said of a probe: its number, the host's (0 is the Worker), and the words.
    pub notes: Vec<(i64, i64, String)>,
}

/// The hub, as one request of the Worker sees it.
#[derive(Clone)]
pub struct HubClient {
    objects: Objects,
    shards: u32,
    spent: std::sync::Arc<std::sync::Mutex<Spent>>,
}

impl HubClient {
    /// The hub of so many shards.
    pub fn new(objects: Objects, shards: u32) -> Self {
        Self { objects, shards, spent: std::sync::Arc::default() }
    }

    /// What this client and its clones spent.
    pub fn spent(&self) -> Spent {
        self.spent.lock().map_or_else(|_| Spent::default(), |spent| *spent)
    }

    /// Notes a call of an object that tells the hub nothing itself, with the rows that it read and wrote of its own.
    pub fn note_call(&self, object_rows: (u64, u64)) {
        own::note_call(object_rows.0, object_rows.1);
        if let Ok(mut spent) = self.spent.lock() {
            *spent = spent.plus(Spent { object_rows, calls: 1, ..Spent::default() });
        }
    }

    fn note(&self, response: &Response) {
        if let Ok(mut spent) = self.spent.lock() {
            *spent = spent.plus(Spent::of(response));
        }
    }

    async fn call(&self, shard: u32, operation: &str, request: &impl Serialize) -> Result<Response, HubError> {
        let body = serde_json::to_string(request).map_err(|error| HubError::Corrupt(error.to_string()))?;
        let (own, headers) = own_header(Headers::new())?;
        let answer = self.objects.post_with(Class::Hub, &shard_name(shard), operation, &body, headers).await;
        self.answered(answer, own).await
    }

    /// `own`: what the call told the shard of the Worker.
    async fn answered(&self, answer: worker::Result<Response>, own: Own) -> Result<Response, HubError> {
        let mut response = answer.map_err(|error| unreached(&error, own))?;
        self.note(&response);
        if response.status_code() == 503 {
            return Err(HubError::Refused(response.text().await.unwrap_or_default()));
        }
        Ok(response)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        shard: u32,
        operation: &str,
        request: &impl Serialize,
    ) -> Result<T, HubError> {
        let mut response = self.call(shard, operation, request).await?;
        if response.status_code() != 200 {
            return Err(HubError::Corrupt(format!("{operation} answered {}", response.status_code())));
        }
        response.json().await.map_err(|error| HubError::Corrupt(error.to_string()))
    }

    /// The list of the hosts asked for, written as `form` says, in the order of all or that of `ids`, repeats kept; and for each shard
    /// how often it was told of credentials that were taken away.
    ///
    /// # Errors
    /// [`HubError`] when one of the shards has no answer.
    pub async fn list(
        &self,
        form: &'static Form,
        ids: Option<&[HostId]>,
        tag: Option<&str>,
        for_guests: bool,
    ) -> Result<(Payload, Vec<u64>), HubError> {
        let is_whole = self.shards <= 1;
        let (mut parts, mut epochs) = (Vec::new(), Vec::new());
        for shard in 0..self.shards.max(1) {
            let of_shard = ids.map(|ids| {
                ids.iter().filter(|id| shard_of(**id, self.shards) == shard).map(|id| id.0).collect::<Vec<_>>()
            });
            // Of every shard: what it knows of credentials counts.
            let (form, tag) = (form.name.to_owned(), tag.map(str::to_owned));
            let request = ListRequest { form, ids: of_shard, tag, for_guests, is_whole };
            let response = self.call(shard, "list", &request).await?;
            epochs.push(epoch_of(&response)?);
            let body = Payload::of(response).await.map_err(|error| HubError::Unreachable(error.to_string()))?;
            if is_whole {
                return Ok((body, epochs));
            }
            parts.push(body.into_bytes());
        }
        Ok((listing::assemble(form, &parts, ids)?.into(), epochs))
    }

    /// What there is for Prometheus, and for each shard how often it was told of credentials that were taken away. Of one shard it
    /// comes as it is handed on; of several the lines are laid together here.
    ///
    /// # Errors
    /// [`HubError`] when one of the shards has no answer.
    pub async fn metrics(&self, is_open_metrics: bool) -> Result<(Payload, Vec<u64>), HubError> {
        let request = MetricsRequest { is_open_metrics, is_whole: self.shards <= 1 };
        let (mut lines, mut epochs) = (Vec::new(), Vec::new());
        for shard in 0..self.shards.max(1) {
            let response = self.call(shard, "metrics", &request).await?;
            if response.status_code() != 200 {
                return Err(HubError::Corrupt(format!("metrics answered {}", response.status_code())));
            }
            epochs.push(epoch_of(&response)?);
            let body = Payload::of(response).await.map_err(|error| HubError::Unreachable(error.to_string()))?;
            if request.is_whole {
                return Ok((body, epochs));
            }
            lines.extend(body.into_bytes());
        }
        Ok((prometheus::arrange(&lines, is_open_metrics).into(), epochs))
    }

    /// Hands a report over; what it answers to be durable is stored. `None` when the host has no such agent.
    ///
    /// # Errors
    /// [`HubError`] when the shard has no answer; the report may be stored all the same, and sending it again is harmless.
    pub async fn report(&self, agent: &AgentWire, report: &Report) -> Result<Option<RecordedWire>, HubError> {
        let body = wire::write_report(report)?;
        let (own, headers) = own_header(identity(agent)?)?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post)
            .with_headers(headers)
            .with_body(Some(worker::js_sys::Uint8Array::from(body.as_slice()).into()));
        let refused = |error: worker::Error| HubError::Unreachable(error.to_string());
        let request = Request::new_with_init("https://hub/report", &init).map_err(refused)?;
        let shard = shard_of(HostId(agent.host_id), self.shards);
        let stub = self.objects.stub(Class::Hub, &shard_name(shard)).map_err(refused)?;
        let mut response = self.answered(stub.fetch_with_request(request).await, own).await?;
        match response.status_code() {
            200 => response.json().await.map(Some).map_err(|error| HubError::Corrupt(error.to_string())),
            401 => Ok(None),
            status => Err(HubError::Corrupt(format!("report answered {status}"))),
        }
    }

    /// How many shards there are.
    pub const fn shards(&self) -> u32 {
        self.shards
    }

    /// The verdict on all hosts, at the moment the schedule was due. The versions count changes to the list of hosts and to rules. `ever`:
    /// how many shards there were; those that are no more are asked too, and `left` is what they still have. The first shard is asked
    /// last: it judges what all of them found out about probes.
    ///
    /// # Errors
    /// [`HubError`] when one of today's shards has no answer; the others have judged.
    pub async fn verdict(
        &self,
        now_ms: i64,
        (hosts_version, rules_version): (u64, u64),
        ever: u32,
    ) -> Result<VerdictReply, HubError> {
        let mut request = VerdictRequest { now_ms, hosts_version, rules_version, monitors: None };
        let (mut sum, mut refused) = (VerdictReply::default(), None);
        let mut news = Vec::new();
        for shard in (0..self.shards).rev() {
            if shard == 0 && self.shards > 1 && refused.is_none() {
                request.monitors = Some(std::mem::take(&mut news));
            }
            let reply: VerdictReply = match self.ask(shard, "verdict", &request).await {
                Ok(reply) => reply,
                Err(error) => {
                    refused = Some(error);
                    continue;
                }
            };
            news.extend(reply.monitors);
            sum.offline += reply.offline;
            sum.online += reply.online;
            sum.impaired |= reply.impaired;
            sum.edge.extend(reply.edge);
            sum.external.extend(reply.external);
        }
        if let Some(error) = refused {
            return Err(error);
        }
        request.monitors = None;
        for shard in self.shards..ever {
            // It judges nobody: what it has is for later.
            let reply: Result<VerdictReply, HubError> = self.ask(shard, "verdict", &request).await;
            sum.left += reply.map_or(1, |reply| reply.left);
        }
        Ok(sum)
    }

    /// Answers a question about history, from every shard that has one of its hosts.
    ///
    /// # Errors
    /// [`HubError`] when one of them has no answer.
    pub async fn series(&self, query: &SeriesQuery) -> Result<series::Answer, HubError> {
        let mut answers = Vec::new();
        for shard in 0..self.shards {
            let hosts: Vec<HostId> =
                query.hosts.iter().copied().filter(|id| shard_of(*id, self.shards) == shard).collect();
            if !hosts.is_empty() {
                let of_shard = SeriesRequest::from(&SeriesQuery { hosts, ..query.clone() });
                answers.push(self.ask(shard, "series", &of_shard).await?);
            }
        }
        Ok(series::Answer::join(answers, &query.hosts))
    }

    /// What the meters show today, as JSON, and the epochs as in [`HubClient::list`].
    ///
    /// # Errors
    /// [`HubError`] when the first shard has no answer, or one of the others.
    pub async fn usage(&self) -> Result<(String, Vec<u64>), HubError> {
        let UsageWire { reply, epoch } = self.ask(0, "usage", &()).await?;
        let mut epochs = vec![epoch];
        for shard in 1..self.shards {
            epochs.push(self.ask::<EpochReply>(shard, "epoch", &()).await?.epoch);
        }
        Ok((reply, epochs))
    }

    /// Tells the hub that the list of probes is another one.
    ///
    /// # Errors
    /// [`HubError`] when a shard has no answer; it will find out with the schedule's next run.
    pub async fn probes_changed(&self) -> Result<(), HubError> {
        for shard in 0..self.shards {
            self.ask::<serde_json::Value>(shard, "probes-changed", &()).await?;
        }
        Ok(())
    }

    /// The points of delay of a host's last day, of each ping that covers it, by the number of the probe; `for_guests`: of those alone
    /// that guests may see.
    ///
    /// # Errors
    /// [`HubError`] when the host's shard has no answer.
    pub async fn probe_points(&self, host: HostId, for_guests: bool) -> Result<Vec<ProbePoints>, HubError> {
        let request = PointsRequest { host: host.0, for_guests };
        self.ask(shard_of(host, self.shards), "probe-points", &request).await
    }

    /// How probes fared: every probe, what all hosts found out, what the Worker did, and some of what was said of them.
    ///
    /// # Errors
    /// [`HubError`] when a shard has no answer.
    pub async fn probe_tallies(&self) -> Result<ProbeNews, HubError> {
        let mut news = ProbeNews::default();
        for shard in 0..self.shards {
            let reply: TalliesReply = self.ask(shard, "probe-tallies", &()).await?;
            for wire in reply.probes {
                news.probes.push(Probe::try_from(wire)?);
            }
            news.notes.extend(reply.notes);
            for (sum, tallies) in [(&mut news.hosts, reply.hosts), (&mut news.edge, reply.edge)] {
                for (id, tally) in tallies {
                    sum.entry(id).or_default().join(tally);
                }
            }
        }
        Ok(news)
    }

    /// Hands over what came of a run of the Worker that was due at `at_ms`.
    ///
    /// # Errors
    /// [`HubError`] when the shard that keeps it has no answer.
    pub async fn edge_results(
        &self,
        at_ms: i64,
        results: &[ProbeResult],
        answers: Vec<WebAnswer>,
    ) -> Result<(), HubError> {
        let answers = answers.into_iter().map(|one| (one.monitor.0, one.delay_ms, one.error)).collect();
        let request = EdgeRequest { at_ms, results: results.iter().map(ProbePart::from).collect(), answers };
        self.ask::<serde_json::Value>(edge_shard(self.shards), "edge-results", &request).await.map(drop)
    }

    /// Lets every shard count that a credential was taken away.
    ///
    /// # Errors
    /// [`HubError`] when one of them has no answer.
    pub async fn taken_away(&self) -> Result<(), HubError> {
        for shard in 0..self.shards {
            self.ask::<serde_json::Value>(shard, "taken-away", &()).await?;
        }
        Ok(())
    }

    /// Tells every shard that rules were made, changed or deleted, or settings that they heed.
    ///
    /// # Errors
    /// [`HubError`] when a shard has no answer; it will find out with the schedule's next run.
    pub async fn rules_changed(&self) -> Result<(), HubError> {
        for shard in 0..self.shards {
            self.ask::<serde_json::Value>(shard, "rules-changed", &()).await?;
        }
        Ok(())
    }

    /// What hosts transferred in the running cycles of rules: by rule, then as hosts stand in lists. `for_guests`: of those alone that
    /// guests may see.
    ///
    /// # Errors
    /// [`HubError`] when a shard has no answer.
    pub async fn transfers(&self, for_guests: bool) -> Result<Vec<Transfer>, HubError> {
        let mut all = Vec::new();
        for shard in 0..self.shards {
            let of_shard: Vec<Transfer> = self.ask(shard, "transfers", &TransfersRequest { for_guests }).await?;
            all.extend(of_shard);
        }
        all.sort_by_key(Transfer::place);
        Ok(all)
    }

    /// Tells the hub that somebody knows of an alert.
    ///
    /// # Errors
    /// [`HubError`] when a shard has no answer.
    pub async fn acknowledged(&self, alert: &str) -> Result<(), HubError> {
        for shard in 0..self.shards {
            let request = AcknowledgedRequest { alert: alert.to_owned() };
            if self.ask::<bool>(shard, "acknowledged", &request).await? {
                break;
            }
        }
        Ok(())
    }

    /// Tells the hub that these hosts were made, changed or retired.
    ///
    /// # Errors
    /// [`HubError`] when a shard has no answer; it will find out with the schedule's next run.
    pub async fn changed(&self, ids: &[HostId]) -> Result<(), HubError> {
        for shard in 0..self.shards {
            let of_shard: Vec<i64> =
                ids.iter().filter(|id| shard_of(**id, self.shards) == shard).map(|id| id.0).collect();
            if !of_shard.is_empty() {
                self.ask::<serde_json::Value>(shard, "changed", &ChangedRequest { ids: Some(of_shard) }).await?;
            }
        }
        Ok(())
    }

    /// Has every shard delete what it stores of these hosts, which are no more: as many rows written as there are.
    ///
    /// # Errors
    /// [`HubError`] when a shard has no answer: doing it again helps.
    pub async fn purge(&self, ids: &[HostId]) -> Result<(), HubError> {
        let wanted = ChangedRequest { ids: Some(ids.iter().map(|id| id.0).collect()) };
        for shard in 0..self.shards {
            self.ask::<serde_json::Value>(shard, "purge", &wanted).await?;
        }
        Ok(())
    }
}

/// Opens an agent's socket: its upgrade's `headers`, without any of its own words on who it is, and the host that its secret
/// proved. Gives the hub's answer: 101 with a socket, 401, or 503.
///
/// # Errors
/// [`HubError::Unreachable`] when the shard cannot be asked.
pub async fn connect(hub: &HubClient, headers: Headers, agent: &AgentWire) -> Result<Response, HubError> {
    let text = serde_json::to_string(agent).map_err(|error| HubError::Corrupt(error.to_string()))?;
    headers.set(IDENTITY_HEADER, &text).map_err(|error| HubError::Corrupt(error.to_string()))?;
    let (own, headers) = own_header(headers)?;
    let shard = shard_of(HostId(agent.host_id), hub.shards);
    let answer = hub.objects.connect(Class::Hub, &shard_name(shard), "stream", headers).await;
    answer.map_err(|error| unreached(&error, own))
}

/// The epoch that a list comes with.
fn epoch_of(response: &Response) -> Result<u64, HubError> {
    let epoch = response.headers().get(EPOCH_HEADER).ok().flatten().and_then(|text| text.parse().ok());
    epoch.ok_or_else(|| HubError::Corrupt(format!("a list without its epoch, status {}", response.status_code())))
}

/// `headers` with what the Worker spent, which is to be added again when the call fails.
fn own_header(headers: Headers) -> Result<(Own, Headers), HubError> {
    let own = own::take();
    if let Some(text) = own.header() {
        headers.set(OWN_HEADER, &text).map_err(|error| HubError::Corrupt(error.to_string()))?;
    }
    Ok((own, headers))
}

fn unreached(error: &worker::Error, own: Own) -> HubError {
    own::add(own);
    own::note_unreached(&error.to_string());
    HubError::Unreachable(error.to_string())
}

fn identity(agent: &AgentWire) -> Result<Headers, HubError> {
    let text = serde_json::to_string(agent).map_err(|error| HubError::Corrupt(error.to_string()))?;
    let headers = Headers::new();
    headers.set(IDENTITY_HEADER, &text).map_err(|error| HubError::Corrupt(error.to_string()))?;
    Ok(headers)
}
