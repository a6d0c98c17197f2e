//! `/api/v0/hosts` and what is below it, but for metrics.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{
    BulkRequest, HostIdReply, HostListReply, HostPart, HostReply, HostRequest, MonitoredStatusesReply, RolesRequest,
    StatusRequest, SuccessReply, parse_nothing, read_host_query,
};
use edgewatch_core::model::DetailedHost;
use http::{Request, Uri};
use serde::Serialize;

use super::auth::{InPath, Reads, ReadsWrites, Writes, read};
use super::error::Refusal;
use crate::app::mackerel::hosts;
use crate::http::{answer, query};

/// Success: always 200, always a body.
pub fn ok<T: Serialize>(body: &T) -> Response {
    answer::json(200, answer::JSON, body)
}

/// What is answered where there is nothing to say.
pub fn done() -> Response {
    ok(&SuccessReply::DONE)
}

fn reply(found: Option<DetailedHost>) -> Result<Response, Refusal> {
    Ok(ok(&HostReply { host: found.map(HostPart::of).transpose()? }))
}

/// `POST /hosts`: a new host.
#[worker::send]
pub async fn create(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    let draft = HostRequest::parse(&read(request).await?)?.into_draft(None)?;
    Ok(ok(&HostIdReply { id: hosts::create(&app, &party, draft).await? }))
}

/// `GET /hosts/<id>`: a host, a retired one too.
#[worker::send]
pub async fn show(Reads(app, party): Reads, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    reply(Some(hosts::show(&app, &party, &id).await?))
}

/// `GET /hosts-by-custom-identifier/<identifier>?caseInsensitive=true`: a live host, or null.
#[worker::send]
pub async fn find(Reads(app, party): Reads, InPath(identifier): InPath<String>, uri: Uri) -> Result<Response, Refusal> {
    let any_case = query::first(&query::pairs(uri.query()), "caseInsensitive") == "true";
    reply(hosts::find_by_identifier(&app, &party, &identifier, any_case).await?)
}

/// `GET /hosts`, `GET /hosts.json`: live hosts, those that work or could by default.
#[worker::send]
pub async fn list(Reads(app, party): Reads, uri: Uri) -> Result<Response, Refusal> {
    let filter = read_host_query(&query::pairs(uri.query()))?;
    let found = hosts::list(&app, &party, &filter).await?;
    let hosts = found.into_iter().map(HostPart::of).collect::<Result<_, _>>()?;
    Ok(ok(&HostListReply { hosts }))
}

/// `PUT /hosts/<id>`: what is said of a host.
#[worker::send]
pub async fn update(
    ReadsWrites(app, party): ReadsWrites,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let said = HostRequest::parse(&read(request).await?)?;
    hosts::change(&app, &party, &id, |current| said.into_draft(Some(current))).await?;
    Ok(ok(&HostIdReply { id }))
}

/// `POST /hosts/<id>/status`.
#[worker::send]
pub async fn set_status(
    ReadsWrites(app, party): ReadsWrites,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let status = StatusRequest::parse(&read(request).await?)?;
    hosts::set_status(&app, &party, &[id], status).await?;
    Ok(done())
}

/// `POST /hosts/bulk-update-statuses`: of thirty hosts at most, all or none.
#[worker::send]
pub async fn set_statuses(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    let (ids, status) = BulkRequest::parse_status(&read(request).await?)?;
    hosts::set_status(&app, &party, &ids, status).await?;
    Ok(done())
}

/// `PUT /hosts/<id>/role-fullnames`: these roles and no others. Quirk: a key that may write need not read.
#[worker::send]
pub async fn set_roles(
    Writes(app, party): Writes,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let roles = RolesRequest::parse(&read(request).await?)?;
    hosts::set_roles(&app, &party, &id, || roles.roles()).await?;
    Ok(done())
}

/// `POST /hosts/<id>/retire`. Quirk: clients send `{}`, `null` or nothing.
#[worker::send]
pub async fn retire(
    ReadsWrites(app, party): ReadsWrites,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    parse_nothing(&read(request).await?)?;
    hosts::retire(&app, &party, &[id]).await?;
    Ok(done())
}

/// `POST /hosts/bulk-retire`: thirty hosts at most, all or none.
#[worker::send]
pub async fn retire_many(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    let ids = BulkRequest::parse_ids(&read(request).await?)?;
    hosts::retire(&app, &party, &ids).await?;
    Ok(done())
}

/// `GET /hosts/<id>/monitored-statuses`: so far nothing watches.
#[worker::send]
pub async fn monitored_statuses(Reads(app, party): Reads, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    hosts::require_there(&app, &party, &id).await?;
    Ok(ok(&MonitoredStatusesReply::default()))
}
