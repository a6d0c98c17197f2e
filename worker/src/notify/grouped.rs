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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::app::App;
    use crate::notify::{queue, seal, settings};
    use crate::platform::seal::SealKey;
    use crate::store::access;
    use crate::store::db::now;
    use crate::store::events;
    use edgewatch_core::model::{AlertNote, Cause, Event, EventKind, HostId, Severity, Standing, ThresholdCode};
    use edgewatch_core::notify::Outgoing;

    const NOW: UnixSeconds = UnixSeconds(1_795_361_190);

    fn config() -> Config {
        let app = App::for_tests(Db::in_memory().unwrap());
        let seal_key = SealKey::parse(&format!("{}=", "Q".repeat(43)));
        Config { seal_key, ..(*app.config).clone() }
    }

    fn channel(db: &Db, config: &Config, kind: &str, values: &[(&str, &str)]) -> i64 {
        let values: BTreeMap<String, String> =
            values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let sealed = seal(config, &settings(kind, values).unwrap()).unwrap();
        let written = channels::Written { name: kind, group: "default", config_sealed: &sealed, said: None };
        let audit = access::audit(kind, NOW, "user:1", "channel", "x");
        now(channels::insert(db, kind, written, NOW, audit)).unwrap()
    }

    fn event(key: &str, kind: EventKind, severity: Severity) -> Event {
        let cause = Cause::threshold(ThresholdCode { resource: 0, metric: None }, HostId(7));
        let mut event = Event::new(key.to_owned(), kind, None, NOW, format!("alert {key}"));
        event.alert = Some(AlertNote {
            standing: Standing { severity, value: None },
            ..AlertNote::new(format!("a{key}"), cause, NOW, format!("detail {key}"))
        });
        event
    }

    /// Writes events as the hub does.
    fn write(db: &Db, config: &Config, events: &[Event], at: UnixSeconds) {
        let notices: Vec<Notice<'_>> =
            events.iter().map(|event| Notice { event, host: None, host_name: None, group: &event.group }).collect();
        let mut statements = now(queue(db, config, at, &notices)).unwrap();
        statements.push(events::insert(events).unwrap());
        now(db.batch(statements)).unwrap();
    }

    fn opened(config: &Config, waiting: &Waiting) -> Outgoing {
        let text = config.seal_key().unwrap().open(&waiting.request_sealed).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn what_comes_within_the_window_is_one_request_for_each_channel() {
        let (db, config) = (Db::in_memory().unwrap(), config());
        let hook = channel(&db, &config, "pulse_webhook", &[("url", "https://example.com/hook")]);
        let topic = channel(&db, &config, "ntfy", &[("topic", "abcdefgh")]);
        let fired = |key: &str| event(key, EventKind::AlertFired, Severity::Critical);
        write(&db, &config, &[fired("01"), fired("02")], NOW);
        write(&db, &config, &[fired("03"), event("04", EventKind::AlertRecovered, Severity::Critical)], NOW.plus(20));
        let due = |at: UnixSeconds| now(outbox::list_due(&db, at, 99)).unwrap();
        let ends: Vec<String> = due(NOW.plus(29)).into_iter().map(|one| one.key).collect();
        assert_eq!(ends, [format!("04:{hook}"), format!("04:{topic}")], "an end waits for nobody");
        assert_eq!(due(NOW.plus(30)).iter().filter(|one| one.is_part()).count(), 4);
        for (channel, place) in [(hook, "https://example.com/hook"), (topic, "https://ntfy.sh")] {
            let finished = now(finish(&db, &config, channel, NOW.plus(30))).unwrap().unwrap();
            let Outgoing::Request(request) = opened(&config, &finished) else { panic!("no request") };
            assert!(request.url.starts_with(place), "{}", request.url);
            for text in ["01", "02", "03"] {
                assert!(request.body.contains(text), "{}", request.body);
            }
            assert!(request.headers.contains(&("idempotency-key".to_owned(), format!("01:{channel}"))));
            assert_eq!(now(finish(&db, &config, channel, NOW.plus(30))), Ok(None));
        }
        assert_eq!(due(NOW.plus(30)).len(), 4, "one of each channel, and the ends");
    }

    #[test]
    fn a_channel_that_cannot_be_read_is_tried_again_and_its_alerts_wait() {
        let (db, config) = (Db::in_memory().unwrap(), config());
        let hook = channel(&db, &config, "pulse_webhook", &[("url", "https://example.com/hook")]);
        write(&db, &config, &[event("01", EventKind::AlertFired, Severity::Warning)], NOW);
        let other = Config { seal_key: SealKey::parse(&format!("{}=", "g".repeat(43))), ..config.clone() };
        assert!(now(finish(&db, &other, hook, NOW.plus(30))).is_err());
        assert_eq!(now(outbox::list_due(&db, NOW.plus(89), 9)).unwrap(), []);
        assert!(now(finish(&db, &config, hook, NOW.plus(90))).unwrap().is_some());
    }

    #[test]
    fn nothing_is_read_for_what_does_not_wait() {
        let db = Db::in_memory().unwrap();
        let event = event("01", EventKind::AlertRecovered, Severity::Warning);
        let notice = Notice { event: &event, host: None, host_name: None, group: "" };
        assert_eq!((now(delay_s(&db, &[notice])), db.meter().rows_read()), (0, 0));
    }
}
