//! Alerts of thresholds as programs for Pulse know them: by the id of what they are about, and of what was measured.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::proxmox::ResourceAlert;
use edgewatch_core::model::{Alert, AlertConfig, Credential};

use super::told;
use crate::app::visitor::Visitor;
use crate::app::{App, actor, rules, thresholds};
use crate::store::{alerts, thresholds as stored};

/// So many are looked at in a row.
const PAGE: u32 = 500;
/// So many alerts can go on at the same time.
const MOST_OPEN: u32 = 10_000;
/// So often some alerts that are over are forgotten at a time.
const MOST_SWEEPS: usize = 100;
/// What is written of an alert that somebody ended.
const CLEARED: &str = "cleared";

const UNKNOWN: Failure = Failure::NotFound { what: "alert" };

/// The configuration, for whoever may look.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn config(app: &App) -> Result<AlertConfig, Failure> {
    Ok(stored::find(&app.db).await?)
}

/// Sets the configuration.
///
/// # Errors
/// As `thresholds::save`.
pub async fn save(app: &App, caller: &Credential, config: &AlertConfig) -> Result<(), Failure> {
    thresholds::save(app, caller, config).await
}

/// Alerts of the past and of now for which `has` holds, newest first: `limit` at most, without the first `offset`. Guests are told of
/// none: they may be of hosts that are hidden from them.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn history(
    app: &App,
    visitor: &Visitor,
    (offset, limit): (usize, usize),
    has: impl Fn(&ResourceAlert) -> bool,
) -> Result<Vec<ResourceAlert>, Failure> {
    let mut all = Vec::new();
    let mut before: Option<String> = None;
    let wanted = offset.saturating_add(limit);
    while visitor.sees_hidden() && all.len() < wanted {
        let page = alerts::list_of_thresholds(&app.db, false, before.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.key.clone());
        let of_page = page.iter().filter_map(|alert| ResourceAlert::of(alert, app.now_s()));
        all.extend(of_page.filter(|alert| has(alert)));
    }
    Ok(all.into_iter().skip(offset).take(limit).collect())
}

/// The alert with this id that goes on.
async fn find(app: &App, id: &str) -> Result<Alert, Failure> {
    let is_it = |alert: &&Alert| {
        let seen = ResourceAlert::of(alert, app.now_s());
        seen.is_some_and(|seen| seen.resource.kind.alert_id(&seen.resource.id, seen.metric) == id)
    };
    let found = alerts::list_of_thresholds(&app.db, true, None, MOST_OPEN).await?;
    found.iter().find(is_it).cloned().ok_or(UNKNOWN)
}

/// Notes that somebody knows of an alert: nobody else is told of it.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator; [`Failure::NotFound`] when none with this id goes on; [`Failure::Unavailable`]
/// when the database or a shard does not answer.
pub async fn acknowledge(app: &App, caller: &Credential, id: &str) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let alert = find(app, id).await?;
    rules::acknowledge(app, caller, &alert.key, None).await.map(drop)
}

/// Ends an alert; it comes again when what it is about is found again.
///
/// # Errors
/// As [`acknowledge`].
pub async fn clear(app: &App, caller: &Credential, id: &str) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let alert = find(app, id).await?;
    app.hub()?.close_alert(&alert.key).await?;
    let audit = app.audit(&actor(caller), "alert.close", &alert.key)?;
    app.db.batch(vec![alerts::end(&alert.key, app.now_s(), CLEARED), audit]).await?;
    told::alerts_changed(app).await;
    Ok(())
}

/// Forgets alerts that are over; those that go on stay.
///
/// # Errors
/// As [`acknowledge`].
pub async fn clear_history(app: &App, caller: &Credential) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    app.db.run(app.audit(&actor(caller), "alerts.clear_history", "")?).await?;
    for _ in 0..MOST_SWEEPS {
        if app.db.run(alerts::delete_of_thresholds()).await?.changes == 0 {
            break;
        }
    }
    told::alerts_changed(app).await;
    Ok(())
}
