//! The settings of the server as programs for Pulse have them: a text in table `settings`, and the poll interval in one of its own.

use edgewatch_core::model::proxmox::SystemSettings;
use serde::{Deserialize, Serialize};

use crate::store::settings::{self, PROXMOX_POLL_S};
use crate::store::{Db, Statement, StoreError};

/// The key of all but the poll interval, JSON.
const KEY: &str = "pulse_system";

/// What a row of before did not know is as it is when nothing is set.
#[derive(Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    timeout_s: u32,
    allowed_origins: String,
    update_channel: String,
    updates_itself: bool,
    update_check_h: u32,
    update_at: String,
}

impl Default for Stored {
    fn default() -> Self {
        Self::from(&SystemSettings::default())
    }
}

impl From<&SystemSettings> for Stored {
    fn from(settings: &SystemSettings) -> Self {
        Self {
            timeout_s: settings.timeout_s,
            allowed_origins: settings.allowed_origins.clone(),
            update_channel: settings.update_channel.clone(),
            updates_itself: settings.updates_itself,
            update_check_h: settings.update_check_h,
            update_at: settings.update_at.clone(),
        }
    }
}

/// What is set; `usual_poll_s` where the poll interval is not. Reads 2 rows.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] for what cannot be read.
pub async fn find(db: &Db, usual_poll_s: u32) -> Result<SystemSettings, StoreError> {
    let (stored, poll_s) = settings::find_two(db, KEY, PROXMOX_POLL_S).await?;
    let stored: Stored = match stored {
        Some(text) => serde_json::from_str(&text).map_err(|error| StoreError::Corrupt(format!("{KEY}: {error}")))?,
        None => Stored::default(),
    };
    Ok(SystemSettings {
        polling_s: poll_s.and_then(|text| text.parse().ok()).unwrap_or(usual_poll_s),
        timeout_s: stored.timeout_s,
        allowed_origins: stored.allowed_origins,
        update_channel: stored.update_channel,
        updates_itself: stored.updates_itself,
        update_check_h: stored.update_check_h,
        update_at: stored.update_at,
    })
}

/// The statements that set all of it: 2 rows.
///
/// # Errors
/// [`StoreError::Corrupt`] for what cannot be written.
pub fn put(new: &SystemSettings) -> Result<[Statement; 2], StoreError> {
    let text = serde_json::to_string(&Stored::from(new)).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok([settings::put(KEY, &text), settings::put(PROXMOX_POLL_S, &new.polling_s.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    #[test]
    fn what_is_set_is_found_and_the_rest_is_as_it_usually_is() {
        let db = Db::in_memory().unwrap();
        let fresh = now(find(&db, 10)).unwrap();
        assert_eq!(fresh, SystemSettings { polling_s: 10, ..SystemSettings::default() });
        let new = SystemSettings { polling_s: 7, update_channel: "rc".to_owned(), ..fresh };
        now(db.batch(put(&new).unwrap().into())).unwrap();
        assert_eq!(now(find(&db, 10)).unwrap(), new);
        now(db.run(settings::put(KEY, "{}"))).unwrap();
        assert_eq!(now(find(&db, 10)).unwrap(), SystemSettings { polling_s: 7, ..SystemSettings::default() });
    }
}
