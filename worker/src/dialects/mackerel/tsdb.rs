//! `/api/v0/tsdb`, and the metrics of hosts and services.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{
    HostValue, LatestReply, NamesReply, PointsReply, ServiceValue, read_latest_query, read_points_query,
};
use http::{Request, Uri};

use super::auth::{InPath, Onlooker, Poster, ReadsWrites};
use super::error::Refusal;
use super::hosts::{done, ok};
use crate::app::posted::{self, Of, Value};
use crate::http::{body, query};

/// A post may hold a day of minutes. Source: design, "The native API".
const CAP_BYTES: usize = 4 * 1024 * 1024;

/// `POST /tsdb`: values of hosts' metrics, stored when this is answered.
#[worker::send]
pub async fn record(Poster(app, reader, party): Poster, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let values = HostValue::parse(&body::read(&parts.headers, body, CAP_BYTES).await?)?;
    let values =
        values.into_iter().map(|one| Value { at: one.at(), host: one.host_id, name: one.name, value: one.value });
    posted::record(&app, &reader, &party, values.collect()).await?;
    Ok(done())
}

/// `GET /hosts/<id>/metrics?name=&from=&to=`: a metric's points, both ends included.
#[worker::send]
pub async fn points(
    Onlooker(app, reader, party): Onlooker,
    InPath(id): InPath<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let (name, from, to) = read_points_query(&query::pairs(uri.query()))?;
    let points = posted::points(&app, &reader, &party, Of::Host(&id), (&name, from, to)).await?;
    Ok(ok(&PointsReply::of(points)))
}

/// `GET /hosts/<id>/metric-names`: what a host has metrics of.
#[worker::send]
pub async fn names(Onlooker(app, reader, party): Onlooker, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    Ok(ok(&NamesReply { names: posted::names(&app, &reader, &party, Of::Host(&id)).await? }))
}

/// `GET /tsdb/latest?hostId=&name=`: the newest values.
#[worker::send]
pub async fn latest(Onlooker(app, reader, party): Onlooker, uri: Uri) -> Result<Response, Refusal> {
    let (hosts, names) = read_latest_query(&query::pairs(uri.query()))?;
    let latest = posted::latest(&app, &reader, &party, &hosts, &names).await?;
    Ok(ok(&LatestReply::of(&names, latest)))
}

/// `POST /services/<name>/tsdb`: values of a service's metrics.
#[worker::send]
pub async fn record_of_service(
    Poster(app, reader, party): Poster,
    InPath(service): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    party.of_all()?;
    let (parts, body) = request.into_parts();
    let values = ServiceValue::parse(&body::read(&parts.headers, body, CAP_BYTES).await?)?;
    let values = values.into_iter().map(|one| (one.at(), one)).map(|(at, one)| (one.name, at, one.value));
    posted::record_of_service(&app, &reader, &party, &service, values.collect()).await?;
    Ok(done())
}

/// `GET /services/<name>/metrics?name=&from=&to=`: as of a host.
#[worker::send]
pub async fn points_of_service(
    Onlooker(app, reader, party): Onlooker,
    InPath(service): InPath<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    party.of_all()?;
    let (name, from, to) = read_points_query(&query::pairs(uri.query()))?;
    let points = posted::points(&app, &reader, &party, Of::Service(&service), (&name, from, to)).await?;
    Ok(ok(&PointsReply::of(points)))
}

/// `GET /services/<name>/metric-names`: as of a host.
#[worker::send]
pub async fn names_of_service(
    Onlooker(app, reader, party): Onlooker,
    InPath(service): InPath<String>,
) -> Result<Response, Refusal> {
    Ok(ok(&NamesReply { names: posted::names(&app, &reader, &party, Of::Service(&service)).await? }))
}

/// `DELETE /services/<name>/graph-defs/<graph>`: the graph whose metrics' names begin so, up to the `*` at its end.
#[worker::send]
pub async fn delete_graph_of_service(
    ReadsWrites(app, party): ReadsWrites,
    InPath((service, graph)): InPath<(String, String)>,
) -> Result<Response, Refusal> {
    posted::graphs::delete(&app, &party, &service, &graph).await?;
    Ok(done())
}
