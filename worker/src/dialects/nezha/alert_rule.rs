//! `POST /api/alert-rule`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::nezha;
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
