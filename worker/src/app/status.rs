//! How Edgewatch itself is.

use edgewatch_core::failure::Failure;

use super::App;
use crate::store::settings;

/// Seconds since this deployment was first set up. Reads 1 row.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn uptime_s(app: &App) -> Result<f64, Failure> {
    let installed_at = settings::find_installed_at(&app.db).await?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of centuries are exact")]
    let elapsed_ms = app.now.0.saturating_sub(installed_at.0).max(0) as f64;
    Ok(elapsed_ms / 1000.0)
}
