//! `/api/v0/alerts`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{
    AlertListReply, AlertLogPart, AlertLogReply, AlertMemoReply, AlertPart, read_memo, read_page, read_reason,
};
use http::{Request, Uri};

use super::auth::{InPath, Reads, ReadsWrites, read};
use super::error::Refusal;
use super::hosts::ok;
use crate::app::mackerel::alerts;
use crate::http::query;

/// `GET /alerts?withClosed=true&nextId=&limit=`: newest first, those that go on by default.
#[worker::send]
pub async fn list(Reads(app, party): Reads, uri: Uri) -> Result<Response, Refusal> {
    let pairs = query::pairs(uri.query());
    let (before, limit) = read_page(&pairs)?;
    let with_closed = query::first(&pairs, "withClosed") == "true";
    let (found, next_id) = alerts::list(&app, &party, with_closed, before.as_deref(), limit).await?;
    Ok(ok(&AlertListReply { alerts: found.into_iter().map(AlertPart::from).collect(), next_id }))
}

/// `GET /alerts/<id>`. Quirk: it is answered bare.
#[worker::send]
pub async fn show(Reads(app, party): Reads, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    Ok(ok(&AlertPart::from(alerts::show(&app, &party, &id).await?)))
}

/// `PUT /alerts/<id>`: a note.
#[worker::send]
pub async fn set_memo(
    ReadsWrites(app, party): ReadsWrites,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    party.of_all()?;
    let memo = read_memo(&read(request).await?)?;
    alerts::set_memo(&app, &party, &id, &memo).await?;
    Ok(ok(&AlertMemoReply { id, memo }))
}

/// `POST /alerts/<id>/close`. Quirk: the reason has to be there, and may be empty.
#[worker::send]
pub async fn close(
    ReadsWrites(app, party): ReadsWrites,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    party.of_all()?;
    let reason = read_reason(&read(request).await?)?;
    Ok(ok(&AlertPart::from(alerts::close(&app, &party, &id, &reason).await?)))
}

/// `GET /alerts/<id>/logs?nextId=&limit=`: newest first.
#[worker::send]
pub async fn log(Reads(app, party): Reads, InPath(id): InPath<String>, uri: Uri) -> Result<Response, Refusal> {
    let (before, limit) = read_page(&query::pairs(uri.query()))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (alert, steps, is_more) = alerts::log(&app, &party, &id, before.as_deref(), limit).await?;
    let logs: Vec<AlertLogPart> = steps.into_iter().map(|(id, step)| AlertLogPart::of(&alert, id, step)).collect();
    let next_id = logs.last().filter(|_| is_more).map(|last| last.id.clone());
    Ok(ok(&AlertLogReply { logs, next_id }))
}
