//! Pulse (4.2.1): `/api/` as far as it is nobody else's. What the published document says and what the real server answers, both over one
//! store. Source: pulse specification.
//!
//! Every answer is JSON, refusals too; OPTIONS is answered before anything else, and credentials of other sites are never let in. Left out:
//! the `resources` of 6.x, accounts and single sign-on of later releases.

mod agents;
mod alerts;
mod auth;
mod error;
mod export;
mod nodes;
mod notifications;
mod register;
mod server;
mod socket;
mod state;
mod system;
mod tokens;
mod updates;

use std::sync::OnceLock;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::{any, delete, get, post, put};
use edgewatch_core::dialects::pulse::Refused;
use edgewatch_core::failure::Failure;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use tower_service::Service;

use super::context;
use crate::app::App;
use crate::app::pulse::system as settings;
use error::Refusal;

/// What every answer below `/api/` says. Source: pulse specification, 2.5.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE, OPTIONS"),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "Content-Type, Authorization, X-API-Token, X-Registration-Token, X-CSRF-Token, X-Setup-Token",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    (header::X_XSS_PROTECTION, "1; mode=block"),
    (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'self'"),
];

fn router() -> Router {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    let build = || {
        Router::new()
            .merge(of_server())
            .merge(of_sockets())
            .merge(of_state())
            .merge(of_configuration())
            .merge(of_registration())
            .merge(of_alerts())
            .merge(of_updates())
            .merge(of_notifications())
            .merge(of_agents())
            .fallback(unknown)
            .method_not_allowed_fallback(not_allowed)
    };
    ROUTER.get_or_init(build).clone()
}

fn of_server() -> Router {
    Router::new()
        .route("/api/health", get(server::health))
        .route("/api/version", get(server::version))
        .route("/api/security/status", get(server::security))
        .route("/api/server/info", get(server::info))
        .route("/api/agent/version", get(server::agent_version))
        .route("/api/config", get(server::config))
        .route("/api/settings", get(server::settings))
        .route("/api/settings/update", post(server::update_settings))
        .route("/api/diagnostics", get(server::diagnostics))
        .route("/api/discover", get(server::discover).post(server::discover))
}

fn of_sockets() -> Router {
    Router::new()
        .route("/ws", get(socket::open))
        .route("/pulse/ws", get(socket::open))
        .route("/socket.io/", get(socket::open_as_socket_io))
        .route("/api/test-notification", post(server::test_notification))
}

fn of_state() -> Router {
    Router::new()
        .route("/api/state", get(state::state))
        .route("/api/storage", get(state::storages))
        .route("/api/storage/", get(state::storages))
        .route("/api/storage/{id}", get(state::storage))
        .route("/api/charts", get(state::charts))
        .route("/api/storage-charts", get(state::storage_charts))
        .route("/api/backups", get(state::backups))
        .route("/api/backups/", get(state::backups))
        .route("/api/backups/pve", get(state::backups_of_pve))
        .route("/api/backups/pbs", get(state::backups_of_pbs))
        .route("/api/backups/{*other}", get(state::backups))
        .route("/api/snapshots", get(state::snapshots))
}

fn of_configuration() -> Router {
    Router::new()
        .route("/api/config/nodes", get(nodes::list).post(nodes::add))
        .route("/api/config/nodes/", put(nodes::of_none).delete(nodes::of_none))
        .route("/api/config/nodes/test-connection", post(nodes::test_connection))
        .route("/api/config/nodes/test-config", post(nodes::test_config))
        .route("/api/config/nodes/{id}", put(nodes::change).delete(nodes::remove))
        .route("/api/config/nodes/{id}/test", post(nodes::test))
        .route("/api/config/system", get(system::show).post(system::change).put(system::change))
        .route("/api/system/settings/update", post(system::change_later))
        .route("/api/config/export", any(export::export))
        .route("/api/config/import", any(export::import))
}

fn of_registration() -> Router {
    Router::new()
        .route("/api/setup-script", get(register::script).post(register::script_of_body))
        .route("/api/auto-register", post(register::register))
        .route("/api/tokens/generate", post(tokens::generate))
        .route("/api/tokens/list", get(tokens::list))
        .route("/api/tokens/revoke", delete(tokens::revoke))
}

fn of_alerts() -> Router {
    let acts = post(alerts::act).put(alerts::act).delete(alerts::act);
    Router::new()
        .route("/api/alerts/{*rest}", acts.get(alerts::show))
        .route("/api/notifications/alerts", get(alerts::history))
        .route("/api/notifications/alerts/clear", post(alerts::clear_history))
        .route(
            "/api/notifications/thresholds",
            get(alerts::thresholds).post(alerts::change_thresholds).put(alerts::change_thresholds),
        )
        .route(
            "/api/notifications/thresholds/overrides",
            get(alerts::overrides).post(alerts::change_overrides).put(alerts::change_overrides),
        )
}

fn of_updates() -> Router {
    Router::new()
        .route("/api/updates/check", get(updates::check))
        .route("/api/updates/apply", post(updates::apply))
        .route("/api/updates/status", get(updates::status))
}

fn of_agents() -> Router {
    Router::new()
        .route("/api/agents/host/report", post(agents::report))
        .route("/api/agents/agent/report", post(agents::report))
        .route("/api/agents/docker/report", post(agents::docker))
        .route("/api/agents/host/lookup", get(agents::lookup))
        .route("/api/agents/host/{id}", delete(agents::remove))
        .route("/api/agents/host/{id}/config", get(agents::config))
        .route("/api/agents/agent/{id}/config", get(agents::config))
}

fn of_notifications() -> Router {
    Router::new()
        .route(
            "/api/notifications/email",
            get(notifications::mail).post(notifications::change_mail).put(notifications::change_mail),
        )
        .route("/api/notifications/email/test", post(notifications::test_mail))
        .route("/api/notifications/test", post(notifications::test))
        .route("/api/notifications/email-providers", get(notifications::providers))
        .route("/api/notifications/webhooks", get(notifications::hooks).post(notifications::add_hook))
        .route("/api/notifications/webhooks/test", post(notifications::test_hook))
        .route("/api/notifications/webhooks/{id}", put(notifications::change_hook).delete(notifications::remove_hook))
        .route("/api/notifications/webhook-templates", get(notifications::templates))
}

/// A path that there is not. Source: pulse specification, 2.4.
async fn unknown(request: Request<Body>) -> Refusal {
    let path = request.uri().path();
    let has_own_words = ["/api/alerts/", "/api/notifications/"].iter().any(|prefix| path.starts_with(prefix));
    Refusal::Usual(Failure::NotFound { what: if has_own_words { "thing" } else { "route" } })
}

/// A method that the path does not take.
async fn not_allowed(request: Request<Body>) -> Refusal {
    let path = request.uri().path();
    if path == "/api/state" || path == "/api/storage" || path.starts_with("/api/storage/") {
        Refused::only_get().into()
    } else {
        Failure::MethodNotAllowed.into()
    }
}

/// Answers a request for one of Pulse's paths.
pub async fn serve(request: Request<Body>) -> Response {
    let app = match context::app(request.extensions()) {
        Ok(app) => app,
        Err(failure) => return Refusal::Usual(failure).answer(edgewatch_core::units::UnixSeconds(0)),
    };
    let mut response = if request.method() == Method::OPTIONS {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::OK;
        response
    } else {
        match router().call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    };
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        response = refusal.answer(app.now_s());
    }
    dress(response.headers_mut(), &app).await;
    response
}

/// Adds what every answer says; CORS is never with credentials. Source: routes, row 6.
async fn dress(headers: &mut HeaderMap, app: &App) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let origins = settings::allowed_origins(app).await;
    if let Ok(origins) = HeaderValue::try_from(origins)
        && !origins.is_empty()
    {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origins);
    }
}
