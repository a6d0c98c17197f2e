//! The schedule's verdict on which hosts are up, and how people are told.

use edgewatch_core::domain::presence::{Impaired, Verdict, Watch, judge};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Event, EventKind, HostId, Presence};
use edgewatch_core::units::UnixSeconds;
use std::collections::HashMap;

use super::App;
use crate::notify;
use crate::store::states::{Change, NamedWatched};
use crate::store::{Statement, access, events, outbox, settings, states};

/// The key of what one run leaves for the next.
const WATCH_KEY: &str = "presence_watch";

/// How long a notification that was given up stays for the operator to see.
const KEEP_GIVEN_UP_S: i64 = 7 * 24 * 3600;

/// What a run did, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Hosts called offline.
    pub offline: usize,
    /// Hosts called online again.
    pub online: usize,
    /// Whether judgement was suspended by this run.
    pub impaired: bool,
}

/// Judges all hosts at `app.now`, writes events and queues notifications, all in one transaction.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer; then nothing is changed, and the next run will know that
/// this one did not happen.
pub async fn watch(app: &App) -> Result<Summary, Failure> {
    let now = app.now_s();
    let hosts = states::list_watched(&app.db).await?;
    let stored = settings::find(&app.db, WATCH_KEY).await?;
    let before = stored.as_deref().map_or_else(Watch::default, parse);
    let watched: Vec<_> = hosts.iter().map(|host| host.watched).collect();
    let verdict = judge(now, now.plus(120), before, &watched);

    let by_id: HashMap<HostId, &NamedWatched> = hosts.iter().map(|host| (host.watched.id, host)).collect();
    let mut statements = Vec::new();
    for (ids, to) in [(&verdict.offline, Presence::Offline), (&verdict.online, Presence::Online)] {
        statements.extend(changes(app, &by_id, ids, to).await?);
    }
    if let Some(impaired) = verdict.impaired {
        statements.extend(tell(app, &impaired_event(app, impaired)?, None).await?);
    }
    statements.push(settings::put(WATCH_KEY, &format_watch(verdict.watch)));
    if now.0 % 3600 < 60 {
        statements.push(access::delete_expired_sessions(now));
        statements.push(outbox::delete_given_up(now.plus(-KEEP_GIVEN_UP_S)));
    }
    app.db.batch(statements).await?;
    Ok(summary(&verdict))
}

/// The statements that write an event and queue its notifications.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn tell(app: &App, event: &Event, host_name: Option<&str>) -> Result<Vec<Statement>, Failure> {
    let mut statements = vec![events::insert(event)];
    statements.extend(notify::queue(&app.db, &app.config, app.now_s(), &[(event, host_name)]).await?);
    Ok(statements)
}

async fn changes(
    app: &App,
    hosts: &HashMap<HostId, &NamedWatched>,
    ids: &[HostId],
    to: Presence,
) -> Result<Vec<Statement>, Failure> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let mut list = Vec::with_capacity(ids.len());
    for host in ids.iter().filter_map(|id| hosts.get(id)) {
        list.push(Change { before: host.watched, event: change_event(app, host, to)? });
    }
    let names = ids.iter().filter_map(|id| hosts.get(id)).map(|host| Some(host.name.as_str()));
    let told: Vec<(&Event, Option<&str>)> = list.iter().map(|change| &change.event).zip(names).collect();
    let queue = notify::queue(&app.db, &app.config, app.now_s(), &told).await?;
    let (events, presence) = states::change(&list, to)?;
    // Events first: they are written only for hosts that are still as they were, and the notifications look at them.
    Ok(std::iter::once(events).chain(queue).chain(std::iter::once(presence)).collect())
}

fn change_event(app: &App, host: &NamedWatched, to: Presence) -> Result<Event, Failure> {
    let name = &host.name;
    let silent_s = host.watched.last_seen.map_or(0, |seen| app.now_s().since(seen));
    let (kind, text) = match to {
        Presence::Offline => (EventKind::HostOffline, format!("{name} is offline: no report for {silent_s} s")),
        Presence::Online | Presence::Never => (EventKind::HostOnline, format!("{name} is online again")),
    };
    Ok(Event { key: app.time_key()?, kind, host_id: Some(host.watched.id), at: app.now_s(), text })
}

fn impaired_event(app: &App, impaired: Impaired) -> Result<Event, Failure> {
    let text = match impaired {
        Impaired::Away { gap_s } => {
            format!("the schedule did not run for {gap_s} s; no host is called offline for the next 3 minutes")
        }
        Impaired::Mass { silent, online } => format!(
            "{silent} of {online} hosts fell silent at once; it may be us, so they are called offline only if they stay \
             silent for 3 more minutes"
        ),
    };
    Ok(Event { key: app.time_key()?, kind: EventKind::MonitoringImpaired, host_id: None, at: app.now_s(), text })
}

const fn summary(verdict: &Verdict) -> Summary {
    Summary { offline: verdict.offline.len(), online: verdict.online.len(), impaired: verdict.impaired.is_some() }
}

/// `last_run clocks_from hold_until held`, numbers apart by spaces; -1 for no last run.
fn format_watch(watch: Watch) -> String {
    let last_run = watch.last_run.map_or(-1, |at| at.0);
    let held = u8::from(watch.held_for_mass);
    format!("{last_run} {} {} {held} {}", watch.clocks_from.0, watch.hold_until.0, watch.next_by.0)
}

fn parse(text: &str) -> Watch {
    let numbers: Vec<i64> = text.split(' ').filter_map(|part| part.parse().ok()).collect();
    let [last_run, clocks_from, hold_until, held, next_by] = numbers.as_slice() else {
        return Watch::default();
    };
    Watch {
        last_run: (*last_run >= 0).then_some(UnixSeconds(*last_run)),
        clocks_from: UnixSeconds(*clocks_from),
        hold_until: UnixSeconds(*hold_until),
        held_for_mass: *held != 0,
        next_by: UnixSeconds(*next_by),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_leaves_is_what_the_next_one_reads() {
        for watch in [
            Watch::default(),
            Watch {
                last_run: Some(UnixSeconds(1_795_361_190)),
                clocks_from: UnixSeconds(5),
                hold_until: UnixSeconds(7),
                held_for_mass: true,
                next_by: UnixSeconds(9),
            },
        ] {
            assert_eq!(parse(&format_watch(watch)), watch);
        }
        assert_eq!(parse("nonsense"), Watch::default());
    }
}
