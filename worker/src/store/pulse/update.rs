//! How far an update of the server is: a text in table `settings`.

use edgewatch_core::model::proxmox::{UpdateStatus, UpdateStep};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::store::{Db, Statement, StoreError, settings};

/// The key, JSON.
const KEY: &str = "pulse_update";

#[derive(Serialize, Deserialize)]
struct Stored {
    step: String,
    progress: u8,
    message: String,
    error: String,
    at_s: i64,
    from: String,
}

/// How far an update is, and which version began it; `None` where none ever was.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] for what cannot be read.
pub async fn find(db: &Db) -> Result<Option<(UpdateStatus, String)>, StoreError> {
    let Some(text) = settings::find(db, KEY).await? else { return Ok(None) };
    let corrupt = |detail: String| StoreError::Corrupt(format!("{KEY}: {detail}"));
    let stored: Stored = serde_json::from_str(&text).map_err(|error| corrupt(error.to_string()))?;
    let step = UpdateStep::parse(&stored.step).ok_or_else(|| corrupt(stored.step.clone()))?;
    let status = UpdateStatus {
        step,
        progress: stored.progress,
        message: stored.message,
        error: stored.error,
        at: UnixSeconds(stored.at_s),
    };
    Ok(Some((status, stored.from)))
}

/// The statement that says how far it is, and which version began it: 1 row.
///
/// # Errors
/// [`StoreError::Corrupt`] for what cannot be written.
pub fn put(status: &UpdateStatus, from: &str) -> Result<Statement, StoreError> {
    let stored = Stored {
        step: status.step.word().to_owned(),
        progress: status.progress,
        message: status.message.clone(),
        error: status.error.clone(),
        at_s: status.at.0,
        from: from.to_owned(),
    };
    let text = serde_json::to_string(&stored).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(settings::put(KEY, &text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    #[test]
    fn what_is_said_of_an_update_comes_back() {
        let db = Db::in_memory().unwrap();
        assert_eq!(now(find(&db)).unwrap(), None);
        let status = UpdateStatus::failed("no space", UnixSeconds(7));
        now(db.run(put(&status, "1.0.0").unwrap())).unwrap();
        assert_eq!(now(find(&db)).unwrap(), Some((status, "1.0.0".to_owned())));
        now(db.run(settings::put(KEY, "{}"))).unwrap();
        assert!(now(find(&db)).is_err());
    }
}
