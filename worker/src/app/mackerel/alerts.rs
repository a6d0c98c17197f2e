//! Alerts of the one engine, as far as programs for Mackerel know them.

use std::collections::BTreeMap;

use edgewatch_core::domain::ids::{self, Thing};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Alert, AlertKind, AlertStep, CheckId, HostId, NamedAlert, Severity, Source};

use crate::app::identity::Party;
use crate::app::{App, actor};
use crate::platform::log;
use crate::store::mackerel::{checks, hosts};
use crate::store::{alerts, events};

const UNKNOWN: Failure = Failure::NotFound { what: "alert" };

/// At most `limit` alerts, newest first, with those that are over or without; those older than the one with the id `before`. And the id
/// of the last one, where there are more.
///
/// # Errors
/// [`Failure::Forbidden`] for who reaches some hosts alone; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(
    app: &App,
    party: &Party,
    with_closed: bool,
    before: Option<&str>,
    limit: u32,
) -> Result<(Vec<NamedAlert>, Option<String>), Failure> {
    party.of_all()?;
    let before = match before {
        None => None,
        Some(id) => match find_key(app, id).await? {
            Some(key) => Some(key),
            None => return Ok((Vec::new(), None)),
        },
    };
    let mut found = alerts::list_known(&app.db, !with_closed, before.as_deref(), limit.saturating_add(1)).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_more = found.len() > most;
    found.truncate(most);
    let named = named(app, found).await?;
    let next = named.last().filter(|_| is_more).map(|alert| alert.public_id.clone());
    Ok((named, next))
}

/// The key of the alert with this id; of one that is no more, one that sorts where it was.
async fn find_key(app: &App, id: &str) -> Result<Option<String>, Failure> {
    let Some((from, _)) = ids::keys_of_id(id) else { return Ok(None) };
    Ok(Some(find(app, id).await?.map_or(from, |alert| alert.key)))
}

async fn find(app: &App, id: &str) -> Result<Option<Alert>, Failure> {
    let Some((from, to)) = ids::keys_of_id(id) else { return Ok(None) };
    let found = alerts::list_between(&app.db, &from, &to).await?;
    Ok(found.into_iter().find(|alert| ids::id_of_key(&alert.key) == id))
}

/// An alert.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none with this id.
pub async fn show(app: &App, party: &Party, id: &str) -> Result<NamedAlert, Failure> {
    party.of_all()?;
    let alert = find(app, id).await?.ok_or(UNKNOWN)?;
    named(app, vec![alert]).await?.pop().ok_or(UNKNOWN)
}

/// Notes something of an alert.
///
/// # Errors
/// As [`show`].
pub async fn set_memo(app: &App, party: &Party, id: &str, memo: &str) -> Result<(), Failure> {
    party.of_all()?;
    let alert = find(app, id).await?.ok_or(UNKNOWN)?;
    let audit = app.audit(&actor(&party.credential), "alert.memo", &alert.key)?;
    app.db.batch(vec![alerts::set_memo(&alert.key, memo), audit]).await?;
    Ok(())
}

/// Ends an alert; nobody is told. It comes again when what it is about is found again. Gives it as it is then.
///
/// # Errors
/// As [`show`]; [`Failure::Unavailable`] when a shard does not answer: doing it again helps.
pub async fn close(app: &App, party: &Party, id: &str, reason: &str) -> Result<NamedAlert, Failure> {
    party.of_all()?;
    let alert = find(app, id).await?.ok_or(UNKNOWN)?;
    if alert.closed_at.is_none() {
        app.hub()?.close_alert(&alert.key).await?;
    }
    let audit = app.audit(&actor(&party.credential), "alert.close", &alert.key)?;
    app.db.batch(vec![alerts::end(&alert.key, app.now_s(), reason), audit]).await?;
    show(app, party, id).await
}

/// At most `limit` steps of an alert, newest first, those before the one with the id `before`; and the id of the last one, where there
/// are more. With them the alert, and of a check its note.
///
/// # Errors
/// As [`show`].
pub async fn log(
    app: &App,
    party: &Party,
    id: &str,
    before: Option<&str>,
    limit: usize,
) -> Result<(NamedAlert, Vec<(String, AlertStep)>, bool), Failure> {
    let alert = show(app, party, id).await?;
    let steps = events::list_steps(&app.db, &alert.alert.key).await?;
    let mut steps: Vec<(String, AlertStep)> =
        steps.into_iter().rev().map(|step| (ids::id_of_key(&step.key), step)).collect();
    if let Some(before) = before {
        let at = steps.iter().position(|(id, _)| id == before).map_or(steps.len(), |at| at + 1);
        steps.drain(..at);
    }
    let is_more = steps.len() > limit;
    steps.truncate(limit);
    Ok((alert, steps, is_more))
}

/// Alerts with the names by which others know what they are about. What checks say is asked of the hub, where some of theirs go on.
async fn named(app: &App, found: Vec<Alert>) -> Result<Vec<NamedAlert>, Failure> {
    let numbers: Vec<HostId> = found.iter().filter_map(|alert| alert.cause.real_host()).collect();
    let ids_of: BTreeMap<HostId, String> = hosts::list_public_ids(&app.db, &numbers).await?;
    let of_checks = found.iter().filter(|alert| alert.cause.source == Source::Check);
    let check_ids: Vec<CheckId> = of_checks.clone().map(|alert| CheckId(alert.cause.id)).collect();
    let notes: BTreeMap<i64, String> =
        checks::list(&app.db, &check_ids).await?.into_iter().map(|one| (one.id.0, one.memo)).collect();
    let mut now_said = BTreeMap::new();
    if of_checks.clone().any(|alert| alert.closed_at.is_none())
        && let Some(hub) = &app.hub
    {
        match hub.open_checks().await {
            Ok(said) => now_said = said.into_iter().map(|one| (one.alert.clone(), one)).collect(),
            // What they said when they became as bad as they are.
            Err(error) => log::error("mackerel.alerts", &error.to_string()),
        }
    }
    let name = |mut alert: Alert| {
        if let Some(said) = now_said.get(&alert.key).filter(|_| alert.closed_at.is_none()) {
            alert.detail.clone_from(&said.message);
            alert.more.standing.severity = Severity::parse(&said.severity).unwrap_or(alert.more.standing.severity);
        }
        let kind = alert.more.kind.unwrap_or(AlertKind::External);
        NamedAlert {
            public_id: ids::id_of_key(&alert.key),
            monitor_id: monitor_id(alert.cause.source, alert.cause.id),
            kind,
            host_id: alert.cause.real_host().and_then(|host| ids_of.get(&host).cloned()),
            check_memo: notes.get(&alert.cause.id).filter(|_| kind == AlertKind::Check).cloned(),
            alert,
        }
    };
    Ok(found.into_iter().map(name).collect())
}

/// The id of what found an alert.
fn monitor_id(source: Source, number: i64) -> String {
    let thing = match source {
        Source::Monitor => Thing::Monitor,
        Source::Check => Thing::Check,
        Source::Rule => Thing::Rule,
        Source::Probe | Source::ProbeLatency | Source::ProbeCertificate => Thing::Probe,
        Source::Threshold => Thing::Threshold,
    };
    ids::thing_id(thing, number)
}
