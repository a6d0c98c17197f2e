//! `/api/v0/services` and what is below it, but for metrics.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{NamedRequest, RoleListReply, RolePart, ServiceListReply, ServicePart};
use edgewatch_core::model::RoleName;
use http::Request;

use super::auth::{InPath, Reads, ReadsWrites, read};
use super::error::Refusal;
use super::hosts::ok;
use crate::app::mackerel::services;

/// `GET /services`: all of them, by name.
#[worker::send]
pub async fn list(Reads(app, party): Reads) -> Result<Response, Refusal> {
    let services = services::list(&app, &party).await?.into_iter().map(ServicePart::from).collect();
    Ok(ok(&ServiceListReply { services }))
}

/// `POST /services`: a new one.
#[worker::send]
pub async fn create(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    party.of_all()?;
    let service = NamedRequest::parse(&read(request).await?)?.checked()?;
    services::create(&app, &party, &service).await?;
    Ok(ok(&ServicePart { name: service.name, memo: service.memo, roles: vec![] }))
}

/// `DELETE /services/<name>`: gives it as it was.
#[worker::send]
pub async fn delete(ReadsWrites(app, party): ReadsWrites, InPath(name): InPath<String>) -> Result<Response, Refusal> {
    Ok(ok(&ServicePart::from(services::delete(&app, &party, &name).await?)))
}

/// `GET /services/<name>/roles`: by name.
#[worker::send]
pub async fn list_roles(Reads(app, party): Reads, InPath(name): InPath<String>) -> Result<Response, Refusal> {
    let roles = services::list_roles(&app, &party, &name).await?.into_iter().map(RolePart::from).collect();
    Ok(ok(&RoleListReply { roles }))
}

/// `POST /services/<name>/roles`: a new one.
#[worker::send]
pub async fn create_role(
    ReadsWrites(app, party): ReadsWrites,
    InPath(name): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    party.of_all()?;
    let said = NamedRequest::parse(&read(request).await?)?;
    Ok(ok(&RolePart::from(services::create_role(&app, &party, &name, || said.checked()).await?)))
}

/// `DELETE /services/<name>/roles/<role>`: gives it as it was.
#[worker::send]
pub async fn delete_role(
    ReadsWrites(app, party): ReadsWrites,
    InPath((service, role)): InPath<(String, String)>,
) -> Result<Response, Refusal> {
    Ok(ok(&RolePart::from(services::delete_role(&app, &party, &RoleName { service, role }).await?)))
}
