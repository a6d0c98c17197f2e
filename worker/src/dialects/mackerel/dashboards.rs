//! `/api/v0/dashboards`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{DashboardListReply, DashboardPart, DashboardRequest};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Dashboard;
use http::Request;

use super::auth::{InPath, Reads, ReadsWrites, read};
use super::error::Refusal;
use super::hosts::ok;
use crate::app::mackerel::{Kept, dashboards};

fn part(dashboard: Kept<Dashboard>) -> Result<DashboardPart, Failure> {
    DashboardPart::of(dashboard.id, dashboard.value)
}

/// `GET /dashboards`: all of them, with what is on them.
#[worker::send]
pub async fn list(Reads(app, party): Reads) -> Result<Response, Refusal> {
    let all = dashboards::list(&app, &party).await?;
    let dashboards = all.into_iter().map(part).collect::<Result<_, _>>()?;
    Ok(ok(&DashboardListReply { dashboards }))
}

/// `GET /dashboards/<id>`.
#[worker::send]
pub async fn show(Reads(app, party): Reads, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    Ok(ok(&part(dashboards::show(&app, &party, &id).await?)?))
}

/// `POST /dashboards`: a new one.
#[worker::send]
pub async fn create(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    party.of_all()?;
    let said = DashboardRequest::parse(&read(request).await?)?;
    Ok(ok(&part(dashboards::create(&app, &party, |now| said.checked(now)).await?)?))
}

/// `PUT /dashboards/<id>`: in the place of what it was.
#[worker::send]
pub async fn update(
    ReadsWrites(app, party): ReadsWrites,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    party.of_all()?;
    let said = DashboardRequest::parse(&read(request).await?)?;
    Ok(ok(&part(dashboards::update(&app, &party, &id, |now| said.checked(now)).await?)?))
}

/// `DELETE /dashboards/<id>`: gives it as it was.
#[worker::send]
pub async fn delete(ReadsWrites(app, party): ReadsWrites, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    Ok(ok(&part(dashboards::delete(&app, &party, &id).await?)?))
}
