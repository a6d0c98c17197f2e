//! What the deployment spends.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;

use super::App;
use super::remember::Reader;

/// What the meters show, as the hub wrote it: nobody else counts.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to read; [`Failure::Unavailable`] when the hub does not answer.
pub async fn read(app: &App, reader: &Reader) -> Result<String, Failure> {
    require(&reader.credential, Right::Read)?;
    let (reply, epochs) = app.hub()?.usage().await?;
    require(&reader.confirm(app, Some(&epochs)).await?, Right::Read)?;
    Ok(reply)
}
