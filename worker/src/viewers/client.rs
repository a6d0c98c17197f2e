//! How the Worker and the hub reach the viewers' object.

use edgewatch_core::dialects::native::live::{Digest, DigestReply};
use edgewatch_core::units::UnixMillis;
use worker::{Headers, Response};

pub use super::news::News;
pub use super::viewer::{PulseTerms, Viewer};

use super::ViewersError;
use super::news::NewsWire;
use crate::platform::objects::{Class, Objects};

/// The one object.
const NAME: &str = "viewers";
/// Who a viewer is, in the Worker's words. Nothing that a browser sends arrives under this name: [`connect`] takes the headers
/// that negotiate a socket and no others.
pub(super) const VIEWER: &str = "x-edgewatch-viewer";

/// Opens the socket of a viewer: its upgrade's `headers`, without any of its own words on who it is, and who it was found to
/// be. Gives the object's answer: 101 with a socket, or 503 when there are too many viewers.
///
/// # Errors
/// [`ViewersError::Unreachable`] when the object cannot be asked.
pub async fn connect(objects: &Objects, headers: Headers, viewer: Viewer) -> Result<Response, ViewersError> {
    let identity = serde_json::to_string(&viewer).map_err(|error| ViewersError::Unreachable(error.to_string()))?;
    headers.set(VIEWER, &identity)?;
    Ok(objects.connect(Class::Viewers, NAME, "connect", headers).await?)
}

/// Hands a digest over for all viewers.
///
/// # Errors
/// [`ViewersError`] when the object cannot be asked or refuses; then viewers see the change with the next digest of the host.
pub async fn digest(objects: &Objects, digest: &Digest) -> Result<DigestReply, ViewersError> {
    let body = serde_json::to_string(digest).map_err(|error| ViewersError::Unreachable(error.to_string()))?;
    let mut answer = objects.post(Class::Viewers, NAME, "digest", &body).await?;
    match answer.status_code() {
        200 => Ok(answer.json().await?),
        status => Err(ViewersError::Refused(status)),
    }
}

/// Tells programs for Pulse what happened, in this order, and then how everything is; of nothing to tell, only the latter.
///
/// # Errors
/// [`ViewersError`] when the object cannot be asked; then they see it with the next state.
pub async fn tell(objects: &Objects, news: &[News<'_>], now: UnixMillis) -> Result<(), ViewersError> {
    let wire = NewsWire::of(news, now).map_err(|error| ViewersError::Unreachable(error.to_string()))?;
    let body = serde_json::to_string(&wire).map_err(|error| ViewersError::Unreachable(error.to_string()))?;
    match objects.post(Class::Viewers, NAME, "news", &body).await?.status_code() {
        200 | 204 => Ok(()),
        status => Err(ViewersError::Refused(status)),
    }
}

/// Lets every viewer show again who they are: a credential was taken away, and it may have been one of theirs.
///
/// # Errors
/// [`ViewersError`] when the object cannot be asked.
pub async fn let_all_show_again(objects: &Objects) -> Result<(), ViewersError> {
    match objects.post(Class::Viewers, NAME, "again", "").await?.status_code() {
        200 | 204 => Ok(()),
        status => Err(ViewersError::Refused(status)),
    }
}
