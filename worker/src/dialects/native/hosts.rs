//! `/api/edgewatch/v1/hosts` and `/api/edgewatch/v1/groups`.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::native::{
    CountedPart, GroupListReply, HostListReply, HostMadeReply, HostMetricsReply, HostPart, HostRequest,
    HostSecretReply, MergeRequest, OwnMetricPart,
};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{HostChange, HostId};
use http::{StatusCode, Uri};

use super::auth::{Here, Json, Member};
use super::error::Refusal;
use super::paging;
use crate::app::fleet::{self, HostMetrics};
use crate::app::merging::{self, Speaker};
use crate::http::{answer, query};

/// `GET /api/edgewatch/v1/hosts?cursor=&limit=`: hosts, by number.
#[worker::send]
pub async fn list(Here(app): Here, Member(caller): Member, uri: Uri) -> Result<Response, Refusal> {
    let pairs = query::pairs(uri.query());
    let limit = paging::limit(&pairs)?;
    let after = paging::cursor(&pairs).map_or(Ok(0), str::parse).map_err(|_| {
        let reason = "what the page before gave as its cursor".to_owned();
        Refusal(Failure::Invalid { field: "cursor".to_owned(), reason })
    })?;
    let found = fleet::list(&app, &caller, HostId(after), limit).await.map_err(Refusal)?;
    let cursor = paging::next(&found, limit, |detailed| detailed.host.id.0.to_string());
    let reply = HostListReply { hosts: found.into_iter().map(HostPart::from).collect(), cursor };
    Ok(answer::json(200, answer::JSON, &reply))
}

/// `GET /api/edgewatch/v1/hosts/{id}`: one host, with what it is made of.
#[worker::send]
pub async fn show(Here(app): Here, Member(caller): Member, Path(id): Path<String>) -> Result<Response, Refusal> {
    let found = fleet::show(&app, &caller, number(&id)?).await.map_err(Refusal)?;
    Ok(answer::json(200, answer::JSON, &HostPart::whole(found)))
}

/// `POST /api/edgewatch/v1/hosts`: a new host, and its agent's secret this once.
#[worker::send]
pub async fn create(
    Here(app): Here,
    Member(caller): Member,
    Json(request): Json<HostRequest>,
) -> Result<Response, Refusal> {
    let wanted = HostChange::try_from(request).map_err(Refusal)?;
    if wanted.name.is_none() {
        let reason = "a new host needs one".to_owned();
        return Err(Refusal(Failure::Invalid { field: "name".to_owned(), reason }));
    }
    let (made, secret) = fleet::create(&app, &caller, wanted).await.map_err(Refusal)?;
    Ok(answer::json(201, answer::JSON, &HostMadeReply { host: HostPart::whole(made), secret }))
}

/// `PATCH /api/edgewatch/v1/hosts/{id}`: what is named changes, the rest stays.
#[worker::send]
pub async fn change(
    Here(app): Here,
    Member(caller): Member,
    Path(id): Path<String>,
    Json(request): Json<HostRequest>,
) -> Result<Response, Refusal> {
    let id = number(&id)?;
    let wanted = HostChange::try_from(request).map_err(Refusal)?;
    let changed = fleet::change(&app, &caller, id, &wanted).await.map_err(Refusal)?;
    Ok(answer::json(200, answer::JSON, &HostPart::whole(changed)))
}

/// `DELETE /api/edgewatch/v1/hosts/{id}`: the host is retired.
#[worker::send]
pub async fn retire(Here(app): Here, Member(caller): Member, Path(id): Path<String>) -> Result<Response, Refusal> {
    fleet::retire(&app, &caller, number(&id)?).await.map_err(Refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/edgewatch/v1/hosts/{id}/secret`: another secret for the host's agent.
#[worker::send]
pub async fn renew_secret(
    Here(app): Here,
    Member(caller): Member,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let secret = fleet::renew_secret(&app, &caller, number(&id)?).await.map_err(Refusal)?;
    Ok(answer::json(200, answer::JSON, &HostSecretReply { secret }))
}

/// `POST /api/edgewatch/v1/hosts/{id}/merge`: the host becomes a part of another one, which is the answer.
#[worker::send]
pub async fn merge(
    Here(app): Here,
    Member(caller): Member,
    Path(id): Path<String>,
    Json(request): Json<MergeRequest>,
) -> Result<Response, Refusal> {
    let reason = || Failure::Invalid { field: "credential".to_owned(), reason: "kept or absorbed".to_owned() };
    let speaker = request.credential.as_deref().map(|word| match word {
        "kept" => Ok(Speaker::Kept),
        "absorbed" => Ok(Speaker::Absorbed),
        _ => Err(Refusal(reason())),
    });
    let (absorbed, into) = (number(&id)?, HostId(request.into));
    let kept = merging::merge(&app, &caller, absorbed, into, speaker.transpose()?).await.map_err(Refusal)?;
    Ok(answer::json(200, answer::JSON, &HostPart::whole(kept)))
}

/// `GET /api/edgewatch/v1/hosts/{id}/metrics`: what can be asked of a host's history.
#[worker::send]
pub async fn metrics(Here(app): Here, Member(caller): Member, Path(id): Path<String>) -> Result<Response, Refusal> {
    let found = fleet::metrics(&app, &caller, number(&id)?).await.map_err(Refusal)?;
    let own = found.own.into_iter().map(|(name, unit)| OwnMetricPart { name, unit }).collect();
    let HostMetrics { built_in, probes, has_checks, has_packages, .. } = found;
    let reply = HostMetricsReply { built_in, own, probes, checks: has_checks, packages: has_packages };
    Ok(answer::json(200, answer::JSON, &reply))
}

/// `GET /api/edgewatch/v1/groups`: groups and labels, with how many hosts.
#[worker::send]
pub async fn groups(Here(app): Here, Member(caller): Member) -> Result<Response, Refusal> {
    let (groups, tags) = fleet::groups(&app, &caller).await.map_err(Refusal)?;
    let parts = |all: Vec<_>| all.into_iter().map(CountedPart::from).collect();
    Ok(answer::json(200, answer::JSON, &GroupListReply { groups: parts(groups), tags: parts(tags) }))
}

pub(super) fn number(id: &str) -> Result<HostId, Refusal> {
    id.parse().ok().filter(|id| *id > 0).map(HostId).ok_or(Refusal(Failure::NotFound { what: "host" }))
}
