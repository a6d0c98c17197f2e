//! Notifications: queued in the outbox in the transaction that writes their event, sent from there until delivered.
//!
//! Delivered at least once; a key travels with each delivery, so that a receiver can tell a repeat.

mod channel;
mod send;
mod smtp;

use std::collections::BTreeMap;

use edgewatch_core::failure::Failure;
use edgewatch_core::model::{DEFAULT_GROUP, Delivery, Event, EventKind};
use edgewatch_core::notify::{Outgoing, Settings, asked_wait, next_attempt, render};
use edgewatch_core::units::UnixSeconds;
use futures_util::future::join_all;

pub use channel::{changed, kinds, open, seal, settings};
pub use edgewatch_core::notify::Notice;

use crate::platform::config::Config;
use crate::platform::log;
use crate::store::channels::{self, SealedChannel};
use crate::store::outbox::{self, Waiting};
use crate::store::{Db, Statement};

/// How many notifications one run sends: the free plan allows 50 subrequests, and each costs three statements.
const MAX_PER_RUN: u32 = 10;
/// How many channels are told at a time: of six connections some are left for the database.
const AT_ONCE: usize = 3;
/// How long a claimed notification is left to the run that claimed it, from when that run was due: longer than all of a run's
/// receivers may take together, 20 s each.
const CLAIM_S: i64 = 300;
/// The most text one statement carries; D1 refuses a value over 2 MB. Source: platform specification, 1.2.
const MAX_STATEMENT_BYTES: usize = 1_000_000;

/// The statements that queue notifications for every channel of the notices' groups; none when there are no channels. They must run
/// in the transaction that writes the events, before that.
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
    let mut requests = Vec::with_capacity(channels.len() * notices.len());
    for channel in &channels {
        // One channel that cannot be read must not cost the others, nor the verdict, their events.
        match render_all(config, channel, notices) {
            Ok(rendered) => requests.extend(rendered),
            Err(failure) => log::error("notify.queue", &format!("channel {}: {failure}", channel.channel.id)),
        }
    }
    let mut statements = Vec::new();
    while !requests.is_empty() {
        let rest = requests.split_off(fitting(&requests));
        statements.push(outbox::insert(&requests, now)?);
        requests = rest;
    }
    Ok(statements)
}

/// How many of the requests fit into one statement; at least one.
fn fitting(requests: &[(String, i64, String)]) -> usize {
    // Keys, numbers and JSON's own marks take less than this.
    let bytes = |request: &(String, i64, String)| request.2.len() + 64;
    let mut total = 0;
    let within = requests.iter().take_while(|request| {
        total += bytes(request);
        total <= MAX_STATEMENT_BYTES
    });
    within.count().max(1)
}

/// Sends what is due; gives how many were delivered. Several channels are told at a time, each of them one thing after the other.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn deliver(db: &Db, config: &Config, now: UnixSeconds) -> Result<usize, Failure> {
    let mut by_channel: BTreeMap<i64, Vec<Waiting>> = BTreeMap::new();
    for waiting in outbox::list_due(db, now, MAX_PER_RUN).await? {
        by_channel.entry(waiting.channel_id).or_default().push(waiting);
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
                if let Err(error) = outbox::postpone(db, waiting.channel_id, until).await {
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
    let sent = send::send(config, &outgoing).await;
    let mut words = sent.words;
    if let Some(rest) = sent.rest {
        words = format!("not for {}: {words}", rest.to.join(", "));
    }
    Ok(Delivery { is_delivered: sent.is_taken, status: sent.status, words })
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
    let opened = config.seal_key().and_then(|key| key.open(&waiting.request_sealed));
    let outgoing = opened
        .and_then(|text| serde_json::from_str::<Outgoing>(&text).map_err(|error| Failure::Internal(error.to_string())));
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

/// Where the fleet can be looked at; empty when no public address is configured.
fn public_url(config: &Config) -> &str {
    config.public_url.as_deref().unwrap_or_default()
}

fn sealed(config: &Config, outgoing: &Outgoing) -> Result<String, Failure> {
    let text = serde_json::to_string(outgoing).map_err(|error| Failure::Internal(error.to_string()))?;
    config.seal_key()?.seal(&text)
}

/// What a channel is to be sent of these notices: event key, channel number, sealed request each.
fn render_all(
    config: &Config,
    channel: &SealedChannel,
    notices: &[Notice<'_>],
) -> Result<Vec<(String, i64, String)>, Failure> {
    let of_group = |group: &str| channel.channel.group == if group.is_empty() { DEFAULT_GROUP } else { group };
    let wanted: Vec<&Notice<'_>> = notices.iter().filter(|notice| of_group(notice.group)).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let (id, settings) = (channel.channel.id, open(config, channel)?);
    let render_one = |notice: &Notice<'_>| {
        let outgoing = render(&settings, *notice, &format!("{}:{id}", notice.event.key), public_url(config))?;
        Ok((notice.event.key.clone(), id, sealed(config, &outgoing)?))
    };
    wanted.into_iter().map(render_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_carries_no_more_than_it_may() {
        let request = |bytes: usize| (String::new(), 1, "x".repeat(bytes));
        let many: Vec<_> = (0..50).map(|_| request(60_000)).collect();
        let first = fitting(&many);
        assert_eq!(first, 16);
        assert!(many.iter().take(first).map(|one| one.2.len()).sum::<usize>() <= MAX_STATEMENT_BYTES);
        assert_eq!(fitting(&[request(2_000_000)]), 1);
    }
}
