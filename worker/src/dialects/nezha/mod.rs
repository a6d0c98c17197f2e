//! Nezha v0 (dashboard 0.20.13): `GET /api/v1/server/list`, `GET /api/v1/server/details`, `POST /api/v1/server/register`,
//! the admin API of servers, monitors, notifications, alert rules, tokens and settings, `/api/logout`, `/view-password`, `/ws`, and the
//! pages at `/service` and `/network`.
//!
//! Left out on purpose, for good: commands, terminal, NAT and files; this fleet's agents execute nothing.

mod alert_rule;
mod auth;
mod error;
mod feed;
mod logout;
mod monitor;
mod notification;
mod public_page;
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

/// Every route that a slash too many leads to, with its methods. `*` is any one segment.
const ROUTES: [(&str, &[Method]); 34] = [
    ("/api/v1/server/list", &[Method::GET]),
    ("/api/v1/server/details", &[Method::GET]),
    ("/api/v1/server/register", &[Method::POST]),
    ("/api/v1/monitor/*", &[Method::GET]),
    ("/ws", &[Method::GET]),
    ("/service", &[Method::GET]),
    ("/network", &[Method::GET]),
    ("/network/*", &[Method::GET]),
    ("/view-password", &[Method::POST]),
    ("/api/token", &[Method::GET, Method::POST]),
    ("/api/token/*", &[Method::DELETE]),
    ("/api/server", &[Method::POST]),
    ("/api/monitor", &[Method::POST]),
    ("/api/notification", &[Method::POST]),
    ("/api/alert-rule", &[Method::POST]),
    ("/api/setting", &[Method::POST]),
    ("/api/logout", &[Method::POST]),
    ("/api/cron", &[Method::POST]),
    ("/api/cron/*/manual", &[Method::GET]),
    ("/api/nat", &[Method::POST]),
    ("/api/ddns", &[Method::POST]),
    ("/api/force-update", &[Method::POST]),
    ("/api/batch-update-server-group", &[Method::POST]),
    ("/api/batch-delete-server", &[Method::POST]),
    ("/api/search-server", &[Method::GET]),
    ("/api/search-tasks", &[Method::GET]),
    ("/api/search-ddns", &[Method::GET]),
    ("/api/server/*", &[Method::DELETE]),
    ("/api/monitor/*", &[Method::DELETE]),
    ("/api/notification/*", &[Method::DELETE]),
    ("/api/alert-rule/*", &[Method::DELETE]),
    ("/api/cron/*", &[Method::DELETE]),
    ("/api/ddns/*", &[Method::DELETE]),
    ("/api/nat/*", &[Method::DELETE]),
];

/// Where the original has pages for administrators.
pub const MEMBER_PAGES: [&str; 7] = ["server", "monitor", "cron", "notification", "ddns", "nat", "setting"];

fn router() -> Router {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    let unknown = || async { Refusal(Failure::NotFound { what: "route" }) };
    let build = || {
        let pages = MEMBER_PAGES
            .iter()
            .fold(Router::new(), |router, page| router.route(&format!("/{page}"), get(public_page::for_members)));
        pages
            .route("/service", get(public_page::service))
            .route("/network", get(public_page::network))
            .route("/network/{id}", get(public_page::network_of_one))
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
    let route = request.uri().path().strip_suffix('/')?;
    let is_asked = |(pattern, methods): &(&str, &[Method])| {
        let segment = |(wanted, found): (&str, &str)| wanted == found || (wanted == "*" && !found.is_empty());
        let of = |route: &str| {
            pattern.split('/').count() == route.split('/').count()
                && pattern.split('/').zip(route.split('/')).all(segment)
        };
        methods.contains(request.method()) && of(route)
    };
    let is_page = || route.strip_prefix('/').is_some_and(|page| MEMBER_PAGES.contains(&page));
    if !(ROUTES.iter().any(is_asked) || request.method() == Method::GET && is_page()) {
        return None;
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let location = HeaderValue::from_str(&format!("{route}{query}")).ok()?;
    let status =
        if request.method() == Method::GET { StatusCode::MOVED_PERMANENTLY } else { StatusCode::TEMPORARY_REDIRECT };
    Some((status, [(header::LOCATION, location)]).into_response())
}
