//! Alerts of thresholds, told together: what waits for a channel becomes one request when it is time.

use edgewatch_core::failure::Failure;
use edgewatch_core::notify::{Notice, Part, next_attempt, render_parts};
use edgewatch_core::units::UnixSeconds;

use super::{channel, public_url, sealed};
use crate::platform::config::Config;
use crate::platform::log;
use crate::store::outbox::{self, Waiting};
use crate::store::{Db, channels, thresholds};

/// For how long the first of these waits for others, seconds. Reads two rows where one of them does.
pub(super) async fn delay_s(db: &Db, notices: &[Notice<'_>]) -> u32 {
    if !notices.iter().any(|notice| Part::waits(notice.event)) {
        return 0;
    }
    match thresholds::find(db).await {
        Ok(config) if config.schedule.grouping.is_on => config.schedule.grouping_s,
        Ok(_) => 0,
        // What cannot be read keeps nobody from being told.
        Err(error) => {
            log::error("notify.grouped", &error.to_string());
            0
        }
    }
}

/// Makes one request of all that waits for a channel to be told together; `None` when there is nothing, or another run has it.
///
/// # Errors
/// [`Failure`] when they cannot be made one now: they wait on.
pub(super) async fn finish(
    db: &Db,
    config: &Config,
    channel_id: i64,
    now: UnixSeconds,
) -> Result<Option<Waiting>, Failure> {
    let waiting = outbox::list_parts(db, channel_id).await?;
    let Some(first) = waiting.first() else { return Ok(None) };
    let key = format!("{}:{channel_id}", first.event_key());
    match render(db, config, channel_id, &waiting, &key).await {
        Ok(request) => Ok(outbox::finish_parts(db, &waiting, &request, now).await?),
        Err(failure) => {
            for part in &waiting {
                // By its age: who cannot be told in three days is told no more.
                let next = next_attempt(part.created_at, 1, now, None);
                outbox::note_failure(db, &part.key, next, now, &failure.to_string()).await?;
            }
            Err(failure)
        }
    }
}

async fn render(db: &Db, config: &Config, channel_id: i64, waiting: &[Waiting], key: &str) -> Result<String, Failure> {
    let gone = || Failure::Internal("its channel is no more".to_owned());
    let settings = channel::open(config, &channels::find_by_id(db, channel_id).await?.ok_or_else(gone)?)?;
    let seal_key = config.seal_key()?;
    let open = |part: &Waiting| -> Result<Part, Failure> {
        let text = seal_key.open(&part.request_sealed)?;
        serde_json::from_str(&text).map_err(|error| Failure::Internal(error.to_string()))
    };
    let parts = waiting.iter().map(open).collect::<Result<Vec<Part>, Failure>>()?;
    sealed(config, &render_parts(&settings, &parts, key, public_url(config))?)
}
