//! `/api/v0/graph-annotations`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{
    GraphAnnotationListReply, GraphAnnotationPart, GraphAnnotationRequest, read_annotation_query,
};
use edgewatch_core::model::GraphAnnotation;
use http::{Request, Uri};

use super::auth::{InPath, Reads, ReadsWrites, read};
use super::error::Refusal;
use super::hosts::ok;
use crate::app::mackerel::{Kept, annotations};
use crate::http::query;

fn part(annotation: Kept<GraphAnnotation>) -> GraphAnnotationPart {
    GraphAnnotationPart::of(annotation.id, annotation.value)
}

/// `GET /graph-annotations?service=&from=&to=`: what was noted of a service and touches that time.
#[worker::send]
pub async fn list(Reads(app, party): Reads, uri: Uri) -> Result<Response, Refusal> {
    party.of_all()?;
    let (service, from, to) = read_annotation_query(&query::pairs(uri.query()))?;
    let found = annotations::list(&app, &party, &service, (from, to)).await?;
    Ok(ok(&GraphAnnotationListReply { graph_annotations: found.into_iter().map(part).collect() }))
}

/// `POST /graph-annotations`: a new one.
#[worker::send]
pub async fn create(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    party.of_all()?;
    let said = GraphAnnotationRequest::parse(&read(request).await?)?;
    let service = said.service().to_owned();
    Ok(ok(&part(annotations::create(&app, &party, &service, || said.checked()).await?)))
}

/// `PUT /graph-annotations/<id>`: in the place of what it was.
#[worker::send]
pub async fn update(
    ReadsWrites(app, party): ReadsWrites,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    party.of_all()?;
    let said = GraphAnnotationRequest::parse(&read(request).await?)?;
    let service = said.service().to_owned();
    Ok(ok(&part(annotations::update(&app, &party, (&id, &service), || said.checked()).await?)))
}

/// `DELETE /graph-annotations/<id>`: gives it as it was.
#[worker::send]
pub async fn delete(ReadsWrites(app, party): ReadsWrites, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    Ok(ok(&part(annotations::delete(&app, &party, &id).await?)))
}
