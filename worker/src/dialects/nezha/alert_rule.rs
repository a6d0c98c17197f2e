//! `POST /api/alert-rule` and `DELETE /api/alert-rule/{id}`.

use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use edgewatch_core::dialects::nezha;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::RuleId;
use http::Request;

use super::auth::{Admin, Here};
use super::error::AdminRefusal;
use crate::app::rules;
use crate::http::{answer, body};

/// `POST /api/alert-rule`: a new rule, or another one in the place of the one with its number.
#[worker::send]
pub async fn save(Here(app): Here, Admin(caller): Admin, request: Request<Body>) -> Result<Response, AdminRefusal> {
    let (parts, sent) = request.into_parts();
    let bytes = body::read(&parts.headers, sent, body::DEFAULT_CAP_BYTES).await.map_err(AdminRefusal)?;
    let rule = nezha::read_alert_rule(&bytes, app.now_s()).map_err(AdminRefusal)?;
    rules::save(&app, &caller, &rule).await.map_err(AdminRefusal)?;
    Ok(answer::json(200, answer::JSON_UTF8, &nezha::AdminReply::DONE))
}

/// `DELETE /api/alert-rule/{id}`: the rule is gone; so it is when there was none.
#[worker::send]
pub async fn remove(Here(app): Here, Admin(caller): Admin, Path(id): Path<String>) -> Result<Response, AdminRefusal> {
    let id = id
        .parse()
        .ok()
        .filter(|id| *id > 0)
        .ok_or_else(|| AdminRefusal(Failure::Conflict { detail: "错误的 Server ID".to_owned() }))?;
    match rules::delete(&app, &caller, RuleId(id)).await {
        Ok(()) | Err(Failure::NotFound { .. }) => Ok(answer::json(200, answer::JSON_UTF8, &nezha::AdminReply::DONE)),
        Err(failure) => Err(AdminRefusal(failure)),
    }
}
