//! Who may call: the key in `X-Api-Key`, or a session cookie. The order of checks is route, key, permission, body, target, meaning:
//! an extractor of this file comes first among a handler's arguments, and the handler reads the body itself.

use axum::body::Body;
use axum::extract::FromRequestParts;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::Request;
use http::request::Parts;
use serde::de::DeserializeOwned;
use worker::send::SendFuture;

use super::error::Refusal;
use crate::app::App;
use crate::app::identity::{Needs, Party};
use crate::app::remember::Reader;
use crate::dialects::context;
use crate::http::body;
use crate::http::credential::Scheme;

/// Somebody with a key that may read.
pub struct Reads(pub App, pub Party);

/// Somebody with a key that may read and write.
pub struct ReadsWrites(pub App, pub Party);

/// Somebody with a key that may write, whether or not it may read.
pub struct Writes(pub App, pub Party);

/// As [`Reads`], remembered: costs no row in D1 for a key that was seen lately. Good once `Reader::confirm` was told the hub's
/// epochs: what it gives then is made a party anew by [`Party::to`].
pub struct Onlooker(pub App, pub Reader, pub Party);

/// As [`ReadsWrites`], remembered.
pub struct Poster(pub App, pub Reader, pub Party);

/// The body of a request, which a handler reads once it knows who asks. What type it is said to be does not count.
///
/// # Errors
/// [`Failure::TooLarge`] over the ordinary cap; [`Failure::Malformed`] when it breaks off.
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

/// The variable parts of a path, decoded after they were split.
pub struct InPath<T>(pub T);

async fn known(parts: &Parts, needs: Needs) -> Result<(App, Party), Refusal> {
    let app = context::app(&parts.extensions)?;
    let credential = context::caller(parts, Scheme::ApiKey).await?;
    Ok((app, Party::to(needs, credential)?))
}

async fn remembered(parts: &Parts, needs: Needs) -> Result<(App, Reader, Party), Refusal> {
    let app = context::app(&parts.extensions)?;
    let reader = context::reader(parts, Scheme::ApiKey).await?;
    let credential = reader.credential.clone();
    Ok((app, reader, Party::to(needs, credential)?))
}

impl<S: Sync> FromRequestParts<S> for Reads {
    type Rejection = Refusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move { known(parts, Needs::Read).await.map(|(app, party)| Self(app, party)) })
    }
}

impl<S: Sync> FromRequestParts<S> for ReadsWrites {
    type Rejection = Refusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move { known(parts, Needs::ReadWrite).await.map(|(app, party)| Self(app, party)) })
    }
}

impl<S: Sync> FromRequestParts<S> for Writes {
    type Rejection = Refusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move { known(parts, Needs::Write).await.map(|(app, party)| Self(app, party)) })
    }
}

impl<S: Sync> FromRequestParts<S> for Onlooker {
    type Rejection = Refusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move {
            remembered(parts, Needs::Read).await.map(|(app, reader, party)| Self(app, reader, party))
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Poster {
    type Rejection = Refusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move {
            let (app, reader, who) = remembered(parts, Needs::ReadWrite).await?;
            if matches!(who.credential, Credential::Session(_)) {
                // A browser may have been made to send its cookie.
                known(parts, Needs::ReadWrite).await?;
            }
            Ok(Self(app, reader, who))
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        // What cannot be decoded is no name of anything.
        let refused = |_| Refusal(Failure::NotFound { what: "route" });
        axum::extract::Path::from_request_parts(parts, state).await.map(|path| Self(path.0)).map_err(refused)
    }
}
