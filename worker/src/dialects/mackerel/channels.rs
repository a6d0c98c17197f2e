//! `/api/v0/channels`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{ChannelListReply, ChannelPart, ChannelRequest};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::ListedChannel;
use http::Request;

use super::auth::{InPath, Reads, ReadsWrites, read};
use super::error::Refusal;
use super::hosts::ok;
use crate::app::mackerel::{Kept, channels};

fn bare(channel: Kept<ListedChannel>) -> Result<Response, Refusal> {
    let part = ChannelPart::of(channel.id, &channel.value);
    Ok(ok(&part.ok_or_else(|| Failure::Internal("a channel of another type".to_owned()))?))
}

/// `GET /channels`: those of the types that every client knows.
#[worker::send]
pub async fn list(Reads(app, party): Reads) -> Result<Response, Refusal> {
    let all = channels::list(&app, &party).await?;
    let channels = all.into_iter().filter_map(|channel| ChannelPart::of(channel.id, &channel.value)).collect();
    Ok(ok(&ChannelListReply { channels }))
}

/// `POST /channels`: a new one.
#[worker::send]
pub async fn create(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    party.of_all()?;
    let wish = ChannelRequest::parse(&read(request).await?)?.checked()?;
    bare(channels::create(&app, &party, wish).await?)
}

/// `PUT /channels/<id>`: in the place of what it was.
#[worker::send]
pub async fn update(
    ReadsWrites(app, party): ReadsWrites,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    party.of_all()?;
    let said = ChannelRequest::parse(&read(request).await?)?;
    bare(channels::update(&app, &party, &id, || said.checked()).await?)
}

/// `DELETE /channels/<id>`: gives it as it was.
#[worker::send]
pub async fn delete(ReadsWrites(app, party): ReadsWrites, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    bare(channels::delete(&app, &party, &id).await?)
}
