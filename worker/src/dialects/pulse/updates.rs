//! Updates of the server. Source: pulse specification, 14.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::pulse::{
    Limited, Refused, UpdateReply, UpdateStartedReply, UpdateStatusReply, VERSION, read_download,
};
use edgewatch_core::failure::Failure;
use http::Request;

use super::auth::{self, Here, Known, Looks};
use super::error::Refusal;
use crate::app::App;
use crate::app::identity::require_admin;
use crate::app::pulse::{system, updates};
use crate::http::{answer, query};

/// `GET /api/updates/check?channel=`: whether there is a newer release. Every request counts, who asks is looked at after that.
#[worker::send]
pub async fn check(Here(app): Here, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    auth::count(&app, &parts, Limited::UpdateCheck).await?;
    auth::visitor(&app, &parts).await?;
    let pairs = query::pairs(parts.uri.query());
    let reply = found(&app, query::first(&pairs, "channel")).await.map_err(|failure| in_words(&failure))?;
    Ok(answer::json(200, answer::JSON, &reply))
}

async fn found(app: &App, channel: &str) -> Result<UpdateReply, Failure> {
    let Some(feed) = updates::feed(app).await? else { return Ok(UpdateReply::unmanaged(VERSION)) };
    let channel = if channel.is_empty() { system::find(app).await?.update_channel } else { channel.to_owned() };
    // The releases are ours: the version that programs take us for says nothing of them.
    let reply = UpdateReply::of_feed(&updates::own_version(), &channel, &feed)?;
    updates::note_checked(app, reply.available.then_some(reply.latest_version.as_str())).await?;
    Ok(reply)
}

fn in_words(failure: &Failure) -> Refusal {
    answer::note(failure, "pulse.updates");
    Refused::new(500, "internal_error", "Failed to check for updates").into()
}

/// `POST /api/updates/apply`: has the configured hook deploy a release.
#[worker::send]
pub async fn apply(Known(app, caller): Known, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let url = read_download(&auth::read(request).await?, &updates::download_prefix(&app))?;
    updates::apply(&app, &caller, &url).await?;
    Ok(answer::json(200, answer::JSON, &UpdateStartedReply::STARTED))
}

/// `GET /api/updates/status`: how far it is.
#[worker::send]
pub async fn status(Looks(app, _): Looks) -> Result<Response, Refusal> {
    Ok(answer::json(200, answer::JSON, &UpdateStatusReply::from(&updates::status(&app).await?)))
}
