//! What changes rings from one length to another in the object and in D1: everything of it that waits, or needs a transaction.

use edgewatch_core::units::UnixMillis;

use super::HubError;
use super::object::Inner;
use crate::platform::log;
use crate::platform::transactions::atomically;
use crate::store::Db;
use crate::store::history;
use crate::store::settings::{self, COARSE_RINGS};

/// How soon the next hosts follow, ms.
const NEXT_MS: i64 = 5_000;

/// Measures what is due, and has rings take the lengths that fit. What fails is tried again at the next decision.
pub async fn fit(inner: &Inner, now: UnixMillis) {
    if let Ok(Some(hosts)) = inner.with(|shard| Ok(shard.to_measure(now)))
        && let Some(db) = inner.database()
    {
        match history::list_lengths(&db, &hosts).await {
            Ok(blocks) => {
                let _ = inner.with(|shard| {
                    shard.note_measured(&blocks, now);
                    Ok(())
                });
            }
            Err(error) => log::error("hub.rings", &error.to_string()),
        }
    }
    if let Err(error) = inner.with(|shard| shard.measure(now).and_then(|()| shard.fit(now))) {
        log::error("hub.rings", &error.to_string());
    }
}

/// Moves or trims the rings of the next hosts; gives when to go on, when there may be more.
pub async fn go_on(inner: &Inner, db: Option<&Db>, now: UnixMillis) -> Option<i64> {
    let done = match move_some(inner, now) {
        Ok(is_more) => trim_some(inner, db, now).await.map(|more| more || is_more),
        Err(error) => Err(error),
    };
    match done {
        Ok(is_more) => is_more.then_some(now.0 + NEXT_MS),
        Err(error) => {
            log::error("hub.rings", &error.to_string());
            inner.note_failure(&error);
            None
        }
    }
}

fn move_some(inner: &Inner, now: UnixMillis) -> Result<bool, HubError> {
    if !inner.with(|shard| Ok(shard.storage.lengths.is_moving()))? {
        return Ok(false);
    }
    let moved = atomically(&inner.state, HubError::Refused, || inner.with(|shard| shard.move_some(now)))?;
    let Some(lengths) = moved else { return Ok(false) };
    inner.with(|shard| {
        shard.storage.lengths = lengths;
        Ok(lengths.is_moving())
    })
}

async fn trim_some(inner: &Inner, db: Option<&Db>, now: UnixMillis) -> Result<bool, HubError> {
    let Some(db) = db.filter(|_| inner.with(|shard| Ok(shard.storage.lengths.is_trimming())).unwrap_or(false)) else {
        return Ok(false);
    };
    inner.complete()?;
    let (trimmed, lengths, is_first) =
        inner.with(|shard| Ok((shard.to_trim(now), shard.storage.lengths, shard.place.index == 0)))?;
    let Some(newest) = trimmed else { return Ok(false) };
    let rings = lengths.target();
    if is_first && lengths.is_untouched() {
        // For readers that the hub does not answer.
        db.run(settings::put(COARSE_RINGS, &lengths.coarse_text())).await?;
    }
    let of: Vec<_> = newest.iter().map(|(host, tier, newest_no)| (*host, tier.number, *newest_no)).collect();
    let trim = history::trim(&of, |tier| rings.of_number(tier));
    let deleted = if of.is_empty() { 0 } else { db.run(trim).await?.changes };
    inner.with(|shard| {
        // Others may have been ordered meanwhile: then it begins anew.
        if shard.storage.lengths.target() == rings {
            shard.note_trimmed(&newest, deleted, now)?;
        }
        Ok(shard.storage.lengths.is_trimming())
    })
}
