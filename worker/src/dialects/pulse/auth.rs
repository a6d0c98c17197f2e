//! Who may call. The order of checks is route, method, credential, body: an extractor of this file comes first among a handler's
//! arguments, and the handler reads the body itself.

use axum::body::Body;
use axum::extract::FromRequestParts;
use edgewatch_core::dialects::pulse::Limited;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::Request;
use http::request::Parts;
use serde::de::DeserializeOwned;
use worker::send::SendFuture;

use super::error::Refusal;
use crate::app::App;
use crate::app::pulse::door::{self, Shown};
use crate::app::pulse::limits;
use crate::app::visitor::Visitor;
use crate::dialects::Caller;
use crate::dialects::context;
use crate::http::{body, credential, query};

/// The app of this request.
pub struct Here(pub App);

/// Somebody with a token or a session. What they may do, the use case asks.
pub struct Known(pub App, pub Credential);

/// Somebody with a token or a session that may look; or a guest, where guests may.
pub struct Looks(pub App, pub Visitor);

/// The variable parts of a path, decoded after they were split.
pub struct InPath<T>(pub T);

/// Routes that take a token in their query: people and programs write such addresses down. Source: pulse specification, 3.1.
const QUERY_TOKENS: [&str; 5] = ["/api/state", "/api/config/export", "/ws", "/pulse/ws", "/socket.io/"];

/// The body of a request, which a handler reads once it knows who asks. What type it is said to be does not count.
///
/// # Errors
/// [`Failure::TooLarge`] over the cap; [`Failure::Malformed`] when it breaks off.
pub async fn read(request: Request<Body>) -> Result<Vec<u8>, Failure> {
    read_up_to(body::DEFAULT_CAP_BYTES, request).await
}

/// As [`read`], with another cap.
///
/// # Errors
/// As [`read`].
pub async fn read_up_to(cap_bytes: usize, request: Request<Body>) -> Result<Vec<u8>, Failure> {
    let (parts, body) = request.into_parts();
    body::read(&parts.headers, body, cap_bytes).await
}

/// Who sends a request.
///
/// # Errors
/// As `door::caller`; [`Failure::Forbidden`] when another site made a browser send its cookie with a request that changes something.
pub async fn caller(app: &App, parts: &Parts) -> Result<Credential, Failure> {
    let in_query = query_token(parts);
    let caller = door::caller(app, &shown(parts, in_query.as_deref())).await?;
    if matches!(caller, Credential::Session(_)) {
        refuse_other_sites(app, parts)?;
    }
    Ok(caller)
}

/// Who looks, at what guests may see too.
///
/// # Errors
/// As `door::visitor`.
pub async fn visitor(app: &App, parts: &Parts) -> Result<Visitor, Failure> {
    let in_query = query_token(parts);
    door::visitor(app, &shown(parts, in_query.as_deref())).await
}

/// As [`visitor`], of somebody who may show a token in another place too.
///
/// # Errors
/// As `door::visitor`.
pub async fn visitor_with(app: &App, parts: &Parts, tokens: &[&str]) -> Result<Visitor, Failure> {
    let in_query = query_token(parts);
    let mut shown = shown(parts, in_query.as_deref());
    shown.tokens.extend(tokens);
    door::visitor(app, &shown).await
}

/// Counts a request of what is limited, before anything else is looked at. Source: pulse specification, 4.
///
/// # Errors
/// [`Refusal::TooOften`] for one too many; otherwise as `limits::count`.
pub async fn count(app: &App, parts: &Parts, limited: Limited) -> Result<(), Refusal> {
    let address = Caller::of(parts).address;
    match limits::count(app, limited.word(), address, limited.most(), limited.window_s()).await {
        Err(Failure::TooManyAttempts { retry_after_s }) => Err(Refusal::TooOften(limited, retry_after_s)),
        other => Ok(other?),
    }
}

/// For a request that rests on a cookie.
///
/// # Errors
/// [`Failure::Forbidden`] when another site made a browser send it and it changes something.
pub fn refuse_other_sites(app: &App, parts: &Parts) -> Result<(), Failure> {
    if !parts.method.is_safe() && credential::is_cross_site(&parts.headers, app.config.public_url.as_deref()) {
        return Err(Failure::Forbidden { needs: "a request from our own pages" });
    }
    Ok(())
}

/// The token in the query, on the routes that take one there.
pub fn query_token(parts: &Parts) -> Option<String> {
    QUERY_TOKENS.contains(&parts.uri.path()).then(|| {
        let pairs = query::pairs(parts.uri.query());
        query::first(&pairs, "token").to_owned()
    })
}

/// What a request shows of who sends it, with the token in its query where that counts.
pub fn shown<'a>(parts: &'a Parts, in_query: Option<&'a str>) -> Shown<'a> {
    let mut tokens = credential::pulse_tokens(&parts.headers);
    tokens.extend(in_query.filter(|token| !token.is_empty()));
    Shown {
        tokens,
        cookies: credential::session_cookies(&parts.headers),
        view_cookies: credential::view_cookies(&parts.headers),
        address: Caller::of(parts).address,
    }
}

impl<S: Sync> FromRequestParts<S> for Here {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(Self(context::app(&parts.extensions)?))
    }
}

impl<S: Sync> FromRequestParts<S> for Known {
    type Rejection = Refusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move {
            let app = context::app(&parts.extensions)?;
            let caller = caller(&app, parts).await?;
            Ok(Self(app, caller))
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Looks {
    type Rejection = Refusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move {
            let app = context::app(&parts.extensions)?;
            let visitor = visitor(&app, parts).await?;
            Ok(Self(app, visitor))
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        // What cannot be decoded is no name of anything.
        let refused = |_| Refusal::Usual(Failure::NotFound { what: "route" });
        axum::extract::Path::from_request_parts(parts, state).await.map(|path| Self(path.0)).map_err(refused)
    }
}
