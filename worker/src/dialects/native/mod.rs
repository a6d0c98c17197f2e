//! Our own API: `/agent/v1/` for agents, `/api/edgewatch/v1/` for operators, `/live` for pages.
//!
//! So far: reports, live, setup, session, users, tokens, settings, channels, rules, alerts, events, series, usage, agents that push, hosts,
//! audit.

mod alerts;
mod audit;
mod auth;
mod backup;
mod channels;
mod error;
mod hosts;
mod live;
mod paging;
mod probes;
mod proxmox;
mod push_agents;
mod reports;
mod rules;
mod series;
mod session;
mod settings;
mod setup;
mod stream;
mod tokens;
mod usage;
mod users;

use std::sync::OnceLock;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::{delete, get, patch, post, put};
use edgewatch_core::failure::Failure;
use http::Request;
use tower_service::Service;

use error::Refusal;

fn router() -> Router {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    let build = || {
        Router::new()
            .route("/agent/v1/reports", post(reports::submit))
            .route("/agent/v1/stream", get(stream::open))
            .route("/agent/v1/proxmox", get(proxmox::open))
            .route("/live", get(live::open))
            .route("/api/edgewatch/v1/setup", post(setup::create))
            .route("/api/edgewatch/v1/session", get(session::show).post(session::open).delete(session::close))
            .route("/api/edgewatch/v1/session/password", post(session::change_password))
            .route("/api/edgewatch/v1/users", get(users::list).post(users::create))
            .route("/api/edgewatch/v1/users/{id}", patch(users::change).delete(users::remove))
            .route("/api/edgewatch/v1/settings", get(settings::show).patch(settings::change))
            .route("/api/edgewatch/v1/guest", get(settings::for_guests))
            .route("/api/edgewatch/v1/backup", get(backup::head))
            .route("/api/edgewatch/v1/backup/{part}", get(backup::page))
            .route("/api/edgewatch/v1/restore", post(backup::begin).delete(backup::give_up))
            .route("/api/edgewatch/v1/restore/finish", post(backup::finish))
            .route("/api/edgewatch/v1/restore/{part}/{seq}", post(backup::fill))
            .route("/api/edgewatch/v1/tokens", get(tokens::list).post(tokens::create))
            .route("/api/edgewatch/v1/tokens/{id}", delete(tokens::revoke))
            .route("/api/edgewatch/v1/channels", get(channels::list).post(channels::create))
            .route("/api/edgewatch/v1/channels/kinds", get(channels::kinds))
            .route("/api/edgewatch/v1/channels/{id}", delete(channels::remove).patch(channels::update))
            .route("/api/edgewatch/v1/channels/{id}/test", post(channels::test))
            .route("/api/edgewatch/v1/rules", get(rules::list).post(rules::create))
            .route("/api/edgewatch/v1/rules/{id}", put(rules::replace).delete(rules::remove))
            .route("/api/edgewatch/v1/quiet-hours", get(rules::quiet_hours).put(rules::set_quiet_hours))
            .route("/api/edgewatch/v1/alerts", get(alerts::list))
            .route("/api/edgewatch/v1/alerts/{key}/acknowledge", post(alerts::acknowledge))
            .route("/api/edgewatch/v1/events", get(channels::events))
            .route("/api/edgewatch/v1/series", get(series::read))
            .route("/api/edgewatch/v1/probes", get(probes::list).post(probes::create))
            .route("/api/edgewatch/v1/probes/summary", get(probes::summary))
            .route("/api/edgewatch/v1/probes/{id}", get(probes::show).put(probes::replace).delete(probes::remove))
            .route("/api/edgewatch/v1/proxmox", get(proxmox::overview))
            .route("/api/edgewatch/v1/usage", get(usage::read))
            .route("/api/edgewatch/v1/push-agents", get(push_agents::list))
            .route("/api/edgewatch/v1/push-agents/{uuid}", delete(push_agents::remove))
            .route("/api/edgewatch/v1/push-agents/{uuid}/checkdata", get(push_agents::checkdata))
            .route("/api/edgewatch/v1/push-agents/{uuid}/accept", post(push_agents::accept))
            .route("/api/edgewatch/v1/push-agents/{uuid}/register-again", post(push_agents::register_again))
            .route("/api/edgewatch/v1/hosts", get(hosts::list).post(hosts::create))
            .route("/api/edgewatch/v1/hosts/{id}", get(hosts::show).patch(hosts::change).delete(hosts::retire))
            .route("/api/edgewatch/v1/hosts/{id}/secret", post(hosts::renew_secret))
            .route("/api/edgewatch/v1/hosts/{id}/merge", post(hosts::merge))
            .route("/api/edgewatch/v1/hosts/{id}/metrics", get(hosts::metrics))
            .route("/api/edgewatch/v1/groups", get(hosts::groups))
            .route("/api/edgewatch/v1/audit", get(audit::list))
            .route("/api/edgewatch/v1/hosts/{id}/checks", get(push_agents::checks))
            .route("/api/edgewatch/v1/hosts/{id}/packages", get(push_agents::packages))
            .fallback(|| async { Refusal(Failure::NotFound { what: "route" }) })
            .method_not_allowed_fallback(|| async { Refusal(Failure::MethodNotAllowed) })
    };
    ROUTER.get_or_init(build).clone()
}

/// Answers a request for one of our paths.
pub async fn serve(request: Request<Body>) -> Response {
    match router().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
