//! The settings of the server as programs for Pulse have them.

use std::sync::Mutex;

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use edgewatch_core::model::proxmox::SystemSettings;
use edgewatch_core::units::UnixSeconds;

use crate::app::{App, actor, proxmox};
use crate::platform::log;
use crate::proxmox::asked::USUAL_POLL_S;
use crate::store::pulse::system;

/// The origins that this isolate of the Worker last read, and when: every answer names them.
static ORIGINS: Mutex<Option<(UnixSeconds, String)>> = Mutex::new(None);
/// How long they are good, seconds.
const ORIGINS_GOOD_FOR_S: i64 = 60;

/// What is set.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn find(app: &App) -> Result<SystemSettings, Failure> {
    Ok(system::find(&app.db, u32::try_from(USUAL_POLL_S).unwrap_or(10)).await?)
}

/// Sets all of it; agents poll by it at once.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator; [`Failure::Unavailable`] when the database does not answer.
pub async fn save(app: &App, caller: &Credential, new: &SystemSettings) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let mut statements = Vec::from(system::put(new)?);
    statements.push(app.audit(&actor(caller), "pulse.system", "")?);
    app.db.batch(statements).await?;
    remember(app, &new.allowed_origins);
    proxmox::tell(app).await;
    Ok(())
}

/// The origins whose pages may read answers: `*`, or origins with commas between them. At most a minute old; `*` when the database does
/// not answer, for no answer is for cookies of other sites anyway.
pub async fn allowed_origins(app: &App) -> String {
    let known = ORIGINS.lock().ok().and_then(|known| known.clone());
    if let Some((at, origins)) = known
        && (0..ORIGINS_GOOD_FOR_S).contains(&app.now_s().since(at))
    {
        return origins;
    }
    match find(app).await {
        Ok(settings) => {
            remember(app, &settings.allowed_origins);
            settings.allowed_origins
        }
        Err(failure) => {
            log::error("pulse.origins", &failure.to_string());
            "*".to_owned()
        }
    }
}

/// Has answers name these origins from now on.
pub(super) fn remember(app: &App, origins: &str) {
    if let Ok(mut known) = ORIGINS.lock() {
        *known = Some((app.now_s(), origins.to_owned()));
    }
}
