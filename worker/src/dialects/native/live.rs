//! `GET /live`: the fleet while it happens, over a WebSocket. The words spoken there: `core::dialects::native::live`.

use axum::response::Response;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::HeaderMap;

use super::auth::{Here, Member};
use super::error::{self, Refusal};
use crate::app::viewing;
use crate::http::credential;
use crate::http::upgrade::{self, Upgrade};

/// `GET /live`: opens the socket of somebody who may read.
#[worker::send]
pub async fn open(Here(app): Here, Member(caller): Member, headers: HeaderMap) -> Result<Response, Refusal> {
    // The browser sends cookies with a socket that any site opens, and lets that site read it.
    let by_cookie = matches!(caller, Credential::Session(_));
    if by_cookie && credential::is_cross_site(&headers, app.config.public_url.as_deref()) {
        return Err(Refusal(Failure::Forbidden { needs: "a request from our own pages" }));
    }
    let viewer = viewing::viewer(&caller).map_err(Refusal)?;
    let Some(upgrade) = Upgrade::of(&headers) else {
        return Ok(error::upgrade_required());
    };
    let negotiation = upgrade.into_headers().map_err(Refusal)?;
    let objects = app.objects().map_err(Refusal)?;
    let answer = crate::viewers::client::connect(objects, negotiation, viewer).await;
    let answer = answer.map_err(|error| Refusal(error.into()))?;
    match answer.status_code() {
        101 => upgrade::answer(answer).await.map_err(Refusal),
        status => {
            Err(Refusal(Failure::Unavailable { detail: format!("the viewers' object answered with status {status}") }))
        }
    }
}
