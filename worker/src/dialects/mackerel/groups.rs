//! `/api/v0/notification-groups`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{NotificationGroupListReply, NotificationGroupPart, NotificationGroupRequest};
use edgewatch_core::model::NotificationGroup;
use http::Request;

use super::auth::{InPath, Reads, ReadsWrites, read};
use super::error::Refusal;
use super::hosts::ok;
use crate::app::App;
use crate::app::mackerel::{Kept, groups};

async fn bare(app: &App, group: Kept<NotificationGroup>) -> Result<Response, Refusal> {
    let defaults = groups::defaults(app).await?;
    Ok(ok(&NotificationGroupPart::of(group.id, group.value, &defaults)))
}

/// `GET /notification-groups`: all of them.
#[worker::send]
pub async fn list(Reads(app, party): Reads) -> Result<Response, Refusal> {
    let (groups, defaults) = groups::list(&app, &party).await?;
    let part = |group: Kept<_>| NotificationGroupPart::of(group.id, group.value, &defaults);
    Ok(ok(&NotificationGroupListReply { notification_groups: groups.into_iter().map(part).collect() }))
}

/// `POST /notification-groups`: a new one.
#[worker::send]
pub async fn create(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    party.of_all()?;
    let group = NotificationGroupRequest::parse(&read(request).await?)?.checked()?;
    bare(&app, groups::create(&app, &party, group).await?).await
}

/// `PUT /notification-groups/<id>`: in the place of what it was.
#[worker::send]
pub async fn update(
    ReadsWrites(app, party): ReadsWrites,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    party.of_all()?;
    let said = NotificationGroupRequest::parse(&read(request).await?)?;
    bare(&app, groups::update(&app, &party, &id, || said.checked()).await?).await
}

/// `DELETE /notification-groups/<id>`: gives it as it was.
#[worker::send]
pub async fn delete(ReadsWrites(app, party): ReadsWrites, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    bare(&app, groups::delete(&app, &party, &id).await?).await
}
