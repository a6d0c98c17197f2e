//! What the Worker and Viewers ask of a shard: the operations of the object's `fetch`.

use std::rc::Rc;

use edgewatch_core::blocks::Row;
use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::dialects::native::live::WatchRequest;
use edgewatch_core::dialects::native::stream::Reason;
use edgewatch_core::dialects::native::{ProbeTaskPart, SeriesRequest};
use edgewatch_core::model::{HostId, Monitor, MonitorId, Presence, ProbeTask, SeriesQuery, WebAnswer};
use edgewatch_core::units::UnixMillis;
use worker::{Error, Method, Request, Response};

use super::governor::ShardReport;
use super::listing::ListRequest;
use super::object::{Answer, Inner};
use super::probes::{EDGE, ProbeWire};
use super::rules::usage::TransfersRequest;
use super::shard::goodbye;
use super::wire::{
    self, AcknowledgedRequest, AgentWire, ChangedRequest, EdgeRequest, IDENTITY_HEADER, MetricsRequest, PointsRequest,
    TalliesReply, VerdictRequest,
};
use super::{
    HubError, digest, dump, flush, handover, moving, presence, probe_counts, probe_history, rings, rules, series,
    spending,
};
use crate::platform::log;
use crate::store::mackerel::monitors::MonitorWire;
use crate::store::{Db, probes};

/// How soon the alarm comes when there is news for D1, ms.
pub(super) const SOON_MS: i64 = 1_000;

impl Inner {
    pub(super) async fn operation(self: Rc<Self>, mut request: Request, db: Option<&Db>) -> Answer<Response> {
        let path = request.path();
        let refused = |error: Error| HubError::Refused(error.to_string());
        match (request.method(), path.as_str()) {
            (Method::Get, "/stream") => self.connect(&request, db).await,
            (Method::Post, "/report") => {
                let agent = identity(&request)?;
                let body = request.bytes().await.map_err(refused)?;
                self.report(&agent, &body, db).await
            }
            (Method::Post, "/list") => {
                let wanted: ListRequest = parse(&request.text().await.map_err(refused)?)?;
                self.list(&wanted, db).await
            }
            (Method::Post, "/metrics") => {
                let wanted: MetricsRequest = parse(&request.text().await.map_err(refused)?)?;
                self.metrics(&wanted, db).await
            }
            (Method::Post, "/series") => {
                let wanted: SeriesRequest = parse(&request.text().await.map_err(refused)?)?;
                self.series(&wanted.into(), db).await
            }
            (Method::Post, "/epoch") => self.with(|shard| json(&wire::EpochReply { epoch: flush::epoch(shard)? })),
            (Method::Post, "/verdict") => {
                let wanted: VerdictRequest = parse(&request.text().await.map_err(refused)?)?;
                self.verdict(&wanted, db).await
            }
            (Method::Post, path @ ("/adopt" | "/tidings")) => {
                let body = request.bytes().await.map_err(refused)?;
                handover::calls::take(&self, path, &body, db).await?;
                json(&())
            }
            (Method::Post, "/changed") => {
                let changed: ChangedRequest = parse(&request.text().await.map_err(refused)?)?;
                let ids: Option<Vec<HostId>> = changed.ids.map(|ids| ids.into_iter().map(HostId).collect());
                flush::enrol(&self, db, ids.as_deref(), None).await?;
                if self.with(|shard| Ok(shard.rules.take_news()))? {
                    self.flush.soon();
                    self.wake_at(self.now().0 + SOON_MS).await;
                }
                self.push_changes(true).await;
                json(&())
            }
            (Method::Post, path @ ("/states" | "/measured" | "/part" | "/raise" | "/purge")) => {
                self.of_hosts(path, &mut request, db).await
            }
            (Method::Post, "/taken-away") => {
                self.with(|shard| flush::raise_epoch(shard))?;
                json(&())
            }
            (Method::Post, "/rules-changed") => {
                rules::calls::learn(&self, db, None).await?;
                self.wake_at(self.now().0 + SOON_MS).await;
                json(&())
            }
            (Method::Post, "/acknowledged") => {
                let wanted: AcknowledgedRequest = parse(&request.text().await.map_err(refused)?)?;
                self.with(|shard| json(&shard.acknowledge(&wanted.alert)?))
            }
            (Method::Post, "/transfers") => {
                let wanted: TransfersRequest = parse(&request.text().await.map_err(refused)?)?;
                let now = self.now();
                self.complete()?;
                self.with(|shard| json(&shard.transfers(wanted.for_guests, now)))
            }
            (Method::Post, path) if path.starts_with("/probe") || path == "/edge-results" => {
                self.of_probes(path, &mut request, db).await
            }
            (Method::Post, path) if path.starts_with(dump::calls::PATHS) => {
                let body = request.text().await.map_err(refused)?;
                self.of_dump(path, &body)
            }
            (
                Method::Post,
                path @ ("/check-reports" | "/keep-checks" | "/monitored" | "/close-alert" | "/open-checks" | "/polls"),
            ) => self.of_watches(path, &mut request, db).await,
            (Method::Post, "/polled") => self.polled(&mut request, db).await,
            (Method::Post, "/relayed") => self.relayed(&mut request, db).await,
            (Method::Post, path @ ("/posted" | "/points" | "/latest" | "/metric-names")) => {
                self.of_posted(path, &mut request, db).await
            }
            (Method::Post, path @ ("/result" | "/last-result")) => self.of_results(path, &mut request, db).await,
            (Method::Post, "/usage") => {
                let now = self.now();
                self.complete()?;
                self.account(now)?;
                self.with(|shard| json(&wire::UsageWire::of(&shard.usage(now), flush::epoch(shard)?)?))
            }
            (Method::Post, "/budget") => {
                let report: ShardReport = parse(&request.text().await.map_err(refused)?)?;
                let now = self.now();
                self.with(|shard| json(&shard.take_report(report, now)))
            }
            (Method::Post, "/watch") => {
                let wanted: WatchRequest = parse(&request.text().await.map_err(refused)?)?;
                self.watch(&wanted, db).await
            }
            _ => Response::error("no such operation", 404).map_err(refused),
        }
    }

    async fn of_probes(&self, path: &str, request: &mut Request, db: Option<&Db>) -> Answer<Response> {
        let refused = |error: Error| HubError::Refused(error.to_string());
        match path {
            "/probes-changed" => {
                self.load_probes(db).await?;
                self.flush.soon();
                self.wake_at(self.now().0 + SOON_MS).await;
                json(&())
            }
            "/probe-points" => {
                let wanted: PointsRequest = parse(&request.text().await.map_err(refused)?)?;
                self.probe_points(&wanted, db)
            }
            "/probe-tallies" => self.probe_tallies(db).await,
            "/edge-results" => {
                let run: EdgeRequest = parse(&request.text().await.map_err(refused)?)?;
                let (at, now) = (UnixMillis(run.at_ms), self.now());
                let answer = |(id, delay_ms, error)| WebAnswer { monitor: MonitorId(id), delay_ms, error };
                let is_told = self.with(|shard| {
                    let is_told = shard.take_edge(wire::results(run.results), at)?;
                    shard.take_answers(run.answers.into_iter().map(answer).collect(), at, now)?;
                    Ok(is_told | shard.rules.take_news())
                })?;
                if is_told {
                    self.flush.soon();
                    self.wake_at(self.now().0 + SOON_MS).await;
                }
                json(&())
            }
            _ => Response::error("no such operation", 404).map_err(refused),
        }
    }

    async fn report(&self, agent: &AgentWire, body: &[u8], db: Option<&Db>) -> Answer<Response> {
        let refused = |error: Error| HubError::Refused(error.to_string());
        if !self.find_agent(agent, db).await? {
            return Response::error("unknown agent", 401).map_err(refused);
        }
        let (id, now) = (HostId(agent.host_id), self.now());
        // Who posts has no socket; one that is still here has lost its peer, and holds what was true then.
        self.dismiss_sockets(&[id], &goodbye(Reason::Replaced, 0, "the host posts", None));
        let report = wire::read_report(body, &agent.agent_version)?;
        let (recorded, is_news) = self.with(|shard| {
            shard.note_worker(now);
            shard.note_origin(agent, now)?;
            let (resend_from, times) = shard.post(id, report, now)?;
            let settings = shard.report_settings();
            let tracked = shard.get(id);
            let is_news = tracked.is_some_and(|one| one.is_news || one.entry.host.presence != Presence::Online);
            let recorded = wire::RecordedWire {
                durable_up_to: tracked.map_or(0, |tracked| tracked.progress().1),
                resend_from,
                times_off: wire::times_off(&times),
                period_s: settings.period_s,
                frame_s: settings.frame_s,
                probes: None,
            };
            let probes = shard.posted_probes(id, agent.probes_version).unwrap_or_else(|error| {
                // What was reported is stored, whatever becomes of this.
                log::error("hub.probes", &error.to_string());
                None
            });
            let recorded = wire::RecordedWire { probes, ..recorded };
            Ok((recorded, is_news))
        })?;
        if is_news {
            self.flush.soon();
            self.wake_at(now.0 + SOON_MS).await;
        }
        if self.push.is_due(now) {
            self.push_changes(false).await;
        }
        json(&recorded)
    }

    async fn list(&self, wanted: &ListRequest, db: Option<&Db>) -> Answer<Response> {
        flush::enrol_first(self, db).await?;
        self.complete()?;
        let now = self.now();
        let signs = self.signs_of(wanted.ids.as_deref());
        let (list, epoch, told) = self.with(|shard| {
            presence::hear_all(shard, &signs);
            let (list, ids) = self.pieces.borrow_mut().list(shard, wanted, now)?;
            Ok((list, flush::epoch(shard)?, shard.note_watched(&ids, None, now)))
        })?;
        self.tell_settings(&told, now);
        let refused = |error: Error| HubError::Refused(error.to_string());
        let mut response = Response::from_bytes(list).map_err(refused)?;
        response.headers_mut().set(wire::EPOCH_HEADER, &epoch.to_string()).map_err(refused)?;
        Ok(response)
    }

    async fn verdict(self: Rc<Self>, wanted: &VerdictRequest, db: Option<&Db>) -> Answer<Response> {
        if let Err(error) = flush::enrol(&self, db, None, Some(wanted.hosts_version)).await {
            // Those who are known are judged all the same.
            log::error("hub.enrol", &error.to_string());
            self.note_failure(&error);
        }
        if let Err(error) = rules::calls::learn(&self, db, Some(wanted.rules_version)).await {
            // It goes on by those it knows.
            log::error("hub.rules", &error.to_string());
        }
        self.complete()?;
        let now = self.now();
        let signs = self.signs();
        let due = UnixMillis(wanted.now_ms);
        self.pieces.borrow_mut().forget_unread(now);
        let others = wanted.monitors.clone().filter(|_| self.index == 0);
        let mut verdict = self.with(|shard| {
            shard.note_worker(now);
            presence::hear_all(shard, &signs);
            if let Some(others) = others {
                shard.judge_monitors(others, due);
            }
            shard.judge_at(due, now, due.seconds().plus(presence::SCHEDULE_S))
        })?;
        if self.index > 0 && self.index < self.shards {
            verdict.monitors = self.with(|shard| Ok(shard.monitor_news()))?;
        }
        if let Err(error) = self.account(now).and_then(|()| self.with(|shard| shard.keep_watch())) {
            // The verdict stands; what it leaves is in memory.
            log::error("hub.verdict", &error.to_string());
        }
        self.rearm(now).await;
        flush::flush(&self, db, due).await;
        if let Some(again_ms) = flush::finish_days(&self, db, now).await {
            self.wake_at(again_ms).await;
        }
        if let Some(again_ms) = moving::go_on(&self, db, now).await {
            self.wake_at(again_ms).await;
        }
        self.steer(now).await;
        self.push_changes(true).await;
        if self.is_ours(EDGE) {
            let (tasks, monitors) = self.edge_turn(due);
            verdict.edge = tasks.iter().map(ProbeTaskPart::from).collect();
            verdict.external = monitors.iter().map(MonitorWire::from).collect();
        }
        verdict.left = handover::calls::run(&self, now).await;
        json(&verdict)
    }

    fn edge_turn(&self, due: UnixMillis) -> (Vec<ProbeTask>, Vec<Monitor>) {
        self.with(|shard| shard.edge_turn(due)).unwrap_or_else(|error| {
            log::error("hub.edge", &error.to_string());
            (vec![], vec![])
        })
    }

    /// Takes in what D1 says is to be asked, and tells agents.
    pub(super) async fn load_probes(&self, db: Option<&Db>) -> Answer<()> {
        let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
        let list = probes::list(db).await?;
        let now = self.now();
        self.with(|shard| shard.change_probes(list, now))?;
        self.tell_probes();
        Ok(())
    }

    fn probe_points(&self, wanted: &PointsRequest, db: Option<&Db>) -> Answer<Response> {
        let id = HostId(wanted.host);
        self.with(|shard| shard.load(id, || self.attached(id)))?;
        let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
        let now = self.now();
        self.with(|shard| {
            let pending = shard.pending_with_names(id)?;
            let mut list = shard.probes()?.to_vec();
            list.retain(|probe| !wanted.for_guests || probe.spec.shows_delays());
            let storage = &shard.storage;
            let sources = series::Sources { sql: &storage.sql, db, rings: &|id| storage.rings(id) };
            json(&probe_history::points(&sources, id, &list, &pending, now)?)
        })
    }

    /// What came of probes is at hand afterwards.
    pub(super) async fn ready_probes(&self, db: Option<&Db>, now: UnixMillis) -> Answer<()> {
        self.complete()?;
        let missing = self.with(|shard| shard.ready_counts(now))?;
        if !missing.is_empty() {
            let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
            for some in missing.chunks(probe_counts::HOSTS_AT_ONCE) {
                let blocks = probe_counts::recall(db, some, now).await?;
                self.with(|shard| shard.take_recalled(some, &blocks))?;
            }
            self.with(|shard| shard.count_anew(now))?;
        }
        Ok(())
    }

    async fn probe_tallies(&self, db: Option<&Db>) -> Answer<Response> {
        let now = self.now();
        if let Some(text) = self.with(|shard| shard.probe_answer(now))? {
            return Response::ok(text).map_err(|error| HubError::Refused(error.to_string()));
        }
        self.ready_probes(db, now).await?;
        let text = self.with(|shard| {
            let list = shard.probes()?.to_vec();
            let (hosts, edge) = shard.tallies(now);
            let is_edge = shard.place.is_ours(EDGE);
            let probes = if is_edge { list.iter().map(ProbeWire::from).collect() } else { vec![] };
            let reply = TalliesReply { probes, hosts, edge, notes: shard.notes(&list) };
            let text = serde_json::to_string(&reply).map_err(|error| HubError::Corrupt(error.to_string()))?;
            if let Err(error) = shard.keep_probe_answer(&text, now) {
                // It is in memory.
                log::error("hub.probes", &error.to_string());
            }
            Ok(text)
        })?;
        Response::ok(text).map_err(|error| HubError::Refused(error.to_string()))
    }

    async fn series(&self, query: &SeriesQuery, db: Option<&Db>) -> Answer<Response> {
        for id in &query.hosts {
            self.with(|shard| shard.load(*id, || self.attached(*id)))?;
        }
        let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
        let storage = self.with(|shard| Ok(shard.storage.clone()))?;
        let rings = |id| self.with(|shard| Ok(shard.storage.rings(id))).unwrap_or_else(|_| storage.rings(id));
        let sources = series::Sources { sql: &storage.sql, db, rings: &rings };
        json(&series::answer(sources, query, self.now(), self).await?)
    }

    async fn watch(&self, wanted: &WatchRequest, db: Option<&Db>) -> Answer<Response> {
        let now = self.now();
        if self.index == 0 {
            self.spend(spending::ASKED_BY_VIEWERS);
        }
        let until = UnixMillis(now.0.saturating_add(i64::from(wanted.for_s.min(600)) * 1000));
        if wanted.snapshot {
            flush::enrol_first(self, db).await?;
        }
        self.complete()?;
        let signs = self.signs();
        let ids: Vec<HostId> = wanted.hosts.iter().copied().map(HostId).collect();
        let (digest, told) = self.with(|shard| {
            presence::hear_all(shard, &signs);
            self.push.watched(if wanted.for_s == 0 { 0 } else { until.0 }, wanted.feed, now);
            let told = shard.note_watched(&ids, Some(until), now);
            let digest = wanted.snapshot.then(|| digest::of_all(shard, &self.push, self.index, now)).transpose()?;
            Ok((digest, told))
        })?;
        self.tell_settings(&told, now);
        match digest {
            Some(digest) => json(&digest),
            None => json(&serde_json::json!({})),
        }
    }

    /// Brings a host into memory, from the object's database or from D1. False when there is no such agent.
    pub(super) async fn find_agent(&self, agent: &AgentWire, db: Option<&Db>) -> Answer<bool> {
        let id = HostId(agent.host_id);
        self.expect_ours(id)?;
        let is_known = || {
            self.with(|shard| {
                let is_here = shard.load(id, || self.attached(id))?;
                Ok(is_here && shard.is_agent(agent, crate::platform::digest::is_same))
            })
        };
        if is_known()? {
            return Ok(true);
        }
        flush::enrol(self, db, Some(&[id]), None).await?;
        is_known()
    }
}

impl series::Memory for Inner {
    fn kept_under(&self, host: HostId, metric: &str) -> HostId {
        self.with(|shard| shard.kept_under(host, metric)).unwrap_or(host)
    }

    fn known(&self, id: HostId) -> series::Known {
        self.with(|shard| Ok(shard.known(id))).unwrap_or_default()
    }

    fn pending(&self, id: HostId) -> (Vec<Row>, Dictionary) {
        self.with(|shard| match shard.get(id) {
            Some(_) => shard.pending_with_names(id),
            // Of a host that was merged into another there are rows, and nothing else.
            None => Ok((Vec::new(), rings::dictionary(&shard.storage.sql, id)?)),
        })
        .unwrap_or_default()
    }
}

pub(super) fn identity(request: &Request) -> Answer<AgentWire> {
    let text = request.headers().get(IDENTITY_HEADER).map_err(|error| HubError::Corrupt(error.to_string()))?;
    parse(&text.ok_or_else(|| HubError::Corrupt("a call without an identity".to_owned()))?)
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Answer<T> {
    serde_json::from_str(text).map_err(|error| HubError::Corrupt(error.to_string()))
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> Answer<Response> {
    Response::from_json(value).map_err(|error| HubError::Corrupt(error.to_string()))
}
