//! Pages that the original has for people: `/service` and `/network`, and where its pages for administrators were.
//! Source: nezha specification, 2.3, 2.4, 5, 8.3 and 10.

use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use edgewatch_core::dialects::nezha::{self, NetworkLine, ServiceMonitor, ServiceTransfer};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::HostId;
use edgewatch_core::units::UnixSeconds;
use http::Request;
use http::request::Parts;

use super::auth::Here;
use crate::app::probes::{self, Fared};
use crate::app::rules::{self, Transfer};
use crate::app::visitor::Visitor;
use crate::app::{App, hosts};
use crate::dialects::{context, pages};
use crate::http::credential::Scheme;

/// `GET /service`: how the monitors fared that are to be shown, and what servers transferred.
#[worker::send]
pub async fn service(Here(app): Here, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    shown(async move |visitor: Visitor| service_of(&app, &visitor).await, &parts).await
}

/// `GET /network`: the delays of the first server that the visitor may see.
#[worker::send]
pub async fn network(Here(app): Here, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    shown(async move |visitor: Visitor| network_of(&app, &visitor, None).await, &parts).await
}

/// `GET /network/{id}`: those of another one.
#[worker::send]
pub async fn network_of_one(Here(app): Here, Path(id): Path<String>, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    let chosen = id.parse().map_err(|_| Failure::NotFound { what: "server" });
    shown(async move |visitor: Visitor| network_of(&app, &visitor, Some(chosen?)).await, &parts).await
}

/// Where the original has pages for administrators: who is logged in is led to ours.
#[worker::send]
pub async fn for_members(request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    match context::session(&parts).await {
        Ok(_) => pages::to_home(),
        Err(Failure::Unauthenticated | Failure::Forbidden { .. }) => pages::members_only(),
        Err(failure) => pages::refuse(&failure, false),
    }
}

/// The page of whoever may look; the one that asks for the view password for others.
async fn shown(page: impl AsyncFnOnce(Visitor) -> Result<String, Failure>, parts: &Parts) -> Response {
    let visitor = match context::visitor(parts, Scheme::BareOrBearer).await {
        Ok(visitor) => visitor,
        Err(Failure::Unauthenticated) => return pages::closed(),
        Err(failure) => return pages::refuse(&failure, false),
    };
    page(visitor).await.map_or_else(|failure| pages::refuse(&failure, false), |main| pages::framed(&main))
}

async fn service_of(app: &App, visitor: &Visitor) -> Result<String, Failure> {
    let (today, fared) = probes::summary(app, visitor).await?;
    let monitors: Vec<ServiceMonitor> = fared.into_iter().filter(|one| one.probe.spec.is_public).map(monitor).collect();
    let transfers: Vec<ServiceTransfer> = rules::transfers(app, visitor).await?.into_iter().map(transfer).collect();
    Ok(nezha::service_page(&monitors, &transfers, today))
}

async fn network_of(app: &App, visitor: &Visitor, chosen: Option<i64>) -> Result<String, Failure> {
    let servers = nezha::read_names(&hosts::list_for(app, visitor, &nezha::NAMES).await?.into_bytes())?;
    let chosen = chosen.or_else(|| servers.first().map(|server| server.id));
    let mut lines = Vec::new();
    if let Some(id) = chosen {
        let (_, series) = probes::delays(app, visitor, HostId(id)).await?;
        lines.extend(series.into_iter().map(|one| NetworkLine { name: one.name, points: one.points }));
    }
    Ok(nezha::network_page(&servers, chosen, &lines, app.now.0))
}

fn monitor(Fared { probe, by_hosts, .. }: Fared) -> ServiceMonitor {
    ServiceMonitor {
        name: probe.spec.name,
        kind: probe.spec.kind.word(),
        state: (by_hosts.state.word(), by_hosts.state.words()),
        delay_ms: by_hosts.delay_ms,
        tls_expires: by_hosts.tls_expires_s.map(UnixSeconds),
        days: by_hosts.days,
    }
}

fn transfer(one: Transfer) -> ServiceTransfer {
    ServiceTransfer {
        rule: one.rule_name,
        server: one.host_name,
        direction: one.direction,
        cycle: (UnixSeconds(one.from_s), UnixSeconds(one.to_s)),
        bytes: one.bytes,
        most_bytes: one.above,
    }
}
