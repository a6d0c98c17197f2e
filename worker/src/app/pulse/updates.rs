//! Updates of the server: a feed of releases to look at, a hook that deploys one, and how far it is.

use std::sync::Mutex;

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use edgewatch_core::model::proxmox::{UpdateStatus, UpdateStep};
use edgewatch_core::units::UnixSeconds;

use super::told::{self, News};
use crate::app::{App, actor};
use crate::platform::{log, outbound};
use crate::store::pulse::update;

/// The version that runs: another one that runs later is what an update led to.
const OWN: &str = env!("CARGO_PKG_VERSION");
/// How long a feed is good, seconds. Source: pulse specification, 14.
const FEED_GOOD_FOR_S: i64 = 300;
/// The longest feed.
const MAX_FEED_BYTES: usize = 4 * 1024 * 1024;
/// How long an update may take, seconds.
const MOST_S: i64 = 900;

/// The feed that this isolate of the Worker read last, by its address, and when.
static FEED: Mutex<Option<(String, UnixSeconds, Vec<u8>)>> = Mutex::new(None);

/// The version that runs, as releases are called.
pub fn own_version() -> String {
    format!("v{OWN}")
}

/// The feed of releases, at most five minutes old; `None` where none is configured.
///
/// # Errors
/// [`Failure::Unavailable`] when it cannot be read.
pub async fn feed(app: &App) -> Result<Option<Vec<u8>>, Failure> {
    let Some(url) = app.config.pulse.feed_url.as_deref() else { return Ok(None) };
    let known = FEED.lock().ok().and_then(|known| known.clone());
    if let Some((of, at, feed)) = known
        && of == url
        && (0..FEED_GOOD_FOR_S).contains(&app.now_s().since(at))
    {
        return Ok(Some(feed));
    }
    let feed = outbound::get(url, MAX_FEED_BYTES).await;
    let feed = feed.map_err(|detail| Failure::Unavailable { detail: format!("the feed of releases: {detail}") })?;
    if let Ok(mut known) = FEED.lock() {
        *known = Some((url.to_owned(), app.now_s(), feed.clone()));
    }
    Ok(Some(feed))
}

/// Below which address releases lie, by where their feed is; empty where there is none.
pub fn download_prefix(app: &App) -> String {
    app.config.pulse.feed_url.as_deref().map(prefix_of).unwrap_or_default()
}

fn prefix_of(feed: &str) -> String {
    if let Some(rest) = feed.strip_prefix("https://api.github.com/repos/") {
        let mut parts = rest.split('/');
        if let (Some(owner), Some(project)) = (parts.next(), parts.next()) {
            return format!("https://github.com/{owner}/{project}/releases/download");
        }
    }
    let mut parts = feed.splitn(4, '/');
    let (scheme, host) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
    format!("{scheme}//{host}")
}

/// Notes what came of a look for an update: the version that there is, or none.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn note_checked(app: &App, version: Option<&str>) -> Result<(), Failure> {
    let known = status(app).await?;
    let new = UpdateStatus::checked(version, app.now_s());
    // What is under way is what counts; and what was found before needs no row again.
    let is_known = (known.step, known.progress, &known.message) == (new.step, new.progress, &new.message);
    if known.step.is_under_way() || is_known {
        return Ok(());
    }
    put(app, &new).await
}

async fn put(app: &App, status: &UpdateStatus) -> Result<(), Failure> {
    app.db.run(update::put(status, OWN)?).await?;
    told::tell(app, &[News::Update(status)]).await;
    Ok(())
}

/// How far an update is.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn status(app: &App) -> Result<UpdateStatus, Failure> {
    let now = app.now_s();
    let Some((known, from)) = update::find(&app.db).await? else {
        return Ok(UpdateStatus::at(UpdateStep::Idle, "", now));
    };
    let new = reckoned(known.clone(), &from, now);
    if new != known {
        put(app, &new).await?;
    }
    Ok(new)
}

/// Where another version runs than the one that began it, it is done; where nothing came for long, nothing will.
fn reckoned(known: UpdateStatus, from: &str, now: UnixSeconds) -> UpdateStatus {
    if known.step.is_under_way() && from != OWN {
        return UpdateStatus::at(UpdateStep::Completed, format!("Version {OWN} runs"), now);
    }
    known.aged(now, MOST_S)
}

/// Has the hook deploy what lies at an address. How it goes on, [`status`] tells.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator; [`Failure::Conflict`] where no hook is configured, or an update is under way;
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn apply(app: &App, caller: &Credential, download_url: &str) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let conflict = |detail: &str| Failure::Conflict { detail: detail.to_owned() };
    let hook = app.config.pulse.deploy_hook_url.as_ref();
    let hook = hook.ok_or_else(|| conflict("No deploy hook is configured: set UPDATE_DEPLOY_HOOK_URL"))?;
    if status(app).await?.step.is_under_way() {
        return Err(conflict("An update is under way"));
    }
    let begun = UpdateStatus::at(UpdateStep::Downloading, "Asking the deploy hook", app.now_s());
    let audit = app.audit(&actor(caller), "update.apply", download_url)?;
    app.db.batch(vec![update::put(&begun, OWN)?, audit]).await?;
    told::tell(app, &[News::Update(&begun)]).await;
    // An address of letters, digits and a few marks, none of which means anything in JSON.
    let body = format!(r#"{{"download_url":"{download_url}","version":"{OWN}"}}"#);
    let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
    let after = match outbound::send("POST", hook.text(), &headers, &body).await {
        Ok(answer) if (200..300).contains(&answer.status) => {
            UpdateStatus::at(UpdateStep::Restarting, "Waiting for the new version", app.now_s())
        }
        Ok(answer) => {
            UpdateStatus::failed(format!("the deploy hook answered with status {}", answer.status), app.now_s())
        }
        Err(detail) => {
            log::error("pulse.update", &detail);
            UpdateStatus::failed("the deploy hook cannot be reached", app.now_s())
        }
    };
    put(app, &after).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;
    use crate::store::db::now;

    #[test]
    fn releases_lie_where_their_feed_says() {
        for (feed, prefix) in [
            ("https://api.github.com/repos/a/b/releases", "https://github.com/a/b/releases/download"),
            ("https://example.com/feeds/pulse.json?x=/y", "https://example.com"),
            ("http://127.0.0.1:9/", "http://127.0.0.1:9"),
        ] {
            assert_eq!(prefix_of(feed), prefix);
        }
    }

    #[test]
    fn an_update_is_over_when_another_version_runs_or_nothing_came_of_it() {
        let waits = UpdateStatus::at(UpdateStep::Restarting, "", UnixSeconds(100));
        assert_eq!(reckoned(waits.clone(), OWN, UnixSeconds(1_000)), waits);
        assert_eq!(reckoned(waits.clone(), "0.0.0", UnixSeconds(200)).step, UpdateStep::Completed);
        assert_eq!(reckoned(waits, OWN, UnixSeconds(1_001)).step, UpdateStep::Error);
        let idle = UpdateStatus::at(UpdateStep::Idle, "", UnixSeconds(100));
        assert_eq!(reckoned(idle.clone(), "0.0.0", UnixSeconds(9_000)), idle);
    }

    #[test]
    fn what_was_found_is_noted_once() {
        let app = App::for_tests(Db::in_memory().unwrap());
        assert_eq!(now(status(&app)).unwrap().step, UpdateStep::Idle);
        now(note_checked(&app, Some("v9.0.0"))).unwrap();
        let found = now(status(&app)).unwrap();
        assert_eq!(
            (found.step, found.progress, found.message.as_str()),
            (UpdateStep::Available, 100, "Update available: v9.0.0")
        );
        let before = app.db.meter().rows_written();
        now(note_checked(&app, Some("v9.0.0"))).unwrap();
        assert_eq!(app.db.meter().rows_written(), before);
        assert_eq!((now(feed(&app)), download_prefix(&app)), (Ok(None), String::new()));
    }
}
