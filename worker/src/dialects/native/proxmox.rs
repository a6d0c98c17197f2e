//! `GET /agent/v1/proxmox`: the socket of an agent that polls hypervisors. The words spoken there: `core::dialects::native::proxmox`.
//! `GET /api/edgewatch/v1/proxmox`: what they poll, as our own page shows it.

use axum::response::Response;
use edgewatch_core::dialects::native::proxmox::SUBPROTOCOL;
use edgewatch_core::failure::Failure;
use http::{HeaderMap, HeaderValue, header};

use super::auth::{Agent, Here, Member};
use super::error::{self, Refusal};
use crate::app::proxmox;
use crate::app::pulse::shown;
use crate::http::answer;
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
        101 => {
            let mut response = upgrade::answer(answer).await.map_err(Refusal)?;
            if is_offered(&headers) {
                // Who offers a protocol goes away when none is chosen.
                response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
            }
            Ok(response)
        }
        401 => Err(Refusal(Failure::Unauthenticated)),
        status => Err(Refusal(Failure::Unavailable { detail: format!("the object answered with status {status}") })),
    }
}

/// `GET /api/edgewatch/v1/proxmox`: nodes, guests, storages and Backup Servers now, in the words of `GET /api/state`, and how polling
/// each instance fares. Backups and snapshots are counted here and listed by `GET /api/backups/unified`.
#[worker::send]
pub async fn overview(Here(app): Here, Member(caller): Member) -> Result<Response, Refusal> {
    let payload = shown::overview(&app, caller).await.map_err(Refusal)?;
    Ok(answer::with_payload(200, answer::JSON, payload))
}

/// Whether our protocol is among those that the peer speaks.
fn is_offered(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|one| one.trim() == SUBPROTOCOL)
}
