//! Mackerel: `/api/v0/`, as the stock agent, the stock `mkr` and programs for the public Hosts API call it.
//!
//! Success is always 200 with a JSON body; nothing redirects; an unknown route is told before the key is looked at; a slash behind a
//! route makes it unknown, and so does another method. Left out: traces and APM, the settings of address ranges.

mod auth;
mod error;
mod org;

use std::sync::OnceLock;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use edgewatch_core::failure::Failure;
use http::Request;
use tower_service::Service;

use error::Refusal;

fn router() -> Router {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    let unknown = || async { Refusal(Failure::NotFound { what: "route" }) };
    let build =
        || Router::new().route("/api/v0/org", get(org::show)).fallback(unknown).method_not_allowed_fallback(unknown);
    ROUTER.get_or_init(build).clone()
}

/// Answers a request for one of Mackerel's paths.
pub async fn serve(request: Request<Body>) -> Response {
    match router().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
