//! `/api/edgewatch/v1/setup`.

use axum::response::Response;
use edgewatch_core::dialects::native::{SetupReply, SetupRequest};
use http::HeaderMap;

use super::auth::{Here, Json};
use super::error::Refusal;
use super::session;
use crate::app::setup;
use crate::http::answer;

/// `POST /api/edgewatch/v1/setup`: uses up a setup link; answers with the administrator, a token and a session cookie.
#[worker::send]
pub async fn create(
    Here(app): Here,
    headers: HeaderMap,
    Json(request): Json<SetupRequest>,
) -> Result<Response, Refusal> {
    let made = setup::use_link(&app, &request.token, &request.username, request.password.as_deref()).await;
    let made = made.map_err(Refusal)?;
    let reply = SetupReply { user: made.user.into(), token: made.token };
    let mut response = answer::json(201, answer::JSON, &reply);
    session::set_cookie(&mut response, &app, &headers, &made.session).map_err(Refusal)?;
    Ok(response)
}
