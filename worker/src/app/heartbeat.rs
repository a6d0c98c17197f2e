//! A dead-man's switch: as long as Edgewatch is whole, it calls an address now and then; whoever listens there tells people when the
//! calls stay away. The address is a secret, kept as a channel's settings are, and leads only where theirs may lead.
//!
//! When it is due follows from the time alone, so nothing is written while nothing changes.

use std::collections::BTreeMap;

use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Channel, Event, EventKind};
use edgewatch_core::units::UnixSeconds;

use super::{App, presence};
use crate::notify;
use crate::platform::{log, outbound};
use crate::store::channels::SealedChannel;
use crate::store::settings::{self, HEARTBEAT, HEARTBEAT_FAILED, HEARTBEAT_INTERVAL_S};
use crate::store::{Db, Statement};

/// The shortest and the longest time between two calls, and the time unless one is set.
const SHORTEST_S: u32 = 60;
const LONGEST_S: u32 = 3600;
const USUAL_S: u32 = 60;
/// The schedule runs so often.
const RUN_S: i64 = 60;
/// So many calls in a row fail before people are told: one that is lost is nobody's business.
const TELL_AT: u64 = 3;
/// The kind of channel whose rules the address is under.
const KIND: &str = "webhook";

/// How it is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// The address, masked; `None` when none is called.
    pub url: Option<String>,
    /// Seconds between two calls.
    pub interval_s: u32,
    /// How many calls in a row failed until now.
    pub failures: u64,
}

/// How it is set.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn read(db: &Db) -> Result<Heartbeat, Failure> {
    let (sealed, interval) = settings::find_two(db, HEARTBEAT, HEARTBEAT_INTERVAL_S).await?;
    let failures = settings::find_count(db, HEARTBEAT_FAILED).await?;
    let url = sealed.filter(|sealed| !sealed.is_empty()).map(|_| MASK.to_owned());
    Ok(Heartbeat { url, interval_s: interval_s(interval.as_deref()), failures })
}

/// What is shown of an address that is set.
const MASK: &str = "********";

fn interval_s(text: Option<&str>) -> u32 {
    text.and_then(|text| text.parse().ok()).unwrap_or(USUAL_S)
}

/// The statements that set the address, where one is given (an empty one for none), and the interval likewise; and what they change.
///
/// # Errors
/// [`Failure::Invalid`] for an address or interval that cannot be; [`Failure::Conflict`] without a key to seal the address with.
pub fn change(
    app: &App,
    url: Option<&str>,
    interval_s: Option<u32>,
) -> Result<(Vec<Statement>, Vec<&'static str>), Failure> {
    let (mut statements, mut changed) = (Vec::new(), Vec::new());
    // What is masked comes back as it was shown: nothing is changed.
    if let Some(url) = url.filter(|url| *url != MASK) {
        let sealed = if url.is_empty() { String::new() } else { seal(app, url)? };
        statements.push(settings::put(HEARTBEAT, &sealed));
        statements.push(settings::put(HEARTBEAT_FAILED, "0"));
        changed.push("heartbeat_url");
    }
    if let Some(interval_s) = interval_s {
        if !(SHORTEST_S..=LONGEST_S).contains(&interval_s) {
            let reason = format!("from {SHORTEST_S} to {LONGEST_S} seconds");
            return Err(Failure::Invalid { field: "heartbeat_interval_s".to_owned(), reason });
        }
        statements.push(settings::put(HEARTBEAT_INTERVAL_S, &interval_s.to_string()));
        changed.push("heartbeat_interval_s");
    }
    Ok((statements, changed))
}

fn seal(app: &App, url: &str) -> Result<String, Failure> {
    let values = BTreeMap::from([("url".to_owned(), url.to_owned())]);
    let checked = notify::settings(KIND, values).map_err(|failure| match failure {
        Failure::Invalid { reason, .. } => Failure::Invalid { field: "heartbeat_url".to_owned(), reason },
        other => other,
    })?;
    notify::seal(&app.config, &checked)
}

fn open(app: &App, sealed: String) -> Result<String, Failure> {
    let channel = Channel {
        id: 0,
        name: String::new(),
        kind: KIND.to_owned(),
        group: String::new(),
        created_at: UnixSeconds(0),
        said: None,
    };
    let opened =
        notify::open(&app.config, &SealedChannel { channel, config_sealed: sealed, paused_until: UnixSeconds(0) })?;
    let url = opened.targets().into_iter().find(|(name, _)| *name == "url").map(|(_, url)| url.to_owned());
    url.ok_or_else(|| Failure::Internal("a heartbeat without an address".to_owned()))
}

/// Whether a run that is due at `now` is the one that calls.
fn is_due(now: UnixSeconds, interval_s: u32) -> bool {
    let interval_s = i64::from(interval_s.max(1));
    now.0.div_euclid(interval_s) != (now.0 - RUN_S).div_euclid(interval_s)
}

/// Calls the address when it is due. The caller has seen the hub's verdict and the database at work. Gives how many requests that took.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer; [`Failure::Internal`] when the address does not open.
pub async fn beat(app: &App) -> Result<usize, Failure> {
    let (sealed, interval) = settings::find_two(&app.db, HEARTBEAT, HEARTBEAT_INTERVAL_S).await?;
    let Some(sealed) = sealed.filter(|sealed| !sealed.is_empty()) else { return Ok(0) };
    if !is_due(app.now_s(), interval_s(interval.as_deref())) {
        return Ok(0);
    }
    let url = open(app, sealed)?;
    let agent = concat!("edgewatch/", env!("CARGO_PKG_VERSION")).to_owned();
    let answer = outbound::send("GET", &url, &[("user-agent".to_owned(), agent)], "").await;
    let words = match answer {
        Ok(answer) if (200..300).contains(&answer.status) => None,
        Ok(answer) => Some(format!("status {}", answer.status)),
        Err(words) => Some(words),
    };
    let before = settings::find_count(&app.db, HEARTBEAT_FAILED).await?;
    let Some(words) = words else {
        if before > 0 {
            app.db.run(settings::put(HEARTBEAT_FAILED, "0")).await?;
        }
        return Ok(1);
    };
    log::error("heartbeat", &words);
    // Told once: beyond that many nothing is written either.
    if before >= TELL_AT {
        return Ok(1);
    }
    let failures = before + 1;
    let mut statements = vec![settings::put(HEARTBEAT_FAILED, &failures.to_string())];
    if failures == TELL_AT {
        let text = format!("{TELL_AT} calls of the heartbeat address in a row failed: {words}");
        let event = Event::new(app.time_key()?, EventKind::News, None, app.now_s(), text);
        statements.extend(presence::tell(app, &event, None).await?);
    }
    app.db.batch(statements).await?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_once_in_each_interval() {
        let count = |interval_s: u32| (1..=120).filter(|minute| is_due(UnixSeconds(minute * 60), interval_s)).count();
        assert_eq!(count(60), 120);
        assert_eq!(count(90), 80);
        assert_eq!(count(300), 24);
        assert_eq!(count(3600), 2);
    }

    #[test]
    fn what_is_set_is_shown_masked_and_what_was_shown_changes_nothing() {
        use crate::store::db::now;
        let mut app = App::for_tests(Db::in_memory().unwrap());
        let mut config = (*app.config).clone();
        config.seal_key = crate::platform::seal::SealKey::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        app.config = std::sync::Arc::new(config);
        let set = |url: Option<&str>, interval_s| {
            let (statements, changed) = change(&app, url, interval_s)?;
            if !statements.is_empty() {
                now(app.db.batch(statements)).unwrap();
            }
            Ok::<_, Failure>(changed)
        };
        let shown = || now(read(&app.db)).unwrap();
        assert_eq!(shown(), Heartbeat { url: None, interval_s: 60, failures: 0 });
        assert_eq!(set(Some("https://hc.example.com/abc"), Some(300)).unwrap().len(), 2);
        assert_eq!(shown(), Heartbeat { url: Some(MASK.to_owned()), interval_s: 300, failures: 0 });
        let sealed = now(settings::find(&app.db, HEARTBEAT)).unwrap().unwrap();
        assert!(!sealed.contains("abc"));
        assert_eq!(open(&app, sealed).unwrap(), "https://hc.example.com/abc");
        assert!(set(Some(MASK), None).unwrap().is_empty());
        for (url, interval_s) in
            [(Some("ftp://x/"), None), (Some("http://169.254.169.254/"), None), (None, Some(59)), (None, Some(3601))]
        {
            assert!(matches!(set(url, interval_s), Err(Failure::Invalid { .. })), "{url:?} {interval_s:?}");
        }
        set(Some(""), None).unwrap();
        assert_eq!(shown().url, None);
    }
}
