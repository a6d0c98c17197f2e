//! `/api/edgewatch/v1/rules` and `/api/edgewatch/v1/quiet-hours`.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::native::{
    QuietHoursBody, QuietHoursPart, RuleBody, RuleListReply, RulePart, RuleSavedReply,
};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, QuietHours, Rule, RuleId};
use http::StatusCode;

use super::auth::{Here, Json, Member};
use super::error::Refusal;
use crate::app::{App, rules};
use crate::http::answer;

/// `GET /api/edgewatch/v1/rules`: every rule.
#[worker::send]
pub async fn list(Here(app): Here, Member(caller): Member) -> Result<Response, Refusal> {
    let found = rules::list(&app, &caller).await.map_err(Refusal)?;
    let rules = found.iter().map(|rule| RulePart { id: rule.id.0, rule: RuleBody::from(rule) }).collect();
    Ok(answer::json(200, answer::JSON, &RuleListReply { rules }))
}

/// `POST /api/edgewatch/v1/rules`: a new rule.
#[worker::send]
pub async fn create(
    Here(app): Here,
    Member(caller): Member,
    Json(request): Json<RuleBody>,
) -> Result<Response, Refusal> {
    let mut rule = request.into_rule(RuleId(0)).map_err(Refusal)?;
    rule.id = rules::save(&app, &caller, &rule).await.map_err(Refusal)?;
    Ok(answer::json(201, answer::JSON, &saved(&app, &caller, &rule).await))
}

/// `PUT /api/edgewatch/v1/rules/{id}`: another rule in the place of this one.
#[worker::send]
pub async fn replace(
    Here(app): Here,
    Member(caller): Member,
    Path(id): Path<String>,
    Json(request): Json<RuleBody>,
) -> Result<Response, Refusal> {
    let rule = request.into_rule(number(&id)?).map_err(Refusal)?;
    rules::save(&app, &caller, &rule).await.map_err(Refusal)?;
    Ok(answer::json(200, answer::JSON, &saved(&app, &caller, &rule).await))
}

/// `DELETE /api/edgewatch/v1/rules/{id}`.
#[worker::send]
pub async fn remove(Here(app): Here, Member(caller): Member, Path(id): Path<String>) -> Result<Response, Refusal> {
    rules::delete(&app, &caller, number(&id)?).await.map_err(Refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /api/edgewatch/v1/quiet-hours`.
#[worker::send]
pub async fn quiet_hours(Here(app): Here, Member(caller): Member) -> Result<Response, Refusal> {
    let hours = rules::quiet_hours(&app, &caller).await.map_err(Refusal)?;
    let body = QuietHoursBody { quiet_hours: hours.as_ref().map(QuietHoursPart::from) };
    Ok(answer::json(200, answer::JSON, &body))
}

/// `PUT /api/edgewatch/v1/quiet-hours`.
#[worker::send]
pub async fn set_quiet_hours(
    Here(app): Here,
    Member(caller): Member,
    Json(request): Json<QuietHoursBody>,
) -> Result<Response, Refusal> {
    let hours = request.quiet_hours.map(QuietHours::try_from).transpose().map_err(Refusal)?;
    rules::set_quiet_hours(&app, &caller, hours.as_ref()).await.map_err(Refusal)?;
    let body = QuietHoursBody { quiet_hours: hours.as_ref().map(QuietHoursPart::from) };
    Ok(answer::json(200, answer::JSON, &body))
}

async fn saved(app: &App, caller: &Credential, rule: &Rule) -> RuleSavedReply {
    // It is saved, whatever is to be said of it.
    let warnings = rules::warnings(app, caller, rule).await.unwrap_or_default();
    RuleSavedReply { rule: RulePart { id: rule.id.0, rule: RuleBody::from(rule) }, warnings }
}

fn number(id: &str) -> Result<RuleId, Refusal> {
    let id = id.parse().ok().filter(|id| *id > 0);
    id.map(RuleId).ok_or(Refusal(Failure::NotFound { what: "rule" }))
}
