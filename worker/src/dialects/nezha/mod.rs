//! Nezha v0 (dashboard 0.20.13): `GET /api/v1/server/list`, `GET /api/v1/server/details`, `POST /api/v1/server/register`,
//! `GET /api/v1/monitor/{id}`; for administrators `POST /api/monitor`, `DELETE /api/monitor/{id}`.
//!
//! Left out on purpose, for good: commands, terminal, NAT and files; this fleet's agents execute nothing.

mod auth;
mod error;
mod monitor;
mod refused;
mod server;

use std::sync::OnceLock;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use edgewatch_core::failure::Failure;
use http::{HeaderValue, Method, Request, StatusCode, header};
use tower_service::Service;

use error::Refusal;

const ROUTES: [&str; 8] = [
    "/api/v1/server/list",
    "/api/v1/server/details",
    "/api/v1/server/register",
    "/api/monitor",
    "/api/cron",
    "/api/nat",
    "/api/ddns",
    "/api/force-update",
];

fn router() -> Router {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    let unknown = || async { Refusal(Failure::NotFound { what: "route" }) };
    let build = || {
        Router::new()
            .route("/api/v1/server/list", get(server::list))
            .route("/api/v1/server/details", get(server::details))
            .route("/api/v1/server/register", post(server::register))
            .route("/api/v1/monitor/{id}", get(monitor::delays))
            .route("/api/monitor", post(monitor::save))
            .route("/api/monitor/{id}", delete(monitor::remove))
            .route("/api/cron", post(refused::never))
            .route("/api/cron/{id}/manual", get(refused::never))
            .route("/api/nat", post(refused::never))
            .route("/api/ddns", post(refused::never))
            .route("/api/force-update", post(refused::never))
            .fallback(unknown)
            .method_not_allowed_fallback(unknown)
    };
    ROUTER.get_or_init(build).clone()
}

/// Answers a request for one of Nezha's paths.
pub async fn serve(request: Request<Body>) -> Response {
    if let Some(response) = trailing_slash(&request) {
        return response;
    }
    // Quirk: HEAD on a GET route is not found. Source: nezha specification, H5.
    if request.method() == Method::HEAD {
        return Refusal(Failure::NotFound { what: "route" }).into_response();
    }
    match router().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Quirk: a known route with a slash behind it leads to the one without. Source: nezha specification, H6.
fn trailing_slash(request: &Request<Body>) -> Option<Response> {
    let is_monitor = |route: &str| {
        let id = ["/api/v1/monitor/", "/api/monitor/"].into_iter().find_map(|prefix| route.strip_prefix(prefix));
        id.is_some_and(|id| !id.is_empty() && !id.contains('/'))
    };
    let is_known = |route: &&str| ROUTES.contains(route) || is_monitor(route);
    let route = request.uri().path().strip_suffix('/').filter(is_known)?;
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let location = HeaderValue::from_str(&format!("{route}{query}")).ok()?;
    let status =
        if request.method() == Method::GET { StatusCode::MOVED_PERMANENTLY } else { StatusCode::TEMPORARY_REDIRECT };
    Some((status, [(header::LOCATION, location)]).into_response())
}
