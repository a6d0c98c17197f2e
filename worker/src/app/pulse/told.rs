//! What programs for Pulse that listen are told as it happens. It is best effort: who is not told now sees it with the next state.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;

use crate::app::App;
use crate::platform::log;
use crate::{proxmox, viewers};

pub use crate::viewers::client::News;

/// Tells what happened, and how everything is then.
pub async fn tell(app: &App, news: &[News<'_>]) {
    let Ok(objects) = app.objects() else { return };
    if let Err(error) = viewers::client::tell(objects, news, app.now).await {
        log::error("pulse.news", &error.to_string());
    }
}

/// Alerts of thresholds are others than they were, by what somebody did: from now on every state has them as the database has.
pub async fn alerts_changed(app: &App) {
    let Ok(objects) = app.objects() else { return };
    if let Err(error) = proxmox::client::alerts_changed(objects).await {
        log::error("pulse.alerts", &error.to_string());
    }
    tell(app, &[]).await;
}

/// Tells as if a node had registered itself.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator.
pub async fn sample(app: &App, caller: &Credential) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    tell(app, &[News::Sample]).await;
    Ok(())
}
