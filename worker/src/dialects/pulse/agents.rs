//! Stock agents that report hosts, and what they ask. Source: pulse specification, 16.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::pulse::{
    AgentConfigReply, DockerReply, DockerReport, HostLookup, HostReport, HostReportReply, LookupReply,
    MAX_REPORT_BYTES, Refused, RemovedReply, is_same_name, no_host,
};
use edgewatch_core::failure::Failure;
use edgewatch_core::units::UnixMillis;
use http::{HeaderMap, Request, Uri};

use super::auth::{self, InPath, Known};
use super::error::Refusal;
use crate::app::App;
use crate::app::ingest::Origin;
use crate::app::pulse::agents::{self, Reporter, Told};
use crate::dialects::{Caller, context};
use crate::http::{answer, body, client, query};

/// How far back a report may reach, ms: agents keep an hour or so. What is older was measured by a clock that is wrong.
const MAX_AGE_MS: i64 = 86_400_000;

/// What a report came with.
struct Came {
    app: App,
    reporter: Reporter,
    origin: Origin,
    body: Vec<u8>,
}

async fn came(request: Request<Body>) -> Result<Came, Refusal> {
    let (parts, content) = request.into_parts();
    let app = context::app(&parts.extensions)?;
    let reporter = agents::reporter(&app, &auth::shown(&parts, None)).await?;
    let from = Caller::of(&parts);
    let origin = Origin { addresses: client::addresses(from.address), country_code: from.country_code };
    let content = body::read(&parts.headers, content, MAX_REPORT_BYTES).await?;
    let body = plain(&parts.headers, content).await?;
    Ok(Came { app, reporter, origin, body })
}

/// The body as it was before it was packed.
async fn plain(headers: &HeaderMap, content: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    match body::plain(headers, content, MAX_REPORT_BYTES).await {
        Ok(Some(plain)) => Ok(plain),
        Ok(None) => Err(Refused::new(415, "unsupported_encoding", "Content-Encoding must be gzip or identity").into()),
        Err(Failure::Malformed { .. }) => {
            Err(Refused::new(400, "invalid_json", "Failed to decode request body").into())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Takes a report; gives the host's id and when it was measured.
async fn take(came: &Came, report: &HostReport) -> Result<(String, UnixMillis), Refusal> {
    let now = came.app.now;
    let is_likely = |at: &UnixMillis| at.0 <= now.0 && now.0.saturating_sub(at.0) <= MAX_AGE_MS;
    let at = report.measured_at().filter(is_likely).unwrap_or(now);
    let told = Told {
        identity: report.identity(),
        name: report.name(),
        group: report.tags().into_iter().next().unwrap_or_default(),
        agent_version: report.agent_version(),
        period_s: report.period_s(),
        sample: report.sample(at),
        facts: report.facts(at),
        origin: came.origin.clone(),
    };
    match agents::report(&came.app, &came.reporter, &told).await {
        Ok(uuid) => Ok((uuid, at)),
        Err(Failure::Forbidden { .. }) => {
            Err(Refused::new(403, "missing_scope", "The token lacks the scope host-agent:report").into())
        }
        Err(Failure::Conflict { detail }) => Err(Refused::new(400, "invalid_report", detail).into()),
        Err(failure) => Err(failure.into()),
    }
}

/// `POST /api/agents/host/report`, `POST /api/agents/agent/report`: a host.
#[worker::send]
pub async fn report(request: Request<Body>) -> Result<Response, Refusal> {
    let came = came(request).await?;
    let report = HostReport::parse(&came.body)?;
    let (id, at) = take(&came, &report).await?;
    Ok(answer::json(200, answer::JSON, &HostReportReply::of(&report, &id, at)))
}

/// `POST /api/agents/docker/report`: a host with its containers.
#[worker::send]
pub async fn docker(request: Request<Body>) -> Result<Response, Refusal> {
    let came = came(request).await?;
    let report = DockerReport::parse(&came.body)?;
    let (id, at) = take(&came, &report.host).await?;
    Ok(answer::json(200, answer::JSON, &DockerReply::new(&report, &id, at)))
}

/// `GET /api/agents/host/lookup?id=` or `?hostname=`: a host.
#[worker::send]
pub async fn lookup(Known(app, caller): Known, uri: Uri) -> Result<Response, Refusal> {
    let pairs = query::pairs(uri.query());
    let wanted = HostLookup::of_query(Some(query::first(&pairs, "id")), Some(query::first(&pairs, "hostname")))?;
    let found = match &wanted {
        HostLookup::Id(id) => agents::by_id(&app, &caller, id).await,
        HostLookup::Name(name) => {
            let short = name.split('.').next().unwrap_or(name);
            agents::by_name(&app, &caller, short, |known| is_same_name(known, name)).await
        }
    };
    match found {
        Ok(host) => Ok(answer::json(200, answer::JSON, &LookupReply::from(&host))),
        Err(Failure::Forbidden { .. }) => {
            Err(Refused::new(403, "host_lookup_forbidden", "The token may not look up hosts").into())
        }
        Err(failure) => Err(or_no_host(failure)),
    }
}

/// `GET /api/agents/host/{id}/config`, `GET /api/agents/agent/{id}/config`: what an agent is to do, which is nothing.
#[worker::send]
pub async fn config(Known(app, caller): Known, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    let host = agents::by_id(&app, &caller, &id).await.map_err(or_no_host)?;
    Ok(answer::json(200, answer::JSON, &AgentConfigReply::new(host.uuid)))
}

/// `DELETE /api/agents/host/{id}`: retires a host.
#[worker::send]
pub async fn remove(Known(app, caller): Known, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    let id = agents::remove(&app, &caller, &id).await.map_err(or_no_host)?;
    Ok(answer::json(200, answer::JSON, &RemovedReply::new(id)))
}

fn or_no_host(failure: Failure) -> Refusal {
    if matches!(failure, Failure::NotFound { .. }) { no_host().into() } else { failure.into() }
}
