//! The settings of the server. Source: pulse specification, 9.6.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::pulse::{StatusReply, SystemKeys, SystemSavedReply, changed_system};
use http::Request;

use super::auth::{self, Known, Looks};
use super::error::Refusal;
use crate::app::identity::require_admin;
use crate::app::pulse::system;
use crate::http::answer;

/// `GET /api/config/system`.
#[worker::send]
pub async fn show(Looks(app, _): Looks) -> Result<Response, Refusal> {
    Ok(answer::json(200, answer::JSON, &SystemKeys::from(&system::find(&app).await?)))
}

/// `POST` and `PUT /api/config/system`.
#[worker::send]
pub async fn change(Known(app, caller): Known, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let new = changed_system(&system::find(&app).await?, &auth::read(request).await?)?;
    system::save(&app, &caller, &new).await?;
    Ok(answer::json(200, answer::JSON, &SystemSavedReply::of(&new)))
}

/// `POST /api/system/settings/update`: as later releases say it.
#[worker::send]
pub async fn change_later(known: Known, request: Request<Body>) -> Result<Response, Refusal> {
    change(known, request).await?;
    Ok(answer::json(200, answer::JSON, &StatusReply::DONE))
}
