//! `POST /api/notification`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::nezha::{AdminReply, NotificationRequest};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::Request;

use super::auth::{Admin, Here};
use super::error::AdminRefusal;
use crate::app::App;
use crate::app::channels;
use crate::http::{answer, body};

/// `POST /api/notification`: a notification is tried, then kept. Source: nezha specification, 11.
#[worker::send]
pub async fn save(Admin(caller): Admin, Here(app): Here, request: Request<Body>) -> Result<Response, AdminRefusal> {
    let (parts, body) = request.into_parts();
    let bytes = body::read(&parts.headers, body, body::DEFAULT_CAP_BYTES).await.map_err(AdminRefusal)?;
    keep(&app, &caller, &bytes).await.map_err(AdminRefusal)?;
    Ok(answer::json(200, answer::JSON_UTF8, &AdminReply::DONE))
}

async fn keep(app: &App, caller: &Credential, bytes: &[u8]) -> Result<(), Failure> {
    let NotificationRequest { id, skips_check, draft } = NotificationRequest::parse(bytes)?;
    channels::save_nezha(app, caller, id, draft, skips_check).await
}
