//! `/api/edgewatch/v1/session`: logging in and out, and who one is.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::native::{PasswordRequest, SessionReply, SessionRequest};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::{HeaderMap, StatusCode, header};

use super::auth::{Here, Json, Member, Visiting};
use super::error::Refusal;
use crate::app::visitor::Visitor;
use crate::app::{App, accounts, session, setup};
use crate::dialects::{Caller, context};
use crate::http::answer;
use crate::http::credential::{self, SESSION_COOKIE};

/// `GET /api/edgewatch/v1/session`: who one is.
#[worker::send]
pub async fn show(Visiting(visitor): Visiting) -> Result<Response, Refusal> {
    let reply = match visitor {
        Visitor::Member(Credential::Session(session)) => SessionReply::of(session.user),
        Visitor::Member(Credential::Token(token)) => {
            SessionReply { user: None, scopes: Some(token.scopes.words()), guest: false }
        }
        Visitor::TrustedGuest | Visitor::Guest => SessionReply { user: None, scopes: None, guest: true },
    };
    Ok(answer::json(200, answer::JSON, &reply))
}

/// `POST /api/edgewatch/v1/session`: logs in with a token, a password or what the access proxy says; answers with a session
/// cookie.
#[worker::send]
pub async fn open(
    Here(app): Here,
    from: Caller,
    headers: HeaderMap,
    Json(request): Json<SessionRequest>,
) -> Result<Response, Refusal> {
    // It rests on no cookie, but another site could log a person in as somebody else.
    if credential::is_cross_site(&headers, app.config.public_url.as_deref()) {
        return Err(Refusal(Failure::Forbidden { needs: "a request from our own pages" }));
    }
    let opened = match &request {
        SessionRequest::Token { token } => session::open(&app, token, from.address).await,
        SessionRequest::Password { username, password } => {
            session::open_with_password(&app, username, password, from.address).await
        }
        SessionRequest::Proxy { access_proxy: true } => {
            session::open_with_assertion(&app, credential::proxy_assertion(&headers)).await
        }
        SessionRequest::Proxy { access_proxy: false } => Err(Failure::Unauthenticated),
    };
    let (opened, cookie) = opened.map_err(Refusal)?;
    let reply = SessionReply::of(opened.user);
    let mut response = answer::json(201, answer::JSON, &reply);
    set_cookie(&mut response, &app, &headers, &cookie).map_err(Refusal)?;
    Ok(response)
}

/// `POST /api/edgewatch/v1/session/password`: another password for oneself; answers with the cookie of the one session there is
/// then.
#[worker::send]
pub async fn change_password(
    Here(app): Here,
    Member(caller): Member,
    from: Caller,
    headers: HeaderMap,
    Json(request): Json<PasswordRequest>,
) -> Result<Response, Refusal> {
    let PasswordRequest { current, new } = &request;
    let changed = accounts::change_own_password(&app, &caller, current, new, from.address).await;
    let (opened, cookie) = changed.map_err(Refusal)?;
    let reply = SessionReply::of(opened.user);
    let mut response = answer::json(200, answer::JSON, &reply);
    set_cookie(&mut response, &app, &headers, &cookie).map_err(Refusal)?;
    Ok(response)
}

/// `DELETE /api/edgewatch/v1/session`: logs out.
#[worker::send]
pub async fn close(Here(app): Here, Member(caller): Member, headers: HeaderMap) -> Result<Response, Refusal> {
    session::close(&app, &caller, &credential::session_cookies(&headers)).await.map_err(Refusal)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    context::clear_session_cookies(&mut response, &app, &headers).map_err(Refusal)?;
    Ok(response)
}

/// Gives a browser the cookie of its session.
///
/// # Errors
/// [`Failure::Internal`] for a value that cannot be in a header.
pub fn set_cookie(response: &mut Response, app: &App, headers: &HeaderMap, value: &str) -> Result<(), Failure> {
    let cookie = context::cookie(app, headers, SESSION_COOKIE, value, setup::SESSION_S)?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(())
}
