//! Who may call: an agent by `Bearer <secret>`; a person or script by a token, bare or as `Bearer`,
//! or by a session cookie.

use axum::extract::{FromRequest, FromRequestParts};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::request::Parts;
use serde::de::DeserializeOwned;
use worker::send::SendFuture;

use super::error::Refusal;
use crate::app::App;
use crate::app::identity::{self, AgentIdentity};
use crate::app::remember::Reader;
use crate::app::visitor::Visitor;
use crate::dialects::context;
use crate::http::body;
use crate::http::credential::{self, Scheme};

/// What our own pages send with a request that changes something: no other site can, without being asked about it first.
const CSRF_HEADER: &str = "x-edgewatch-csrf";

/// An agent that proved which host it speaks for.
pub struct Agent(pub AgentIdentity);

/// Somebody with a token or a session.
pub struct Member(pub Credential);

/// Likewise, for reading what the hub has in memory.
pub struct Onlooker(pub Reader);

/// Whoever looks at what guests may be shown.
pub struct Visiting(pub Visitor);

/// The app of this request.
pub struct Here(pub App);

/// The body as JSON.
pub struct Json<T>(pub T);

/// Likewise, of a request that needs none: what means nothing said when it is empty.
pub struct JsonOrNothing<T>(pub T);

impl<S: Sync> FromRequestParts<S> for Agent {
    type Rejection = Refusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move {
            let app = context::app(&parts.extensions).map_err(Refusal)?;
            let secret = credential::token(&parts.headers, Scheme::Bearer).ok_or(Refusal(Failure::Unauthenticated))?;
            identity::agent(&app, secret).await.map(Self).map_err(Refusal)
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Member {
    type Rejection = Refusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move {
            let caller = context::caller(parts, Scheme::BareOrBearer).await.map_err(Refusal)?;
            let by_cookie = matches!(caller, Credential::Session(_));
            if by_cookie && !parts.method.is_safe() && !parts.headers.contains_key(CSRF_HEADER) {
                return Err(Refusal(Failure::Forbidden { needs: "the header x-edgewatch-csrf" }));
            }
            Ok(Self(caller))
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Onlooker {
    type Rejection = Refusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move { context::reader(parts, Scheme::BareOrBearer).await.map(Self).map_err(Refusal) })
    }
}

impl<S: Sync> FromRequestParts<S> for Visiting {
    type Rejection = Refusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move {
            context::visitor_or_reason(parts, Scheme::BareOrBearer).await.map(Self).map_err(Refusal)
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Here {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        context::app(&parts.extensions).map(Self).map_err(Refusal)
    }
}

/// Reads a JSON object. A list would be read as one too, its values by their places: nobody documents that, and `[]` would mean nothing said.
fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let malformed = |detail: String| Refusal(Failure::Malformed { detail });
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|first| *first != b'{') {
        return Err(malformed("a JSON object is expected".to_owned()));
    }
    serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))
}

impl<S: Sync, T: DeserializeOwned + Send> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    fn from_request(request: axum::extract::Request, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move {
            let (parts, body) = request.into_parts();
            let bytes = body::read(&parts.headers, body, body::DEFAULT_CAP_BYTES).await.map_err(Refusal)?;
            object(&bytes).map(Self)
        })
    }
}

impl<S: Sync, T: DeserializeOwned + Default + Send> FromRequest<S> for JsonOrNothing<T> {
    type Rejection = Refusal;

    fn from_request(request: axum::extract::Request, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move {
            let (parts, body) = request.into_parts();
            let bytes = body::read(&parts.headers, body, body::DEFAULT_CAP_BYTES).await.map_err(Refusal)?;
            let said = bytes.iter().any(|byte| !byte.is_ascii_whitespace());
            if said { object(&bytes).map(Self) } else { Ok(Self(T::default())) }
        })
    }
}
