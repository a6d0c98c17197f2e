//! `GET /agent/v1/proxmox`: the socket of an agent that polls hypervisors. The words spoken there: `core::dialects::native::proxmox`.

use axum::response::Response;
use edgewatch_core::failure::Failure;
use http::HeaderMap;

use super::auth::{Agent, Here};
use super::error::{self, Refusal};
use crate::app::proxmox;
use crate::http::upgrade::{self, Upgrade};

/// `GET /agent/v1/proxmox`: opens the socket.
#[worker::send]
pub async fn open(Here(app): Here, Agent(agent): Agent, headers: HeaderMap) -> Result<Response, Refusal> {
    let Some(upgrade) = Upgrade::of(&headers) else {
        return Ok(error::upgrade_required());
    };
    let negotiation = upgrade.into_headers().map_err(Refusal)?;
    let objects = app.objects().map_err(Refusal)?;
    let answer = crate::proxmox::client::connect(objects, negotiation, &proxmox::collector(&agent)).await;
    let answer = answer.map_err(|error| Refusal(error.into()))?;
    match answer.status_code() {
        101 => upgrade::answer(answer).await.map_err(Refusal),
        401 => Err(Refusal(Failure::Unauthenticated)),
        status => Err(Refusal(Failure::Unavailable { detail: format!("the object answered with status {status}") })),
    }
}
