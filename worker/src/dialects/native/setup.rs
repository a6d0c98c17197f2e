//! `/api/edgewatch/v1/setup` and `/api/edgewatch/v1/session`.

use axum::response::Response;
use edgewatch_core::dialects::native::{SessionReply, SetupReply, SetupRequest};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::{HeaderMap, HeaderValue, header};

use super::auth::{Here, Json, Member};
use super::error::Refusal;
use crate::app::setup;
use crate::http::answer;
use crate::http::credential::SESSION_COOKIE;

/// `POST /api/edgewatch/v1/setup`: uses up a setup link; answers with the administrator, a token and a session cookie.
#[worker::send]
pub async fn create(
    Here(app): Here,
    headers: HeaderMap,
    Json(request): Json<SetupRequest>,
) -> Result<Response, Refusal> {
    let made = setup::use_link(&app, &request.token, &request.username).await.map_err(Refusal)?;
    let reply = SetupReply { user: made.user.into(), token: made.token };
    let mut response = answer::json(201, answer::JSON, &reply);
    // `Secure` wherever the request came by https; on loopback a browser would not send it back otherwise.
    let secure = if is_https(&headers, app.config.public_url.as_deref()) { "; Secure" } else { "" };
    let cookie = format!(
        "{SESSION_COOKIE}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
        made.session,
        setup::SESSION_S
    );
    let broken = |error: header::InvalidHeaderValue| Refusal(Failure::Internal(error.to_string()));
    response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_str(&cookie).map_err(broken)?);
    Ok(response)
}

/// `GET /api/edgewatch/v1/session`: who one is.
#[worker::send]
pub async fn session(Member(caller): Member) -> Result<Response, Refusal> {
    let reply = match caller {
        Credential::Session(session) => SessionReply { user: Some(session.user.into()), scopes: None },
        Credential::Token(token) => SessionReply { user: None, scopes: Some(token.scopes.words()) },
    };
    Ok(answer::json(200, answer::JSON, &reply))
}

fn is_https(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let forwarded = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    forwarded == Some("https") || public_url.is_some_and(|url| url.starts_with("https://"))
}
