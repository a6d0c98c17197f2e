//! `/api/edgewatch/v1/session`: logging in and out, and who one is.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::native::{SessionReply, SessionRequest};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::auth::{Here, Json, Member};
use super::error::Refusal;
use crate::app::{App, session, setup};
use crate::dialects::Caller;
use crate::http::answer;
use crate::http::credential::{self, SESSION_COOKIE};

/// `GET /api/edgewatch/v1/session`: who one is.
#[worker::send]
pub async fn show(Member(caller): Member) -> Result<Response, Refusal> {
    let reply = match caller {
        Credential::Session(session) => SessionReply { user: Some(session.user.into()), scopes: None },
        Credential::Token(token) => SessionReply { user: None, scopes: Some(token.scopes.words()) },
    };
    Ok(answer::json(200, answer::JSON, &reply))
}

/// `POST /api/edgewatch/v1/session`: logs in with a token; answers with a session cookie.
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
    let (opened, cookie) = session::open(&app, &request.token, from.address).await.map_err(Refusal)?;
    let reply = SessionReply { user: Some(opened.user.into()), scopes: None };
    let mut response = answer::json(201, answer::JSON, &reply);
    set_cookie(&mut response, &app, &headers, Some(&cookie)).map_err(Refusal)?;
    Ok(response)
}

/// `DELETE /api/edgewatch/v1/session`: logs out.
#[worker::send]
pub async fn close(Here(app): Here, Member(caller): Member, headers: HeaderMap) -> Result<Response, Refusal> {
    session::close(&app, &caller, &credential::session_cookies(&headers)).await.map_err(Refusal)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    set_cookie(&mut response, &app, &headers, None).map_err(Refusal)?;
    Ok(response)
}

/// Gives a browser the cookie of its session, or takes it away.
///
/// # Errors
/// [`Failure::Internal`] for a value that cannot be in a header.
pub fn set_cookie(response: &mut Response, app: &App, headers: &HeaderMap, value: Option<&str>) -> Result<(), Failure> {
    // `Secure` wherever the request came by https; on loopback a browser would not send it back otherwise.
    let secure = if is_https(headers, app.config.public_url.as_deref()) { "; Secure" } else { "" };
    let max_age_s = value.map_or(0, |_| setup::SESSION_S);
    let value = value.unwrap_or_default();
    let cookie = format!("{SESSION_COOKIE}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
    let broken = |error: header::InvalidHeaderValue| Failure::Internal(error.to_string());
    response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_str(&cookie).map_err(broken)?);
    Ok(())
}

fn is_https(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let forwarded = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    forwarded == Some("https") || public_url.is_some_and(|url| url.starts_with("https://"))
}
