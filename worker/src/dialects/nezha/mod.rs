//! Nezha v0 (dashboard 0.20.13): `GET /api/v1/server/list`, `GET /api/v1/server/details`, `POST /api/v1/server/register`,
//! the admin API of servers, notifications, tokens and settings, `/api/logout`, `/view-password`, `/ws`.
//!
//! Left out on purpose, for good: commands, terminal, NAT and files; this fleet's agents execute nothing.

mod alert_rule;
mod auth;
mod error;
mod feed;
mod logout;
mod monitor;
mod notification;
mod refused;
mod server;
mod server_admin;
mod setting;
mod token;
mod view_password;

use std::sync::OnceLock;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use edgewatch_core::failure::Failure;
use http::{HeaderValue, Method, Request, StatusCode, header};
use tower_service::Service;

use error::Refusal;
pub use feed::literal;

const ROUTES: &[&str] = &[
    "/api/server",
    "/api/batch-update-server-group",
    "/api/batch-delete-server",
    "/api/search-server",
    "/api/search-tasks",
    "/api/search-ddns",
    "/api/v1/server/list",
    "/api/v1/server/details",
    "/api/v1/server/register",
    "/api/notification",
    "/api/alert-rule",
    "/api/token",
    "/api/setting",
    "/api/logout",
    "/view-password",
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
            .route("/api/alert-rule", post(alert_rule::save))
            .route("/api/server", post(server_admin::save))
            .route("/api/batch-update-server-group", post(server_admin::set_group))
            .route("/api/batch-delete-server", post(server_admin::delete_many))
            .route("/api/search-server", get(server_admin::search))
            .route("/api/search-tasks", get(server_admin::search_nothing))
            .route("/api/search-ddns", get(server_admin::search_nothing))
            .route("/api/{model}/{id}", delete(server_admin::delete))
            .route("/ws", get(feed::open))
            .route("/nezha/ws", get(feed::open))
            .route("/api/notification", post(notification::save))
            .route("/api/token", get(token::list).post(token::create))
            .route("/api/token/{token}", delete(token::delete))
            .route("/api/setting", post(setting::change))
            .route("/api/logout", post(logout::log_out))
            .route("/view-password", post(view_password::show))
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
