//! `GET /live`: the fleet while it happens, over a WebSocket. The words spoken there: `core::dialects::native::live`.

use axum::response::Response;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::HeaderMap;

use super::auth::{Here, Visiting};
use super::error::{self, Refusal};
use crate::app::viewing;
use crate::app::visitor::Visitor;
use crate::http::credential;
use crate::http::upgrade::{self, Upgrade};

/// `GET /live`: opens the socket of somebody who may read, or of a guest where guests are let in.
#[worker::send]
pub async fn open(Here(app): Here, Visiting(visitor): Visiting, headers: HeaderMap) -> Result<Response, Refusal> {
    // The browser sends cookies with a socket that any site opens, and lets that site read it.
    let by_cookie = matches!(visitor, Visitor::Member(Credential::Session(_)) | Visitor::TrustedGuest);
    if by_cookie && credential::is_cross_site(&headers, app.config.public_url.as_deref()) {
        return Err(Refusal(Failure::Forbidden { needs: "a request from our own pages" }));
    }
    let viewer = viewing::viewer(&visitor, app.now_s());
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
