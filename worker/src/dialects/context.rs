//! What extractors of all dialects share: the app of this request, and where its caller is.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::response::Response;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, header};

use crate::app::remember::{self, Reader, Shown};
use crate::app::visitor::{self, Visitor};
use crate::app::{App, identity};
use crate::http::client;
use crate::http::credential::{self, Scheme};

/// The app of this request. It is always there: `serve` put it there.
pub fn app(extensions: &Extensions) -> Result<App, Failure> {
    extensions.get::<App>().cloned().ok_or_else(|| Failure::Internal("a request without its app".to_owned()))
}

/// The holder of a token or session.
///
/// # Errors
/// [`Failure::Unauthenticated`] for nobody; [`Failure::Forbidden`] when another site made a browser send a cookie with a
/// request that changes something.
pub async fn caller(parts: &Parts, scheme: Scheme) -> Result<Credential, Failure> {
    credential(parts, credential::token(&parts.headers, scheme)).await
}

/// The holder of a session, whatever token is shown beside it.
///
/// # Errors
/// As [`caller`].
pub async fn session(parts: &Parts) -> Result<Credential, Failure> {
    credential(parts, None).await
}

async fn credential(parts: &Parts, token: Option<&str>) -> Result<Credential, Failure> {
    let app = app(&parts.extensions)?;
    let address = client::address(&parts.headers, app.config.trusted_address_header.as_deref());
    let cookies = credential::session_cookies(&parts.headers);
    let credential = identity::caller(&app, token, &cookies, address).await?;
    let by_cookie = matches!(credential, Credential::Session(_));
    let changes = !parts.method.is_safe();
    if by_cookie && changes && credential::is_cross_site(&parts.headers, app.config.public_url.as_deref()) {
        return Err(Failure::Forbidden { needs: "a request from our own pages" });
    }
    Ok(credential)
}

/// The holder of a token or session, who wants to read what the hub has in memory.
///
/// # Errors
/// [`Failure::Unauthenticated`] for nobody.
pub async fn reader(parts: &Parts, scheme: Scheme) -> Result<Reader, Failure> {
    let app = app(&parts.extensions)?;
    let shown = Shown {
        token: credential::token(&parts.headers, scheme).map(str::to_owned),
        cookies: credential::session_cookies(&parts.headers).into_iter().map(str::to_owned).collect(),
        address: client::address(&parts.headers, app.config.trusted_address_header.as_deref()),
    };
    remember::reader(&app, shown).await
}

/// Whoever looks at what guests may be shown. A cookie counts whatever site the request comes from: who opens a socket asks
/// [`credential::is_cross_site`] too.
///
/// # Errors
/// [`Failure::Unauthenticated`] for guests where none are let in.
pub async fn visitor(parts: &Parts, scheme: Scheme) -> Result<Visitor, Failure> {
    match visitor_or_reason(parts, scheme).await {
        Err(Failure::Forbidden { .. }) => Err(Failure::Unauthenticated),
        other => other,
    }
}

/// As [`visitor`], and tells who is not let in what their token lacks.
///
/// # Errors
/// As [`visitor`]; [`Failure::Forbidden`] for a token that may not read, or not from there.
pub async fn visitor_or_reason(parts: &Parts, scheme: Scheme) -> Result<Visitor, Failure> {
    let app = app(&parts.extensions)?;
    let cookies = credential::session_cookies(&parts.headers);
    let shown = visitor::Shown {
        token: credential::token(&parts.headers, scheme),
        cookies: &cookies,
        view_cookies: &credential::view_cookies(&parts.headers),
        address: client::address(&parts.headers, app.config.trusted_address_header.as_deref()),
    };
    visitor::visitor(&app, &shown).await
}

/// A cookie that scripts do not see and other sites do not send along. `Secure` wherever the request came by https; on loopback
/// a browser would not send it back otherwise. A lifetime of 0 takes it away.
///
/// # Errors
/// [`Failure::Internal`] for a value that cannot be in a header.
pub fn cookie(app: &App, headers: &HeaderMap, name: &str, value: &str, max_age_s: i64) -> Result<HeaderValue, Failure> {
    let forwarded = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    let public_url = app.config.public_url.as_deref();
    let is_https = forwarded == Some("https") || public_url.is_some_and(|url| url.starts_with("https://"));
    let secure = if is_https { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&cookie).map_err(|error| Failure::Internal(error.to_string()))
}

/// Takes the cookies of a session away, under both of its names.
///
/// # Errors
/// As [`cookie`].
pub fn clear_session_cookies(response: &mut Response, app: &App, headers: &HeaderMap) -> Result<(), Failure> {
    for name in credential::SESSION_COOKIES {
        response.headers_mut().append(header::SET_COOKIE, cookie(app, headers, name, "", 0)?);
    }
    Ok(())
}

/// Where a request comes from.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The address, where one is known.
    pub address: Option<IpAddr>,
    /// Two lower-case letters, where known.
    pub country_code: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

impl Caller {
    /// Where this request comes from.
    pub fn of(parts: &Parts) -> Self {
        let trusted = parts.extensions.get::<App>().and_then(|app| app.config.trusted_address_header.as_deref());
        let country = parts.extensions.get::<worker::Cf>().and_then(worker::Cf::country);
        Self { address: client::address(&parts.headers, trusted), country_code: client::country_code(country) }
    }
}
