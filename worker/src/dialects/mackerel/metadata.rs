//! `…/metadata` of hosts, services and roles: the same four calls for each.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{MAX_DOCUMENT_BYTES, MetadataListReply, check_namespace, read_document};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{MetadataOwner, RoleName};
use edgewatch_core::units::calendar::format_header;
use http::{HeaderValue, Request, header};

use super::auth::{InPath, Reads, ReadsWrites, read_up_to};
use super::error::Refusal;
use super::hosts::{done, ok};
use crate::app::App;
use crate::app::identity::Party;
use crate::app::mackerel::metadata;
use crate::http::answer;

async fn list(app: &App, party: &Party, owner: &MetadataOwner) -> Result<Response, Refusal> {
    Ok(ok(&MetadataListReply::of(metadata::list(app, party, owner).await?)))
}

/// The document itself. Quirk: the Go client needs to know when it was put there.
async fn show(app: &App, party: &Party, owner: &MetadataOwner, namespace: &str) -> Result<Response, Refusal> {
    let document = metadata::show(app, party, owner, namespace).await?;
    let mut response = answer::with_body(200, answer::JSON, document.json.into_bytes());
    let at = HeaderValue::from_str(&format_header(document.updated_at, "GMT"));
    let at = at.map_err(|error| Failure::Internal(error.to_string()))?;
    response.headers_mut().insert(header::LAST_MODIFIED, at);
    Ok(response)
}

async fn put(
    app: &App,
    party: &Party,
    owner: &MetadataOwner,
    namespace: &str,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let document = read_document(&read_up_to(MAX_DOCUMENT_BYTES, request).await?)?;
    metadata::put(app, party, owner, namespace, document, || check_namespace(namespace)).await?;
    Ok(done())
}

async fn delete(app: &App, party: &Party, owner: &MetadataOwner, namespace: &str) -> Result<Response, Refusal> {
    metadata::delete(app, party, owner, namespace).await?;
    Ok(done())
}

/// `GET /hosts/<id>/metadata`.
#[worker::send]
pub async fn list_of_host(Reads(app, party): Reads, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    list(&app, &party, &MetadataOwner::Host(id)).await
}

/// `GET /hosts/<id>/metadata/<namespace>`.
#[worker::send]
pub async fn show_of_host(
    Reads(app, party): Reads,
    InPath((id, namespace)): InPath<(String, String)>,
) -> Result<Response, Refusal> {
    show(&app, &party, &MetadataOwner::Host(id), &namespace).await
}

/// `PUT /hosts/<id>/metadata/<namespace>`.
#[worker::send]
pub async fn put_of_host(
    ReadsWrites(app, party): ReadsWrites,
    InPath((id, namespace)): InPath<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    put(&app, &party, &MetadataOwner::Host(id), &namespace, request).await
}

/// `DELETE /hosts/<id>/metadata/<namespace>`.
#[worker::send]
pub async fn delete_of_host(
    ReadsWrites(app, party): ReadsWrites,
    InPath((id, namespace)): InPath<(String, String)>,
) -> Result<Response, Refusal> {
    delete(&app, &party, &MetadataOwner::Host(id), &namespace).await
}

/// `GET /services/<name>/metadata`.
#[worker::send]
pub async fn list_of_service(Reads(app, party): Reads, InPath(name): InPath<String>) -> Result<Response, Refusal> {
    list(&app, &party, &MetadataOwner::Service(name)).await
}

/// `GET /services/<name>/metadata/<namespace>`.
#[worker::send]
pub async fn show_of_service(
    Reads(app, party): Reads,
    InPath((name, namespace)): InPath<(String, String)>,
) -> Result<Response, Refusal> {
    show(&app, &party, &MetadataOwner::Service(name), &namespace).await
}

/// `PUT /services/<name>/metadata/<namespace>`.
#[worker::send]
pub async fn put_of_service(
    ReadsWrites(app, party): ReadsWrites,
    InPath((name, namespace)): InPath<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    party.of_all()?;
    put(&app, &party, &MetadataOwner::Service(name), &namespace, request).await
}

/// `DELETE /services/<name>/metadata/<namespace>`.
#[worker::send]
pub async fn delete_of_service(
    ReadsWrites(app, party): ReadsWrites,
    InPath((name, namespace)): InPath<(String, String)>,
) -> Result<Response, Refusal> {
    delete(&app, &party, &MetadataOwner::Service(name), &namespace).await
}

/// `GET /services/<name>/roles/<role>/metadata`.
#[worker::send]
pub async fn list_of_role(
    Reads(app, party): Reads,
    InPath((service, role)): InPath<(String, String)>,
) -> Result<Response, Refusal> {
    list(&app, &party, &MetadataOwner::Role(RoleName { service, role })).await
}

/// `GET /services/<name>/roles/<role>/metadata/<namespace>`.
#[worker::send]
pub async fn show_of_role(
    Reads(app, party): Reads,
    InPath((service, role, namespace)): InPath<(String, String, String)>,
) -> Result<Response, Refusal> {
    show(&app, &party, &MetadataOwner::Role(RoleName { service, role }), &namespace).await
}

/// `PUT /services/<name>/roles/<role>/metadata/<namespace>`.
#[worker::send]
pub async fn put_of_role(
    ReadsWrites(app, party): ReadsWrites,
    InPath((service, role, namespace)): InPath<(String, String, String)>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    party.of_all()?;
    put(&app, &party, &MetadataOwner::Role(RoleName { service, role }), &namespace, request).await
}

/// `DELETE /services/<name>/roles/<role>/metadata/<namespace>`.
#[worker::send]
pub async fn delete_of_role(
    ReadsWrites(app, party): ReadsWrites,
    InPath((service, role, namespace)): InPath<(String, String, String)>,
) -> Result<Response, Refusal> {
    delete(&app, &party, &MetadataOwner::Role(RoleName { service, role }), &namespace).await
}
