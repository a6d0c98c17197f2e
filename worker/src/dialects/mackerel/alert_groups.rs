//! `/api/v0/alert-group-settings`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{AlertGroupSettingListReply, AlertGroupSettingPart, AlertGroupSettingRequest};
use edgewatch_core::model::AlertGroupSetting;
use http::Request;

use super::auth::{InPath, Reads, ReadsWrites, read};
use super::error::Refusal;
use super::hosts::ok;
use crate::app::mackerel::{Kept, alert_groups};

fn part(setting: Kept<AlertGroupSetting>) -> AlertGroupSettingPart {
    AlertGroupSettingPart::of(setting.id, setting.value)
}

/// `GET /alert-group-settings`: all of them.
#[worker::send]
pub async fn list(Reads(app, party): Reads) -> Result<Response, Refusal> {
    let alert_group_settings = alert_groups::list(&app, &party).await?.into_iter().map(part).collect();
    Ok(ok(&AlertGroupSettingListReply { alert_group_settings }))
}

/// `GET /alert-group-settings/<id>`.
#[worker::send]
pub async fn show(Reads(app, party): Reads, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    Ok(ok(&part(alert_groups::show(&app, &party, &id).await?)))
}

/// `POST /alert-group-settings`: a new one.
#[worker::send]
pub async fn create(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    party.of_all()?;
    let setting = AlertGroupSettingRequest::parse(&read(request).await?)?.checked()?;
    Ok(ok(&part(alert_groups::create(&app, &party, setting).await?)))
}

/// `PUT /alert-group-settings/<id>`: in the place of what it was.
#[worker::send]
pub async fn update(
    ReadsWrites(app, party): ReadsWrites,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    party.of_all()?;
    let said = AlertGroupSettingRequest::parse(&read(request).await?)?;
    Ok(ok(&part(alert_groups::update(&app, &party, &id, || said.checked()).await?)))
}

/// `DELETE /alert-group-settings/<id>`: gives it as it was.
#[worker::send]
pub async fn delete(ReadsWrites(app, party): ReadsWrites, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    Ok(ok(&part(alert_groups::delete(&app, &party, &id).await?)))
}
