//! The fleet for Prometheus.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;

use super::App;
use super::remember::Reader;
use crate::platform::payload::Payload;

/// Every host and probe, and what the deployment uses. What D1 was told last is no answer here: it would look like values of now.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to read; [`Failure::Unavailable`] when the hub does not answer.
pub async fn read(app: &App, reader: &Reader, is_open_metrics: bool) -> Result<Payload, Failure> {
    require(&reader.credential, Right::Read)?;
    let (document, epochs) = app.hub()?.metrics(is_open_metrics).await?;
    require(&reader.confirm(app, Some(&epochs)).await?, Right::Read)?;
    Ok(document)
}
