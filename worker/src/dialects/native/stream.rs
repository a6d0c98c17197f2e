//! `GET /agent/v1/stream`: the agent's socket. The words spoken there: `core::dialects::native::stream`.

use axum::response::Response;
use edgewatch_core::failure::Failure;
use http::HeaderMap;

use super::auth::{Agent, Here};
use super::error::{self, Refusal};
use crate::app::identity;
use crate::app::ingest::Origin;
use crate::dialects::Caller;
use crate::http::client;
use crate::http::upgrade::{self, Upgrade};

/// `GET /agent/v1/stream`: opens the socket of an agent.
#[worker::send]
pub async fn open(Here(app): Here, Agent(agent): Agent, from: Caller, headers: HeaderMap) -> Result<Response, Refusal> {
    let Some(upgrade) = Upgrade::of(&headers) else {
        return Ok(error::upgrade_required());
    };
    let origin = Origin { addresses: client::addresses(from.address), country_code: from.country_code };
    let negotiation = upgrade.into_headers().map_err(Refusal)?;
    let hub = app.hub().map_err(Refusal)?;
    let answer = crate::hub::client::connect(hub, negotiation, &agent.wire(origin, String::new(), None)).await;
    let answer = answer.map_err(|error| Refusal(error.into()))?;
    if answer.status_code() == 401 {
        // Its next try finds the host that it speaks for since two were merged.
        identity::moved(&app, &agent).await.map_err(Refusal)?;
    }
    match answer.status_code() {
        101 => upgrade::answer(answer).await.map_err(Refusal),
        401 => Err(Refusal(Failure::Unauthenticated)),
        status => Err(Refusal(Failure::Unavailable { detail: format!("the hub answered with status {status}") })),
    }
}
