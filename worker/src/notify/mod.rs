//! Notifications: queued in the outbox in the transaction that writes their event, sent from there until delivered.
//!
//! Delivered at least once; a key travels with each delivery, so that a receiver can tell a repeat.

mod channel;
mod grouped;
mod receivers;
mod send;
mod smtp;

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::failure::Failure;
use edgewatch_core::model::proxmox::ResourceAlert;
use edgewatch_core::model::{Audience, DEFAULT_GROUP, Delivery, Event, EventKind, group_name};
use edgewatch_core::notify::{Outgoing, Part, Settings, asked_wait, next_attempt, render, render_sample};
use edgewatch_core::units::UnixSeconds;
use futures_util::future::join_all;

pub use channel::{changed, kinds, open, seal, settings};
pub use edgewatch_core::notify::Notice;

use crate::platform::config::Config;
use crate::platform::log;
use crate::store::channels::{self, SealedChannel};
use crate::store::outbox::{self, Request, Waiting};
use crate::store::{Db, Statement, events};

/// How many notifications one run sends: the free plan allows 50 subrequests, each costs three of them, and the object that has
/// written an event does other things in the same invocation.
pub const MAX_PER_RUN: u32 = 7;
/// What one notification costs of them when it fails, and the list of those that are due.
const COSTS: usize = 4;
/// As many subrequests an invocation may make. Source: platform specification, 1.1.
const SUBREQUESTS: usize = 50;
/// How many channels are told at a time: of six connections some are left for the database.
const AT_ONCE: usize = 3;
/// How long a claimed notification is left to the run that claimed it, from when that run was due: longer than all of a run's
/// receivers may take together, 20 s each.
const CLAIM_S: i64 = 300;
/// What stands in the outbox for a request that could not be made yet.
const UNRENDERED: &str = "";
/// The most text one statement carries; D1 refuses a value over 2 MB. Source: platform specification, 1.2.
const MAX_STATEMENT_BYTES: usize = 1_000_000;

/// The statements that queue notifications for every channel that is to be told of the notices; none when there are no channels. They must run
/// in the transaction that writes the events, before that. Of alerts that nobody hears of because their group has no channel one event
/// a group says so, a row.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn queue(
    db: &Db,
    config: &Config,
    now: UnixSeconds,
    notices: &[Notice<'_>],
) -> Result<Vec<Statement>, Failure> {
    let channels = channels::list(db).await?;
    let unheard = unheard(&channels, notices);
    let notices = &without_overtaken(notices);
    let receivers = receivers::of(db, &channels, notices).await?;
    let grouping_s = grouped::delay_s(db, notices).await;
    let mut requests = Vec::with_capacity(channels.len() * notices.len());
    for channel in &channels {
        let is_told = |(_, receivers): &(_, &BTreeSet<i64>)| receivers.contains(&channel.channel.id);
        let wanted: Vec<&Notice<'_>> =
            notices.iter().zip(&receivers).filter(is_told).map(|(notice, _)| notice).collect();
        // One channel that cannot be read must not cost the others, nor the verdict, their events.
        match render_all(config, channel, &wanted, grouping_s) {
            Ok(rendered) => requests.extend(rendered),
            Err(failure) => {
                let id = channel.channel.id;
                log::error("notify.queue", &format!("channel {id}: {failure}"));
                // It is tried again as what was refused is, and its channel shows why.
                requests.extend(wanted.iter().map(|notice| request(notice.event, id, UNRENDERED.to_owned())));
            }
        }
    }
    let mut statements = Vec::new();
    while !requests.is_empty() {
        let rest = requests.split_off(fitting(&requests));
        statements.push(outbox::insert(&requests, now)?);
        requests = rest;
    }
    if !unheard.is_empty() {
        statements.push(events::insert(&unheard)?);
    }
    Ok(statements)
}

/// How many of the requests fit into one statement; at least one.
fn fitting(requests: &[Request]) -> usize {
    // Keys, numbers and JSON's own marks take less than this.
    let bytes = |request: &Request| request.request_sealed.len() + 128;
    let mut total = 0;
    let within = requests.iter().take_while(|request| {
        total += bytes(request);
        total <= MAX_STATEMENT_BYTES
    });
    within.count().max(1)
}

/// How many notifications a run may send that made so many subrequests already; at least one, so that none waits for ever.
pub fn left_after(subrequests: usize) -> u32 {
    let left = SUBREQUESTS.saturating_sub(subrequests.saturating_add(1)) / COSTS;
    u32::try_from(left).unwrap_or(1).clamp(1, MAX_PER_RUN)
}

/// Sends at most `most` of what is due; gives how many were delivered. Several channels are told at a time, each of them one thing after the other.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn deliver(db: &Db, config: &Config, now: UnixSeconds, most: u32) -> Result<usize, Failure> {
    let mut by_channel: BTreeMap<i64, Vec<Waiting>> = BTreeMap::new();
    let (parts, whole): (Vec<Waiting>, Vec<Waiting>) =
        outbox::list_due(db, now, most).await?.into_iter().partition(Waiting::is_part);
    for waiting in whole {
        by_channel.entry(waiting.channel_id).or_default().push(waiting);
    }
    let grouped: BTreeSet<i64> = parts.iter().map(|part| part.channel_id).collect();
    for channel_id in grouped {
        match grouped::finish(db, config, channel_id, now).await {
            Ok(finished) => by_channel.entry(channel_id).or_default().extend(finished),
            // The others have their turn; these come again.
            Err(failure) => log::error("notify.grouped", &format!("channel {channel_id}: {failure}")),
        }
    }
    let queues: Vec<Vec<Waiting>> = by_channel.into_values().collect();
    let mut delivered = 0;
    for some in queues.chunks(AT_ONCE) {
        let counts = join_all(some.iter().map(|queue| deliver_all(db, config, now, queue))).await;
        delivered += counts.into_iter().sum::<usize>();
    }
    Ok(delivered)
}

async fn deliver_all(db: &Db, config: &Config, now: UnixSeconds, queue: &[Waiting]) -> usize {
    let mut delivered = 0;
    for waiting in queue {
        match attempt(db, config, now, waiting).await {
            Ok(Attempt::Delivered) => delivered += 1,
            Ok(Attempt::Left) => {}
            Ok(Attempt::LeftUntil(until)) => {
                // It wants nothing of us, so nothing else that waits for it is tried either.
                if let Err(error) = db.run(channels::pause(waiting.channel_id, until)).await {
                    log::error("notify.deliver", &error.to_string());
                }
                break;
            }
            // It stays claimed and comes again; the others have their turn.
            Err(failure) => log::error("notify.deliver", &format!("{}: {failure}", waiting.key)),
        }
    }
    delivered
}

/// Sends a test notification now, past the outbox.
///
/// # Errors
/// [`Failure::Internal`] for settings that were never checked.
pub async fn send_test(
    config: &Config,
    settings: &Settings,
    text: &str,
    key: &str,
    now: UnixSeconds,
) -> Result<Delivery, Failure> {
    let event = Event::new(key.to_owned(), EventKind::Test, None, now, text.to_owned());
    let notice = Notice { event: &event, host: None, host_name: None, group: "" };
    let outgoing = render(settings, notice, &format!("{key}:0"), public_url(config))?;
    Ok(delivery(send::send(config, &outgoing).await))
}

/// Sends a mail in Pulse's style now, past the outbox, that tells of an alert that is none.
///
/// # Errors
/// [`Failure::Internal`] for settings that were never checked, and for what is no mail.
pub async fn send_sample(
    config: &Config,
    settings: &Settings,
    alert: &ResourceAlert,
    key: &str,
) -> Result<Delivery, Failure> {
    let outgoing = render_sample(settings, alert, key, public_url(config))?;
    Ok(delivery(send::send(config, &outgoing).await))
}

fn delivery(sent: send::Sent) -> Delivery {
    let mut words = sent.words;
    if let Some(rest) = sent.rest {
        words = format!("not for {}: {words}", rest.to.join(", "));
    }
    Delivery { is_delivered: sent.is_taken, status: sent.status, words }
}

/// What came of trying.
enum Attempt {
    Delivered,
    /// It comes again, or another run has it.
    Left,
    /// Likewise, and its receiver asked to be left alone until then.
    LeftUntil(UnixSeconds),
}

async fn attempt(db: &Db, config: &Config, now: UnixSeconds, waiting: &Waiting) -> Result<Attempt, Failure> {
    if !outbox::claim(db, waiting, now.plus(CLAIM_S)).await? {
        return Ok(Attempt::Left);
    }
    let outgoing = if waiting.request_sealed == UNRENDERED {
        render_late(db, config, waiting).await
    } else {
        let opened = config.seal_key().and_then(|key| key.open(&waiting.request_sealed));
        let parsed = |text: String| serde_json::from_str(&text).map_err(|error| Failure::Internal(error.to_string()));
        opened.and_then(parsed)
    };
    let (error, rest, asked) = match outgoing {
        Ok(outgoing) => {
            let sent = send::send(config, &outgoing).await;
            if sent.is_taken && sent.rest.is_none() {
                outbox::delete(db, &waiting.key).await?;
                return Ok(Attempt::Delivered);
            }
            let asked = asked_wait(sent.status.unwrap_or_default(), sent.retry_after.as_deref(), now);
            (sent.words, sent.rest, asked)
        }
        Err(failure) => (failure.to_string(), None, None),
    };
    let next = next_attempt(waiting.created_at, waiting.attempts.saturating_add(1), now, asked);
    log::error("notify.deliver", &format!("{}: {error}", waiting.key));
    if let Some(rest) = rest {
        // Who has it does not get it again.
        let sealed = sealed(config, &Outgoing::Mail(rest))?;
        outbox::replace(db, &waiting.key, &sealed).await?;
    }
    outbox::note_failure(db, &waiting.key, next, now, &error).await?;
    Ok(asked.map_or(Attempt::Left, Attempt::LeftUntil))
}

/// The request that could not be made when its event was written, because nobody could read the channel's settings then. What the
/// host was at that time is not known any more.
async fn render_late(db: &Db, config: &Config, waiting: &Waiting) -> Result<Outgoing, Failure> {
    let gone = || Failure::Internal("its event or its channel is no more".to_owned());
    let channel = channels::find_by_id(db, waiting.channel_id).await?.ok_or_else(gone)?;
    let settings = open(config, &channel)?;
    let event = events::find(db, waiting.event_key()).await?.ok_or_else(gone)?;
    let notice = Notice { event: &event, host: None, host_name: None, group: &event.group };
    render(&settings, notice, &delivery_key(&event, waiting.channel_id), public_url(config))
}

/// Whether an event is told together with others, after a while.
pub fn waits(event: &Event) -> bool {
    Part::waits(event)
}

/// Where the fleet can be looked at; empty when no public address is configured.
fn public_url(config: &Config) -> &str {
    config.public_url.as_deref().unwrap_or_default()
}

fn sealed(config: &Config, outgoing: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(outgoing).map_err(|error| Failure::Internal(error.to_string()))?;
    config.seal_key()?.seal(&text)
}

/// What every repeat of a notification carries.
fn delivery_key(event: &Event, channel_id: i64) -> String {
    format!("{}:{channel_id}", event.key)
}

fn request(event: &Event, channel_id: i64, request_sealed: String) -> Request {
    Request { event_key: event.key.clone(), mark: outbox::mark(event), channel_id, request_sealed, delay_s: 0 }
}

/// The notices but for reminders that something later of their alert overtakes.
fn without_overtaken<'n>(notices: &[Notice<'n>]) -> Vec<Notice<'n>> {
    let alert = |event: &'n Event| event.alert.as_ref().map(|alert| alert.key.as_str());
    let mut later: BTreeSet<&str> = BTreeSet::new();
    let mut kept: Vec<Notice<'n>> = Vec::with_capacity(notices.len());
    for notice in notices.iter().rev() {
        let is_reminder = notice.event.kind == EventKind::AlertReminder;
        if !(is_reminder && alert(notice.event).is_some_and(|key| later.contains(key))) {
            kept.push(*notice);
        }
        if matches!(notice.event.kind, EventKind::AlertReminder | EventKind::AlertRecovered) {
            later.extend(alert(notice.event));
        }
    }
    kept.reverse();
    kept
}

/// The groups that have a channel which is told of alerts.
pub fn heard_groups(channels: &[SealedChannel]) -> BTreeSet<&str> {
    let hearing = channels.iter().map(|sealed| &sealed.channel).filter(|channel| channel.hears_alerts());
    hearing.map(|channel| channel.group.as_str()).collect()
}

/// Says of each group without a channel that an alert came up which nobody hears of. A deployment without any channel wants none of
/// it for its default group.
fn unheard(channels: &[SealedChannel], notices: &[Notice<'_>]) -> Vec<Event> {
    let mut groups = heard_groups(channels);
    if channels.is_empty() {
        groups.insert(DEFAULT_GROUP);
    }
    let mut said = Vec::new();
    // Whom a monitor's alert goes to its notification groups say.
    let is_of_group = |notice: &&Notice<'_>| Audience::parse(notice.group).is_none();
    let fired = notices.iter().filter(|notice| notice.event.kind == EventKind::AlertFired);
    for Notice { event, group, .. } in fired.filter(is_of_group) {
        if groups.insert(group_name(group)) {
            let text = format!("nobody was told: the group \"{}\" has no channel ({})", group_name(group), event.text);
            // The same when the transaction is repeated.
            let key = format!("{}-unheard", event.key);
            let quiet =
                Event { is_quiet: true, ..Event::new(key, EventKind::NobodyTold, event.host_id, event.at, text) };
            said.push(quiet);
        }
    }
    said
}

/// What a channel is to be sent of these notices; what waits for others does so for `grouping_s`.
fn render_all(
    config: &Config,
    channel: &SealedChannel,
    notices: &[&Notice<'_>],
    grouping_s: u32,
) -> Result<Vec<Request>, Failure> {
    if notices.is_empty() {
        return Ok(Vec::new());
    }
    let (id, settings) = (channel.channel.id, open(config, channel)?);
    let render_one = |notice: &Notice<'_>| {
        if Part::waits(notice.event) {
            let (mark, part) = (outbox::mark_of_part(notice.event), sealed(config, &Part::of(notice))?);
            return Ok(Request { mark, delay_s: grouping_s, ..request(notice.event, id, part) });
        }
        let outgoing = render(&settings, *notice, &delivery_key(notice.event, id), public_url(config))?;
        Ok(request(notice.event, id, sealed(config, &outgoing)?))
    };
    notices.iter().copied().map(render_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewatch_core::model::{AlertNote, Cause, Channel, HostId, RuleId};

    #[test]
    fn what_a_run_sends_goes_by_what_it_asked_before() {
        // 5 for presence, and 40 targets of probes with the call that hands in what came of them.
        assert_eq!([0, 5, 25, 46, 500].map(left_after), [7, 7, 6, 1, 1]);
    }

    #[test]
    fn a_statement_carries_no_more_than_it_may() {
        let request = |bytes: usize| {
            let (event_key, mark, request_sealed) = (String::new(), String::new(), "x".repeat(bytes));
            Request { event_key, mark, channel_id: 1, request_sealed, delay_s: 0 }
        };
        let many: Vec<_> = (0..50).map(|_| request(60_000)).collect();
        let first = fitting(&many);
        assert_eq!(first, 16);
        assert!(many.iter().take(first).map(|one| one.request_sealed.len()).sum::<usize>() <= MAX_STATEMENT_BYTES);
        assert_eq!(fitting(&[request(2_000_000)]), 1);
    }

    fn event(key: &str, kind: EventKind, alert: &str, group: &str) -> Event {
        let mut event = Event::new(key.to_owned(), kind, None, UnixSeconds(9), "[Incident] a() busy".to_owned());
        let (cause, detail) = (Cause::rule(RuleId(3), HostId(7)), String::new());
        event.alert = Some(AlertNote::new(alert.to_owned(), cause, UnixSeconds(8), detail));
        Event { group: group.to_owned(), ..event }
    }

    fn notices(events: &[Event]) -> Vec<Notice<'_>> {
        events.iter().map(|event| Notice { event, host: None, host_name: None, group: &event.group }).collect()
    }

    #[test]
    fn of_what_comes_at_once_the_newest_reminder_is_told_and_none_of_an_alert_that_is_over() {
        use EventKind::{AlertFired, AlertRecovered, AlertReminder};
        let list = [("1", AlertReminder, "a"), ("2", AlertReminder, "b"), ("3", AlertReminder, "a")];
        let list = [&list[..], &[("4", AlertFired, "c"), ("5", AlertRecovered, "b")]].concat();
        let events: Vec<Event> = list.into_iter().map(|(key, kind, alert)| event(key, kind, alert, "")).collect();
        let notices = notices(&events);
        let kept: Vec<&str> = without_overtaken(&notices).iter().map(|notice| notice.event.key.as_str()).collect();
        assert_eq!(kept, ["3", "4", "5"]);
    }

    #[test]
    fn that_nobody_hears_of_an_alert_is_an_event_once_a_group() {
        let channel = |group: &str| SealedChannel {
            channel: Channel {
                id: 1,
                name: "a".to_owned(),
                kind: "ntfy".to_owned(),
                group: group.to_owned(),
                created_at: UnixSeconds(1),
                said: None,
            },
            config_sealed: String::new(),
            paused_until: UnixSeconds(0),
        };
        let groups = ["ops", "boss", "boss", ""];
        let events: Vec<Event> = groups.iter().map(|group| event(group, EventKind::AlertFired, group, group)).collect();
        let said = |channels: &[SealedChannel]| {
            let said = unheard(channels, &notices(&events));
            assert!(said.iter().all(|event| event.is_quiet && event.kind == EventKind::NobodyTold));
            said.into_iter().map(|event| event.text).collect::<Vec<_>>()
        };
        let text = |group: &str| format!("nobody was told: the group \"{group}\" has no channel ([Incident] a() busy)");
        assert_eq!(said(&[channel("ops")]), [text("boss"), text("default")]);
        assert_eq!(said(&[]), [text("ops"), text("boss")], "who has no channel at all wants none");
        let again = [event("x", EventKind::AlertReminder, "x", "boss")];
        assert_eq!(unheard(&[channel("ops")], &notices(&again)), []);
    }
}
