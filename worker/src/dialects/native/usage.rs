//! `/api/edgewatch/v1/usage`.

use axum::response::Response;

use super::auth::{Here, Onlooker};
use super::error::Refusal;
use crate::app::usage;
use crate::http::answer;

/// `GET /api/edgewatch/v1/usage`: what the platform's meters show today, where the day is heading, and what is done about it.
#[worker::send]
pub async fn read(Here(app): Here, Onlooker(reader): Onlooker) -> Result<Response, Refusal> {
    let reply = usage::read(&app, &reader).await.map_err(Refusal)?;
    Ok(answer::with_body(200, answer::JSON, reply.into_bytes()))
}
