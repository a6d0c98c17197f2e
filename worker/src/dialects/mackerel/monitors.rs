//! `/api/v0/monitors`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{MonitorBody, MonitorListReply, MonitorPart, MonitorReply};
use http::Request;

use super::auth::{InPath, Reads, ReadsWrites, read};
use super::error::Refusal;
use super::hosts::ok;
use crate::app::mackerel::monitors;

/// `GET /monitors`: all of them, by type and name.
#[worker::send]
pub async fn list(Reads(app, party): Reads) -> Result<Response, Refusal> {
    let listed = monitors::list(&app, &party).await?;
    let monitors = listed.into_iter().map(MonitorPart::of).collect::<Result<_, _>>()?;
    Ok(ok(&MonitorListReply { monitors }))
}

/// `GET /monitors/<id>`.
#[worker::send]
pub async fn show(Reads(app, party): Reads, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    let monitor = MonitorPart::of(monitors::show(&app, &party, &id).await?)?;
    Ok(ok(&MonitorReply { monitor }))
}

/// `POST /monitors`: a new one. Quirk: it is answered bare.
#[worker::send]
pub async fn create(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    party.of_all()?;
    let draft = MonitorBody::parse(&read(request).await?)?.into_draft(None)?;
    Ok(ok(&MonitorPart::of(monitors::create(&app, &party, draft).await?)?))
}

/// `PUT /monitors/<id>`: another one in its place.
#[worker::send]
pub async fn replace(
    ReadsWrites(app, party): ReadsWrites,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    party.of_all()?;
    let said = MonitorBody::parse(&read(request).await?)?;
    let replaced = monitors::replace(&app, &party, &id, |current| said.into_draft(Some(current))).await?;
    Ok(ok(&MonitorPart::of(replaced)?))
}

/// `DELETE /monitors/<id>`: gives it as it was.
#[worker::send]
pub async fn delete(ReadsWrites(app, party): ReadsWrites, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    Ok(ok(&MonitorPart::of(monitors::delete(&app, &party, &id).await?)?))
}
