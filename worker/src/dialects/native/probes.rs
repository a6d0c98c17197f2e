//! `/api/edgewatch/v1/probes`.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::native::{
    DayPart, EdgeSummary, NotePart, ProbeFull, ProbeListReply, ProbeRequest, ProbeSummary, ProbeSummaryReply,
};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::ProbeId;
use http::StatusCode;

use super::auth::{Here, Json, Member, Visiting};
use super::error::Refusal;
use crate::app::probes::{self, Fared, Figures};
use crate::app::visitor::Visitor;
use crate::http::answer;

/// `GET /api/edgewatch/v1/probes`: every probe.
#[worker::send]
pub async fn list(Here(app): Here, Member(caller): Member) -> Result<Response, Refusal> {
    let found = probes::list(&app, &caller).await.map_err(Refusal)?;
    let reply = ProbeListReply { probes: found.into_iter().map(ProbeFull::from).collect() };
    Ok(answer::json(200, answer::JSON, &reply))
}

/// `GET /api/edgewatch/v1/probes/{id}`.
#[worker::send]
pub async fn show(Here(app): Here, Member(caller): Member, Path(id): Path<String>) -> Result<Response, Refusal> {
    let found = probes::find(&app, &caller, number(&id)?).await.map_err(Refusal)?;
    Ok(answer::json(200, answer::JSON, &ProbeFull::from(found)))
}

/// `POST /api/edgewatch/v1/probes`: a new probe.
#[worker::send]
pub async fn create(
    Here(app): Here,
    Member(caller): Member,
    Json(request): Json<ProbeRequest>,
) -> Result<Response, Refusal> {
    let spec = request.into_spec().map_err(Refusal)?;
    let id = probes::create(&app, &caller, spec).await.map_err(Refusal)?;
    let made = probes::find(&app, &caller, id).await.map_err(Refusal)?;
    Ok(answer::json(201, answer::JSON, &ProbeFull::from(made)))
}

/// `PUT /api/edgewatch/v1/probes/{id}`: another probe in the place of this one.
#[worker::send]
pub async fn replace(
    Here(app): Here,
    Member(caller): Member,
    Path(id): Path<String>,
    Json(request): Json<ProbeRequest>,
) -> Result<Response, Refusal> {
    let (id, spec) = (number(&id)?, request.into_spec().map_err(Refusal)?);
    probes::update(&app, &caller, id, spec, false).await.map_err(Refusal)?;
    let now = probes::find(&app, &caller, id).await.map_err(Refusal)?;
    Ok(answer::json(200, answer::JSON, &ProbeFull::from(now)))
}

/// `DELETE /api/edgewatch/v1/probes/{id}`.
#[worker::send]
pub async fn remove(Here(app): Here, Member(caller): Member, Path(id): Path<String>) -> Result<Response, Refusal> {
    probes::delete(&app, &caller, number(&id)?).await.map_err(Refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /api/edgewatch/v1/probes/summary`: how probes fared in thirty days; to guests the public ones.
#[worker::send]
pub async fn summary(Here(app): Here, Visiting(visitor): Visiting) -> Result<Response, Refusal> {
    let (today, fared) = probes::summary(&app, &visitor).await.map_err(Refusal)?;
    let is_member = matches!(visitor, Visitor::Member(_));
    let part = |one: Fared| part(one, is_member);
    let reply = ProbeSummaryReply { today, probes: fared.into_iter().map(part).collect() };
    Ok(answer::json(200, answer::JSON, &reply))
}

fn part(Fared { probe, by_hosts, by_edge, notes }: Fared, is_member: bool) -> ProbeSummary {
    let spec = probe.spec;
    ProbeSummary {
        id: probe.id.0,
        name: spec.name,
        kind: spec.kind.word(),
        target: is_member.then_some(spec.target),
        state: by_hosts.state.word(),
        delay_ms: by_hosts.delay_ms,
        tls_expires_s: by_hosts.tls_expires_s,
        days: days(&by_hosts),
        notes: is_member.then(|| notes.into_iter().map(|(host, text)| NotePart { host, text }).collect()),
        edge: by_edge.map(|figures| EdgeSummary {
            place: "edge",
            state: figures.state.word(),
            delay_ms: figures.delay_ms,
            days: days(&figures),
        }),
    }
}

fn days(figures: &Figures) -> Vec<DayPart> {
    figures.days.iter().map(|(results, up_percent)| DayPart { results: *results, up_percent: *up_percent }).collect()
}

fn number(id: &str) -> Result<ProbeId, Refusal> {
    id.parse().map(ProbeId).map_err(|_| Refusal(Failure::NotFound { what: "probe" }))
}
