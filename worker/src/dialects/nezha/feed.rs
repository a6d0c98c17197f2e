//! `GET /ws`, and the same within the page at `/`.

use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::nezha::{self, PAGE};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::SocketDialect;
use http::request::Parts;
use http::{Extensions, HeaderMap, StatusCode};

use super::auth::{Here, Visiting};
use super::error::GuestRefusal;
use crate::app::{hosts, viewing};
use crate::dialects::context;
use crate::http::credential::{self, Scheme};
use crate::http::upgrade::{self, Upgrade};

/// `GET /ws`: all servers that the visitor may see, at once and then every two seconds. To a client that may be one of Pulse's, in its
/// words too.
#[worker::send]
pub async fn open(
    Here(app): Here,
    Visiting(visitor): Visiting,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, GuestRefusal> {
    // Whoever it is: another site's page must not look with a visitor's eyes.
    if credential::is_cross_site(&headers, app.config.public_url.as_deref()) {
        return Ok((StatusCode::FORBIDDEN, "websocket: request origin not allowed").into_response());
    }
    let Some(upgrade) = Upgrade::of(&headers) else {
        return Ok((StatusCode::BAD_REQUEST, "Bad Request").into_response());
    };
    let negotiation = upgrade.into_headers().map_err(GuestRefusal)?;
    let objects = app.objects().map_err(GuestRefusal)?;
    let viewer = if extensions.get::<SocketDialect>() == Some(&SocketDialect::Both) {
        viewing::viewer_of_both(&app, &visitor).await.map_err(GuestRefusal)?
    } else {
        viewing::feed_viewer(&visitor, app.now_s())
    };
    let answer = crate::viewers::client::connect(objects, negotiation, viewer).await;
    let answer = answer.map_err(|error| GuestRefusal(error.into()))?;
    match answer.status_code() {
        101 => upgrade::answer(answer).await.map_err(GuestRefusal),
        status => {
            let detail = format!("the viewers' object answered with status {status}");
            Err(GuestRefusal(Failure::Unavailable { detail }))
        }
    }
}

/// The line that front ends look for in the page at `/`, with the servers that the visitor may see: none where guests are not let
/// in.
///
/// # Errors
/// [`Failure::Unavailable`] where nothing answers.
pub async fn literal(parts: &Parts) -> Result<String, Failure> {
    let app = context::app(&parts.extensions)?;
    let servers = match context::visitor(parts, Scheme::BareOrBearer).await {
        Ok(visitor) => hosts::list_for(&app, &visitor, &PAGE).await?.into_bytes(),
        Err(Failure::Unauthenticated) => b"[]".to_vec(),
        Err(failure) => return Err(failure),
    };
    let servers = String::from_utf8(servers).map_err(|error| Failure::Internal(error.to_string()))?;
    Ok(nezha::page_literal(app.now, &servers))
}
