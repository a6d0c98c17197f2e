//! `/api/v0/downtimes`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{DowntimeListReply, DowntimePart, DowntimeRequest};
use edgewatch_core::model::Downtime;
use http::Request;

use super::auth::{InPath, Reads, ReadsWrites, read};
use super::error::Refusal;
use super::hosts::ok;
use crate::app::mackerel::{Kept, downtimes};

fn part(downtime: Kept<Downtime>) -> DowntimePart {
    DowntimePart::of(downtime.id, downtime.value)
}

/// `GET /downtimes`: all of them.
#[worker::send]
pub async fn list(Reads(app, party): Reads) -> Result<Response, Refusal> {
    let downtimes = downtimes::list(&app, &party).await?.into_iter().map(part).collect();
    Ok(ok(&DowntimeListReply { downtimes }))
}

/// `POST /downtimes`: a new one.
#[worker::send]
pub async fn create(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    party.of_all()?;
    let downtime = DowntimeRequest::parse(&read(request).await?)?.checked()?;
    Ok(ok(&part(downtimes::create(&app, &party, downtime).await?)))
}

/// `PUT /downtimes/<id>`: in the place of what it was.
#[worker::send]
pub async fn update(
    ReadsWrites(app, party): ReadsWrites,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    party.of_all()?;
    let said = DowntimeRequest::parse(&read(request).await?)?;
    Ok(ok(&part(downtimes::update(&app, &party, &id, || said.checked()).await?)))
}

/// `DELETE /downtimes/<id>`: gives it as it was.
#[worker::send]
pub async fn delete(ReadsWrites(app, party): ReadsWrites, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    Ok(ok(&part(downtimes::delete(&app, &party, &id).await?)))
}
