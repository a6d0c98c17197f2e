//! `/api/edgewatch/v1/channels` and `/api/edgewatch/v1/events`.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::native::{
    ChannelChangeRequest, ChannelKindPart, ChannelKindsReply, ChannelListReply, ChannelPart, ChannelRequest,
    ChannelTestReply, EventListReply, EventPart,
};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::HostId;
use http::{StatusCode, Uri};

use super::auth::{Here, Json, Member};
use super::error::Refusal;
use super::paging;
use crate::app::{channels, fleet};
use crate::http::{answer, query};

/// `GET /api/edgewatch/v1/channels`: every channel, its secrets masked.
#[worker::send]
pub async fn list(Here(app): Here, Member(caller): Member) -> Result<Response, Refusal> {
    let found = channels::list(&app, &caller).await.map_err(Refusal)?;
    let reply = ChannelListReply { channels: found.into_iter().map(ChannelPart::from).collect() };
    Ok(answer::json(200, answer::JSON, &reply))
}

/// `GET /api/edgewatch/v1/channels/kinds`: every kind with its settings.
#[worker::send]
pub async fn kinds(Member(caller): Member) -> Result<Response, Refusal> {
    let kinds = channels::kinds(&caller).map_err(Refusal)?.into_iter().map(ChannelKindPart::from).collect();
    Ok(answer::json(200, answer::JSON, &ChannelKindsReply { kinds }))
}

/// `POST /api/edgewatch/v1/channels`: a new channel.
#[worker::send]
pub async fn create(
    Here(app): Here,
    Member(caller): Member,
    Json(request): Json<ChannelRequest>,
) -> Result<Response, Refusal> {
    let draft = request.into_draft().map_err(Refusal)?;
    let made = channels::create(&app, &caller, draft).await.map_err(Refusal)?;
    Ok(answer::json(201, answer::JSON, &ChannelPart::from(made)))
}

/// `PATCH /api/edgewatch/v1/channels/{id}`: what is named changes, the rest stays.
#[worker::send]
pub async fn update(
    Here(app): Here,
    Member(caller): Member,
    Path(id): Path<String>,
    Json(request): Json<ChannelChangeRequest>,
) -> Result<Response, Refusal> {
    let change = request.into_change().map_err(Refusal)?;
    let changed = channels::update(&app, &caller, number(&id)?, change).await.map_err(Refusal)?;
    Ok(answer::json(200, answer::JSON, &ChannelPart::from(changed)))
}

/// `DELETE /api/edgewatch/v1/channels/{id}`.
#[worker::send]
pub async fn remove(Here(app): Here, Member(caller): Member, Path(id): Path<String>) -> Result<Response, Refusal> {
    channels::delete(&app, &caller, number(&id)?).await.map_err(Refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/edgewatch/v1/channels/{id}/test`: sends a test notification at once and says what came of it.
#[worker::send]
pub async fn test(Here(app): Here, Member(caller): Member, Path(id): Path<String>) -> Result<Response, Refusal> {
    let sent = channels::test(&app, &caller, number(&id)?).await.map_err(Refusal)?;
    Ok(answer::json(200, answer::JSON, &ChannelTestReply::from(sent)))
}

/// `GET /api/edgewatch/v1/events?host=&cursor=&limit=`: what happened, to one host or at all, newest first.
#[worker::send]
pub async fn events(Here(app): Here, Member(caller): Member, uri: Uri) -> Result<Response, Refusal> {
    let pairs = query::pairs(uri.query());
    let (limit, before) = (paging::limit(&pairs)?, paging::cursor(&pairs));
    let found = match query::first(&pairs, "host") {
        "" => channels::list_events(&app, &caller, before, limit).await,
        host => fleet::events(&app, &caller, host_number(host)?, before, limit).await,
    };
    let found = found.map_err(Refusal)?;
    let cursor = paging::next(&found, limit, |event| event.key.clone());
    let events = found.into_iter().map(EventPart::from).collect();
    Ok(answer::json(200, answer::JSON, &EventListReply { events, cursor }))
}

fn host_number(text: &str) -> Result<HostId, Refusal> {
    let reason = "a host's number".to_owned();
    text.parse().map(HostId).map_err(|_| Refusal(Failure::Invalid { field: "host".to_owned(), reason }))
}

fn number(id: &str) -> Result<i64, Refusal> {
    id.parse().map_err(|_| Refusal(Failure::NotFound { what: "channel" }))
}
