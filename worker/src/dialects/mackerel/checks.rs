//! `/api/v0/monitoring/checks`, and how it stands with what watches a host.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{
    CheckListReply, CheckPart, CheckReply, CheckReportsRequest, MonitoredPart, MonitoredStatusesReply, read_page,
};
use http::{Request, Uri};

use super::auth::{InPath, Poster, Reads, read};
use super::error::Refusal;
use super::hosts::{done, ok};
use crate::app::mackerel::checks;
use crate::http::query;

/// `POST /monitoring/checks/report`: what checks found, stored when this is answered.
#[worker::send]
pub async fn report(Poster(app, reader, party): Poster, request: Request<Body>) -> Result<Response, Refusal> {
    let reports = CheckReportsRequest::parse(&read(request).await?)?;
    checks::report(&app, &reader, &party, reports).await?;
    Ok(done())
}

/// `GET /monitoring/checks?nextId=&limit=`: by id.
#[worker::send]
pub async fn list(Reads(app, party): Reads, uri: Uri) -> Result<Response, Refusal> {
    let (from, limit) = read_page(&query::pairs(uri.query()))?;
    let (found, next_id) = checks::list(&app, &party, from.as_deref(), limit).await?;
    Ok(ok(&CheckListReply { checks: found.into_iter().map(CheckPart::from).collect(), next_id }))
}

/// `GET /monitoring/checks/<id>`.
#[worker::send]
pub async fn show(Reads(app, party): Reads, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    Ok(ok(&CheckReply { check: checks::show(&app, &party, &id).await?.into() }))
}

/// `GET /hosts/<id>/monitored-statuses`.
#[worker::send]
pub async fn statuses(Reads(app, party): Reads, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    let found = checks::statuses(&app, &party, &id).await?;
    Ok(ok(&MonitoredStatusesReply { monitored_statuses: found.into_iter().map(MonitoredPart::from).collect() }))
}
