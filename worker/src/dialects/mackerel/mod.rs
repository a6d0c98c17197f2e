//! Mackerel: `/api/v0/`, as the stock agent, the stock `mkr` and programs for the public Hosts API call it.
//!
//! Success is always 200 with a JSON body; nothing redirects; an unknown route is told before the key is looked at; a slash behind a
//! route makes it unknown, and so does another method. Left out: traces and APM, the settings of address ranges.

mod alert_groups;
mod alerts;
mod annotations;
pub mod auth;
mod channels;
mod checks;
mod dashboards;
mod downtimes;
mod error;
mod graph_defs;
mod groups;
mod hosts;
mod metadata;
mod monitors;
mod org;
mod services;
mod tsdb;

use std::sync::OnceLock;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use edgewatch_core::failure::Failure;
use http::Request;
use tower_service::Service;

use error::Refusal;

fn router() -> Router {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    let unknown = || async { Refusal(Failure::NotFound { what: "route" }) };
    let build = || {
        Router::new()
            .merge(of_organization())
            .merge(of_hosts())
            .merge(of_services())
            .merge(of_metrics())
            .merge(of_metadata())
            .merge(of_watching())
            .merge(of_alerting())
            .merge(of_boards())
            .fallback(unknown)
            .method_not_allowed_fallback(unknown)
    };
    ROUTER.get_or_init(build).clone()
}

fn of_organization() -> Router {
    Router::new()
        .route("/api/v0/org", get(org::show))
        .route("/api/v0/users", get(org::users))
        .route("/api/v0/users/{id}", delete(org::remove_user))
        .route("/api/v0/invitations", get(org::invitations).post(org::invite))
        .route("/api/v0/invitations/revoke", post(org::revoke))
        .route("/api/v0/aws-integrations", get(org::aws_integrations))
        .route("/api/v0/graph-defs", delete(graph_defs::delete))
        .route("/api/v0/graph-defs/create", post(graph_defs::create))
}

fn of_hosts() -> Router {
    Router::new()
        .route("/api/v0/hosts", get(hosts::list).post(hosts::create))
        .route("/api/v0/hosts.json", get(hosts::list))
        .route("/api/v0/hosts/bulk-update-statuses", post(hosts::set_statuses))
        .route("/api/v0/hosts/bulk-retire", post(hosts::retire_many))
        .route("/api/v0/hosts/{id}", get(hosts::show).put(hosts::update))
        .route("/api/v0/hosts/{id}/status", post(hosts::set_status))
        .route("/api/v0/hosts/{id}/role-fullnames", put(hosts::set_roles))
        .route("/api/v0/hosts/{id}/retire", post(hosts::retire))
        .route("/api/v0/hosts/{id}/monitored-statuses", get(checks::statuses))
        .route("/api/v0/hosts-by-custom-identifier/{identifier}", get(hosts::find))
}

fn of_metrics() -> Router {
    Router::new()
        .route("/api/v0/tsdb", post(tsdb::record))
        .route("/api/v0/tsdb/latest", get(tsdb::latest))
        .route("/api/v0/hosts/{id}/metrics", get(tsdb::points))
        .route("/api/v0/hosts/{id}/metric-names", get(tsdb::names))
        .route("/api/v0/services/{name}/tsdb", post(tsdb::record_of_service))
        .route("/api/v0/services/{name}/metrics", get(tsdb::points_of_service))
        .route("/api/v0/services/{name}/metric-names", get(tsdb::names_of_service))
        .route("/api/v0/services/{name}/graph-defs/{graph}", delete(tsdb::delete_graph_of_service))
}

fn of_services() -> Router {
    Router::new()
        .route("/api/v0/services", get(services::list).post(services::create))
        .route("/api/v0/services/{name}", delete(services::delete))
        .route("/api/v0/services/{name}/roles", get(services::list_roles).post(services::create_role))
        .route("/api/v0/services/{name}/roles/{role}", delete(services::delete_role))
}

fn of_metadata() -> Router {
    Router::new()
        .route("/api/v0/hosts/{id}/metadata", get(metadata::list_of_host))
        .route(
            "/api/v0/hosts/{id}/metadata/{namespace}",
            get(metadata::show_of_host).put(metadata::put_of_host).delete(metadata::delete_of_host),
        )
        .route("/api/v0/services/{name}/metadata", get(metadata::list_of_service))
        .route(
            "/api/v0/services/{name}/metadata/{namespace}",
            get(metadata::show_of_service).put(metadata::put_of_service).delete(metadata::delete_of_service),
        )
        .route("/api/v0/services/{name}/roles/{role}/metadata", get(metadata::list_of_role))
        .route(
            "/api/v0/services/{name}/roles/{role}/metadata/{namespace}",
            get(metadata::show_of_role).put(metadata::put_of_role).delete(metadata::delete_of_role),
        )
}

fn of_watching() -> Router {
    Router::new()
        .route("/api/v0/monitoring/checks", get(checks::list))
        .route("/api/v0/monitoring/checks/report", post(checks::report))
        .route("/api/v0/monitoring/checks/{id}", get(checks::show))
        .route("/api/v0/monitors", get(monitors::list).post(monitors::create))
        .route("/api/v0/monitors/{id}", get(monitors::show).put(monitors::replace).delete(monitors::delete))
        .route("/api/v0/alerts", get(alerts::list))
        .route("/api/v0/alerts/{id}", get(alerts::show).put(alerts::set_memo))
        .route("/api/v0/alerts/{id}/close", post(alerts::close))
        .route("/api/v0/alerts/{id}/logs", get(alerts::log))
}

fn of_alerting() -> Router {
    Router::new()
        .route("/api/v0/channels", get(channels::list).post(channels::create))
        .route("/api/v0/channels/{id}", put(channels::update).delete(channels::delete))
        .route("/api/v0/notification-groups", get(groups::list).post(groups::create))
        .route("/api/v0/notification-groups/{id}", put(groups::update).delete(groups::delete))
        .route("/api/v0/downtimes", get(downtimes::list).post(downtimes::create))
        .route("/api/v0/downtimes/{id}", put(downtimes::update).delete(downtimes::delete))
        .route("/api/v0/alert-group-settings", get(alert_groups::list).post(alert_groups::create))
        .route(
            "/api/v0/alert-group-settings/{id}",
            get(alert_groups::show).put(alert_groups::update).delete(alert_groups::delete),
        )
}

fn of_boards() -> Router {
    Router::new()
        .route("/api/v0/graph-annotations", get(annotations::list).post(annotations::create))
        .route("/api/v0/graph-annotations/{id}", put(annotations::update).delete(annotations::delete))
        .route("/api/v0/dashboards", get(dashboards::list).post(dashboards::create))
        .route("/api/v0/dashboards/{id}", get(dashboards::show).put(dashboards::update).delete(dashboards::delete))
}

/// Answers a request for one of Mackerel's paths.
pub async fn serve(request: Request<Body>) -> Response {
    match router().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
