//! Who may call: the bare token in `Authorization`, or a session cookie.

use axum::extract::FromRequestParts;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::request::Parts;
use worker::send::SendFuture;

use super::error::{AdminRefusal, GuestRefusal, Refusal};
use crate::app::remember::Reader;
use crate::app::visitor::Visitor;
use crate::app::{App, identity};
use crate::dialects::context;
use crate::http::credential::Scheme;

/// Somebody with a token or a session. What they may do, the use case asks.
pub struct Member(pub Credential);

/// An administrator with a session: the admin routes take no token. Source: nezha specification, 2.1.
pub struct Admin(pub Credential);

/// Likewise, for reading what the hub has in memory.
pub struct Onlooker(pub Reader);

/// Whoever looks at what guests may be shown.
pub struct Visiting(pub Visitor);

/// The app of this request.
pub struct Here(pub App);

impl<S: Sync> FromRequestParts<S> for Member {
    type Rejection = Refusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Refusal>> + Send {
        SendFuture::new(async move { context::caller(parts, Scheme::BareOrBearer).await.map(Self).map_err(Refusal) })
    }
}

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = AdminRefusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, AdminRefusal>> + Send {
        SendFuture::new(async move {
            let credential = context::session(parts).await.map_err(AdminRefusal)?;
            identity::require_admin(&credential).map_err(AdminRefusal)?;
            Ok(Self(credential))
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
    type Rejection = GuestRefusal;

    fn from_request_parts(parts: &mut Parts, _: &S) -> impl Future<Output = Result<Self, GuestRefusal>> + Send {
        SendFuture::new(
            async move { context::visitor(parts, Scheme::BareOrBearer).await.map(Self).map_err(GuestRefusal) },
        )
    }
}

impl<S: Sync> FromRequestParts<S> for Here {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        context::app(&parts.extensions).map(Self).map_err(|failure: Failure| Refusal(failure))
    }
}
