//! What extractors of all dialects share: the app of this request, and where its caller is.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::Extensions;
use http::request::Parts;

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
        let trusted = parts.extensions.get::<App>().and_then(|app| app.config.trusted_address_header.clone());
        let country = parts.extensions.get::<worker::Cf>().and_then(worker::Cf::country);
        Ok(Self {
            address: client::address(&parts.headers, trusted.as_deref()),
            country_code: client::country_code(country),
        })
    }
}
