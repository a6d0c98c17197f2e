//! The schedule asks the hub who is up, and people are told.

use edgewatch_core::domain::ids;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Event, EventKind, Monitor, ProbeTask};
use edgewatch_core::units::UnixSeconds;

use super::{App, backup};
use crate::notify::{self, Notice};
use crate::store::rules::RULES_VERSION;
use crate::store::settings::{self, HOSTS_VERSION, HUB_SHARDS};
use crate::store::{Statement, access, alerts, events, outbox, sessions};

/// The key of when the hub first had no answer, while it has none.
const UNANSWERED_KEY: &str = "hub_unanswered_since_s";

/// How long a notification that was given up stays for the operator to see.
const KEEP_GIVEN_UP_S: i64 = 7 * 24 * 3600;

/// How long what happened is kept, and who did what: a year, and some weeks to compare it with.
const KEEP_TOLD_S: i64 = 400 * 24 * 3600;

/// A deployment has no more shards than this.
const MOST_SHARDS: u32 = 64;

/// What a run did, for the log.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Hosts called offline.
    pub offline: usize,
    /// Hosts called online again.
    pub online: usize,
    /// Whether judgement was suspended by this run.
    pub impaired: bool,
    /// What the Worker is to ask in this run: probes, and monitors of web addresses.
    pub edge: (Vec<ProbeTask>, Vec<Monitor>),
    /// Whether the hub answered, and the database too.
    pub is_answered: bool,
}

/// Asks the hub for its verdict at `app.now`. When it has no answer nobody's state changes, and the operator is told once.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer; then nothing is changed.
pub async fn watch(app: &App) -> Result<Summary, Failure> {
    let now = app.now_s();
    let hosts_version = settings::find_count(&app.db, HOSTS_VERSION).await?;
    let shards = app.hub()?.shards();
    let ever = settings::find_count(&app.db, HUB_SHARDS).await?;
    let ever = u32::try_from(ever).unwrap_or(0).min(MOST_SHARDS).max(shards);
    let rules_version = settings::find_count(&app.db, RULES_VERSION).await?;
    let verdict = app.hub()?.verdict(app.now.0, (hosts_version, rules_version), ever).await;
    let unanswered = settings::find(&app.db, UNANSWERED_KEY).await?.filter(|since| !since.is_empty());
    let mut statements = Vec::new();
    let summary = match verdict {
        Ok(verdict) => {
            if unanswered.is_some() {
                statements.push(settings::put(UNANSWERED_KEY, ""));
            }
            if ever > shards && verdict.left == 0 {
                statements.push(settings::put(HUB_SHARDS, &shards.to_string()));
            }
            Summary {
                offline: verdict.offline,
                online: verdict.online,
                impaired: verdict.impaired,
                edge: verdict.edge_tasks(),
                is_answered: true,
            }
        }
        Err(error) => {
            crate::platform::log::error("cron.hub", &error.to_string());
            // A restore that broke off at its very end is the one reason that nobody else mends.
            if let Err(failure) = backup::open_what_is_closed(app).await {
                crate::platform::log::error("cron.restore", &failure.to_string());
            }
            if unanswered.is_none() {
                statements.push(settings::put(UNANSWERED_KEY, &now.0.to_string()));
                statements.extend(tell(app, &unanswered_event(app, now)?, None).await?);
            }
            Summary { impaired: true, ..Summary::default() }
        }
    };
    if now.0 % 3600 < 60 {
        statements.push(sessions::delete_expired_sessions(now));
        statements.push(outbox::delete_given_up(now.plus(-KEEP_GIVEN_UP_S)));
        let before = ids::time_key(now.plus(-KEEP_TOLD_S).millis(), 0);
        statements
            .extend([events::delete_before, alerts::delete_before, access::delete_audit_before].map(|of| of(&before)));
    }
    if !statements.is_empty() {
        app.db.batch(statements).await?;
    }
    Ok(summary)
}

/// The statements that write an event and queue its notifications.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn tell(app: &App, event: &Event, host_name: Option<&str>) -> Result<Vec<Statement>, Failure> {
    let notice = Notice { event, host: None, host_name, group: "" };
    let mut statements = notify::queue(&app.db, &app.config, app.now_s(), &[notice]).await?;
    statements.push(events::insert([event])?);
    Ok(statements)
}

fn unanswered_event(app: &App, now: UnixSeconds) -> Result<Event, Failure> {
    let text = "the hub does not answer; nobody is called offline or online until it does".to_owned();
    Ok(Event::new(app.time_key()?, EventKind::MonitoringImpaired, None, now, text))
}
