//! Checks that hosts run themselves: what they report, and which there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use edgewatch_core::domain::ids::{self, Thing};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Check, CheckId, CheckReport, HostId, MonitoredStatus};

use super::{hosts, invalid};
use crate::app::App;
use crate::app::identity::{Needs, Party};
use crate::app::posted::surplus::{self, Surplus};
use crate::app::posted::{Found, forget_hosts};
use crate::app::remember::Reader;
use crate::hub::watches::wire::{ReportWire, ReportsRequest};
use crate::store::mackerel::checks::{self, Stored};

const UNKNOWN: Failure = Failure::NotFound { what: "check" };
/// Whether a host that had no room for a check more has room is asked again after so long.
const FULL_MS: i64 = 10 * 60_000;
/// So many such hosts are remembered.
const MAX_HOSTS: usize = 10_000;

/// Hosts that had no room for a check more, and until when that is taken for granted: the database counts a thousand rows to say so.
static FULL: Mutex<BTreeMap<HostId, i64>> = Mutex::new(BTreeMap::new());

/// What became of reports that were sent to their shards.
#[derive(Default)]
struct Sent {
    /// Hosts that there are none of any more.
    gone: BTreeSet<HostId>,
    /// Checks beyond those that a host may have: what they reported was not taken.
    beyond: BTreeSet<(HostId, String)>,
}

fn check(stored: Stored) -> Check {
    let Stored { id, name, memo, .. } = stored;
    Check { id, public_id: ids::thing_id(Thing::Check, id.0), name, memo }
}

/// Takes what checks report, by the public ids of their hosts: when this is over it is safe. Those of hosts that are not there are left
/// out where others are, and so are checks beyond those that a host may have, which is told.
///
/// # Errors
/// [`Failure::NotFound`] when none of the hosts is there; [`Failure::Invalid`] when those that were are retired, and when no host has
/// room for the checks that report;
/// [`Failure::Unavailable`] when not all was stored: reporting it again is harmless.
pub async fn report(
    app: &App,
    reader: &Reader,
    party: &Party,
    reports: Vec<(String, CheckReport)>,
) -> Result<(), Failure> {
    if reports.is_empty() {
        return Ok(());
    }
    let made_by = party.reach.made_by();
    let public_ids: BTreeSet<String> = reports.iter().map(|(host, _)| host.clone()).collect();
    let found = Found::of(app, made_by, public_ids).await?;
    let mut by_host: BTreeMap<HostId, Vec<CheckReport>> = BTreeMap::new();
    for (host, report) in reports {
        if let Some(id) = found.live.get(&host) {
            by_host.entry(*id).or_default().push(report);
        }
    }
    if by_host.is_empty() {
        return Err(found.nothing_live());
    }
    let named: BTreeSet<(HostId, String)> =
        by_host.iter().flat_map(|(host, all)| all.iter().map(|one| (*host, one.name.clone()))).collect();
    let Sent { gone, beyond } = send(app, reader, by_host).await?;
    let is_all_beyond = beyond.is_superset(&named);
    let mut counts = BTreeMap::new();
    for (host, _) in beyond {
        *counts.entry(host).or_default() += 1_usize;
    }
    surplus::tell(app, Surplus::Checks, counts).await;
    if gone.is_empty() {
        return if is_all_beyond { Err(invalid("name", "is one check more than the host may have")) } else { Ok(()) };
    }
    forget_hosts(&gone);
    if found.live.values().all(|id| gone.contains(id)) {
        let public_ids = found.live.into_keys().collect();
        return Err(Found::of(app, made_by, public_ids).await?.nothing_live());
    }
    Ok(())
}

/// Sends reports to their shards.
async fn send(app: &App, reader: &Reader, by_host: BTreeMap<HostId, Vec<CheckReport>>) -> Result<Sent, Failure> {
    let hub = app.hub()?;
    let mut by_shard: BTreeMap<u32, ReportsRequest> = BTreeMap::new();
    for (host, reports) in by_host {
        let request = by_shard.entry(hub.shard_of(host)).or_default();
        request.reports.push((host.0, reports.iter().map(ReportWire::from).collect()));
    }
    let (mut sent, mut epochs) = (Sent::default(), BTreeMap::new());
    let mut is_confirmed = false;
    for (shard, mut request) in by_shard {
        request.epoch = reader.remembered_epoch(shard).filter(|_| !is_confirmed);
        let mut reply = hub.check_reports(shard, &request).await?;
        if reply.stale {
            let credential = reader.confirm_by(app, &BTreeMap::from([(shard, reply.epoch)])).await?;
            Party::to(Needs::ReadWrite, credential)?;
            (is_confirmed, request.epoch) = (true, None);
            reply = hub.check_reports(shard, &request).await?;
        }
        epochs.insert(shard, reply.epoch);
        sent.gone.extend(reply.unknown.iter().copied().map(HostId));
        sent.beyond.extend(of_hosts(reply.beyond));
        if !reply.unnamed.is_empty() {
            name(app, shard, request, of_hosts(reply.unnamed), &mut sent).await?;
        }
    }
    if !is_confirmed {
        reader.confirm_by(app, &epochs).await?;
    }
    Ok(sent)
}

/// Checks that the hub does not know get their numbers, and report once more.
async fn name(
    app: &App,
    shard: u32,
    request: ReportsRequest,
    unnamed: Vec<(HostId, String)>,
    sent: &mut Sent,
) -> Result<(), Failure> {
    let (without_room, with_room): (Vec<_>, Vec<_>) = {
        let full = full();
        let is_full = |host: HostId| full.get(&host).is_some_and(|until_ms| app.now.0 < *until_ms);
        unnamed.into_iter().partition(|(host, _)| is_full(*host))
    };
    let mut named = checks::name(&app.db, &with_room).await?;
    // What was announced has its number, although nothing more has room.
    named.extend(checks::list_named(&app.db, &without_room).await?);
    let known = named.into_iter().map(|one| (one.host.0, one.name, one.id.0)).collect();
    let reply = app.hub()?.check_reports(shard, &ReportsRequest { known, epoch: None, ..request }).await?;
    let gone: BTreeSet<HostId> = reply.unknown.into_iter().map(HostId).collect();
    sent.beyond.extend(of_hosts(reply.beyond));
    for (host, name) in of_hosts(reply.unnamed).into_iter().filter(|(host, _)| !gone.contains(host)) {
        let mut full = full();
        if full.len() >= MAX_HOSTS {
            full.clear();
        }
        // Not anew, for then nobody would ever ask.
        let until_ms = full.entry(host).or_default();
        if *until_ms <= app.now.0 {
            *until_ms = app.now.0.saturating_add(FULL_MS);
        }
        sent.beyond.insert((host, name));
    }
    sent.gone.extend(gone);
    Ok(())
}

/// The checks of a host are others than they were.
pub(super) fn are_others(host: HostId) {
    full().remove(&host);
}

fn full() -> MutexGuard<'static, BTreeMap<HostId, i64>> {
    FULL.lock().unwrap_or_else(PoisonError::into_inner)
}

fn of_hosts(names: Vec<(i64, String)>) -> Vec<(HostId, String)> {
    names.into_iter().map(|(host, name)| (HostId(host), name)).collect()
}

/// At most `limit` checks of live hosts from this id on, by number; and the id of the next one, where there are more.
///
/// # Errors
/// [`Failure::Forbidden`] for who reaches some hosts alone; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(
    app: &App,
    party: &Party,
    from: Option<&str>,
    limit: u32,
) -> Result<(Vec<Check>, Option<String>), Failure> {
    party.of_all()?;
    // What is no check's id has nothing behind it.
    let Some(from) = from.map_or(Some(0), |id| ids::thing_number(Thing::Check, id)) else {
        return Ok((Vec::new(), None));
    };
    let mut found: Vec<Check> =
        checks::list_from(&app.db, CheckId(from), limit.saturating_add(1)).await?.into_iter().map(check).collect();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = (found.len() > limit).then(|| found.pop()).flatten();
    Ok((found, next.map(|check| check.public_id)))
}

/// A check.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none with this id.
pub async fn show(app: &App, party: &Party, id: &str) -> Result<Check, Failure> {
    party.of_all()?;
    let number = ids::thing_number(Thing::Check, id).ok_or(UNKNOWN)?;
    checks::find(&app.db, CheckId(number)).await?.map(check).ok_or(UNKNOWN)
}

/// How it stands with what watches a host.
///
/// # Errors
/// [`Failure::NotFound`] when there is no such host; [`Failure::Unavailable`] when nobody answers.
pub async fn statuses(app: &App, party: &Party, host: &str) -> Result<Vec<MonitoredStatus>, Failure> {
    let named = hosts::require(app, party, host).await?;
    if named.retired_at.is_some() {
        return Ok(Vec::new());
    }
    let found = app.hub()?.monitored(named.id).await?;
    let memos: BTreeMap<i64, String> =
        checks::list_of_host(&app.db, named.id).await?.into_iter().map(|one| (one.id.0, one.memo)).collect();
    let status = |(is_check, id, severity, message): (bool, i64, _, String)| {
        let thing = if is_check { Thing::Check } else { Thing::Monitor };
        let check = is_check.then(|| (message, memos.get(&id).cloned().unwrap_or_default()));
        MonitoredStatus { public_id: ids::thing_id(thing, id), severity, check }
    };
    Ok(found.into_iter().map(|one| status(one.into_parts())).collect())
}
