//! `/api/edgewatch/v1/push-agents`.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::native::{AcceptRequest, PushAgentListReply, PushAgentPart};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::HostId;
use http::StatusCode;

use super::auth::{Here, Json, Member};
use super::error::Refusal;
use crate::app::{push_agents, results};
use crate::http::answer;

/// `GET /api/edgewatch/v1/push-agents`: every agent that pushes.
#[worker::send]
pub async fn list(Here(app): Here, Member(caller): Member) -> Result<Response, Refusal> {
    let found = push_agents::list(&app, &caller).await.map_err(Refusal)?;
    let reply = PushAgentListReply { push_agents: found.into_iter().map(PushAgentPart::from).collect() };
    Ok(answer::json(200, answer::JSON, &reply))
}

/// `GET /api/edgewatch/v1/push-agents/{uuid}/checkdata`: what an agent pushed that is not accepted.
#[worker::send]
pub async fn checkdata(Here(app): Here, Member(caller): Member, Path(uuid): Path<String>) -> Result<Response, Refusal> {
    let json = results::of_agent(&app, &caller, &uuid).await.map_err(Refusal)?;
    Ok(answer::with_body(200, answer::JSON, json))
}

/// `POST /api/edgewatch/v1/push-agents/{uuid}/accept`: the agent speaks for a host.
#[worker::send]
pub async fn accept(
    Here(app): Here,
    Member(caller): Member,
    Path(uuid): Path<String>,
    Json(request): Json<AcceptRequest>,
) -> Result<Response, Refusal> {
    push_agents::accept(&app, &caller, &uuid, request.host.map(HostId)).await.map_err(Refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/edgewatch/v1/push-agents/{uuid}/register-again`: an agent that lost its password gets another one.
#[worker::send]
pub async fn register_again(
    Here(app): Here,
    Member(caller): Member,
    Path(uuid): Path<String>,
) -> Result<Response, Refusal> {
    push_agents::allow_again(&app, &caller, &uuid).await.map_err(Refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `DELETE /api/edgewatch/v1/push-agents/{uuid}`.
#[worker::send]
pub async fn remove(Here(app): Here, Member(caller): Member, Path(uuid): Path<String>) -> Result<Response, Refusal> {
    push_agents::remove(&app, &caller, &uuid).await.map_err(Refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /api/edgewatch/v1/hosts/{id}/checks`: what a host's agent checked last.
#[worker::send]
pub async fn checks(Here(app): Here, Member(caller): Member, Path(id): Path<String>) -> Result<Response, Refusal> {
    let found = results::checks(&app, &caller, host(&id)?).await.map_err(Refusal)?;
    Ok(answer::with_payload(200, answer::JSON, found))
}

/// `GET /api/edgewatch/v1/hosts/{id}/packages`: what is installed on a host, as its agent pushed it.
#[worker::send]
pub async fn packages(Here(app): Here, Member(caller): Member, Path(id): Path<String>) -> Result<Response, Refusal> {
    let json = results::packages(&app, &caller, host(&id)?).await.map_err(Refusal)?;
    Ok(answer::with_body(200, answer::JSON, json))
}

fn host(id: &str) -> Result<HostId, Refusal> {
    id.parse().map(HostId).map_err(|_| Refusal(Failure::NotFound { what: "host" }))
}
