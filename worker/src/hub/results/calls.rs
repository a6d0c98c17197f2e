//! The operations of the object's `fetch` that are about whole results.

use edgewatch_core::dialects::native::ChecksReply;
use edgewatch_core::dialects::native::stream::Reason;
use edgewatch_core::dialects::openitcockpit::result::{Document, pretty};
use edgewatch_core::domain::twins::Mark;
use edgewatch_core::model::{CheckId, CheckReport, HostId, Presence};
use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde_json::value::RawValue;
use worker::{Error, Request, Response};

use super::kept::{self, Head, Kept, MAX_PACKED_BYTES, Twins};
use super::wire::{ResultReply, ResultRequest};
use crate::hub::object::{Answer, Inner};
use crate::hub::operations::{SOON_MS, identity, json, parse};
use crate::hub::shard::goodbye;
use crate::hub::wire::{AgentWire, EPOCH_HEADER};
use crate::hub::{HubError, flush, journal};
use crate::platform::{gzip, log};
use crate::store::mackerel::checks;
use crate::store::{Db, check_results, push_agents};

impl Inner {
    /// The operations on whole results.
    pub(in crate::hub) async fn of_results(
        &self,
        path: &str,
        request: &mut Request,
        db: Option<&Db>,
    ) -> Answer<Response> {
        let refused = |error: Error| HubError::Refused(error.to_string());
        if path == "/result" {
            return json(&self.take_result(request, db).await?);
        }
        let wanted: ResultRequest = parse(&request.text().await.map_err(refused)?)?;
        match self.last_result(&wanted, db).await? {
            Some(text) => Response::ok(text).map_err(refused),
            None => Response::error("no result", 404).map_err(refused),
        }
    }

    /// Takes what an agent pushed: when this answers, it is in the object's database.
    async fn take_result(&self, request: &mut Request, db: Option<&Db>) -> Answer<ResultReply> {
        let agent = identity(request)?;
        let id = HostId(agent.host_id);
        let said = request.headers().get(EPOCH_HEADER).ok().flatten().and_then(|text| text.parse::<u64>().ok());
        let is_known = self.find_agent(&agent, db).await?;
        let epoch = self.with(|shard| flush::epoch(shard))?;
        let mut reply = ResultReply { epoch, ..ResultReply::default() };
        if !is_known {
            return Ok(ResultReply { unknown: true, ..reply });
        }
        if said.is_some_and(|known| known != epoch) {
            return Ok(ResultReply { stale: true, ..reply });
        }
        let bytes = request.bytes().await.map_err(|error| HubError::Refused(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| HubError::Corrupt(error.to_string()))?;
        let document = Document::read(&text).map_err(|error| HubError::Corrupt(error.to_string()))?;
        // It says in the document what it is; its request says nothing.
        let agent = AgentWire { agent_version: document.agent_version(), ..agent };
        reply.received = u32::try_from(document.judged().len()).unwrap_or(u32::MAX);
        // Who pushes has no socket; one that is still here is of an agent that the host had before.
        self.dismiss_sockets(&[id], &goodbye(Reason::Replaced, 0, "the host pushes", None));
        let now = self.now();
        let reports = document.reports(now.seconds());
        // A result without the group, or in which it failed, says nothing of what there is no more.
        let says_all = document.customchecks.as_ref().is_some_and(|group| group.value().is_some());
        let (reports, gone) =
            if says_all { self.with(|shard| Ok(shard.with_gone(id, reports, now)))? } else { (reports, vec![]) };
        let kept = match self.packed(text).await {
            Ok(kept) => Some(kept),
            Err(error) => {
                // What it says counts all the same.
                log::error("hub.results", &error.to_string());
                None
            }
        };
        let mark = mark(&agent, &document, now);
        let (unnamed, is_news, twins) = self.with(|shard| {
            shard.note_worker(now);
            shard.note_origin(&agent, now)?;
            let mut head = shard.results.head(&shard.storage.sql, id)?;
            let twins = head.mark(&mark, document.period_s());
            let head = kept.iter().fold(head, Head::next);
            let result = kept.as_ref().map(|kept| kept::encode(&head, &kept.packed)).transpose()?;
            shard.take_document(id, &document, result, now)?;
            shard.results.put_head(id, head);
            let untaken = shard.take_reports(id, &reports, &[], now)?;
            reply.beyond.clone_from(&untaken.beyond);
            if twins.is_told {
                shard.tell_of_twins(id, now);
            }
            let tracked = shard.get(id);
            let is_news = tracked.is_some_and(|one| one.is_news || one.entry.host.presence != Presence::Online);
            Ok((untaken.unnamed, is_news || twins.is_told, twins))
        })?;
        if !unnamed.is_empty() {
            self.name_checks(id, &reports, unnamed, db).await?;
        }
        if !gone.is_empty()
            && let Err(error) = self.forget_checks(id, &gone, db).await
        {
            // The next result tries again.
            log::error("hub.results", &error.to_string());
        }
        if is_news || self.with(|shard| Ok(shard.rules.take_news()))? {
            self.flush.soon();
            self.wake_at(now.0 + SOON_MS).await;
        }
        if self.push.is_due(now) {
            self.push_changes(false).await;
        }
        if let Err(error) = self.store_result(id, kept, twins, now, db).await {
            // It is in the journal; the next one tries again.
            log::error("hub.results", &error.to_string());
        }
        Ok(reply)
    }

    /// Checks that are not known get their numbers, and report once more.
    async fn name_checks(
        &self,
        id: HostId,
        reports: &[CheckReport],
        unnamed: Vec<String>,
        db: Option<&Db>,
    ) -> Answer<()> {
        let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
        let wanted: Vec<(HostId, String)> = unnamed.into_iter().map(|name| (id, name)).collect();
        let named = checks::name(db, &wanted).await?;
        let known: Vec<(String, CheckId)> = named.into_iter().map(|one| (one.name, one.id)).collect();
        let now = self.now();
        self.with(|shard| shard.take_reports(id, reports, &known, now).map(drop))
    }

    /// Checks that are no more, and whose alerts are over, are forgotten.
    async fn forget_checks(&self, id: HostId, gone: &[CheckId], db: Option<&Db>) -> Answer<()> {
        let gone = self.with(|shard| Ok(shard.forgettable_checks(id, gone)))?;
        let Some(db) = db.filter(|_| !gone.is_empty()) else { return Ok(()) };
        db.run(checks::delete(id, &gone)).await?;
        self.with(|shard| shard.forget_checks(id, &gone))
    }

    /// A result as it is kept: without its largest groups, where it would be too large.
    async fn packed(&self, text: String) -> Answer<Kept> {
        let at = self.now().seconds();
        let size_bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let refused = |error: edgewatch_core::failure::Failure| HubError::Refused(error.to_string());
        let mut packed = gzip::pack(text.as_bytes()).await.map_err(refused)?;
        let (mut rest, mut is_trimmed) = (text, false);
        while packed.len() > MAX_PACKED_BYTES {
            let all_gone = || HubError::Corrupt("a result without parts is too large".to_owned());
            (rest, is_trimmed) = (kept::without_largest(&rest).ok_or_else(all_gone)?.0, true);
            packed = gzip::pack(rest.as_bytes()).await.map_err(refused)?;
        }
        Ok(Kept { at, size_bytes, is_trimmed, packed })
    }

    /// Tells D1 of a result and of two machines in one agent's name, where that is due: 1 row written for each.
    async fn store_result(
        &self,
        id: HostId,
        kept: Option<Kept>,
        twins: Twins,
        now: UnixMillis,
        db: Option<&Db>,
    ) -> Answer<()> {
        let Some(db) = db else { return Ok(()) };
        if twins.is_noted {
            db.run(push_agents::note_twins(id, now.seconds())).await?;
        }
        let is_due = self.with(|shard| Ok(shard.results.head(&shard.storage.sql, id)?.is_due(now.seconds())))?;
        let Some(kept) = kept.filter(|_| is_due) else { return Ok(()) };
        db.run(check_results::put(id, check_results::CHECKDATA, &kept.into())).await?;
        self.with(|shard| {
            shard.results.note_stored(id, now.seconds());
            Ok(())
        })
    }

    /// The answer for who asks for a host's checks, where it pushed some.
    async fn last_result(&self, wanted: &ResultRequest, db: Option<&Db>) -> Answer<Option<String>> {
        let id = HostId(wanted.host);
        self.expect_ours(id)?;
        let held = self.with(|shard| journal::result(&shard.storage.sql, id))?;
        let kept = match (held.as_deref().and_then(kept::kept), db) {
            (Some(held), _) => held,
            (None, Some(db)) => match check_results::find(db, id, check_results::CHECKDATA).await? {
                Some(stored) => stored.into(),
                None => return Ok(None),
            },
            (None, None) => return Err(HubError::Refused("no database".to_owned())),
        };
        let corrupt = |error: serde_json::Error| HubError::Corrupt(error.to_string());
        let bytes = gzip::unpack(&kept.packed).await.map_err(|error| HubError::Corrupt(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| HubError::Corrupt(error.to_string()))?;
        if wanted.is_text {
            return serde_json::to_string(&pretty(&text)).map(Some).map_err(corrupt);
        }
        let judged = Document::read(&text).map_err(corrupt)?.judged();
        let raw: &RawValue = serde_json::from_str(&text).map_err(corrupt)?;
        let reply = ChecksReply::of(id.0, kept.at, (kept.size_bytes, kept.is_trimmed), judged, raw);
        serde_json::to_string(&reply).map(Some).map_err(corrupt)
    }
}

/// What a result tells of the machine that it came from.
fn mark(agent: &AgentWire, document: &Document, now: UnixMillis) -> Mark {
    let runs_s = document.uptime_s().and_then(|seconds| i64::try_from(seconds).ok());
    let address = [&agent.ipv4, &agent.ipv6].into_iter().find(|address| !address.is_empty());
    Mark {
        started: runs_s.map(|seconds| now.seconds().plus(-seconds)),
        address: address.cloned().unwrap_or_default(),
        at: now,
    }
}

impl From<Kept> for check_results::Stored {
    fn from(kept: Kept) -> Self {
        let Kept { at, size_bytes, is_trimmed, packed } = kept;
        Self { at_s: at.0, size_bytes, is_trimmed, packed }
    }
}

impl From<check_results::Stored> for Kept {
    fn from(stored: check_results::Stored) -> Self {
        let check_results::Stored { at_s, size_bytes, is_trimmed, packed } = stored;
        Self { at: UnixSeconds(at_s), size_bytes, is_trimmed, packed }
    }
}
