//! Alerts and their configuration, with the names that the published document has for both. Source: pulse specification, 12.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::pulse::{
    ActivatedReply, Alert, AlertConfigReply, AlertPath, BulkReply, BulkRequest, BulkResult, HistoryClearedReply,
    HistoryQuery, OverridesChange, Refused, SavedReply, StatusReply, SuccessReply, ThresholdsView, changed_thresholds,
    parse_alert_config,
};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::{Method, Request, Uri};

use super::auth::{self, InPath, Known, Looks};
use super::error::Refusal;
use crate::app::App;
use crate::app::identity::require_admin;
use crate::app::pulse::alerts;
use crate::app::pulse::shown::{self, Wanted};
use crate::app::visitor::Visitor;
use crate::http::{answer, query};

/// `GET /api/alerts/…`: what goes on, what was, or the configuration.
#[worker::send]
pub async fn show(looks: Result<Looks, Refusal>, InPath(rest): InPath<String>, uri: Uri) -> Result<Response, Refusal> {
    let path = AlertPath::parse(&rest).ok_or(Failure::NotFound { what: "thing" })?;
    let Looks(app, visitor) = looks?;
    match path {
        AlertPath::Active => {
            let payload = shown::find(&app, &visitor, Wanted::Alerts).await?;
            Ok(answer::with_payload(200, answer::JSON, payload))
        }
        AlertPath::History => past(&app, &visitor, &uri).await,
        AlertPath::Config => Ok(answer::json(200, answer::JSON, &AlertConfigReply::from(&alerts::config(&app).await?))),
        _ => Err(Failure::MethodNotAllowed.into()),
    }
}

async fn past(app: &App, visitor: &Visitor, uri: &Uri) -> Result<Response, Refusal> {
    let pairs = query::pairs(uri.query());
    let asked = HistoryQuery::of(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    let found = alerts::history(app, visitor, (asked.offset, asked.limit), |alert| asked.has(alert)).await?;
    Ok(answer::json(200, answer::JSON, &found.iter().map(Alert::from).collect::<Vec<_>>()))
}

/// `GET /api/notifications/alerts`: what was, in the document's words.
#[worker::send]
pub async fn history(Looks(app, visitor): Looks, uri: Uri) -> Result<Response, Refusal> {
    past(&app, &visitor, &uri).await
}

/// `POST`, `PUT` and `DELETE /api/alerts/…`: what people do about alerts.
#[worker::send]
pub async fn act(
    known: Result<Known, Refusal>,
    InPath(rest): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let path = AlertPath::parse(&rest).ok_or(Failure::NotFound { what: "thing" })?;
    let Known(app, caller) = known?;
    let method = request.method().clone();
    match (path, method) {
        (AlertPath::Config, Method::PUT | Method::POST) => save(&app, &caller, request).await,
        (AlertPath::History, Method::DELETE) => clear_all(&app, &caller).await,
        (AlertPath::Activate, Method::POST) => {
            require_admin(&caller)?;
            Ok(answer::json(200, answer::JSON, &ActivatedReply::DONE))
        }
        (AlertPath::BulkAcknowledge, Method::POST) => bulk(&app, &caller, request, true).await,
        (AlertPath::BulkClear, Method::POST) => bulk(&app, &caller, request, false).await,
        (AlertPath::Acknowledge(id), Method::POST) => match alerts::acknowledge(&app, &caller, &id).await {
            Err(Failure::NotFound { .. }) => Err(Refused::no_alert(&id).into()),
            done => Ok(done.map(|()| answer::json(200, answer::JSON, &SuccessReply::DONE))?),
        },
        (AlertPath::Clear(id), Method::POST) => match alerts::clear(&app, &caller, &id).await {
            // Quirk: the same for one that there is not.
            Ok(()) | Err(Failure::NotFound { .. }) => Ok(answer::json(200, answer::JSON, &SuccessReply::DONE)),
            Err(failure) => Err(failure.into()),
        },
        // What somebody knows they cannot be made not to know.
        (AlertPath::Unacknowledge(_), Method::POST) => Err(Failure::NotFound { what: "thing" }.into()),
        _ => Err(Failure::MethodNotAllowed.into()),
    }
}

async fn save(app: &App, caller: &Credential, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(caller)?;
    let config = parse_alert_config(&auth::read(request).await?)?;
    alerts::save(app, caller, &config).await?;
    Ok(answer::json(200, answer::JSON, &SavedReply::DONE))
}

async fn clear_all(app: &App, caller: &Credential) -> Result<Response, Refusal> {
    alerts::clear_history(app, caller).await?;
    Ok(answer::json(200, answer::JSON, &HistoryClearedReply::DONE))
}

/// `POST /api/notifications/alerts/clear`: as `DELETE /api/alerts/history`.
#[worker::send]
pub async fn clear_history(Known(app, caller): Known) -> Result<Response, Refusal> {
    clear_all(&app, &caller).await
}

async fn bulk(app: &App, caller: &Credential, request: Request<Body>, is_known: bool) -> Result<Response, Refusal> {
    require_admin(caller)?;
    let asked = BulkRequest::parse(&auth::read(request).await?)?;
    let mut results = Vec::with_capacity(asked.alert_ids.len());
    for id in asked.alert_ids {
        let done =
            if is_known { alerts::acknowledge(app, caller, &id).await } else { alerts::clear(app, caller, &id).await };
        match done {
            Ok(()) => results.push(BulkResult::new(id, true)),
            Err(Failure::NotFound { .. }) => results.push(BulkResult::new(id, false)),
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(answer::json(200, answer::JSON, &BulkReply { results }))
}

/// `GET /api/notifications/thresholds`: the configuration without what single resources have.
#[worker::send]
pub async fn thresholds(Looks(app, _): Looks) -> Result<Response, Refusal> {
    Ok(answer::json(200, answer::JSON, &ThresholdsView::from(&alerts::config(&app).await?)))
}

/// `POST /api/notifications/thresholds`: changes it key by key.
#[worker::send]
pub async fn change_thresholds(Known(app, caller): Known, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let body = auth::read(request).await?;
    let config = changed_thresholds(&alerts::config(&app).await?, &body)?;
    alerts::save(&app, &caller, &config).await?;
    Ok(answer::json(200, answer::JSON, &StatusReply::DONE))
}

/// `GET /api/notifications/thresholds/overrides`: what single resources have.
#[worker::send]
pub async fn overrides(Looks(app, _): Looks) -> Result<Response, Refusal> {
    Ok(answer::json(200, answer::JSON, &OverridesChange::view(&alerts::config(&app).await?)))
}

/// `POST` and `PUT /api/notifications/thresholds/overrides`: changes some, or all.
#[worker::send]
pub async fn change_overrides(Known(app, caller): Known, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let is_whole = request.method() == Method::PUT;
    let body = auth::read(request).await?;
    let known = alerts::config(&app).await?;
    let change = OverridesChange::parse(&known, &body)?;
    let config = if is_whole { change.replaced(known) } else { change.applied(known) };
    alerts::save(&app, &caller, &config).await?;
    Ok(answer::json(200, answer::JSON, &StatusReply::DONE))
}
