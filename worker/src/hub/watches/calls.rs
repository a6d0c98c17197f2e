//! The operations of the object's `fetch` that are about checks and alerts.

use edgewatch_core::model::{CheckReport, HostId};
use worker::{Error, Request, Response};

use super::wire::{KeepChecksRequest, MonitoredRequest, ReportsReply, ReportsRequest};
use crate::hub::object::{Answer, Inner};
use crate::hub::operations::{SOON_MS, json, parse};
use crate::hub::wire::AcknowledgedRequest;
use crate::hub::{HubError, flush};
use crate::store::Db;

impl Inner {
    /// The operations on checks and alerts.
    pub(in crate::hub) async fn of_watches(
        &self,
        path: &str,
        request: &mut Request,
        db: Option<&Db>,
    ) -> Answer<Response> {
        let text = request.text().await.map_err(|error: Error| HubError::Refused(error.to_string()))?;
        match path {
            "/check-reports" => json(&self.take_reports(parse(&text)?, db).await?),
            "/polls" => json(&self.take_polls(parse(&text)?, db).await?),
            "/keep-checks" => {
                let wanted: KeepChecksRequest = parse(&text)?;
                let kept = self.with(|shard| shard.keep_checks(HostId(wanted.host), &wanted.names))?;
                json(&kept.into_iter().map(|id| id.0).collect::<Vec<i64>>())
            }
            "/monitored" => {
                let host = HostId(parse::<MonitoredRequest>(&text)?.host);
                if !self.is_host(host, db).await? {
                    return json(&Vec::<i64>::new());
                }
                self.with(|shard| json(&shard.monitored(host)?))
            }
            "/close-alert" => {
                let (wanted, now): (AcknowledgedRequest, _) = (parse(&text)?, self.now());
                self.complete()?;
                let is_found = self.with(|shard| shard.close_alert(&wanted.alert, now))?;
                self.tell_soon().await;
                json(&is_found)
            }
            _ => {
                self.complete()?;
                self.with(|shard| json(&shard.open_checks()))
            }
        }
    }

    pub(in crate::hub) async fn tell_soon(&self) {
        self.flush.soon();
        self.wake_at(self.now().0 + SOON_MS).await;
    }

    /// Whether there is such a host; it is in memory then.
    pub(in crate::hub) async fn is_host(&self, host: HostId, db: Option<&Db>) -> Answer<bool> {
        self.expect_ours(host)?;
        let is_known = || self.with(|shard| shard.load(host, || self.attached(host)));
        if is_known()? {
            return Ok(true);
        }
        flush::enrol(self, db, Some(&[host]), None).await?;
        is_known()
    }

    /// Takes what checks report: when this answers, it is in the object's database.
    async fn take_reports(&self, request: ReportsRequest, db: Option<&Db>) -> Answer<ReportsReply> {
        let epoch = self.with(|shard| flush::epoch(shard))?;
        if request.epoch.is_some_and(|known| known != epoch) {
            return Ok(ReportsReply { epoch, stale: true, ..ReportsReply::default() });
        }
        let mut reply = ReportsReply { epoch, ..ReportsReply::default() };
        let taken = self.take_each(&request, db, &mut reply).await;
        // What one host's checks say is told, too, where another's could not be kept.
        if self.with(|shard| Ok(shard.rules.take_news()))? {
            self.tell_soon().await;
        }
        taken.map(|()| reply)
    }

    async fn take_each(&self, request: &ReportsRequest, db: Option<&Db>, reply: &mut ReportsReply) -> Answer<()> {
        for (number, reports) in &request.reports {
            let host = HostId(*number);
            if !self.is_host(host, db).await? {
                reply.unknown.push(*number);
                continue;
            }
            let now = self.now();
            let reports: Vec<CheckReport> = reports.iter().cloned().map(CheckReport::from).collect();
            let untaken = self.with(|shard| {
                shard.note_worker(now);
                shard.take_reports(host, &reports, &request.of_host(*number), now)
            })?;
            reply.unnamed.extend(untaken.unnamed.into_iter().map(|name| (*number, name)));
            reply.beyond.extend(untaken.beyond.into_iter().map(|name| (*number, name)));
        }
        Ok(())
    }
}
