//! `/api/edgewatch/v1/channels` and `/api/edgewatch/v1/events`.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::native::{
    ChannelChangeRequest, ChannelKindPart, ChannelKindsReply, ChannelListReply, ChannelPart, ChannelRequest,
    ChannelTestReply, EventListReply, EventPart,
};
use edgewatch_core::failure::Failure;
use http::{StatusCode, Uri};

use super::auth::{Here, Json, Member};
use super::error::Refusal;
use crate::app::channels;
use crate::http::{answer, query};

/// How many events a page has at most, and when nothing is said.
const MAX_LIMIT: u32 = 500;
const DEFAULT_LIMIT: u32 = 100;

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

/// `GET /api/edgewatch/v1/events?cursor=&limit=`: what happened, newest first.
#[worker::send]
pub async fn events(Here(app): Here, Member(caller): Member, uri: Uri) -> Result<Response, Refusal> {
    let pairs = query::pairs(uri.query());
    let limit = match query::first(&pairs, "limit") {
        "" => DEFAULT_LIMIT,
        text => text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
            let reason = "a number from 1 to 500".to_owned();
            Refusal(Failure::Invalid { field: "limit".to_owned(), reason })
        })?,
    };
    let before = Some(query::first(&pairs, "cursor")).filter(|cursor| !cursor.is_empty());
    let found = channels::list_events(&app, &caller, before, limit).await.map_err(Refusal)?;
    let full = u32::try_from(found.len()).is_ok_and(|count| count == limit);
    let cursor = found.last().filter(|_| full).map(|event| event.key.clone());
    Ok(answer::json(
        200,
        answer::JSON,
        &EventListReply { events: found.into_iter().map(EventPart::from).collect(), cursor },
    ))
}

fn number(id: &str) -> Result<i64, Refusal> {
    id.parse().map_err(|_| Refusal(Failure::NotFound { what: "channel" }))
}
