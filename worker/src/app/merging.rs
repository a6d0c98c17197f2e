//! Two hosts become one, as an administrator says: a machine that registered twice, or was set up anew.
//!
//! The absorbed host is retired, and with it its number, its ids and its alerts. The one that stays has one credential from then on: of
//! the two the one whose agent was heard from last, or the one that is named. What is stored of the absorbed host stays where it is, under
//! its own number, for as long as the other host is there: nothing is copied, so nothing is there twice. `GET series` of the host that
//! stays has it where that host has nothing of its own.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, DetailedHost, Host, HostId, Presence};

use super::{App, actor, fleet, hosts as all_hosts};
use crate::platform::log;
use crate::store::host_merges::{self, Merge};
use crate::store::hosts::{self, Enrolled};
use crate::store::settings;

/// So many hosts are merged into one at most: each question about its history asks for all of them.
const MOST_ABSORBED: usize = 8;

/// Whose credential stays good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// That of the host that stays.
    Kept,
    /// That of the other: its agent reports for the one that stays from now on.
    Absorbed,
}

/// Merges a host into another; gives the one that stays.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator; [`Failure::NotFound`] when `absorbed` is no host, [`Failure::Invalid`] when `into` is
/// none; [`Failure::Conflict`] for hosts that cannot be merged, for two that both report while nobody said whose credential stays, and
/// where one of them changed meanwhile; [`Failure::Unavailable`] when the database or the hub does not answer: then nothing was done, or
/// all of it, and doing it again helps.
pub async fn merge(
    app: &App,
    caller: &Credential,
    absorbed: HostId,
    into: HostId,
    speaker: Option<Speaker>,
) -> Result<DetailedHost, Failure> {
    require(caller, Right::Admin)?;
    let merge = Merge { absorbed, into, at: app.now_s() };
    let (gone, kept) = match both(app, merge).await {
        // It was done, and its answer was lost.
        Err(Failure::NotFound { .. }) if merge.is_done(&app.db).await? => return fleet::show(app, caller, into).await,
        both => both?,
    };
    let speaker = decide(&gone.host, &kept.host, speaker)?;
    if host_merges::is_collector(&app.db, absorbed).await? {
        return Err(conflict("its agent polls Proxmox: have another one do that first"));
    }
    if let Some(hub) = &app.hub {
        let last = hub.part(absorbed).await?;
        if speaker == Speaker::Absorbed {
            hub.raise(into, last).await?;
        }
    }
    let moves = speaker == Speaker::Absorbed;
    let mut statements = merge.statements(&gone.secret_hash, moves, &app.time_key()?, &actor(caller));
    statements.push(settings::bump(settings::HOSTS_VERSION));
    let done = app.db.batch(statements).await?;
    if done.first().is_none_or(|retired| retired.changes == 0) {
        return Err(conflict("one of the hosts changed meanwhile: look at them and do it again"));
    }
    all_hosts::tell_hub(app, &[absorbed, into]).await;
    if let Some(hub) = &app.hub
        && let Err(error) = hub.part(absorbed).await
    {
        // What came within this second is in the hub's own history, which lasts for days.
        log::error("merging.part", &error.to_string());
    }
    fleet::show(app, caller, into).await
}

/// The two hosts as they are now.
async fn both(app: &App, merge: Merge) -> Result<(Enrolled, Enrolled), Failure> {
    let Merge { absorbed, into, .. } = merge;
    let invalid = |reason: &str| Failure::Invalid { field: "into".to_owned(), reason: reason.to_owned() };
    if absorbed == into {
        return Err(invalid("another host"));
    }
    let mut found = hosts::list_enrolled(&app.db, Some(&[absorbed, into])).await?;
    if let Some(hub) = &app.hub {
        for now in hub.states(&[absorbed, into]).await? {
            if let Some(one) = found.iter_mut().find(|one| one.host.id == now.id) {
                (one.host.presence, one.host.last_seen) = (now.presence, now.last_seen);
            }
        }
    }
    let mut take = |id: HostId| found.iter().position(|one| one.host.id == id).map(|at| found.swap_remove(at));
    let gone = take(absorbed).ok_or(Failure::NotFound { what: "host" })?;
    let kept = take(into).ok_or_else(|| invalid("the number of a host"))?;
    if gone.host.class.is_polled() || kept.host.class.is_polled() {
        return Err(conflict("what a hypervisor says of its nodes and guests cannot be merged"));
    }
    if gone.host.absorbed.len() + kept.host.absorbed.len() >= MOST_ABSORBED {
        return Err(conflict("no more than eight hosts can be merged into one"));
    }
    Ok((gone, kept))
}

/// Whose credential stays: as it was said, else that of the agent that was heard from last.
fn decide(gone: &Host, kept: &Host, said: Option<Speaker>) -> Result<Speaker, Failure> {
    if let Some(said) = said {
        return Ok(said);
    }
    if [gone, kept].iter().all(|host| host.presence == Presence::Online) {
        let detail = "both hosts report: say by \"credential\" whose agent goes on, \"kept\" or \"absorbed\"; the other is shut out";
        return Err(conflict(detail));
    }
    Ok(if gone.last_seen > kept.last_seen { Speaker::Absorbed } else { Speaker::Kept })
}

fn conflict(detail: &str) -> Failure {
    Failure::Conflict { detail: detail.to_owned() }
}
