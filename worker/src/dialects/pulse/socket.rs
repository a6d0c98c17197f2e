//! `GET /ws`, `GET /pulse/ws`, `GET /socket.io/?transport=websocket`. What is said there is the viewers' object's. Source: pulse
//! specification, 15.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::pulse::{Refused, may_connect};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};

use super::auth::{self, Here};
use super::error::Refusal;
use super::register::own_url;
use crate::app::App;
use crate::app::pulse::system;
use crate::app::viewing;
use crate::app::visitor::Visitor;
use crate::http::upgrade::{self, Upgrade};
use crate::http::{credential, query, spoken};

/// What the client is answered of the subprotocols that it offers; a browser ends a socket without it.
const SUBPROTOCOL: HeaderName = header::SEC_WEBSOCKET_PROTOCOL;

/// `GET /socket.io/`: the one of its transports that there is.
#[worker::send]
pub async fn open_as_socket_io(here: Here, request: Request<Body>) -> Result<Response, Refusal> {
    let pairs = query::pairs(request.uri().query());
    if query::first(&pairs, "transport") != "websocket" {
        return Err(Failure::NotFound { what: "route" }.into());
    }
    opened(here, request).await
}

/// `GET /ws`, `GET /pulse/ws`: opens the socket of somebody who may look.
#[worker::send]
pub async fn open(here: Here, request: Request<Body>) -> Result<Response, Refusal> {
    opened(here, request).await
}

async fn opened(Here(app): Here, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let ours = own_url(&app, &parts);
    refuse_strangers(&app, &parts.headers, &ours).await?;
    let offered = spoken::subprotocols(&parts.headers);
    let visitor = auth::visitor_with(&app, &parts, &offered).await?;
    // The browser sends cookies with a socket that any site opens, and lets that site read it.
    let by_cookie = matches!(visitor, Visitor::Member(Credential::Session(_)) | Visitor::TrustedGuest);
    if by_cookie && credential::is_cross_site(&parts.headers, app.config.public_url.as_deref()) {
        return Err(Failure::Forbidden { needs: "a request from our own pages" }.into());
    }
    let Some(upgrade) = Upgrade::of(&parts.headers) else {
        return Err(Refused::new(400, "bad_request", "Bad Request").into());
    };
    let negotiation = upgrade.into_headers()?;
    let viewer = viewing::pulse_viewer(&app, &visitor).await?;
    let answer = crate::viewers::client::connect(app.objects()?, negotiation, viewer).await;
    let answer = answer.map_err(Failure::from)?;
    if answer.status_code() != 101 {
        let detail = format!("the viewers' object answered with status {}", answer.status_code());
        return Err(Failure::Unavailable { detail }.into());
    }
    let mut response = upgrade::answer(answer).await?;
    if let Some(first) = offered.first().and_then(|first| HeaderValue::from_str(first).ok()) {
        response.headers_mut().insert(SUBPROTOCOL, first);
    }
    Ok(response)
}

/// Pages of other sites connect where that is allowed, with a token: see above.
async fn refuse_strangers(app: &App, headers: &HeaderMap, ours: &str) -> Result<(), Failure> {
    let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("null"));
    let is_ours = || !credential::is_cross_site(headers, app.config.public_url.as_deref());
    if may_connect(origin, &system::allowed_origins(app).await, ours) || is_ours() {
        return Ok(());
    }
    Err(Failure::Forbidden { needs: "an origin that is allowed" })
}
