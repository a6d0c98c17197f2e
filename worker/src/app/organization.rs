//! The organization that this deployment belongs to: one deployment is one.

use edgewatch_core::failure::Failure;

use super::App;
use super::identity::Party;
use crate::store::settings;

/// What an organization is called that nobody has named.
const UNNAMED: &str = "edgewatch";

/// The organization's name: 1 row read.
///
/// # Errors
/// [`Failure::Forbidden`] for who reaches some hosts alone; [`Failure::Unavailable`] when the database does not answer.
pub async fn name(app: &App, party: &Party) -> Result<String, Failure> {
    party.of_all()?;
    Ok(settings::find(&app.db, settings::ORGANIZATION).await?.unwrap_or_else(|| UNNAMED.to_owned()))
}
