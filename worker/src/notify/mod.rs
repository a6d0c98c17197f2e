//! Notifications: queued in the outbox in the transaction that writes their event, sent from there until delivered.
//!
//! Delivered at least once; the event's key travels with each delivery, so that a receiver can tell a repeat.

use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Event, EventKind};
use edgewatch_core::notify::{OutgoingRequest, check_host, check_url, next_attempt, render_webhook};
use edgewatch_core::units::UnixSeconds;

use crate::platform::config::Config;
use crate::platform::{log, outbound};
use crate::store::channels::{self, SealedChannel};
use crate::store::outbox::{self, Waiting};
use crate::store::{Db, Statement};

/// The kind of channel that posts JSON to an address.
const WEBHOOK: &str = "webhook";
/// How many notifications one run sends: the free plan allows 50 subrequests, and each costs three statements.
const MAX_PER_RUN: u32 = 10;
/// How long a claimed notification is left to the run that claimed it, from when that run was due: longer than all of a run's
/// receivers may take together, 10 s each.
const CLAIM_S: i64 = 180;
/// The most text one statement carries; D1 refuses a value over 2 MB. Source: platform specification, 1.2.
const MAX_STATEMENT_BYTES: usize = 1_000_000;

/// The configuration of a new channel, sealed.
///
/// # Errors
/// [`Failure::Invalid`] for a kind or address that cannot be; [`Failure::Conflict`] when the deployment has no key to encrypt
/// with.
pub fn seal_config(config: &Config, kind: &str, url: &str) -> Result<String, Failure> {
    if kind != WEBHOOK {
        let reason = "webhook is the one kind so far".to_owned();
        return Err(Failure::Invalid { field: "kind".to_owned(), reason });
    }
    check_url(url)?;
    let host = outbound::host(url)
        .ok_or_else(|| Failure::Invalid { field: "url".to_owned(), reason: "is no address".to_owned() })?;
    check_host(&host)?;
    config.seal_key()?.seal(url)
}

/// The statements that queue notifications of `events` for every channel; none when there are no channels. They must run in the
/// transaction that writes the events, before that.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn queue(
    db: &Db,
    config: &Config,
    now: UnixSeconds,
    events: &[(&Event, Option<&str>)],
) -> Result<Vec<Statement>, Failure> {
    let channels = channels::list(db).await?;
    let mut requests = Vec::with_capacity(channels.len() * events.len());
    for channel in &channels {
        // One channel that cannot be read must not cost the others, nor the verdict, their events.
        match render_all(config, channel, events) {
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

/// Sends what is due; gives how many were delivered.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn deliver(db: &Db, config: &Config, now: UnixSeconds) -> Result<usize, Failure> {
    let mut delivered = 0;
    for waiting in outbox::list_due(db, now, MAX_PER_RUN).await? {
        if !outbox::claim(db, &waiting, now.plus(CLAIM_S)).await? {
            continue;
        }
        match attempt(db, config, now, &waiting).await {
            Ok(taken) => delivered += usize::from(taken),
            // It stays claimed and comes again; the others have their turn.
            Err(failure) => log::error("notify.deliver", &format!("{}: {failure}", waiting.key)),
        }
    }
    Ok(delivered)
}

/// Sends a test notification now, past the outbox. The inner error is what the receiver said.
///
/// # Errors
/// [`Failure::Internal`] when the channel's address cannot be read; [`Failure::Conflict`] without a key to read it with.
pub async fn send_test(
    config: &Config,
    channel: &SealedChannel,
    key: &str,
    now: UnixSeconds,
) -> Result<Result<(), String>, Failure> {
    let event = Event::new(
        key.to_owned(),
        EventKind::Test,
        None,
        now,
        format!("a test of the channel \"{}\"", channel.channel.name),
    );
    Ok(send(&render(config, &address(config, channel)?, &event, None)?).await)
}

async fn attempt(db: &Db, config: &Config, now: UnixSeconds, waiting: &Waiting) -> Result<bool, Failure> {
    let opened = config.seal_key().and_then(|key| key.open(&waiting.request_sealed));
    let request = opened.and_then(|text| {
        serde_json::from_str::<OutgoingRequest>(&text).map_err(|error| Failure::Internal(error.to_string()))
    });
    let result = match request {
        Ok(request) => send(&request).await,
        Err(failure) => Err(failure.to_string()),
    };
    let Err(error) = result else {
        outbox::delete(db, &waiting.key).await?;
        return Ok(true);
    };
    let next = next_attempt(waiting.created_at, waiting.attempts.saturating_add(1), now);
    log::error("notify.deliver", &format!("{}: {error}", waiting.key));
    outbox::note_failure(db, &waiting.key, next, now, &error).await?;
    Ok(false)
}

async fn send(request: &OutgoingRequest) -> Result<(), String> {
    outbound::send(&request.method, &request.url, &request.headers, &request.body).await
}

/// The address of a channel.
fn address(config: &Config, channel: &SealedChannel) -> Result<String, Failure> {
    config.seal_key()?.open(&channel.config_sealed)
}

fn render(config: &Config, url: &str, event: &Event, host_name: Option<&str>) -> Result<OutgoingRequest, Failure> {
    render_webhook(event, host_name, url, config.public_url.as_deref().unwrap_or_default())
}

fn render_all(
    config: &Config,
    channel: &SealedChannel,
    events: &[(&Event, Option<&str>)],
) -> Result<Vec<(String, i64, String)>, Failure> {
    let (key, url) = (config.seal_key()?, address(config, channel)?);
    let render_one = |(event, host_name): &(&Event, Option<&str>)| {
        let request = render(config, &url, event, *host_name)?;
        let text = serde_json::to_string(&request).map_err(|error| Failure::Internal(error.to_string()))?;
        Ok((event.key.clone(), channel.channel.id, key.seal(&text)?))
    };
    events.iter().map(render_one).collect()
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
